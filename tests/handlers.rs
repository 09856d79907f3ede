//! The handlers of the documentation and of the example, as they are written there, show every behaviour.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use tfjs_io::{Bytes, Route, Router};
use tfjs_testkit::{Capabilities, Damage, Damaged, Harness};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

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

/// That of the example, whose `main` nobody calls here.
#[expect(dead_code, reason = "the suite calls the route of an example alone")]
#[path = "../crates/tfjs-io/examples/zip_handler.rs"]
mod example;

mod example_suite {
    tfjs_testkit::conformance_suite!(harness = crate::Zipped::new(), block_on = tfjs_testkit::block_on);
}

/// Where the first two keep models: `name/model.json` and the weight files beside it.
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
        let mut files: Files = [&weights, &json].map(|key| (key.clone(), store.get(key).unwrap().to_vec())).into();
        damaged(&mut files, &weights, &json, damage);
        store.remove(&weights);
        store.extend(files.into_iter().map(|(key, bytes)| (key, bytes.into())));
        Damaged::Done
    }
}

/// Models in zip files of a folder.
struct Zipped(TempDir);

impl Zipped {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

#[async_trait::async_trait]
impl Harness for Zipped {
    fn router(&self) -> Router {
        Router::builder().route(example::route()).build().unwrap()
    }

    fn url(&self, name: &str) -> String {
        format!("{}/{}.zip", self.root(), name.replace('/', "_"))
    }

    fn root(&self) -> String {
        format!("zip://{}", self.0.path().display())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all().without_management().without_lazy_loading()
    }

    async fn damage(&self, url: &str, damage: Damage) -> Damaged {
        let path = url.strip_prefix("zip://").unwrap();
        let mut archive = ZipArchive::new(File::open(path).unwrap()).unwrap();
        let mut files = Files::new();
        for index in 0..archive.len() {
            let mut member = archive.by_index(index).unwrap();
            let mut bytes = Vec::new();
            member.read_to_end(&mut bytes).unwrap();
            files.insert(member.name().unwrap().into_owned(), bytes);
        }
        let weights = files.keys().find(|name| *name != "model.json").unwrap().clone();
        damaged(&mut files, &weights, "model.json", damage);
        let mut archive = ZipWriter::new(File::create(path).unwrap());
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        for (name, bytes) in files {
            archive.start_file(name, stored).unwrap();
            archive.write_all(&bytes).unwrap();
        }
        archive.finish().unwrap();
        Damaged::Done
    }
}

/// The files of a model.
type Files = BTreeMap<String, Vec<u8>>;

fn damaged(files: &mut Files, weights: &str, json: &str, damage: Damage) {
    let mut change = |name: &str, change: &dyn Fn(&mut Vec<u8>)| change(files.get_mut(name).unwrap());
    match damage {
        Damage::ShortenWeights => change(weights, &|bytes| bytes.truncate(bytes.len() - 1)),
        Damage::LengthenWeights => change(weights, &|bytes| bytes.push(0)),
        Damage::ChangeWeights => change(weights, &|bytes| *bytes.last_mut().unwrap() ^= 1),
        Damage::RemoveWeights => drop(files.remove(weights)),
        Damage::WeightsAreHtml => change(weights, &|bytes| bytes[..15].copy_from_slice(b"<!DOCTYPE html>")),
        Damage::ReplaceJson(text) => change(json, &|bytes| *bytes = text.into()),
        Damage::TruncateJson => change(json, &|bytes| bytes.truncate(bytes.len() / 2)),
        other => panic!("no such damage here: {other:?}"),
    }
}
