//! Keeps two saves into one folder from mixing, and a removal from taking half of what a save brings.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use tfjs_artifacts::{Error, ErrorKind, Operation};

use crate::blocking::blocking;
use crate::error::io_error;

/// How long a save waits for another one in the same folder: many may be before it.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long it waits between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// What one try found.
enum Try {
    Locked(File),
    /// Somebody else has the lock.
    Taken,
    /// There are no locks here.
    None,
}

/// Locks a folder until the value is dropped. File systems that know no locks, and folders that may not be read (Unix) or
/// written (Windows), are used without.
///
/// Who waits gives its thread back between two tries: who has the lock may need it.
///
/// # Errors
/// [`ErrorKind::Conflict`] when somebody else keeps it too long; those of the system, such as when the folder is gone.
pub(crate) async fn lock(folder: &Path, operation: Operation) -> Result<Option<File>, Error> {
    let begin = Instant::now();
    loop {
        let path = folder.to_path_buf();
        let tried = blocking(move || {
            let tried = try_lock(&path).map_err(|error| io_error(error, operation, &path))?;
            if matches!(tried, Try::Taken) {
                std::thread::sleep(PAUSE);
            }
            Ok(tried)
        });
        match tried.await? {
            Try::Locked(file) => return Ok(Some(file)),
            Try::None => return Ok(None),
            Try::Taken if begin.elapsed() < PATIENCE => {}
            Try::Taken => {
                let error = Error::new(ErrorKind::Conflict, "somebody else has locked the folder; try again");
                return Err(error.with_operation(operation).with_location(&folder.to_string_lossy()));
            }
        }
    }
}

/// The folder itself is locked, so that nothing is left behind.
#[cfg(not(windows))]
fn try_lock(folder: &Path) -> io::Result<Try> {
    use std::fs::TryLockError;

    let file = match File::open(folder) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(Try::None),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        // Somebody may have removed the folder and made it anew since it was opened.
        Ok(()) if is_still(&file, folder)? => Ok(Try::Locked(file)),
        Ok(()) | Err(TryLockError::WouldBlock) => Ok(Try::Taken),
        Err(TryLockError::Error(error)) if knows_no_locks(&error) => Ok(Try::None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(unix)]
fn is_still(file: &File, folder: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let (locked, named) = (file.metadata()?, std::fs::metadata(folder)?);
    Ok((locked.dev(), locked.ino()) == (named.dev(), named.ino()))
}

#[cfg(not(any(unix, windows)))]
fn is_still(_file: &File, folder: &Path) -> io::Result<bool> {
    Ok(folder.is_dir())
}

/// What file systems without locks say, such as some of a network.
#[cfg(not(windows))]
fn knows_no_locks(error: &io::Error) -> bool {
    /// No locks available, as Linux numbers it.
    const ENOLCK: i32 = 37;
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput | io::ErrorKind::PermissionDenied)
        || (cfg!(target_os = "linux") && matches!(error.raw_os_error(), Some(ENOLCK)))
}

/// Folders cannot be locked there. A file that nobody else can open meanwhile takes its place; the system removes it when it is
/// closed, also when the process is ended.
#[cfg(windows)]
fn try_lock(folder: &Path) -> io::Result<Try> {
    use std::os::windows::fs::OpenOptionsExt as _;

    /// `GENERIC_WRITE | DELETE`
    const ACCESS: u32 = 0x4000_0000 | 0x0001_0000;
    const FILE_FLAG_DELETE_ON_CLOSE: u32 = 0x0400_0000;

    let mut options = File::options();
    options.write(true).create(true).access_mode(ACCESS).share_mode(0).custom_flags(FILE_FLAG_DELETE_ON_CLOSE);
    match options.open(folder.join(LOCK_FILE)) {
        Ok(file) => Ok(Try::Locked(file)),
        Err(error) if crate::replace::is_in_use(&error) => Ok(Try::Taken),
        // The one of somebody who is about to be done is denied, too; so this is not the end.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && folder.join(LOCK_FILE).exists() => {
            Ok(Try::Taken)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
        Err(_) => Ok(Try::None),
    }
}

/// Named as temporary files are.
#[cfg(windows)]
const LOCK_FILE: &str = ".tfjs-lock.tmp";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_lock_and_none_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let one = futures::executor::block_on(lock(folder.path(), Operation::Save)).unwrap();
        assert!(one.is_some());
        assert!(matches!(try_lock(folder.path()).unwrap(), Try::Taken));
        drop(one);
        assert!(matches!(try_lock(folder.path()).unwrap(), Try::Locked(_)));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let missing = folder.path().join("missing");
        let missing = lock(&missing, Operation::Save);
        assert_eq!(futures::executor::block_on(missing).unwrap_err().kind(), ErrorKind::NotFound);
    }
}
