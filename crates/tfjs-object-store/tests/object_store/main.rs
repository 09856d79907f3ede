//! Object stores: in memory, and over S3's and Google's protocols on the loopback address.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod conformance;
#[cfg(all(feature = "gcs", feature = "s3"))]
mod dead;
#[cfg(all(feature = "gcs", feature = "s3"))]
mod faults;
mod listing;
#[cfg(feature = "s3")]
mod loopback;
mod meddling;
mod objects;
mod resume;
mod saves;
#[cfg(feature = "s3")]
mod server;
#[cfg(all(feature = "gcs", feature = "s3"))]
mod streams;
#[cfg(feature = "s3")]
mod sync;
#[cfg(feature = "s3")]
mod wire;

use std::sync::Arc;

use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tfjs_artifacts::{Error, ModelArtifacts};
use tfjs_object_store::ObjectStoreHandler;
use tfjs_router::{LoadHandler as _, LoadOptions, SaveHandler as _, SaveOptions};

/// The key of the model of most tests.
const KEY: &str = "models/m";

fn memory() -> Arc<dyn ObjectStore> {
    Arc::new(InMemory::new())
}

fn handler(store: &Arc<dyn ObjectStore>, key: &str) -> ObjectStoreHandler {
    ObjectStoreHandler::new(Arc::clone(store), key).unwrap()
}

async fn save(store: &Arc<dyn ObjectStore>, key: &str, artifacts: &ModelArtifacts) -> Result<(), Error> {
    handler(store, key).save(artifacts, &SaveOptions::new()).await.map(drop)
}

async fn load(store: &Arc<dyn ObjectStore>, key: &str) -> Result<ModelArtifacts, Error> {
    handler(store, key).load(&LoadOptions::new()).await
}

fn is_weights(key: &str) -> bool {
    std::path::Path::new(key).extension().is_some_and(|extension| extension == "bin")
}

/// All keys, in order.
async fn keys(store: &Arc<dyn ObjectStore>) -> Vec<String> {
    use futures::TryStreamExt as _;
    let mut keys: Vec<_> = store.list(None).map_ok(|object| object.location.to_string()).try_collect().await.unwrap();
    keys.sort();
    keys
}

async fn put(store: &Arc<dyn ObjectStore>, key: &str, bytes: impl Into<object_store::PutPayload>) {
    store.put(&Path::from(key), bytes.into()).await.unwrap();
}

async fn get(store: &Arc<dyn ObjectStore>, key: &str) -> bytes::Bytes {
    store.get(&Path::parse(key).unwrap()).await.unwrap().bytes().await.unwrap()
}
