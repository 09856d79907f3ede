//! A named tensor with its values.

use std::borrow::Cow;

use bytes::Bytes;
use tfjs_artifacts::{DType, Shape, WeightSpec};

use crate::{Elements, Strings, TensorError};

/// A named tensor: shape and values, of one of the five types that TensorFlow.js decodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    name: String,
    shape: Shape,
    values: Values,
}

/// The values of a tensor, row-major.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "TensorFlow.js decodes these five types")]
pub enum Values {
    /// Single precision numbers.
    Float32(Elements<f32>),
    /// 32-bit integers.
    Int32(Elements<i32>),
    /// One byte each; 0 is false. Other values than 0 and 1 are kept, as in the reference.
    Bool(Bytes),
    /// Real and imaginary parts.
    Complex64(Elements<[f32; 2]>),
    /// Strings of bytes.
    String(Strings),
}

/// Memory of the caller's for the values of a tensor, see [`decode_into`](crate::decode_into).
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "the types of TensorFlow.js that are numbers")]
pub enum ValuesMut<'a> {
    /// For single precision numbers.
    Float32(&'a mut [f32]),
    /// For 32-bit integers.
    Int32(&'a mut [i32]),
    /// For real and imaginary parts.
    Complex64(&'a mut [[f32; 2]]),
}

/// The stored codes of a quantized tensor, row-major. An affine code stands for `code * scale + min`.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "TensorFlow.js decodes these three")]
pub enum Codes {
    /// One byte each.
    Uint8 {
        /// The codes.
        codes: Bytes,
        /// The distance between neighbouring codes.
        scale: f64,
        /// The value of code 0.
        min: f64,
    },
    /// Two bytes each.
    Uint16 {
        /// The codes.
        codes: Elements<u16>,
        /// The distance between neighbouring codes.
        scale: f64,
        /// The value of code 0.
        min: f64,
    },
    /// IEEE half precision, as bits.
    Float16(Elements<u16>),
}

impl Tensor {
    /// A float32 tensor.
    ///
    /// # Errors
    /// [`TensorError::Size`] when the number of values is not that of the shape.
    pub fn float32(name: impl Into<String>, shape: Shape, values: Vec<f32>) -> Result<Self, TensorError> {
        Self::new(name, shape, Values::Float32(values.into()))
    }

    /// An int32 tensor.
    ///
    /// # Errors
    /// [`TensorError::Size`] when the number of values is not that of the shape.
    pub fn int32(name: impl Into<String>, shape: Shape, values: Vec<i32>) -> Result<Self, TensorError> {
        Self::new(name, shape, Values::Int32(values.into()))
    }

    /// A bool tensor.
    ///
    /// # Errors
    /// [`TensorError::Size`] when the number of values is not that of the shape.
    pub fn bool(
        name: impl Into<String>,
        shape: Shape,
        values: impl IntoIterator<Item = bool>,
    ) -> Result<Self, TensorError> {
        Self::new(name, shape, Values::Bool(values.into_iter().map(u8::from).collect()))
    }

    /// A complex64 tensor of real and imaginary parts.
    ///
    /// # Errors
    /// [`TensorError::Size`] when the number of values is not that of the shape.
    pub fn complex64(name: impl Into<String>, shape: Shape, values: Vec<[f32; 2]>) -> Result<Self, TensorError> {
        Self::new(name, shape, Values::Complex64(values.into()))
    }

    /// A string tensor, of text or of any bytes.
    ///
    /// # Errors
    /// [`TensorError`] when the number of values is not that of the shape, or a string has 4 GiB or more.
    pub fn string<S: AsRef<[u8]>>(
        name: impl Into<String>,
        shape: Shape,
        values: impl IntoIterator<Item = S>,
    ) -> Result<Self, TensorError> {
        let name = name.into();
        match Strings::join(values) {
            Some(strings) => Self::new(name, shape, Values::String(strings)),
            None => Err(TensorError::StringTooLong { name }),
        }
    }

    /// A tensor of any type.
    ///
    /// # Errors
    /// [`TensorError::Size`] when the number of values is not that of the shape.
    pub fn new(name: impl Into<String>, shape: Shape, values: Values) -> Result<Self, TensorError> {
        let name = name.into();
        if values.count() == shape.size() {
            Ok(Self { name, shape, values })
        } else {
            Err(TensorError::Size { name, shape, values: values.count() })
        }
    }

    /// What [`decode()`](crate::decode()) made, whose length it has checked against the shape.
    pub(crate) fn from_decoded(name: String, shape: Shape, values: Values) -> Self {
        debug_assert_eq!(values.count(), shape.size());
        Self { name, shape, values }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The dimensions.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The values, row-major.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// The type of the values.
    pub fn dtype(&self) -> DType {
        match self.values {
            Values::Float32(_) => DType::Float32,
            Values::Int32(_) => DType::Int32,
            Values::Bool(_) => DType::Bool,
            Values::Complex64(_) => DType::Complex64,
            Values::String(_) => DType::String,
        }
    }

    /// The values of a float32 tensor.
    pub fn as_f32(&self) -> Option<&[f32]> {
        match &self.values {
            Values::Float32(values) => Some(values),
            _ => None,
        }
    }

    /// The values of an int32 tensor.
    pub fn as_i32(&self) -> Option<&[i32]> {
        match &self.values {
            Values::Int32(values) => Some(values),
            _ => None,
        }
    }

    /// The values of a complex64 tensor: real and imaginary parts.
    pub fn as_complex64(&self) -> Option<&[[f32; 2]]> {
        match &self.values {
            Values::Complex64(values) => Some(values),
            _ => None,
        }
    }

    /// The values of a bool tensor, one byte each; 0 is false.
    pub fn as_bool(&self) -> Option<&[u8]> {
        match &self.values {
            Values::Bool(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The values of a string tensor.
    pub fn as_strings(&self) -> Option<&Strings> {
        match &self.values {
            Values::String(strings) => Some(strings),
            _ => None,
        }
    }

    /// Name, shape and values, to be taken apart.
    pub fn into_parts(self) -> (String, Shape, Values) {
        (self.name, self.shape, self.values)
    }

    /// The manifest entry of this tensor, unquantized.
    pub fn spec(&self) -> WeightSpec {
        WeightSpec::new(self.name.clone(), self.shape.clone(), self.dtype())
    }

    /// The values as a weight file holds them; borrowed on little-endian machines.
    pub fn le_bytes(&self) -> Cow<'_, [u8]> {
        match &self.values {
            Values::Float32(values) => values.le_bytes(),
            Values::Int32(values) => values.le_bytes(),
            Values::Bool(bytes) => Cow::Borrowed(bytes),
            Values::Complex64(values) => values.le_bytes(),
            Values::String(strings) => Cow::Borrowed(strings.stored()),
        }
    }

    /// The values as a weight file holds them: little-endian, complex interleaved, strings length-prefixed.
    ///
    /// Shares the tensor's memory on little-endian machines, if it is given away.
    pub fn into_le_bytes(self) -> Bytes {
        match self.values {
            Values::Float32(values) => values.into_le_bytes(),
            Values::Int32(values) => values.into_le_bytes(),
            Values::Bool(bytes) => bytes,
            Values::Complex64(values) => values.into_le_bytes(),
            Values::String(strings) => strings.into_stored(),
        }
    }
}

impl ValuesMut<'_> {
    /// The dtype of tensors that fit.
    pub fn dtype(&self) -> DType {
        match self {
            Self::Float32(_) => DType::Float32,
            Self::Int32(_) => DType::Int32,
            Self::Complex64(_) => DType::Complex64,
        }
    }

    /// The number of values that there is memory for.
    pub fn count(&self) -> u64 {
        match self {
            Self::Float32(values) => values.len() as u64,
            Self::Int32(values) => values.len() as u64,
            Self::Complex64(values) => values.len() as u64,
        }
    }
}

impl<'a> From<&'a mut [f32]> for ValuesMut<'a> {
    fn from(values: &'a mut [f32]) -> Self {
        Self::Float32(values)
    }
}

impl<'a> From<&'a mut [i32]> for ValuesMut<'a> {
    fn from(values: &'a mut [i32]) -> Self {
        Self::Int32(values)
    }
}

impl<'a> From<&'a mut [[f32; 2]]> for ValuesMut<'a> {
    fn from(values: &'a mut [[f32; 2]]) -> Self {
        Self::Complex64(values)
    }
}

impl Values {
    /// The number of values.
    pub fn count(&self) -> u64 {
        match self {
            Self::Float32(values) => values.len() as u64,
            Self::Int32(values) => values.len() as u64,
            Self::Bool(bytes) => bytes.len() as u64,
            Self::Complex64(values) => values.len() as u64,
            Self::String(strings) => strings.count(),
        }
    }
}
