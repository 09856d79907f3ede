//! The encode and decode hot path, each against a copy of the same bytes.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tfjs_artifacts::{Bytes, DType, Quantization, QuantizationDType, RawJson, Shape, WeightSpec};
use tfjs_weights::{Tensor, decode, encode_weights};

/// Values in one tensor: 4 MiB of float32.
const COUNT: usize = 1 << 20;

fn spec(quantization: Option<QuantizationDType>) -> WeightSpec {
    let mut spec = WeightSpec::new("w", Shape::vector(COUNT as u64).unwrap(), DType::Float32);
    spec.quantization = quantization.map(|dtype| {
        let mut quantization = Quantization::new(dtype);
        quantization.min = Some(RawJson::parse("-1.5").unwrap());
        quantization.scale = Some(RawJson::parse("0.0125").unwrap());
        quantization
    });
    spec
}

fn decoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode to float32");
    group.throughput(Throughput::Bytes(4 * COUNT as u64));
    let bytes: Bytes = (0..=u8::MAX).cycle().take(4 * COUNT + 8).collect();
    let aligned = bytes.as_ptr().align_offset(4);
    group.bench_function("copy", |bencher| bencher.iter(|| black_box(bytes.slice(..4 * COUNT)).to_vec()));
    for (name, quantization, size, start) in [
        ("float32, borrowed", None, 4, aligned),
        ("float32, unaligned", None, 4, aligned + 1),
        ("uint8", Some(QuantizationDType::Uint8), 1, 0),
        ("uint16", Some(QuantizationDType::Uint16), 2, 0),
        ("float16", Some(QuantizationDType::Float16), 2, 0),
    ] {
        let spec = spec(quantization);
        let stored = [bytes.slice(start..start + size * COUNT)];
        group.bench_function(name, |bencher| bencher.iter(|| decode(&spec, black_box(&stored)).unwrap()));
    }
}

fn encoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode float32");
    group.throughput(Throughput::Bytes(4 * COUNT as u64));
    let shape = Shape::vector(COUNT as u64).unwrap();
    let tensor = Tensor::float32("w", shape, vec![1.0; COUNT]).unwrap();
    group.bench_function("copy", |bencher| bencher.iter(|| black_box(tensor.as_f32()).map(<[f32]>::to_vec)));
    group.bench_function("a tensor of its own", |bencher| {
        bencher.iter(|| encode_weights([black_box(tensor.clone())], None));
    });
}

criterion_group!(codec, decoding, encoding);
criterion_main!(codec);
