//! The models of a store.

use futures::StreamExt as _;
use serde::Serialize;
use tfjs_io::LoadOptions;
use wasm_bindgen::prelude::wasm_bindgen;

use super::access::router;
use super::failure::Failure;
use super::kind::kind;

/// A store, as far as it can be read.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Store {
    models: Vec<Model>,
    /// What is wrong with models that are there, but cannot be listed.
    broken: Vec<Broken>,
}

#[derive(Serialize)]
struct Broken {
    /// Of the model, as far as an error names it: what stands behind a `?` or `#` it does not.
    url: Option<String>,
    message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Model {
    url: String,
    name: String,
    /// As ISO 8601 has it.
    date_saved: String,
    topology_bytes: u64,
    weight_bytes: u64,
}

/// The models of a store, such as `indexeddb://`. One that is broken does not hide the others.
///
/// # Errors
/// When the browser does not have the store, or does not give it.
#[wasm_bindgen(js_name = listModels)]
pub async fn list_models(store: String) -> Result<String, Failure> {
    let mut found = Store { models: Vec::new(), broken: Vec::new() };
    let mut listed = tfjs_io::list_models(&store)?;
    let mut first = None;
    while let Some(model) = listed.next().await {
        match model {
            Ok(model) => {
                let url = model.url.to_string();
                let name = url.strip_prefix(&store).unwrap_or(&url).to_owned();
                let info = model.info;
                found.models.push(Model {
                    url,
                    name,
                    date_saved: info.date_saved.to_string(),
                    topology_bytes: info.model_topology_bytes,
                    weight_bytes: info.weight_data_bytes,
                });
            }
            Err(error) => {
                let url = error.location().map(ToString::to_string);
                let url = url.filter(|url| url.len() > store.len() && url.starts_with(&store));
                found.broken.push(Broken { url, message: error.chain().to_string() });
                first = first.or(Some(error));
            }
        }
    }
    match first {
        // It is the store, and no model, that cannot be read.
        Some(error)
            if found.models.is_empty()
                && found.broken.len() == 1
                && error.location().is_none_or(|at| at.to_string() == store) =>
        {
            Err(error.into())
        }
        _ => Ok(serde_json::json!(found).to_string()),
    }
}

/// `layers`, `graph`, `weights` or `other`: what the list of a store does not tell.
///
/// # Errors
/// When the model cannot be loaded.
#[wasm_bindgen(js_name = kindOf)]
pub async fn kind_of(url: String, token: Option<String>) -> Result<String, Failure> {
    let artifacts = router(token.as_deref())?.load(&url, &LoadOptions::lazy()).await?;
    Ok(kind(&artifacts).to_owned())
}
