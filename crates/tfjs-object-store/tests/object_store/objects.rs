//! The place of the suite's models: a store, reached through a router.

use std::sync::Arc;

use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tfjs_router::Router;
use tfjs_testkit::{Capabilities, Damage, Damaged, Harness};

/// Models in a store.
pub(crate) struct Objects {
    store: Arc<dyn ObjectStore>,
    router: Router,
    /// What the URL of a model begins with, and what its key does.
    root: String,
    prefix: String,
    /// What it ends in.
    extension: &'static str,
    #[expect(dead_code, reason = "it ends when it is dropped")]
    server: Option<Box<dyn Send + Sync>>,
}

impl Objects {
    /// Models below this prefix of a bucket, whose URL it is; `server` is what the store talks to.
    pub(crate) fn new(
        store: Arc<dyn ObjectStore>,
        router: Router,
        (bucket, prefix): (&str, &str),
        server: Option<Box<dyn Send + Sync>>,
    ) -> Self {
        Self { store, router, root: format!("{bucket}{prefix}"), prefix: prefix.to_owned(), extension: "", server }
    }

    /// Models whose URLs end so.
    pub(crate) fn called(self, extension: &'static str) -> Self {
        Self { extension, ..self }
    }

    fn json_of(&self, url: &str) -> Path {
        let key = url.strip_prefix(&self.root).unwrap();
        let name = if self.extension.is_empty() { "/model.json" } else { "" };
        Path::parse(format!("{}{key}{name}", self.prefix)).unwrap()
    }

    async fn weights_of(&self, json: &Path) -> Path {
        let folder = json.parent().unwrap();
        let objects: Vec<_> = self.store.list(Some(&folder)).try_collect().await.unwrap();
        let stem = json.filename().unwrap().strip_suffix(".json").unwrap();
        let is_weights = |key: &Path| key.filename().unwrap().starts_with(&format!("{stem}.weights."));
        objects.into_iter().map(|object| object.location).find(is_weights).unwrap()
    }

    async fn change(&self, key: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = self.store.get(key).await.unwrap().bytes().await.unwrap().to_vec();
        change(&mut bytes);
        self.store.put(key, bytes.into()).await.unwrap();
    }
}

#[async_trait::async_trait]
impl Harness for Objects {
    fn router(&self) -> Router {
        self.router.clone()
    }

    fn url(&self, name: &str) -> String {
        format!("{}/{name}{}", self.root, self.extension)
    }

    fn root(&self) -> String {
        self.root.clone()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    async fn damage(&self, url: &str, damage: Damage) -> Damaged {
        let json = self.json_of(url);
        let weights = self.weights_of(&json).await;
        match damage {
            Damage::ShortenWeights => self.change(&weights, |bytes| bytes.truncate(bytes.len() - 1)).await,
            Damage::LengthenWeights => self.change(&weights, |bytes| bytes.push(0)).await,
            Damage::ChangeWeights => self.change(&weights, |bytes| *bytes.last_mut().unwrap() ^= 1).await,
            Damage::RemoveWeights => self.store.delete(&weights).await.unwrap(),
            Damage::WeightsAreHtml => {
                let page = |bytes: &mut Vec<u8>| {
                    let length = bytes.len();
                    *bytes = b"<!DOCTYPE html>".to_vec();
                    bytes.resize(length, 0);
                };
                self.change(&weights, page).await;
            }
            Damage::ReplaceJson(text) => self.change(&json, |bytes| *bytes = text.into()).await,
            Damage::TruncateJson => self.change(&json, |bytes| bytes.truncate(bytes.len() / 2)).await,
            other => panic!("no such damage here: {other:?}"),
        }
        Damaged::Done
    }

    async fn count(&self) -> Option<usize> {
        let place = Path::parse(&self.prefix).unwrap();
        Some(self.store.list(Some(&place)).try_collect::<Vec<_>>().await.unwrap().len())
    }
}

/// Runs a behaviour.
pub(crate) fn tokio_block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future);
}
