//! What one format cannot say as the other does.

use std::fmt;

/// Something that did not go from one format into the other as it was.
///
/// What [`NoteKind::is_lost`] says no to is found again when the file that was written is read by this crate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Note {
    /// The tensor, if it is about one.
    pub tensor: Option<String>,
    /// What happened to it.
    pub kind: NoteKind,
}

/// What happened to a tensor, or to the model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoteKind {
    /// Strings are the bytes of a weight file, a length before each, as one row of `uint8`.
    Strings,
    /// Complex numbers are pairs of `float32`: the tensor has a last dimension of 2.
    ComplexPairs,
    /// Bytes other than 0 and 1 in a tensor of bools, which is `uint8` therefore.
    OddBools,
    /// Quantized values are the codes that were stored: this type.
    Codes {
        /// The type of the codes.
        dtype: String,
    },
    /// A type that this library does not know, whose bytes are one row of `uint8`.
    UnknownDType {
        /// The type.
        dtype: String,
    },
    /// The name cannot be a name in the file.
    Renamed {
        /// The name in the file.
        to: String,
    },
    /// Bytes that belong to no tensor were left out.
    Surplus {
        /// How many.
        bytes: u64,
    },
    /// Numbers of a type that TensorFlow.js has not were converted, because that was asked for.
    Converted {
        /// The type in the file.
        from: String,
        /// The type of TensorFlow.js.
        to: String,
        /// Whether each number is what it was.
        is_exact: bool,
    },
    /// `float16` became `float32` that is quantized as `float16`: the same numbers, and the same bytes.
    HalfPrecision,
}

impl NoteKind {
    /// Whether something is gone for good.
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Surplus { .. } | Self::Converted { is_exact: false, .. })
    }

    /// A short name, for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Strings => "strings",
            Self::ComplexPairs => "complexPairs",
            Self::OddBools => "oddBools",
            Self::Codes { .. } => "codes",
            Self::UnknownDType { .. } => "unknownDType",
            Self::Renamed { .. } => "renamed",
            Self::Surplus { .. } => "surplus",
            Self::Converted { .. } => "converted",
            Self::HalfPrecision => "halfPrecision",
        }
    }
}

impl fmt::Display for NoteKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Strings => f.write_str("strings, as uint8: each with its length before it"),
            Self::ComplexPairs => f.write_str("complex64, as float32 with a last dimension of 2"),
            Self::OddBools => f.write_str("bool with bytes other than 0 and 1, as uint8"),
            Self::Codes { dtype } => write!(f, "quantized, as its {dtype} codes"),
            Self::UnknownDType { dtype } => write!(f, "`{dtype}`, as uint8: its bytes"),
            Self::Renamed { to } => write!(f, "is called `{to}` in the file"),
            Self::Surplus { bytes } => write!(f, "{bytes} bytes that belong to no tensor were left out"),
            Self::Converted { from, to, is_exact: true } => write!(f, "{from}, as {to}"),
            Self::Converted { from, to, is_exact: false } => write!(f, "{from}, rounded to {to}"),
            Self::HalfPrecision => f.write_str("float16, as float32 that is quantized as float16"),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.tensor {
            Some(tensor) => write!(f, "`{tensor}`: {}", self.kind),
            None => write!(f, "{}", self.kind),
        }
    }
}

impl Note {
    /// About a tensor.
    pub(crate) fn about(tensor: &str, kind: NoteKind) -> Self {
        Self { tensor: Some(tensor.to_owned()), kind }
    }
}
