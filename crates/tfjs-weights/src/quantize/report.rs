//! What quantization cost.

use pulp::{Arch, Simd, WithSimd};

use super::QuantizeTo;
use super::encoder::Encoder;

/// What became of one weight, and how far its values are from what they were.
///
/// The errors compare what [`decode`](crate::decode()) makes of the codes, and so TensorFlow.js, with the float32 values
/// from before, in double precision.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct QuantizationReport {
    /// The weight.
    pub name: String,
    /// The type of its codes.
    pub dtype: QuantizeTo,
    /// The distance between neighbouring codes; `None` for float16.
    pub scale: Option<f64>,
    /// The value of code 0; `None` for float16.
    pub min: Option<f64>,
    /// The largest difference between a value now and before. Infinite if float16 could not hold a number, or if the range of
    /// evenly spaced values ends beyond the largest float32, as the converter's rounding of `min` makes it for extreme
    /// weights. A NaN that is one still counts for nothing, as does an infinity.
    pub max_absolute_error: f64,
    /// The largest of these differences divided by the magnitude of the value before; zeros count for nothing.
    pub max_relative_error: f64,
}

impl QuantizationReport {
    pub(super) fn new(name: &str, encoder: Encoder, errors: Errors) -> Self {
        Self {
            name: name.to_owned(),
            dtype: encoder.to(),
            scale: encoder.spacing().map(|spacing| spacing.scale),
            min: encoder.spacing().map(|spacing| spacing.min),
            max_absolute_error: f64::from_bits(errors.absolute),
            max_relative_error: f64::from_bits(errors.relative),
        }
    }
}

/// The largest errors so far, as bits: doubles without a sign are ordered as their bits, and the largest of integers is
/// found with vector instructions, where the largest of floats must be found in order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Errors {
    absolute: u64,
    relative: u64,
}

impl Errors {
    /// Takes in values before, as little-endian bytes, and after.
    pub(super) fn extend(&mut self, before: &[[u8; 4]], after: &[f32]) {
        *self = Arch::new().dispatch(Extend { errors: *self, before, after });
    }
}

/// The loop, compiled for the vector instructions that the processor may have.
struct Extend<'a> {
    errors: Errors,
    before: &'a [[u8; 4]],
    after: &'a [f32],
}

impl WithSimd for Extend<'_> {
    type Output = Errors;

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the loop must be compiled within the dispatched function")]
    fn with_simd<S: Simd>(self, _: S) -> Errors {
        let mut errors = self.errors;
        for (before, after) in self.before.iter().zip(self.after) {
            let before = f64::from(f32::from_le_bytes(*before));
            let error = (f64::from(*after) - before).abs();
            // NaN where both are infinite, or one is NaN.
            let error = if error >= 0.0 { error } else { 0.0 };
            let relative = error / before.abs();
            let relative = if error > 0.0 && before != 0.0 { relative } else { 0.0 };
            errors.absolute = errors.absolute.max(error.to_bits());
            errors.relative = errors.relative.max(relative.to_bits());
        }
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        for (before, after, absolute, relative) in [
            (1.0, 1.0, 0.0, 0.0),
            (-2.0, -1.5, 0.5, 0.25),
            (0.0, 0.5, 0.5, 0.0),
            (-0.0, -0.0, 0.0, 0.0),
            (nan, nan, 0.0, 0.0),
            (-inf, -inf, 0.0, 0.0),
            (70000.0, inf, f64::INFINITY, f64::INFINITY),
        ] {
            let mut errors = Errors::default();
            errors.extend(&[before, 1.0].map(f32::to_le_bytes), &[after, 1.0]);
            let report = QuantizationReport::new("w", Encoder::Float16, errors);
            assert_eq!((report.max_absolute_error, report.max_relative_error), (absolute, relative), "{before}");
        }
    }
}
