//! Layers, how they are connected, and what follows from it: shapes and weights.
//!
//! This is the symbolic half of TensorFlow.js's `engine/topology.ts`: a layer is applied to tensors, which builds it the first time, and
//! each application is a node. Everything has its place in one arena, so that shared layers and nested models are nothing special. As in
//! TensorFlow.js a shape can be shared: where a layer gives its input's shape on, both are one, and a layer that changes its input's
//! shape (there are two) changes it for all.

mod container;
mod members;
mod spec;
mod weights;

use std::sync::Arc;

use tfjs_artifacts::{Limit, LimitError, Limits, RawJson};

use crate::classes::LayerType;
use crate::error::ModelError;
use crate::problem::Problem;
use crate::symbolic::SymbolicShape;

pub(crate) use container::Container;
pub(crate) use members::Members;
pub(crate) use spec::InputSpec;
pub(crate) use weights::{Build, Holds, LayerWeight, Place, WeightDef, WeightId};

/// Where a layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LayerId(pub(crate) usize);

/// Where a shape is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShapeId(usize);

/// One of a layer's applications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NodeId {
    pub(crate) layer: LayerId,
    pub(crate) index: usize,
}

/// An output of a node: TensorFlow.js's `SymbolicTensor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tensor {
    pub(crate) node: NodeId,
    pub(crate) index: usize,
    pub(crate) shape: ShapeId,
}

/// One application of a layer.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Of other layers; none for an input, and for what a container is without having been applied.
    pub(crate) inbound: Vec<Tensor>,
    pub(crate) input_shapes: Vec<ShapeId>,
    pub(crate) outputs: Vec<Tensor>,
    pub(crate) output_shapes: OutputShapes,
}

/// The shapes of a node's outputs.
#[derive(Clone, Debug)]
pub(crate) enum OutputShapes {
    List(Vec<ShapeId>),
    /// Not in a list: TensorFlow.js has the one shape of a Sequential of one layer so, and prints it so.
    Bare(ShapeId),
    /// Of a layer of which nothing is known.
    Unknown,
}

impl OutputShapes {
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

/// A layer.
#[derive(Debug)]
pub(crate) struct LayerEntry {
    pub(crate) name: String,
    pub(crate) class_name: String,
    pub(crate) config: RawJson,
    pub(crate) kind: Kind,
    pub(crate) trainable: bool,
    /// What the config says of the first layer of a Sequential.
    pub(crate) batch_input_shape: Option<ShapeId>,
    /// Of weights that take the layer's own type; `None` is float32.
    pub(crate) dtype: Option<String>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) built: Built,
    pub(crate) trainable_weights: Vec<WeightId>,
    pub(crate) non_trainable_weights: Vec<WeightId>,
}

/// What a layer is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Of a class that TensorFlow.js has.
    Known(Arc<dyn LayerType>),
    /// An input of a model.
    Input,
    /// Layers in a layer.
    Container(Arc<Container>),
    /// Of any other class.
    Unknown,
}

/// Whether a layer has its weights.
#[derive(Clone, Debug)]
pub(crate) enum Built {
    No,
    Yes(InputSpec),
    /// It never will, since nobody knows its input or its class: its weights are those whose names begin with its own.
    Opaque,
}

/// The arena.
#[derive(Debug)]
pub(crate) struct Network {
    layers: Vec<LayerEntry>,
    shapes: Vec<Option<SymbolicShape>>,
    weights: Vec<LayerWeight>,
    limits: Limits,
    calls: u64,
}

