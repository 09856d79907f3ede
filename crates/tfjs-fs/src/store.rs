//! Listing and removing models.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use futures::{StreamExt as _, stream};
use tfjs_artifacts::{BoxStream, Error, ErrorKind, Limits, ModelArtifactsInfo, Operation, SurplusBytes};
use tfjs_router::{Links, ListedModel, ModelUrl, RemoveOptions};

use crate::blocking::blocking;
use crate::error::io_error;
use crate::links;
use crate::load::Opened;
use crate::model_dir::{GRAPH_DEF, MODEL_JSON, WEIGHTS_MANIFEST, find, folder_of, json_files};
use crate::ownership::Claimed;
use crate::path::encode_name;
use crate::staged::{lock, sync_folder};

/// Removes the model at a path: what makes it visible first, then its weights, then its folder if nothing else is in it.
pub(crate) async fn remove(path: PathBuf, options: &RemoveOptions) -> Result<ModelArtifactsInfo, Error> {
    let (lock, opened) = {
        let (path, limits, links) = (path.clone(), options.limits, options.links);
        let open = move || {
            let entry = find(&path, Operation::Remove).map_err(not_whole)?;
            let lock = lock(folder_of(entry.manifest()), Operation::Remove)?;
            Ok((lock, Opened::open(entry, &limits, links).map_err(not_whole)?))
        };
        blocking(open).await?
    };
    let (claimed, info) = Claimed::by_opened(opened, options.surplus_bytes).await.map_err(not_whole)?;
    let remove = move || {
        // Goes along: a removal ends by itself when this future is dropped.
        let _lock = lock;
        for head in claimed.heads() {
            std::fs::remove_file(head).map_err(|error| io_error(error, Operation::Remove, head))?;
            sync_folder(folder_of(head))?;
        }
        let left = claimed.remove_except(&BTreeSet::new());
        if path.is_dir() {
            // Fails, rightly, if other files are in it.
            let _ = std::fs::remove_dir(&path);
        }
        match left.first() {
            None => Ok(info),
            Some(file) => {
                let message = format!(
                    "the model is removed, but {} of its weight files are left; remove them by hand",
                    left.len()
                );
                let error = Error::new(ErrorKind::PermissionDenied, message).with_operation(Operation::Remove);
                Err(error.with_location(&file.to_string_lossy()))
            }
        }
    };
    blocking(remove).await
}

/// A broken model is not removed: which files are its own cannot be told.
fn not_whole(error: Error) -> Error {
    if error.kind() == ErrorKind::NotFound && error.operation() == Some(Operation::Remove) {
        return error;
    }
    if links::is_refusal(&error) {
        // The innermost layer says that it was loaded.
        return Error::new(error.kind(), "the model has a link that leads out of its folder")
            .with_operation(Operation::Remove)
            .with_source(error);
    }
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

/// A file or folder that may be a model.
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
        let has_pair = folder.join(GRAPH_DEF).is_file();
        for name in json_files(folder).map_err(fail)? {
            if name == MODEL_JSON {
                found.push(Self { url: url.clone(), path: folder.join(name), is_named_model: true });
            } else if name == WEIGHTS_MANIFEST && has_pair {
                // The manifest of a binary topology is no model of its own.
                found.push(Self { url: child(url, GRAPH_DEF)?, path: folder.join(GRAPH_DEF), is_named_model: true });
            } else {
                found.push(Self { url: child(url, &name)?, path: folder.join(name), is_named_model: false });
            }
        }
        for entry in std::fs::read_dir(folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            if let Ok(name) = entry.file_name().into_string()
                && entry.path().is_dir()
                && find(&entry.path(), Operation::List).is_ok()
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
        let opened = blocking(move || {
            find(&path, Operation::List).and_then(|entry| Opened::open(entry, &Limits::new(), Links::StayInside))
        })
        .await;
        let listed = match opened {
            Ok(opened) => Claimed::by_opened(opened, SurplusBytes::Allow).await,
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
