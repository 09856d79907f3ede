//! The weights of a model: which there are, which value each has, and other values for them.

use std::collections::BTreeMap;

use tfjs_artifacts::{DType, Error, ErrorKind, ModelArtifacts, Shape, TensorPlace, WeightSpec, Weights};
use tfjs_weights::{Tensor, TensorReader, decode};

use super::{Layer, LayersModel};
use crate::error::ModelError;
use crate::matching::{DTypeMismatch, MatchReport, ShapeMismatch, Target, WeightMatching, match_weights};
use crate::network::{Built, Holds, Kind, LayerId, Network, Place, WeightId};
use crate::problem::abbreviate;
use crate::topology::Topology;

/// The numbers that `summary` ends with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParamCounts {
    /// Values that are trained.
    pub trainable: u64,
    /// Values that are not.
    pub non_trainable: u64,
}

impl ParamCounts {
    /// All of them.
    pub fn total(self) -> u64 {
        self.trainable.saturating_add(self.non_trainable)
    }

    fn add(&mut self, is_trainable: bool, count: u64) {
        let place = if is_trainable { &mut self.trainable } else { &mut self.non_trainable };
        *place = place.saturating_add(count);
    }
}

/// A weight of a model, and its value if it has one.
#[derive(Clone, Debug)]
pub struct Weight<'m> {
    name: &'m str,
    shape: &'m Shape,
    dtype: &'m DType,
    is_trainable: bool,
    value: Option<&'m Value>,
    spec: Option<&'m WeightSpec>,
}

impl<'m> Weight<'m> {
    /// Its name: `dense_1/kernel`.
    pub fn name(&self) -> &'m str {
        self.name
    }

    /// Its shape.
    pub fn shape(&self) -> &'m Shape {
        self.shape
    }

    /// The type of its values.
    pub fn dtype(&self) -> &'m DType {
        self.dtype
    }

    /// Whether it is trained.
    pub fn is_trainable(&self) -> bool {
        self.is_trainable
    }

    /// Whether it has a value.
    pub fn is_set(&self) -> bool {
        self.value.is_some()
    }

    /// How its value is stored: the spec of the file, or of the tensor that it was set to.
    pub fn spec(&self) -> Option<&'m WeightSpec> {
        self.spec
    }

    /// The number of its values.
    pub fn count_params(&self) -> u64 {
        self.shape.size()
    }
}

/// The value of a weight.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A spec of the file.
    Loaded(usize),
    /// Given later, in the place of a spec of the file if there was one.
    Set(Box<(WeightSpec, Tensor, Option<usize>)>),
}

/// A weight that is saved.
pub(super) enum Saved {
    /// As the file has it, maybe under another name.
    Loaded {
        /// The place of its spec.
        index: usize,
        /// Its spec.
        spec: WeightSpec,
    },
    /// As it was set.
    Set {
        /// Its spec.
        spec: WeightSpec,
        /// Its values.
        tensor: Tensor,
    },
}

/// A weight of the model in the order of TensorFlow.js.
#[derive(Clone, Debug)]
struct Entry {
    source: Source,
    is_trainable: bool,
    value: Option<Value>,
}

/// Where the name and the shape of a weight are from.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// The layers.
    Layer(WeightId),
    /// The file, which alone knows.
    File(usize),
}

impl Source {
    /// A name; never `None`, since the table holds places of its own specs only.
    fn name<'m>(self, network: &'m Network, specs: &'m [WeightSpec]) -> Option<&'m str> {
        match self {
            Self::Layer(id) => Some(network.weight(id).name()),
            Self::File(index) => specs.get(index).map(|spec| spec.name.as_str()),
        }
    }
}

/// All weights of a model. Which there are, and how they are called, never changes; their values do.
#[derive(Clone, Debug)]
pub(super) struct WeightTable {
    /// Those that are trained first.
    entries: Vec<Entry>,
    /// The places of the entries in the order of their names, and of those with the same name in their own.
    by_name: Vec<usize>,
    by_weight: BTreeMap<WeightId, usize>,
    /// Those of the file.
    by_spec: BTreeMap<usize, usize>,
    /// Of layers of which nothing is known.
    claimed: BTreeMap<LayerId, Vec<usize>>,
    /// The specs of the file in order.
    specs: Vec<WeightSpec>,
}

