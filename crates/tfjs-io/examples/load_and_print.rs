//! Loads a model and prints what is in it: `cargo run -p tfjs-io --example load_and_print -- URL`.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use tfjs_io::TensorReader;

/// A model of this repository, if no other is named.
const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/models/tiny");

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| TINY.to_owned());
    // Lengths, names, shapes and strings have been compared when this returns.
    let artifacts = tfjs_io::load(&url).await?;
    println!("{url}: {:?}", artifacts.model_format());

    let Some(weights) = &artifacts.weights else {
        println!("a topology without weights");
        return Ok(());
    };
    let reader = TensorReader::open(weights).await?;
    for spec in reader.specs() {
        let tensor = reader.tensor(&spec.name).await?;
        let first = tensor.as_f32().and_then(|values| values.first());
        println!("{:<24} {:<9} {:<12} {first:?}", spec.name, spec.dtype.to_string(), spec.shape.to_string());
    }
    Ok(())
}
