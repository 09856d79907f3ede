//! Weight files that an interrupted save has finished, and how a later one knows that they are what it would write.
//!
//! A save that may be continued writes into its guard (`.tfjs-ID.save`), for each file that is finished, a line
//! `NUMBER LENGTH SHA256 KEY FILE`: the number in the file's name, its length, the digest of what was written, the [key](tfjs_router::Resume::key) of
//! its source, or `-`, and what the file is to the system (inode and time). The line says what to look for: the file is digested again before it
//! is used. That it is still the file that was written, and did not come with its guard from a stranger, in an archive, is what its inode tells.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use tfjs_artifacts::{Sha256, ShardHasher};

#[cfg(not(test))]
use crate::source::Identity;

/// How much of a guard is read: the lines of a hundred thousand files.
const MAX_BYTES: u64 = 16 << 20;
/// How much of a file is in memory while it is digested.
const WINDOW: usize = 4 << 20;

/// What a save has written about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) length: u64,
    pub(crate) sha256: Sha256,
    /// What it was made of.
    pub(crate) key: Option<Sha256>,
}

/// A file that is finished.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub(crate) path: PathBuf,
    pub(crate) record: Record,
}

/// What a file has to be.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) length: u64,
    /// The checksum that the model has for it.
    pub(crate) sha256: Option<Sha256>,
    /// What it is made of.
    pub(crate) key: Option<Sha256>,
}

impl Record {
    /// The line of a guard.
    pub(crate) fn line(&self, number: usize, identity: &str) -> String {
        let key = self.key.map_or_else(|| "-".to_owned(), |key| key.to_string());
        format!("{number} {} {} {key} {identity}\n", self.length, self.sha256)
    }

    /// The other way round; `None` of a line that was not written to its end, or by somebody else.
    fn parse(line: &str) -> Option<(usize, (Self, &str))> {
        let mut parts = line.strip_suffix('\n')?.split(' ');
        let (number, length, sha256) =
            (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let key = match parts.next()? {
            "-" => None,
            key => Some(key.parse().ok()?),
        };
        let identity = parts.next()?;
        parts.next().is_none().then_some((number, (Self { length, sha256, key }, identity)))
    }

    /// Whether the file may be the one that is wanted. A checksum decides alone.
    pub(crate) fn may_be(&self, wanted: &Wanted) -> bool {
        let is_same = match wanted.sha256 {
            Some(sha256) => self.sha256 == sha256,
            None => self.key.is_some() && self.key == wanted.key,
        };
        is_same && self.length == wanted.length
    }
}

/// What a guard says, and what each file was to the system; nothing if it cannot be read.
pub(crate) fn read_records(guard: &Path) -> Vec<(usize, (Record, String))> {
    let mut text = String::new();
    let read = File::open(guard).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
    if read.is_err() {
        return Vec::new();
    }
    let lines = text.split_inclusive('\n').filter_map(Record::parse);
    lines.map(|(number, (record, identity))| (number, (record, identity.to_owned()))).collect()
}

/// Whether a file is the one that was written, by length, inode and time: no link, which would lead elsewhere when it has its name.
pub(crate) fn is_the_file(path: &Path, length: u64, written: &str) -> bool {
    std::fs::symlink_metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.len() == length && identity(&metadata) == written)
}

/// What a file is to the system: what a rename keeps, and nobody can put into an archive.
#[cfg(not(test))]
pub(crate) fn identity(metadata: &Metadata) -> String {
    let identity = Identity::of(metadata);
    #[cfg(unix)]
    return identity.to_string();
    // There is no inode to be had, but the time when it was made, which comes out of no archive either.
    #[cfg(not(unix))]
    {
        let created = metadata.created().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        format!("{identity}-{:x}", created.map_or(0, |created| created.as_nanos()))
    }
}

/// In tests of single steps a disk is written anew, and its files are others.
#[cfg(test)]
pub(crate) fn identity(metadata: &Metadata) -> String {
    format!("{:x}", metadata.len())
}

/// A finished file that is read once more, window by window.
#[derive(Debug)]
pub(crate) struct Proof {
    file: File,
    record: Record,
    hasher: ShardHasher,
}

impl Proof {
    pub(crate) fn begin(finished: &Finished) -> io::Result<Self> {
        // To write as well: some systems sync nothing else.
        let file = File::options().read(true).write(true).open(&finished.path)?;
        let hasher = ShardHasher::new([finished.record.length]);
        Ok(Self { file, record: finished.record.clone(), hasher })
    }

    /// The next bytes; none at the end.
    pub(crate) fn next(&mut self) -> io::Result<Vec<u8>> {
        let mut window = Vec::with_capacity(WINDOW);
        let length = self.file.by_ref().take(WINDOW as u64).read_to_end(&mut window)?;
        window.truncate(length);
        self.hasher.update(&window);
        Ok(window)
    }

    /// Whether the bytes were those that were written; they are durable then, if `is_synced`.
    pub(crate) fn holds(self, is_synced: bool) -> io::Result<bool> {
        let holds = self.hasher.finish() == [self.record.sha256] && self.file.metadata()?.len() == self.record.length;
        if holds && is_synced {
            // Who wrote it may not have waited for the disk.
            self.file.sync_all()?;
        }
        Ok(holds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_whole() {
        for key in [None, Some(Sha256::of(b"key"))] {
            let record = Record { length: 7, sha256: Sha256::of(b"bytes"), key };
            let line = record.line(3, "7-a-b");
            assert_eq!(Record::parse(&line), Some((3, (record, "7-a-b"))));
            for cut in 0..line.len() {
                assert_eq!(Record::parse(&line[..cut]), None, "{cut}");
            }
            assert_eq!(Record::parse(&line.replace('\n', " more\n")), None);
        }
    }

    #[test]
    fn a_checksum_decides_alone() {
        let [one, other] = [b"1", b"2"].map(|bytes| Sha256::of(bytes));
        let record = Record { length: 1, sha256: one, key: Some(one) };
        for (wanted, may_be) in [
            (Wanted { length: 1, sha256: Some(one), key: None }, true),
            (Wanted { length: 1, sha256: Some(one), key: Some(other) }, true),
            (Wanted { length: 1, sha256: Some(other), key: Some(one) }, false),
            (Wanted { length: 1, sha256: None, key: Some(one) }, true),
            (Wanted { length: 1, sha256: None, key: Some(other) }, false),
            (Wanted { length: 1, sha256: None, key: None }, false),
            (Wanted { length: 2, sha256: Some(one), key: Some(one) }, false),
        ] {
            assert_eq!(record.may_be(&wanted), may_be, "{wanted:?}");
        }
        let nameless = Record { key: None, ..record };
        assert!(!nameless.may_be(&Wanted { length: 1, sha256: None, key: None }));
    }
}
