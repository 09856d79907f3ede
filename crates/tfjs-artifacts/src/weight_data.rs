//! Weight bytes as a rope: in memory or lazily readable, never joined.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;

use crate::{BoxFuture, BoxStream, ByteSource, Error, ErrorKind};

/// All weight bytes of a model, in manifest order, as a sequence of segments.
///
/// A segment is a piece of memory ([`Bytes`], so slices share it) or a range of a [`ByteSource`] that is read
/// only when asked for. Nothing here joins segments into one buffer unless the caller asks for a range that
/// crosses them. Offsets are `u64` on every target. Cloning is cheap.
///
/// ```
/// use tfjs_artifacts::{Bytes, WeightData};
///
/// let data = WeightData::from_iter([Bytes::from_static(b"abc"), Bytes::from_static(b"defg")]);
/// assert_eq!(data.byte_length(), 7);
/// let middle = futures::executor::block_on(data.read(2..5))?;
/// assert_eq!(middle, "cde");
/// # Ok::<(), tfjs_artifacts::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct WeightData {
    segments: Arc<[Placed]>,
    byte_length: u64,
}

/// One piece of a [`WeightData`].
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "bytes are either here or elsewhere")]
pub enum Segment {
    /// Bytes in memory.
    Memory(Bytes),
    /// A range of a source, read when asked for.
    Lazy {
        /// Where the bytes are.
        source: Arc<dyn ByteSource>,
        /// Which of the source's bytes.
        range: Range<u64>,
    },
}

/// A segment and the offset of its first byte in the whole.
#[derive(Clone)]
struct Placed {
    start: u64,
    segment: Segment,
}

impl Segment {
    /// All bytes of a source, to be read when asked for.
    pub fn lazy(source: Arc<dyn ByteSource>) -> Self {
        let range = 0..source.byte_length();
        Self::Lazy { source, range }
    }

    /// The number of bytes.
    pub fn byte_length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Lazy { range, .. } => range.end.saturating_sub(range.start),
        }
    }

    /// A part of this segment; `range` lies within it.
    fn slice(&self, range: Range<u64>) -> Self {
        match self {
            Self::Memory(bytes) => Self::Memory(bytes.slice(to_usize(&range))),
            Self::Lazy { source, range: whole } => {
                Self::Lazy { source: Arc::clone(source), range: whole.start + range.start..whole.start + range.end }
            }
        }
    }

    async fn read(&self) -> Result<Bytes, Error> {
        match self {
            Self::Memory(bytes) => Ok(bytes.clone()),
            Self::Lazy { source, range } => {
                let bytes = source.read(range.clone()).await?;
                let expected = range.end - range.start;
                if bytes.len() as u64 != expected {
                    let message = format!("asked for {expected} bytes, got {}", bytes.len());
                    return Err(Error::new(ErrorKind::Transport, message));
                }
                Ok(bytes)
            }
        }
    }
}

impl WeightData {
    /// No bytes.
    pub fn empty() -> Self {
        Self::default()
    }

    /// From segments in order; empty ones are dropped.
    pub fn from_segments(segments: impl IntoIterator<Item = Segment>) -> Self {
        let mut byte_length = 0u64;
        let mut placed = Vec::new();
        for segment in segments {
            let length = segment.byte_length();
            if length > 0 {
                placed.push(Placed { start: byte_length, segment });
                byte_length = byte_length.saturating_add(length);
            }
        }
        Self { segments: placed.into(), byte_length }
    }

    /// The number of bytes.
    pub fn byte_length(&self) -> u64 {
        self.byte_length
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.byte_length == 0
    }

