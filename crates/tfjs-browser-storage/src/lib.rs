#![cfg_attr(all(target_arch = "wasm32", target_os = "unknown"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(target_arch = "wasm32", target_os = "unknown")),
    doc = "TensorFlow.js models in the browser. On this target the crate is empty: see its documentation for `wasm32-unknown-unknown`."
)]
#![forbid(unsafe_code)]

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod browser;

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
pub use browser::*;
