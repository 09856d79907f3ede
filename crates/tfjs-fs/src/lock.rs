//! Keeps two saves into one folder from mixing, and a removal from taking half of what a save brings.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use tfjs_artifacts::{Error, ErrorKind, Operation};

/// How long a save waits for another one in the same folder.
const PATIENCE: Duration = Duration::from_secs(10);

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
/// # Errors
/// [`ErrorKind::Conflict`] when somebody else keeps it too long.
pub(crate) fn lock(folder: &Path, operation: Operation) -> Result<Option<File>, Error> {
    let begin = Instant::now();
    loop {
        match try_lock(folder) {
            Try::Locked(file) => return Ok(Some(file)),
            Try::None => return Ok(None),
            Try::Taken if begin.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(20)),
            Try::Taken => {
                let error = Error::new(ErrorKind::Conflict, "somebody else has locked the folder; try again");
                return Err(error.with_operation(operation).with_location(&folder.to_string_lossy()));
            }
        }
    }
}

/// The folder itself is locked, so that nothing is left behind.
#[cfg(not(windows))]
fn try_lock(folder: &Path) -> Try {
    use std::fs::TryLockError;

    let Ok(file) = File::open(folder) else { return Try::None };
    match file.try_lock() {
        Ok(()) => Try::Locked(file),
        Err(TryLockError::WouldBlock) => Try::Taken,
        Err(TryLockError::Error(_)) => Try::None,
    }
}

/// Folders cannot be locked there. A file that nobody else can open meanwhile takes its place; the system removes it when it is
/// closed, also when the process is ended.
#[cfg(windows)]
fn try_lock(folder: &Path) -> Try {
    use std::os::windows::fs::OpenOptionsExt as _;

    /// `GENERIC_WRITE | DELETE`
    const ACCESS: u32 = 0x4000_0000 | 0x0001_0000;
    const FILE_FLAG_DELETE_ON_CLOSE: u32 = 0x0400_0000;

    let mut options = File::options();
    options.write(true).create(true).access_mode(ACCESS).share_mode(0).custom_flags(FILE_FLAG_DELETE_ON_CLOSE);
    match options.open(folder.join(LOCK_FILE)) {
        Ok(file) => Try::Locked(file),
        Err(error) if crate::replace::is_in_use(&error) => Try::Taken,
        // The one of somebody who is about to be done is denied, too; so this is not the end.
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied && folder.join(LOCK_FILE).exists() => {
            Try::Taken
        }
        Err(_) => Try::None,
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
        let one = lock(folder.path(), Operation::Save).unwrap();
        assert!(one.is_some());
        assert!(matches!(try_lock(folder.path()), Try::Taken));
        drop(one);
        assert!(matches!(try_lock(folder.path()), Try::Locked(_)));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(matches!(try_lock(&folder.path().join("missing")), Try::None));
    }
}
