//! By what a list of renames knows the files that it was made for.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A regular file as it was when the list was made. A file that somebody else has put in its place, or that came with a list from a
/// stranger, has another length or another time; so the list does not touch it.
///
/// Neither inodes nor parts of a second are in it: some file systems give others after the machine has been started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trace {
    bytes: u64,
    /// Seconds since 1970; two may be rounded to one, as FAT does.
    modified: u64,
}

/// How far the times of one file may be apart.
const ROUNDING: u64 = 2;

impl Trace {
    /// Of a file; none if there is none.
    ///
    /// # Errors
    /// Those of the system; when there is something else than a file.
    pub(crate) fn of(file: &Path) -> io::Result<Option<Self>> {
        let metadata = match std::fs::symlink_metadata(file) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        // A link is replaced or removed itself; where it leads does not matter.
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(Some(Self { bytes: metadata.len(), modified: modified(file, &metadata) }))
    }

    /// Whether it is the same file, as far as can be told.
    pub(crate) fn is(self, other: Option<Self>) -> bool {
        other.is_some_and(|other| self.bytes == other.bytes && self.modified.abs_diff(other.modified) <= ROUNDING)
    }
}

#[cfg(not(test))]
fn modified(_file: &Path, metadata: &std::fs::Metadata) -> u64 {
    let since_epoch = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    since_epoch.map_or(0, |since_epoch| since_epoch.as_secs())
}

/// In tests a disk is written anew, so a file is known by what is in it.
#[cfg(test)]
fn modified(file: &Path, _metadata: &std::fs::Metadata) -> u64 {
    std::fs::read(file).unwrap_or_default().iter().fold(7, |hash, byte| (hash * 31 + u64::from(*byte) * 8) % (1 << 40))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_length_or_time_is_another_file() {
        let trace = Trace { bytes: 5, modified: 1000 };
        for (bytes, modified, is) in
            [(5, 1000, true), (5, 1002, true), (5, 998, true), (5, 1003, false), (6, 1000, false)]
        {
            assert_eq!(trace.is(Some(Trace { bytes, modified })), is, "{bytes} {modified}");
        }
        assert!(!trace.is(None));
    }
}
