//! How much room there is, where a browser tells.

use js_sys::Promise;
use tfjs_artifacts::{Error, ErrorKind};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::StorageManager;

use crate::global::{global, property};

/// Bytes that may still be stored, as the browser estimates it: `quota - usage`; `None` where it does not tell.
pub(crate) async fn room() -> Option<u64> {
    let navigator: JsValue = global("navigator").ok()??;
    let storage: StorageManager = property(&navigator, "storage").ok()??;
    let promise: Promise = storage.estimate().ok()?;
    let estimate = JsFuture::from(promise).await.ok()?;
    let number = |key| property::<JsValue>(&estimate, key).ok().flatten().and_then(|number| number.as_f64());
    let room = number("quota")? - number("usage")?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole bytes, far below 2^53")]
    Some(room.max(0.0) as u64)
}

/// Fails if the browser says that there is less room than this.
pub(crate) async fn check_room(needed: u64) -> Result<(), Error> {
    match room().await {
        Some(available) if available < needed => Err(no_room(needed, Some(available))),
        _ => Ok(()),
    }
}

/// More is needed than there is.
pub(crate) fn no_room(needed: u64, available: Option<u64>) -> Error {
    let available = available.map_or_else(|| "less".to_owned(), |bytes| format!("{bytes} bytes"));
    let message = format!(
        "the browser has no room for the model: it needs {needed} bytes, and {available} are available to this site; remove other models, or ask the user for persistent storage"
    );
    Error::new(ErrorKind::StorageFull, message)
}
