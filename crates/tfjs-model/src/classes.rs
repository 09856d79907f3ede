//! The classes of layers that TensorFlow.js 4.22 has: one table, and a module for each family.

mod activations;
mod attention;
mod convolution;
mod core;
mod embedding;
mod merge;
mod normalization;
mod pooling;
mod preprocessing;
mod recurrent;
mod recurrent_convolution;
mod resampling;
mod transposed;
mod wrappers;

use std::fmt::Debug;
use std::sync::Arc;

use crate::config::Config;
use crate::network::{Build, Holds, InputSpec, Network, ShapeId, WeightDef};
use crate::problem::Problem;
use crate::symbolic::SymbolicShape;
use crate::topology::Reader;

/// A class: its name, and how its config is read.
pub(crate) struct Class {
    pub(crate) name: &'static str,
    pub(crate) read: Read,
}

/// A layer that has been read.
type ReadLayer = Result<Arc<dyn LayerType>, Problem>;

/// How a config becomes a layer.
#[derive(Clone, Copy)]
pub(crate) enum Read {
    /// By itself.
    Alone(fn(&Config) -> ReadLayer),
    /// With layers inside of it, which the reader reads.
    WithLayers(fn(&mut Reader<'_>, &Config) -> ReadLayer),
}

/// The classes of all families.
const FAMILIES: [&[Class]; 14] = [
    activations::CLASSES,
    attention::CLASSES,
    convolution::CLASSES,
    core::CLASSES,
    embedding::CLASSES,
    merge::CLASSES,
    normalization::CLASSES,
    pooling::CLASSES,
    preprocessing::CLASSES,
    recurrent::CLASSES,
    recurrent_convolution::CLASSES,
    resampling::CLASSES,
    transposed::CLASSES,
    wrappers::CLASSES,
];

/// The class of this name, if TensorFlow.js has it.
pub(crate) fn find(name: &str) -> Option<&'static Class> {
    FAMILIES.into_iter().flatten().find(|class| class.name == name)
}

impl Class {
    const fn alone(name: &'static str, read: fn(&Config) -> ReadLayer) -> Self {
        Self { name, read: Read::Alone(read) }
    }

    const fn with_layers(name: &'static str, read: fn(&mut Reader<'_>, &Config) -> ReadLayer) -> Self {
        Self { name, read: Read::WithLayers(read) }
    }
}

/// The shape that a layer gives.
pub(crate) enum Output {
    /// That of its input: they are one.
    Same,
    /// One of its own.
    New(SymbolicShape),
}

/// What a layer of some class does with shapes. A layer with one input answers the first three; others answer the rest.
pub(crate) trait LayerType: Debug + Send + Sync {
    /// What it accepts before it is built.
    fn input_spec(&self) -> InputSpec {
        InputSpec::any()
    }

    /// Its weights when it is built for this input, and what it accepts from then on.
    fn weights(&self, _input: &SymbolicShape) -> Result<(Vec<WeightDef>, InputSpec), Problem> {
        Ok((Vec::new(), self.input_spec()))
    }

    /// The shape of its output.
    fn output_shape(&self, _input: &SymbolicShape) -> Result<Output, Problem> {
        Ok(Output::Same)
    }

    /// Makes the weights.
    fn build(&self, build: &mut Build<'_>, inputs: &[ShapeId]) -> Result<InputSpec, Problem> {
        let (weights, spec) = self.weights(build.network.known(first(inputs)?)?)?;
        if !weights.is_empty() {
            only(inputs)?;
        }
        build.add(weights)?;
        Ok(spec)
    }

    /// The shapes of the outputs.
    fn output_shapes(&self, network: &mut Network, inputs: &[ShapeId]) -> Result<Vec<ShapeId>, Problem> {
        match self.output_shape(network.known(first(inputs)?)?)? {
            Output::Same => Ok(inputs.to_vec()),
            Output::New(shape) => {
                only(inputs)?;
                Ok(vec![network.add_shape(shape)?])
            }
        }
    }

    /// Whose weights it has.
    fn holds(&self) -> Holds {
        Holds::Own
    }

    /// The states of a cell of a recurrent layer; `None` if it is no cell.
    fn state_size(&self, _network: &Network) -> Option<Vec<i64>> {
        None
    }

    /// As a cell of convolutions, if it is one.
    fn convolution(&self) -> Option<&recurrent_convolution::ConvLstm2dCell> {
        None
    }

    /// Whether its weights have the type that its config names, as few classes have it: those of all others are float32.
    fn has_own_dtype(&self) -> bool {
        false
    }

    /// What its config says of a batch's shape beside the keys that all layers have.
    fn batch_input_shape(&self) -> Option<SymbolicShape> {
        None
    }
}

/// The first input, of one or several.
fn first(inputs: &[ShapeId]) -> Result<ShapeId, Problem> {
    inputs.first().copied().ok_or_else(|| Problem::new("it has no input"))
}

/// The input of a layer that has no other.
fn only(inputs: &[ShapeId]) -> Result<ShapeId, Problem> {
    match inputs {
        [input] => Ok(*input),
        _ => Err(Problem::new(format!("it takes one input, but gets {}", inputs.len()))),
    }
}

/// A layer that gives its input's shape on and has no weights.
#[derive(Debug)]
struct Elementwise(InputSpec);

impl LayerType for Elementwise {
    fn input_spec(&self) -> InputSpec {
        self.0.clone()
    }
}

/// What a class of such layers reads of its config.
#[expect(clippy::unnecessary_wraps, reason = "the signature is that of the table")]
fn elementwise(_: &Config) -> Result<Arc<dyn LayerType>, Problem> {
    Ok(Arc::new(Elementwise(InputSpec::any())))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_class_stands_in_the_table_once() {
        let names: Vec<_> = FAMILIES.into_iter().flatten().map(|class| class.name).collect();
        assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len());
        // With InputLayer, Sequential, Model and Functional, which are read by themselves, all that 4.22 registers.
        assert_eq!(names.len(), 69);
    }
}
