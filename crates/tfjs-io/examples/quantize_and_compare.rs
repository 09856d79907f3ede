//! Makes a model a quarter as large and tells what it costs: `cargo run -p tfjs-io --example quantize_and_compare -- URL DESTINATION`.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use tfjs_io::{QuantizationRules, QuantizeTo, TensorReader, quantize_weights};

/// A model of this repository, if no other is named.
const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/models/tiny");

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let source = arguments.next().unwrap_or_else(|| TINY.to_owned());
    let scratch = tempfile::tempdir()?;
    let destination = arguments.next().unwrap_or_else(|| scratch.path().join("small").to_string_lossy().into_owned());

    let mut artifacts = tfjs_io::load(&source).await?;
    let before = artifacts.weights.take().ok_or("a model without weights")?;
    let (after, _) = quantize_weights(&before, &QuantizationRules::all(QuantizeTo::Uint8)).await?;
    println!("{} bytes became {}", before.data().byte_length(), after.data().byte_length());

    let (original, quantized) = (TensorReader::open(&before).await?, TensorReader::open(&after).await?);
    for spec in original.specs() {
        let (old, new) = (original.tensor(&spec.name).await?, quantized.tensor(&spec.name).await?);
        if let Some((old, new)) = old.as_f32().zip(new.as_f32()) {
            let largest = old.iter().zip(new).map(|(old, new)| (old - new).abs()).fold(0.0, f32::max);
            println!("{:<24} differs by at most {largest}", spec.name);
        }
    }

    artifacts.weights = Some(after);
    tfjs_io::save(&artifacts, &destination).await?;
    println!("saved to {destination}");
    Ok(())
}
