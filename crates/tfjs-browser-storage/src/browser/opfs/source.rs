//! A weights file that is read when it is used.

use std::cell::RefCell;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use tfjs_artifacts::{ByteSource, Error, ErrorKind, Operation};

use super::files::{Folder, snapshot};
use super::place::Place;
use crate::blob_source::BlobSource;
use crate::locks::{Lock, Locks};

/// Reads of at most so many bytes are answered out of a block: thousands of small files do not become thousands of reads.
const SMALL: u64 = 16 << 10;

/// How much is read for a small read.
const BLOCK: u64 = 256 << 10;

/// A weights file. Nobody removes it as long as this lives.
#[derive(Debug)]
pub(super) struct Source {
    file: BlobSource,
    location: String,
    /// The block that was read last, and where it begins.
    block: RefCell<(u64, Bytes)>,
    /// `None` in a browser without locks, which cannot save either.
    _lock: Option<Lock>,
}

/// What became of an attempt to open a weights file.
#[derive(Debug)]
pub(super) enum Opened {
    /// It can be read.
    Source(Source),
    /// It is not there.
    Missing,
    /// It is being removed, or its record is just being written.
    Busy,
}

impl Source {
    /// Opens the weights file of this name.
    pub(super) async fn open(place: &Place, folder: &Folder, name: &str) -> Result<Opened, Error> {
        let mut lock = None;
        if let Some(locks) = Locks::get()? {
            lock = locks.try_shared(&place.weights_lock(name)).await?;
            if lock.is_none() {
                return Ok(Opened::Busy);
            }
        }
        let Some(handle) = folder.file(name).await? else { return Ok(Opened::Missing) };
        let file = snapshot(&handle).await?;
        let location = place.location();
        let file = BlobSource::new(file.into(), &location, Some(name.to_owned()));
        Ok(Opened::Source(Self { file, location, block: RefCell::new((0, Bytes::new())), _lock: lock }))
    }

    /// A small range, out of a block that is read if it is another one than before.
    async fn read_small(&self, range: Range<u64>) -> Result<Bytes, Error> {
        if let Some(bytes) = self.in_block(&range) {
            return Ok(bytes);
        }
        let block = self.file.read(range.start..self.byte_length().min(range.start.saturating_add(BLOCK))).await?;
        self.block.replace((range.start, block));
        self.in_block(&range)
            .ok_or_else(|| self.failed(Error::new(ErrorKind::Transport, "the weights file ended early")))
    }

    /// A copy of a range that lies in the block.
    fn in_block(&self, range: &Range<u64>) -> Option<Bytes> {
        let (start, block) = &*self.block.borrow();
        let at = |offset: u64| offset.checked_sub(*start).and_then(|offset| usize::try_from(offset).ok());
        block.get(at(range.start)?..at(range.end)?).map(Bytes::copy_from_slice)
    }

    fn failed(&self, error: Error) -> Error {
        error.with_operation(Operation::Read).with_location(&self.location)
    }
}

#[async_trait(?Send)]
impl ByteSource for Source {
    fn byte_length(&self) -> u64 {
        self.file.byte_length()
    }

    fn version(&self) -> Option<String> {
        self.file.version()
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        let is_small = range.end.saturating_sub(range.start) <= SMALL;
        if is_small { self.read_small(range).await } else { self.file.read(range).await }
    }
}
