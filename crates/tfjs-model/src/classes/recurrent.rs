//! Recurrent layers and their cells.

use std::sync::Arc;

use tfjs_artifacts::RawJson;

use super::{Class, LayerType, first};
use crate::config::Config;
use crate::network::{Build, Holds, InputSpec, LayerId, Network, ShapeId, WeightDef};
use crate::problem::Problem;
use crate::symbolic::{Dim, SymbolicShape, times};
use crate::topology::Reader;

pub(super) const CLASSES: &[Class] = &[
    Class::alone("SimpleRNNCell", |config| Ok(Arc::new(Cell::read(config, Gates::Simple)?))),
    Class::alone("GRUCell", |config| Ok(Arc::new(Cell::read(config, Gates::Gru)?))),
    Class::alone("LSTMCell", |config| Ok(Arc::new(Cell::read(config, Gates::Lstm)?))),
    Class::with_layers("StackedRNNCells", Stacked::read),
    Class::with_layers("RNN", Recurrent::of_cell),
    Class::with_layers("SimpleRNN", |reader, config| Recurrent::of_class(reader, config, "SimpleRNNCell")),
    Class::with_layers("GRU", |reader, config| Recurrent::of_class(reader, config, "GRUCell")),
    Class::with_layers("LSTM", |reader, config| Recurrent::of_class(reader, config, "LSTMCell")),
];

/// What a cell has beside its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gates {
    Simple,
    Gru,
    Lstm,
}

impl Gates {
    /// How many matrices stand in one.
    fn count(self) -> i64 {
        match self {
            Self::Simple => 1,
            Self::Gru => 3,
            Self::Lstm => 4,
        }
    }
}

/// One step.
#[derive(Debug)]
struct Cell {
    gates: Gates,
    units: i64,
    use_bias: bool,
}

impl Cell {
    fn read(config: &Config, gates: Gates) -> Result<Self, Problem> {
        if gates == Gates::Gru && config.flag("resetAfter") {
            return Err(Problem::of("resetAfter", "TensorFlow.js has no GRU that resets after the multiplication"));
        }
        Ok(Self { gates, units: config.positive("units")?, use_bias: config.flag_or_true("useBias") })
    }
}

impl LayerType for Cell {
    fn weights(&self, input: &SymbolicShape) -> Result<(Vec<WeightDef>, InputSpec), Problem> {
        let (units, wide) = (Some(self.units), times(Some(self.units), self.gates.count())?);
        let mut weights =
            vec![WeightDef::new("kernel", [input.last(), wide]), WeightDef::new("recurrent_kernel", [units, wide])];
        if self.use_bias {
            weights.push(WeightDef::new("bias", [wide]));
        }
        Ok((weights, InputSpec::any()))
    }

    fn state_size(&self, _network: &Network) -> Option<Vec<i64>> {
        Some(if self.gates == Gates::Lstm { vec![self.units; 2] } else { vec![self.units] })
    }
}

/// Cells, one upon the other.
#[derive(Debug)]
struct Stacked {
    cells: Vec<LayerId>,
}

impl Stacked {
    fn read(reader: &mut Reader<'_>, config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        let cells = config.get("cells").and_then(RawJson::elements);
        let cells = cells.filter(|cells| !cells.is_empty());
        let cells = cells.ok_or_else(|| Problem::of("cells", "expected an array of cells"))?;
        let cells: Vec<_> = cells.iter().map(|cell| reader.inner("cells", cell)).collect::<Result<_, _>>()?;
        Ok(Arc::new(Self { cells }))
    }
}

impl LayerType for Stacked {
    fn build(&self, build: &mut Build<'_>, inputs: &[ShapeId]) -> Result<InputSpec, Problem> {
        let mut input = first(inputs)?;
        let batch = build.network.known(input)?.at(0);
        for (index, &cell) in self.cells.iter().enumerate() {
            build.inner_in(cell, &format!("RNNCell_{index}"), &[input])?;
            let width = state_size(build.network, cell)?.first().copied();
            input = build.network.add_shape(SymbolicShape::new([batch, width])?)?;
        }
        Ok(InputSpec::any())
    }

