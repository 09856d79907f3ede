//! From bytes to tensors.

use std::cell::LazyCell;
use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use futures::executor::block_on;
use tfjs_artifacts::{QuantizationDType, Weights};
use tfjs_weights::{StreamDecoder, Tensor, decode, decode_weights};

use crate::group::{copy, group};
use crate::model::{MIB, Model, OUTPUT_BYTES, VALUES, decode_all};

const CHUNK: usize = 64 << 10;
const VIEWS: usize = 200;
/// Values in a tensor, so that all are 64 MiB, or 1 GiB.
const SMALL: usize = 64 * MIB / 4 / VIEWS;
const LARGE: usize = 1024 * MIB / 4 / VIEWS;

/// Aligned float32 in memory: no byte is touched, so the size must not matter.
pub(crate) fn views(criterion: &mut Criterion) {
    let small = LazyCell::new(|| Model::uniform(VIEWS, SMALL));
    let large = LazyCell::new(|| Model::uniform(VIEWS, LARGE));

    let mut of_64m = group(criterion, "views-64m", Throughput::Elements(VIEWS as u64));
    decode_weights_of(&mut of_64m, "ours", || small.weights());
    copy(&mut of_64m, || vec![&small.bytes], &mut vec![0_u8; 4 * SMALL * VIEWS]);
    of_64m.finish();

    let mut of_1g = group(criterion, "views-1g", Throughput::Elements(VIEWS as u64));
    decode_weights_of(&mut of_1g, "ours", || large.weights());
    decode_weights_of(&mut of_1g, "smaller", || small.weights());
    copy(&mut of_1g, || vec![&large.bytes], &mut vec![0_u8; 4 * LARGE * VIEWS]);
}

/// float32 at an odd address, into memory that is there.
pub(crate) fn unaligned(criterion: &mut Criterion) {
    into_warm_memory(criterion, "float32-unaligned", Model::unaligned);
}

/// Codes to float32, into memory that is there.
pub(crate) fn quantized(criterion: &mut Criterion) {
    into_warm_memory(criterion, "uint8", || Model::quantized(QuantizationDType::Uint8));
    into_warm_memory(criterion, "uint16", || Model::quantized(QuantizationDType::Uint16));
    into_warm_memory(criterion, "float16", || Model::quantized(QuantizationDType::Float16));
}

/// The yardstick copies the same bytes, if they are as many as are put out; otherwise so many others.
fn into_warm_memory(criterion: &mut Criterion, id: &str, model: impl Fn() -> Model) {
    let tensors = LazyCell::new(|| model().located());
    let others = LazyCell::new(|| vec![1; OUTPUT_BYTES]);
    let mut out = vec![0.0_f32; VALUES];
    let mut group = group(criterion, id, Throughput::Bytes(OUTPUT_BYTES as u64));
    group.bench_function("ours", |bencher| {
        let tensors = LazyCell::force(&tensors);
        bencher.iter(|| decode_all(black_box(tensors), black_box(&mut out)));
    });
    let pieces = || {
        let stored: Vec<&[u8]> = tensors.iter().map(|(_, [piece])| piece.as_ref()).collect();
        let is_as_many = stored.iter().map(|piece| piece.len()).sum::<usize>() == OUTPUT_BYTES;
        if is_as_many { stored } else { vec![others.as_slice()] }
    };
    copy(&mut group, pieces, &mut out);
}

/// float32 in chunks, against the same bytes as a whole; both allocate each tensor and let it go.
pub(crate) fn stream(criterion: &mut Criterion) {
    let model = LazyCell::new(Model::unaligned);
    let tensors = LazyCell::new(|| model.located());
    let mut group = group(criterion, "stream", Throughput::Bytes(OUTPUT_BYTES as u64));
    group.bench_function("ours", |bencher| {
        let model = LazyCell::force(&model);
        bencher.iter(|| stream_all(black_box(model)));
    });
    group.bench_function("yardstick", |bencher| {
        let tensors = LazyCell::force(&tensors);
        bencher.iter(|| {
            for (spec, pieces) in tensors {
                black_box(decode(spec, black_box(pieces)).unwrap());
            }
        });
    });
}

fn stream_all(model: &Model) {
    let mut decoder = StreamDecoder::new(model.specs.clone());
    let mut rest = model.bytes.clone();
    while !rest.is_empty() {
        decoder.push(rest.split_to(CHUNK.min(rest.len())));
        while let Some(tensor) = decoder.next_tensor().unwrap() {
            black_box::<Tensor>(tensor);
        }
    }
    decoder.finish().unwrap();
}

/// Many small tensors: what a tensor costs beside its bytes, and that the cost is linear.
pub(crate) fn scalars(criterion: &mut Criterion) {
    let mut group = group(criterion, "scalars", Throughput::Elements(0));
    for (function, count) in [("ours", 100_000), ("smaller", 10_000)] {
        group.throughput(Throughput::Elements(count as u64));
        decode_weights_of(&mut group, function, || Model::scalars(count).weights());
    }
}

fn decode_weights_of(group: &mut BenchmarkGroup<'_, WallTime>, function: &str, weights: impl Fn() -> Weights) {
    let weights = LazyCell::new(weights);
    group.bench_function(function, |bencher| {
        // Before the clock starts, and only if the function was asked for.
        let weights = LazyCell::force(&weights);
        bencher.iter(|| block_on(decode_weights(black_box(weights))).unwrap());
    });
}
