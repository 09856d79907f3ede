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
    use tfjs_testkit::Capabilities;

    include!(concat!(env!("OUT_DIR"), "/readme.rs"));

    impl crate::Model for Files {
        fn files(&mut self) -> &mut Files {
            self
        }
    }

    fn stored() -> crate::Stored<Files> {
        crate::Stored::new("blobs", blobs, Capabilities::all().without_management().without_lazy_loading())
    }

    tfjs_testkit::conformance_suite!(harness = stored(), block_on = tfjs_testkit::block_on);
}

/// That of the guide.
mod guide {
    use tfjs_testkit::Capabilities;

    include!(concat!(env!("OUT_DIR"), "/guide.rs"));

    impl crate::Model for Model {
        fn files(&mut self) -> &mut BTreeMap<String, Bytes> {
            &mut self.files
        }
    }

    fn stored() -> crate::Stored<Model> {
        crate::Stored::new("kv", route, Capabilities::all().without_lazy_loading())
    }

    tfjs_testkit::conformance_suite!(harness = stored(), block_on = tfjs_testkit::block_on);
}

/// That of the example, whose `main` nobody calls here.
#[expect(dead_code, reason = "the suite calls the route of an example alone")]
#[path = "../crates/tfjs-io/examples/zip_handler.rs"]
mod example;

mod example_suite {
    tfjs_testkit::conformance_suite!(harness = crate::Zipped::new(), block_on = tfjs_testkit::block_on);
}

/// Where the first two keep models, by their names.
type Store<M> = Arc<Mutex<BTreeMap<String, M>>>;

/// What they keep of a model.
trait Model: Send + 'static {
    /// `model.json` and the weight files, by their names.
    fn files(&mut self) -> &mut BTreeMap<String, Bytes>;
}

/// Models in a map.
struct Stored<M> {
    scheme: &'static str,
    store: Store<M>,
    router: Router,
    capabilities: Capabilities,
}

impl<M: Model> Stored<M> {
    fn new(scheme: &'static str, route: fn(&Store<M>) -> Route, capabilities: Capabilities) -> Self {
        let store = Store::default();
        let router = Router::builder().route(route(&store)).build().unwrap();
        Self { scheme, store, router, capabilities }
    }
}

#[async_trait::async_trait]
impl<M: Model> Harness for Stored<M> {
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
        self.capabilities
    }

    async fn damage(&self, url: &str, damage: Damage) -> Damaged {
        let mut store = self.store.lock().unwrap();
        let stored = store.get_mut(url.strip_prefix(&self.root()).unwrap()).unwrap().files();
        let weights = stored.keys().find(|name| *name != "model.json").unwrap().clone();
        let mut files: Files = stored.iter().map(|(name, bytes)| (name.clone(), bytes.to_vec())).collect();
        damaged(&mut files, &weights, "model.json", damage);
        *stored = files.into_iter().map(|(name, bytes)| (name, bytes.into())).collect();
        Damaged::Done
    }

    async fn count(&self) -> Option<usize> {
        Some(self.store.lock().unwrap().values_mut().map(|model| model.files().len()).sum())
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

    async fn count(&self) -> Option<usize> {
        let files = std::fs::read_dir(self.0.path()).unwrap().map(|entry| File::open(entry.unwrap().path()).unwrap());
        Some(files.map(|file| ZipArchive::new(file).unwrap().len()).sum())
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
