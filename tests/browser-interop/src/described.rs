//! A model as JSON that JavaScript can compare: everything but the weights, and a digest of each tensor.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tfjs_io::{
    ModelArtifacts, ModelArtifactsInfo, SaveResult, ShardLayout, Tensor, TensorReader, Weights, encode_model_json,
};

use crate::failure::Failure;

/// `{modelJson, tensors, shardBytes}`; one tensor is in memory at a time, if the model was loaded lazily.
pub(crate) async fn describe(model: &ModelArtifacts) -> Result<String, Failure> {
    let layout = model.weights.as_ref().map(ShardLayout::as_they_are);
    // As text: the numbers in it shall be judged as they are written.
    let model_json = encode_model_json(model, layout.as_ref())?;
    let tensors = match &model.weights {
        Some(weights) => digests(weights).await?,
        None => Vec::new(),
    };
    let shards = layout.iter().flat_map(ShardLayout::shards);
    let shard_bytes: Vec<_> = shards.map(tfjs_io::PlannedShard::byte_length).collect();
    let (tensors, shard_bytes) = (json!(tensors), json!(shard_bytes));
    Ok(format!(r#"{{"modelJson":{model_json},"tensors":{tensors},"shardBytes":{shard_bytes}}}"#))
}

/// As tests/interop/README.md defines them.
async fn digests(weights: &Weights) -> Result<Vec<Value>, Failure> {
    let reader = TensorReader::open(weights).await?;
    let mut digests = Vec::new();
    for index in 0..reader.specs().len() {
        digests.push(digest(reader.nth(index).await?));
    }
    Ok(digests)
}

fn digest(tensor: Tensor) -> Value {
    let (name, dtype) = (tensor.name().to_owned(), tensor.dtype().to_string());
    let shape = tensor.shape().dims().to_vec();
    let bytes = Sha256::digest(tensor.into_le_bytes());
    let sha256 = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    json!({ "name": name, "dtype": dtype, "shape": shape, "sha256": sha256 })
}

/// What a save reports.
pub(crate) fn info(result: &SaveResult) -> String {
    info_json(&result.model_artifacts_info).to_string()
}

/// With the keys of TensorFlow.js.
pub(crate) fn info_json(info: &ModelArtifactsInfo) -> Value {
    json!({
        "dateSaved": info.date_saved.to_string(),
        "modelTopologyType": info.model_topology_type.as_str(),
        "modelTopologyBytes": info.model_topology_bytes,
        "weightSpecsBytes": info.weight_specs_bytes,
        "weightDataBytes": info.weight_data_bytes,
    })
}
