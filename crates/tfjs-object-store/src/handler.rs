//! The handler of one place.

use std::sync::Arc;

use async_trait::async_trait;
use object_store::ObjectStore;
use object_store::path::Path;
use tfjs_artifacts::{BoxStream, Error, ErrorKind, ModelArtifacts, ModelArtifactsInfo, Operation, SaveResult};
use tfjs_router::{
    ListedModel, LoadHandler, LoadOptions, ModelSource, ModelStore, ModelUrl, RemoveOptions, SaveHandler, SaveOptions,
};

use crate::bucket::Bucket;
use crate::load::{Entry, load};
use crate::place::Place;
use crate::save::save;
use crate::store::{list, remove};

/// Loads from, saves to, lists and removes at one place of a store.
#[derive(Clone, Debug)]
pub struct ObjectStoreHandler {
    entry: Entry,
}

impl ObjectStoreHandler {
    /// The model at a key of any store: a `.json` object, or a prefix with a `model.json`. Errors call the store by what it prints
    /// as, and the models that are listed have URLs that only tell where they are.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when it is no key.
    pub fn new(store: Arc<dyn ObjectStore>, key: &str) -> Result<Self, Error> {
        let root = store.to_string();
        Self::at(Bucket::new(store, &root), key)
    }

    /// The model at a key, of which errors say what it is in full.
    pub(crate) fn at(bucket: Bucket, key: &str) -> Result<Self, Error> {
        let url = bucket.url(&Path::ROOT);
        let place = Place::new(bucket, key).map_err(|error| error.with_location(&format!("{url}{key}")))?;
        Ok(Self { entry: Entry { place, graph_def: None } })
    }

    /// One URL, or a binary topology and the manifest of its weights in the same bucket.
    pub(crate) fn from_source(
        source: &ModelSource,
        open: impl Fn(&ModelUrl) -> Result<(Bucket, String), Error>,
    ) -> Result<Self, Error> {
        match source {
            ModelSource::Single(url) => {
                let (bucket, key) = open(url)?;
                Self::at(bucket, &key)
            }
            ModelSource::Pair { topology, weights } => {
                let ((bucket, topology_key), (of_weights, manifest)) = (open(topology)?, open(weights)?);
                if bucket.url(&Path::ROOT) != of_weights.url(&Path::ROOT) {
                    let message = "topology and weights must be in one bucket";
                    return Err(Error::new(ErrorKind::InvalidUrl, message).with_location(&topology.to_string()));
                }
                let topology = Self::at(bucket.clone(), &topology_key)?.entry.place.named;
                let mut handler = Self::at(bucket, &manifest)?;
                handler.entry.graph_def = Some(topology);
                Ok(handler)
            }
        }
    }

    /// The object that makes the model visible.
    pub(crate) fn place(&self) -> String {
        self.entry.place.url()
    }
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl LoadHandler for ObjectStoreHandler {
    async fn load(&self, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        let loaded = load(&self.entry, options).await;
        loaded.map_err(|error| error.with_operation(Operation::Load).with_location(&self.place()))
    }
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl SaveHandler for ObjectStoreHandler {
    async fn save(&self, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<SaveResult, Error> {
        if self.entry.graph_def.is_some() {
            let message = "a model cannot be saved to two objects; name a prefix";
            return Err(Error::new(ErrorKind::InvalidUrl, message).with_operation(Operation::Save));
        }
        save(&self.entry.place, artifacts, options).await
    }
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl ModelStore for ObjectStoreHandler {
    fn list(&self) -> BoxStream<'static, Result<ListedModel, Error>> {
        list(&self.entry.place)
    }

    async fn remove(&self, options: &RemoveOptions) -> Result<ModelArtifactsInfo, Error> {
        remove(&self.entry.place, options).await
    }
}
