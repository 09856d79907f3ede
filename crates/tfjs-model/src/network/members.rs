//! Which nodes make a model, and how deep each lies: what the constructor of TensorFlow.js's `Container` finds out.

use std::collections::{BTreeMap, BTreeSet};

use super::{LayerId, Network, Node, NodeId, Tensor};
use crate::problem::{Problem, abbreviate};

/// The nodes and layers of one model.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members {
    /// From the inputs to the outputs: the deepest first.
    pub(crate) nodes_by_depth: Vec<Vec<NodeId>>,
    /// In the order of TensorFlow.js's `model.layers`.
    pub(crate) layers: Vec<LayerId>,
    nodes: BTreeSet<NodeId>,
}

impl Members {
    /// Walks from the outputs to the inputs.
    pub(crate) fn new(network: &mut Network, inputs: &[Tensor], outputs: &[Tensor]) -> Result<Self, Problem> {
        let walk = Walk::new(network, outputs)?;
        let (nodes, layers) = walk.depths(network);
        let mut nodes_by_depth: BTreeMap<usize, Vec<NodeId>> = BTreeMap::new();
        for (&node, &depth) in &nodes {
            nodes_by_depth.entry(depth).or_default().push(node);
        }
        let mut ordered: Vec<_> = layers.into_iter().collect();
        ordered.sort_by_key(|(layer, depth)| (std::cmp::Reverse(*depth), walk.order_of(*layer)));
        let members = Self {
            nodes_by_depth: nodes_by_depth.into_values().rev().collect(),
            layers: ordered.into_iter().map(|(layer, _)| layer).collect(),
            nodes: nodes.into_keys().collect(),
        };
        members.check_names(network)?;
        members.check_inputs(network, inputs)?;
        Ok(members)
    }

    pub(crate) fn contains(&self, node: NodeId) -> bool {
        self.nodes.contains(&node)
    }

    /// Layers are found by their names.
    fn check_names(&self, network: &Network) -> Result<(), Problem> {
        let mut names = BTreeSet::new();
        match self.layers.iter().map(|&layer| &network.layer(layer).name).find(|name| !names.insert(*name)) {
            Some(name) => Err(Problem::new(format!("two of its layers are named `{}`", abbreviate(name)))),
            None => Ok(()),
        }
    }

    /// Whether everything can be computed of the inputs.
    fn check_inputs(&self, network: &Network, inputs: &[Tensor]) -> Result<(), Problem> {
        let inputs: BTreeSet<_> = inputs.iter().map(|input| input.node).collect();
        for &id in &self.nodes {
            if network.node(id).is_some_and(|node| node.inbound.is_empty()) && !inputs.contains(&id) {
                let name = abbreviate(&network.layer(id.layer).name);
                return Err(Problem::new(format!(
                    "its graph is disconnected: `{name}` is computed of no input of the model"
                )));
            }
        }
        Ok(())
    }
}

impl Network {
    /// A node, which is there if its id is.
    pub(crate) fn node(&self, id: NodeId) -> Option<&Node> {
        self.layer(id.layer).nodes.get(id.index)
    }

    fn inbound(&self, id: NodeId) -> &[Tensor] {
        self.node(id).map(|node| node.inbound.as_slice()).unwrap_or_default()
    }
}

/// The nodes in the order in which a recursion would have finished them, and the layers in the order in which it met them.
struct Walk {
    finished: Vec<NodeId>,
    layers: BTreeMap<LayerId, usize>,
}

impl Walk {
    /// Without a recursion, since a model may be a chain of any length.
    fn new(network: &mut Network, outputs: &[Tensor]) -> Result<Self, Problem> {
        let mut walk = Self { finished: Vec::new(), layers: BTreeMap::new() };
        let mut seen = BTreeSet::new();
        for output in outputs {
            let mut path = Vec::new();
            walk.enter(output.node, &mut seen, &mut path);
            while let Some((node, next)) = path.last_mut() {
                if let Some(input) = network.inbound(*node).get(*next).copied() {
                    *next += 1;
                    walk.enter(input.node, &mut seen, &mut path);
                } else {
                    walk.finished.push(*node);
                    path.pop();
                }
                network.count_call()?;
            }
        }
        Ok(walk)
    }

    fn enter(&mut self, node: NodeId, seen: &mut BTreeSet<NodeId>, path: &mut Vec<(NodeId, usize)>) {
        if seen.insert(node) {
            let order = self.layers.len();
            self.layers.entry(node.layer).or_insert(order);
            path.push((node, 0));
        }
    }

    fn order_of(&self, layer: LayerId) -> usize {
        self.layers.get(&layer).copied().unwrap_or(usize::MAX)
    }

    /// How far nodes and layers are from the outputs. A layer that is used twice lies where its deepest use so far did.
    fn depths(&self, network: &Network) -> (BTreeMap<NodeId, usize>, BTreeMap<LayerId, usize>) {
        let (mut nodes, mut layers) = (BTreeMap::new(), BTreeMap::new());
        for &node in self.finished.iter().rev() {
            let own = nodes.get(&node).copied().unwrap_or(0);
            let depth = own.max(layers.get(&node.layer).copied().unwrap_or(0));
            layers.insert(node.layer, depth);
            nodes.insert(node, depth);
            for input in network.inbound(node) {
                let deeper = nodes.entry(input.node).or_insert(0);
                *deeper = (*deeper).max(depth + 1);
            }
        }
        (nodes, layers)
    }
}
