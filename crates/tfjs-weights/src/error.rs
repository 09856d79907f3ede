//! What can be wrong with a tensor.

use tfjs_artifacts::{DType, Error, ErrorKind, LimitError, Operation, Shape, ShapeError};

/// Why stored bytes cannot become a tensor. The rules and their order are those of tfjs-core's
/// `decodeWeight` in `io/io_utils.ts`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The dtype is unknown, or one that TensorFlow.js cannot decode (quantized or not).
    #[error("unsupported dtype in weight `{name}`: `{dtype}`")]
    UnsupportedDType {
        /// The tensor.
        name: String,
        /// Its dtype.
        dtype: DType,
    },
    /// Affine quantization without its numbers.
    #[error("weight `{name}` with quantization {quantization} doesn't have corresponding metadata min and scale")]
    MissingMinAndScale {
        /// The tensor.
        name: String,
        /// The type of its codes.
        quantization: String,
    },
    /// `min` or `scale` is there, but no number, or one beyond the range of a double.
    #[error("the quantization of weight `{name}` has a {key} that is not a number: `{found}`")]
    NotANumber {
        /// The tensor.
        name: String,
        /// `min` or `scale`.
        key: &'static str,
        /// What stands there.
        found: String,
    },
    /// float16 codes of something else than float32.
    #[error("weight `{name}` is quantized with float16 which only supports weights of type float32 not `{dtype}`")]
    Float16NeedsFloat32 {
        /// The tensor.
        name: String,
        /// Its dtype.
        dtype: DType,
    },
    /// Codes of an unknown type.
    #[error("weight `{name}` has unknown quantization dtype `{quantization}`; supported are uint8, uint16 and float16")]
    UnknownQuantization {
        /// The tensor.
        name: String,
        /// The type of its codes.
        quantization: String,
    },
    /// Too few or too many bytes.
    #[error("weight `{name}` takes {expected} bytes, but {actual} were given")]
    Length {
        /// The tensor.
        name: String,
        /// What its spec asks for.
        expected: u64,
        /// What there was.
        actual: u64,
    },
    /// A string's length points past the end.
    #[error("string {element} of weight `{name}` takes {length} bytes, but only {left} are left")]
    TruncatedString {
        /// The tensor.
        name: String,
        /// Which string, from 0.
        element: u64,
        /// How long it says that it is, without its length prefix.
        length: u32,
        /// How many bytes are left behind its length prefix.
        left: usize,
    },
    /// There are not four bytes for a string's length.
    #[error("weight `{name}` ends before the length of string {element}: 4 bytes are expected, {left} are left")]
    MissingString {
        /// The tensor.
        name: String,
        /// Which string, from 0.
        element: u64,
        /// How many bytes are left.
        left: usize,
    },
    /// The caller's memory is for another type.
    #[error("weight `{name}` is of type `{dtype}`, but was asked for as `{asked}`")]
    WrongType {
        /// The tensor.
        name: String,
        /// Its dtype.
        dtype: DType,
        /// The dtype of the memory.
        asked: DType,
    },
    /// The caller's memory is for more or fewer values.
    #[error("weight `{name}` of shape {shape} has {} values, but memory for {values} was given", .shape.size())]
    WrongCount {
        /// The tensor.
        name: String,
        /// Its shape.
        shape: Shape,
        /// How many values there is memory for.
        values: u64,
    },
    /// There are no codes.
    #[error("weight `{name}` is not quantized")]
    NotQuantized {
        /// The tensor.
        name: String,
    },
    /// There is not so much memory.
    #[error("weight `{name}` needs {bytes} bytes of memory, which are not to be had")]
    TooLarge {
        /// The tensor.
        name: String,
        /// The size of its values.
        bytes: usize,
    },
    /// More of something than is accepted.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// The bytes of a stream ended before the last tensor.
    #[error("the bytes ended inside weight `{name}`: {missing} more are expected")]
    Ended {
        /// The tensor.
        name: String,
        /// How many bytes are missing, as far as known.
        missing: u64,
    },
    /// A stream had bytes behind the last tensor.
    #[error("at least {bytes} bytes follow the last weight and belong to none")]
    Surplus {
        /// How many had come when that was seen.
        bytes: u64,
    },
    /// A stream was said to be finished before all tensors were taken from it.
    #[error("weight `{name}` is all there, but was not taken: ask for tensors until there is none, then finish")]
    NotTaken {
        /// The tensor.
        name: String,
    },
    /// Its bytes cannot be found.
    #[error(
        "weight `{name}` cannot be located: weight `{because_of}` before it has an unknown dtype, so its length is unknown"
    )]
    Unplaced {
        /// The tensor.
        name: String,
        /// The tensor of unknown dtype.
        because_of: String,
    },
}

/// Why values cannot become a [`Tensor`](crate::Tensor).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TensorError {
    /// The number of values is not that of the shape.
    #[error("tensor `{name}` of shape {shape} should have {} values, but has {values}", .shape.size())]
    Size {
        /// The tensor.
        name: String,
        /// Its shape.
        shape: Shape,
        /// The number of values.
        values: u64,
    },
    /// The dimensions are no shape.
    #[error("tensor `{name}` cannot have its shape")]
    Shape {
        /// The tensor.
        name: String,
        /// Why.
        source: ShapeError,
    },
    /// A string of 4 GiB or more.
    #[error("tensor `{name}` has a string of 4 GiB or more, which the format cannot hold")]
    StringTooLong {
        /// The tensor.
        name: String,
    },
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        let kind = match error {
            DecodeError::UnsupportedDType { .. }
            | DecodeError::UnknownQuantization { .. }
            | DecodeError::Float16NeedsFloat32 { .. }
            | DecodeError::NotQuantized { .. }
            | DecodeError::WrongType { .. } => ErrorKind::Unsupported,
            DecodeError::TooLarge { .. } | DecodeError::Limit(_) => ErrorKind::LimitExceeded,
            // The caller's mistake: nothing is wrong with the model, and with other memory it can be done.
            DecodeError::WrongCount { .. } => ErrorKind::Unexpected,
            _ => ErrorKind::InvalidData,
        };
        Self::new(kind, error.to_string()).with_operation(Operation::Decode)
    }
}

impl From<TensorError> for Error {
    fn from(error: TensorError) -> Self {
        Self::new(ErrorKind::InvalidData, error.to_string()).with_operation(Operation::Encode)
    }
}
