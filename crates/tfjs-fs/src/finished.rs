//! Weight files that an interrupted save has finished, and how a later one knows that they are what it would write.
//!
//! A save that may be continued writes into its guard (`.tfjs-ID.save`), for each file that is finished, a line
//! `NUMBER LENGTH SHA256 KEY`: the number in the file's name, its length, the digest of what was written, and the [key](tfjs_router::Resume::key) of
//! its source, or `-`. The line says what to look for, and proves nothing: the file is digested again before it is used.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use tfjs_artifacts::{Sha256, ShardHasher};

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
    pub(crate) fn line(&self, number: usize) -> String {
        let key = self.key.map_or_else(|| "-".to_owned(), |key| key.to_string());
        format!("{number} {} {} {key}\n", self.length, self.sha256)
    }

    /// The other way round; `None` of a line that was not written to its end, or by somebody else.
    fn parse(line: &str) -> Option<(usize, Self)> {
        let mut parts = line.strip_suffix('\n')?.split(' ');
        let (number, length, sha256) =
            (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let key = match parts.next()? {
            "-" => None,
            key => Some(key.parse().ok()?),
        };
        parts.next().is_none().then_some((number, Self { length, sha256, key }))
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

/// What a guard says; nothing if it cannot be read.
pub(crate) fn read_records(guard: &Path) -> Vec<(usize, Record)> {
    let mut text = String::new();
    let read = File::open(guard).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
    if read.is_err() {
        return Vec::new();
    }
    text.split_inclusive('\n').filter_map(Record::parse).collect()
}

/// Whether a file is a file of this length: no link, which would lead elsewhere when it has its name.
pub(crate) fn is_file_of(path: &Path, length: u64) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() == length)
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
            let line = record.line(3);
            assert_eq!(Record::parse(&line), Some((3, record)));
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
