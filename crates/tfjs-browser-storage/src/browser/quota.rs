//! How much room there is, where a browser tells.

use tfjs_artifacts::{Error, ErrorKind};

use crate::status::storage_status;

/// Bytes that may still be stored, as the browser estimates it; `None` where it does not tell.
pub(crate) async fn room() -> Option<u64> {
    storage_status().await.ok()?.available()
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
