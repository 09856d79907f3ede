//! Removing what no record names and nobody uses: left by tabs that were closed, and by models that were replaced.

use std::time::Duration;

use tfjs_artifacts::{Error, Limits};
use wasm_bindgen_futures::spawn_local;

use super::files::Folder;
use super::place::{Place, models};
use super::record::{RECORD, Record, is_weights, remove_empty};
use crate::locks::Locks;

/// How Chromium calls a file that is being written, until it is closed.
const SWAP: &str = ".crswap";

/// Removes what is left over in the folder of a model, and the folder if nothing is left in it. The model is locked.
pub(super) async fn sweep(place: &Place, locks: &Locks, folder: &Folder, current: Option<&str>) -> Result<(), Error> {
    for name in folder.names().await? {
        let weights = name.strip_suffix(SWAP).unwrap_or(&name);
        // A file that is not of this library is left alone. Nobody but who has locked the model writes a record.
        let is_swap_of_record = name != RECORD && weights == RECORD;
        if is_swap_of_record || (is_weights(weights) && Some(name.as_str()) != current) {
            remove_unused(place, locks, folder, &name, weights).await?;
        }
    }
    if current.is_none() {
        remove_empty(folder).await?;
        place.remove_if_empty().await;
    }
    Ok(())
}

async fn remove_unused(place: &Place, locks: &Locks, folder: &Folder, name: &str, weights: &str) -> Result<(), Error> {
    if let Some(_lock) = locks.try_exclusive(&place.weights_lock(weights)).await? {
        // If it fails, it is left for the next save.
        let _ = folder.remove_file(name).await;
    }
    Ok(())
}

/// Removes a weights file that was the model's, as soon as nobody reads it any more.
pub(super) fn remove_after_readers(place: Place, locks: Locks, folder: Folder, weights: String) {
    spawn_local(async move {
        let Ok(lock) = locks.exclusive_at_last(&place.weights_lock(&weights)).await else { return };
        // If it fails, it is left for the next save.
        let _ = folder.remove_file(&weights).await;
        drop(lock);
        if let Ok(_lock) = place.lock(&locks).await {
            place.remove_if_empty().await;
        }
    });
}

/// Removes what is left over in the folders of all models; those that somebody is changing, and those whose record cannot be
/// understood, stay as they are.
pub(super) async fn sweep_all(locks: &Locks, patience: Duration) -> Result<(), Error> {
    let Some(models) = models().await? else { return Ok(()) };
    for folder in models.names().await? {
        if let Some(place) = Place::of_folder(&folder, patience)
            && let Some(_lock) = place.try_lock(locks).await?
            && let Some(folder) = models.open(&folder).await?
            && let Ok(record) = Record::read(&place, &folder, &Limits::new()).await
        {
            let current = record.and_then(|record| record.weights);
            sweep(&place, locks, &folder, current.as_deref()).await?;
        }
    }
    Ok(())
}
