//! Listing and removing models.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::{StreamExt as _, stream};
use tfjs_artifacts::{
    BoxStream, DateSaved, Error, ErrorKind, Limits, ModelArtifacts, ModelArtifactsInfo, Operation, SurplusBytes,
};
use tfjs_router::{Durability, Links, ListedModel, ModelUrl, RemoveOptions};

use crate::blocking::blocking;
use crate::commit::{carry_out, commit, recover};
use crate::disk::Disk;
use crate::error::io_error;
use crate::journal::Journal;
use crate::leftovers;
use crate::links;
use crate::load::Opened;
use crate::lock::lock;
use crate::model_dir::{GRAPH_DEF, MODEL_JSON, WEIGHTS_MANIFEST, find, folder_of, has_extension};
use crate::ownership::{Claimed, up_to};
use crate::path::{check, encode_name, separator};
use crate::stage::{How, Stage};
use crate::view::View;

/// Removes the model at a path: what makes it visible and its weights at once, then its folder if nothing else is in it.
pub(crate) async fn remove(
    disk: Arc<dyn Disk>,
    path: PathBuf,
    options: &RemoveOptions,
) -> Result<ModelArtifactsInfo, Error> {
    let (removal, opened) = match Removal::begin(&disk, &path, options).await {
        // Where nothing is to be seen, something may be left of a removal, or of a first save.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let has_ended = end_of_interrupted(disk, path, options.links).await?;
            let unknown = || ModelArtifactsInfo::new(&ModelArtifacts::new(), DateSaved::now());
            return if has_ended { Ok(unknown()) } else { Err(error) };
        }
        begun => begun?,
    };
    let (claimed, info) = Claimed::by_opened(opened, options.surplus_bytes).await.map_err(not_whole)?;
    // The lock goes along: a removal ends by itself when this future is dropped.
    let left = blocking(move || removal.run(disk.as_ref(), &claimed, &path)).await?;
    match left.first() {
        None => Ok(info),
        Some(file) => {
            let message =
                format!("the model is removed, but {} of its weight files are left; remove them by hand", left.len());
            let error = Error::new(ErrorKind::PermissionDenied, message).with_operation(Operation::Remove);
            Err(error.with_location(&file.to_string_lossy()))
        }
    }
}

/// Ends what was interrupted in a folder, and removes the folder if nothing else is in it; of a file, only its removal, since what else
/// is in its folder is of others. Tells whether that was the removal of what was at the path.
async fn end_of_interrupted(disk: Arc<dyn Disk>, path: PathBuf, links: Links) -> Result<bool, Error> {
    let folder = {
        let path = path.clone();
        blocking(move || {
            let is_folder = path.is_dir();
            let folder = if is_folder { path.clone() } else { folder_of(&path).to_path_buf() };
            let has_begun = if is_folder { leftovers::are_in(&folder) } else { is_removed(&folder, &path) };
            Ok(has_begun.then_some(folder))
        })
    };
    let Some(folder) = folder.await? else { return Ok(false) };
    let lock = lock(&folder, Operation::Remove).await?;
    blocking(move || {
        let was_removal = is_removed(&folder, &path);
        let emptied: BTreeSet<_> = match Journal::in_force(&folder)? {
            Some(journal) => journal.folders(&folder).flat_map(|below| up_to(&below, &folder)).collect(),
            None => BTreeSet::new(),
        };
        let ended = if path == folder {
            recover(disk.as_ref(), &folder, links)
        } else if was_removal {
            carry_out(disk.as_ref(), &folder, links)
        } else {
            Ok(())
        };
        ended.map_err(|error| error.with_operation(Operation::Remove))?;
        // The deepest first. It fails, rightly, if other files are in them.
        for below in emptied.iter().rev().filter(|below| **below != folder) {
            let _gone = disk.remove_folder(below);
        }
        drop(lock);
        if path == folder {
            let _gone = disk.remove_folder(&path);
        }
        Ok(was_removal)
    })
    .await
}

/// Whether somebody has begun to remove what is at a path, and nothing else.
fn is_removed(folder: &Path, path: &Path) -> bool {
    let Ok(Some(journal)) = Journal::in_force(folder) else { return false };
    let names = match path.file_name() {
        Some(name) if path != folder => vec![name],
        _ => [MODEL_JSON, GRAPH_DEF].map(OsStr::new).to_vec(),
    };
    let is_it = |head: PathBuf| head.file_name().is_some_and(|name| names.contains(&name));
    journal.renames(folder).next().is_none() && journal.hidden(folder).any(is_it)
}

/// A removal that has begun: nobody else changes the folder.
#[derive(Debug)]
struct Removal {
    /// None if there is not even room for an empty file.
    stage: Option<Stage>,
    lock: Option<File>,
}

impl Removal {
    async fn begin(disk: &Arc<dyn Disk>, path: &Path, options: &RemoveOptions) -> Result<(Self, Opened), Error> {
        let (limits, links) = (options.limits, options.links);
        let find = {
            let path = path.to_path_buf();
            move || find(&path, Operation::Remove)
        };
        let folder = {
            let find = find.clone();
            blocking(move || Ok(folder_of(find().map_err(not_whole)?.manifest()).to_path_buf())).await?
        };
        let how = How { operation: Operation::Remove, durability: Durability::Strict, links, is_resumable: false };
        let stage = unless_full(Stage::begin(disk, &folder, how).await)?;
        let lock = lock(&folder, Operation::Remove).await?;
        let disk = Arc::clone(disk);
        blocking(move || {
            recover(disk.as_ref(), &folder, links)?;
            let opened = Opened::find(find, &limits, links).map_err(not_whole)?;
            Ok((Self { stage, lock }, opened))
        })
        .await
    }

