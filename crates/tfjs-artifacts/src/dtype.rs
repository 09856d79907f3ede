//! Data types of tensors, as the manifest spells them.

use std::fmt;

/// The `dtype` of a weight, as the manifest spells it.
///
/// TensorFlow.js decodes the first five. The Python converter may also write plain `uint8`, `uint16` and
/// `float16`: their size is known, so that the tensors around them stay readable, but like the reference we
/// refuse to decode them. Any other text is kept as [`DType::Other`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "`Other` holds whatever the future brings")]
pub enum DType {
    /// IEEE single precision, 4 bytes, little-endian.
    Float32,
    /// Two's complement, 4 bytes, little-endian.
    Int32,
    /// One byte, 0 or 1; other values are kept as they are.
    Bool,
    /// Variable: for each element a little-endian u32 byte length, then that many bytes.
    String,
    /// Two float32 (real, imaginary), 8 bytes.
    Complex64,
    /// One byte; written by the Python converter, not decodable by TensorFlow.js.
    Uint8,
    /// Two bytes; written by the Python converter, not decodable by TensorFlow.js.
    Uint16,
    /// Two bytes; written by the Python converter, not decodable by TensorFlow.js.
    Float16,
    /// A name that this library does not know.
    Other(Box<str>),
}

impl DType {
    /// The name as the manifest spells it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Float32 => "float32",
            Self::Int32 => "int32",
            Self::Bool => "bool",
            Self::String => "string",
            Self::Complex64 => "complex64",
            Self::Uint8 => "uint8",
            Self::Uint16 => "uint16",
            Self::Float16 => "float16",
            Self::Other(name) => name,
        }
    }

    /// Bytes per element, or `None` for strings (variable) and unknown types.
    ///
    /// The numbers are `DTYPE_VALUE_SIZE_MAP` of tfjs-core's `io/types.ts`.
    pub fn element_size(&self) -> Option<u64> {
        match self {
            Self::Float32 | Self::Int32 => Some(4),
            Self::Bool | Self::Uint8 => Some(1),
            Self::Complex64 => Some(8),
            Self::Uint16 | Self::Float16 => Some(2),
            Self::String | Self::Other(_) => None,
        }
    }
}

impl From<&str> for DType {
    fn from(name: &str) -> Self {
        match name {
            "float32" => Self::Float32,
            "int32" => Self::Int32,
            "bool" => Self::Bool,
            "string" => Self::String,
            "complex64" => Self::Complex64,
            "uint8" => Self::Uint8,
            "uint16" => Self::Uint16,
            "float16" => Self::Float16,
            other => Self::Other(other.into()),
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::DType;

    #[test]
    fn names_round_trip() {
        for name in ["float32", "int32", "bool", "string", "complex64", "uint8", "uint16", "float16", "int64", ""] {
            assert_eq!(DType::from(name).as_str(), name);
        }
    }
}
