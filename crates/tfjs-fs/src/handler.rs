//! The handler of one path.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use tfjs_artifacts::{BoxStream, Error, ErrorKind, ModelArtifacts, ModelArtifactsInfo, Operation, SaveResult};
use tfjs_router::{
    ListedModel, LoadHandler, LoadOptions, ModelSource, ModelStore, ModelUrl, RemoveOptions, SaveHandler, SaveOptions,
};

use crate::disk::{Disk, RealDisk};
use crate::load::load;
use crate::model_dir::{Destination, Entry, find, folder_of};
use crate::path::{check, to_path};
use crate::save::save;
use crate::source::Identity;
use crate::store::{list, remove};
use crate::view::View;

/// Loads from, saves to, lists and removes at one path.
#[derive(Clone, Debug)]
pub struct FsHandler {
    url: ModelUrl,
    path: PathBuf,
    /// The manifest, if it was given apart from the topology.
    manifest: Option<PathBuf>,
    /// What changes go through.
    disk: Arc<dyn Disk>,
}

impl FsHandler {
    /// The model at a path: a folder, a `.json` file or a `.pb` file.
    pub fn from_path(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        // Only listing uses the URL, and a name that is not UTF-8 cannot be listed.
        Self { url: ModelUrl::plain_path(&path.to_string_lossy()), path, manifest: None, disk: Arc::new(RealDisk) }
    }

    /// The model at a `file://` URL or plain path.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when the URL means no path.
    pub fn from_url(url: &ModelUrl) -> Result<Self, Error> {
        Ok(Self { url: url.clone(), path: to_path(url)?, manifest: None, disk: Arc::new(RealDisk) })
    }

    /// A binary `GraphDef` topology (`.pb`) and the bare manifest of its weights, wherever they are.
    pub fn from_pair(topology: impl Into<PathBuf>, manifest: impl Into<PathBuf>) -> Self {
        Self { manifest: Some(manifest.into()), ..Self::from_path(topology) }
    }

    /// The path, whatever is there.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A text that is another one when the model has been replaced, from a look at the files that make it visible: of their
    /// names, lengths, time stamps and, where the system has them, inodes. `None` if there is no model. Weight files that are
    /// changed in place are noticed when they are read.
    pub fn version(&self) -> Option<String> {
        let entry = self.entry()().ok()?;
        let view = View::of(folder_of(entry.manifest())).ok()?;
        let look = |file: &Path| {
            let identity = Identity::of(&view.look(file).ok()?.1);
            Some(format!("{}-{identity}", file.file_name()?.to_string_lossy()))
        };
        let versions: Option<Vec<_>> = entry.files().into_iter().map(look).collect();
        versions.map(|versions| versions.join("-"))
    }

    /// The same, but what it changes goes through this disk.
    #[cfg(test)]
    pub(crate) fn with_disk(self, disk: impl Disk + 'static) -> Self {
        Self { disk: Arc::new(disk), ..self }
    }

    pub(crate) fn from_source(source: &ModelSource) -> Result<Self, Error> {
        match source {
            ModelSource::Single(url) => Self::from_url(url),
            ModelSource::Pair { topology, weights } => {
                Ok(Self { manifest: Some(to_path(weights)?), ..Self::from_url(topology)? })
            }
        }
    }

    /// The file that makes the model visible, spelled in one way only.
    pub(crate) fn place(&self) -> String {
        let file = match find(&self.path, Operation::Route) {
            Ok(entry) => entry.files().first().map(|file| file.to_path_buf()),
            Err(_) => Destination::of(&self.path).ok().map(|place| place.folder.join(place.json)),
        };
        canonical(&file.unwrap_or_else(|| self.path.clone())).to_string_lossy().into_owned()
    }

    /// What to load.
    fn entry(&self) -> impl Fn() -> Result<Entry, Error> + Send + Sync + 'static {
        let (path, manifest) = (self.path.clone(), self.manifest.clone());
        move || match &manifest {
            Some(manifest) => {
                for path in [&path, manifest] {
                    check(path).map_err(|error| error.with_operation(Operation::Load))?;
                }
                Ok(Entry::Pair { topology: path.clone(), manifest: manifest.clone() })
            }
            None => find(&path, Operation::Load),
        }
    }
}

/// A path without links and `..`, as far as it exists.
fn canonical(path: &Path) -> PathBuf {
    if let Ok(canonical) = path.canonicalize() {
        return canonical;
    }
    match (path.parent(), path.file_name()) {
        (Some(_), Some(name)) if folder_of(path) != path => canonical(folder_of(path)).join(name),
        // What is not there is no link, so `..` behind it leads back to where it would be.
        (Some(missing), None) if path.ends_with("..") => {
            let missing = canonical(missing);
            missing.parent().map_or_else(|| missing.clone(), Path::to_path_buf)
        }
        _ => std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()),
    }
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl LoadHandler for FsHandler {
    async fn load(&self, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        load(self.entry(), options).await
    }
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl SaveHandler for FsHandler {
    async fn save(&self, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<SaveResult, Error> {
        if self.manifest.is_some() {
            let message = "a model cannot be saved to two paths; name a folder";
            return Err(Error::new(ErrorKind::InvalidUrl, message).with_operation(Operation::Save));
        }
        save(Arc::clone(&self.disk), self.path.clone(), artifacts, options).await
    }
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl ModelStore for FsHandler {
    fn list(&self) -> BoxStream<'static, Result<ListedModel, Error>> {
        list(self.url.clone(), self.path.clone())
    }

    async fn remove(&self, options: &RemoveOptions) -> Result<ModelArtifactsInfo, Error> {
        let removed = remove(Arc::clone(&self.disk), self.path.clone(), options).await;
        removed.map_err(|error| error.with_operation(Operation::Remove).with_location(&self.path.to_string_lossy()))
    }
}