impl WeightTable {
    pub(super) fn new(
        topology: &Topology,
        artifacts: &ModelArtifacts,
        matching: &WeightMatching,
    ) -> Result<(Self, MatchReport), ModelError> {
        let network = &topology.network;
        let specs: Vec<_> = artifacts.weights.iter().flat_map(|weights| weights.specs().cloned()).collect();
        let of_model: Vec<_> = specs.iter().enumerate().filter(|(_, spec)| !spec.is_optimizer()).collect();
        let (mut targets, mut ids) = (Vec::new(), Vec::new());
        for &layer in &topology.container.layers {
            for (index, (id, place)) in network.weights_of(layer).into_iter().enumerate() {
                targets.push(Target { weight: network.weight(id), index });
                ids.push((id, place));
            }
        }
        let mut opaque = Vec::new();
        topology.container.layers.iter().for_each(|&layer| collect_opaque(network, layer, &mut opaque));
        let prefixes: Vec<_> = opaque.iter().map(|&layer| format!("{}/", network.layer(layer).name)).collect();
        let plain: Vec<_> = of_model.iter().map(|(_, spec)| *spec).collect();
        let matched = match_weights(&targets, &prefixes, &plain, matching)?;

        let in_file = |place: usize| of_model.get(place).map(|(index, _)| *index);
        let mut entries: Vec<Entry> = Vec::with_capacity(targets.len());
        for (&(id, place), of_target) in ids.iter().zip(matched.of_target) {
            let value = of_target.and_then(in_file).map(Value::Loaded);
            entries.push(Entry { source: Source::Layer(id), is_trainable: place == Place::Trainable, value });
        }
        let mut claimed: BTreeMap<LayerId, Vec<usize>> = BTreeMap::new();
        for (place, prefix) in matched.claimed {
            let (Some(index), Some(&layer)) = (in_file(place), opaque.get(prefix)) else { continue };
            claimed.entry(layer).or_default().push(index);
            let is_trainable = network.layer(layer).trainable;
            entries.push(Entry { source: Source::File(index), is_trainable, value: Some(Value::Loaded(index)) });
        }
        // Stable: the order of the layers stays.
        entries.sort_by_key(|entry| !entry.is_trainable);
        let (mut by_weight, mut by_spec) = (BTreeMap::new(), BTreeMap::new());
        for (place, entry) in entries.iter().enumerate() {
            match entry.source {
                Source::Layer(id) => by_weight.insert(id, place),
                Source::File(index) => by_spec.insert(index, place),
            };
        }
        let by_name = in_order_of_names(&entries, network, &specs);
        Ok((Self { entries, by_name, by_weight, by_spec, claimed, specs }, matched.report))
    }

    /// The place of the first entry of this name.
    fn position(&self, network: &Network, name: &str) -> Option<usize> {
        let name_at = |place: usize| self.entries.get(place)?.source.name(network, &self.specs);
        let at = self.by_name.partition_point(|&place| name_at(place) < Some(name));
        self.by_name.get(at).copied().filter(|&place| name_at(place) == Some(name))
    }

    /// The specs of the file in order.
    pub(super) fn specs(&self) -> &[WeightSpec] {
        &self.specs
    }
}

fn in_order_of_names(entries: &[Entry], network: &Network, specs: &[WeightSpec]) -> Vec<usize> {
    let mut by_name: Vec<_> =
        entries.iter().enumerate().map(|(place, entry)| (entry.source.name(network, specs), place)).collect();
    by_name.sort_unstable();
    by_name.into_iter().map(|(_, place)| place).collect()
}

/// The layers whose weights only the file knows, since their class is unknown or their input is.
fn collect_opaque(network: &Network, layer: LayerId, found: &mut Vec<LayerId>) {
    let entry = network.layer(layer);
    if matches!(entry.built, Built::Opaque) {
        found.push(layer);
        return;
    }
    match &entry.kind {
        Kind::Container(container) => container.layers.iter().for_each(|&inner| collect_opaque(network, inner, found)),
        Kind::Known(kind) => {
            let mut inside = Vec::new();
            let inner = match kind.holds() {
                Holds::Own => Vec::new(),
                Holds::Inner(inner) | Holds::Cell(inner) => vec![inner],
                Holds::Cells(cells) => cells,
                Holds::Both(layers) => layers.to_vec(),
            };
            for inner in inner {
                collect_opaque(network, inner, &mut inside);
            }
            if !inside.is_empty() {
                found.push(layer);
            }
        }
        Kind::Input | Kind::Unknown => {}
    }
}

