//! What a layer accepts: TensorFlow.js's `InputSpec`.

use super::{Network, ShapeId};
use crate::problem::Problem;
use crate::symbolic::{Dim, SymbolicShape};

/// What must hold of a layer's input.
#[derive(Clone, Debug, Default)]
pub(crate) struct InputSpec {
    /// Whether there must be exactly one input; if not, only the first is looked at.
    single: bool,
    rank: Option<usize>,
    least_rank: Option<usize>,
    /// Sizes of some axes, which may count from the end.
    axes: Vec<(i64, Dim)>,
    shape: Option<SymbolicShape>,
}

impl InputSpec {
    /// Anything, also several inputs.
    pub(crate) fn any() -> Self {
        Self::default()
    }

    pub(crate) fn rank(rank: usize) -> Self {
        Self { single: true, rank: Some(rank), ..Self::default() }
    }

    pub(crate) fn least_rank(rank: usize) -> Self {
        Self { single: true, least_rank: Some(rank), ..Self::default() }
    }

    /// This shape, where its dimensions are known.
    pub(crate) fn shape(shape: SymbolicShape) -> Self {
        Self { single: true, rank: Some(shape.rank()), shape: Some(shape), ..Self::default() }
    }

    pub(crate) fn with_axis(mut self, axis: i64, size: Dim) -> Self {
        self.axes.push((axis, size));
        self
    }

    /// With further inputs, which are not looked at: the states of a recurrent layer.
    pub(crate) fn of_first(mut self) -> Self {
        self.single = false;
        self
    }

    /// Compares inputs with it, as `Layer.assertInputCompatibility` does.
    pub(crate) fn check(&self, network: &Network, inputs: &[ShapeId]) -> Result<(), Problem> {
        if self.single && inputs.len() != 1 {
            return Err(Problem::new(format!("it takes one input, but gets {}", inputs.len())));
        }
        let Some(input) = inputs.first().and_then(|&input| network.shape(input)) else { return Ok(()) };
        let rank = input.rank();
        if let Some(expected) = self.rank.filter(|&expected| expected != rank) {
            return Err(Problem::new(format!("it takes an input of rank {expected}, but gets {input} of rank {rank}")));
        }
        if let Some(least) = self.least_rank.filter(|&least| rank < least) {
            return Err(Problem::new(format!("it takes an input of rank {least} or more, but gets {input}")));
        }
        for &(axis, size) in &self.axes {
            let found = input.axis(axis).map(|axis| input.at(axis));
            let fits = size.is_none() || found.is_some_and(|found| found.is_none() || found == size);
            if !fits {
                let size = size.unwrap_or_default();
                return Err(Problem::new(format!(
                    "axis {axis} of its input must have size {size}, but it gets {input}"
                )));
            }
        }
        let differs = |shape: &SymbolicShape| {
            shape.dims().iter().zip(input.dims()).any(|(&one, &other)| one.is_some() && other.is_some() && one != other)
        };
        match &self.shape {
            Some(shape) if differs(shape) => {
                Err(Problem::new(format!("it was made for inputs of shape {shape}, but gets {input}")))
            }
            _ => Ok(()),
        }
    }
}
