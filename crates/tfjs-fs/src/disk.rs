//! The steps by which a save or a removal changes a disk, each of which can fail, or be the last one before the lights go out.
//!
//! All changes go through [`Disk`], so that tests can try every one of them; reading does not.

use std::fmt;
use std::fs::{File, Permissions, TryLockError};
use std::io::{self, Write as _};
use std::path::Path;

use crate::replace::patiently;

/// Changes to a disk.
pub(crate) trait Disk: fmt::Debug + Send + Sync {
    /// Makes one folder.
    fn make_folder(&self, folder: &Path) -> io::Result<()>;
    /// Makes a file that is not there yet.
    fn create(&self, file: &Path) -> io::Result<Box<dyn NewFile>>;
    /// Gives a file the permissions of the one whose place it will take.
    fn set_permissions(&self, file: &Path, permissions: Permissions) -> io::Result<()>;
    /// Gives a file a second name. Not every file system can.
    fn link(&self, file: &Path, name: &Path) -> io::Result<()>;
    /// Gives a file another name, in place of whichever file has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove_file(&self, file: &Path) -> io::Result<()>;
    /// Removes a folder with nothing in it. On Windows the system would also remove a link to a folder, whatever is in that one.
    fn remove_folder(&self, folder: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable, where the system can. On Windows there is nothing to call, and the journal of
    /// NTFS keeps renames in order; on Unix, nobody can in a folder that may be written but not read.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// A file that is written once, from its beginning to its end.
pub(crate) trait NewFile: fmt::Debug + Send + Sync {
    /// Adds bytes at the end.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes the bytes durable.
    fn sync(&mut self) -> io::Result<()>;
    /// Locks the file for as long as it is open. False if the file system knows no locks.
    fn lock(&self) -> io::Result<bool>;
}

/// The disk of this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RealDisk;

impl Disk for RealDisk {
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        std::fs::create_dir(folder)
    }

    fn create(&self, file: &Path) -> io::Result<Box<dyn NewFile>> {
        Ok(Box::new(RealFile(File::options().write(true).create_new(true).open(file)?)))
    }

    fn set_permissions(&self, file: &Path, permissions: Permissions) -> io::Result<()> {
        std::fs::set_permissions(file, permissions)
    }

    fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        std::fs::hard_link(file, name)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        patiently(|| std::fs::rename(from, to))
    }

    fn remove_file(&self, file: &Path) -> io::Result<()> {
        patiently(|| std::fs::remove_file(file))
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        if !std::fs::symlink_metadata(folder)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        std::fs::remove_dir(folder)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        if !cfg!(unix) {
            return Ok(());
        }
        match File::open(folder).and_then(|folder| folder.sync_all()) {
            Err(error) if !knows_no_syncing(&error) => Err(error),
            _ => Ok(()),
        }
    }
}

/// What a folder says that may not be read, and what some network file systems say of all folders (EINVAL, ENOSYS, EOPNOTSUPP).
fn knows_no_syncing(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    matches!(error.kind(), PermissionDenied | InvalidInput | Unsupported)
}

#[derive(Debug)]
struct RealFile(File);

impl NewFile for RealFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }

    fn lock(&self) -> io::Result<bool> {
        match self.0.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::Error(_)) => Ok(false),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On Windows there is nothing to sync, so nothing is looked at.
    #[test]
    fn a_folder_is_synced_where_the_system_can() {
        let folder = tempfile::tempdir().unwrap();
        RealDisk.sync_folder(folder.path()).unwrap();
        assert_eq!(RealDisk.sync_folder(&folder.path().join("missing")).is_ok(), cfg!(windows));
    }

    #[test]
    fn a_locked_file_is_locked_for_all_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let file = RealDisk.create(&path).unwrap();
        assert!(file.lock().unwrap());
        let other = RealFile(File::options().write(true).open(&path).unwrap());
        assert_eq!(other.lock().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(file);
        assert!(other.lock().unwrap());
        assert_eq!(RealDisk.create(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }
}
