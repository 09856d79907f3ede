//! The handlers that the documentation writes, as it writes them, show every behaviour.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tfjs_io::{Bytes, Route, Router};
use tfjs_testkit::{Capabilities, Damage, Damaged, Harness};

/// That of the README of tfjs-router.
#[expect(unused_imports, reason = "what the README shows behind its handler uses them")]
mod readme {
    include!(concat!(env!("OUT_DIR"), "/readme.rs"));

    tfjs_testkit::conformance_suite!(harness = crate::Stored::new("blobs", blobs), block_on = tfjs_testkit::block_on);
}

/// That of the guide.
mod guide {
    include!(concat!(env!("OUT_DIR"), "/guide.rs"));

    tfjs_testkit::conformance_suite!(harness = crate::Stored::new("kv", route), block_on = tfjs_testkit::block_on);
}

/// Where both of them keep models: `name/model.json` and the weight files beside it.
type Store = Arc<Mutex<BTreeMap<String, Bytes>>>;

/// Models in a map.
struct Stored {
    scheme: &'static str,
    store: Store,
    router: Router,
}

impl Stored {
    fn new(scheme: &'static str, route: fn(&Store) -> Route) -> Self {
        let store = Store::default();
        let router = Router::builder().route(route(&store)).build().unwrap();
        Self { scheme, store, router }
    }
}

#[async_trait::async_trait]
impl Harness for Stored {
    fn router(&self) -> Router {
        self.router.clone()
    }

    fn url(&self, name: &str) -> String {
        format!("{}{name}", self.root())
    }

    fn root(&self) -> String {
        format!("{}://", self.scheme)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all().without_management().without_lazy_loading()
    }

    async fn damage(&self, url: &str, damage: Damage) -> Damaged {
        let folder = format!("{}/", url.strip_prefix(&self.root()).unwrap());
        let json = format!("{folder}model.json");
        let mut store = self.store.lock().unwrap();
        let weights = store.keys().find(|key| key.starts_with(&folder) && **key != json).unwrap().clone();
        let mut change = |key: &str, change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = store.get(key).unwrap().to_vec();
            change(&mut bytes);
            store.insert(key.to_owned(), bytes.into());
        };
        match damage {
            Damage::ShortenWeights => change(&weights, &|bytes| bytes.truncate(bytes.len() - 1)),
            Damage::LengthenWeights => change(&weights, &|bytes| bytes.push(0)),
            Damage::ChangeWeights => change(&weights, &|bytes| *bytes.last_mut().unwrap() ^= 1),
            Damage::RemoveWeights => drop(store.remove(&weights)),
            Damage::WeightsAreHtml => change(&weights, &|bytes| bytes[..15].copy_from_slice(b"<!DOCTYPE html>")),
            Damage::ReplaceJson(text) => change(&json, &|bytes| *bytes = text.into()),
            Damage::TruncateJson => change(&json, &|bytes| bytes.truncate(bytes.len() / 2)),
            other => panic!("no such damage here: {other:?}"),
        }
        Damaged::Done
    }
}
