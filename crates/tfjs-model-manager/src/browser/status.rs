//! How full the browser's storage is.

use serde::Serialize;
use tfjs_io::{request_persistence, storage_status};
use wasm_bindgen::prelude::wasm_bindgen;

use super::failure::Failure;

#[derive(Serialize)]
struct Status {
    usage: Option<u64>,
    quota: Option<u64>,
    persisted: Option<bool>,
}

/// How many bytes the site stores and may store, and whether the browser keeps them; `null` for what it does not tell.
///
/// # Errors
/// When the browser tells nobody.
#[wasm_bindgen(js_name = storageStatus)]
pub async fn status() -> Result<String, Failure> {
    let found = storage_status().await?;
    let status = Status { usage: found.usage, quota: found.quota, persisted: found.persisted };
    Ok(serde_json::json!(status).to_string())
}

/// Asks the browser to keep what is stored; whether it will.
///
/// # Errors
/// When it does not take the question.
#[wasm_bindgen(js_name = requestPersistence)]
pub async fn persist() -> Result<bool, Failure> {
    Ok(request_persistence().await?)
}
