//! Layers that consist of layers: models, and models in models.

use std::collections::{BTreeMap, BTreeSet};

use super::{LayerId, Members, Network, NodeId, ShapeId, Tensor};
use crate::problem::Problem;

/// What a model consists of.
#[derive(Clone, Debug)]
pub(crate) struct Container {
    /// Those that `summary` lists: of a Sequential the ones that were added to it, without the input that was made for the first.
    pub(crate) layers: Vec<LayerId>,
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) outputs: Vec<Tensor>,
    pub(crate) members: Members,
}

impl Container {
    /// The shapes of its outputs for other inputs than its own, as `Container.computeOutputShape` does.
    pub(crate) fn output_shapes(&self, network: &mut Network, inputs: &[ShapeId]) -> Result<Vec<ShapeId>, Problem> {
        if inputs.len() != self.inputs.len() {
            return Err(Problem::new(format!("it has {} inputs, but gets {}", self.inputs.len(), inputs.len())));
        }
        // A model in a model can be gone through a million times: its ends count as its layers do.
        network.count_calls(self.inputs.len() + self.outputs.len())?;
        let mut shapes: BTreeMap<(NodeId, usize), ShapeId> = BTreeMap::new();
        for (tensor, &shape) in self.inputs.iter().zip(inputs) {
            shapes.insert((tensor.node, tensor.index), shape);
        }
        let input_layers: BTreeSet<_> = self.inputs.iter().map(|input| input.node.layer).collect();
        for &node in self.members.nodes_by_depth.iter().flatten() {
            if !input_layers.contains(&node.layer) {
                Self::infer(network, node, &mut shapes)?;
            }
        }
        let mut outputs = Vec::with_capacity(self.outputs.len());
        for output in &self.outputs {
            outputs.push(find(network, &shapes, output));
        }
        Ok(outputs)
    }

    fn infer(
        network: &mut Network,
        id: NodeId,
        shapes: &mut BTreeMap<(NodeId, usize), ShapeId>,
    ) -> Result<(), Problem> {
        network.count_calls(network.node(id).map_or(0, |node| node.inbound.len()))?;
        let inbound = network.node(id).map(|node| node.inbound.clone()).unwrap_or_default();
        let inputs: Vec<_> = inbound.iter().map(|tensor| find(network, shapes, tensor)).collect();
        if inputs.iter().any(|&input| network.shape(input).is_none()) {
            return network.count_call();
        }
        let outputs = network
            .output_shapes(id.layer, &inputs)
            .map_err(|problem| problem.inside(&network.layer(id.layer).name))?;
        for (index, &shape) in outputs.iter().enumerate() {
            shapes.insert((id, index), shape);
        }
        Ok(())
    }
}

/// The shape of a tensor, which is unknown if nothing was found out about it.
fn find(network: &mut Network, shapes: &BTreeMap<(NodeId, usize), ShapeId>, tensor: &Tensor) -> ShapeId {
    shapes.get(&(tensor.node, tensor.index)).copied().unwrap_or_else(|| network.add_unknown_shape())
}
