#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[cfg(feature = "ndarray")]
mod arrays;
mod arriving;
mod decode;
mod dequantize;
mod elements;
mod encode;
mod error;
mod float16;
mod kernels;
mod quantize;
mod read_ahead;
mod reader;
mod stream;
mod strings;
mod tensor;

#[cfg(feature = "ndarray")]
pub use arrays::ArrayElement;
pub use decode::{decode, decode_codes, decode_into};
pub use elements::{Element, Elements};
pub use encode::{WeightsWriter, encode_into, encode_weights, sort_like_object_keys};
pub use error::{DecodeError, TensorError};
pub use quantize::{
    QuantizationReport, QuantizationRule, QuantizationRuleError, QuantizationRules, QuantizeError, QuantizeTo,
    quantize, quantize_into, quantize_weights,
};
pub use read_ahead::{ReadAhead, StoredTensor};
pub use reader::{TensorReader, decode_weights};
pub use stream::{StreamDecoder, decode_stream, decode_stream_with};
pub use strings::Strings;
pub use tensor::{Codes, Tensor, Values, ValuesMut};
