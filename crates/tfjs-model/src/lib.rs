#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod error;
mod kind;

pub use error::ModelError;
pub use kind::ModelKind;
