//! A weights file that is read when it is used.

use std::cell::RefCell;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use tfjs_artifacts::{ByteSource, Error, ErrorKind, Operation};
use wasm_bindgen::JsValue;
use web_sys::File;

use super::files::{Folder, byte_length, bytes_of, snapshot};
use super::place::Place;
use crate::error::{Thrown, thrown};
use crate::locks::{Lock, Locks};

/// How much is read at a time, so that JavaScript's memory stays small: 4 MiB.
const WINDOW: u64 = 4 << 20;

/// Reads of at most so many bytes are answered out of a block: thousands of small files do not become thousands of reads.
const SMALL: u64 = 16 << 10;

/// How much is read for a small read.
const BLOCK: u64 = 256 << 10;

/// A weights file. Nobody removes it as long as this lives.
#[derive(Debug)]
pub(super) struct Source {
    file: File,
    name: String,
    location: String,
    byte_length: u64,
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
        let byte_length = byte_length(&file);
        let block = RefCell::new((0, Bytes::new()));
        let (name, location) = (name.to_owned(), place.location());
        Ok(Opened::Source(Self { file, name, location, byte_length, block, _lock: lock }))
    }

    /// A small range, out of a block that is read if it is another one than before.
    async fn read_small(&self, range: Range<u64>) -> Result<Bytes, Error> {
        if let Some(bytes) = self.in_block(&range) {
            return Ok(bytes);
        }
        let block = self.read_through(range.start..self.byte_length.min(range.start.saturating_add(BLOCK))).await?;
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

    /// A range, window by window.
    async fn read_through(&self, range: Range<u64>) -> Result<Bytes, Error> {
        let length = range.end.saturating_sub(range.start);
        let mut bytes = Vec::new();
        let capacity = usize::try_from(length).unwrap_or(usize::MAX);
        bytes.try_reserve_exact(capacity).map_err(|error| self.too_large(length).with_source(error))?;
        let mut start = range.start;
        while start < range.end {
            let end = range.end.min(start.saturating_add(WINDOW));
            let window = bytes_of(&self.file, start, end).await.map_err(|value| self.unreadable(&value))?;
            let filled = bytes.len();
            bytes.resize(filled.saturating_add(usize::try_from(window.length()).unwrap_or(0)), 0);
            if let Some(free) = bytes.get_mut(filled..) {
                window.copy_to(free);
            }
            start = end;
        }
        Ok(bytes.into())
    }

    fn unreadable(&self, value: &JsValue) -> Error {
        let thrown_error = Thrown::new(value);
        // By these names browsers say that it is not the file that was opened.
        if matches!(thrown_error.name.as_str(), "NotFoundError" | "NotReadableError") {
            let message = format!("`{}` was removed or changed after the model was loaded; load it again", self.name);
            return self.failed(Error::new(ErrorKind::Conflict, message).with_source(thrown_error));
        }
        self.failed(thrown(value, format!("`{}` cannot be read", self.name)))
    }

    fn too_large(&self, length: u64) -> Error {
        let message = format!("{length} bytes at once do not fit into memory; load lazily and read in parts");
        self.failed(Error::new(ErrorKind::LimitExceeded, message))
    }

    fn failed(&self, error: Error) -> Error {
        error.with_operation(Operation::Read).with_location(&self.location)
    }
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl ByteSource for Source {
    fn byte_length(&self) -> u64 {
        self.byte_length
    }

    fn version(&self) -> Option<String> {
        Some(self.name.clone())
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        let is_small = range.end.saturating_sub(range.start) <= SMALL;
        if is_small { self.read_small(range).await } else { self.read_through(range).await }
    }
}
