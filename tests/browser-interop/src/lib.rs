//! What the page can ask of us: models are loaded, saved, copied, listed and removed through the facade, as a program would.
//!
//! Every function gives a promise of JSON text, and rejects with `{kind, operation, location, message}`.
#![cfg(all(target_arch = "wasm32", target_os = "unknown"))]
#![expect(clippy::missing_errors_doc, reason = "every promise rejects with the same, which is said above")]

mod bench;
mod described;
mod failure;
mod generated;
mod guide;

use std::pin::pin;
use std::time::Duration;

use futures::TryStreamExt as _;
use futures::future::{Either, select};
use tfjs_io::{
    Checksums, IndexedDbHandler, LoadHandler as _, LoadOptions, LocalStorageHandler, ModelArtifacts, OpfsHandler,
    RemoveOptions, SaveHandler as _, SaveOptions, browser_files, default_router,
};
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::FileList;

use crate::described::{describe, info};
use crate::failure::Failure;

/// The schemes that are routed here.
#[wasm_bindgen]
pub fn schemes() -> Result<String, Failure> {
    Ok(serde_json::json!(default_router()?.schemes().collect::<Vec<_>>()).to_string())
}

/// How many bytes the memory of WebAssembly has; it never shrinks.
#[wasm_bindgen]
pub fn heap() -> usize {
    core::arch::wasm32::memory_size(0) << 16
}

/// A model: its JSON, and what each tensor is.
#[wasm_bindgen]
pub async fn load(url: String, is_lazy: bool) -> Result<String, Failure> {
    describe(&tfjs_io::load_with(&url, &loading(is_lazy)).await?).await
}

/// As [`load`], with the handler of the scheme in place of the router, which waits this long for a database.
#[wasm_bindgen]
pub async fn load_directly(url: String, milliseconds: u32) -> Result<String, Failure> {
    let options = loading(false);
    let model = match url.split_once("://") {
        Some(("localstorage", name)) => LocalStorageHandler::new(name)?.load(&options).await?,
        Some(("indexeddb", name)) => {
            let patience = Duration::from_millis(milliseconds.into());
            IndexedDbHandler::new(name)?.with_open_timeout(patience).load(&options).await?
        }
        Some(("opfs", name)) => OpfsHandler::new(name).load(&options).await?,
        _ => return Err(Failure::of_the_test(&format!("no handler is known for {url}"))),
    };
    describe(&model).await
}

/// The model among the files that a user picked.
#[wasm_bindgen]
pub async fn load_files(files: FileList, is_lazy: bool) -> Result<String, Failure> {
    describe(&browser_files(files).load(&loading(is_lazy)).await?).await
}

/// Saves the model among the files that a user picked.
#[wasm_bindgen]
pub async fn save_files(files: FileList, url: String) -> Result<String, Failure> {
    let model = browser_files(files).load(&LoadOptions::lazy()).await?;
    Ok(info(&tfjs_io::save(&model, &url).await?))
}

/// Saves a copy, lazily.
#[wasm_bindgen]
pub async fn copy(source: String, destination: String) -> Result<String, Failure> {
    Ok(info(&tfjs_io::copy_model(&source, &destination).await?))
}

/// As [`copy`], with checksums of the weight files.
#[wasm_bindgen]
pub async fn copy_with_checksums(source: String, destination: String) -> Result<String, Failure> {
    let save = SaveOptions::new().with_checksums(Checksums::Write);
    Ok(info(&default_router()?.copy_model(&source, &destination, &LoadOptions::lazy(), &save).await?))
}

/// What a generated model is, without storing it anywhere.
#[wasm_bindgen]
pub async fn describe_generated(bytes: f64, seed: u32) -> Result<String, Failure> {
    describe(&generated::model(bytes, seed)?).await
}

/// Saves a generated model.
#[wasm_bindgen]
pub async fn save_generated(url: String, bytes: f64, seed: u32) -> Result<String, Failure> {
    Ok(info(&tfjs_io::save(&generated::model(bytes, seed)?, &url).await?))
}

/// Saves a generated model to IndexedDB as if it were too large for one record.
#[wasm_bindgen]
pub async fn save_in_records_of_its_own(url: String, bytes: f64, seed: u32) -> Result<String, Failure> {
    let Some(name) = url.strip_prefix("indexeddb://") else {
        return Err(Failure::of_the_test(&format!("{url} is not in IndexedDB")));
    };
    let handler = IndexedDbHandler::new(name)?.with_largest_record(0);
    Ok(info(&handler.save(&generated::model(bytes, seed)?, &SaveOptions::new()).await?))
}

/// Begins to save a generated model, and gives up after so long: tells whether it was given up.
#[wasm_bindgen]
pub async fn save_and_give_up(url: String, bytes: f64, seed: u32, milliseconds: u32) -> Result<bool, Failure> {
    let model: ModelArtifacts = generated::model(bytes, seed)?;
    let save = pin!(tfjs_io::save(&model, &url));
    match select(save, gloo_timers::future::sleep(Duration::from_millis(milliseconds.into()))).await {
        Either::Left((saved, _)) => saved.map(|_| false).map_err(Failure::from),
        Either::Right(_) => Ok(true),
    }
}

/// URLs and infos of the models below a URL.
#[wasm_bindgen]
pub async fn list(url: String) -> Result<String, Failure> {
    let listed: Vec<_> = tfjs_io::list_models(&url)?.try_collect().await?;
    let entries = listed.into_iter().map(|model| (model.url.to_string(), described::info_json(&model.info)));
    Ok(serde_json::Value::Object(entries.collect()).to_string())
}

/// Removes a model.
#[wasm_bindgen]
pub async fn remove(url: String) -> Result<String, Failure> {
    let removed = default_router()?.remove_model(&url, &RemoveOptions::new()).await?;
    Ok(described::info_json(&removed).to_string())
}

fn loading(is_lazy: bool) -> LoadOptions {
    if is_lazy { LoadOptions::lazy() } else { LoadOptions::new() }
}
