//! From tensors to bytes.

use std::cell::LazyCell;
use std::hint::black_box;

use criterion::{Criterion, Throughput};
use tfjs_weights::{QuantizeTo, Tensor, encode_into, quantize_into};

use crate::group::{copy, group};
use crate::model::{OUTPUT_BYTES, VALUES_IN_TENSOR, float32_tensors};

/// Into a writer that copies into memory that is there; the yardstick is that copy alone.
pub(crate) fn encode(criterion: &mut Criterion) {
    let tensors = LazyCell::new(float32_tensors);
    let mut out = vec![0_u8; OUTPUT_BYTES];
    let mut group = group(criterion, "encode", Throughput::Bytes(OUTPUT_BYTES as u64));
    group.bench_function("ours", |bencher| {
        let tensors = LazyCell::force(&tensors);
        bencher.iter(|| encode_into(black_box(tensors), &mut black_box(&mut out).as_mut_slice()).unwrap());
    });
    copy(&mut group, || bytes_of(&tensors), &mut out);
}

/// Into memory that is there; bytes are those that go in, which is what the yardstick copies.
pub(crate) fn quantize(criterion: &mut Criterion) {
    let tensors = LazyCell::new(float32_tensors);
    let mut out = vec![0_u8; OUTPUT_BYTES];
    for (id, to) in [
        ("quantize-uint8", QuantizeTo::Uint8),
        ("quantize-uint16", QuantizeTo::Uint16),
        ("quantize-float16", QuantizeTo::Float16),
    ] {
        let mut group = group(criterion, id, Throughput::Bytes(OUTPUT_BYTES as u64));
        group.bench_function("ours", |bencher| {
            let tensors = LazyCell::force(&tensors);
            bencher.iter(|| {
                let codes = black_box(&mut out).chunks_exact_mut(to.code_size() * VALUES_IN_TENSOR);
                for (tensor, codes) in tensors.iter().zip(codes) {
                    black_box(quantize_into(tensor, to, codes).unwrap());
                }
            });
        });
        copy(&mut group, || bytes_of(&tensors), &mut out);
    }
}

fn bytes_of(tensors: &[Tensor]) -> Vec<&[u8]> {
    tensors.iter().filter_map(Tensor::as_f32).map(bytemuck::cast_slice).collect()
}
