//! A file that is written whole or not at all.
//!
//! It is locked while it is written. The lock ends with the process, so who can lock the file of another save knows that it is dead,
//! and the next save into that folder removes it.

use std::fs::{File, Permissions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

#[cfg(feature = "safetensors")]
use bytes::Bytes;
use tempfile::NamedTempFile;
use tfjs_artifacts::{Error, ErrorKind, Operation};
use tfjs_router::Durability;

use crate::blocking::blocking;
use crate::made_folders::{MadeFolders, sync_folder};

/// How the name of such a file begins and ends.
const NAME: (&str, &str) = (".tfjs-convert-", ".tmp");

/// A file that is being written under a temporary name, beside the one whose place it is to take. It goes away when it is dropped.
#[derive(Debug)]
pub(crate) struct Pending {
    file: NamedTempFile,
    target: PathBuf,
    /// Behind the file, which goes away before them.
    made: MadeFolders,
}

impl Pending {
    /// Begins a file, and makes its folder if it is not there.
    pub(crate) async fn begin(target: &Path) -> Result<Self, Error> {
        let target = target.to_path_buf();
        blocking(move || {
            if target.is_dir() {
                let error = Error::new(ErrorKind::AlreadyExists, "it is a folder, not a file");
                return Err(error.with_operation(Operation::Save).with_location(&target.to_string_lossy()));
            }
            let fail = |error| Error::from_io(error, Operation::Save, &target);
            let folder = folder_of(&target);
            let made = MadeFolders::make(folder).map_err(fail)?;
            remove_leftovers(folder);
            let file = locked_file(folder, permissions_of(&target).as_ref()).map_err(fail)?;
            Ok(Self { file, target, made })
        })
        .await
    }

    /// Does something to the file, where blocking is allowed.
    pub(crate) async fn with<T: Send + 'static>(
        mut self,
        work: impl FnOnce(&mut File) -> io::Result<T> + Send + 'static,
    ) -> Result<(Self, T), Error> {
        blocking(move || match work(self.file.as_file_mut()) {
            Ok(done) => Ok((self, done)),
            Err(error) => Err(Error::from_io(error, Operation::Save, &self.target)),
        })
        .await
    }

    /// Writes at the end.
    #[cfg(feature = "safetensors")]
    pub(crate) async fn write(self, bytes: Bytes) -> Result<Self, Error> {
        Ok(self.with(move |file| io::Write::write_all(file, &bytes)).await?.0)
    }

    /// Gives the file its name: at once, in place of one that was there, and durably.
    pub(crate) async fn commit(self, durability: Durability) -> Result<(), Error> {
        blocking(move || {
            let Self { file, target, made } = self;
            let fail = |error| Error::from_io(error, Operation::Save, &target);
            if let Some(permissions) = permissions_of(&target) {
                file.as_file().set_permissions(permissions).map_err(fail)?;
            }
            if durability != Durability::Relaxed {
                file.as_file().sync_all().map_err(fail)?;
            }
            file.persist(&target).map_err(|error| fail(error.error))?;
            if durability != Durability::Relaxed {
                sync_folder(folder_of(&target)).and_then(|()| made.sync()).map_err(fail)?;
            }
            made.keep();
            Ok(())
        })
        .await
    }
}

/// A new file with a name of its own, locked where there are locks.
fn locked_file(folder: &Path, replaced: Option<&Permissions>) -> io::Result<NamedTempFile> {
    // Who removes leftovers may find it before it is locked; hardly ever twice.
    for _ in 0..8 {
        let file = new_file(folder, replaced)?;
        let is_locked = match file.as_file().try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            // Where there are no locks, nobody can tell that it is a leftover.
            Err(TryLockError::Error(_)) => return Ok(file),
        };
        if is_locked && file.path().exists() {
            return Ok(file);
        }
    }
    Err(io::ErrorKind::ResourceBusy.into())
}

