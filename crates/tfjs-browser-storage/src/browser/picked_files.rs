//! `browser_files(..)`: a model among the files that a user picked or dropped.

mod json;
mod matching;
mod picked;

use std::sync::Arc;

use async_trait::async_trait;
use tfjs_artifacts::{
    ByteSource as _, Error, ErrorKind, Limit, Limits, ModelArtifacts, ModelTopology, Operation, Segment,
};
use tfjs_router::{LoadHandler, LoadOptions, finish_load};

use json::Found;
use picked::PickedFile;

pub use picked::PickedFiles;

/// The name of a binary topology.
const GRAPH_DEF: &str = "tensorflowjs_model.pb";

/// A handler that loads the model among files that a user picked, as TensorFlow.js's `browserFiles` does.
///
/// The files may come in any order, and others may be among them: a folder has a `README.md`. Nothing is read before
/// [`load`](LoadHandler::load).
///
/// ```no_run
/// use tfjs_artifacts::{Error, ModelArtifacts};
/// use tfjs_browser_storage::browser_files;
/// use tfjs_router::{LoadHandler as _, LoadOptions};
///
/// async fn load_picked(files: web_sys::FileList) -> Result<ModelArtifacts, Error> {
///     browser_files(files).load(&LoadOptions::lazy()).await
/// }
/// ```
pub fn browser_files(files: impl Into<PickedFiles>) -> BrowserFiles {
    BrowserFiles { files: files.into() }
}

/// See [`browser_files`].
#[derive(Clone, Debug)]
pub struct BrowserFiles {
    files: PickedFiles,
}

#[async_trait(?Send)]
impl LoadHandler for BrowserFiles {
    async fn load(&self, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        load(&self.files, options).await.map_err(|error| error.with_operation(Operation::Load))
    }
}

async fn load(files: &PickedFiles, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
    if files.all().is_empty() {
        return Err(Error::new(
            ErrorKind::NotFound,
            "no file was picked: a model is a `model.json` and its weight files",
        ));
    }
    let Found { json, model_json } = json::find(files.all(), &options.limits).await?;
    let at = |error: Error| error.with_operation(Operation::Load).with_location(json.path());
    let shards = matching::shards(json, &model_json, files.all()).map_err(at)?;
    let segments = shards.into_iter().map(|file| Segment::lazy(Arc::new(file.source()))).collect();
    let mut artifacts = model_json.assemble(segments, options.surplus_bytes).await.map_err(at)?;
    artifacts.weights = artifacts.weights.map(|weights| weights.with_location(json.path()));
    if artifacts.model_topology.is_none() {
        artifacts.model_topology = graph_def(json, files.all(), &options.limits).await.map_err(at)?;
    }
    finish_load(artifacts, options).await.map_err(at)
}

/// The binary topology that old converters wrote beside a bare manifest.
async fn graph_def(json: &PickedFile, files: &[PickedFile], limits: &Limits) -> Result<Option<ModelTopology>, Error> {
    let path = format!("{}{GRAPH_DEF}", json.folder());
    let Some(file) = files.iter().find(|file| file.path() == path) else { return Ok(None) };
    let source = file.source();
    limits.check(Limit::GraphDefBytes, source.byte_length())?;
    Ok(Some(ModelTopology::graph_def(source.read(0..source.byte_length()).await?)?))
}

/// The first few, and how many there are more.
fn listed(items: impl Iterator<Item = String>) -> String {
    let mut items: Vec<_> = items.collect();
    let more = items.len().saturating_sub(5);
    items.truncate(5);
    if more > 0 {
        items.push(format!("{more} more"));
    }
    items.join(", ")
}
