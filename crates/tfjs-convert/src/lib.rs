#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[cfg(not(any(feature = "npz", feature = "safetensors")))]
compile_error!("tfjs-convert needs one of its features: `npz`, `safetensors`");

mod blocking;
mod convert;
mod dequantize;
mod element_type;
mod envelope;
mod file;
mod format;
mod made_folders;
mod note;
#[cfg(feature = "npz")]
mod npz;
mod options;
mod pending;
mod plan;
mod restore;
#[cfg(feature = "safetensors")]
mod safetensors;
mod tensor_file;

pub use dequantize::dequantize_weights;
pub use format::Format;
pub use note::{Note, NoteKind};
#[cfg(feature = "npz")]
pub use npz::from_npz;
pub use options::ImportOptions;
#[cfg(feature = "safetensors")]
pub use safetensors::{from_safetensors, to_safetensors};
pub use tensor_file::{Exported, Imported, TensorFile};

/// How many bytes are read and written at a time.
const WINDOW: usize = 4 << 20;
