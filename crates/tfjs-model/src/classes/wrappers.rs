//! Layers around a layer.

use std::sync::Arc;

use super::{Class, LayerType, only};
use crate::config::Config;
use crate::network::{Build, Holds, InputSpec, LayerId, Network, ShapeId};
use crate::problem::Problem;
use crate::symbolic::{SymbolicShape, times};
use crate::topology::Reader;

pub(super) const CLASSES: &[Class] = &[
    Class::with_layers("Bidirectional", Bidirectional::read),
    Class::with_layers("TimeDistributed", TimeDistributed::read),
];

/// A layer, applied to each step.
#[derive(Debug)]
struct TimeDistributed {
    inner: LayerId,
}

impl TimeDistributed {
    fn read(reader: &mut Reader<'_>, config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        let inner = config.get("layer").ok_or_else(|| Problem::of("layer", "it is missing"))?;
        Ok(Arc::new(Self { inner: reader.inner("layer", inner)? }))
    }
}

/// A shape without its steps.
fn step(network: &mut Network, inputs: &[ShapeId]) -> Result<(ShapeId, SymbolicShape), Problem> {
    let input = network.known(only(inputs)?)?.clone();
    let step = network.add_shape(SymbolicShape::join(input.dims().get(..1).unwrap_or_default(), input.from(2)))?;
    Ok((step, input))
}

impl LayerType for TimeDistributed {
    fn build(&self, build: &mut Build<'_>, inputs: &[ShapeId]) -> Result<InputSpec, Problem> {
        let (step, input) = step(build.network, inputs)?;
        if input.rank() < 3 {
            return Err(Problem::new(format!("it takes an input of rank 3 or more, but gets {input}")));
        }
        if !build.is_built(self.inner) {
            build.inner(self.inner, &[step])?;
        }
        Ok(InputSpec::shape(input))
    }

    fn output_shapes(&self, network: &mut Network, inputs: &[ShapeId]) -> Result<Vec<ShapeId>, Problem> {
        let (step, input) = step(network, inputs)?;
        let outputs = network.output_shapes(self.inner, &[step])?;
        let [output] = outputs[..] else {
            return Err(Problem::of("layer", format!("it must have one output, but has {}", outputs.len())));
        };
        let Some(output) = network.shape(output).cloned() else { return Ok(outputs) };
        Ok(vec![network.add_shape(SymbolicShape::join(&[output.at(0), input.at(1)], output.from(1)))?])
    }

    fn holds(&self) -> Holds {
        Holds::Inner(self.inner)
    }
}

/// How the two halves of a [`Bidirectional`] become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MergeMode {
    Concat,
    /// Sum, product or mean: none changes the shape.
    Elementwise,
    /// They do not.
    Apart,
}

/// A recurrent layer, forwards and backwards.
#[derive(Debug)]
struct Bidirectional {
    /// Forwards, backwards.
    layers: [LayerId; 2],
    scopes: [String; 2],
    merge_mode: MergeMode,
    return_state: bool,
}

impl Bidirectional {
    fn read(reader: &mut Reader<'_>, config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        let inner = config.get("layer").ok_or_else(|| Problem::of("layer", "it is missing"))?;
        if config.get("numConstants").is_some() {
            return Err(Problem::of("numConstants", "TensorFlow.js has no constants of a Bidirectional"));
        }
        let modes = [
            ("concat", MergeMode::Concat),
            ("sum", MergeMode::Elementwise),
            ("mul", MergeMode::Elementwise),
            ("ave", MergeMode::Elementwise),
        ];
        let merge_mode = match config.given("mergeMode") {
            Some(mode) if mode.is_null() => MergeMode::Apart,
            _ => config.one_of("mergeMode", &modes)?.unwrap_or(MergeMode::Concat),
        };
        let layers = [reader.inner("layer", inner)?, reader.inner("layer", inner)?];
        let name = reader.network().layer(layers[0]).name.clone();
        let inner = Config::read(inner).unwrap_or_default();
        let inner = inner.get("config").and_then(Config::read).unwrap_or_default();
        Ok(Arc::new(Self {
            layers,
            scopes: [format!("forward_{name}"), format!("backward_{name}")],
            merge_mode,
            return_state: inner.flag("returnState"),
        }))
    }
}

impl LayerType for Bidirectional {
    fn build(&self, build: &mut Build<'_>, inputs: &[ShapeId]) -> Result<InputSpec, Problem> {
        // States that are given as inputs do not matter here.
        let input = inputs.get(..1).unwrap_or_default();
        for (layer, scope) in self.layers.into_iter().zip(&self.scopes) {
            build.inner_in(layer, scope, input)?;
        }
        Ok(InputSpec::any())
    }

    fn output_shapes(&self, network: &mut Network, inputs: &[ShapeId]) -> Result<Vec<ShapeId>, Problem> {
        let [forward, _] = self.layers;
        let shapes = network.output_shapes(forward, inputs.get(..1).unwrap_or_default())?;
        let Some((&output, states)) = shapes.split_first() else {
            return Err(Problem::of("layer", "it has no output"));
        };
        let states = if self.return_state { states } else { &[] };
        let Some(shape) = network.shape(output).cloned() else { return Ok(vec![output]) };
        let last = shape.rank().saturating_sub(1);
        let width = shape.last();
        let mut outputs = match self.merge_mode {
            MergeMode::Concat => vec![network.add_shape(shape.with(last, times(width, 2)?)?)?],
            MergeMode::Elementwise => vec![output],
            MergeMode::Apart => vec![output, network.add_shape(shape)?],
        };
        outputs.extend([states, states].concat());
        Ok(outputs)
    }

    fn holds(&self) -> Holds {
        Holds::Both(self.layers)
    }
}
