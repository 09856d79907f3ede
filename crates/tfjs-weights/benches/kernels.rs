//! The decode kernels, one at a time and without a clock: `kernels KERNEL REPETITIONS`.
//!
//! `cargo xtask instructions` runs this under callgrind and counts instructions, which do not depend on what else the machine does.
//! `kernels features` prints which vector instructions the kernels find.
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::hint::black_box;

use tfjs_artifacts::{Bytes, DType, Quantization, QuantizationDType, RawJson, Shape, WeightSpec};
use tfjs_weights::decode_into;

/// 1 MiB of float32.
const COUNT: usize = 1 << 18;

fn main() {
    // `cargo bench` adds arguments of its own.
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => ["float32-unaligned", "uint8", "uint16", "float16"].into_iter().for_each(|kernel| run(kernel, 1)),
        ["features"] => println!("{}", features()),
        [kernel, repetitions] => run(kernel, repetitions.parse().unwrap()),
        _ => panic!("kernels KERNEL REPETITIONS, or kernels features"),
    }
}

fn run(kernel: &str, repetitions: usize) {
    let (quantization, bytes_in_code, start) = match kernel {
        "float32-unaligned" => (None, 4, 1),
        "uint8" => (Some(QuantizationDType::Uint8), 1, 0),
        "uint16" => (Some(QuantizationDType::Uint16), 2, 0),
        "float16" => (Some(QuantizationDType::Float16), 2, 0),
        _ => panic!("no kernel is called {kernel}"),
    };
    let mut spec = WeightSpec::new("w", Shape::vector(COUNT as u64).unwrap(), DType::Float32);
    spec.quantization = quantization.map(|dtype| {
        let mut quantization = Quantization::new(dtype);
        quantization.min = Some(RawJson::parse("-1.5").unwrap());
        quantization.scale = Some(RawJson::parse("0.0125").unwrap());
        quantization
    });
    // Of one alignment, whatever the allocator does: the loops' heads and tails depend on it.
    let memory = Bytes::from(vec![0x35; bytes_in_code * COUNT + 128]);
    let aligned = memory.as_ptr().align_offset(64);
    let pieces = [memory.slice(aligned + start..aligned + start + bytes_in_code * COUNT)];
    let mut out = vec![0.0_f32; COUNT + 16];
    let aligned = out.as_ptr().align_offset(64);
    let out = out.get_mut(aligned..aligned + COUNT).unwrap();
    for _ in 0..repetitions {
        decode_into(&spec, black_box(&pieces), black_box(&mut *out)).unwrap();
    }
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
