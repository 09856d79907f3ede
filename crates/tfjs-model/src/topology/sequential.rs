//! Layers, one after the other: `Sequential.fromConfig` and `Sequential.add`.

use tfjs_artifacts::RawJson;

use super::{Reader, listed};
use crate::error::ModelError;
use crate::network::{Container, Kind, LayerId, Members, NodeId, OutputShapes, Tensor};
use crate::problem::Problem;

impl Reader<'_> {
    pub(super) fn sequential(&mut self, model: LayerId, config: &RawJson) -> Result<Container, ModelError> {
        let listed = listed(config).map_err(|problem| self.network.error(model, problem))?;
        let (mut layers, mut inputs, mut outputs) = (Vec::with_capacity(listed.len()), Vec::new(), Vec::new());
        for json in &listed {
            let layer = self.layer(json, None)?;
            if layers.is_empty() {
                (inputs, outputs) = self.first(layer)?;
            } else {
                let node = self.network.apply(layer, outputs)?;
                outputs = vec![self.only_output(layer, node)?];
            }
            layers.push(layer);
        }
        if layers.is_empty() {
            return Err(self
                .network
                .error(model, Problem::of("layers", "it is empty: a model has at least one layer")));
        }
        let members =
            Members::new(self.network, &inputs, &outputs).map_err(|problem| self.network.error(model, problem))?;
        let output = outputs.first().map(|tensor| tensor.shape);
        let shapes = match output {
            Some(shape) if layers.len() == 1 => OutputShapes::Bare(shape),
            _ => OutputShapes::List(output.into_iter().collect()),
        };
        self.network.push_whole(model, &inputs, &outputs, shapes);
        Ok(Container { layers, inputs, outputs, members })
    }

    /// What the first layer begins with. A model in this place is not applied: the Sequential continues where it ends.
    fn first(&mut self, layer: LayerId) -> Result<(Vec<Tensor>, Vec<Tensor>), ModelError> {
        match self.network.layer(layer).kind.clone() {
            Kind::Container(container) => {
                let problem = |what: &str, count: usize| {
                    Problem::new(format!("in a Sequential it must have one {what}, but has {count}"))
                };
                match (container.inputs.len(), container.outputs.len()) {
                    (1, 1) => Ok((container.inputs.clone(), container.outputs.clone())),
                    (1, outputs) => Err(self.network.error(layer, problem("output", outputs))),
                    (inputs, _) => Err(self.network.error(layer, problem("input", inputs))),
                }
            }
            Kind::Input => {
                let input = self.network.output(NodeId { layer, index: 0 }, 0);
                Ok((input.into_iter().collect(), input.into_iter().collect()))
            }
            Kind::Known(_) | Kind::Unknown => {
                let Some(shape) = self.network.layer(layer).batch_input_shape else {
                    let problem = Problem::of(
                        "batchInputShape",
                        "the first layer of a Sequential must have this or `inputShape`, but has neither",
                    );
                    return Err(self.network.error(layer, problem));
                };
                let name = format!("{}_input", self.network.layer(layer).name);
                let input = self.add_input(name, RawJson::null(), shape);
                let node = self.network.apply(layer, vec![input])?;
                Ok((vec![input], vec![self.only_output(layer, node)?]))
            }
        }
    }

    /// The output of a layer of a Sequential, of which there must be one, and none of whose dimensions may be negative.
    fn only_output(&mut self, layer: LayerId, node: NodeId) -> Result<Tensor, ModelError> {
        let problem = match self.network.node(node).map(|node| (node.outputs.len(), node.output_shapes.is_unknown())) {
            Some((1, _) | (_, true)) => match self.network.output(node, 0) {
                Some(output) => match self.network.shape(output.shape) {
                    Some(shape) if shape.dims().iter().flatten().any(|&dim| dim < 0) => {
                        Problem::new(format!("its output would have the shape {shape}, with a negative dimension"))
                    }
                    _ => return Ok(output),
                },
                None => Problem::new("it has no output"),
            },
            found => {
                let count = found.map_or(0, |(count, _)| count);
                Problem::new(format!("in a Sequential it must have one output, but has {count}"))
            }
        };
        Err(self.network.error(layer, problem))
    }
}
