//! What can be wrong with rules and with what they are applied to.

use tfjs_artifacts::{DType, Error, ErrorKind, Operation};

use super::QuantizeTo;

/// Why texts are no [`QuantizationRules`](super::QuantizationRules).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuantizationRuleError {
    /// What stands before the `=` is none of the three types.
    #[error(
        "`{rule}` is no quantization: write uint8, uint16 or float16, for some weights only as in uint8=conv*/kernel"
    )]
    UnknownDType {
        /// The text.
        rule: String,
    },
    /// Nothing stands behind the `=`.
    #[error("`{rule}` names no weights: write {to} for all of them, or a pattern behind the `=`")]
    EmptyPattern {
        /// The text.
        rule: String,
        /// What stands before the `=`.
        to: QuantizeTo,
    },
    /// Two types for what no pattern matches.
    #[error("both {first} and {second} are to be used for all weights that no pattern matches; only one can")]
    TwoFallthroughs {
        /// The one.
        first: QuantizeTo,
        /// The other.
        second: QuantizeTo,
    },
}

/// Why a tensor cannot be quantized.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuantizeError {
    /// Two patterns match its name and say different things.
    #[error(
        "weight `{name}` matches two rules, `{first}` and `{second}`: narrow one of the patterns, so that only one matches"
    )]
    TwoMatches {
        /// The tensor.
        name: String,
        /// The one, as a [`QuantizationRule`](super::QuantizationRule) is written.
        first: String,
        /// The other.
        second: String,
    },
    /// Evenly spaced values cannot reach from or to what is no finite number.
    #[error("weight `{name}` has infinite values or NaN, which {to} cannot hold; float16 can")]
    NotFinite {
        /// The tensor.
        name: String,
        /// What it should have become.
        to: QuantizeTo,
    },
    /// Only float32 is quantized.
    #[error("weight `{name}` is `{dtype}`; only float32 can be quantized")]
    NotFloat32 {
        /// The tensor.
        name: String,
        /// Its dtype.
        dtype: DType,
    },
    /// The caller's memory is too small or too large.
    #[error("the codes of weight `{name}` take {expected} bytes, but there is memory for {actual}")]
    Length {
        /// The tensor.
        name: String,
        /// How many bytes its codes take.
        expected: u64,
        /// How many there were.
        actual: u64,
    },
    /// There is not enough memory for its codes.
    #[error("there is no memory for the {bytes} bytes of the codes of weight `{name}`")]
    TooLarge {
        /// The tensor.
        name: String,
        /// How many bytes its codes take.
        bytes: usize,
    },
}

impl From<QuantizationRuleError> for Error {
    fn from(error: QuantizationRuleError) -> Self {
        Self::new(ErrorKind::Unsupported, error.to_string()).with_operation(Operation::Encode)
    }
}

impl From<QuantizeError> for Error {
    fn from(error: QuantizeError) -> Self {
        let kind = match error {
            QuantizeError::TooLarge { .. } => ErrorKind::LimitExceeded,
            // The caller's mistake: with other memory it can be done.
            QuantizeError::Length { .. } => ErrorKind::Unexpected,
            _ => ErrorKind::Unsupported,
        };
        Self::new(kind, error.to_string()).with_operation(Operation::Encode)
    }
}
