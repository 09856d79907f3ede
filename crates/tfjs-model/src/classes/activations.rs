//! Activations with a layer of their own.

use std::sync::Arc;

use super::{Class, LayerType, elementwise};
use crate::config::Config;
use crate::network::{InputSpec, WeightDef};
use crate::problem::Problem;
use crate::symbolic::SymbolicShape;

pub(super) const CLASSES: &[Class] = &[
    Class::alone("ReLU", elementwise),
    Class::alone("LeakyReLU", elementwise),
    Class::alone("PReLU", PRelu::read),
    Class::alone("ELU", elementwise),
    Class::alone("ThresholdedReLU", elementwise),
    Class::alone("Softmax", elementwise),
];

/// A slope that is learned, for each element or shared along axes.
#[derive(Debug)]
struct PRelu {
    /// Counted with the batch; `None` if no axis is shared.
    shared_axes: Option<Vec<i64>>,
}

impl PRelu {
    fn read(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        Ok(Arc::new(Self { shared_axes: config.integers("sharedAxes")? }))
    }
}

impl LayerType for PRelu {
    fn weights(&self, input: &SymbolicShape) -> Result<(Vec<WeightDef>, InputSpec), Problem> {
        let mut dims = input.from(1).to_vec();
        for &axis in self.shared_axes.iter().flatten() {
            let place = usize::try_from(axis).ok().and_then(|axis| axis.checked_sub(1));
            match place.and_then(|place| dims.get_mut(place)) {
                Some(dim) => *dim = Some(1),
                None => return Err(Problem::of("sharedAxes", format!("the input {input} has no axis {axis}"))),
            }
        }
        let mut spec = InputSpec::rank(input.rank());
        if self.shared_axes.is_some() {
            for (axis, dim) in (1..).zip(input.from(1)) {
                spec = spec.with_axis(axis, *dim);
            }
        }
        Ok((vec![WeightDef::new("alpha", dims)], spec))
    }
}
