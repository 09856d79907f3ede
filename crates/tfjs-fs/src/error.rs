//! From `std::io::Error` to [`Error`], with what only Windows says.

use std::io;
use std::path::Path;

use tfjs_artifacts::{Error, ErrorKind, Operation};

use crate::replace::{IN_USE, is_in_use};

/// What the system said about a file.
pub(crate) fn io_error(error: io::Error, operation: Operation, path: &Path) -> Error {
    if !is_in_use(&error) {
        return Error::from_io(error, operation, path);
    }
    let conflict = Error::new(ErrorKind::Conflict, IN_USE).with_source(error);
    conflict.with_operation(operation).with_location(&path.to_string_lossy())
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
}
