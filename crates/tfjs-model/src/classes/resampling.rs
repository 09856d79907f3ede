//! Images made larger or smaller at their borders, and by repetition.

use std::sync::Arc;

use tfjs_artifacts::RawJson;

use super::convolution::DataFormat;
use super::{Class, LayerType, Output};
use crate::config::{Config, expected, integer};
use crate::network::InputSpec;
use crate::problem::Problem;
use crate::symbolic::{SymbolicShape, plus, times};

pub(super) const CLASSES: &[Class] = &[
    Class::alone("Cropping2D", Cropping::read),
    Class::alone("UpSampling2D", UpSampling::read),
    Class::alone("ZeroPadding2D", ZeroPadding::read),
];

/// How much at the top and at the bottom, and how much at the left and at the right.
fn borders(config: &Config, key: &'static str) -> Result<Option<[[i64; 2]; 2]>, Problem> {
    let Some(value) = config.get(key) else { return Ok(None) };
    let both = |value: &RawJson| integer(value).map(|number| [number; 2]);
    let side = |value: &RawJson| {
        both(value).or_else(|| value.elements()?.iter().map(integer).collect::<Option<Vec<_>>>()?.try_into().ok())
    };
    let sides = || value.elements()?.iter().map(side).collect::<Option<Vec<_>>>()?.try_into().ok();
    let found = both(value).map(|both| [both; 2]).or_else(sides);
    found.map(Some).ok_or_else(|| expected(key, "an integer, an array of two, or two arrays of two", value))
}

/// Without some of each border.
#[derive(Debug)]
struct Cropping {
    cropping: [[i64; 2]; 2],
    data_format: DataFormat,
}

impl Cropping {
    fn read(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        let cropping = borders(config, "cropping")?.ok_or_else(|| Problem::of("cropping", "it is missing"))?;
        Ok(Arc::new(Self { cropping, data_format: DataFormat::read(config)? }))
    }
}

impl LayerType for Cropping {
    fn input_spec(&self) -> InputSpec {
        InputSpec::rank(4)
    }

    fn output_shape(&self, input: &SymbolicShape) -> Result<Output, Problem> {
        let mut shape = input.clone();
        for (axis, [before, after]) in (self.data_format.space_axis()..).zip(self.cropping) {
            // JavaScript subtracts from `null` as from 0.
            let left = plus(plus(input.at(axis).or(Some(0)), before.saturating_neg())?, after.saturating_neg())?;
            shape = shape.with(axis, left)?;
        }
        Ok(Output::New(shape))
    }
}

/// With zeros at each border.
#[derive(Debug)]
struct ZeroPadding {
    padding: [[i64; 2]; 2],
    data_format: DataFormat,
}

impl ZeroPadding {
    fn read(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        let padding = borders(config, "padding")?.unwrap_or([[1; 2]; 2]);
        Ok(Arc::new(Self { padding, data_format: DataFormat::read(config)? }))
    }
}

impl LayerType for ZeroPadding {
    fn input_spec(&self) -> InputSpec {
        InputSpec::rank(4)
    }

    fn output_shape(&self, input: &SymbolicShape) -> Result<Output, Problem> {
        let mut shape = input.clone();
        for (axis, [before, after]) in (self.data_format.space_axis()..).zip(self.padding) {
            let dim = input.at(axis).filter(|&dim| dim >= 0);
            shape = shape.with(axis, plus(plus(dim, before)?, after)?)?;
        }
        Ok(Output::New(shape))
    }
}

/// Each row and column several times.
#[derive(Debug)]
struct UpSampling {
    size: [i64; 2],
    data_format: DataFormat,
}

impl UpSampling {
    fn read(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        Ok(Arc::new(Self { size: config.several("size")?.unwrap_or([2; 2]), data_format: DataFormat::read(config)? }))
    }
}

impl LayerType for UpSampling {
    fn input_spec(&self) -> InputSpec {
        InputSpec::rank(4)
    }

    fn output_shape(&self, input: &SymbolicShape) -> Result<Output, Problem> {
        let mut shape = input.clone();
        for (axis, size) in (self.data_format.space_axis()..).zip(self.size) {
            shape = shape.with(axis, times(input.at(axis), size)?)?;
        }
        Ok(Output::New(shape))
    }
}
