//! The recurrent layer whose cell is a convolution.

use std::sync::Arc;

use super::convolution::{Window, with_bias};
use super::recurrent::Unrolled;
use super::{Class, LayerType, first};
use crate::config::Config;
use crate::network::{Build, Holds, InputSpec, LayerId, Network, ShapeId, WeightDef};
use crate::problem::Problem;
use crate::symbolic::{SymbolicShape, times};
use crate::topology::Reader;

pub(super) const CLASSES: &[Class] = &[
    Class::alone("ConvLSTM2DCell", |config| Ok(Arc::new(ConvLstm2dCell::read(config)?))),
    Class::with_layers("ConvLSTM2D", ConvLstm2d::read),
];

/// One step.
#[derive(Debug)]
pub(crate) struct ConvLstm2dCell {
    window: Window<2>,
    filters: i64,
    use_bias: bool,
}

impl ConvLstm2dCell {
    fn read(config: &Config) -> Result<Self, Problem> {
        Ok(Self {
            window: Window::read(config)?,
            filters: config.positive("filters")?,
            use_bias: config.flag_or_true("useBias"),
        })
    }

    /// The shape of all steps, as `computeSingleOutputShape` tells it.
    fn steps(&self, input: &SymbolicShape) -> Result<SymbolicShape, Problem> {
        // Of a step, which has no dimension for the steps.
        let step = SymbolicShape::join(&[input.at(0)], input.from(2));
        let space = self.window.output_space(&step)?;
        let one = self.window.data_format.shape(input.at(0), &space, Some(self.filters))?;
        Ok(SymbolicShape::join(&[input.at(0), input.at(1)], one.from(1)))
    }
}

impl LayerType for ConvLstm2dCell {
    fn weights(&self, input: &SymbolicShape) -> Result<(Vec<WeightDef>, InputSpec), Problem> {
        let channels = self.window.data_format.channels(input)?;
        let wide = times(Some(self.filters), 4)?;
        let four = wide.unwrap_or_default();
        let weights = vec![
            WeightDef::new("kernel", self.window.kernel([channels, four])),
            WeightDef::new("recurrent_kernel", self.window.kernel([self.filters, four])),
        ];
        Ok((with_bias(weights, self.use_bias, wide), InputSpec::any()))
    }

    fn state_size(&self, _network: &Network) -> Option<Vec<i64>> {
        Some(vec![self.filters; 2])
    }

    fn convolution(&self) -> Option<&ConvLstm2dCell> {
        Some(self)
    }
}

/// A cell, image by image.
#[derive(Debug)]
struct ConvLstm2d {
    cell: LayerId,
    unrolled: Unrolled,
}

impl ConvLstm2d {
    fn read(reader: &mut Reader<'_>, config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        if config.flag("unroll") {
            return Err(Problem::of("unroll", "TensorFlow.js cannot unroll recurrent layers of convolutions"));
        }
        let cell = reader.inner_of_class("ConvLSTM2DCell", config)?;
        Ok(Arc::new(Self { cell, unrolled: Unrolled::read(config) }))
    }
}

impl LayerType for ConvLstm2d {
    fn input_spec(&self) -> InputSpec {
        InputSpec::rank(5).of_first()
    }

    fn build(&self, build: &mut Build<'_>, inputs: &[ShapeId]) -> Result<InputSpec, Problem> {
        self.unrolled.build(build, self.cell, inputs)
    }

    fn output_shapes(&self, network: &mut Network, inputs: &[ShapeId]) -> Result<Vec<ShapeId>, Problem> {
        let input = network.known(first(inputs)?)?.clone();
        let kind = network.known_kind(self.cell);
        let Some(cell) = kind.as_ref().and_then(|kind| kind.convolution()) else {
            return Err(Problem::of("cell", "it is no cell of convolutions"));
        };
        let all = cell.steps(&input)?;
        let one = SymbolicShape::join(&[all.at(0)], all.from(2));
        let state = SymbolicShape::join(&[input.at(0)], one.from(1));
        let mut shapes = vec![network.add_shape(if self.unrolled.return_sequences { all } else { one })?];
        if self.unrolled.return_state {
            // Both are one array in TensorFlow.js, but no layer writes into these.
            shapes.extend([network.add_shape(state.clone())?, network.add_shape(state)?]);
        }
        Ok(shapes)
    }

    fn holds(&self) -> Holds {
        Holds::Cell(self.cell)
    }
}
