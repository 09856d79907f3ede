//! Whether a model consists of layers or is a graph.

use tfjs_io::{ModelArtifacts, ModelKind};

/// `layers` or `graph`; else `weights` if there is no topology, and `other` if there is one.
pub(crate) fn kind(artifacts: &ModelArtifacts) -> &'static str {
    match ModelKind::of(artifacts) {
        Ok(ModelKind::Layers) => "layers",
        Ok(ModelKind::Graph) => "graph",
        Err(_) if artifacts.model_topology.is_none() => "weights",
        Err(_) => "other",
    }
}
