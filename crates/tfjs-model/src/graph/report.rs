//! Constants without values, and values without a constant.

use std::collections::BTreeSet;
use std::fmt;

use tfjs_artifacts::WeightSpec;

use super::parts::{Graph, Node};
use crate::matching::list;

/// What does not fit between a graph and its weights.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GraphWeightReport {
    /// Constants for which there is no weight, in the order of the graphs; not those of functions that nothing calls.
    pub missing: Vec<String>,
    /// Weights that no constant has, in the order of the specs.
    pub unused: Vec<String>,
}

impl GraphWeightReport {
    pub(super) fn new<'g>(graphs: impl Iterator<Item = &'g Graph>, specs: &[&WeightSpec]) -> Self {
        let known: BTreeSet<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        let (mut constants, mut needed) = (BTreeSet::new(), BTreeSet::new());
        let mut missing = Vec::new();
        for graph in graphs {
            constants.extend(graph.all_nodes().filter(|node| node.is_const()).map(Node::name));
            let called = graph.called_functions();
            let called = called.into_iter().flat_map(|function| function.graph().nodes());
            for node in graph.nodes().iter().chain(called).filter(|node| node.is_const()) {
                if needed.insert(node.name()) && !known.contains(node.name()) {
                    missing.push(node.name().to_owned());
                }
            }
        }
        let unused = specs.iter().filter(|spec| !constants.contains(spec.name.as_str()));
        Self { missing, unused: unused.map(|spec| spec.name.clone()).collect() }
    }

    /// Whether everything fits.
    pub fn is_clean(&self) -> bool {
        self.missing.is_empty() && self.unused.is_empty()
    }
}

impl fmt::Display for GraphWeightReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [("without a weight", "constants", &self.missing), ("without a constant", "weights", &self.unused)];
        let mut separator = "";
        for (problem, what, names) in parts.into_iter().filter(|(.., names)| !names.is_empty()) {
            write!(f, "{separator}{} {what} {problem}: {}", names.len(), list(names))?;
            separator = "; ";
        }
        if self.is_clean() { f.write_str("everything fits") } else { Ok(()) }
    }
}
