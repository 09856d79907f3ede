//! `memory://name`: a store in memory, for tests and caches.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tfjs_artifacts::{
    BoxStream, Error, ErrorKind, Limits, ModelArtifacts, ModelArtifactsInfo, Operation, PlannedShard, SaveResult,
    Segment, ShardHasher, Weights,
};

use crate::{
    Checksums, ListedModel, LoadHandler, LoadOptions, ModelSource, ModelStore, ModelUrl, RemoveOptions, Route,
    SaveHandler, SaveOptions, finish_load,
};

/// A store of named models in memory.
///
/// It is a value: clones share the models, two stores share none. A router that is built with its
/// [`route`](Self::route) finds it under `memory://`.
///
/// A save reads lazy weights, so that what is stored depends on no file. `memory://a/` lists the models whose
/// names begin with `a/`.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    models: Arc<Mutex<Models>>,
}

/// Models by name, in the order of their names.
///
/// No tree: what takes something out of one is code that a page has to download.
type Models = Vec<(String, Stored)>;

#[derive(Clone, Debug)]
struct Stored {
    artifacts: ModelArtifacts,
    info: ModelArtifactsInfo,
}

impl MemoryStore {
    /// The scheme of the [`route`](Self::route).
    pub const SCHEME: &str = "memory";

    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// The route `memory://` to this store.
    pub fn route(&self) -> Route {
        let at = |store: &Self, url: &ModelUrl| At { store: store.clone(), name: url.rest().to_owned() };
        let named = move |store: &Self, url: &ModelUrl| match url.rest() {
            "" => Err(Error::new(ErrorKind::InvalidUrl, "a model in memory needs a name, as in `memory://my-model`")),
            _ => Ok(Arc::new(at(store, url))),
        };
        let (load, save, store) = (self.clone(), self.clone(), self.clone());
        Route::new(Self::SCHEME)
            .with_load(move |source| match source {
                ModelSource::Single(url) => named(&load, url),
                ModelSource::Pair { .. } => {
                    Err(Error::new(ErrorKind::InvalidUrl, "a model in memory has one URL, not two"))
                }
            })
            .with_save(move |url| named(&save, url))
            .with_store(move |url| Ok(Arc::new(at(&store, url))))
            .with_place(|url| Ok(url.rest().to_owned()))
    }

    fn models(&self) -> MutexGuard<'_, Models> {
        // No code panics while it holds the lock half-way through a change.
        self.models.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name in a store.
#[derive(Clone, Debug)]
struct At {
    store: MemoryStore,
    name: String,
}

impl At {
    fn location(&self) -> String {
        format!("{}://{}", MemoryStore::SCHEME, self.name)
    }

    /// Says what was being done here, where the error does not say it.
    fn failed(&self, operation: Operation) -> impl Fn(Error) -> Error {
        move |error| error.with_operation(operation).with_location(&self.location())
    }

    fn stored(&self) -> Option<Stored> {
        let models = self.store.models();
        self.place(&models).ok().and_then(|place| models.get(place)).map(|(_, stored)| stored.clone())
    }

    /// Where the model is, or where it would be.
    fn place(&self, models: &Models) -> Result<usize, usize> {
        models.binary_search_by(|(name, _)| name.cmp(&self.name))
    }

    fn missing(&self, operation: Operation) -> Error {
        self.failed(operation)(Error::new(ErrorKind::NotFound, "there is no model of this name"))
    }
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl LoadHandler for At {
    async fn load(&self, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        let stored = self.stored().ok_or_else(|| self.missing(Operation::Load))?;
        finish_load(stored.artifacts, options).await.map_err(self.failed(Operation::Load))
    }
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl SaveHandler for At {
    async fn save(&self, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<SaveResult, Error> {
        // What is given is the caller's own.
        let load = LoadOptions { progress: options.progress.clone(), limits: Limits::none(), ..LoadOptions::new() };
        let mut artifacts = finish_load(artifacts.clone(), &load).await.map_err(self.failed(Operation::Save))?;
        if let Some(weights) = &artifacts.weights {
            let weights = cut(weights, options).map_err(self.failed(Operation::Save))?;
            artifacts.weights = Some(weights.with_location(&self.location()));
        }
        let result = SaveResult::now(&artifacts);
        let stored = Stored { artifacts, info: result.model_artifacts_info.clone() };
        let mut models = self.store.models();
        match self.place(&models) {
            Ok(place) => {
                if let Some((_, old)) = models.get_mut(place) {
                    *old = stored;
                }
            }
            Err(place) => models.insert(place, (self.name.clone(), stored)),
        }
        Ok(result)
    }
}

/// Cuts weights in memory as the options say. Nothing is copied, and files have the names that they would have on a disk.
fn cut(weights: &Weights, options: &SaveOptions) -> Result<Weights, Error> {
    let mut layout = options.shard_layout(weights, "model")?;
    let are_wanted = options.checksums == Checksums::Write || weights.has_any_checksum();
    if are_wanted && !layout.has_checksums() {
        let mut hasher = ShardHasher::new(layout.shards().map(PlannedShard::byte_length));
        for segment in weights.data().segments() {
            if let Segment::Memory(bytes) = segment {
                hasher.update(bytes);
            }
        }
        layout.set_checksums(hasher.finish());
    }
    Ok(weights.with_layout(&layout)?)
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl ModelStore for At {
    fn list(&self) -> BoxStream<'static, Result<ListedModel, Error>> {
        let models = self.store.models();
        let below = models.iter().filter(|(name, _)| name.starts_with(&self.name));
        let listed: Vec<_> = below
            .map(|(name, stored)| {
                let url = ModelUrl::from_parts(MemoryStore::SCHEME, name)?;
                Ok(ListedModel { url, info: stored.info.clone() })
            })
            .collect();
        Box::pin(futures::stream::iter(listed))
    }

    async fn remove(&self, _options: &RemoveOptions) -> Result<ModelArtifactsInfo, Error> {
        let mut models = self.store.models();
        match self.place(&models) {
            Ok(place) => Ok(models.remove(place).1.info),
            Err(_) => Err(self.missing(Operation::Remove)),
        }
    }
}
