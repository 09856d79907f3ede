//! From a model to what goes into a file of tensors.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use futures::StreamExt as _;
use tfjs_artifacts::{
    DType, Error, ErrorKind, ModelArtifacts, QuantizationDType, SurplusBytes, TensorPlace, WeightData, WeightSpec,
    Weights,
};

use crate::element_type::ElementType;
use crate::envelope::{self, Envelope};
use crate::note::{Note, NoteKind};

/// What a format cannot do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Abilities {
    /// Whether it has complex numbers that all its readers know.
    pub(crate) complex: bool,
    /// Whether a tensor can have this name.
    pub(crate) can_be_called: fn(&str) -> bool,
}

/// What goes into a file.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The tensors, in the order of the model.
    pub(crate) entries: Vec<Entry>,
    /// Their bytes.
    pub(crate) data: WeightData,
    pub(crate) envelope: Envelope,
    pub(crate) notes: Vec<Note>,
}

/// One tensor of a file.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) form: Form,
    /// Its bytes in the data of the model.
    pub(crate) range: Range<u64>,
}

/// How a tensor lies in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) dtype: ElementType,
    pub(crate) shape: Vec<u64>,
}

/// What a file has to hold so that the model comes back as it is.
pub(crate) async fn plan(artifacts: &ModelArtifacts, abilities: Abilities) -> Result<Plan, Error> {
    let mut notes = Vec::new();
    let artifacts = without_surplus(artifacts, &mut notes).await?;
    let mut entries = Vec::new();
    let mut names = BTreeMap::new();
    let mut data = WeightData::empty();
    if let Some(weights) = &artifacts.weights {
        weights.verify_checksums().await?;
        let ranges = ranges(weights).await?;
        let mut taken: BTreeSet<&str> = weights.specs().map(|spec| spec.name.as_str()).collect();
        let fresh = fresh_names(weights, abilities, &mut taken);
        for (spec, range) in weights.specs().zip(ranges) {
            let odd_bools = spec.dtype == DType::Bool
                && spec.quantization.is_none()
                && has_odd_bools(&weights.data().slice(range.clone())?).await?;
            let (form, kind) = form(spec, range.end - range.start, odd_bools, abilities.complex);
            notes.extend(kind.map(|kind| Note::about(&spec.name, kind)));
            let mut name = spec.name.clone();
            if let Some(fresh) = fresh.get(&spec.name) {
                notes.push(Note::about(&spec.name, NoteKind::Renamed { to: fresh.clone() }));
                names.insert(spec.name.clone(), fresh.clone());
                name.clone_from(fresh);
            }
            entries.push(Entry { name, form, range });
        }
        data = weights.data().clone();
    }
    let envelope = envelope::seal(&artifacts, &names)?;
    Ok(Plan { entries, data, envelope, notes })
}

/// How a tensor of so many bytes lies in a file, and what is to be said of that.
pub(crate) fn form(spec: &WeightSpec, bytes: u64, odd_bools: bool, complex: bool) -> (Form, Option<NoteKind>) {
    let shape = spec.shape.dims().to_vec();
    let raw = || Form { dtype: ElementType::U8, shape: vec![bytes] };
    let as_it_is = |dtype| Form { dtype, shape: shape.clone() };
    if let Some(quantization) = &spec.quantization {
        let codes = |dtype: &str| Some(NoteKind::Codes { dtype: dtype.to_owned() });
        return match &quantization.dtype {
            QuantizationDType::Uint8 => (as_it_is(ElementType::U8), codes("uint8")),
            QuantizationDType::Uint16 => (as_it_is(ElementType::U16), codes("uint16")),
            QuantizationDType::Float16 => (as_it_is(ElementType::F16), codes("float16")),
            QuantizationDType::Other(name) => (raw(), codes(name)),
        };
    }
    match &spec.dtype {
        DType::Float32 => (as_it_is(ElementType::F32), None),
        DType::Int32 => (as_it_is(ElementType::I32), None),
        DType::Bool if odd_bools => (as_it_is(ElementType::U8), Some(NoteKind::OddBools)),
        DType::Bool => (as_it_is(ElementType::Bool), None),
        DType::Complex64 if complex => (as_it_is(ElementType::C64), None),
        DType::Complex64 => {
            let shape = [shape.as_slice(), &[2]].concat();
            (Form { dtype: ElementType::F32, shape }, Some(NoteKind::ComplexPairs))
        }
        DType::String => (raw(), Some(NoteKind::Strings)),
        DType::Uint8 => (as_it_is(ElementType::U8), None),
        DType::Uint16 => (as_it_is(ElementType::U16), None),
        DType::Float16 => (as_it_is(ElementType::F16), None),
        DType::Other(name) => (raw(), Some(NoteKind::UnknownDType { dtype: name.to_string() })),
    }
}

