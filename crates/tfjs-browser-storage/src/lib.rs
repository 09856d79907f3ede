#![cfg(all(target_arch = "wasm32", target_os = "unknown"))]
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod error;
mod global;
pub mod indexed_db;
pub mod local_storage;
mod quota;
mod reference;
mod stored;

#[doc(inline)]
pub use indexed_db::IndexedDbHandler;
#[doc(inline)]
pub use local_storage::LocalStorageHandler;
