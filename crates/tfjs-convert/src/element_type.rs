//! The types of numbers that the two file formats have, as far as anything of ours can become of them.

use std::fmt;

/// A type of numbers in a file of tensors: little-endian, as [`tfjs_artifacts::WeightData`] has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ElementType {
    F32,
    I32,
    Bool,
    C64,
    F16,
    U8,
    U16,
    I8,
    I16,
    U32,
    I64,
    U64,
    F64,
    #[cfg_attr(not(feature = "safetensors"), expect(dead_code, reason = "NumPy has no such type"))]
    BF16,
}

impl ElementType {
    /// Bytes per element.
    pub(crate) fn size(self) -> u64 {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::F16 | Self::BF16 | Self::U16 | Self::I16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::C64 | Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    /// What a number has to be aligned to; a complex number is two of four bytes.
    #[cfg(feature = "safetensors")]
    pub(crate) fn alignment(self) -> u64 {
        self.size().min(if self == Self::C64 { 4 } else { 8 })
    }

    /// The name of safetensors, which messages have for both formats.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::I32 => "I32",
            Self::Bool => "BOOL",
            Self::C64 => "C64",
            Self::F16 => "F16",
            Self::U8 => "U8",
            Self::U16 => "U16",
            Self::I8 => "I8",
            Self::I16 => "I16",
            Self::U32 => "U32",
            Self::I64 => "I64",
            Self::U64 => "U64",
            Self::F64 => "F64",
            Self::BF16 => "BF16",
        }
    }

    /// The type of this name.
    #[cfg(feature = "safetensors")]
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        const ALL: [ElementType; 14] = [
            ElementType::F32,
            ElementType::I32,
            ElementType::Bool,
            ElementType::C64,
            ElementType::F16,
            ElementType::U8,
            ElementType::U16,
            ElementType::I8,
            ElementType::I16,
            ElementType::U32,
            ElementType::I64,
            ElementType::U64,
            ElementType::F64,
            ElementType::BF16,
        ];
        ALL.into_iter().find(|known| known.name() == name)
    }

    /// What this type becomes when conversion is asked for, if it is none of TensorFlow.js's.
    pub(crate) fn conversion(self) -> Option<(tfjs_artifacts::DType, &'static str)> {
        use tfjs_artifacts::DType::{Float32, Int32};
        match self {
            Self::F64 => Some((Float32, "rounded")),
            Self::BF16 => Some((Float32, "exact")),
            Self::I8 | Self::I16 | Self::U8 | Self::U16 => Some((Int32, "exact")),
            Self::U32 | Self::I64 | Self::U64 => Some((Int32, "if they fit")),
            Self::F32 | Self::I32 | Self::Bool | Self::C64 | Self::F16 => None,
        }
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
