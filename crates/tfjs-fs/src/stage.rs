//! Files that are written under temporary names, until all of them get their own at once.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::TryStreamExt as _;
use tfjs_artifacts::{Error, ErrorKind, Operation, RelPath, WeightData};
use tfjs_router::{Digests, Durability, Links, ProgressMeter};

use crate::blocking::blocking;
use crate::commit::{commit, recover};
use crate::disk::{Disk, NewFile};
use crate::error::io_error;
use crate::journal::Journal;
use crate::leftovers::{GUARD_NAME, ID_LENGTH, id_of, temporary_name};
use crate::lock::lock;
use crate::made_folders::MadeFolders;
use crate::model_dir::{folder_of, join};

/// How much of the weights is in memory at a time.
const WINDOW: usize = 4 << 20;

/// What is done to a folder, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    pub(crate) operation: Operation,
    pub(crate) durability: Durability,
    pub(crate) links: Links,
}

/// How often a folder is made again that others remove.
const TRIES: usize = 100;

/// The place for the temporary files of one save or removal in a folder. Dropping it removes those that have not got their names, and
/// the folders that were made for them.
#[derive(Debug)]
pub(crate) struct Stage {
    folder: PathBuf,
    id: String,
    guard: PathBuf,
    /// Whoever can lock this file, too, knows that we are dead.
    _locked: Box<dyn NewFile>,
    durability: Durability,
    number: AtomicUsize,
    written: Mutex<Vec<PathBuf>>,
    is_left: AtomicBool,
    disk: Arc<dyn Disk>,
    /// After the files, which may be in them.
    made: MadeFolders,
}

impl Stage {
    /// Begins to change a folder, which is made for a save if it is not there. What dead saves left in it goes.
    pub(crate) async fn begin(disk: &Arc<dyn Disk>, folder: &Path, how: How) -> Result<Self, Error> {
        let mut tries = TRIES;
        loop {
            match Self::try_begin(disk, folder, how).await {
                // A removal beside us took the folder away in between.
                Err(error) if error.kind() == ErrorKind::NotFound && how.operation == Operation::Save && tries > 0 => {
                    tries -= 1;
                }
                begun => return begun,
            }
        }
    }

    async fn try_begin(disk: &Arc<dyn Disk>, folder: &Path, how: How) -> Result<Self, Error> {
        let (disk, folder) = (Arc::clone(disk), folder.to_path_buf());
        let make = {
            let (disk, folder) = (Arc::clone(&disk), folder.clone());
            move || {
                let mut made = MadeFolders::new(disk);
                if how.operation == Operation::Save {
                    made.make(&folder)?;
                }
                Ok(made)
            }
        };
        let made = blocking(make).await?;
        let lock = lock(&folder, how.operation).await?;
        blocking(move || {
            recover(disk.as_ref(), &folder, how.links)?;
            let stage = Self::with_guard(disk, folder, how, made);
            drop(lock);
            stage
        })
        .await
    }

