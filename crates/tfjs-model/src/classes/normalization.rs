//! Normalizations.

use std::sync::Arc;

use super::{Class, LayerType};
use crate::config::Config;
use crate::network::{InputSpec, WeightDef};
use crate::problem::Problem;
use crate::symbolic::SymbolicShape;

pub(super) const CLASSES: &[Class] = &[
    Class::alone("BatchNormalization", BatchNormalization::read),
    Class::alone("LayerNormalization", LayerNormalization::read),
];

/// Over the batch.
#[derive(Debug)]
struct BatchNormalization {
    axis: i64,
    center: bool,
    scale: bool,
}

impl BatchNormalization {
    fn read(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        let axis = match config.integers("axis")?.as_deref() {
            None => -1,
            // Newer Keras writes an array of one.
            Some([axis]) => *axis,
            Some(axes) => return Err(Problem::of("axis", format!("expected one axis, found {axes:?}"))),
        };
        Ok(Arc::new(Self { axis, center: config.flag_or_true("center"), scale: config.flag_or_true("scale") }))
    }
}

impl LayerType for BatchNormalization {
    fn weights(&self, input: &SymbolicShape) -> Result<(Vec<WeightDef>, InputSpec), Problem> {
        let Some(size) = input.axis(self.axis).and_then(|axis| input.at(axis)) else {
            let axis = self.axis;
            return Err(Problem::of(
                "axis",
                format!("axis {axis} of its input must have a known size, but the input is {input}"),
            ));
        };
        let (mut weights, dims) = (Vec::new(), [Some(size)]);
        if self.scale {
            weights.push(WeightDef::new("gamma", dims));
        }
        if self.center {
            weights.push(WeightDef::new("beta", dims));
        }
        weights.push(WeightDef::fixed("moving_mean", dims));
        weights.push(WeightDef::fixed("moving_variance", dims));
        Ok((weights, InputSpec::rank(input.rank()).with_axis(self.axis, Some(size))))
    }
}

/// Over axes of each element of the batch.
#[derive(Debug)]
struct LayerNormalization {
    axes: Vec<i64>,
    center: bool,
    scale: bool,
}

impl LayerNormalization {
    fn read(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        let axes = config.integers("axis")?.unwrap_or_else(|| vec![-1]);
        Ok(Arc::new(Self { axes, center: config.flag_or_true("center"), scale: config.flag_or_true("scale") }))
    }
}

impl LayerType for LayerNormalization {
    fn weights(&self, input: &SymbolicShape) -> Result<(Vec<WeightDef>, InputSpec), Problem> {
        let mut axes = Vec::with_capacity(self.axes.len());
        for &axis in &self.axes {
            match input.axis(axis) {
                Some(axis) if !axes.contains(&axis) => axes.push(axis),
                Some(_) => return Err(Problem::of("axis", format!("{:?} names an axis twice", self.axes))),
                None => return Err(Problem::of("axis", format!("its input {input} has no axis {axis}"))),
            }
        }
        let dims: Vec<_> = axes.into_iter().map(|axis| input.at(axis)).collect();
        let mut weights = Vec::new();
        if self.scale {
            weights.push(WeightDef::new("gamma", dims.clone()));
        }
        if self.center {
            weights.push(WeightDef::new("beta", dims));
        }
        Ok((weights, InputSpec::any()))
    }
}
