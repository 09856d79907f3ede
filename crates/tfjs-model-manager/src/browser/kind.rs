//! Whether a model consists of layers or is a graph.

use tfjs_io::{ModelArtifacts, ModelKind};

/// `weights` if there is no topology, whatever the format says; else `layers`, `graph` or `other`.
pub(crate) fn kind(artifacts: &ModelArtifacts) -> &'static str {
    if artifacts.model_topology.is_none() {
        return "weights";
    }
    match ModelKind::of(artifacts) {
        Ok(ModelKind::Layers) => "layers",
        Ok(ModelKind::Graph) => "graph",
        Err(_) => "other",
    }
}
