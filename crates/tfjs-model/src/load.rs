//! From a URL or a handler to a model of layers, or of either kind, and back to a URL.

use tfjs_artifacts::{Error, ModelArtifacts, Operation, SaveResult};
use tfjs_router::{LoadHandler, LoadOptions, Router, SaveOptions};

use crate::{GraphModel, GraphModelOptions, LayersModel, ModelKind, SaveConfig, WeightMatching};

/// How to load a model of layers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LayersModelOptions {
    /// How its artifacts are loaded. By default the weights stay where they are.
    pub load: LoadOptions,
    /// How the weights are matched to the layers.
    pub matching: WeightMatching,
}

impl LayersModelOptions {
    /// Everything must fit, and weights are read when they are used.
    pub fn new() -> Self {
        Self { load: LoadOptions::lazy(), matching: WeightMatching::strict() }
    }

    /// With these options for the artifacts.
    #[must_use]
    pub fn with_load(mut self, load: LoadOptions) -> Self {
        self.load = load;
        self
    }

    /// With this matching.
    #[must_use]
    pub fn with_matching(mut self, matching: WeightMatching) -> Self {
        self.matching = matching;
        self
    }
}

impl Default for LayersModelOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// A model of either kind.
#[derive(Debug)]
#[non_exhaustive]
pub enum Model {
    /// Layers.
    Layers(Box<LayersModel>),
    /// A graph.
    Graph(Box<GraphModel>),
}

/// Loads a model of layers from a URL or plain path.
///
/// # Errors
/// What [`Router::load`] reports, and, as [`InvalidData`](tfjs_artifacts::ErrorKind::InvalidData) or [`Unsupported`](tfjs_artifacts::ErrorKind::Unsupported), what
/// [`LayersModel::from_artifacts`] does.
pub async fn load_layers_model(router: &Router, url: &str, options: &LayersModelOptions) -> Result<LayersModel, Error> {
    let artifacts = router.load(url, &options.load).await?;
    layers_model(artifacts, options).map_err(|error| error.with_location(url))
}

/// Loads a model of layers from any handler.
///
/// # Errors
/// As [`load_layers_model`].
pub async fn load_layers_model_from(
    handler: &dyn LoadHandler,
    options: &LayersModelOptions,
) -> Result<LayersModel, Error> {
    layers_model(handler.load(&options.load).await?, options)
}

/// Loads a model of either kind from a URL or plain path: which one it is, `format` or the topology tells.
///
/// # Errors
/// As [`load_layers_model`].
pub async fn load_model(router: &Router, url: &str, options: &LayersModelOptions) -> Result<Model, Error> {
    let artifacts = router.load(url, &options.load).await?;
    model(artifacts, options).map_err(|error| error.with_location(url))
}

/// Loads a model of either kind from any handler.
///
/// # Errors
/// As [`load_layers_model`].
pub async fn load_model_from(handler: &dyn LoadHandler, options: &LayersModelOptions) -> Result<Model, Error> {
    model(handler.load(&options.load).await?, options)
}

/// Saves a model of layers to a URL or plain path: `model.save(url)`.
///
/// # Errors
/// What [`Router::save`] and [`LayersModel::to_artifacts`] report.
pub async fn save_layers_model(
    router: &Router,
    model: &LayersModel,
    url: &str,
    config: SaveConfig,
    options: &SaveOptions,
) -> Result<SaveResult, Error> {
    router.save(&model.to_artifacts(config).await?, url, options).await
}

fn layers_model(artifacts: ModelArtifacts, options: &LayersModelOptions) -> Result<LayersModel, Error> {
    let model = LayersModel::from_artifacts(artifacts, &options.matching, &options.load.limits);
    model.map_err(|error| Error::from(error).with_operation(Operation::Load))
}

fn model(artifacts: ModelArtifacts, options: &LayersModelOptions) -> Result<Model, Error> {
    match ModelKind::of(&artifacts).map_err(|error| Error::from(error).with_operation(Operation::Load))? {
        ModelKind::Layers => Ok(Model::Layers(Box::new(layers_model(artifacts, options)?))),
        ModelKind::Graph => {
            let options = GraphModelOptions::new().with_load(options.load.clone());
            Ok(Model::Graph(Box::new(crate::graph::checked(artifacts, &options)?)))
        }
    }
}
