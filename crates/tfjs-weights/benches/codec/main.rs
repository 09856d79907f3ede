//! The codec against a copy of the same bytes.
//!
//! Each group is one work of `cargo xtask bench`: `ours` is what is measured, `yardstick` what the machine can do in the same process, on
//! buffers of the same size and warmth; `smaller` is ours on less. Both sides of a group run right after each other.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

mod decoding;
mod encoding;
mod group;
mod model;

use criterion::{criterion_group, criterion_main};

criterion_group!(
    codec,
    decoding::views,
    decoding::unaligned,
    decoding::quantized,
    encoding::encode,
    encoding::quantize,
    decoding::stream,
    decoding::scalars,
);
criterion_main!(codec);
