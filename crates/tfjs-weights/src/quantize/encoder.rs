//! From weights to codes, once the range is known.

use pulp::{Arch, Simd, WithSimd};
use tfjs_artifacts::{Quantization, RawJson};

use super::float16::narrow;
use super::number::python_float;
use super::range::{Extremes, Spacing};
use super::{QuantizeError, QuantizeTo};

/// How the weights of one tensor become codes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Encoder {
    Uint8(Spacing),
    Uint16(Spacing),
    Float16,
}

impl Encoder {
    /// For a tensor whose values are all here, as little-endian bytes.
    pub(super) fn for_values(to: QuantizeTo, name: &str, values: &[[u8; 4]]) -> Result<Self, QuantizeError> {
        let mut extremes = Extremes::NONE;
        if Self::needs_extremes(to) {
            extremes.extend(values);
        }
        Self::new(to, name, extremes)
    }

    /// For a tensor whose values have these extremes.
    pub(super) fn new(to: QuantizeTo, name: &str, extremes: Extremes) -> Result<Self, QuantizeError> {
        let spacing = || match extremes.finite() {
            Some((min, max)) => Ok(Spacing::covering(min, max, to)),
            None => Err(QuantizeError::NotFinite { name: name.to_owned(), to }),
        };
        Ok(match to {
            QuantizeTo::Uint8 => Self::Uint8(spacing()?),
            QuantizeTo::Uint16 => Self::Uint16(spacing()?),
            QuantizeTo::Float16 => Self::Float16,
        })
    }

    /// Whether all values must be seen before the first can be encoded.
    pub(super) fn needs_extremes(to: QuantizeTo) -> bool {
        to != QuantizeTo::Float16
    }

    pub(super) fn to(self) -> QuantizeTo {
        match self {
            Self::Uint8(_) => QuantizeTo::Uint8,
            Self::Uint16(_) => QuantizeTo::Uint16,
            Self::Float16 => QuantizeTo::Float16,
        }
    }

    pub(super) fn spacing(self) -> Option<Spacing> {
        match self {
            Self::Uint8(spacing) | Self::Uint16(spacing) => Some(spacing),
            Self::Float16 => None,
        }
    }

    /// Encodes values, given as little-endian bytes, into as many codes.
    pub(super) fn encode(self, values: &[[u8; 4]], codes: &mut [u8]) {
        Arch::new().dispatch(Encode { encoder: self, values, codes });
    }

    /// The object in the manifest, with the keys in the converter's order: dtype, min, scale, original_dtype.
    pub(super) fn quantization(self) -> Quantization {
        let mut quantization = Quantization::new(self.to().into());
        quantization.min = self.spacing().map(|spacing| python_float(spacing.min));
        quantization.scale = self.spacing().map(|spacing| python_float(spacing.scale));
        quantization.unknown.push(("original_dtype".to_owned(), RawJson::string("float32")));
        quantization
    }
}

/// The loops, in plain Rust. `pulp` compiles them a second time for the vector instructions that the processor may have;
/// both compute the same operations in the same order, so their results are equal bit for bit.
///
/// A type rather than a closure, since a closure that could be called twice is not always compiled into its caller.
struct Encode<'a> {
    encoder: Encoder,
    values: &'a [[u8; 4]],
    codes: &'a mut [u8],
}

impl WithSimd for Encode<'_> {
    type Output = ();

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the loop must be compiled within the dispatched function")]
    #[expect(clippy::cast_possible_truncation, reason = "the codes of uint8 are at most 255")]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { encoder, values, codes } = self;
        match encoder {
            Encoder::Uint8(spacing) => {
                for (code, value) in codes.iter_mut().zip(values) {
                    *code = spacing.code(f32::from_le_bytes(*value)) as u8;
                }
            }
            Encoder::Uint16(spacing) => {
                for (code, value) in codes.as_chunks_mut().0.iter_mut().zip(values) {
                    *code = spacing.code(f32::from_le_bytes(*value)).to_le_bytes();
                }
            }
            Encoder::Float16 => {
                for (code, value) in codes.as_chunks_mut().0.iter_mut().zip(values) {
                    *code = narrow(u32::from_le_bytes(*value)).to_le_bytes();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The dispatched loops and their scalar twins, over bit patterns spread over all floats, at every length up to a few
    /// vectors and at every offset from an aligned address.
    #[test]
    fn dispatched_and_scalar_agree() {
        let patterns: Vec<u8> =
            (0..200_000u32).flat_map(|index| index.wrapping_mul(0x9e37_79b1).to_le_bytes()).collect();
        let ranges = [(-1.0, 1.0), (0.0, 3.0), (1e6, 1e6 + 1.0), (-1e-40, 1e-42), (f32::MIN, f32::MAX), (2.0, 2.0)];
        for (min, max) in ranges {
            for to in [QuantizeTo::Uint8, QuantizeTo::Uint16, QuantizeTo::Float16] {
                let spacing = Spacing::covering(min, max, to);
                let encoder = match to {
                    QuantizeTo::Uint8 => Encoder::Uint8(spacing),
                    QuantizeTo::Uint16 => Encoder::Uint16(spacing),
                    QuantizeTo::Float16 => Encoder::Float16,
                };
                check(encoder, patterns.as_chunks().0);
                for skip in 0..4 {
                    for length in 0..80 {
                        check(encoder, &patterns[skip..].as_chunks().0[..length]);
                    }
                }
            }
        }
    }

    fn check(encoder: Encoder, values: &[[u8; 4]]) {
        let length = values.len() * encoder.to().code_size();
        let (mut dispatched, mut scalar) = (vec![0; length], vec![0; length]);
        encoder.encode(values, &mut dispatched);
        Encode { encoder, values, codes: &mut scalar }.with_simd(pulp::Scalar);
        assert_eq!(dispatched, scalar);
    }
}
