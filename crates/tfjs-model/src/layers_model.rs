//! A model of layers.

mod layer;
mod save;
mod summary;
mod training;
mod weight_table;
mod weights;

use std::sync::OnceLock;

use tfjs_artifacts::{Limits, ModelArtifacts, RawJson, TensorPlace};

use crate::ModelKind;
use crate::error::ModelError;
use crate::matching::{MatchReport, WeightMatching};
use crate::problem::abbreviate;
use crate::topology::Topology;

pub use layer::{Connection, InputOutput, Layer};
pub use save::SaveConfig;
pub use summary::SummaryOptions;
pub use training::{OptimizerState, Slot, TrainingConfig};
pub use weights::{ParamCounts, Weight};

use weight_table::WeightTable;

/// A model of layers: what `tf.loadLayersModel` gives, but for running it.
///
/// Layers have the names, shapes and weights that TensorFlow.js gives them; the weights of the file are matched to them by name. Their
/// bytes stay where they are, and are read when somebody asks for them, or saves the model.
#[derive(Debug)]
pub struct LayersModel {
    artifacts: ModelArtifacts,
    topology: Topology,
    weights: WeightTable,
    /// Where the tensors of the file lie, once the first was read: the artifacts keep their weights.
    places: OnceLock<Vec<TensorPlace>>,
    report: MatchReport,
    keeps_optimizer: bool,
}

impl LayersModel {
    /// Reads the topology, and matches the weights if there are any.
    ///
    /// # Errors
    /// [`ModelError::WrongKind`] when it is a graph-model; [`ModelError::Topology`] and [`ModelError::Layer`] when the topology cannot be
    /// that of a model; [`ModelError::DuplicateWeight`] and [`ModelError::Weights`] when weights do not fit.
    pub fn from_artifacts(
        artifacts: ModelArtifacts,
        matching: &WeightMatching,
        limits: &Limits,
    ) -> Result<Self, ModelError> {
        ModelKind::Layers.expect(&artifacts)?;
        let topology = Topology::read(&artifacts, limits)?;
        let (weights, report) = WeightTable::new(&topology, &artifacts, matching)?;
        if artifacts.weights.is_some() && !matching.accepts(&report) {
            return Err(ModelError::Weights(Box::new(report)));
        }
        Ok(Self { artifacts, topology, weights, places: OnceLock::new(), report, keeps_optimizer: true })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.root().name
    }

    /// Its class: `Sequential`, `Functional` or `Model`.
    pub fn class_name(&self) -> &str {
        &self.root().class_name
    }

    fn root(&self) -> &crate::network::LayerEntry {
        self.topology.network.layer(self.topology.root)
    }

    /// Its layers, in the order of `model.layers`.
    pub fn layers(&self) -> impl Iterator<Item = Layer<'_>> {
        self.topology.container.layers.iter().map(|&id| Layer::new(self, id))
    }

    /// A layer by its name: `model.getLayer(name)`.
    pub fn layer(&self, name: &str) -> Option<Layer<'_>> {
        self.layers().find(|layer| layer.name() == name)
    }

    /// What it takes.
    pub fn inputs(&self) -> Vec<InputOutput<'_>> {
        self.topology.container.inputs.iter().map(|tensor| InputOutput::new(self, tensor)).collect()
    }

    /// What it gives.
    pub fn outputs(&self) -> Vec<InputOutput<'_>> {
        self.topology.container.outputs.iter().map(|tensor| InputOutput::new(self, tensor)).collect()
    }

    /// What was not understood, and why: layers of classes that TensorFlow.js does not have. One sentence each.
    pub fn notes(&self) -> &[String] {
        &self.topology.notes
    }

    /// How the weights of the file fitted when it was loaded.
    pub fn report(&self) -> &MatchReport {
        &self.report
    }

    /// What it was loaded from, as it was.
    pub fn artifacts(&self) -> &ModelArtifacts {
        &self.artifacts
    }

    /// What the user attached: `getUserDefinedMetadata`.
    pub fn user_defined_metadata(&self) -> Option<&RawJson> {
        self.artifacts.user_defined_metadata.as_ref().filter(|metadata| !metadata.is_null())
    }

    /// Attaches something, or takes it away, without touching anything else: `setUserDefinedMetadata`.
    ///
    /// # Errors
    /// [`ModelError::Metadata`] when it is no JSON object.
    pub fn set_user_defined_metadata(&mut self, metadata: Option<RawJson>) -> Result<(), ModelError> {
        if let Some(metadata) = metadata.as_ref().filter(|metadata| !metadata.get().starts_with('{')) {
            return Err(ModelError::Metadata { found: abbreviate(metadata.get()) });
        }
        self.artifacts.user_defined_metadata = metadata;
        Ok(())
    }
}
