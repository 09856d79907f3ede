//! Models that are too large for what is left.

use tfjs_artifacts::{Error, ErrorKind};

use crate::quota::{describe_room, room};

/// Fails if the browser says that there is less room than this.
pub(super) async fn check_room(needed: u64) -> Result<(), Error> {
    match room().await {
        Some(available) if available < needed => Err(no_room(needed, Some(available))),
        _ => Ok(()),
    }
}

/// More is needed than there is.
pub(super) fn no_room(needed: u64, available: Option<u64>) -> Error {
    let available = describe_room(needed, available);
    let message = format!(
        "the browser has no room for the model: it needs {needed} bytes, and {available}; remove other models, or ask the user for persistent storage"
    );
    Error::new(ErrorKind::StorageFull, message)
}
