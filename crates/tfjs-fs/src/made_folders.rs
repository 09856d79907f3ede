//! Folders that a save had to make.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tfjs_artifacts::{Error, Operation};

use crate::disk::Disk;
use crate::error::io_error;
use crate::model_dir::folder_of;

/// The folders; dropping it removes them unless they are kept, so a save that fails leaves none behind.
#[derive(Debug)]
pub(crate) struct MadeFolders {
    disk: Arc<dyn Disk>,
    folders: Mutex<Vec<PathBuf>>,
    are_kept: AtomicBool,
}

impl MadeFolders {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk, folders: Mutex::default(), are_kept: AtomicBool::new(false) }
    }

    /// Makes a folder and those above it.
    pub(crate) fn make(&mut self, folder: &Path) -> Result<(), Error> {
        self.make_also(folder)?;
        // One that another save made, or whose model is removed meanwhile: whoever fails last removes it, if it is empty then.
        // A folder that is empty now is the user's.
        if std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
            self.remember(folder);
        }
        Ok(())
    }

    /// Makes a folder below one that was made before, and those between them.
    pub(crate) fn make_also(&self, folder: &Path) -> Result<(), Error> {
        // The last ancestor of a relative path is the empty one, which is the current folder.
        let missing = folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        let missing: Vec<_> = missing.map(Path::to_path_buf).collect();
        for folder in missing.into_iter().rev() {
            // Remembered before it is made: if that fails, those before it go away again.
            self.remember(&folder);
            match self.disk.make_folder(&folder) {
                // Somebody else was faster.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
                made => made.map_err(|error| io_error(error, Operation::Save, &folder))?,
            }
        }
        if folder.as_os_str().is_empty() || folder.is_dir() {
            return Ok(());
        }
        Err(io_error(io::ErrorKind::NotADirectory.into(), Operation::Save, folder))
    }

    /// The folders in which they were made.
    pub(crate) fn parents(&self) -> BTreeSet<PathBuf> {
        let folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        folders.iter().map(|folder| folder_of(folder).to_path_buf()).collect()
    }

    /// Leaves the folders there.
    pub(crate) fn keep(&self) {
        self.are_kept.store(true, Ordering::Release);
    }

    fn remember(&self, folder: &Path) {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner).push(folder.to_path_buf());
    }
}

impl Drop for MadeFolders {
    fn drop(&mut self) {
        if self.are_kept.load(Ordering::Acquire) {
            return;
        }
        for folder in self.folders.get_mut().unwrap_or_else(PoisonError::into_inner).iter().rev() {
            // Fails, rightly, if somebody put something into it meanwhile.
            let _gone = self.disk.remove_folder(folder);
        }
    }
}
