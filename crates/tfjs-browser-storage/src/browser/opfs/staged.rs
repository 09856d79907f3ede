//! A weights file that no record names yet.

use tfjs_artifacts::Error;
use wasm_bindgen_futures::spawn_local;

use super::files::Folder;
use super::place::Place;
use super::record::new_weights;
use super::writer::Writer;
use crate::locks::{Lock, Locks};

/// A new weights file and the lock on it. Unless it is [kept](Self::keep), it goes away with this.
#[derive(Debug)]
pub(super) struct Staged(Option<Parts>);

#[derive(Debug)]
struct Parts {
    place: Place,
    locks: Locks,
    folder: Folder,
    name: String,
    /// `None` before the file is made.
    writer: Option<Writer>,
    /// Released last.
    lock: Lock,
}

impl Staged {
    /// Makes the file. To be run to its end, see [`uninterrupted`](super::save::uninterrupted).
    pub(super) async fn begin(place: Place, locks: Locks) -> Result<Self, Error> {
        let name = new_weights();
        // Nobody else knows the name: it does not wait.
        let lock = locks.exclusive(&place.weights_lock(&name), place.patience()).await?;
        // Or somebody who finds the folder empty would remove it before the file is in it.
        let model_lock = place.lock(&locks).await?;
        let folder = place.make().await?;
        let mut staged = Self(Some(Parts { place, locks, folder, name, writer: None, lock }));
        let opened = staged.open().await;
        drop(model_lock);
        if let Err(error) = opened {
            staged.discard().await;
            return Err(error);
        }
        Ok(staged)
    }

    async fn open(&mut self) -> Result<(), Error> {
        if let Some(parts) = &mut self.0 {
            let file = parts.folder.make_file(&parts.name).await?;
            parts.writer = Some(Writer::open(&file).await?);
        }
        Ok(())
    }

    /// The name of the file.
    pub(super) fn name(&self) -> Option<&str> {
        self.0.as_ref().map(|parts| parts.name.as_str())
    }

    /// Where its bytes go.
    pub(super) fn writer(&mut self) -> Option<&mut Writer> {
        self.0.as_mut()?.writer.as_mut()
    }

    /// It is the model's now: it stays, and others may read it.
    pub(super) fn keep(mut self) {
        self.0 = None;
    }

    /// Removes the file, and the folder if nothing else is in it.
    pub(super) async fn discard(mut self) {
        if let Some(parts) = self.0.take() {
            parts.discard().await;
        }
    }
}

impl Parts {
    async fn discard(self) {
        if let Some(writer) = self.writer {
            writer.abort().await;
        }
        // What cannot be removed now is left for the next save, as what a killed tab leaves.
        let _ = self.folder.remove_file(&self.name).await;
        drop(self.lock);
        if let Ok(_lock) = self.place.lock(&self.locks).await {
            self.place.remove_if_empty().await;
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(parts) = self.0.take() {
            spawn_local(parts.discard());
        }
    }
}
