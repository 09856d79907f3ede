//! Putting files in the place of others, where readers may have them open.
//!
//! On Unix a file that is open can be replaced. On Windows it can if everyone who has it open allows its deletion, as this library and
//! Rust's standard library do, and the file system knows POSIX renames, as NTFS does since Windows 10. What else has it open
//! (an indexer, a virus scanner, a reader on a share) is often done in an instant, so a refusal is tried again for two seconds.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use tfjs_artifacts::{Error, ErrorKind, Operation};

use crate::error::io_error;

/// How long it is tried again: as long as Go's tools do (`cmd/internal/robustio`).
const PATIENCE: Duration = Duration::from_secs(2);

/// Does what another program's open file may prevent for an instant, and tries again on Windows if it does.
pub(crate) fn patiently<T>(mut action: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let begin = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        match action() {
            Err(error) if may_be_in_use(&error) && begin.elapsed() < PATIENCE => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(100));
            }
            result => return result,
        }
    }
}

/// Whether the system says that another program has the file open. Only Windows does.
pub(crate) fn is_in_use(error: &io::Error) -> bool {
    cfg!(windows) && error.raw_os_error().is_some_and(is_sharing_violation)
}

/// `ERROR_SHARING_VIOLATION`, `ERROR_LOCK_VIOLATION` and `ERROR_USER_MAPPED_FILE`.
fn is_sharing_violation(code: i32) -> bool {
    matches!(code, 32 | 33 | 1224)
}

/// Windows also says `ERROR_ACCESS_DENIED`: to a rename over an open file, and while a file is being deleted.
fn may_be_in_use(error: &io::Error) -> bool {
    is_in_use(error) || (cfg!(windows) && error.kind() == io::ErrorKind::PermissionDenied)
}

/// Whether somebody has a file open.
#[cfg(windows)]
fn is_open_elsewhere(file: &Path) -> bool {
    use std::os::windows::fs::OpenOptionsExt as _;
    std::fs::File::options().read(true).share_mode(0).open(file).is_err_and(|error| is_in_use(&error))
}

#[cfg(not(windows))]
fn is_open_elsewhere(_file: &Path) -> bool {
    false
}

/// Waits until nobody has a file open who does not allow its deletion, so that a save ends here and not among its renames.
///
/// # Errors
/// [`ErrorKind::Conflict`] when somebody keeps it open.
pub(crate) fn wait_until_free(target: &Path) -> Result<(), Error> {
    match patiently(|| open_for_deletion(target)) {
        Err(error) if is_in_use(&error) => Err(io_error(error, Operation::Save, target)),
        // That it is not there is well; whatever else is the matter, the rename says.
        _ => Ok(()),
    }
}

/// What a rename opens the replaced file for.
#[cfg(windows)]
fn open_for_deletion(file: &Path) -> io::Result<()> {
    use std::os::windows::fs::OpenOptionsExt as _;

    const DELETE: u32 = 0x0001_0000;
    const SHARE_ALL: u32 = 1 | 2 | 4;
    /// `FILE_FLAG_OPEN_REPARSE_POINT`: a link itself is replaced, not what it leads to.
    const THE_LINK: u32 = 0x0020_0000;
    std::fs::File::options().access_mode(DELETE).share_mode(SHARE_ALL).custom_flags(THE_LINK).open(file).map(|_| ())
}

#[cfg(not(windows))]
#[expect(clippy::unnecessary_wraps, reason = "as on Windows")]
fn open_for_deletion(_file: &Path) -> io::Result<()> {
    Ok(())
}

/// Refuses a file that may not be replaced for what it is. On Unix the folder alone decides.
pub(crate) fn check_replaceable(target: &Path, metadata: &std::fs::Metadata) -> Result<(), Error> {
    if cfg!(windows) && metadata.is_file() && metadata.permissions().readonly() {
        let error = Error::new(ErrorKind::PermissionDenied, "the file is read-only; make it writable to save over it");
        return Err(error.with_operation(Operation::Save).with_location(&target.to_string_lossy()));
    }
    Ok(())
}

/// Why a file could not be replaced. Access is also denied when somebody has it open.
pub(crate) fn refused(error: io::Error, operation: Operation, target: &Path) -> Error {
    if may_be_in_use(&error) && is_open_elsewhere(target) {
        let in_use = Error::new(ErrorKind::Conflict, IN_USE).with_source(error);
        return in_use.with_operation(operation).with_location(&target.to_string_lossy());
    }
    io_error(error, operation, target)
}

/// What is said about a file that is in use.
pub(crate) const IN_USE: &str = "another program has the file open; close it there and try again";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let mut tries = 0;
        let result = patiently(|| {
            tries += 1;
            if tries < 3 { Err(io::Error::from(io::ErrorKind::PermissionDenied)) } else { Ok(()) }
        });
        assert_eq!((result.is_ok(), tries), if cfg!(windows) { (true, 3) } else { (false, 1) });
        let mut tries = 0;
        let missing = patiently(|| {
            tries += 1;
            Err::<(), _>(io::Error::from(io::ErrorKind::NotFound))
        });
        assert_eq!((missing.is_err(), tries), (true, 1));
        assert!([32, 33, 1224].into_iter().all(is_sharing_violation) && !is_sharing_violation(5));
    }
}
