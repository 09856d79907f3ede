//! Topologies: what is taken for a model can be shown, drawn, and, without weights, written and read again as the same.

use futures::executor::block_on;
use tfjs_artifacts::{Limits, ModelArtifacts, ModelJson, ModelTopology, SurplusBytes};
use tfjs_model::{GraphModel, LayersModel, Picture, SaveConfig, WeightMatching};

use crate::memory;
use crate::model_json::files;

/// A `model.json` with layers, or with a graph.
pub fn json(text: &[u8]) {
    memory::bounded(text.len(), || {
        let Ok(parsed) = ModelJson::parse(text) else { return };
        let Some(segments) = files(&parsed) else { return };
        let Ok(artifacts) = block_on(parsed.assemble(segments, SurplusBytes::Reject)) else { return };
        layers(&artifacts);
        graph(artifacts);
    });
}

/// A binary GraphDef.
pub fn graph_def(bytes: &[u8]) {
    memory::bounded(bytes.len(), || {
        let topology = ModelTopology::GraphDef(bytes.to_vec().into());
        let mut artifacts = ModelArtifacts::new();
        artifacts.model_topology = Some(topology);
        graph(artifacts);
    });
}

fn layers(artifacts: &ModelArtifacts) {
    let Some(model) = read_layers(artifacts) else { return };
    let summary = model.summary();
    draw(&Picture::of_layers(&model));
    if artifacts.weights.is_none() {
        let Ok(written) = block_on(model.to_artifacts(SaveConfig::new())) else { return };
        let again = read_layers(&written).unwrap_or_else(|| panic!("what was written is no model: {written:?}"));
        assert_eq!(again.summary(), summary);
    }
}

fn read_layers(artifacts: &ModelArtifacts) -> Option<LayersModel> {
    let matching = WeightMatching::lenient().allow_mismatched();
    LayersModel::from_artifacts(artifacts.clone(), &matching, &Limits::new()).ok()
}

fn graph(artifacts: ModelArtifacts) {
    let Ok(model) = GraphModel::from_artifacts(artifacts, &Limits::new()) else { return };
    let (all, without_constants) = (Picture::of_graph(&model, true), Picture::of_graph(&model, false));
    assert!(all.box_count() >= without_constants.box_count());
    draw(&all);
    draw(&without_constants);
    for end in model.inputs().into_iter().chain(model.outputs()) {
        assert!(end.shape().is_none_or(|shape| shape.len() <= 64), "{:?}", end.shape());
    }
}

fn draw(picture: &Picture) {
    assert!(picture.to_dot().starts_with("digraph"));
    assert!(picture.to_svg().contains("<svg"));
    assert!(picture.to_html().contains("<svg"));
}
