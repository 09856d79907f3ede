//! Which weights a model has, in which order, and where the value of each is.

use std::collections::BTreeMap;

use tfjs_artifacts::{ModelArtifacts, WeightSpec};
use tfjs_weights::Tensor;

use crate::error::ModelError;
use crate::matching::{MatchReport, Target, WeightMatching, match_weights};
use crate::network::{Built, Holds, Kind, LayerId, Network, Place, WeightId};
use crate::topology::Topology;

/// All weights of a model. Which there are, and how they are called, never changes; their values do.
#[derive(Clone, Debug)]
pub(super) struct WeightTable {
    /// Those that are trained first.
    entries: Vec<Entry>,
    /// The places of the entries in the order of their names, and of those with the same name in their own.
    by_name: Vec<usize>,
    /// The places of the entries of layers.
    by_weight: BTreeMap<WeightId, usize>,
    /// The places of the entries of the file.
    by_spec: BTreeMap<usize, usize>,
    /// The specs that belong to layers of which nothing is known.
    claimed: BTreeMap<LayerId, Vec<usize>>,
    /// The specs of the file in order.
    specs: Vec<WeightSpec>,
}

/// A weight.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) source: Source,
    pub(super) is_trainable: bool,
    pub(super) value: Option<Value>,
}

/// Where the name and the shape of a weight are from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// The layers.
    Layer(WeightId),
    /// The file, which alone knows.
    File(usize),
}

/// The value of a weight.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A spec of the file.
    Loaded(usize),
    /// Given later.
    Set(Box<SetValue>),
}

/// A value that was given later.
#[derive(Clone, Debug)]
pub(super) struct SetValue {
    pub(super) spec: WeightSpec,
    pub(super) tensor: Tensor,
    /// The spec of the file in whose place it is, if there was one.
    pub(super) replaces: Option<usize>,
}

impl WeightTable {
    pub(super) fn new(
        topology: &Topology,
        artifacts: &ModelArtifacts,
        matching: &WeightMatching,
    ) -> Result<(Self, MatchReport), ModelError> {
        let network = &topology.network;
        let specs: Vec<_> = artifacts.weights.iter().flat_map(|weights| weights.specs().cloned()).collect();
        let (of_model, places): (Vec<_>, Vec<_>) =
            specs.iter().zip(0usize..).filter(|(spec, _)| !spec.is_optimizer()).unzip();
        let in_file = |place: usize| places.get(place).copied();
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
        let matched = match_weights(&targets, &prefixes, &of_model, matching)?;

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
        Ok((Self::indexed(entries, claimed, specs, network), matched.report))
    }

    fn indexed(
        entries: Vec<Entry>,
        claimed: BTreeMap<LayerId, Vec<usize>>,
        specs: Vec<WeightSpec>,
        network: &Network,
    ) -> Self {
        let (mut by_weight, mut by_spec) = (BTreeMap::new(), BTreeMap::new());
        for (place, entry) in entries.iter().enumerate() {
            match entry.source {
                Source::Layer(id) => by_weight.insert(id, place),
                Source::File(index) => by_spec.insert(index, place),
            };
        }
        let names = entries.iter().map(|entry| entry.source.name(network, &specs));
        let mut by_name: Vec<_> = names.zip(0..).collect();
        by_name.sort_unstable();
        let by_name = by_name.into_iter().map(|(_, place)| place).collect();
        Self { entries, by_name, by_weight, by_spec, claimed, specs }
    }

    /// In the order of `model.weights`.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The specs of the file in order.
    pub(super) fn specs(&self) -> &[WeightSpec] {
        &self.specs
    }

    /// The spec of a weight that only the file knows.
    #[expect(clippy::indexing_slicing, reason = "the table holds places of its own specs only")]
    pub(super) fn spec(&self, index: usize) -> &WeightSpec {
        &self.specs[index]
    }

    /// The place of the first entry of this name.
    pub(super) fn position(&self, network: &Network, name: &str) -> Option<usize> {
        let name_at = |place: usize| Some(self.entries.get(place)?.source.name(network, &self.specs));
        let at = self.by_name.partition_point(|&place| name_at(place) < Some(name));
        self.by_name.get(at).copied().filter(|&place| name_at(place) == Some(name))
    }

    /// Gives the entry at this place a value.
    pub(super) fn set(&mut self, place: usize, tensor: &Tensor) {
        let Some(entry) = self.entries.get_mut(place) else { return };
        let replaces = entry.value.as_ref().and_then(|value| match value {
            Value::Loaded(index) => Some(*index),
            Value::Set(set) => set.replaces,
        });
        let (spec, tensor) = (tensor.spec(), tensor.clone());
        entry.value = Some(Value::Set(Box::new(SetValue { spec, tensor, replaces })));
    }

    /// The entries of one of the layers, those of layers inside of it included.
    pub(super) fn of_layer(&self, network: &Network, layer: LayerId) -> impl Iterator<Item = &Entry> {
        let own = network.weights_of(layer).into_iter().filter_map(|(id, _)| self.by_weight.get(&id));
        let mut opaque = Vec::new();
        collect_opaque(network, layer, &mut opaque);
        let claimed = opaque.into_iter().filter_map(|layer| self.claimed.get(&layer)).flatten();
        let claimed = claimed.filter_map(|index| self.by_spec.get(index));
        own.chain(claimed).filter_map(|&place| self.entries.get(place))
    }
}

impl Source {
    #[expect(clippy::indexing_slicing, reason = "the table holds places of its own specs only")]
    fn name<'m>(self, network: &'m Network, specs: &'m [WeightSpec]) -> &'m str {
        match self {
            Self::Layer(id) => network.weight(id).name(),
            Self::File(index) => &specs[index].name,
        }
    }
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
