//! Loading a graph from a URL or a handler: `tf.loadGraphModel`.

use tfjs_artifacts::{Error, ModelArtifacts, Operation};
use tfjs_router::{LoadHandler, LoadOptions, Router};

use super::GraphModel;
use crate::ModelError;

/// How to load a graph.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GraphModelOptions {
    /// How its artifacts are loaded. By default the weights stay where they are.
    pub load: LoadOptions,
    /// Whether constants may be without weights, as TensorFlow.js lets them until they are needed.
    pub allows_missing_weights: bool,
}

impl GraphModelOptions {
    /// Each constant has a weight, and weights are read when they are used.
    pub fn new() -> Self {
        Self { load: LoadOptions::lazy(), allows_missing_weights: false }
    }

    /// With these options for the artifacts.
    #[must_use]
    pub fn with_load(mut self, load: LoadOptions) -> Self {
        self.load = load;
        self
    }

    /// Constants may be without weights; the report of the model has them.
    #[must_use]
    pub fn allow_missing_weights(mut self) -> Self {
        self.allows_missing_weights = true;
        self
    }
}

impl Default for GraphModelOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// Loads a graph from a URL or plain path.
///
/// # Errors
/// What [`Router::load`] reports and what [`GraphModel::from_artifacts`] does; and, as
/// [`InvalidData`](tfjs_artifacts::ErrorKind::InvalidData), that constants have no weights although the model has some.
pub async fn load_graph_model(router: &Router, url: &str, options: &GraphModelOptions) -> Result<GraphModel, Error> {
    let artifacts = router.load(url, &options.load).await?;
    checked(artifacts, options).map_err(|error| error.with_location(url))
}

/// Loads a graph from any handler.
///
/// # Errors
/// As [`load_graph_model`].
pub async fn load_graph_model_from(
    handler: &dyn LoadHandler,
    options: &GraphModelOptions,
) -> Result<GraphModel, Error> {
    checked(handler.load(&options.load).await?, options)
}

/// The graph of these artifacts, if it has the weights that it should have.
pub(crate) fn checked(artifacts: ModelArtifacts, options: &GraphModelOptions) -> Result<GraphModel, Error> {
    let in_load = |error: ModelError| Error::from(error).with_operation(Operation::Load);
    let model = GraphModel::from_artifacts(artifacts, &options.load.limits).map_err(in_load)?;
    let is_complete = options.allows_missing_weights || model.artifacts().weights.is_none();
    if !is_complete && !model.report().missing.is_empty() {
        return Err(in_load(ModelError::GraphWeights(Box::new(model.report().clone()))));
    }
    Ok(model)
}

#[cfg(test)]
mod tests {
    use tfjs_router::WeightLoading;

    use super::*;

    #[test]
    fn who_says_nothing_loads_lazily() {
        for options in [GraphModelOptions::new(), GraphModelOptions::default()] {
            assert_eq!(options.load.weight_loading, WeightLoading::Lazy);
            assert!(!options.allows_missing_weights);
        }
    }
}
