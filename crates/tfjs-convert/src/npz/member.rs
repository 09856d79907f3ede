//! The bytes of one member of an archive, read in ranges.

use std::fmt;
use std::io::Write as _;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use flate2::write::DeflateDecoder;
use tfjs_artifacts::{ByteSource, Error, ErrorKind, WeightData};

use super::archive::Member;

/// How many stored bytes are read at a time.
const STORED_WINDOW: u64 = 256 * 1024;
/// How many of them are unpacked at a time: each can become a thousand.
const UNPACKED_AT_ONCE: usize = 4096;

/// A member. Who reads it from its beginning to its end, in whatever steps, is told if its checksum is wrong; what is
/// compressed can only be read like that, so a step back begins anew.
pub(super) struct MemberSource {
    name: String,
    is_deflated: bool,
    crc32: u32,
    stored: WeightData,
    size: u64,
    /// How many bytes at the beginning are not shown: a header.
    head: u64,
    /// Of how many bytes the order is the other one, 1 for none.
    swapped: u64,
    /// The reader behind the last read, for the one that goes on from there.
    reader: Mutex<Option<Reader>>,
}

/// Somewhere in a member.
struct Reader {
    /// How many bytes were given out.
    at: u64,
    /// The checksum of these.
    hasher: crc32fast::Hasher,
    unpacking: Option<Unpacking>,
}

/// Somewhere in what is compressed.
struct Unpacking {
    decoder: DeflateDecoder<Vec<u8>>,
    /// How many stored bytes were read.
    stored: u64,
    /// Those of them that the decoder has not had.
    waiting: Bytes,
}

impl MemberSource {
    pub(super) fn new(data: &WeightData, member: &Member) -> Result<Self, Error> {
        Ok(Self {
            name: member.name.clone(),
            is_deflated: member.is_deflated,
            crc32: member.crc32,
            stored: data.slice(member.start..member.start + member.stored)?,
            size: member.size,
            head: 0,
            swapped: 1,
            reader: Mutex::new(None),
        })
    }

    /// The first bytes, header and all.
    pub(super) async fn read_from_start(&self, length: u64) -> Result<Bytes, Error> {
        self.read_raw(0..length).await
    }

    /// The same member without its first bytes; of numbers in the other byte order, of so many bytes each, if there are.
    pub(super) fn without_head(mut self, head: u64, swapped: Option<u64>) -> Self {
        self.head = head;
        self.swapped = swapped.unwrap_or(1);
        // It may have read further than the header; whoever reads from there on begins anew.
        self.reader = Mutex::new(None);
        self
    }

    fn damaged(&self, reason: &str) -> Error {
        Error::new(ErrorKind::InvalidData, format!("member `{}` {reason}", self.name.escape_debug()))
    }

    /// Unpacked bytes, from the beginning of the member.
    async fn read_raw(&self, range: Range<u64>) -> Result<Bytes, Error> {
        let waiting = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut reader = match waiting.filter(|reader| reader.at <= range.start && self.goes_on(reader, &range)) {
            Some(reader) => reader,
            None => Reader::new(self.is_deflated),
        };
        let bytes = if self.is_deflated {
            self.unpack(&mut reader, &range).await?
        } else {
            if reader.at < range.start && range.start <= self.head.max(super::npy::LONGEST) {
                // Only the header is skipped: it counts for the checksum too.
                let skipped = self.stored.read(reader.at..range.start).await?;
                reader.has_given(&skipped);
            }
            let bytes = self.stored.read(range.clone()).await?;
            if reader.at == range.start {
                reader.has_given(&bytes);
            }
            bytes
        };
        if reader.at == self.size {
            if reader.hasher.clone().finalize() != self.crc32 {
                return Err(self.damaged("is damaged: its checksum is another one"));
            }
        } else {
            *self.reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(reader);
        }
        Ok(bytes)
    }

    /// Whether a reader is of any use for a range: what is stored is only read from where it has come to.
    fn goes_on(&self, reader: &Reader, range: &Range<u64>) -> bool {
        self.is_deflated || reader.at == range.start
    }

