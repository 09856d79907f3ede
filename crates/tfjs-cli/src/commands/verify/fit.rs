//! Whether weights and topology fit: what TensorFlow.js looks at when it gives layers and constants their values.

use std::collections::BTreeSet;

use tfjs_io::{
    Graph, GraphModel, LayersModel, Limits, MatchReport, ModelArtifacts, ModelError, ModelKind, Node, WeightMatching,
};

/// What does not fit.
#[derive(Debug, Default)]
pub(super) struct Misfits {
    /// For these TensorFlow.js refuses to load or to run the model.
    pub(super) errors: Vec<String>,
    /// What it may well do without, and what could not be compared.
    pub(super) warnings: Vec<String>,
}

impl Misfits {
    /// Compares the names, shapes and types of the weights with what the topology says. No weight is read.
    pub(super) fn of(artifacts: &ModelArtifacts, limits: &Limits) -> Self {
        if artifacts.model_topology.is_none() {
            return Self::default();
        }
        match ModelKind::of(artifacts) {
            Ok(ModelKind::Layers) => Self::of_layers(artifacts, limits),
            Ok(ModelKind::Graph) => Self::of_graph(artifacts, limits),
            // Nobody knows who would load it.
            Err(_) => Self::default(),
        }
    }

    /// Without any weights, TensorFlow.js leaves layers as they are made.
    fn of_layers(artifacts: &ModelArtifacts, limits: &Limits) -> Self {
        if artifacts.weights.is_none() {
            return Self::default();
        }
        let matching = WeightMatching::lenient().allow_mismatched();
        match LayersModel::from_artifacts(artifacts.clone(), &matching, limits) {
            Ok(model) => Self::told_by(model.report(), model.notes()),
            Err(error @ ModelError::DuplicateWeight { .. }) => {
                Self { errors: vec![error.to_string()], ..Self::default() }
            }
            Err(error) => Self::not_compared("layers", &error),
        }
    }

    fn told_by(report: &MatchReport, notes: &[String]) -> Self {
        let mut errors = Vec::new();
        errors
            .extend(report.missing.iter().map(|name| format!("the weight `{name}` of the layers is not in the file")));
        errors.extend(report.shape_mismatch.iter().map(|weight| {
            let (name, found, expected) = (&weight.name, &weight.found, &weight.expected);
            format!("the weight `{name}` has the shape {found}, but its layer wants {expected}")
        }));
        errors.extend(report.dtype_mismatch.iter().map(|weight| {
            let (name, found, expected) = (&weight.name, &weight.found, &weight.expected);
            format!("the weight `{name}` is {found}, but its layer wants {expected}")
        }));
        let unexpected = report.unexpected.iter().map(|name| format!("the weight `{name}` belongs to no layer"));
        let mut warnings = notes.to_vec();
        // A class that only its users have may call its weights whatever it likes.
        let list = if notes.is_empty() { &mut errors } else { &mut warnings };
        list.extend(unexpected);
        Self { errors, warnings }
    }

    fn of_graph(artifacts: &ModelArtifacts, limits: &Limits) -> Self {
        let model = match GraphModel::from_artifacts(artifacts.clone(), limits) {
            Ok(model) => model,
            Err(error) => return Self::not_compared("graph", &error),
        };
        let idle = idle_constants(model.graph());
        let missing = model.report().missing.iter().filter(|name| !idle.contains(name.as_str()));
        let errors = missing.map(|name| format!("the constant `{name}` of the graph has no weight")).collect();
        Self { errors, ..Self::default() }
    }

    fn not_compared(what: &str, error: &ModelError) -> Self {
        let warning = format!("the weights were not compared with the {what}: {error}");
        Self { warnings: vec![warning], ..Self::default() }
    }
}

/// The constants of a graph that none of its outputs needs: TensorFlow.js never asks for their values.
fn idle_constants(graph: &Graph) -> BTreeSet<&str> {
    let mut waiting: Vec<&Node> = graph.outputs().map(|(node, _)| node).collect();
    let mut needed = BTreeSet::new();
    while let Some(node) = waiting.pop() {
        if needed.insert(node.name()) {
            waiting.extend(node.inputs().iter().filter_map(|input| graph.nodes().get(input.node)));
        }
    }
    let constants = graph.nodes().iter().filter(|node| node.is_const()).map(Node::name);
    constants.filter(|name| !needed.contains(name)).collect()
}
