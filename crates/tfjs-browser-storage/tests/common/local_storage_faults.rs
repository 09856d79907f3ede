//! The strings as TensorFlow.js lays them out, and what can go wrong with them.

use futures::StreamExt as _;
use tfjs_artifacts::{ErrorKind, ModelArtifacts};
use tfjs_browser_storage::{LocalStorageHandler, local_storage};
use tfjs_router::{LoadHandler as _, LoadOptions, RemoveOptions, Router, SaveHandler as _, SaveOptions};
use tfjs_testkit::{assert_same_model, samples};
use wasm_bindgen_test::wasm_bindgen_test;

use super::local_storage::storage;
use super::raw::js;

const PARTS: [&str; 5] = ["info", "model_topology", "weight_specs", "weight_data", "model_metadata"];

fn key(name: &str, part: &str) -> String {
    format!("tensorflowjs_models/{name}/{part}")
}

fn get(name: &str, part: &str) -> Option<String> {
    storage().get_item(&key(name, part)).unwrap()
}

fn set(name: &str, part: &str, value: &str) {
    storage().set_item(&key(name, part), value).unwrap();
}

async fn save(name: &str, artifacts: &ModelArtifacts) -> Result<(), tfjs_artifacts::Error> {
    LocalStorageHandler::new(name)?.save(artifacts, &SaveOptions::new()).await.map(drop)
}

async fn load(name: &str) -> Result<ModelArtifacts, tfjs_artifacts::Error> {
    LocalStorageHandler::new(name)?.load(&LoadOptions::new()).await
}

async fn listed() -> Vec<String> {
    let router = Router::builder().route(local_storage::route()).build().unwrap();
    router.list_models("localstorage://").map(|model| model.unwrap().url.to_string()).collect().await
}

#[wasm_bindgen_test]
async fn strings_are_those_of_tensorflow_js() {
    storage().clear().unwrap();
    save("layout", &samples::filled(0.0)).await.unwrap();
    assert_eq!(storage().length().unwrap(), 5);
    let info: serde_json::Value = serde_json::from_str(&get("layout", "info").unwrap()).unwrap();
    let bytes = samples::filled(0.0).weights.unwrap().data().byte_length();
    assert_eq!(info["weightDataBytes"], bytes);
    assert!(get("layout", "weight_data").unwrap().starts_with("AAAA"));
    let specs: serde_json::Value = serde_json::from_str(&get("layout", "weight_specs").unwrap()).unwrap();
    assert_eq!(specs[0]["dtype"], "float32");
    let metadata: serde_json::Value = serde_json::from_str(&get("layout", "model_metadata").unwrap()).unwrap();
    let keys: Vec<_> = metadata.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["convertedBy", "format", "generatedBy"]);
}

/// What TensorFlow.js writes of a model without weights, which it cannot load itself, and of one before 1.0.
#[wasm_bindgen_test]
async fn what_only_the_reference_writes_is_read() {
    storage().clear().unwrap();
    save("odd", &samples::filled(1.0)).await.unwrap();
    storage().remove_item(&key("odd", "model_metadata")).unwrap();
    let loaded = load("odd").await.unwrap();
    assert_eq!((loaded.format, loaded.converted_by), (None, None));
    set("odd", "weight_specs", "undefined");
    set("odd", "weight_data", "");
    assert!(load("odd").await.unwrap().weights.is_none());
    set("odd", "weight_data", "not base64!");
    assert_eq!(load("odd").await.unwrap_err().kind(), ErrorKind::InvalidData);
}

/// Leaves no room for a character.
async fn fill() {
    js("for (let filler = '', size = 1 << 23; size >= 1; ) {
          try { localStorage.setItem('filler', filler + 'x'.repeat(size)); filler += 'x'.repeat(size); } catch { size >>= 1; }
        }")
    .await
    .unwrap();
}

