//! The real `tfjs`, run on models in temporary folders.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod bad_input;
mod contract;
mod convert;
#[cfg(unix)]
mod exhausted;
mod http;
mod names;
#[cfg(feature = "s3")]
mod object_stores;
mod quantize;
#[cfg(unix)]
mod resume;
#[cfg(unix)]
mod serve;
mod streams;
mod summary;
mod support;
mod sync;
mod topology;
mod verify;
