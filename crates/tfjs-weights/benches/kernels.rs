//! The loops over weights, one at a time and without a clock: `kernels KERNEL REPETITIONS`.
//!
//! `cargo xtask instructions` runs this under callgrind and counts instructions, which do not depend on what else the machine does.
//! `kernels features` prints which vector instructions the kernels find.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::hint::black_box;

use tfjs_artifacts::{Bytes, DType, Quantization, QuantizationDType, RawJson, Shape, WeightSpec};
use tfjs_weights::{QuantizeTo, Tensor, decode_into, quantize_into};

/// 1 MiB of float32.
const COUNT: usize = 1 << 18;

fn main() {
    // `cargo bench` adds arguments of its own.
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["features"] => println!("{}", features()),
        [kernel, repetitions] => run(kernel, repetitions.parse().unwrap()),
        _ => println!("kernels KERNEL REPETITIONS, or kernels features; `cargo xtask instructions` does it all"),
    }
}

fn run(kernel: &str, repetitions: usize) {
    match kernel {
        "float32-unaligned" => decode(&spec(None), 4, 1, repetitions),
        "uint8" => decode(&spec(Some(QuantizationDType::Uint8)), 1, 0, repetitions),
        "uint16" => decode(&spec(Some(QuantizationDType::Uint16)), 2, 0, repetitions),
        "float16" => decode(&spec(Some(QuantizationDType::Float16)), 2, 0, repetitions),
        "quantize-uint8" => quantize(QuantizeTo::Uint8, repetitions),
        "quantize-uint16" => quantize(QuantizeTo::Uint16, repetitions),
        "quantize-float16" => quantize(QuantizeTo::Float16, repetitions),
        _ => panic!("no kernel is called {kernel}"),
    }
}

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

/// `start` is how far the bytes lie from an address that any number may have.
fn decode(spec: &WeightSpec, code_size: usize, start: usize, repetitions: usize) {
    let memory = Bytes::from(vec![0x35; code_size * COUNT + 2 * LINE]);
    let start = memory.as_ptr().align_offset(LINE) + start;
    let pieces = [memory.slice(start..start + code_size * COUNT)];
    let mut memory = vec![0.0_f32; COUNT + LINE];
    let out = aligned(&mut memory, COUNT);
    for _ in 0..repetitions {
        decode_into(spec, black_box(&pieces), black_box(&mut *out)).unwrap();
    }
}

fn quantize(to: QuantizeTo, repetitions: usize) {
    let values = (0..=u16::MAX).cycle().map(f32::from).take(COUNT).collect();
    let tensor = Tensor::float32("w", Shape::vector(COUNT as u64).unwrap(), values).unwrap();
    let mut memory = vec![0_u8; to.code_size() * COUNT + LINE];
    let codes = aligned(&mut memory, to.code_size() * COUNT);
    for _ in 0..repetitions {
        quantize_into(black_box(&tensor), to, black_box(&mut *codes)).unwrap();
    }
}

/// A cache line. Heads and tails of loops depend on alignment: it shall be one, whatever the allocator does.
const LINE: usize = 64;

fn aligned<T>(memory: &mut [T], length: usize) -> &mut [T] {
    let start = memory.as_ptr().align_offset(LINE);
    memory.get_mut(start..start + length).unwrap()
}

#[cfg(target_arch = "x86_64")]
fn features() -> String {
    let found = [
        ("avx", is_x86_feature_detected!("avx")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("f16c", is_x86_feature_detected!("f16c")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
    ];
    found.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| name).collect::<Vec<_>>().join(" ")
}

#[cfg(not(target_arch = "x86_64"))]
fn features() -> String {
    String::new()
}
