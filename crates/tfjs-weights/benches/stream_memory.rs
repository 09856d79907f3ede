//! The peak memory of decoding a stream, as the system sees it: a process of its own, because a peak is of a whole process.
//!
//! Prints what `cargo xtask bench` reads: ours is what the process grew by, the yardstick one tensor and one chunk.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::fs;
use std::hint::black_box;

use tfjs_artifacts::{Bytes, DType, Shape, WeightSpec};
use tfjs_weights::StreamDecoder;

const TENSORS: usize = 8;
const TENSOR_BYTES: usize = 16 << 20;
const CHUNK: usize = 64 << 10;

fn main() {
    // Once on little, so that code and the allocator's own memory are there before.
    stream(CHUNK / 4, 4);
    let before = resident_bytes("VmRSS");
    stream(TENSOR_BYTES / 4, TENSORS);
    let grown = resident_bytes("VmHWM") - before;
    let [ours, yardstick] =
        [grown, TENSOR_BYTES + CHUNK].map(|cost| format!(r#"{{"cost": {cost}, "size": {TENSORS}}}"#));
    println!(r#"{{"ours": {ours}, "yardstick": {yardstick}}}"#);
}

/// float32 tensors behind a bool, so that no tensor and chunk begin together. Each chunk is made when its time comes, as if it had arrived.
fn stream(values: usize, tensors: usize) {
    let mut specs = vec![WeightSpec::new("flag", Shape::vector(1).unwrap(), DType::Bool)];
    let shape = Shape::vector(values as u64).unwrap();
    specs.extend((0..tensors).map(|i| WeightSpec::new(format!("layer{i}/kernel"), shape.clone(), DType::Float32)));
    let mut decoder = StreamDecoder::new(specs);
    let mut missing = 1 + 4 * values * tensors;
    while missing > 0 {
        let chunk = CHUNK.min(missing);
        decoder.push(Bytes::from(vec![1; chunk]));
        missing -= chunk;
        while let Some(tensor) = decoder.next_tensor().unwrap() {
            black_box(tensor);
        }
    }
    decoder.finish().unwrap();
}

/// A line of /proc/self/status, which tells KiB.
fn resident_bytes(key: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).unwrap();
    1024 * line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap()
}
