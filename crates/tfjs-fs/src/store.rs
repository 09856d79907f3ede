//! Listing and removing models, and knowing which files are theirs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use futures::{StreamExt as _, stream};
use tfjs_artifacts::{
    BoxStream, DateSaved, Error, ErrorKind, MAX_JSON_BYTES, ModelArtifactsInfo, ModelJson, Operation, SurplusBytes,
    Weights,
};
use tfjs_router::{ListedModel, ModelUrl};

use crate::blocking::blocking;
use crate::error::io_error;
use crate::load::{Opened, read_whole};
use crate::model_dir::{Entry, MODEL_JSON, find, folder_of, json_files};
use crate::path::encode_name;
use crate::save::sync_folder;

/// Weight files that a whole model claims, and no other model near it does.
///
/// Only a model whose weight files are all there and have the right lengths claims any: a manifest that merely names
/// somebody's file must not get it removed.
#[derive(Debug, Default)]
pub(crate) struct Claimed {
    /// The folder of the model's JSON.
    folder: PathBuf,
    shards: Vec<PathBuf>,
}

impl Claimed {
    /// What the model of these files claims; nothing if it is not whole.
    pub(crate) async fn by(entry: Entry) -> Self {
        let Ok(opened) = blocking(move || Opened::open(entry)).await else { return Self::default() };
        Self::by_opened(opened).await.map_or_else(|_| Self::default(), |(claimed, _)| claimed)
    }

    async fn by_opened(opened: Opened) -> Result<(Self, ModelArtifactsInfo), Error> {
        let entry = opened.entry.clone();
        let date = date_of(entry.manifest());
        let artifacts = opened.assemble(SurplusBytes::Allow).await?;
        let groups = artifacts.weights.iter().flat_map(Weights::groups);
        let shards = groups.flat_map(|group| &group.shards).map(|shard| entry.shard(&shard.path)).collect();
        let folder = folder_of(entry.manifest()).to_path_buf();
        Ok((Self { folder, shards }, ModelArtifactsInfo::new(&artifacts, date)))
    }

    /// Removes the files, but for those in `kept` and those that another model names: one in the folder of the JSON, in
    /// a folder of the weights, or in one between them. Folders that end up empty go too.
    ///
    /// The model that used them is gone already; a file that cannot be removed is left over, which harms nobody.
    pub(crate) fn remove_except(self, kept: &BTreeSet<PathBuf>) {
        let folders: BTreeSet<_> = self.shards.iter().flat_map(|shard| self.folders_of(shard)).collect();
        let named: BTreeSet<_> = folders.iter().flat_map(|folder| named_in(folder)).collect();
        for shard in self.shards.iter().filter(|shard| !kept.contains(*shard) && !named.contains(*shard)) {
            let _ = std::fs::remove_file(shard);
        }
        // The deepest first.
        for folder in folders.iter().rev().filter(|folder| **folder != self.folder) {
            // Fails, rightly, if something is in it.
            let _ = std::fs::remove_dir(folder);
        }
    }

    /// The folder of a weight file, and those above it up to that of the JSON.
    fn folders_of<'a>(&'a self, shard: &'a Path) -> impl Iterator<Item = &'a Path> {
        shard
            .ancestors()
            .skip(1)
            .map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
            .scan(false, |done, folder| {
                let more = !std::mem::replace(done, *done || folder == self.folder);
                more.then_some(folder)
            })
    }
}

/// The weight files that the models of a folder name.
fn named_in(folder: &Path) -> BTreeSet<PathBuf> {
    let mut named = BTreeSet::new();
    for name in json_files(folder).unwrap_or_default() {
        let entry = Entry::Json(folder.join(name));
        let Ok(bytes) = read_whole(entry.manifest(), MAX_JSON_BYTES) else { continue };
        if let Ok(model_json) = ModelJson::parse(&bytes) {
            named.extend(model_json.paths().map(|path| entry.shard(path)));
        }
    }
    named
}

