//! Models that say which they are in every part.

use tfjs_io::{ModelArtifacts, RawJson, SurplusBytes, Weights};
use tfjs_router::LoadOptions;
use tfjs_testkit::samples;

/// A model of this number: its JSON names it, all of its bytes do, and how many weight files it has follows from it.
pub(crate) fn model(number: u32) -> Result<ModelArtifacts, String> {
    let artifacts = samples::many_shards(files(number));
    let weights = artifacts.weights.as_ref().ok_or("the sample has no weights")?;
    let length = usize::try_from(weights.data().byte_length()).map_err(|error| error.to_string())?;
    let bytes: Vec<u8> = vec![byte(number); length];
    let weights = Weights::new(weights.groups().to_vec(), bytes.into(), SurplusBytes::Reject);
    let weights = weights.map_err(|error| error.to_string())?;
    let mut artifacts = artifacts.with_weights(weights);
    artifacts.user_defined_metadata = Some(RawJson::parse(&number.to_string()).map_err(|error| error.to_string())?);
    Ok(artifacts)
}

/// The number of a model that is whole.
pub(crate) fn number_of(artifacts: &ModelArtifacts) -> Result<u32, String> {
    let metadata = artifacts.user_defined_metadata.as_ref().ok_or("the model has no number")?;
    let number: u32 = metadata.get().parse().map_err(|error| format!("the number {}: {error}", metadata.get()))?;
    let weights = artifacts.weights.as_ref().ok_or_else(|| format!("model {number} has no weights"))?;
    let shards = weights.shards().count();
    if shards != files(number) {
        return Err(format!("model {number} has {shards} weight files, not {}: a mixture", files(number)));
    }
    let data = weights.data();
    let bytes = futures::executor::block_on(data.read(0..data.byte_length())).map_err(|error| error.to_string())?;
    match bytes.iter().find(|found| **found != byte(number)) {
        Some(found) => Err(format!("model {number} has the byte {found}, not {}: a mixture", byte(number))),
        None => Ok(number),
    }
}

pub(crate) fn options() -> LoadOptions {
    LoadOptions::new()
}

/// From 1 to 5, so that saves change the number of files.
fn files(number: u32) -> usize {
    1 + (number % 5) as usize
}

fn byte(number: u32) -> u8 {
    (number % 251) as u8
}
