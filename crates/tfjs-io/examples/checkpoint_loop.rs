//! A loop that trains, saves a checkpoint after each epoch, and could go on from the last one: `cargo run -p tfjs-io --example
//! checkpoint_loop`.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use tfjs_io::{
    Checkpoints, LayersModel, LayersModelOptions, LoadOptions, SaveConfig, SaveOptions, Tensor, default_router,
    load_layers_model,
};

/// A model of this repository.
const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/models/tiny");

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let scratch = tempfile::tempdir()?;
    let checkpoints = Checkpoints::new(default_router()?, &scratch.path().to_string_lossy(), 3.try_into()?);

    let mut model = load_layers_model(TINY, &LayersModelOptions::new()).await?;
    for _epoch in 0..5 {
        train(&mut model).await?;
        let artifacts = model.to_artifacts(SaveConfig::new()).await?;
        let saved = checkpoints.save(&artifacts, &SaveOptions::new()).await?;
        println!("saved {}, removed {:?}", saved.url, saved.removed);
    }

    let (number, latest) = checkpoints.load_latest(&LoadOptions::new()).await?;
    println!("the latest is {number}, with {:?} bytes of weights", latest.weights.map(|w| w.data().byte_length()));
    Ok(())
}

/// Stands for what a framework of one's own does with the weights.
async fn train(model: &mut LayersModel) -> Result<(), Box<dyn std::error::Error>> {
    let bias = model.read_weight("xor_dense3/bias").await?;
    let values = bias.as_f32().ok_or("not float32")?.iter().map(|value| value * 0.9).collect();
    model.set_weight(&Tensor::float32(bias.name(), bias.shape().clone(), values)?)?;
    Ok(())
}