    /// The file that tells others that we live, made and locked while nobody else looks.
    fn with_guard(disk: Arc<dyn Disk>, folder: PathBuf, how: How, made: MadeFolders) -> Result<Self, Error> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(GUARD_NAME.0).suffix(GUARD_NAME.1).rand_bytes(ID_LENGTH);
        let guard = builder.make_in(&folder, |path| disk.create(path)).and_then(|guard| {
            let (file, path) = guard.into_parts();
            Ok((file, path.keep()?))
        });
        let (locked, guard) = guard.map_err(|error| io_error(error, how.operation, &folder))?;
        let id = id_of(&guard).unwrap_or_default().to_owned();
        // Without locks nobody removes what we leave, and nobody what we still need.
        let _has_locks = locked.lock().map_err(|error| io_error(error, how.operation, &guard))?;
        Ok(Self {
            folder,
            id,
            guard,
            _locked: locked,
            durability: how.durability,
            number: AtomicUsize::new(0),
            written: Mutex::default(),
            is_left: AtomicBool::new(false),
            disk,
            made,
        })
    }

    pub(crate) fn disk(&self) -> &dyn Disk {
        self.disk.as_ref()
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the names in a folder durable, if that is wanted.
    pub(crate) fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        match self.durability {
            Durability::Strict => self.disk.sync_folder(folder),
            Durability::Relaxed => Ok(()),
        }
    }

    /// Writes a small file; gives its temporary name.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<PathBuf> {
        let (mut file, path) = self.create()?;
        file.append(bytes)?;
        self.sync(file.as_mut())?;
        Ok(path)
    }

    /// Gives a file that is about to be replaced a second name; none if the file system cannot.
    pub(crate) fn keep_aside(&self, file: &Path) -> io::Result<Option<PathBuf>> {
        let aside = self.name_for_old();
        match self.disk.link(file, &aside) {
            Ok(()) => Ok(Some(aside)),
            Err(error) if knows_no_links(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A name for a file that has been replaced, under which it is removed with the rest.
    pub(crate) fn name_for_old(&self) -> PathBuf {
        let path = self.folder.join(temporary_name(&self.id, self.number.fetch_add(1, Ordering::Relaxed)));
        self.written.lock().unwrap_or_else(PoisonError::into_inner).push(path.clone());
        path
    }

    /// Leaves everything as it is: a list of renames needs it.
    pub(crate) fn leave(&self) {
        self.is_left.store(true, Ordering::Release);
        self.made.keep();
    }

    fn create(&self) -> io::Result<(Box<dyn NewFile>, PathBuf)> {
        let path = self.name_for_old();
        Ok((self.disk.create(&path)?, path))
    }

    fn sync(&self, file: &mut dyn NewFile) -> io::Result<()> {
        match self.durability {
            Durability::Strict => file.sync(),
            Durability::Relaxed => Ok(()),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if self.is_left.load(Ordering::Acquire) {
            return;
        }
        let written = std::mem::take(self.written.get_mut().unwrap_or_else(PoisonError::into_inner));
        // Those that have got their names are not there any more, and of the others nobody is left who could be told.
        for file in written {
            let _gone = self.disk.remove_file(&file);
        }
        let _gone = self.disk.remove_file(&self.guard);
    }
}

fn knows_no_links(error: &io::Error) -> bool {
    // On Linux, EPERM is what a file system without hard links says, and so does a kernel that protects those of others.
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied | io::ErrorKind::TooManyLinks)
        || error.raw_os_error().is_some_and(|code| cfg!(windows) && code == ERROR_INVALID_FUNCTION)
}

const ERROR_INVALID_FUNCTION: i32 = 1;

/// The files of a model that are written, but have not got their names.
#[derive(Debug)]
pub(crate) struct Staged {
    stage: Arc<Stage>,
    /// The temporary name of each, and its own.
    files: Vec<(PathBuf, PathBuf)>,
}

impl Staged {
    pub(crate) fn begin(stage: Stage) -> Self {
        Self { stage: Arc::new(stage), files: Vec::new() }
    }

    /// Writes a weight file, a window at a time.
    pub(crate) async fn stream(
        &mut self,
        path: &RelPath,
        bytes: &WeightData,
        digests: &mut Digests,
        meter: &mut ProgressMeter,
    ) -> Result<(), Error> {
        let target = join(&self.stage.folder, path);
        let stage = Arc::clone(&self.stage);
        let mut file = blocking(move || Writing::create(stage, target)).await?;
        let mut windows = bytes.stream(WINDOW);
        while let Some(window) = windows.try_next().await? {
            let length = window.len() as u64;
            digests.update(&window);
            file = blocking(move || file.append(&window)).await?;
            meter.advance(length);
        }
        self.files.push(blocking(move || file.finish()).await?);
        Ok(())
    }

    /// Writes a small file.
    pub(crate) async fn write(&mut self, path: &RelPath, bytes: Bytes) -> Result<(), Error> {
        let target = join(&self.stage.folder, path);
        let stage = Arc::clone(&self.stage);
        self.files.push(blocking(move || Writing::create(stage, target)?.append(&bytes)?.finish()).await?);
        Ok(())
    }

    /// The names that the files will have, the one that makes the model visible last.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(_, target)| target.as_path())
    }

    pub(crate) fn disk(&self) -> Arc<dyn Disk> {
        Arc::clone(&self.stage.disk)
    }

    /// Where the files are, and will be.
    pub(crate) fn folder(&self) -> &Path {
        &self.stage.folder
    }

    /// Gives all files their names at once; `journal` says what else happens with that. The folder must be locked, and in order.
    pub(crate) fn commit(self, mut journal: Journal) -> Result<(), Error> {
        let Self { stage, files } = self;
        for (from, to) in &files {
            stage.made.make_also(folder_of(to))?;
            keep_permissions(stage.disk(), from, to).map_err(|error| io_error(error, Operation::Save, to))?;
            journal.rename(&stage.folder, from, to)?;
        }
        for folder in stage.made.parents() {
            stage.sync_folder(&folder).map_err(|error| io_error(error, Operation::Save, &folder))?;
        }
        // Weight files of the old model that cannot be removed harm nobody.
        let _left = commit(&stage, &journal, Operation::Save)?;
        stage.made.keep();
        Ok(())
    }
}

/// A model that is saved again is as readable as before.
pub(crate) fn keep_permissions(disk: &dyn Disk, from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(to) {
        Ok(replaced) if cfg!(unix) && replaced.is_file() => disk.set_permissions(from, replaced.permissions()),
        _ => Ok(()),
    }
}

/// A file under a temporary name, and the name that it will have.
///
/// A write goes on when the save that wanted it is dropped; the last one to end removes the files.
#[derive(Debug)]
struct Writing {
    /// Closed before the stage removes it.
    file: Box<dyn NewFile>,
    path: PathBuf,
    target: PathBuf,
    stage: Arc<Stage>,
}

impl Writing {
    fn create(stage: Arc<Stage>, target: PathBuf) -> Result<Self, Error> {
        let (file, path) = stage.create().map_err(|error| io_error(error, Operation::Save, &target))?;
        Ok(Self { file, path, target, stage })
    }

    fn append(mut self, bytes: &[u8]) -> Result<Self, Error> {
        self.file.append(bytes).map_err(|error| io_error(error, Operation::Save, &self.target))?;
        Ok(self)
    }

    /// Makes the bytes durable and closes the file.
    fn finish(mut self) -> Result<(PathBuf, PathBuf), Error> {
        let synced = self.stage.sync(self.file.as_mut());
        synced.map_err(|error| io_error(error, Operation::Save, &self.target))?;
        Ok((self.path, self.target))
    }
}
