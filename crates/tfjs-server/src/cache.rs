//! Models that have been loaded, as long as they are what is there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tfjs_artifacts::Error;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::served::Served;
use crate::{ModelName, Models};

/// The models that were asked for last. Only their JSON is kept, and where their weights are.
#[derive(Debug)]
pub(crate) struct Cache {
    models: Models,
    /// A model that is being loaded takes many times the memory of its JSON.
    slots: Semaphore,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    models: BTreeMap<ModelName, Entry>,
    /// Counts the uses.
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    version: String,
    served: Arc<Served>,
    last_used: u64,
}

/// How many models are loaded at a time.
const LOADS: usize = 2;

/// How much JSON is kept, in bytes.
const MAX_WEIGHT: usize = 32 << 20;

impl Cache {
    pub(crate) fn new(models: Models) -> Self {
        Self { models, slots: Semaphore::new(LOADS), kept: Mutex::default() }
    }

    pub(crate) fn models(&self) -> &Models {
        &self.models
    }

    /// The model of this name. A weight file that is not what it was says so when it is read or checked.
    pub(crate) async fn get(&self, name: &ModelName) -> Result<Arc<Served>, Error> {
        self.find(name).await.map(|(served, _)| served)
    }

    /// The model of this name, all files as they are now.
    pub(crate) async fn current(&self, name: &ModelName) -> Result<Arc<Served>, Error> {
        let (served, is_kept) = self.find(name).await?;
        // Whatever is wrong with a file, loading the model again tells it best.
        if !is_kept || served.check().await.is_ok() {
            return Ok(served);
        }
        self.forget(name);
        self.get(name).await
    }

    /// The model of this name, and whether it had been loaded before.
    async fn find(&self, name: &ModelName) -> Result<(Arc<Served>, bool), Error> {
        // Looked at before the model is loaded: if it is replaced meanwhile, it is loaded again next time.
        let version = self.models.version(name).await.flatten();
        if let Some(served) = version.as_ref().and_then(|version| self.kept().get(name, version)) {
            return Ok((served, true));
        }
        let _slot = self.slot().await;
        // Somebody else may have loaded it while this one waited.
        if let Some(served) = version.as_ref().and_then(|version| self.kept().get(name, version)) {
            return Ok((served, true));
        }
        let artifacts = self.models.load(name).await?;
        let served = tokio::task::spawn_blocking(move || Served::new(&artifacts)).await;
        let ending =
            |error| Error::new(tfjs_artifacts::ErrorKind::Unexpected, "the server is ending").with_source(error);
        let served = Arc::new(served.map_err(ending)??);
        if let Some(version) = version {
            self.kept().insert(name, version, Arc::clone(&served));
        }
        Ok((served, false))
    }

    /// Waits until few others load.
    pub(crate) async fn slot(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.slots.acquire().await.ok()
    }

    /// Forgets a model.
    pub(crate) fn forget(&self, name: &ModelName) {
        self.kept().models.remove(name);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // No code panics while it holds the lock half-way through a change.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn get(&mut self, name: &ModelName, version: &str) -> Option<Arc<Served>> {
        self.clock += 1;
        let entry = self.models.get_mut(name).filter(|entry| entry.version == version)?;
        entry.last_used = self.clock;
        Some(Arc::clone(&entry.served))
    }

    fn insert(&mut self, name: &ModelName, version: String, served: Arc<Served>) {
        self.clock += 1;
        self.models.insert(name.clone(), Entry { version, served, last_used: self.clock });
        while self.models.len() > 1
            && self.models.values().map(|entry| entry.served.weight()).sum::<usize>() > MAX_WEIGHT
        {
            let oldest = self.models.iter().min_by_key(|(_, entry)| entry.last_used).map(|(name, _)| name.clone());
            match oldest {
                Some(oldest) => self.models.remove(&oldest),
                None => return,
            };
        }
    }
}
