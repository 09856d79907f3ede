//! Where one model is.

use std::time::Duration;

use tfjs_artifacts::{Error, Operation};

use super::files::Folder;
use super::{SCHEME, name};
use crate::locks::{Lock, Locks};

/// The folder in the root that has all models.
const MODELS: &str = "tfjs-io";

/// The name of a model, and of the folder that it is in.
#[derive(Clone, Debug)]
pub(super) struct Place {
    name: String,
    folder: String,
    patience: Duration,
}

impl Place {
    pub(super) fn new(name: &str, patience: Duration) -> Result<Self, Error> {
        let folder = name::encode(name).map_err(|error| error.with_location(&location(name)))?;
        Ok(Self { name: name.to_owned(), folder, patience })
    }

    /// That of a folder; `None` if it is not a model's.
    pub(super) fn of_folder(folder: &str, patience: Duration) -> Option<Self> {
        Some(Self { name: name::decode(folder)?, folder: folder.to_owned(), patience })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    pub(super) fn location(&self) -> String {
        location(&self.name)
    }

    /// Says what was being done here, where the error does not say it.
    pub(super) fn failed(&self, operation: Operation) -> impl Fn(Error) -> Error {
        let location = self.location();
        move |error| error.with_operation(operation).with_location(&location)
    }

    /// The folder, if it is there.
    pub(super) async fn open(&self) -> Result<Option<Folder>, Error> {
        match Folder::root().await?.open(MODELS).await? {
            Some(models) => models.open(&self.folder).await,
            None => Ok(None),
        }
    }

    /// The folder, made if it is not there. The model is locked.
    pub(super) async fn make(&self) -> Result<Folder, Error> {
        Folder::root().await?.make(MODELS).await?.make(&self.folder).await
    }

    /// Removes the folder if nothing is in it. The model is locked.
    pub(super) async fn remove_if_empty(&self) {
        if let Ok(Some(models)) = models().await {
            // Fails, rightly, if something is in it.
            let _ = models.remove(&self.folder).await;
        }
    }

    /// Keeps others from changing what is the model: held for moments only.
    pub(super) async fn lock(&self, locks: &Locks) -> Result<Lock, Error> {
        locks.exclusive(&self.lock_name(), self.patience).await
    }

    /// As [`lock`](Self::lock), if nobody else has it.
    pub(super) async fn try_lock(&self, locks: &Locks) -> Result<Option<Lock>, Error> {
        locks.try_exclusive(&self.lock_name()).await
    }

    fn lock_name(&self) -> String {
        format!("{MODELS}/{SCHEME}/{}", self.folder)
    }

    /// The name of the lock on a weights file.
    pub(super) fn weights_lock(&self, weights: &str) -> String {
        format!("{}/{weights}", self.lock_name())
    }
}

/// The folder of all models, if it is there.
pub(super) async fn models() -> Result<Option<Folder>, Error> {
    Folder::root().await?.open(MODELS).await
}

pub(super) fn location(name: &str) -> String {
    format!("{SCHEME}://{name}")
}
