//! A layer of a model, as it can be looked at.

use tfjs_artifacts::RawJson;

use super::{LayersModel, Weight};
use crate::network::{Kind, LayerEntry, LayerId, Node, OutputShapes, ShapeId, Tensor};
use crate::symbolic::SymbolicShape;

/// A layer of a model.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'m> {
    model: &'m LayersModel,
    id: LayerId,
}

/// An input or output of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InputOutput<'m> {
    /// The layer that it is, or comes from.
    pub name: &'m str,
    /// Its shape; `None` if nobody can tell it.
    pub shape: Option<&'m SymbolicShape>,
}

/// Where an input of a layer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection<'m> {
    /// The layer.
    pub layer: &'m str,
    /// Which of its applications.
    pub node: usize,
    /// Which output of that.
    pub tensor: usize,
}

impl<'m> InputOutput<'m> {
    pub(super) fn new(model: &'m LayersModel, tensor: &Tensor) -> Self {
        let network = &model.topology.network;
        Self { name: &network.layer(tensor.node.layer).name, shape: network.shape(tensor.shape) }
    }
}

impl<'m> Layer<'m> {
    pub(super) fn new(model: &'m LayersModel, id: LayerId) -> Self {
        Self { model, id }
    }

    pub(super) fn id(&self) -> LayerId {
        self.id
    }

    fn entry(&self) -> &'m LayerEntry {
        self.model.topology.network.layer(self.id)
    }

    /// Its name.
    pub fn name(&self) -> &'m str {
        &self.entry().name
    }

    /// Its class: `Dense`.
    pub fn class_name(&self) -> &'m str {
        &self.entry().class_name
    }

    /// Its config, as the file has it.
    pub fn config(&self) -> &'m RawJson {
        &self.entry().config
    }

    /// Whether TensorFlow.js has its class. If not, nothing is known of its outputs, and its weights are told by their names.
    pub fn is_known(&self) -> bool {
        !matches!(self.entry().kind, Kind::Unknown)
    }

    /// Whether its config says that it is trained.
    pub fn is_trainable(&self) -> bool {
        self.entry().trainable
    }

    /// The shapes of its inputs, for each of its applications; `None` if nobody can tell.
    pub fn input_shapes(&self) -> Vec<Vec<Option<&'m SymbolicShape>>> {
        self.nodes().iter().map(|node| self.shapes(&node.input_shapes)).collect()
    }

    /// The shapes of its outputs, for each of its applications; none where nobody can tell.
    pub fn output_shapes(&self) -> Vec<Vec<Option<&'m SymbolicShape>>> {
        let shapes = |node: &Node| match &node.output_shapes {
            OutputShapes::List(shapes) => self.shapes(shapes),
            OutputShapes::Bare(shape) => self.shapes(&[*shape]),
            OutputShapes::Unknown => Vec::new(),
        };
        self.nodes().iter().map(shapes).collect()
    }

    /// Where the inputs come from, for each of its applications.
    pub fn connections(&self) -> Vec<Vec<Connection<'m>>> {
        let connection = |tensor: &Tensor| Connection {
            layer: &self.model.topology.network.layer(tensor.node.layer).name,
            node: tensor.node.index,
            tensor: tensor.index,
        };
        self.nodes().iter().map(|node| node.inbound.iter().map(connection).collect()).collect()
    }

    /// The layers inside of it, if it is a model.
    pub fn layers(&self) -> Vec<Self> {
        match &self.entry().kind {
            Kind::Container(container) => container.layers.iter().map(|&id| Self::new(self.model, id)).collect(),
            _ => Vec::new(),
        }
    }

    /// Its weights, those of layers inside of it included.
    pub fn weights(&self) -> Vec<Weight<'m>> {
        self.model.weights_of_layer(self)
    }

    /// How many values its weights have.
    pub fn count_params(&self) -> u64 {
        self.weights().iter().fold(0, |sum, weight| sum.saturating_add(weight.count_params()))
    }

    pub(super) fn nodes(&self) -> &'m [Node] {
        &self.entry().nodes
    }

    pub(super) fn shapes(&self, ids: &[ShapeId]) -> Vec<Option<&'m SymbolicShape>> {
        ids.iter().map(|&id| self.model.topology.network.shape(id)).collect()
    }
}
