//! From stored bytes to a tensor.

use bytes::Bytes;
use tfjs_artifacts::{DType, Quantization, QuantizationDType, RawJson, StoredSize, WeightSpec};

use crate::dequantize::Affine;
use crate::elements::{Element, allocate, copy_pieces, copy_run};
#[cfg(not(target_arch = "wasm32"))]
use crate::float16::widen;
#[cfg(target_arch = "wasm32")]
use crate::float16::widen_by_table as widen;
use crate::kernels::{map_u8, map_u16, over_pieces};
use crate::{Codes, DecodeError, Elements, Strings, Tensor, Values, ValuesMut};

/// Decodes one tensor from its stored bytes, in any number of pieces.
///
/// The values equal TensorFlow.js's, bit for bit. Plain numbers in one aligned piece are shared with it; everything else is
/// written once, into one allocation.
///
/// # Errors
/// [`DecodeError`] when the spec cannot be decoded, or the bytes are not as many as it asks for.
pub fn decode(spec: &WeightSpec, pieces: &[Bytes]) -> Result<Tensor, DecodeError> {
    let coding = Coding::of(spec)?;
    if spec.dtype != DType::String {
        check_length(spec, pieces)?;
    }
    let values = match (coding, &spec.dtype) {
        (Coding::Plain, DType::Float32) => Values::Float32(Elements::from_pieces(&spec.name, pieces)?),
        (Coding::Plain, DType::Int32) => Values::Int32(Elements::from_pieces(&spec.name, pieces)?),
        (Coding::Plain, DType::Complex64) => Values::Complex64(Elements::from_pieces(&spec.name, pieces)?),
        (Coding::Plain, DType::Bool) => Values::Bool(join(&spec.name, pieces)?),
        (Coding::Plain, DType::String) => {
            Values::String(Strings::parse(&spec.name, spec.shape.size(), join(&spec.name, pieces)?)?)
        }
        (coding, DType::Float32) => {
            let mut values = allocate_values(spec)?;
            dequantize(spec, coding, pieces, ValuesMut::Float32(&mut values))?;
            Values::Float32(values.into())
        }
        (coding, DType::Int32) => {
            let mut values = allocate_values(spec)?;
            dequantize(spec, coding, pieces, ValuesMut::Int32(&mut values))?;
            Values::Int32(values.into())
        }
        _ => return Err(unsupported(spec)),
    };
    Ok(Tensor::from_decoded(spec.name.clone(), spec.shape.clone(), values))
}

/// Decodes one tensor into memory of the caller's, without any allocation.
///
/// `out` is a slice of `f32` for a float32 tensor, of `i32` for int32, of `[f32; 2]` for complex64; stored plain or quantized.
/// Of a vector that is `&mut values[..]`. Bools need none: their bytes are their values.
///
/// # Errors
/// [`DecodeError`] as for [`decode()`], and when `out` is of another type than the tensor or does not have as many values.
pub fn decode_into<'a>(spec: &WeightSpec, pieces: &[Bytes], out: impl Into<ValuesMut<'a>>) -> Result<(), DecodeError> {
    let (coding, out) = (Coding::of(spec)?, out.into());
    if spec.dtype != out.dtype() {
        return Err(DecodeError::WrongType { name: spec.name.clone(), dtype: spec.dtype.clone(), asked: out.dtype() });
    }
    check_length(spec, pieces)?;
    if out.count() != spec.shape.size() {
        let (name, shape) = (spec.name.clone(), spec.shape.clone());
        return Err(DecodeError::WrongCount { name, shape, values: out.count() });
    }
    match (coding, out) {
        (Coding::Plain, ValuesMut::Float32(out)) => copy_pieces(pieces, out),
        (Coding::Plain, ValuesMut::Int32(out)) => copy_pieces(pieces, out),
        (Coding::Plain, ValuesMut::Complex64(out)) => copy_pieces(pieces, out),
        (coding, out) => dequantize(spec, coding, pieces, out)?,
    }
    Ok(())
}

/// The stored codes of a quantized tensor, for those who compute on them.
///
/// # Errors
/// [`DecodeError`] as for [`decode()`], and when the tensor is not quantized.
pub fn decode_codes(spec: &WeightSpec, pieces: &[Bytes]) -> Result<Codes, DecodeError> {
    let coding = Coding::of(spec)?;
    check_length(spec, pieces)?;
    match coding {
        Coding::Plain => Err(DecodeError::NotQuantized { name: spec.name.clone() }),
        Coding::Uint8(Affine { scale, min }) => Ok(Codes::Uint8 { codes: join(&spec.name, pieces)?, scale, min }),
        Coding::Uint16(Affine { scale, min }) => {
            Ok(Codes::Uint16 { codes: Elements::from_pieces(&spec.name, pieces)?, scale, min })
        }
        Coding::Float16 => Ok(Codes::Float16(Elements::from_pieces(&spec.name, pieces)?)),
    }
}

/// How the stored bytes become values; only what can be decoded has one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Coding {
    /// The bytes are the values.
    Plain,
    Uint8(Affine),
    Uint16(Affine),
    Float16,
}

