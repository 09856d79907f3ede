//! From stored bytes to a tensor.

use bytes::Bytes;
use tfjs_artifacts::{DType, Quantization, QuantizationDType, RawJson, StoredSize, WeightSpec};

use crate::dequantize::Affine;
use crate::elements::{Element, allocate, copy_pieces};
use crate::float16::widen;
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
        (Coding::Plain, DType::Bool) => Values::Bool(join(pieces)),
        (Coding::Plain, DType::String) => Values::String(Strings::parse(&spec.name, spec.shape.size(), join(pieces))?),
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
        Coding::Uint8(Affine { scale, min }) => Ok(Codes::Uint8 { codes: join(pieces), scale, min }),
        Coding::Uint16(Affine { scale, min }) => {
            Ok(Codes::Uint16 { codes: Elements::from_pieces(&spec.name, pieces)?, scale, min })
        }
        Coding::Float16 => Ok(Codes::Float16(Elements::from_pieces(&spec.name, pieces)?)),
    }
}

/// How the stored bytes become values; only what can be decoded has one.
#[derive(Clone, Copy, Debug)]
enum Coding {
    /// The bytes are the values.
    Plain,
    Uint8(Affine),
    Uint16(Affine),
    Float16,
}

impl Coding {
    /// The checks come in the order of the reference, so that a spec with two faults gets the same complaint.
    fn of(spec: &WeightSpec) -> Result<Self, DecodeError> {
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

fn affine(spec: &WeightSpec, quantization: &Quantization) -> Result<Affine, DecodeError> {
    let (Some(min), Some(scale)) = (&quantization.min, &quantization.scale) else {
        let quantization = quantization.dtype.as_str().to_owned();
        return Err(DecodeError::MissingMinAndScale { name: spec.name.clone(), quantization });
    };
    let number = |key, json: &RawJson| {
        json.as_f64().ok_or_else(|| DecodeError::NotANumber {
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
    let pieces = pieces.iter();
    match (coding, out) {
        (Coding::Uint8(affine), ValuesMut::Float32(out)) => {
            over_pieces::<1, _>(pieces, out, |codes, out| map_u8(codes, out, |code| affine.to_f32(code)));
        }
        (Coding::Uint8(affine), ValuesMut::Int32(out)) => {
            over_pieces::<1, _>(pieces, out, |codes, out| map_u8(codes, out, |code| affine.to_i32(code)));
        }
        (Coding::Uint16(affine), ValuesMut::Float32(out)) => {
            over_pieces::<2, _>(pieces, out, |codes, out| map_u16(codes, out, |code| affine.to_f32(code)));
        }
        (Coding::Uint16(affine), ValuesMut::Int32(out)) => {
            over_pieces::<2, _>(pieces, out, |codes, out| map_u16(codes, out, |code| affine.to_i32(code)));
        }
        (Coding::Float16, ValuesMut::Float32(out)) => {
            over_pieces::<2, _>(pieces, out, |codes, out| map_u16(codes, out, widen));
        }
        _ => return Err(unsupported(spec)),
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

fn unsupported(spec: &WeightSpec) -> DecodeError {
    DecodeError::UnsupportedDType { name: spec.name.clone(), dtype: spec.dtype.clone() }
}

/// All pieces as one, shared if there is only one.
pub(crate) fn join(pieces: &[Bytes]) -> Bytes {
    match pieces {
        [] => Bytes::new(),
        [piece] => piece.clone(),
        pieces => pieces.concat().into(),
    }
}
