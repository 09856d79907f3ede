#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(all(target_arch = "wasm32", target_os = "unknown")),
    cfg_attr(not(test), expect(dead_code, reason = "what needs no browser is tested everywhere"))
)]

mod statistics;

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod browser;

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
pub use browser::{Failure, Job, Opened, kind_of, list_models, persist, remove_model, status};