#[wasm_bindgen_test]
async fn a_full_storage_keeps_the_previous_model_and_says_how_much_is_missing() {
    storage().clear().unwrap();
    save("model", &samples::filled(1.0)).await.unwrap();
    fill().await;
    let before: Vec<_> = PARTS.map(|part| get("model", part)).into();
    let error = save("model", &samples::many_shards(2000)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    let number_after = |words: &str| -> u64 {
        let text = error.to_string();
        let (_, rest) = text.split_once(words).unwrap();
        rest.split(' ').next().unwrap().parse().unwrap()
    };
    let (needed, available) = (number_after("it needs "), number_after("base64) and "));
    assert!(needed > 100_000 && available < needed, "{error}");
    assert_eq!(PARTS.map(|part| get("model", part)).as_slice(), before);
    assert_same_model(&load("model").await.unwrap(), &samples::filled(1.0));
    assert_eq!(listed().await, ["localstorage://model"]);
    assert_eq!(save("other", &samples::many_shards(2000)).await.unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(storage().length().unwrap(), 6, "something stayed behind");
    storage().clear().unwrap();
}

/// The page ended in the middle of a save: after any of its steps the previous model is there, or the new one.
#[wasm_bindgen_test]
async fn a_save_that_died_is_undone_by_whoever_comes_next() {
    storage().clear().unwrap();
    save("model", &samples::filled(2.0)).await.unwrap();
    let new = PARTS.map(|part| get("model", part).unwrap());
    save("model", &samples::filled(1.0)).await.unwrap();
    let old = PARTS.map(|part| get("model", part).unwrap());
    let undo = serde_json::to_string(&old).unwrap();
    // First all parts go, then they come in the reverse order.
    for written in 0..=PARTS.len() {
        storage().clear().unwrap();
        storage().set_item("tfjs-io/undo/model", &undo).unwrap();
        for (part, value) in PARTS.iter().zip(&new).rev().take(written) {
            set("model", part, value);
        }
        assert_eq!(listed().await, ["localstorage://model"], "after {written}");
        // Once all parts are there, the save is done.
        let value = if written == PARTS.len() { 2.0 } else { 1.0 };
        assert_same_model(&load("model").await.unwrap(), &samples::filled(value));
        assert_eq!(storage().length().unwrap(), 5);
    }
    // Without the previous model, what is half-written is no model.
    for written in 1..PARTS.len() {
        storage().clear().unwrap();
        for (part, value) in PARTS.iter().zip(&new).rev().take(written) {
            set("model", part, value);
        }
        assert_eq!(listed().await, [""; 0]);
        assert_eq!(load("model").await.unwrap_err().kind(), ErrorKind::NotFound);
    }
}

#[wasm_bindgen_test]
async fn keys_of_others_are_no_models() {
    storage().clear().unwrap();
    for key in ["tensorflowjs_models/info", "tensorflowjs_models_x/a/info", "info", "x/tensorflowjs_models/a/info"] {
        storage().set_item(key, "1").unwrap();
    }
    save("a/info", &samples::filled(1.0)).await.unwrap();
    assert_eq!(listed().await, ["localstorage://a/info"]);
    storage().clear().unwrap();
}

/// TensorFlow.js knows nothing of what was put aside.
#[wasm_bindgen_test]
async fn what_was_saved_after_a_save_that_died_stays() {
    storage().clear().unwrap();
    save("model", &samples::filled(1.0)).await.unwrap();
    let undo = serde_json::to_string(&PARTS.map(|part| get("model", part))).unwrap();
    save("model", &samples::filled(3.0)).await.unwrap();
    storage().set_item("tfjs-io/undo/model", &undo).unwrap();
    assert_same_model(&load("model").await.unwrap(), &samples::filled(3.0));
    assert_eq!(storage().length().unwrap(), 5);
}

/// The page ended while it tried how much room there is.
#[wasm_bindgen_test]
async fn a_probe_that_was_left_behind_is_in_nobodys_way() {
    storage().clear().unwrap();
    js("for (let filler = '', size = 1 << 23; size >= 1; ) {
          try { localStorage.setItem('tfjs-io/probe', filler + 'x'.repeat(size)); filler += 'x'.repeat(size); } catch { size >>= 1; }
        }")
    .await
    .unwrap();
    save("model", &samples::filled(1.0)).await.unwrap();
    assert_eq!(storage().length().unwrap(), 5);
    storage().clear().unwrap();
}

#[wasm_bindgen_test]
async fn what_is_damaged_can_be_removed() {
    storage().clear().unwrap();
    save("damaged", &samples::filled(1.0)).await.unwrap();
    set("damaged", "info", "{");
    let router = Router::builder().route(local_storage::route()).build().unwrap();
    let removed = router.remove_model("localstorage://damaged", &RemoveOptions::new()).await.unwrap();
    assert_eq!(removed.weight_data_bytes, 0);
    assert_eq!(storage().length().unwrap(), 0);
}
