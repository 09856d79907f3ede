//! Where two models have other weights.

use std::collections::BTreeMap;
use std::fmt;

use futures::TryStreamExt as _;
use tfjs_artifacts::{
    BoxStream, Error, ErrorKind, ModelArtifacts, StoredSize, TensorPlace, WeightSpec, Weights, printable,
};
use tfjs_weights::{ReadAhead, StoredTensor, Tensor, TensorReader, Values};

/// What differs between the weights of two models.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct TensorDifferences {
    /// Weights of the left model only.
    pub only_left: Vec<String>,
    /// Weights of the right model only.
    pub only_right: Vec<String>,
    /// Weights of another type, shape, group or quantization. Where type and shape are the same, values are compared too.
    pub specs: Vec<SpecDifference>,
    /// Weights of other values, the largest difference first.
    pub values: Vec<ValueDifference>,
}

/// A weight that is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpecDifference {
    /// Its name.
    pub name: String,
    /// What the left model says of it, in words.
    pub left: String,
    /// What the right model says of it.
    pub right: String,
}

/// A weight with other values.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ValueDifference {
    /// Its name.
    pub name: String,
    /// How many values differ.
    pub differing: u64,
    /// How many there are.
    pub count: u64,
    /// The largest difference, infinite if one of the two is no number; `None` for what is not numbers.
    pub largest: Option<f64>,
}

impl TensorDifferences {
    pub(super) async fn between(left: &ModelArtifacts, right: &ModelArtifacts, tolerance: f64) -> Result<Self, Error> {
        let mut differences = Self::default();
        // What is no distance, NaN too, makes nothing equal.
        let tolerance = tolerance.max(0.0);
        let (Some(left), Some(right)) = (&left.weights, &right.weights) else {
            let names = |artifacts: &ModelArtifacts| {
                artifacts.weights.iter().flat_map(Weights::specs).map(|spec| spec.name.clone()).collect()
            };
            (differences.only_left, differences.only_right) = (names(left), names(right));
            return Ok(differences);
        };
        let (ours, theirs) = (Side::open(left).await?, Side::open(right).await?);
        let mut pairs = Pairs::of(&ours, &theirs);
        for (index, spec) in ours.reader.specs().iter().enumerate() {
            let pair = pairs.next().await?;
            let Some(&other) = theirs.by_name.get(spec.name.as_str()) else {
                differences.only_left.push(spec.name.clone());
                continue;
            };
            let Some(other_spec) = theirs.reader.specs().get(other) else { continue };
            let (shown, other_shown) = (describe(spec), describe(other_spec));
            if shown != other_shown {
                differences.specs.push(SpecDifference { name: spec.name.clone(), left: shown, right: other_shown });
            }
            if spec.dtype == other_spec.dtype && spec.shape == other_spec.shape {
                differences.values.extend(match pair {
                    Some([one, other]) => compare(spec, &one.decode()?, &other.decode()?, tolerance),
                    None => values(&ours, index, &theirs, other, tolerance).await?,
                });
            }
        }
        let is_new = |spec: &&&WeightSpec| !ours.by_name.contains_key(spec.name.as_str());
        differences.only_right = theirs.reader.specs().iter().filter(is_new).map(|spec| spec.name.clone()).collect();
        let size = |value: &ValueDifference| value.largest.unwrap_or(0.0);
        differences.values.sort_by(|one, other| size(other).total_cmp(&size(one)));
        Ok(differences)
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The weights of one model.
struct Side<'m> {
    weights: &'m Weights,
    reader: TensorReader<'m>,
    by_name: BTreeMap<&'m str, usize>,
}

impl<'m> Side<'m> {
    async fn open(weights: &'m Weights) -> Result<Self, Error> {
        weights.verify().await?;
        let reader = TensorReader::open(weights).await?;
        let by_name = reader.specs().iter().enumerate().map(|(index, spec)| (spec.name.as_str(), index)).collect();
        Ok(Self { weights, reader, by_name })
    }

    /// The bytes of a tensor that cannot be decoded.
    async fn stored(&self, index: usize) -> Result<tfjs_artifacts::Bytes, Error> {
        match self.reader.places().get(index) {
            Some(TensorPlace::At(range)) => self.weights.data().read(range.clone()).await,
            _ => Err(Error::new(
                ErrorKind::Unsupported,
                "nobody can tell where the bytes of a weight of unknown type lie",
            )),
        }
    }
}

/// The tensors of two models side by side, if they have the same ones in the same order: then neighbours share a read.
struct Pairs<'m>(Option<[Tensors<'m>; 2]>);

type Tensors<'m> = BoxStream<'m, Result<StoredTensor<'m>, Error>>;

/// How much of each side is in memory ahead.
const AHEAD: u64 = 8 << 20;

impl<'m> Pairs<'m> {
    fn of(ours: &Side<'m>, theirs: &Side<'m>) -> Self {
        let (specs, others) = (ours.reader.specs(), theirs.reader.specs());
        let is_one_order =
            specs.len() == others.len() && specs.iter().zip(others).all(|(one, other)| one.name == other.name);
        let is_known = |spec: &WeightSpec| !matches!(spec.stored_size(), StoredSize::Unknown);
        let can_be = is_one_order && specs.iter().chain(others).all(|spec| is_known(spec));
        Self(can_be.then(|| [ours, theirs].map(|side| side.reader.stored_tensors(ReadAhead::new().with_bytes(AHEAD)))))
    }