impl Coding {
    /// How this tensor is stored.
    ///
    /// The checks come in the order of the reference, so that a spec with two faults gets the same complaint.
    pub(crate) fn of(spec: &WeightSpec) -> Result<Self, DecodeError> {
        let Some(quantization) = &spec.quantization else {
            return match spec.dtype {
                DType::Uint8 | DType::Uint16 | DType::Float16 | DType::Other(_) => Err(unsupported(spec)),
                _ => Ok(Self::Plain),
            };
        };
        let coding = match &quantization.dtype {
            QuantizationDType::Uint8 => Self::Uint8(affine(spec, quantization)?),
            QuantizationDType::Uint16 => Self::Uint16(affine(spec, quantization)?),
            QuantizationDType::Float16 if spec.dtype != DType::Float32 => {
                let (name, dtype) = (spec.name.clone(), spec.dtype.clone());
                return Err(DecodeError::Float16NeedsFloat32 { name, dtype });
            }
            QuantizationDType::Float16 => Self::Float16,
            QuantizationDType::Other(other) => {
                let (name, quantization) = (spec.name.clone(), other.to_string());
                return Err(DecodeError::UnknownQuantization { name, quantization });
            }
        };
        match spec.dtype {
            DType::Float32 | DType::Int32 => Ok(coding),
            _ => Err(unsupported(spec)),
        }
    }
}

impl Coding {
    /// How many bytes stand for one value of the type.
    pub(crate) fn width<T>(self) -> usize {
        match self {
            Self::Plain => size_of::<T>(),
            Self::Uint8(_) => 1,
            Self::Uint16(_) | Self::Float16 => 2,
        }
    }

    /// A run of stored values of a float32 tensor.
    pub(crate) fn to_f32(self, stored: &[u8], out: &mut [f32]) {
        match self {
            Self::Plain => copy_run(stored, out),
            Self::Uint8(affine) => map_u8(stored, out, |code| affine.to_f32(code)),
            Self::Uint16(affine) => map_u16(stored, out, |code| affine.to_f32(code)),
            Self::Float16 => map_u16(stored, out, widen),
        }
    }

    /// A run of stored values of an int32 tensor; float16 is refused for those, see [`of`](Self::of).
    pub(crate) fn to_i32(self, stored: &[u8], out: &mut [i32]) {
        match self {
            Self::Plain | Self::Float16 => copy_run(stored, out),
            Self::Uint8(affine) => map_u8(stored, out, |code| affine.to_i32(code)),
            Self::Uint16(affine) => map_u16(stored, out, |code| affine.to_i32(code)),
        }
    }
}

fn affine(spec: &WeightSpec, quantization: &Quantization) -> Result<Affine, DecodeError> {
    let (Some(min), Some(scale)) = (&quantization.min, &quantization.scale) else {
        let quantization = quantization.dtype.as_str().to_owned();
        return Err(DecodeError::MissingMinAndScale { name: spec.name.clone(), quantization });
    };
    let number = |key, json: &RawJson| {
        // Beyond a double there are only infinities, which make NaN of every code 0.
        json.as_f64().filter(|number| number.is_finite()).ok_or_else(|| DecodeError::NotANumber {
            name: spec.name.clone(),
            key,
            found: json.get().chars().take(40).collect(),
        })
    };
    Ok(Affine { scale: number("scale", scale)?, min: number("min", min)? })
}

/// Memory for all values of a tensor, as many as there are codes, whose bytes are there.
fn allocate_values<T: Element>(spec: &WeightSpec) -> Result<Vec<T>, DecodeError> {
    allocate(&spec.name, usize::try_from(spec.shape.size()).unwrap_or(usize::MAX))
}

/// One pass over the pieces, wherever they are cut.
fn dequantize(spec: &WeightSpec, coding: Coding, pieces: &[Bytes], out: ValuesMut<'_>) -> Result<(), DecodeError> {
    match out {
        ValuesMut::Float32(out) => {
            over_pieces(coding.width::<f32>(), pieces, out, |codes, out| coding.to_f32(codes, out));
        }
        ValuesMut::Int32(out) => {
            over_pieces(coding.width::<i32>(), pieces, out, |codes, out| coding.to_i32(codes, out));
        }
        ValuesMut::Complex64(_) => return Err(unsupported(spec)),
    }
    Ok(())
}

fn check_length(spec: &WeightSpec, pieces: &[Bytes]) -> Result<(), DecodeError> {
    let actual = pieces.iter().map(|piece| piece.len() as u64).sum();
    match spec.stored_size() {
        StoredSize::Exact(expected) if expected != actual => {
            Err(DecodeError::Length { name: spec.name.clone(), expected, actual })
        }
        _ => Ok(()),
    }
}

pub(crate) fn unsupported(spec: &WeightSpec) -> DecodeError {
    DecodeError::UnsupportedDType { name: spec.name.clone(), dtype: spec.dtype.clone() }
}

/// All pieces of the tensor `name` as one, shared if there is only one.
fn join(name: &str, pieces: &[Bytes]) -> Result<Bytes, DecodeError> {
    match pieces {
        [] => Ok(Bytes::new()),
        [piece] => Ok(piece.clone()),
        pieces => {
            let length = pieces.iter().map(Bytes::len).sum();
            let mut joined = Vec::new();
            let too_large = |_| DecodeError::TooLarge { name: name.to_owned(), bytes: length };
            joined.try_reserve_exact(length).map_err(too_large)?;
            for piece in pieces {
                joined.extend_from_slice(piece);
            }
            Ok(joined.into())
        }
    }
}
