//! The layers of `layers/core.ts`, and noise.

use std::sync::Arc;

use super::{Class, Elementwise, LayerType, Output, elementwise};
use crate::config::Config;
use crate::network::{InputSpec, WeightDef};
use crate::problem::Problem;
use crate::symbolic::{Dim, SymbolicShape, product};

pub(super) const CLASSES: &[Class] = &[
    Class::alone("Activation", elementwise),
    Class::alone("Dense", Dense::read),
    Class::alone("Dropout", elementwise),
    Class::alone("Flatten", |_| Ok(Arc::new(Flatten))),
    Class::alone("Masking", elementwise),
    Class::alone("Permute", Permute::read),
    Class::alone("RepeatVector", RepeatVector::read),
    Class::alone("Reshape", Reshape::read),
    Class::alone("SpatialDropout1D", |_| Ok(Arc::new(Elementwise(InputSpec::rank(3))))),
    Class::alone("AlphaDropout", elementwise),
    Class::alone("GaussianDropout", elementwise),
    Class::alone("GaussianNoise", elementwise),
];

/// A matrix, and a bias.
#[derive(Debug)]
struct Dense {
    units: i64,
    use_bias: bool,
    batch_input_shape: Option<SymbolicShape>,
}

impl Dense {
    fn read(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        let batch_input_shape = match config.integer("inputDim")? {
            Some(dim) => Some(SymbolicShape::new([config.integer("batchSize")?, Some(dim)])?),
            None => None,
        };
        Ok(Arc::new(Self {
            units: config.positive("units")?,
            use_bias: config.flag_or_true("useBias"),
            batch_input_shape,
        }))
    }
}

impl LayerType for Dense {
    fn input_spec(&self) -> InputSpec {
        InputSpec::least_rank(2)
    }

    fn weights(&self, input: &SymbolicShape) -> Result<(Vec<WeightDef>, InputSpec), Problem> {
        let mut weights = vec![WeightDef::new("kernel", [input.last(), Some(self.units)])];
        if self.use_bias {
            weights.push(WeightDef::new("bias", [Some(self.units)]));
        }
        Ok((weights, self.input_spec().with_axis(-1, input.last())))
    }

    fn output_shape(&self, input: &SymbolicShape) -> Result<Output, Problem> {
        let last = input.rank().saturating_sub(1);
        Ok(Output::New(input.clone().with(last, Some(self.units))?))
    }

    fn batch_input_shape(&self) -> Option<SymbolicShape> {
        self.batch_input_shape.clone()
    }
}

/// All dimensions but the batch in one.
#[derive(Debug)]
struct Flatten;

impl LayerType for Flatten {
    fn input_spec(&self) -> InputSpec {
        InputSpec::least_rank(3)
    }

    fn output_shape(&self, input: &SymbolicShape) -> Result<Output, Problem> {
        let Some(dims) = input.from(1).iter().copied().collect::<Option<Vec<_>>>() else {
            return Err(Problem::new(format!(
                "the shape of its input is not fully defined: {input}; give the first layer of the model a complete input shape"
            )));
        };
        Ok(Output::New(SymbolicShape::new([input.at(0), Some(product(dims)?)])?))
    }
}

/// The dimensions in another order.
#[derive(Debug)]
struct Permute {
    /// From 1, since the batch stays.
    dims: Vec<usize>,
}

impl Permute {
    fn read(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        let dims = config.integers("dims")?.ok_or_else(|| Problem::of("dims", "it is missing"))?;
        let places: Vec<_> = dims.iter().filter_map(|&dim| usize::try_from(dim).ok()).collect();
        let mut sorted = places.clone();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(1..=dims.len()) {
            return Err(Problem::of("dims", format!("{dims:?} are not all integers from 1 to {}", dims.len())));
        }
        Ok(Arc::new(Self { dims: places }))
    }
}

impl LayerType for Permute {
    fn input_spec(&self) -> InputSpec {
        InputSpec::rank(self.dims.len() + 1)
    }

    fn output_shape(&self, input: &SymbolicShape) -> Result<Output, Problem> {
        let batch = std::iter::once(input.at(0));
        let dims: Vec<_> = batch.chain(self.dims.iter().map(|&dim| input.at(dim))).collect();
        Ok(Output::New(SymbolicShape::new(dims)?))
    }
}

/// A vector, several times.
#[derive(Debug)]
struct RepeatVector {
    n: Dim,
}

impl RepeatVector {
    fn read(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        Ok(Arc::new(Self { n: config.integer("n")? }))
    }
}

impl LayerType for RepeatVector {
    fn input_spec(&self) -> InputSpec {
        InputSpec::rank(2)
    }

    fn output_shape(&self, input: &SymbolicShape) -> Result<Output, Problem> {
        Ok(Output::New(SymbolicShape::new([input.at(0), self.n, input.at(1)])?))
    }
}

/// The same elements in another shape.
#[derive(Debug)]
struct Reshape {
    /// Without the batch; the one that is `None` follows from the others.
    target: Vec<Dim>,
}

impl Reshape {
    fn read(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        let target = config.shape("targetShape")?.ok_or_else(|| Problem::of("targetShape", "it is missing"))?;
        Ok(Arc::new(Self { target: target.dims().iter().map(|dim| dim.filter(|&dim| dim >= 0)).collect() }))
    }

    /// The target, if the size of the input is known: `fixUnknownDimension`.
    fn complete(&self, input: &[i64]) -> Result<Vec<Dim>, Problem> {
        let size = product(input.iter().copied())?;
        let known = product(self.target.iter().copied().flatten())?;
        let mismatch = || Problem::of("targetShape", format!("{size} elements do not fit into {:?}", self.target));
        match self.target.iter().filter(|dim| dim.is_none()).count() {
            0 if size == known => Ok(self.target.clone()),
            1 => {
                let is_whole = size.checked_rem(known) == Some(0);
                let rest = size.checked_div(known).filter(|_| is_whole).ok_or_else(mismatch)?;
                Ok(self.target.iter().map(|dim| dim.or(Some(rest))).collect())
            }
            0 => Err(mismatch()),
            _ => Err(Problem::of("targetShape", "more than one dimension is unknown")),
        }
    }
}

impl LayerType for Reshape {
    fn output_shape(&self, input: &SymbolicShape) -> Result<Output, Problem> {
        let batch = input.dims().get(..1).unwrap_or_default();
        // Only if the batch is known as well does TensorFlow.js look at the sizes.
        let known = input.dims().iter().map(|dim| dim.filter(|&dim| dim >= 0)).collect::<Option<Vec<_>>>();
        let target = match known {
            Some(known) => self.complete(known.get(1..).unwrap_or_default())?,
            None => self.target.clone(),
        };
        Ok(Output::New(SymbolicShape::join(batch, &target)))
    }
}
