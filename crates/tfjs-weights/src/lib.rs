#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod decode;
mod dequantize;
mod elements;
mod encode;
mod error;
mod float16;
mod reader;
mod strings;
mod tensor;

pub use decode::decode;
pub use elements::{Element, Elements};
pub use encode::encode_weights;
pub use error::{DecodeError, TensorError};
pub use reader::{TensorReader, decode_weights};
pub use strings::Strings;
pub use tensor::{Tensor, Values};