    fn holds(&self) -> Holds {
        Holds::Cells(self.cells.clone())
    }

    fn state_size(&self, network: &Network) -> Option<Vec<i64>> {
        // From the last cell to the first.
        let sizes = self.cells.iter().rev().map(|&cell| state_size(network, cell).ok());
        Some(sizes.collect::<Option<Vec<_>>>()?.concat())
    }
}

/// The states of a cell.
pub(super) fn state_size(network: &Network, cell: LayerId) -> Result<Vec<i64>, Problem> {
    let kind = network.known_kind(cell);
    kind.and_then(|kind| kind.state_size(network)).ok_or_else(|| {
        Problem::of("cell", format!("`{}` is no cell of a recurrent layer", network.layer(cell).class_name))
    })
}

/// What recurrent layers of all kinds read beside their cells.
#[derive(Debug)]
pub(super) struct Unrolled {
    pub(super) return_sequences: bool,
    pub(super) return_state: bool,
    stateful: bool,
}

impl Unrolled {
    pub(super) fn read(config: &Config) -> Self {
        Self {
            return_sequences: config.flag("returnSequences"),
            return_state: config.flag("returnState"),
            stateful: config.flag("stateful"),
        }
    }

    /// Builds the cell for one step, as `RNN.build` does.
    pub(super) fn build(&self, build: &mut Build<'_>, cell: LayerId, inputs: &[ShapeId]) -> Result<InputSpec, Problem> {
        let input = build.network.known(first(inputs)?)?.clone();
        let batch = input.at(0).filter(|_| self.stateful);
        if self.stateful && batch.is_none() {
            return Err(Problem::of("stateful", "it needs to know its batch size: give the input a whole batch shape"));
        }
        let step = build.network.add_shape(SymbolicShape::join(&[input.at(0)], input.from(2)))?;
        build.inner(cell, &[step])?;
        Ok(InputSpec::shape(SymbolicShape::join(&[batch, None], input.from(2))).of_first())
    }
}

/// A cell, step by step.
#[derive(Debug)]
struct Recurrent {
    cell: LayerId,
    unrolled: Unrolled,
}

impl Recurrent {
    /// With a cell that has a config of its own.
    fn of_cell(reader: &mut Reader<'_>, config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        let cell = config.get("cell").ok_or_else(|| Problem::of("cell", "it is missing"))?;
        let cell = reader.inner("cell", cell)?;
        state_size(reader.network(), cell)?;
        Ok(Arc::new(Self { cell, unrolled: Unrolled::read(config) }))
    }

    /// With a cell whose config is that of the layer.
    fn of_class(reader: &mut Reader<'_>, config: &Config, class: &'static str) -> Result<Arc<dyn LayerType>, Problem> {
        let cell = reader.inner_of_class(class, config)?;
        Ok(Arc::new(Self { cell, unrolled: Unrolled::read(config) }))
    }
}

impl LayerType for Recurrent {
    fn input_spec(&self) -> InputSpec {
        InputSpec::rank(3).of_first()
    }

    fn build(&self, build: &mut Build<'_>, inputs: &[ShapeId]) -> Result<InputSpec, Problem> {
        self.unrolled.build(build, self.cell, inputs)
    }

    fn output_shapes(&self, network: &mut Network, inputs: &[ShapeId]) -> Result<Vec<ShapeId>, Problem> {
        let input = network.known(first(inputs)?)?;
        let (batch, steps) = (input.at(0), input.at(1));
        let states = state_size(network, self.cell)?;
        let width: Dim = states.first().copied();
        let output = if self.unrolled.return_sequences {
            SymbolicShape::new([batch, steps, width])?
        } else {
            SymbolicShape::new([batch, width])?
        };
        let mut shapes = vec![network.add_shape(output)?];
        if self.unrolled.return_state {
            for state in states {
                shapes.push(network.add_shape(SymbolicShape::new([batch, Some(state)])?)?);
            }
        }
        Ok(shapes)
    }

    fn holds(&self) -> Holds {
        Holds::Cell(self.cell)
    }
}
