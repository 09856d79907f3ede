//! A criterion group for one work.

use std::hint::black_box;
use std::time::Duration;

use bytemuck::{AnyBitPattern, NoUninit};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput};

/// A short measurement, because `cargo xtask bench` makes several, each in a process of its own. Ten samples are the fewest that criterion
/// takes; each is many milliseconds, and the median of ten is steady enough.
pub(crate) fn group<'c>(criterion: &'c mut Criterion, id: &str, size: Throughput) -> BenchmarkGroup<'c, WallTime> {
    let mut group = criterion.benchmark_group(id);
    group
        .throughput(size)
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(400));
    group
}

/// The yardstick of most works: a copy, piece by piece, into memory that is there. `pieces` is asked only if the benchmark runs.
///
/// Where ours reads the same number of bytes they are the same pieces at the same addresses: how fast memory is depends on where it lies, by
/// more than the differences that matter.
pub(crate) fn copy<'s>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    pieces: impl Fn() -> Vec<&'s [u8]>,
    out: &mut [impl NoUninit + AnyBitPattern],
) {
    let out: &mut [u8] = bytemuck::cast_slice_mut(out);
    group.bench_function("yardstick", |bencher| {
        // Before the clock starts.
        let pieces = pieces();
        bencher.iter(|| {
            let mut rest = black_box(&mut *out);
            for piece in black_box(&pieces) {
                let (target, behind) = rest.split_at_mut(piece.len());
                target.copy_from_slice(piece);
                rest = behind;
            }
        });
    });
}
