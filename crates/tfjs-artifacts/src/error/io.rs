//! From `std::io::Error` to [`Error`], in one place.

use std::io;
use std::path::Path;

use super::{Error, ErrorKind, Operation};

impl Error {
    /// What the system said about a file or folder, in our words.
    pub fn from_io(error: io::Error, operation: Operation, path: &Path) -> Self {
        let (kind, message) = describe(error.kind(), operation);
        Self::new(kind, message).with_operation(operation).with_location(&path.to_string_lossy()).with_source(error)
    }
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
            let error = Error::from_io(system.into(), Operation::Load, Path::new("/x"));
            assert_eq!(error.kind(), ours, "{system:?}");
            assert!(error.to_string().starts_with("cannot load `/x`: "), "{error}");
        }
        let saving = Error::from_io(io::ErrorKind::NotADirectory.into(), Operation::Save, Path::new("/x/y"));
        assert_eq!(saving.kind(), ErrorKind::AlreadyExists, "what is there is in the way of a folder");
    }
}
