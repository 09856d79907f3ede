//! How a weight was quantized.

use crate::model_json::encode_quantization;
use crate::{JsonError, RawJson};

/// The `quantization` of a weight: how its stored codes become values.
///
/// Affine codes mean `code * scale + min`; float16 is widened. The numbers keep the text they came in
/// (`1`, `1.0`, `-0.0`), so that copying a model changes none. Whether they are there and are numbers is checked
/// when the tensor is decoded, as the reference does, so that a model with one bad entry can still be inspected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quantization {
    /// The type of the stored codes.
    pub dtype: QuantizationDType,
    /// The value of code 0.
    pub min: Option<RawJson>,
    /// The distance between neighbouring codes.
    pub scale: Option<RawJson>,
    /// Other keys in order, such as the Python converter's `original_dtype`. A key that is written from a field of its own
    /// counts for nothing here.
    pub unknown: Vec<(String, RawJson)>,
}

/// The type of quantized codes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "`Other` holds whatever the future brings")]
pub enum QuantizationDType {
    /// One byte per element, with `min` and `scale`.
    Uint8,
    /// Two bytes per element, little-endian, with `min` and `scale`.
    Uint16,
    /// IEEE half precision, two bytes per element, little-endian.
    Float16,
    /// A name that this library does not know.
    Other(Box<str>),
}

impl Quantization {
    /// Codes of this type, without `min` and `scale`.
    pub fn new(dtype: QuantizationDType) -> Self {
        Self { dtype, min: None, scale: None, unknown: Vec::new() }
    }

    /// The JSON object that a manifest holds.
    ///
    /// # Errors
    /// [`JsonError::TooDeep`] when an unknown key's value is nested too deep to be nested once more.
    pub fn to_json(&self) -> Result<RawJson, JsonError> {
        RawJson::parse(&encode_quantization(self))
    }
}

impl QuantizationDType {
    /// The name as the manifest spells it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Uint8 => "uint8",
            Self::Uint16 => "uint16",
            Self::Float16 => "float16",
            Self::Other(name) => name,
        }
    }

    /// Bytes per code, or `None` for an unknown type.
    pub fn code_size(&self) -> Option<u64> {
        match self {
            Self::Uint8 => Some(1),
            Self::Uint16 | Self::Float16 => Some(2),
            // The reference sizes codes with the same table as tensors (`DTYPE_VALUE_SIZE_MAP`), so these are
            // consumed at their size before the dtype is refused.
            Self::Other(name) => match &**name {
                "float32" | "int32" => Some(4),
                "bool" => Some(1),
                "complex64" => Some(8),
                _ => None,
            },
        }
    }
}

impl From<&str> for QuantizationDType {
    fn from(name: &str) -> Self {
        match name {
            "uint8" => Self::Uint8,
            "uint16" => Self::Uint16,
            "float16" => Self::Float16,
            other => Self::Other(other.into()),
        }
    }
}
