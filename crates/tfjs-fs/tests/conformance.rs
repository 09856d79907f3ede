//! The suite over folders and over `.json` files, inside and outside a Tokio runtime.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tfjs_router::Router;
use tfjs_testkit::{Capabilities, Damage, Damaged, Harness};

/// Models in a temporary folder.
struct Files {
    folder: TempDir,
    /// What the URL of a model ends in.
    extension: &'static str,
}

impl Files {
    fn folders() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), extension: "" }
    }

    fn json_files() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), extension: ".json" }
    }

    fn path_of(url: &str) -> PathBuf {
        let path = url.strip_prefix("file://").unwrap().replace("%25", "%");
        if Path::new(&path).is_dir() { Path::new(&path).join("model.json") } else { path.into() }
    }
}

#[async_trait::async_trait]
impl Harness for Files {
    fn router(&self) -> Router {
        Router::builder().routes(tfjs_fs::routes()).build().unwrap()
    }

    fn url(&self, name: &str) -> String {
        format!("{}/{}{}", self.root(), name.replace('%', "%25"), self.extension)
    }

    fn root(&self) -> String {
        format!("file://{}", self.folder.path().display())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    async fn damage(&self, url: &str, damage: Damage) -> Damaged {
        let json = Self::path_of(url);
        let weights = json.with_extension("weights.bin");
        let length = std::fs::metadata(&weights).unwrap().len();
        let resize = |length| std::fs::File::options().write(true).open(&weights).unwrap().set_len(length).unwrap();
        match damage {
            Damage::ShortenWeights => resize(length - 1),
            Damage::LengthenWeights => resize(length + 1),
            Damage::ChangeWeights => {
                let mut bytes = std::fs::read(&weights).unwrap();
                *bytes.last_mut().unwrap() ^= 1;
                std::fs::write(&weights, bytes).unwrap();
            }
            Damage::RemoveWeights => std::fs::remove_file(&weights).unwrap(),
            Damage::WeightsAreHtml => {
                std::fs::write(&weights, "<!DOCTYPE html>").unwrap();
                resize(length);
            }
            Damage::ReplaceJson(text) => std::fs::write(&json, text).unwrap(),
            Damage::TruncateJson => {
                let text = std::fs::read(&json).unwrap();
                std::fs::write(&json, text.split_at(text.len() / 2).0).unwrap();
            }
            other => panic!("no such damage here: {other:?}"),
        }
        Damaged::Done
    }

    async fn count(&self) -> Option<usize> {
        Some(files_in(self.folder.path()))
    }
}

/// How many files are in a folder and in those below it.
fn files_in(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { files_in(&path) } else { 1 }).sum()
}

fn tokio_block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap().block_on(future);
}

mod folders {
    tfjs_testkit::conformance_suite!(
        backend = "file:// (folders)",
        harness = super::Files::folders(),
        block_on = super::tokio_block_on
    );
}

mod json_files {
    tfjs_testkit::conformance_suite!(
        backend = "file:// (JSON files)",
        harness = super::Files::json_files(),
        block_on = super::tokio_block_on
    );
}

mod without_a_runtime {
    tfjs_testkit::conformance_suite!(
        backend = "file:// (without a runtime)",
        harness = super::Files::folders(),
        block_on = tfjs_testkit::block_on
    );
}
