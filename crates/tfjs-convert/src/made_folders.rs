//! Folders that a save had to make.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The folders, from the outermost; dropping it removes them unless they are kept, so a save that fails leaves none behind.
#[derive(Debug, Default)]
pub(crate) struct MadeFolders(Vec<PathBuf>);

impl MadeFolders {
    /// Makes a folder and those above it that are missing.
    pub(crate) fn make(folder: &Path) -> io::Result<Self> {
        // The last ancestor of a relative path is the empty one, which is the current folder.
        let missing = folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        let missing: Vec<_> = missing.map(Path::to_path_buf).collect();
        let mut made = Self::default();
        for folder in missing.into_iter().rev() {
            match std::fs::create_dir(&folder) {
                // Somebody else was faster.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
                result => result.map(|()| made.0.push(folder))?,
            }
        }
        Ok(made)
    }

    /// Lets the folders stay.
    pub(crate) fn keep(mut self) {
        self.0.clear();
    }

    /// Waits until the disk has their names.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.0.iter().filter_map(|folder| folder.parent()).try_for_each(sync_folder)
    }
}

/// Waits until the disk has the names in a folder, where that can be asked for.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

impl Drop for MadeFolders {
    fn drop(&mut self) {
        for folder in self.0.iter().rev() {
            // Something else is in it by now, or nothing can be done about it.
            let _left = std::fs::remove_dir(folder);
        }
    }
}
