//! Which files belong to which model: what a save may replace, and what may be removed with a model.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tfjs_artifacts::{
    DateSaved, Error, ErrorKind, Limit, Limits, ModelArtifactsInfo, ModelJson, Operation, SurplusBytes, Weights,
};
use tfjs_router::Links;

use crate::blocking::blocking;
use crate::disk::Disk;
use crate::error::io_error;
use crate::load::Opened;
use crate::model_dir::{Entry, folder_of, is_in_the_way};
use crate::replace::check_replaceable;
use crate::same_file::{key, spelled};
use crate::view::View;

/// The weight files of a whole model.
///
/// Only a model whose weight files are all there and have the right lengths claims any: a manifest that merely names
/// somebody's file must not get it removed.
#[derive(Debug, Default)]
pub(crate) struct Claimed {
    /// The files that make the model visible.
    heads: Vec<PathBuf>,
    /// The folder of the model's JSON.
    folder: PathBuf,
    shards: Vec<PathBuf>,
    spelled: OnceLock<BTreeSet<PathBuf>>,
}

impl Claimed {
    /// What the model of these files claims; no weight file if it is not whole.
    pub(crate) async fn by(entry: Entry, links: Links) -> Self {
        let heads = entry.files().iter().map(|file| file.to_path_buf()).collect();
        let folder = folder_of(entry.manifest()).to_path_buf();
        let opened = blocking(move || Opened::find(|| Ok(entry.clone()), &Limits::new(), links)).await;
        let claimed = match opened {
            Ok(opened) => Self::by_opened(opened, SurplusBytes::Reject).await.map(|(claimed, _)| claimed),
            Err(error) => Err(error),
        };
        // A broken model is replaced all the same, but which weight files are its own cannot be told.
        claimed.unwrap_or(Self { heads, folder, ..Self::default() })
    }

    pub(crate) async fn by_opened(opened: Opened, surplus: SurplusBytes) -> Result<(Self, ModelArtifactsInfo), Error> {
        let entry = opened.entry.clone();
        let artifacts = opened.assemble(surplus).await?;
        let shards = artifacts.weights.iter().flat_map(Weights::shards);
        let claimed = Self {
            heads: entry.files().iter().map(|file| file.to_path_buf()).collect(),
            folder: folder_of(entry.manifest()).to_path_buf(),
            shards: shards.map(|shard| entry.shard(&shard.path)).collect(),
            spelled: OnceLock::new(),
        };
        let date = date_of(claimed.heads.iter().chain(&claimed.shards));
        Ok((claimed, ModelArtifactsInfo::new(&artifacts, date)))
    }

    /// The files that make the model visible.
    pub(crate) fn heads(&self) -> &[PathBuf] {
        &self.heads
    }

    /// Whether a file, if it is there, may be overwritten by a save that replaces this model.
    ///
    /// # Errors
    /// [`ErrorKind::PermissionDenied`] when it is read-only on Windows, [`ErrorKind::AlreadyExists`] when it is a folder, when another model uses it, or when nothing tells that it is a file
    /// of the replaced model and its name was chosen by the user (`is_chosen`), who may have mistaken it.
    pub(crate) fn check_target(&self, target: &Path, neighbours: &Neighbours, is_chosen: bool) -> Result<(), Error> {
        let refuse = |message: String| {
            let error = Error::new(ErrorKind::AlreadyExists, message);
            Err(error.with_operation(Operation::Save).with_location(&target.to_string_lossy()))
        };
        let Ok(metadata) = std::fs::symlink_metadata(target) else { return Ok(()) };
        if is_in_the_way(&metadata) {
            return refuse("a file must be written here, but it is a folder".to_owned());
        }
        check_replaceable(target, &metadata)?;
        if self.heads.iter().any(|head| head == target) {
            return Ok(());
        }
        let is_own = self.spelled_shards().contains(&spelled(target));
        match neighbours.user_of(target) {
            Some(User::Model(json)) => {
                let json = json.display();
                refuse(format!("it is a weight file of the model `{json}` too; choose another name for the weights"))
            }
            Some(User::Unknown(path)) => {
                let path = path.display();
                refuse(format!(
                    "`{path}` cannot be read, so it may be a weight file of a model there; mend or remove that first"
                ))
            }
            None if is_own => Ok(()),
            None if is_chosen => {
                refuse("it exists, and is no weight file of a model that is replaced; choose another name".to_owned())
            }
            None => Ok(()),
        }
    }

    /// The weight files, each spelled in one way only: made once, because each takes several calls of the system.
    fn spelled_shards(&self) -> &BTreeSet<PathBuf> {
        self.spelled.get_or_init(|| self.shards.iter().map(|shard| spelled(shard)).collect())
    }

