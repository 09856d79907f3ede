//! A program in a web page that has nothing of its own: what it weighs is the library.
#![cfg(all(target_arch = "wasm32", target_os = "unknown"))]
#![forbid(unsafe_code)]

use futures::TryStreamExt as _;
use tfjs_io::{Error, ErrorKind, LoadOptions, MemoryStore, RemoveOptions, Router, SaveOptions, TensorReader};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

thread_local! {
    static MEMORY: MemoryStore = MemoryStore::new();
}

/// Every backend that is compiled in, and the memory.
fn router() -> Result<Router, Error> {
    MEMORY.with(|memory| tfjs_io::default_routes().route(memory.route())).build()
}

/// What a model holds.
#[wasm_bindgen]
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Summary {
    /// How many tensors it has.
    pub tensors: usize,
    /// How many bytes these are.
    pub bytes: u64,
}

/// Loads a model and looks at it.
///
/// # Errors
/// What the library says.
#[wasm_bindgen]
pub async fn load(url: String) -> Result<Summary, JsError> {
    let artifacts = router()?.load(&url, &LoadOptions::new()).await?;
    let Some(weights) = &artifacts.weights else { return Ok(Summary { tensors: 0, bytes: 0 }) };
    Ok(Summary {
        tensors: weights.specs().count(),
        bytes: weights.groups().iter().map(tfjs_io::WeightGroup::byte_length).sum(),
    })
}

/// Loads a model, and saves it from memory to another place.
///
/// # Errors
/// What the library says.
#[wasm_bindgen]
pub async fn save(source: String, destination: String) -> Result<u64, JsError> {
    let router = router()?;
    let artifacts = router.load(&source, &LoadOptions::new()).await?;
    let saved = router.save(&artifacts, &destination, &SaveOptions::new()).await?;
    Ok(saved.model_artifacts_info.weight_data_bytes)
}

/// Copies a model; tells when it was saved.
///
/// # Errors
/// What the library says.
#[wasm_bindgen]
pub async fn copy_model(source: String, destination: String) -> Result<String, JsError> {
    let options = (LoadOptions::new(), SaveOptions::new());
    let saved = router()?.copy_model(&source, &destination, &options.0, &options.1).await?;
    Ok(saved.model_artifacts_info.date_saved.to_string())
}

/// Moves a model; tells when it was saved.
///
/// # Errors
/// What the library says.
#[wasm_bindgen]
pub async fn move_model(source: String, destination: String) -> Result<String, JsError> {
    let options = (LoadOptions::new(), SaveOptions::new());
    let saved = router()?.move_model(&source, &destination, &options.0, &options.1).await?;
    Ok(saved.model_artifacts_info.date_saved.to_string())
}

/// Removes a model; tells how many bytes of weights it had.
///
/// # Errors
/// What the library says.
#[wasm_bindgen]
pub async fn remove_model(url: String) -> Result<u64, JsError> {
    Ok(router()?.remove_model(&url, &RemoveOptions::new()).await?.weight_data_bytes)
}

/// The URLs of all models below a URL.
///
/// # Errors
/// What the library says.
#[wasm_bindgen]
pub async fn list_models(url: String) -> Result<Vec<String>, JsError> {
    Ok(router()?.list_models(&url).map_ok(|model| model.url.to_string()).try_collect().await?)
}

/// One tensor of a model, as numbers.
///
/// # Errors
/// What the library says.
#[wasm_bindgen]
pub async fn tensor(url: String, name: String) -> Result<Vec<f32>, JsError> {
    let artifacts = router()?.load(&url, &LoadOptions::lazy()).await?;
    let no_tensor = || Error::new(ErrorKind::NotFound, format!("there is no tensor {name} of float32"));
    let weights = artifacts.weights.as_ref().ok_or_else(no_tensor)?;
    let tensor = TensorReader::open(weights).await?.tensor(&name).await?;
    Ok(tensor.as_f32().ok_or_else(no_tensor)?.to_vec())
}