    /// The segments in order; none is empty.
    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().map(|placed| &placed.segment)
    }

    /// Whether every byte is in memory.
    pub fn is_in_memory(&self) -> bool {
        self.segments().all(|segment| matches!(segment, Segment::Memory(_)))
    }

    /// A part, sharing the bytes and sources of the whole. Reads nothing.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`] when the range does not lie within the bytes.
    pub fn slice(&self, range: Range<u64>) -> Result<Self, Error> {
        Ok(Self::from_segments(self.pieces(range)?))
    }

    /// A range that lies in one memory segment, shared; `None` for any other.
    pub fn shared(&self, range: Range<u64>) -> Option<Bytes> {
        let first = self.segments.partition_point(|placed| placed.end() <= range.start);
        let placed = self.segments.get(first)?;
        let Segment::Memory(bytes) = &placed.segment else { return None };
        let is_inside = placed.start <= range.start && range.start <= range.end && range.end <= placed.end();
        is_inside.then(|| bytes.slice(to_usize(&(range.start - placed.start..range.end - placed.start))))
    }

    /// Reads a range. One that lies in one memory segment is shared, not copied.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`] when the range does not lie within the bytes, and whatever a source reports.
    pub async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        match self.shared(range.clone()) {
            Some(bytes) => Ok(bytes),
            None => self.read_joined(range).await,
        }
    }

    fn read_joined(&self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, Error>> {
        Box::pin(async move {
            let mut pieces = self.pieces(range.clone())?;
            let (first, second) = match (pieces.next(), pieces.next()) {
                (None, _) => return Ok(Bytes::new()),
                (Some(only), None) => return only.read().await,
                (Some(first), Some(second)) => (first, second),
            };
            let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
            let mut joined = Vec::new();
            joined.try_reserve_exact(length).map_err(|error| too_large(&range).with_source(error))?;
            for piece in [first, second].into_iter().chain(pieces) {
                joined.extend_from_slice(&piece.read().await?);
            }
            Ok(joined.into())
        })
    }

    /// Reads a range without joining it: one piece per segment that it touches, shared where it is in memory.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`] when the range does not lie within the bytes, and whatever a source reports.
    pub async fn read_pieces(&self, range: Range<u64>) -> Result<Vec<Bytes>, Error> {
        let mut read = Vec::new();
        for piece in self.pieces(range)? {
            read.push(piece.read().await?);
        }
        Ok(read)
    }

    /// All bytes in order, in pieces of at most `window` bytes; holds one piece at a time.
    ///
    /// A piece never crosses a segment border, and a piece of a memory segment shares its bytes.
    pub fn stream(&self, window: usize) -> BoxStream<'static, Result<Bytes, Error>> {
        let window = window.max(1) as u64;
        let whole = self.clone();
        let starts = futures::stream::unfold((0usize, 0u64), move |(index, offset)| {
            let next = whole.segments.get(index).map(|placed| {
                let length = placed.segment.byte_length();
                let end = length.min(offset.saturating_add(window));
                let piece = placed.segment.slice(offset..end);
                let state = if end == length { (index + 1, 0) } else { (index, end) };
                (piece, state)
            });
            std::future::ready(next)
        });
        Box::pin(starts.then(|piece| async move { piece.read().await }))
    }

    /// The same bytes, all in memory: what is lazy is read, one allocation per segment. `on_read` hears of each
    /// segment how many bytes it had.
    ///
    /// # Errors
    /// Whatever a source reports.
    pub async fn load(&self, mut on_read: impl FnMut(u64)) -> Result<Self, Error> {
        let mut segments = Vec::with_capacity(self.segments.len());
        for segment in self.segments() {
            segments.push(Segment::Memory(segment.read().await?));
            on_read(segment.byte_length());
        }
        Ok(Self::from_segments(segments))
    }

    /// The parts of the segments that make up a range.
    fn pieces(&self, range: Range<u64>) -> Result<impl Iterator<Item = Segment>, Error> {
        if range.start > range.end || range.end > self.byte_length {
            let message =
                format!("bytes {}..{} were asked for, but there are {}", range.start, range.end, self.byte_length);
            return Err(Error::new(ErrorKind::InvalidData, message));
        }
        // Prefix sums and a binary search, so shards of any sizes are found right; the reference's
        // `CompositeArrayBuffer` guesses equal sizes and returns zeros behind a larger last shard.
        let first = self.segments.partition_point(|placed| placed.end() <= range.start);
        let overlapping = self.segments.get(first..).unwrap_or_default().iter();
        Ok(overlapping
            .take_while(move |placed| placed.start < range.end)
            .map(move |placed| {
                let start = range.start.max(placed.start) - placed.start;
                let end = range.end.min(placed.end()) - placed.start;
                placed.segment.slice(start..end)
            })
            .filter(|piece| piece.byte_length() > 0))
    }
}

