//! Where there is no browser this crate is empty: read its documentation for `wasm32-unknown-unknown`.
#![cfg_attr(all(target_arch = "wasm32", target_os = "unknown"), doc = "", doc = include_str!("../README.md"))]
#![forbid(unsafe_code)]

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod browser;

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
pub use browser::*;
