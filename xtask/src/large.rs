//! What models of many tensors say of themselves, for tasks that measure how they are moved.

use serde_json::json;

/// The `model.json` of a model of float32 tensors of one size, in these files.
pub(crate) fn model_json(tensors: u64, tensor_bytes: u64, files: &[String]) -> String {
    let weights: Vec<_> = (0..tensors)
        .map(|i| json!({"name": format!("layer{i}/kernel"), "shape": [tensor_bytes / 4], "dtype": "float32"}))
        .collect();
    let model = json!({
        "modelTopology": {"class_name": "Sequential", "config": {"name": "large", "layers": []}, "keras_version": "2.11.0", "backend": "tensorflow"},
        "format": "layers-model",
        "generatedBy": null,
        "convertedBy": null,
        "weightsManifest": [{"paths": files, "weights": weights}],
    });
    model.to_string()
}