/// Nobody may read it who may not read the file whose place it takes.
#[cfg_attr(not(unix), expect(unused_variables, reason = "a file has the permissions of its folder there"))]
fn new_file(folder: &Path, replaced: Option<&Permissions>) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(NAME.0).suffix(NAME.1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As other programs make files: the umask says who may read them. The next save has to be able to open it.
        let mode = replaced.map_or(0o666, |replaced| (replaced.mode() & 0o777) | 0o600);
        builder.permissions(Permissions::from_mode(mode));
    }
    builder.tempfile_in(folder)
}

/// Those of the file whose place another takes, where that would change them. A link is replaced, and not what it leads to.
fn permissions_of(target: &Path) -> Option<Permissions> {
    let replaced = std::fs::symlink_metadata(target).ok().filter(|replaced| cfg!(unix) && replaced.is_file());
    replaced.map(|replaced| replaced.permissions())
}

/// Removes the files of saves whose processes are dead. What cannot be looked at or removed stays: it harms nobody.
fn remove_leftovers(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| name.starts_with(NAME.0) && name.ends_with(NAME.1));
        // What is no file has been made by nobody here; opening a named pipe would wait for somebody who writes.
        if !is_ours || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let path = entry.path();
        // Locked until it is removed, so that nobody who has just made it goes on with a file that is gone.
        if let Ok(file) = File::options().write(true).open(&path)
            && file.try_lock().is_ok()
        {
            let _left = std::fs::remove_file(&path);
        }
    }
}

/// The folder in which a file is.
fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn names(folder: &Path) -> BTreeSet<String> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[tokio::test]
    async fn a_save_removes_what_dead_ones_left_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let others = [".tfjs-convert-abc", ".tfjs-0123456789ab-0.tmp", "x.tmp", "model.npz"];
        for name in others.into_iter().chain([".tfjs-convert-a1b2c3.tmp"]) {
            std::fs::write(folder.path().join(name), "old").unwrap();
        }
        std::fs::create_dir(folder.path().join(".tfjs-convert-folder.tmp")).unwrap();
        let alive = Pending::begin(&folder.path().join("one.npz")).await.unwrap();
        let target = folder.path().join("model.npz");
        let other = Pending::begin(&target).await.unwrap();
        let alive_name = alive.file.path().file_name().unwrap().to_str().unwrap().to_owned();
        let (other, ()) = other.with(|file| io::Write::write_all(file, b"new")).await.unwrap();
        other.commit(Durability::Relaxed).await.unwrap();
        let expected = others.into_iter().chain([alive_name.as_str(), ".tfjs-convert-folder.tmp"]);
        assert_eq!(names(folder.path()), expected.map(str::to_owned).collect());
        assert_eq!(std::fs::read(target).unwrap(), b"new");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_file_that_is_replaced_keeps_its_permissions() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("one.npz");
        std::fs::write(&target, "old").unwrap();
        let mode_of = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        for mode in [0o600, 0o666, 0o400] {
            std::fs::set_permissions(&target, Permissions::from_mode(mode)).unwrap();
            let pending = Pending::begin(&target).await.unwrap();
            let of_others = mode_of(pending.file.path()) & 0o077;
            assert_eq!(of_others & !mode, 0, "others may read what is being written: {of_others:o}");
            pending.commit(Durability::Strict).await.unwrap();
            assert_eq!(mode_of(&target), mode);
        }
    }

    #[tokio::test]
    async fn what_is_dropped_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["one.npz", "made/also/one.npz"] {
            drop(Pending::begin(&folder.path().join(name)).await.unwrap());
            assert_eq!(names(folder.path()), BTreeSet::new());
        }
    }

    #[tokio::test]
    async fn a_folder_that_is_missing_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("made/also/one.npz");
        Pending::begin(&target).await.unwrap().commit(Durability::Strict).await.unwrap();
        assert!(target.is_file());
        // What is in the way is no folder.
        assert!(Pending::begin(&target.join("two.npz")).await.is_err());
    }
}
