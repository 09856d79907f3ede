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
    let available = describe_room(needed, available);
    let message = format!(
        "the browser has no room for the model: it needs {needed} bytes, and {available}; remove other models, or ask the user for persistent storage"
    );
    Error::new(ErrorKind::StorageFull, message)
}

/// How much room there is, for an error: Chromium promises 10 GiB to every site, and may refuse far less.
pub(crate) fn describe_room(needed: u64, available: Option<u64>) -> String {
    match available {
        None => "the browser does not say how many are available".to_owned(),
        Some(available) if available < needed => format!("{available} bytes are available to this site"),
        Some(available) => format!("the browser refuses them, though it says that {available} bytes are available"),
    }
}