impl LayersModel {
    /// Its weights in the order of `model.weights`: those that are trained first.
    pub fn weights(&self) -> impl Iterator<Item = Weight<'_>> {
        self.weights.entries.iter().map(|entry| self.weight_of(entry))
    }

    /// A weight by its name.
    pub fn weight(&self, name: &str) -> Option<Weight<'_>> {
        let place = self.weights.position(&self.topology.network, name)?;
        self.weights.entries.get(place).map(|entry| self.weight_of(entry))
    }

    fn weight_of<'m>(&'m self, entry: &'m Entry) -> Weight<'m> {
        let spec = entry.value.as_ref().and_then(|value| match value {
            Value::Loaded(index) => self.weights.specs.get(*index),
            Value::Set(set) => Some(&set.0),
        });
        let (is_trainable, value) = (entry.is_trainable, entry.value.as_ref());
        match entry.source {
            Source::Layer(id) => {
                let weight = self.topology.network.weight(id);
                let (name, shape, dtype) = (weight.name(), weight.shape(), weight.dtype());
                Weight { name, shape, dtype, is_trainable, value, spec }
            }
            Source::File(index) => self.weight_of_file(index, is_trainable, value, spec),
        }
    }

    #[expect(clippy::indexing_slicing, reason = "the table holds places of its own specs only")]
    fn weight_of_file<'m>(
        &'m self,
        index: usize,
        is_trainable: bool,
        value: Option<&'m Value>,
        spec: Option<&'m WeightSpec>,
    ) -> Weight<'m> {
        let own = &self.weights.specs[index];
        Weight { name: &own.name, shape: &own.shape, dtype: &own.dtype, is_trainable, value, spec }
    }

    /// The values of a weight, read from where they are; quantized ones are decoded. Where each lies is found out once, so all weights can
    /// be read one by one.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such weight or it has no value, and what reading and decoding report.
    pub async fn read_weight(&self, name: &str) -> Result<Tensor, Error> {
        let weight = self.weight(name).ok_or_else(|| self.no_such_weight(name))?;
        let missing = || Error::new(ErrorKind::NotFound, format!("the weight `{name}` has no value"));
        let in_file = match weight.value.ok_or_else(missing)? {
            Value::Set(set) => return Ok(set.1.clone()),
            Value::Loaded(index) => *index,
        };
        let weights = self.artifacts.weights.as_ref().ok_or_else(missing)?;
        let (_, shape, values) = self.read_from_file(weights, in_file).await?.into_parts();
        Tensor::new(name, shape, values).map_err(|error| Error::new(ErrorKind::Unexpected, error.to_string()))
    }

    async fn read_from_file(&self, weights: &Weights, index: usize) -> Result<Tensor, Error> {
        let places = if let Some(places) = self.places.get() {
            places
        } else {
            let found = weights.locate().await?;
            self.places.get_or_init(|| found)
        };
        match (self.weights.specs.get(index), places.get(index)) {
            (Some(spec), Some(TensorPlace::At(range))) => {
                Ok(decode(spec, &weights.data().read_pieces(range.clone()).await?)?)
            }
            // It says why there is no place.
            _ => TensorReader::open(weights).await?.nth(index).await,
        }
    }

    /// Gives the weight of the tensor's name its values.
    ///
    /// # Errors
    /// [`ModelError::NoSuchWeight`], and [`ModelError::Weights`] when shape or type are not those that the layer wants.
    pub fn set_weight(&mut self, tensor: &Tensor) -> Result<(), ModelError> {
        let place = self.weights.position(&self.topology.network, tensor.name());
        let entry = place.and_then(|place| self.weights.entries.get(place));
        let weight = entry.map(|entry| self.weight_of(entry)).ok_or_else(|| self.no_such_weight(tensor.name()))?;
        let mut report = MatchReport::default();
        if weight.shape != tensor.shape() {
            let (expected, found) = (weight.shape.clone(), tensor.shape().clone());
            report.shape_mismatch.push(ShapeMismatch { name: tensor.name().to_owned(), expected, found });
        }
        if *weight.dtype != tensor.dtype() {
            let (expected, found) = (weight.dtype.clone(), tensor.dtype());
            report.dtype_mismatch.push(DTypeMismatch { name: tensor.name().to_owned(), expected, found });
        }
        if !report.is_clean() {
            return Err(ModelError::Weights(Box::new(report)));
        }
        if let Some(entry) = place.and_then(|place| self.weights.entries.get_mut(place)) {
            let replaced = entry.value.as_ref().and_then(|value| match value {
                Value::Loaded(index) => Some(*index),
                Value::Set(set) => set.2,
            });
            entry.value = Some(Value::Set(Box::new((tensor.spec(), tensor.clone(), replaced))));
        }
        Ok(())
    }

    fn no_such_weight(&self, name: &str) -> ModelError {
        // Of long names only the beginnings: comparing takes the product of their lengths.
        let name = abbreviate(name);
        let likeness = |weight: &Weight<'_>| strsim::jaro_winkler(&abbreviate(weight.name), &name);
        let nearest =
            self.weights().map(|weight| (likeness(&weight), weight.name)).filter(|(likeness, _)| *likeness > 0.8);
        let nearest = nearest.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, name)| name.to_owned());
        ModelError::NoSuchWeight { name, nearest }
    }

    /// How many values its weights have.
    pub fn count_params(&self) -> ParamCounts {
        let mut counts = ParamCounts::default();
        self.weights().for_each(|weight| counts.add(weight.is_trainable, weight.count_params()));
        counts
    }

    /// What is saved of the weights, in the order of the file; what the file does not have stands at the end.
    pub(super) fn saved_weights(
        &self,
        trainable_only: bool,
        include_optimizer: bool,
    ) -> Result<Vec<Saved>, ModelError> {
        let wanted: Vec<_> = self.weights().filter(|weight| weight.is_trainable || !trainable_only).collect();
        let names: Vec<_> =
            wanted.iter().filter(|weight| !weight.is_set()).map(|weight| weight.name.to_owned()).collect();
        if !names.is_empty() && names.len() < wanted.len() {
            return Err(ModelError::Unset { names, total: wanted.len() });
        }
        let mut saved: Vec<(usize, Saved)> = Vec::new();
        for weight in wanted {
            let mut spec = match weight.spec {
                Some(spec) => spec.clone(),
                None => continue,
            };
            weight.name.clone_into(&mut spec.name);
            match weight.value {
                Some(Value::Loaded(index)) => saved.push((*index, Saved::Loaded { index: *index, spec })),
                Some(Value::Set(set)) => {
                    saved.push((set.2.unwrap_or(usize::MAX), Saved::Set { spec, tensor: set.1.clone() }));
                }
                None => {}
            }
        }
        if include_optimizer {
            let specs = self.weights.specs.iter().enumerate().filter(|(_, spec)| spec.is_optimizer());
            saved.extend(specs.map(|(index, spec)| (index, Saved::Loaded { index, spec: spec.clone() })));
        }
        saved.sort_by_key(|(place, _)| *place);
        Ok(saved.into_iter().map(|(_, saved)| saved).collect())
    }

    /// The weights of one of its layers.
    pub(super) fn weights_of_layer(&self, layer: &Layer<'_>) -> Vec<Weight<'_>> {
        let network = &self.topology.network;
        let own =
            network.weights_of(layer.id()).into_iter().filter_map(|(id, _)| self.weights.by_weight.get(&id).copied());
        let mut opaque = Vec::new();
        collect_opaque(network, layer.id(), &mut opaque);
        let claimed = opaque.iter().filter_map(|layer| self.weights.claimed.get(layer)).flatten();
        let claimed = claimed.filter_map(|index| self.weights.by_spec.get(index).copied());
        let places: Vec<_> = own.chain(claimed).collect();
        places
            .into_iter()
            .filter_map(|place| self.weights.entries.get(place))
            .map(|entry| self.weight_of(entry))
            .collect()
    }
}
