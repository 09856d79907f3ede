//! From stored bytes to a tensor.

use bytes::Bytes;
use tfjs_artifacts::{DType, Quantization, QuantizationDType, RawJson, StoredSize, WeightSpec};

use crate::dequantize::Affine;
use crate::float16::widen;
use crate::{DecodeError, Elements, Strings, Tensor, Values};

/// Decodes one tensor from its stored bytes, in any number of pieces.
///
/// The values equal TensorFlow.js's, bit for bit. Plain numbers in one aligned piece are shared with it.
///
/// # Errors
/// [`DecodeError`] when the spec cannot be decoded, or the bytes are not as many as it asks for.
pub fn decode(spec: &WeightSpec, pieces: &[Bytes]) -> Result<Tensor, DecodeError> {
    let values = match &spec.quantization {
        Some(quantization) => dequantize(spec, quantization, pieces)?,
        None => plain(spec, pieces)?,
    };
    Ok(Tensor::from_decoded(spec.name.clone(), spec.shape.clone(), values))
}

fn plain(spec: &WeightSpec, pieces: &[Bytes]) -> Result<Values, DecodeError> {
    match spec.dtype {
        DType::Float32 | DType::Int32 | DType::Bool | DType::Complex64 => check_length(spec, pieces)?,
        DType::String => {}
        DType::Uint8 | DType::Uint16 | DType::Float16 | DType::Other(_) => return Err(unsupported(spec)),
    }
    Ok(match spec.dtype {
        DType::Int32 => Values::Int32(Elements::from_pieces(pieces)),
        DType::Bool => Values::Bool(join(pieces)),
        DType::Complex64 => Values::Complex64(Elements::from_pieces(pieces)),
        DType::String => Values::String(Strings::parse(&spec.name, spec.shape.size(), join(pieces))?),
        _ => Values::Float32(Elements::from_pieces(pieces)),
    })
}

/// The checks come in the order of the reference, so that a spec with two faults gets the same complaint.
fn dequantize(spec: &WeightSpec, quantization: &Quantization, pieces: &[Bytes]) -> Result<Values, DecodeError> {
    match &quantization.dtype {
        QuantizationDType::Uint8 => {
            let affine = affine(spec, quantization)?;
            check_length(spec, pieces)?;
            affine_values(spec, affine, join(pieces).iter().copied())
        }
        QuantizationDType::Uint16 => {
            let affine = affine(spec, quantization)?;
            check_length(spec, pieces)?;
            affine_values(spec, affine, codes16(&join(pieces)))
        }
        QuantizationDType::Float16 if spec.dtype != DType::Float32 => {
            Err(DecodeError::Float16NeedsFloat32 { name: spec.name.clone(), dtype: spec.dtype.clone() })
        }
        QuantizationDType::Float16 => {
            check_length(spec, pieces)?;
            let values: Vec<f32> = codes16(&join(pieces)).map(widen).collect();
            Ok(Values::Float32(values.into()))
        }
        QuantizationDType::Other(other) => {
            Err(DecodeError::UnknownQuantization { name: spec.name.clone(), quantization: other.to_string() })
        }
    }
}

fn affine(spec: &WeightSpec, quantization: &Quantization) -> Result<Affine, DecodeError> {
    let (Some(min), Some(scale)) = (&quantization.min, &quantization.scale) else {
        let quantization = match quantization.dtype {
            QuantizationDType::Uint8 => "uint8",
            _ => "uint16",
        };
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

fn affine_values<C: Into<f64>>(
    spec: &WeightSpec,
    affine: Affine,
    codes: impl Iterator<Item = C>,
) -> Result<Values, DecodeError> {
    match spec.dtype {
        DType::Float32 => Ok(Values::Float32(codes.map(|code| affine.to_f32(code)).collect::<Vec<_>>().into())),
        DType::Int32 => Ok(Values::Int32(codes.map(|code| affine.to_i32(code)).collect::<Vec<_>>().into())),
        _ => Err(unsupported(spec)),
    }
}

fn codes16(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes.as_chunks::<2>().0.iter().map(|code| u16::from_le_bytes(*code))
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
fn join(pieces: &[Bytes]) -> Bytes {
    match pieces {
        [] => Bytes::new(),
        [piece] => piece.clone(),
        pieces => pieces.concat().into(),
    }
}