    /// The folders in which models may be that use the same weight files: those of the JSON, of the weights, between them,
    /// and the one above.
    pub(crate) fn folders(&self) -> BTreeSet<PathBuf> {
        let mut folders: BTreeSet<_> =
            self.shards.iter().flat_map(|shard| up_to(folder_of(shard), &self.folder)).collect();
        folders.extend([self.folder.clone(), above(&self.folder)]);
        folders
    }

    /// The weight files that nobody needs when the model is gone: all but those whose [`key`] is in `kept`, those that another model uses,
    /// and those that a link led outside to.
    pub(crate) fn surplus(&self, kept: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
        let neighbours = Neighbours::in_folders(&self.folders(), &self.heads);
        let inside = self.folder.canonicalize().unwrap_or_else(|_| self.folder.clone());
        let is_surplus = |shard: &&PathBuf| {
            !kept.contains(&key(shard))
                && folder_of(&spelled(shard)).starts_with(&inside)
                && neighbours.user_of(shard).is_none()
        };
        self.shards.iter().filter(is_surplus).cloned().collect()
    }

    /// Removes the folders below the model's own that end up empty without its weight files.
    pub(crate) fn remove_empty_folders(&self, disk: &dyn Disk) {
        let folders = self.folders();
        let below = |folder: &&PathBuf| folder.starts_with(&self.folder) && **folder != self.folder;
        // The deepest first.
        for folder in folders.iter().rev().filter(below) {
            // Fails, rightly, if something is in it.
            let _gone = disk.remove_folder(folder);
        }
    }
}

/// The weight files that the models of some folders use.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    /// By the [`key`] of the file.
    users: BTreeMap<PathBuf, PathBuf>,
    /// A JSON file that may be a model, but cannot be read: what it uses is unknown, so everything may be.
    unreadable: Option<PathBuf>,
}

impl Neighbours {
    /// Reads the models of these folders, but for those of these JSON files.
    pub(crate) fn in_folders(folders: &BTreeSet<PathBuf>, except: &[PathBuf]) -> Self {
        let mut neighbours = Self::default();
        let except: BTreeSet<_> = except.iter().map(|file| key(file)).collect();
        for folder in folders {
            if let Err(error) = neighbours.add_folder(folder, &except)
                // Whose folder may not be read, such as the one above many homes, nobody can ask.
                && !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied)
            {
                neighbours.unreadable.get_or_insert_with(|| folder.clone());
            }
        }
        neighbours
    }

    fn add_folder(&mut self, folder: &Path, except: &BTreeSet<PathBuf>) -> Result<(), Error> {
        let view = View::of(folder)?;
        let names = view.json_files().map_err(|error| io_error(error, Operation::Load, folder))?;
        for json in names.iter().map(|name| folder.join(name)).filter(|json| !except.contains(&key(json))) {
            self.add(&view, json);
        }
        Ok(())
    }

    fn add(&mut self, view: &View, json: PathBuf) {
        let bytes = match view.read(&json, &Limits::new(), Limit::JsonBytes) {
            Ok(bytes) => bytes,
            // Removed since it was listed.
            Err(error) if error.kind() == ErrorKind::NotFound => return,
            Err(_) => {
                self.unreadable.get_or_insert(json);
                return;
            }
        };
        let name = json.file_name().unwrap_or_default().to_string_lossy();
        match ModelJson::parse_neighbour(&name, &bytes) {
            Ok(Some(model_json)) => {
                let entry = Entry::Json(json.clone());
                let files = model_json.paths().map(|path| key(&entry.shard(path)));
                self.users.extend(files.map(|file| (file, json.clone())));
            }
            Ok(None) => {}
            Err(_) => {
                self.unreadable.get_or_insert(json);
            }
        }
    }

    /// The model that uses a file, or may use it.
    pub(crate) fn user_of(&self, file: &Path) -> Option<User<'_>> {
        let model = self.users.get(&key(file)).map(|json| User::Model(json));
        model.or_else(|| self.unreadable.as_ref().map(|path| User::Unknown(path)))
    }
}

/// Who uses a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum User<'n> {
    /// The model of this JSON file.
    Model(&'n Path),
    /// Whoever is at this place, which cannot be read.
    Unknown(&'n Path),
}

/// A folder, and those above it up to `folder`.
pub(crate) fn up_to(below: &Path, folder: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for above in below.ancestors() {
        let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        folders.push(above.to_path_buf());
        if above == folder {
            break;
        }
    }
    folders
}

/// The folder above, if there is one.
pub(crate) fn above(folder: &Path) -> PathBuf {
    folder.canonicalize().ok().and_then(|folder| folder.parent().map(Path::to_path_buf)).unwrap_or_default()
}

/// When a model was saved: the newest time stamp of its files, since somebody may have written weights alone; 1970 where the system
/// has none.
fn date_of<'f>(files: impl Iterator<Item = &'f PathBuf>) -> DateSaved {
    let modified = files.filter_map(|file| std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok());
    modified.max().map_or_else(|| DateSaved::from_unix_millis(0), DateSaved::from_system_time)
}
