//! From `std::io::Error` to [`Error`], in one place.

use std::io;
use std::path::Path;

use tfjs_artifacts::{Error, ErrorKind, Operation};

use crate::replace::{IN_USE, is_in_use};

/// What the system said about a file.
pub(crate) fn io_error(error: io::Error, operation: Operation, path: &Path) -> Error {
    let (kind, message) =
        if is_in_use(&error) { (ErrorKind::Conflict, IN_USE) } else { describe(error.kind(), operation) };
    Error::new(kind, message).with_operation(operation).with_location(&path.to_string_lossy()).with_source(error)
}

fn describe(kind: io::ErrorKind, operation: Operation) -> (ErrorKind, &'static str) {
    use io::ErrorKind as Io;
    match kind {
        Io::NotFound => (ErrorKind::NotFound, "there is no such file or folder"),
        Io::PermissionDenied | Io::ReadOnlyFilesystem => (ErrorKind::PermissionDenied, "the system refused access"),
        Io::AlreadyExists => (ErrorKind::AlreadyExists, "it exists already"),
        Io::NotADirectory if matches!(operation, Operation::Load | Operation::Read) => {
            (ErrorKind::NotFound, "a part of the path is a file, so there is nothing below it")
        }
        Io::NotADirectory => (ErrorKind::AlreadyExists, "a part of the path is a file, not a folder"),
        Io::IsADirectory => (ErrorKind::InvalidData, "it is a folder, not a file"),
        Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => (ErrorKind::StorageFull, "there is no room left"),
        Io::InvalidFilename => (ErrorKind::InvalidUrl, "the system does not allow such a name"),
        Io::TimedOut => (ErrorKind::Timeout, "the system took too long"),
        Io::UnexpectedEof => (ErrorKind::Transport, "the file ended early"),
        Io::Interrupted | Io::WouldBlock | Io::ResourceBusy => (ErrorKind::Transport, "the system was interrupted"),
        _ => (ErrorKind::Unexpected, "the system reported an error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ERROR_SHARING_VIOLATION` on Windows; a broken pipe on Unix.
    #[test]
    fn a_sharing_violation_is_a_conflict_where_it_is_one() {
        let error = io_error(io::Error::from_raw_os_error(32), Operation::Read, Path::new("/x"));
        assert_eq!(error.kind(), if cfg!(windows) { ErrorKind::Conflict } else { ErrorKind::Unexpected });
        assert_eq!(error.to_string().contains("another program has the file open"), cfg!(windows), "{error}");
    }

    #[test]
    fn kinds() {
        for (system, ours) in [
            (io::ErrorKind::NotFound, ErrorKind::NotFound),
            (io::ErrorKind::PermissionDenied, ErrorKind::PermissionDenied),
            (io::ErrorKind::ReadOnlyFilesystem, ErrorKind::PermissionDenied),
            (io::ErrorKind::AlreadyExists, ErrorKind::AlreadyExists),
            (io::ErrorKind::NotADirectory, ErrorKind::NotFound),
            (io::ErrorKind::IsADirectory, ErrorKind::InvalidData),
            (io::ErrorKind::StorageFull, ErrorKind::StorageFull),
            (io::ErrorKind::QuotaExceeded, ErrorKind::StorageFull),
            (io::ErrorKind::FileTooLarge, ErrorKind::StorageFull),
            (io::ErrorKind::InvalidFilename, ErrorKind::InvalidUrl),
            (io::ErrorKind::TimedOut, ErrorKind::Timeout),
            (io::ErrorKind::UnexpectedEof, ErrorKind::Transport),
            (io::ErrorKind::Interrupted, ErrorKind::Transport),
            (io::ErrorKind::OutOfMemory, ErrorKind::Unexpected),
        ] {
            let error = io_error(system.into(), Operation::Load, Path::new("/x"));
            assert_eq!(error.kind(), ours, "{system:?}");
            assert!(error.to_string().starts_with("cannot load `/x`: "), "{error}");
        }
        let saving = io_error(io::ErrorKind::NotADirectory.into(), Operation::Save, Path::new("/x/y"));
        assert_eq!(saving.kind(), ErrorKind::AlreadyExists, "what is there is in the way of a folder");
    }
}
