//! From float32 to fewer bits, with the numbers of the Python converter.
//!
//! The rules, the arithmetic and the texts are those of tensorflowjs 4.22 (`quantization.py` and `write_weights.py`) on
//! NumPy 2: where NumPy 1 computed in single precision, 2 computes in double.

mod encoder;
mod error;
mod float16;
mod glob;
mod model;
mod number;
mod range;
mod report;
mod rules;
mod source;

use bytes::Bytes;
use tfjs_artifacts::{DType, Quantization, QuantizationDType, WeightSpec};

use crate::{Tensor, Values};

use encoder::Encoder;

pub use error::{QuantizationRuleError, QuantizeError};
pub use model::quantize_weights;
pub use report::QuantizationReport;
pub use rules::{QuantizationRule, QuantizationRules};

/// What float32 weights are quantized to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the three that TensorFlow.js decodes")]
pub enum QuantizeTo {
    /// One byte for each weight: 256 evenly spaced values from the smallest weight to the largest.
    Uint8,
    /// Two bytes for each weight: 65536 evenly spaced values.
    Uint16,
    /// Two bytes for each weight: IEEE half precision. What is beyond 65504 becomes infinite.
    Float16,
}

impl QuantizeTo {
    /// The name as manifests spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uint8 => "uint8",
            Self::Uint16 => "uint16",
            Self::Float16 => "float16",
        }
    }

    /// Bytes for each weight.
    pub fn code_size(self) -> usize {
        match self {
            Self::Uint8 => 1,
            Self::Uint16 | Self::Float16 => 2,
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Uint8, Self::Uint16, Self::Float16].into_iter().find(|to| to.as_str() == name)
    }
}

impl std::fmt::Display for QuantizeTo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<QuantizeTo> for QuantizationDType {
    fn from(to: QuantizeTo) -> Self {
        match to {
            QuantizeTo::Uint8 => Self::Uint8,
            QuantizeTo::Uint16 => Self::Uint16,
            QuantizeTo::Float16 => Self::Float16,
        }
    }
}

/// Quantizes one float32 tensor: its manifest entry and its codes.
///
/// ```
/// use tfjs_artifacts::Shape;
/// use tfjs_weights::{QuantizeTo, Tensor, quantize};
///
/// let tensor = Tensor::float32("w", Shape::vector(3)?, vec![0.0, -0.1, 1.2])?;
/// let (spec, codes) = quantize(&tensor, QuantizeTo::Uint8)?;
/// assert_eq!(codes, [0x14, 0x00, 0xff].as_slice());
/// let decoded = tfjs_weights::decode(&spec, &[codes])?;
/// assert_eq!(decoded.as_f32().unwrap()[0], 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`quantize_into`], and [`QuantizeError::TooLarge`].
pub fn quantize(tensor: &Tensor, to: QuantizeTo) -> Result<(WeightSpec, Bytes), QuantizeError> {
    let count = usize::try_from(tensor.shape().size()).unwrap_or(usize::MAX);
    let length = count.saturating_mul(to.code_size());
    let mut codes = allocate(tensor.name(), length)?;
    let mut spec = tensor.spec();
    spec.quantization = Some(quantize_into(tensor, to, &mut codes)?);
    Ok((spec, codes.into()))
}

/// Quantizes one float32 tensor into memory of the caller's, without an allocation for its weights.
///
/// Two passes over the weights for [`QuantizeTo::Uint8`] and [`QuantizeTo::Uint16`] (the range, then the codes), one for
/// [`QuantizeTo::Float16`]. `codes` has [`QuantizeTo::code_size`] bytes for each weight. An empty tensor gets the `min` 0
/// and the `scale` 1; the converter fails on it.
///
/// # Errors
/// [`QuantizeError`] when the tensor is not float32, when `codes` does not have the right length, and when a weight has no
/// place in a range of evenly spaced values, because it is infinite or not a number. Half precision holds those as well.
pub fn quantize_into(tensor: &Tensor, to: QuantizeTo, codes: &mut [u8]) -> Result<Quantization, QuantizeError> {
    let Values::Float32(_) = tensor.values() else {
        return Err(QuantizeError::NotFloat32 { name: tensor.name().to_owned(), dtype: tensor.dtype() });
    };
    let expected = tensor.shape().size().saturating_mul(to.code_size() as u64);
    if codes.len() as u64 != expected {
        return Err(QuantizeError::Length { name: tensor.name().to_owned(), expected, actual: codes.len() as u64 });
    }
    let bytes = tensor.le_bytes();
    let (values, _) = bytes.as_chunks();
    let encoder = Encoder::for_values(to, tensor.name(), values)?;
    encoder.encode(values, codes);
    Ok(encoder.quantization())
}

/// Whether a rule may quantize this tensor: only float32 that is stored plain.
fn is_plain_float32(spec: &WeightSpec) -> bool {
    spec.dtype == DType::Float32 && spec.quantization.is_none()
}

/// Zeroed memory for the codes of a tensor.
fn allocate(name: &str, length: usize) -> Result<Vec<u8>, QuantizeError> {
    let too_large = |()| QuantizeError::TooLarge { name: name.to_owned(), bytes: length };
    bytemuck::allocation::try_zeroed_vec(length).map_err(too_large)
}
