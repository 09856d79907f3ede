//! The suite, over memory and over S3's protocol.

use std::sync::Arc;

use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tfjs_router::Router;
use tfjs_testkit::{Capabilities, Damage, Damaged, Harness};

/// Models in a store.
struct Objects {
    store: Arc<dyn ObjectStore>,
    router: Router,
    /// What the URL of a model begins with.
    root: &'static str,
    /// What it ends in.
    extension: &'static str,
    #[cfg(feature = "s3")]
    #[expect(dead_code, reason = "it ends when it is dropped")]
    server: Option<crate::server::Server>,
}

impl Objects {
    fn in_memory(extension: &'static str) -> Self {
        Self::of(crate::memory(), extension)
    }

    fn of(store: Arc<dyn ObjectStore>, extension: &'static str) -> Self {
        let route = tfjs_object_store::route("objects", Arc::clone(&store));
        let router = Router::builder().route(route).build().unwrap();
        Self {
            store,
            router,
            root: "objects://models",
            extension,
            #[cfg(feature = "s3")]
            server: None,
        }
    }

    #[cfg(feature = "s3")]
    fn over_the_wire() -> Self {
        let server = crate::server::Server::start();
        let routes = tfjs_object_store::ObjectStoreRoutes::new().with_s3(server.builder());
        let router = Router::builder().routes(routes.routes()).build().unwrap();
        let root = "s3://bucket/models";
        Self { store: server.store(), router, root, extension: "", server: Some(server) }
    }

    fn json_of(&self, url: &str) -> Path {
        let key = url.strip_prefix(self.root).unwrap();
        Path::parse(format!("models{key}{}", if self.extension.is_empty() { "/model.json" } else { "" })).unwrap()
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
        self.root.to_owned()
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
}

fn tokio_block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future);
}

mod in_memory {
    tfjs_testkit::conformance_suite!(harness = super::Objects::in_memory(""), block_on = super::tokio_block_on);
}

mod json_objects {
    tfjs_testkit::conformance_suite!(harness = super::Objects::in_memory(".json"), block_on = super::tokio_block_on);
}

mod without_a_runtime {
    tfjs_testkit::conformance_suite!(harness = super::Objects::in_memory(""), block_on = tfjs_testkit::block_on);
}

#[cfg(feature = "s3")]
mod over_the_wire {
    tfjs_testkit::conformance_suite!(harness = super::Objects::over_the_wire(), block_on = super::tokio_block_on);
}
