//! Layers or a graph.

use std::fmt;

use tfjs_artifacts::{ModelArtifacts, ModelFormat, ModelTopology};

use crate::ModelError;

/// What a model consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "TensorFlow.js has these two")]
pub enum ModelKind {
    /// Layers: `tf.loadLayersModel`.
    Layers,
    /// A graph of operations: `tf.loadGraphModel`.
    Graph,
}

impl ModelKind {
    /// Tells by `format`, else by the topology.
    ///
    /// # Errors
    /// [`ModelError::UnknownKind`] when neither tells.
    pub fn of(artifacts: &ModelArtifacts) -> Result<Self, ModelError> {
        match artifacts.model_format() {
            ModelFormat::LayersModel => Ok(Self::Layers),
            ModelFormat::GraphModel => Ok(Self::Graph),
            ModelFormat::Other(name) => {
                // A converter's own name for what its topology says as well.
                let mut nameless = artifacts.clone();
                nameless.format = None;
                Self::of(&nameless).map_err(|_| ModelError::UnknownKind { reason: format!("its `format` is `{name}`") })
            }
            _ => Err(ModelError::UnknownKind { reason: why_unknown(artifacts).to_owned() }),
        }
    }

    /// The function that loads it.
    pub(crate) fn call(self) -> &'static str {
        match self {
            Self::Layers => "load_layers_model",
            Self::Graph => "load_graph_model",
        }
    }

    /// Whether the artifacts are of this kind.
    ///
    /// # Errors
    /// [`ModelError::WrongKind`] when they are of the other, and [`ModelError::UnknownKind`].
    pub fn expect(self, artifacts: &ModelArtifacts) -> Result<(), ModelError> {
        let found = Self::of(artifacts)?;
        if found == self { Ok(()) } else { Err(ModelError::WrongKind { wanted: self, found }) }
    }
}

fn why_unknown(artifacts: &ModelArtifacts) -> &'static str {
    match artifacts.model_topology {
        None => "there is no `format` and no `modelTopology`, only weights",
        Some(ModelTopology::Json(_) | ModelTopology::GraphDef(_)) => {
            "there is no `format`, and `modelTopology` has neither `node` nor `model_config` nor `class_name` and `config`"
        }
    }
}

impl fmt::Display for ModelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Layers => "layers-model",
            Self::Graph => "graph-model",
        })
    }
}

#[cfg(test)]
mod tests {
    use tfjs_artifacts::RawJson;

    use super::*;

    fn artifacts(format: &str, topology: &str) -> ModelArtifacts {
        let mut artifacts = ModelArtifacts::new().with_topology(RawJson::parse(topology).unwrap());
        artifacts.format = Some(RawJson::parse(format).unwrap());
        artifacts
    }

    #[test]
    fn the_wrong_kind_names_the_right_call() {
        let graph = artifacts("null", r#"{"node":[]}"#);
        assert_eq!(ModelKind::of(&graph), Ok(ModelKind::Graph));
        let error = ModelKind::Layers.expect(&graph).unwrap_err().to_string();
        let expected = "this is a graph-model, not a layers-model: load it with `load_graph_model`, or with `load_model`, \
                        which takes both";
        assert_eq!(error, expected);
    }

    #[test]
    fn a_format_of_somebody_else_leaves_it_to_the_topology() {
        assert_eq!(ModelKind::of(&artifacts("\"mine\"", r#"{"model_config":{}}"#)), Ok(ModelKind::Layers));
        let error = ModelKind::of(&artifacts("\"mine\"", "{}")).unwrap_err().to_string();
        assert_eq!(error, "this is neither a layers-model nor a graph-model: its `format` is `mine`");
        assert!(ModelKind::of(&ModelArtifacts::new()).unwrap_err().to_string().ends_with("only weights"));
    }
}
