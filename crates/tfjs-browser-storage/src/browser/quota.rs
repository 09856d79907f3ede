//! How much room there is, where a browser tells, and what is said when it is too little.

use futures::future::LocalBoxFuture;
use tfjs_artifacts::{Error, ErrorKind, SaveResult};

use crate::status::storage_status;

/// Bytes that may still be stored, as the browser estimates it; `None` where it does not tell.
async fn room() -> Option<u64> {
    storage_status().await.ok()?.available()
}

/// Fails before anything is written when the browser says that it will not fit, also when `sweep` has removed what is left over.
pub(crate) async fn make_room(needed: u64, sweep: LocalBoxFuture<'_, Result<(), Error>>) -> Result<(), Error> {
    // Who does not say is asked by writing.
    let is_short = |available: Option<u64>| available.is_some_and(|available| available < needed);
    if is_short(room().await) {
        // What cannot be removed now does not make room.
        drop(sweep.await);
        let available = room().await;
        if is_short(available) {
            return Err(no_room(needed, available));
        }
    }
    Ok(())
}

/// A save that found no room says how much it needed, and how much there is.
pub(crate) async fn explain_full(result: Result<SaveResult, Error>, needed: u64) -> Result<SaveResult, Error> {
    match result {
        Err(error) if error.kind() == ErrorKind::StorageFull => Err(no_room(needed, room().await).with_source(error)),
        other => other,
    }
}

/// More is needed than there is.
fn no_room(needed: u64, available: Option<u64>) -> Error {
    // Chromium promises 10 GiB to every site, and may refuse far less.
    let available = match available {
        None => "the browser does not say how many are available".to_owned(),
        Some(available) if available < needed => format!("{available} bytes are available to this site"),
        Some(available) => format!("the browser refuses them, though it says that {available} bytes are available"),
    };
    let message = format!(
        "the browser has no room for the model: it needs {needed} bytes beside what is stored, and {available}; remove other models, free space on the disk, or ask the user for persistent storage (`request_persistence`)"
    );
    Error::new(ErrorKind::StorageFull, message)
}
