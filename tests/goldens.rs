//! Models written by the real TensorFlow.js: their values, their sizes, and that nothing of them is lost.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::path::Path;

use serde_json::Value;
use tfjs_io::{LoadOptions, RawJson, SaveResult, load, load_with, save};
use tfjs_tests::{digests, goldens};

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn url(path: &Path) -> String {
    format!("file://{}", path.display())
}

#[tokio::test]
async fn every_tensor_has_the_digest_that_tensorflow_js_computed() {
    let mut compared = 0;
    for model in goldens() {
        let expected = json(&model.join("digests.json"));
        for options in [LoadOptions::new(), LoadOptions::lazy()] {
            let ours = digests(&load_with(&url(&model), &options).await.unwrap()).await;
            compared += ours.len();
            assert_eq!(Value::Array(ours), expected, "{}", model.display());
        }
    }
    assert!(compared > 100, "{compared}");
}

#[tokio::test]
async fn byte_counts_are_those_that_tensorflow_js_reports() {
    for model in goldens() {
        let artifacts = load(&url(&model)).await.unwrap();
        let info = SaveResult::now(&artifacts).model_artifacts_info;
        let ours = serde_json::json!({
            "modelTopologyBytes": info.model_topology_bytes,
            "weightSpecsBytes": info.weight_specs_bytes,
            "weightDataBytes": info.weight_data_bytes,
        });
        assert_eq!(ours, json(&model.join("info.json")), "{}", model.display());
    }
}

#[tokio::test]
async fn a_copy_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for model in goldens() {
        let artifacts = load(&url(&model)).await.unwrap();
        let copy = folder.path().join(model.file_name().unwrap());
        save(&artifacts, &url(&copy)).await.unwrap();
        let again = load(&url(&copy)).await.unwrap();
        tfjs_testkit::assert_same_model(&again, &artifacts);

        // Saving once more writes the same bytes.
        let twice = copy.with_extension("twice");
        save(&again, &url(&twice)).await.unwrap();
        for entry in std::fs::read_dir(&copy).unwrap() {
            let file = entry.unwrap().path();
            let other = twice.join(file.file_name().unwrap());
            assert_eq!(std::fs::read(&file).unwrap(), std::fs::read(other).unwrap(), "{}", file.display());
        }
    }
}

/// Every JSON value of a copy is that of the source as JavaScript sees it, but for the names of the weight files.
#[tokio::test]
async fn a_copy_keeps_every_json_value() {
    let folder = tempfile::tempdir().unwrap();
    for model in goldens() {
        let copy = folder.path().join(model.file_name().unwrap());
        tfjs_io::copy_model(&url(&model), &url(&copy)).await.unwrap();
        assert_eq!(entries(&copy), entries(&model), "{}", model.display());
    }
}

/// The keys of a `model.json` in alphabetical order, with their values as `JSON.stringify` prints them.
fn entries(model: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(model.join("model.json")).unwrap();
    let mut entries = RawJson::parse(&text).unwrap().entries().unwrap();
    entries.sort_by(|one, other| one.0.cmp(&other.0));
    let value = |(key, json): (String, RawJson)| {
        let value = if key == "weightsManifest" { without_paths(&json) } else { json.to_js_string() };
        (key, value)
    };
    entries.into_iter().map(value).collect()
}

/// A manifest with the number of its files in place of their names.
fn without_paths(manifest: &RawJson) -> String {
    let mut manifest: Value = serde_json::from_str(manifest.get()).unwrap();
    for group in manifest.as_array_mut().unwrap() {
        let group = group.as_object_mut().unwrap();
        let files = group["paths"].as_array().unwrap().len();
        group.insert("paths".to_owned(), files.into());
    }
    manifest.to_string()
}
