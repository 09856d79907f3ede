#![cfg(all(target_arch = "wasm32", target_os = "unknown"))]
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod error;
mod global;
mod stored;