    async fn unpack(&self, reader: &mut Reader, range: &Range<u64>) -> Result<Bytes, Error> {
        let too_large = |error| {
            Error::new(ErrorKind::LimitExceeded, "so many bytes at once do not fit into memory").with_source(error)
        };
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let mut wanted = Vec::new();
        // Not more than has been unpacked: the size is what the archive claims.
        wanted.try_reserve(length.min(1 << 20)).map_err(too_large)?;
        while reader.at < range.end {
            let window = self.unpack_window(reader).await?;
            if window.is_empty() {
                return Err(self.damaged("ends early"));
            }
            let start = reader.at;
            let skipped = usize::try_from(range.start.saturating_sub(start)).unwrap_or(usize::MAX).min(window.len());
            let left = usize::try_from(range.end - start).unwrap_or(usize::MAX).min(window.len());
            let (given, behind) = window.split_at(left);
            wanted.try_reserve(left.saturating_sub(skipped)).map_err(too_large)?;
            wanted.extend_from_slice(given.get(skipped..).unwrap_or_default());
            reader.has_given(given);
            if let Some(unpacking) = &mut reader.unpacking {
                // What is behind the range is for the next one.
                unpacking.decoder.get_mut().extend_from_slice(behind);
            }
        }
        if reader.at == self.size {
            self.check_end(reader).await?;
        }
        Ok(wanted.into())
    }

    /// What the next stored bytes become; nothing at the end.
    async fn unpack_window(&self, reader: &mut Reader) -> Result<Vec<u8>, Error> {
        let Some(unpacking) = &mut reader.unpacking else { return Ok(Vec::new()) };
        let broken = |error| self.damaged("cannot be unpacked").with_source(error);
        loop {
            let unpacked = std::mem::take(unpacking.decoder.get_mut());
            if !unpacked.is_empty() {
                return Ok(unpacked);
            }
            if unpacking.waiting.is_empty() {
                let end = self.stored.byte_length().min(unpacking.stored + STORED_WINDOW);
                if unpacking.stored == end {
                    unpacking.decoder.try_finish().map_err(broken)?;
                    return Ok(std::mem::take(unpacking.decoder.get_mut()));
                }
                unpacking.waiting = self.stored.read(unpacking.stored..end).await?;
                unpacking.stored = end;
            }
            let next = unpacking.waiting.len().min(UNPACKED_AT_ONCE);
            let taken = unpacking.decoder.write(unpacking.waiting.get(..next).unwrap_or_default()).map_err(broken)?;
            if taken == 0 {
                // The compressed bytes are at their end, and nothing may follow them.
                return Err(self.damaged("has bytes behind its end"));
            }
            drop(unpacking.waiting.split_to(taken));
        }
    }

    /// Behind the last byte there is no other.
    async fn check_end(&self, reader: &mut Reader) -> Result<(), Error> {
        if self.unpack_window(reader).await?.is_empty() {
            return Ok(());
        }
        Err(self.damaged("has more bytes than it says"))
    }
}

impl Reader {
    fn new(is_deflated: bool) -> Self {
        let unpacking = is_deflated.then(|| Unpacking {
            decoder: DeflateDecoder::new(Vec::new()),
            stored: 0,
            waiting: Bytes::new(),
        });
        Self { at: 0, hasher: crc32fast::Hasher::new(), unpacking }
    }

    fn has_given(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.at += bytes.len() as u64;
    }
}

impl fmt::Debug for MemberSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemberSource").field("name", &self.name).field("size", &self.size).finish_non_exhaustive()
    }
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl ByteSource for MemberSource {
    fn byte_length(&self) -> u64 {
        self.size - self.head
    }

    fn version(&self) -> Option<String> {
        None
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        // Whole numbers, where bytes change places.
        let (start, end) = (range.start / self.swapped * self.swapped, range.end.next_multiple_of(self.swapped));
        let bytes = self.read_raw(self.head + start..self.head + end).await?;
        if self.swapped == 1 {
            return Ok(bytes);
        }
        let mut swapped = bytes.to_vec();
        let unit = usize::try_from(self.swapped).unwrap_or(8);
        swapped.chunks_exact_mut(unit).for_each(<[u8]>::reverse);
        let skipped = usize::try_from(range.start - start).unwrap_or(usize::MAX);
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        Ok(Bytes::from(swapped).slice(skipped..skipped + length))
    }
}