impl Network {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { layers: Vec::new(), shapes: Vec::new(), weights: Vec::new(), limits: *limits, calls: 0 }
    }

    /// # Panics
    /// Never: an id comes from the arena that it is looked up in.
    #[expect(clippy::indexing_slicing, reason = "an id is made when its layer is pushed, and nothing is ever removed")]
    pub(crate) fn layer(&self, id: LayerId) -> &LayerEntry {
        &self.layers[id.0]
    }

    #[expect(clippy::indexing_slicing, reason = "an id is made when its layer is pushed, and nothing is ever removed")]
    pub(crate) fn layer_mut(&mut self, id: LayerId) -> &mut LayerEntry {
        &mut self.layers[id.0]
    }

    /// What a layer does with shapes, if its class is known.
    pub(crate) fn known_kind(&self, id: LayerId) -> Option<Arc<dyn LayerType>> {
        match &self.layer(id).kind {
            Kind::Known(kind) => Some(Arc::clone(kind)),
            _ => None,
        }
    }

    pub(crate) fn add_layer(&mut self, layer: LayerEntry) -> LayerId {
        self.layers.push(layer);
        LayerId(self.layers.len() - 1)
    }

    /// A shape of its own.
    pub(crate) fn add_shape(&mut self, shape: SymbolicShape) -> Result<ShapeId, Problem> {
        self.limits.check(Limit::Rank, shape.rank() as u64)?;
        // Shapes of many dimensions count for more: they take memory.
        self.calls += shape.rank() as u64 / 8;
        self.count_call()?;
        self.shapes.push(Some(shape));
        Ok(ShapeId(self.shapes.len() - 1))
    }

    pub(crate) fn add_unknown_shape(&mut self) -> ShapeId {
        self.shapes.push(None);
        ShapeId(self.shapes.len() - 1)
    }

    /// A shape; `None` if nobody can tell it.
    pub(crate) fn shape(&self, id: ShapeId) -> Option<&SymbolicShape> {
        self.shapes.get(id.0).and_then(Option::as_ref)
    }

    /// A shape that has been seen to be known.
    pub(crate) fn known(&self, id: ShapeId) -> Result<&SymbolicShape, Problem> {
        self.shape(id).ok_or_else(|| Problem::new("the shape of its input is not known"))
    }

    /// Changes a shape, for all that share it.
    pub(crate) fn set_shape(&mut self, id: ShapeId, shape: SymbolicShape) -> Result<(), Problem> {
        let added = self.add_shape(shape)?;
        self.shapes.swap(id.0, added.0);
        Ok(())
    }

    /// Counts one more thing that a topology makes us do, however small the text that says it.
    pub(crate) fn count_call(&mut self) -> Result<(), Problem> {
        self.count_calls(1)
    }

    /// As many at once.
    pub(crate) fn count_calls(&mut self, count: usize) -> Result<(), Problem> {
        self.calls = self.calls.saturating_add(count as u64);
        Ok(self.limits.check(Limit::LayerCalls, self.calls).map_err(LimitError::at_least)?)
    }

    /// The output of a node.
    pub(crate) fn output(&mut self, node: NodeId, index: usize) -> Option<Tensor> {
        let entry = self.layers.get(node.layer.0)?;
        let found = entry.nodes.get(node.index)?;
        if matches!(found.output_shapes, OutputShapes::Unknown) {
            // Of how many outputs it has, only its users know.
            return Some(Tensor { node, index, shape: self.add_unknown_shape() });
        }
        found.outputs.get(index).copied()
    }

    /// Applies a layer to tensors, as `Layer.apply` does.
    pub(crate) fn apply(&mut self, layer: LayerId, inputs: Vec<Tensor>) -> Result<NodeId, ModelError> {
        self.try_apply(layer, inputs).map_err(|problem| self.error(layer, problem))
    }

    /// Says which layer has the problem.
    pub(crate) fn error(&self, layer: LayerId, problem: Problem) -> ModelError {
        let entry = self.layer(layer);
        ModelError::layer(&entry.name, &entry.class_name, problem)
    }

    fn try_apply(&mut self, layer: LayerId, inputs: Vec<Tensor>) -> Result<NodeId, Problem> {
        self.count_call()?;
        if matches!(self.layer(layer).kind, Kind::Input) {
            return Err(Problem::of("inboundNodes", "it is an input, which cannot be applied to anything"));
        }
        let input_shapes: Vec<_> = inputs.iter().map(|tensor| tensor.shape).collect();
        let knows_inputs = input_shapes.iter().all(|&shape| self.shape(shape).is_some());
        let is_unknown = matches!(self.layer(layer).kind, Kind::Unknown);
        if is_unknown || !knows_inputs {
            return Ok(self.apply_opaque(layer, inputs, input_shapes));
        }
        if matches!(self.layer(layer).built, Built::No) {
            let scope = self.layer(layer).name.clone();
            self.build(layer, &scope, &input_shapes)?;
        }
        if let Built::Yes(spec) = &self.layer(layer).built {
            spec.clone().check(self, &input_shapes)?;
        }
        let output_shapes = self.output_shapes(layer, &input_shapes)?;
        if output_shapes.iter().any(|&shape| self.shape(shape).is_none()) {
            // Something inside of it is unknown.
            return Ok(self.push_node(layer, inputs, input_shapes, None));
        }
        Ok(self.push_node(layer, inputs, input_shapes, Some(output_shapes)))
    }

    fn apply_opaque(&mut self, layer: LayerId, inputs: Vec<Tensor>, input_shapes: Vec<ShapeId>) -> NodeId {
        let entry = self.layer_mut(layer);
        if matches!(entry.built, Built::No) {
            entry.built = Built::Opaque;
        }
        self.push_node(layer, inputs, input_shapes, None)
    }

    fn push_node(
        &mut self,
        layer: LayerId,
        inbound: Vec<Tensor>,
        input_shapes: Vec<ShapeId>,
        output_shapes: Option<Vec<ShapeId>>,
    ) -> NodeId {
        let node = NodeId { layer, index: self.layer(layer).nodes.len() };
        let (outputs, output_shapes) = match output_shapes {
            None => (Vec::new(), OutputShapes::Unknown),
            Some(shapes) => {
                let tensor = |(index, &shape): (usize, &ShapeId)| Tensor { node, index, shape };
                (shapes.iter().enumerate().map(tensor).collect(), OutputShapes::List(shapes))
            }
        };
        self.layer_mut(layer).nodes.push(Node { inbound, input_shapes, outputs, output_shapes });
        node
    }

    /// The node that an input is.
    pub(crate) fn push_input(&mut self, layer: LayerId, shape: ShapeId) -> Tensor {
        let node = NodeId { layer, index: self.layer(layer).nodes.len() };
        let tensor = Tensor { node, index: 0, shape };
        self.layer_mut(layer).nodes.push(Node {
            inbound: Vec::new(),
            input_shapes: vec![shape],
            outputs: vec![tensor],
            output_shapes: OutputShapes::List(vec![shape]),
        });
        tensor
    }

    /// The node that a container is without having been applied.
    pub(crate) fn push_whole(&mut self, layer: LayerId, inputs: &[Tensor], outputs: &[Tensor], shapes: OutputShapes) {
        self.layer_mut(layer).nodes.push(Node {
            inbound: Vec::new(),
            input_shapes: inputs.iter().map(|tensor| tensor.shape).collect(),
            outputs: outputs.to_vec(),
            output_shapes: shapes,
        });
    }

    /// Makes the weights of a layer that has none yet, with names that begin with the scope.
    pub(crate) fn build(&mut self, layer: LayerId, scope: &str, inputs: &[ShapeId]) -> Result<(), Problem> {
        let Kind::Known(kind) = self.layer(layer).kind.clone() else {
            // A container has been built with its layers; of anything else nothing is known.
            let is_container = matches!(self.layer(layer).kind, Kind::Container(_));
            self.layer_mut(layer).built = if is_container { Built::Yes(InputSpec::any()) } else { Built::Opaque };
            return Ok(());
        };
        kind.input_spec().check(self, inputs)?;
        let spec = kind.build(&mut Build::new(self, layer, scope), inputs)?;
        self.layer_mut(layer).built = Built::Yes(spec);
        Ok(())
    }

    /// The shapes that a layer makes of these, as `Layer.computeOutputShape` does.
    pub(crate) fn output_shapes(&mut self, layer: LayerId, inputs: &[ShapeId]) -> Result<Vec<ShapeId>, Problem> {
        self.count_call()?;
        match self.layer(layer).kind.clone() {
            Kind::Known(kind) => kind.output_shapes(self, inputs),
            Kind::Container(container) => container.output_shapes(self, inputs),
            Kind::Input => Ok(inputs.to_vec()),
            Kind::Unknown => Ok(vec![self.add_unknown_shape()]),
        }
    }
}