    /// The next two, or none if they have to be looked for.
    async fn next(&mut self) -> Result<Option<[StoredTensor<'m>; 2]>, Error> {
        let Some([ours, theirs]) = &mut self.0 else { return Ok(None) };
        let (one, other) = (ours.try_next().await?, theirs.try_next().await?);
        Ok(one.zip(other).map(<[_; 2]>::from))
    }
}

fn describe(spec: &WeightSpec) -> String {
    let mut text = format!("{} {}", spec.dtype, spec.shape);
    if let Some(group) = &spec.group {
        text = format!("{text}, group `{group}`");
    }
    if let Some(quantization) = &spec.quantization {
        let number = |number: &Option<tfjs_artifacts::RawJson>| {
            number.as_ref().map_or_else(String::new, |number| format!(" {}", number.to_js_string()))
        };
        let (dtype, min, scale) = (quantization.dtype.as_str(), &quantization.min, &quantization.scale);
        text = format!("{text}, quantized as {dtype}{}{}", number(min), number(scale));
    }
    text
}

/// Compares two tensors of one type and shape.
async fn values(
    ours: &Side<'_>,
    index: usize,
    theirs: &Side<'_>,
    other: usize,
    tolerance: f64,
) -> Result<Option<ValueDifference>, Error> {
    let Some(spec) = ours.reader.specs().get(index) else { return Ok(None) };
    if matches!(spec.stored_size(), StoredSize::Unknown) {
        let (name, count) = (spec.name.clone(), spec.shape.size());
        let is_same = ours.stored(index).await? == theirs.stored(other).await?;
        return Ok((!is_same).then_some(ValueDifference { name, differing: count, count, largest: None }));
    }
    let (one, other) = (ours.reader.nth(index).await?, theirs.reader.nth(other).await?);
    Ok(compare(spec, &one, &other, tolerance))
}

/// Compares the values of a tensor.
fn compare(spec: &WeightSpec, one: &Tensor, other: &Tensor, tolerance: f64) -> Option<ValueDifference> {
    let (name, count) = (spec.name.clone(), spec.shape.size());
    let mut tally = Tally { differing: 0, largest: None, tolerance };
    match (one.values(), other.values()) {
        (Values::Float32(one), Values::Float32(other)) => tally.floats(one, other),
        (Values::Complex64(one), Values::Complex64(other)) => {
            for (one, other) in one.iter().zip(other.iter()) {
                let before = tally.differing;
                tally.floats(one, other);
                // One number, whichever of its parts differ.
                tally.differing = before + u64::from(tally.differing > before);
            }
        }
        (Values::Int32(one), Values::Int32(other)) => {
            for (one, other) in one.iter().zip(other.iter()) {
                tally.number((f64::from(*one) - f64::from(*other)).abs());
            }
        }
        (Values::Bool(one), Values::Bool(other)) => tally.differing = differing(one.iter(), other.iter()),
        (Values::String(one), Values::String(other)) => tally.differing = differing(one.iter(), other.iter()),
        _ => tally.differing = count,
    }
    let Tally { differing, largest, .. } = tally;
    (differing > 0).then_some(ValueDifference { name, differing, count, largest })
}

/// How many values that are no numbers differ.
fn differing<T: PartialEq>(one: impl Iterator<Item = T>, other: impl Iterator<Item = T>) -> u64 {
    one.zip(other).filter(|(one, other)| one != other).count() as u64
}

/// What differs so far.
struct Tally {
    differing: u64,
    largest: Option<f64>,
    tolerance: f64,
}

impl Tally {
    fn floats(&mut self, one: &[f32], other: &[f32]) {
        for (one, other) in one.iter().zip(other) {
            let is_near = self.tolerance > 0.0 && (one == other || (one.is_nan() && other.is_nan()));
            if one.to_bits() == other.to_bits() || is_near {
                continue;
            }
            match (f64::from(*one) - f64::from(*other)).abs() {
                // Two zeros with different signs, and without a tolerance they are two.
                0.0 => self.count(0.0),
                difference if difference.is_nan() => self.number(f64::INFINITY),
                difference => self.number(difference),
            }
        }
    }

    fn number(&mut self, difference: f64) {
        if difference > self.tolerance {
            self.count(difference);
        }
    }

    fn count(&mut self, difference: f64) {
        self.differing += 1;
        self.largest = Some(self.largest.map_or(difference, |largest| largest.max(difference)));
    }
}

impl fmt::Display for TensorDifferences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in &self.only_left {
            writeln!(f, "weight `{}`: only in the left model", printable(name))?;
        }
        for name in &self.only_right {
            writeln!(f, "weight `{}`: only in the right model", printable(name))?;
        }
        for SpecDifference { name, left, right } in &self.specs {
            let [name, left, right] = [name, left, right].map(|text| printable(text));
            writeln!(f, "weight `{name}`: {left} | {right}")?;
        }
        for ValueDifference { name, differing, count, largest } in &self.values {
            write!(f, "weight `{}`: {differing} of {count} values differ", printable(name))?;
            match largest {
                Some(largest) => writeln!(f, ", at most by {largest:e}")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}