impl Placed {
    fn end(&self) -> u64 {
        self.start + self.segment.byte_length()
    }
}

/// Memory segments are shorter than `usize::MAX`, and so are ranges within them.
#[expect(clippy::cast_possible_truncation, reason = "a range within a memory segment fits")]
fn to_usize(range: &Range<u64>) -> Range<usize> {
    range.start as usize..range.end as usize
}

fn too_large(range: &Range<u64>) -> Error {
    let message = format!("{} bytes at once do not fit into memory; read them in parts", range.end - range.start);
    Error::new(ErrorKind::LimitExceeded, message)
}

impl From<Bytes> for WeightData {
    fn from(bytes: Bytes) -> Self {
        Self::from_segments([Segment::Memory(bytes)])
    }
}

impl From<Vec<u8>> for WeightData {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(Bytes::from(bytes))
    }
}

impl FromIterator<Bytes> for WeightData {
    fn from_iter<I: IntoIterator<Item = Bytes>>(pieces: I) -> Self {
        Self::from_segments(pieces.into_iter().map(Segment::Memory))
    }
}

impl FromIterator<Segment> for WeightData {
    fn from_iter<I: IntoIterator<Item = Segment>>(segments: I) -> Self {
        Self::from_segments(segments)
    }
}

impl fmt::Debug for WeightData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeightData")
            .field("byte_length", &self.byte_length)
            .field("segments", &self.segments.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt as _;
    use futures::executor::block_on;
    use proptest::prelude::*;

    /// The bytes 0, 1, 2, ... in shards of the given sizes, every other one lazy.
    fn sharded(sizes: &[usize]) -> (WeightData, Vec<u8>) {
        let total: usize = sizes.iter().sum();
        #[expect(clippy::cast_possible_truncation, reason = "a test pattern may wrap")]
        let all: Vec<u8> = (0..total).map(|i| i as u8).collect();
        let mut rest = Bytes::from(all.clone());
        let segments = sizes.iter().enumerate().map(|(index, &size)| {
            let bytes = rest.split_to(size);
            if index % 2 == 0 { Segment::Memory(bytes) } else { Segment::lazy(Arc::new(Lazy(bytes))) }
        });
        (WeightData::from_segments(segments.collect::<Vec<_>>()), all)
    }

    #[derive(Debug)]
    struct Lazy(Bytes);

    #[cfg_attr(target_arch = "wasm32", async_trait::async_trait(?Send))]
    #[cfg_attr(not(target_arch = "wasm32"), async_trait::async_trait)]
    impl ByteSource for Lazy {
        fn byte_length(&self) -> u64 {
            self.0.len() as u64
        }

        fn version(&self) -> Option<String> {
            None
        }

        async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
            Ok(self.0.slice(to_usize(&range)))
        }
    }

    fn check(sizes: &[usize], range: Range<usize>) {
        let (data, all) = sharded(sizes);
        let wide = range.start as u64..range.end as u64;
        let read = block_on(data.read(wide.clone())).unwrap();
        assert_eq!(read, all[range.clone()], "{sizes:?} {range:?}");
        let sliced = data.slice(wide).unwrap();
        let streamed: Vec<Bytes> = block_on(sliced.stream(3).try_collect()).unwrap();
        assert!(streamed.iter().all(|piece| (1..=3).contains(&piece.len())));
        assert_eq!(streamed.concat(), all[range]);
    }

    /// Vectors D: composite buffers, uniform and not.
    #[test]
    fn vector_d_slices() {
        for sizes in [&[4, 4, 4, 4, 1][..], &[3, 5, 4, 5]] {
            for range in [1..13, 5..17, 0..17, 0..5, 7..17, 13..15, 0..2, 9..13] {
                check(sizes, range);
            }
        }
    }

    /// Vectors D, regressions: the reference returns zeros behind a last shard that is larger than the first.
    #[test]
    fn vector_d_larger_last_shard() {
        check(&[4, 10], 9..12);
        check(&[4, 10], 4..12);
        check(&[4, 4, 10], 12..14);
        check(&[0, 3], 0..3);
        check(&[16, 400], 32..416);
    }

    #[test]
    fn empty_ranges_and_empty_data() {
        let (data, _) = sharded(&[4, 4]);
        assert!(block_on(data.read(4..4)).unwrap().is_empty());
        assert!(block_on(WeightData::empty().read(0..0)).unwrap().is_empty());
        assert_eq!(WeightData::from(Vec::new()).segments().count(), 0);
    }

    #[test]
    #[expect(clippy::reversed_empty_ranges, reason = "that is the bad input")]
    fn ranges_outside_are_errors() {
        let (data, _) = sharded(&[4, 4]);
        for range in [0..9, 9..9, 5..4, 0..u64::MAX] {
            assert_eq!(block_on(data.read(range)).unwrap_err().kind(), ErrorKind::InvalidData);
        }
    }

    #[test]
    fn one_memory_segment_is_shared() {
        let bytes = Bytes::from(vec![7; 100]);
        let data = WeightData::from(bytes.clone());
        let read = block_on(data.read(10..20)).unwrap();
        assert_eq!(read.as_ptr(), bytes.slice(10..).as_ptr());
        assert_eq!(data.shared(10..20).unwrap().as_ptr(), read.as_ptr());
        assert_eq!(data.shared(99..101), None);
    }

    #[test]
    #[expect(clippy::reversed_empty_ranges, reason = "that is the bad input")]
    fn only_what_lies_in_one_memory_segment_is_shared() {
        let (data, _) = sharded(&[4, 4, 4]);
        assert_eq!(data.shared(8..12).unwrap(), [8, 9, 10, 11].as_slice());
        for range in [3..9, 4..8, 9..13, 12..12, 3..2] {
            assert_eq!(data.shared(range), None);
        }
    }

    #[test]
    fn a_source_that_returns_too_little_is_an_error() {
        #[derive(Debug)]
        struct Liar;
        #[cfg_attr(target_arch = "wasm32", async_trait::async_trait(?Send))]
        #[cfg_attr(not(target_arch = "wasm32"), async_trait::async_trait)]
        impl ByteSource for Liar {
            fn byte_length(&self) -> u64 {
                1 << 40
            }
            fn version(&self) -> Option<String> {
                None
            }
            async fn read(&self, _: Range<u64>) -> Result<Bytes, Error> {
                Ok(Bytes::from_static(b"ab"))
            }
        }
        let data = WeightData::from_segments([Segment::lazy(Arc::new(Liar))]);
        let error = block_on(data.read(0..1 << 39)).unwrap_err();
        assert_eq!(error.to_string(), "asked for 549755813888 bytes, got 2");
    }

    proptest! {
        #[test]
        fn any_range_of_any_shards(sizes in prop::collection::vec(0usize..9, 0..7), a in 0usize..60, b in 0usize..60) {
            let total: usize = sizes.iter().sum();
            let (start, end) = (a.min(b).min(total), a.max(b).min(total));
            check(&sizes, start..end);
        }
    }
}