/// Removes the model at a path: what makes it visible first, then its weights, then its folder if nothing else is in it.
pub(crate) async fn remove(path: PathBuf) -> Result<ModelArtifactsInfo, Error> {
    let (entry, opened) = {
        let path = path.clone();
        let open = move || {
            let entry = find(&path, Operation::Remove)?;
            Ok((entry.clone(), Opened::open(entry).map_err(not_whole)?))
        };
        blocking(open).await?
    };
    let (claimed, info) = Claimed::by_opened(opened).await.map_err(not_whole)?;
    let remove = move || {
        for file in entry.files() {
            std::fs::remove_file(file).map_err(|error| io_error(error, Operation::Remove, file))?;
        }
        sync_folder(folder_of(entry.manifest()))?;
        claimed.remove_except(&BTreeSet::new());
        if path.is_dir() {
            // Fails, rightly, if other files are in it.
            let _ = std::fs::remove_dir(&path);
        }
        Ok(info)
    };
    blocking(remove).await
}

/// A broken model is not removed: which files are its own cannot be told.
fn not_whole(error: Error) -> Error {
    let message = "the model is not whole, so its files cannot be told from others; remove them by hand";
    Error::new(error.kind(), message).with_operation(Operation::Remove).with_source(error)
}

/// The models of a folder: in itself, in `.json` files, and in its folders.
pub(crate) fn list(url: ModelUrl, folder: PathBuf) -> BoxStream<'static, Result<ListedModel, Error>> {
    let names = async move {
        let found = blocking(move || Candidate::all(&url, &folder)).await;
        stream::iter(found.map_or_else(|error| vec![Err(error)], |found| found.into_iter().map(Ok).collect()))
    };
    let listed =
        stream::once(names).flatten().filter_map(async |candidate: Result<Candidate, Error>| match candidate {
            Ok(candidate) => candidate.look().await.transpose(),
            Err(error) => Some(Err(error)),
        });
    Box::pin(listed)
}

/// A file that may be a model.
#[derive(Debug)]
struct Candidate {
    url: ModelUrl,
    path: PathBuf,
    /// Whether its name says that it is one, so that a broken one is an error and not just another file.
    is_named_model: bool,
}

impl Candidate {
    fn all(url: &ModelUrl, folder: &Path) -> Result<Vec<Self>, Error> {
        let fail = |error| io_error(error, Operation::List, folder);
        let mut found = Vec::new();
        for name in json_files(folder).map_err(fail)? {
            let is_named_model = name == MODEL_JSON;
            let url = if is_named_model { url.clone() } else { child(url, &name)? };
            found.push(Self { url, path: folder.join(name), is_named_model });
        }
        for entry in std::fs::read_dir(folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            if let Ok(name) = entry.file_name().into_string()
                && find(&entry.path(), Operation::List).is_ok()
                && entry.path().is_dir()
            {
                found.push(Self { url: child(url, &name)?, path: entry.path(), is_named_model: true });
            }
        }
        found.sort_unstable_by(|one, other| one.url.cmp(&other.url));
        Ok(found)
    }

    /// The model, or nothing if it is just another JSON file.
    async fn look(self) -> Result<Option<ListedModel>, Error> {
        let path = self.path;
        let opened = blocking(move || find(&path, Operation::List).and_then(Opened::open)).await;
        let listed = match opened {
            Ok(opened) => Claimed::by_opened(opened).await,
            Err(error) => Err(error),
        };
        match listed {
            Ok((_, info)) => Ok(Some(ListedModel::new(self.url, info))),
            Err(error) if !self.is_named_model && is_no_model(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether a JSON file is just something else.
fn is_no_model(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::LimitExceeded)
}

/// The URL of a file or folder below another.
fn child(url: &ModelUrl, name: &str) -> Result<ModelUrl, Error> {
    let separator = if url.rest().ends_with(['/', '\\']) { "" } else { "/" };
    match url.scheme() {
        Some(scheme) => ModelUrl::from_parts(scheme, &format!("{}{separator}{}", url.rest(), encode_name(name))),
        None => ModelUrl::parse(&format!("{}{separator}{name}", url.rest())),
    }
}

/// When a model was saved: the time stamp of its JSON file; 1970 where the system has none.
fn date_of(file: &Path) -> DateSaved {
    let modified = std::fs::metadata(file).and_then(|metadata| metadata.modified());
    modified.map_or_else(|_| DateSaved::from_unix_millis(0), DateSaved::from_system_time)
}
