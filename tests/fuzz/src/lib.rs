//! What each fuzz target demands of the libraries. A target is a function of bytes that returns, or panics with what is wrong.
//!
//! `cargo xtask fuzz` builds and runs them. Inputs that hold several things are taken apart by [`input`].
#![forbid(unsafe_code)]

pub mod decode_weights;
pub mod encode_round_trip;
pub mod input;
pub mod local_storage_record;
pub mod memory;
pub mod model_json;
pub mod multipart;
pub mod stream_decoder;
pub mod tensor_files;
pub mod topology;
pub mod urls;

/// The parts of `localstorage://` and `indexeddb://` that know no browser: their crate is empty where there is none, so they are
/// compiled here from its source.
#[path = "../../../crates/tfjs-browser-storage/src/browser/in_order.rs"]
mod in_order;
#[path = "../../../crates/tfjs-browser-storage/src/browser/reference.rs"]
#[expect(dead_code, reason = "writing is not fuzzed")]
mod reference;
#[path = "../../../crates/tfjs-browser-storage/src/browser/stored.rs"]
#[expect(dead_code, reason = "writing is not fuzzed")]
mod stored;
