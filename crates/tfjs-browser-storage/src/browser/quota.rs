//! How much room there is, where a browser tells.

use crate::status::storage_status;

/// Bytes that may still be stored, as the browser estimates it; `None` where it does not tell.
pub(crate) async fn room() -> Option<u64> {
    storage_status().await.ok()?.available()
}

/// How much room there is, for an error: Chromium promises 10 GiB to every site, and may refuse far less.
pub(crate) fn describe_room(needed: u64, available: Option<u64>) -> String {
    match available {
        None => "the browser does not say how many are available".to_owned(),
        Some(available) if available < needed => format!("{available} bytes are available to this site"),
        Some(available) => format!("the browser refuses them, though it says that {available} bytes are available"),
    }
}