    /// Gives the weight files that could not be removed.
    fn run(self, disk: &dyn Disk, claimed: &Claimed, path: &Path) -> Result<Vec<PathBuf>, Error> {
        let surplus = claimed.surplus(&BTreeSet::new());
        let at_once = match &self.stage {
            Some(stage) => unless_full(at_once(stage, claimed, &surplus))?,
            None => None,
        };
        let left = match at_once {
            Some(left) => left,
            None => in_turn(disk, claimed, &surplus)?,
        };
        claimed.remove_empty_folders(disk);
        // Before the folder, which may hold files of them.
        drop(self.stage);
        drop(self.lock);
        // Fails, rightly, if other files are in it, or if the path is that of a file.
        let _gone = disk.remove_folder(path);
        Ok(left)
    }
}

/// A removal makes room, so it must not need any.
fn unless_full<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Err(error) if error.kind() == ErrorKind::StorageFull => Ok(None),
        result => result.map(Some),
    }
}

fn at_once(stage: &Stage, claimed: &Claimed, surplus: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut journal = Journal::new();
    for head in claimed.heads() {
        journal.hide(stage.folder(), head)?;
    }
    for file in surplus {
        journal.remove(stage.folder(), file);
    }
    commit(stage, &journal, Operation::Remove)
}

/// First what makes the model visible. Weights may be left if the process ends.
fn in_turn(disk: &dyn Disk, claimed: &Claimed, surplus: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    for head in claimed.heads() {
        let removed = disk.remove_file(head).and_then(|()| disk.sync_folder(folder_of(head)));
        removed.map_err(|error| io_error(error, Operation::Remove, head))?;
    }
    Ok(surplus.iter().filter(|file| disk.remove_file(file).is_err()).cloned().collect())
}

/// A broken model is not removed: which files are its own cannot be told.
fn not_whole(error: Error) -> Error {
    let is_about_the_path = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidUrl);
    if is_about_the_path && error.operation() == Some(Operation::Remove) {
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

/// The models of a folder: in itself, in `.json` files, and in its folders. Of a `.json` file, that one.
pub(crate) fn list(url: ModelUrl, folder: PathBuf) -> BoxStream<'static, Result<ListedModel, Error>> {
    let names = async move {
        let found = blocking(move || Candidate::all(&url, &folder)).await;
        stream::iter(found.unwrap_or_else(|error| vec![Err(error)]))
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
    fn all(url: &ModelUrl, folder: &Path) -> Result<Vec<Result<Self, Error>>, Error> {
        check(folder).map_err(|error| error.with_operation(Operation::List))?;
        if has_extension(folder, "json") && folder.is_file() {
            return Ok(vec![Ok(Self { url: url.clone(), path: folder.to_path_buf(), is_named_model: true })]);
        }
        let fail = |error| io_error(error, Operation::List, folder);
        let (mut found, mut unnamed) = (Vec::new(), Vec::new());
        let view = View::of(folder)?;
        let has_pair = view.has(&folder.join(GRAPH_DEF));
        for name in view.json_files().map_err(fail)? {
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
            let path = entry.map_err(fail)?.path();
            if path.is_dir() && may_be_model(&path) {
                match path.file_name().and_then(OsStr::to_str) {
                    Some(name) => found.push(Self { url: child(url, name)?, path, is_named_model: true }),
                    None => unnamed.push(no_unicode(&path)),
                }
            }
        }
        found.sort_unstable_by(|one, other| one.url.cmp(&other.url));
        Ok(found.into_iter().map(Ok).chain(unnamed.into_iter().map(Err)).collect())
    }

    /// The model, or nothing if it is just another JSON file.
    async fn look(self) -> Result<Option<ListedModel>, Error> {
        let path = self.path;
        let opened =
            blocking(move || Opened::find(|| find(&path, Operation::List), &Limits::new(), Links::StayInside)).await;
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

/// Whether there is a model in a folder, or nobody can tell.
fn may_be_model(folder: &Path) -> bool {
    find(folder, Operation::List).map_or_else(|error| error.kind() == ErrorKind::PermissionDenied, |_| true)
}

/// It has no URL, and nobody shall think that it is not there.
fn no_unicode(path: &Path) -> Error {
    let message = "the name of the model's folder is no Unicode: rename it, so that a URL can name it";
    Error::new(ErrorKind::InvalidUrl, message).with_operation(Operation::List).with_location(&path.to_string_lossy())
}

/// Whether a JSON file is just something else.
fn is_no_model(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::LimitExceeded)
}

/// The URL of a file or folder below another.
fn child(url: &ModelUrl, name: &str) -> Result<ModelUrl, Error> {
    let separator = separator(url.rest());
    match url.scheme() {
        Some(scheme) => ModelUrl::from_parts(scheme, &format!("{}{separator}{}", url.rest(), encode_name(name))),
        None => ModelUrl::parse(&format!("{}{separator}{name}", url.rest())),
    }
}