/// The bytes of each tensor.
async fn ranges(weights: &Weights) -> Result<Vec<Range<u64>>, Error> {
    weights.verify().await?;
    let mut lost = Vec::new();
    let mut ranges = Vec::new();
    for (spec, place) in weights.specs().zip(weights.locate().await?) {
        match place {
            TensorPlace::At(range) => ranges.push(range),
            TensorPlace::Unknown { .. } => lost.push(format!("`{}` ({})", spec.name, spec.dtype)),
        }
    }
    if lost.is_empty() {
        return Ok(ranges);
    }
    let message = format!("nobody can tell where these tensors lie, because of their types: {}", lost.join(", "));
    Err(Error::new(ErrorKind::Unsupported, message))
}

/// Names for tensors whose own ones the file cannot have.
fn fresh_names<'w>(
    weights: &'w Weights,
    abilities: Abilities,
    taken: &mut BTreeSet<&'w str>,
) -> BTreeMap<String, String> {
    let mut fresh = BTreeMap::new();
    for (index, spec) in weights.specs().enumerate() {
        if (abilities.can_be_called)(&spec.name) {
            continue;
        }
        let mut name = format!("tensor-{index}");
        while taken.contains(name.as_str()) {
            // Ours differ by their numbers; one of theirs is longer than all others.
            name.push('_');
        }
        fresh.insert(spec.name.clone(), name);
    }
    fresh
}

/// Whether there is a byte that is neither 0 nor 1.
async fn has_odd_bools(data: &WeightData) -> Result<bool, Error> {
    let mut windows = data.stream(crate::WINDOW);
    while let Some(window) = windows.next().await {
        if window?.iter().any(|byte| *byte > 1) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The same model without bytes that belong to no tensor: no file of tensors has room for them.
async fn without_surplus(artifacts: &ModelArtifacts, notes: &mut Vec<Note>) -> Result<ModelArtifacts, Error> {
    let mut artifacts = artifacts.clone();
    let Some(weights) = artifacts.weights.as_ref().filter(|weights| weights.surplus_bytes() == SurplusBytes::Allow)
    else {
        return Ok(artifacts);
    };
    weights.verify_checksums().await?;
    let mut ends = ranges(weights).await?.into_iter().map(|range| range.end);
    let mut groups = weights.groups().to_vec();
    let mut segments = Vec::new();
    let (mut start, mut surplus) = (0u64, 0u64);
    for group in &mut groups {
        let length = group.byte_length();
        let end = ends.by_ref().take(group.weights.len()).last().unwrap_or(start);
        segments.extend(weights.data().slice(start..end)?.segments().cloned());
        let mut left = end - start;
        for shard in &mut group.shards {
            let bytes = shard.bytes.min(left);
            if bytes != shard.bytes {
                shard.bytes = bytes;
                shard.sha256 = None;
            }
            left -= bytes;
        }
        surplus += length - (end - start);
        start += length;
    }
    if surplus > 0 {
        notes.push(Note { tensor: None, kind: NoteKind::Surplus { bytes: surplus } });
        // One file without a checksum leaves the others without theirs: a manifest has all of them or none.
        for shard in groups.iter_mut().flat_map(|group| &mut group.shards) {
            shard.sha256 = None;
        }
    }
    artifacts.weights = Some(Weights::new(groups, WeightData::from_segments(segments), SurplusBytes::Reject)?);
    Ok(artifacts)
}
