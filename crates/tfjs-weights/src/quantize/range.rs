//! The range of weights, and the evenly spaced values that cover it.

use pulp::{Arch, Simd, WithSimd};

use super::QuantizeTo;

/// The smallest and the largest of any number of float32, found window by window.
///
/// Floats are compared as integers in the same order: -NaN, -inf, ..., -0, 0, ..., inf, NaN. That is one pass of plain
/// integer instructions, and whatever is not finite comes out at an end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extremes {
    min: i32,
    max: i32,
}

impl Extremes {
    /// Those of no values.
    pub(super) const NONE: Self = Self { min: i32::MAX, max: i32::MIN };

    /// Takes in values, as little-endian bytes.
    pub(super) fn extend(&mut self, values: &[[u8; 4]]) {
        *self = Arch::new().dispatch(Extend { extremes: *self, values });
    }

    /// Smallest and largest; zeros if there was no value.
    ///
    /// `None` if one of the values is infinite or NaN.
    pub(super) fn finite(self) -> Option<(f32, f32)> {
        if self.max < self.min {
            return Some((0.0, 0.0));
        }
        let (min, max) = (value_of(self.min), value_of(self.max));
        (min.is_finite() && max.is_finite()).then_some((min, max))
    }
}

/// The loop, compiled for the vector instructions that the processor may have.
struct Extend<'a> {
    extremes: Extremes,
    values: &'a [[u8; 4]],
}

impl WithSimd for Extend<'_> {
    type Output = Extremes;

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the loop must be compiled within the dispatched function")]
    fn with_simd<S: Simd>(self, _: S) -> Extremes {
        let Extremes { mut min, mut max } = self.extremes;
        for value in self.values {
            let key = key_of(i32::from_le_bytes(*value));
            min = min.min(key);
            max = max.max(key);
        }
        Extremes { min, max }
    }
}

/// An integer that is ordered as the float with these bits. Its own inverse.
fn key_of(bits: i32) -> i32 {
    // All bits but the sign are turned around if the sign is set.
    bits ^ ((bits >> 31) & i32::MAX)
}

fn value_of(key: i32) -> f32 {
    f32::from_bits(key_of(key).cast_unsigned())
}

/// Evenly spaced values: code `c` stands for `c * scale + min`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spacing {
    /// The value of code 0; may be -0.0.
    pub(super) min: f64,
    /// The value of the largest code.
    max: f64,
    /// The distance between neighbours.
    pub(super) scale: f64,
}

impl Spacing {
    /// What the converter chooses for weights from `min` to `max`, both finite
    /// (`quantize_weights` and `_get_affine_quantization_range` in `quantization.py`).
    ///
    /// If zero lies in between, all is moved by up to half a step so that zero is one of the values: padding with zeros must
    /// stay exact.
    pub(super) fn covering(min: f32, max: f32, to: QuantizeTo) -> Self {
        let (min, max) = (f64::from(min), f64::from(max));
        if min == max {
            return Self { min, max, scale: 1.0 };
        }
        let largest = match to {
            QuantizeTo::Uint8 => f64::from(u8::MAX),
            _ => f64::from(u16::MAX),
        };
        let scale = (max - min) / largest;
        if min > 0.0 || max < 0.0 {
            return Self { min, max, scale };
        }
        let zero_point = ((0.0 - min) / scale).round_ties_even();
        let min = -zero_point * scale;
        Self { min, max: largest * scale + min, scale }
    }

    /// The code whose value is next to a weight, halves to the even code: `round((clip(value) - min) / scale)`.
    ///
    /// Without branches or calls, so that a loop over it becomes vector instructions.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "codes have at most 16 bits")]
    pub(super) fn code(self, value: f32) -> u16 {
        /// From 2^52 on neighbouring doubles are 1 apart, so adding it rounds to an integer, halves to even, which then
        /// stands in the low bits.
        const ROUND: f64 = 4_503_599_627_370_496.0;
        let value = f64::from(value);
        let value = if value < self.min { self.min } else { value };
        let value = if value > self.max { self.max } else { value };
        // A division, not a multiplication by 1 / scale: the converter divides, and the last bit can decide.
        ((value - self.min) / self.scale + ROUND).to_bits() as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn extremes(values: &[f32]) -> Option<(f32, f32)> {
        let mut extremes = Extremes::NONE;
        let bytes: Vec<_> = values.iter().map(|value| value.to_le_bytes()).collect();
        for window in bytes.chunks(7) {
            extremes.extend(window);
        }
        extremes.finite()
    }

    #[test]
    fn extremes_of_special_values() {
        assert_eq!(extremes(&[]), Some((0.0, 0.0)));
        assert_eq!(extremes(&[3.0]), Some((3.0, 3.0)));
        let tiny = f32::from_bits(1);
        assert_eq!(extremes(&[tiny, -tiny, 0.0]), Some((-tiny, tiny)));
        assert_eq!(extremes(&[f32::MIN, f32::MAX]), Some((f32::MIN, f32::MAX)));
        let (min, max) = extremes(&[0.0, -0.0]).unwrap();
        assert!(min.is_sign_negative() && max.is_sign_positive());
        for special in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::from_bits(0x7f80_0001)] {
            for at in 0..20 {
                let mut values = [1.0; 20];
                values[at] = special;
                assert_eq!(extremes(&values), None);
            }
        }
    }

    /// The trick with 2^52 against the formula as it is written.
    fn code_as_written(spacing: Spacing, value: f32) -> f64 {
        let clipped = f64::from(value).clamp(spacing.min, spacing.max);
        ((clipped - spacing.min) / spacing.scale).round_ties_even()
    }

    proptest! {
        #[test]
        fn codes_are_as_the_formula_says(values in prop::collection::vec(any::<u32>(), 1..40), narrow in any::<bool>()) {
            let values: Vec<f32> = values
                .into_iter()
                // All of one exponent, so that ranges far from zero come up too.
                .map(|bits| f32::from_bits(if narrow { bits & 0x007f_ffff | 0x4200_0000 } else { bits }))
                .filter(|value| value.is_finite())
                .collect();
            let (min, max) = extremes(&values).unwrap();
            for (to, largest) in [(QuantizeTo::Uint8, 255), (QuantizeTo::Uint16, 65535)] {
                let spacing = Spacing::covering(min, max, to);
                for &value in &values {
                    let code = spacing.code(value);
                    prop_assert!(code <= largest);
                    prop_assert_eq!(f64::from(code), code_as_written(spacing, value));
                }
            }
        }
    }
}
