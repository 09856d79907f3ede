#![cfg(all(target_arch = "wasm32", target_os = "unknown"))]
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod error;
mod global;
pub mod opfs;
mod status;
mod stored;

pub use status::{StorageStatus, request_persistence, storage_status};
