//! A criterion group for one work.

use std::hint::black_box;
use std::time::Duration;

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

/// The yardstick of most works: a copy into memory that is there. `source` is asked only if the benchmark runs.
pub(crate) fn copy<'s, T: Copy + 's>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    source: impl Fn() -> &'s [T],
    out: &mut [T],
) {
    group.bench_function("yardstick", |bencher| {
        // Before the clock starts.
        let source = source();
        bencher.iter(|| black_box(&mut *out).copy_from_slice(black_box(source)));
    });
}
