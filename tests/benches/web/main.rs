//! Models over HTTP, as whole processes: ours is this program again, with other arguments; its peer is curl.
//!
//! Each group is one work of `cargo xtask bench`, which starts the servers and tells where they are. Told a work that ends in `-memory`
//! the program does only that.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

mod client;
mod memory;

use std::env;
use std::process::{Command, Stdio};
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput, criterion_group};

use client::{MODEL_BYTES, Web};

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["load", url] => client::load(url),
        ["upload", folder, url] => client::upload(folder, url),
        // Cargo adds the last one.
        [work, "--bench"] if work.ends_with("-memory") => memory::print(work),
        _ => {
            web();
            Criterion::default().configure_from_args().final_summary();
        }
    }
}

/// Eager, from nginx. curl writes the same files to where nothing keeps them.
fn loading(criterion: &mut Criterion) {
    let mut group = group(criterion, "load-http");
    group.bench_function("ours", |bencher| {
        let url = format!("{}/model.json", Web::told().nginx);
        bencher.iter(|| run(ours().args(["load", &url])));
    });
    group.bench_function("yardstick", |bencher| {
        let Web { nginx, files, .. } = Web::told();
        bencher.iter(|| run(&mut download(&nginx, &files)));
    });
}

/// From a file that was just written, to `tfjs serve`.
fn uploading(criterion: &mut Criterion) {
    let mut group = group(criterion, "upload-http");
    group.bench_function("ours", |bencher| {
        let Web { single, upload, .. } = Web::told();
        bencher.iter(|| run(ours().args(["upload", &single, &upload])));
    });
    group.bench_function("yardstick", |bencher| {
        let Web { single, upload, .. } = Web::told();
        let model = format!("model.json=@{single}/model.json;type=application/json");
        let weights = format!("model.weights.bin=@{single}/model.weights.bin;type=application/octet-stream");
        bencher.iter(|| run(curl().args(["--form", &model, "--form", &weights, "--output", "/dev/null", &upload])));
    });
}

/// The same client, another server.
fn serving(criterion: &mut Criterion) {
    let mut group = group(criterion, "serve-http");
    for (function, server) in [("ours", (|web| web.tfjs) as fn(Web) -> String), ("yardstick", |web| web.nginx)] {
        group.bench_function(function, |bencher| {
            let files = Web::told().files;
            let folder = server(Web::told());
            bencher.iter(|| run(&mut download(&folder, &files)));
        });
    }
}

/// See `group.rs` of the codec's benchmarks.
fn group<'c>(criterion: &'c mut Criterion, id: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = criterion.benchmark_group(id);
    group
        .throughput(Throughput::Bytes(MODEL_BYTES as u64))
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(400));
    group
}

fn ours() -> Command {
    Command::new(env::current_exe().unwrap())
}

/// As many requests at a time as we send.
fn download(folder: &str, files: &[String]) -> Command {
    let mut curl = curl();
    curl.args(["--parallel", "--parallel-immediate", "--parallel-max", "6"]);
    for file in files {
        curl.args(["--output", "/dev/null", &format!("{folder}/{file}")]);
    }
    curl
}

/// curl that fails if one of its requests does.
fn curl() -> Command {
    let mut curl = Command::new("curl");
    curl.args(["--disable", "--no-progress-meter", "--noproxy", "*", "--fail", "--fail-early"]);
    curl
}

fn run(command: &mut Command) {
    let status = command.stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}

criterion_group!(web, loading, uploading, serving);
