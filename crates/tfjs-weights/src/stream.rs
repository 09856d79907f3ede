//! Tensors out of bytes that arrive in pieces.

use std::collections::VecDeque;

use bytes::{Buf as _, Bytes, BytesMut};
use futures::{Stream, StreamExt as _};
use tfjs_artifacts::{Error, StoredSize, WeightSpec};

use crate::{DecodeError, Tensor, decode};

/// Decodes tensors from chunks of any sizes, in the order of their specs, each once.
///
/// Time is linear in the bytes, also for chunks of one byte. Between calls it holds the bytes of one unfinished tensor and
/// what was pushed and not decoded yet: push a chunk, then take tensors until there is none.
///
/// ```
/// use tfjs_artifacts::{Bytes, DType, Shape, WeightSpec};
/// use tfjs_weights::StreamDecoder;
///
/// let specs = vec![WeightSpec::new("a", Shape::vector(2)?, DType::Int32)];
/// let mut decoder = StreamDecoder::new(specs);
/// decoder.push(Bytes::from_static(&[1, 0, 0]));
/// assert_eq!(decoder.next_tensor()?, None);
/// decoder.push(Bytes::from_static(&[0, 2, 0, 0, 0]));
/// assert_eq!(decoder.next_tensor()?.as_ref().and_then(|tensor| tensor.as_i32()), Some(&[1, 2][..]));
/// decoder.finish()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct StreamDecoder {
    specs: std::vec::IntoIter<WeightSpec>,
    current: Option<Unfinished>,
    /// Chunks that were pushed and belong to no finished or unfinished tensor yet.
    pushed: VecDeque<Bytes>,
    /// The tensor of unknown length behind which nothing can be found.
    lost: Option<String>,
}

/// Decodes tensors from a stream of chunks, in the order of their specs.
///
/// The stream of tensors ends with the last spec, or with the first error.
pub fn decode_stream(
    specs: Vec<WeightSpec>,
    chunks: impl Stream<Item = Result<Bytes, Error>> + Unpin,
) -> impl Stream<Item = Result<Tensor, Error>> {
    let state = Some((StreamDecoder::new(specs), chunks));
    futures::stream::unfold(state, async |state| {
        let (mut decoder, mut chunks) = state?;
        match next_from(&mut decoder, &mut chunks).await {
            Ok(tensor) => tensor.map(|tensor| (Ok(tensor), Some((decoder, chunks)))),
            Err(error) => Some((Err(error), None)),
        }
    })
}

async fn next_from(
    decoder: &mut StreamDecoder,
    chunks: &mut (impl Stream<Item = Result<Bytes, Error>> + Unpin),
) -> Result<Option<Tensor>, Error> {
    loop {
        if let Some(tensor) = decoder.next_tensor()? {
            return Ok(Some(tensor));
        }
        match chunks.next().await {
            Some(chunk) => decoder.push(chunk?),
            None => return Ok(decoder.finish().map(|()| None)?),
        }
    }
}

impl StreamDecoder {
    /// For tensors that follow each other in the bytes to come.
    pub fn new(specs: Vec<WeightSpec>) -> Self {
        Self { specs: specs.into_iter(), current: None, pushed: VecDeque::new(), lost: None }
    }

    /// Takes the next bytes; they are shared, not copied, unless they are few.
    pub fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.pushed.push_back(chunk);
        }
    }

    /// The next tensor; `None` if its bytes are not all there yet, or there is no further one.
    ///
    /// # Errors
    /// [`DecodeError`] when the tensor cannot be decoded. The next call goes on behind it, if its length is known.
    pub fn next_tensor(&mut self) -> Result<Option<Tensor>, DecodeError> {
        if self.current.is_none() {
            let Some(spec) = self.specs.next() else { return Ok(None) };
            self.current = Some(self.begin(spec)?);
        }
        if let Some(current) = &mut self.current {
            while let Some(chunk) = self.pushed.front_mut()
                && !current.is_complete()
            {
                current.take_from(chunk);
                if chunk.is_empty() {
                    self.pushed.pop_front();
                }
            }
        }
        match self.current.take_if(|current| current.is_complete()) {
            Some(complete) => complete.decode().map(Some),
            None => Ok(None),
        }
    }

    fn begin(&mut self, spec: WeightSpec) -> Result<Unfinished, DecodeError> {
        if let Some(because_of) = self.lost.clone() {
            return Err(DecodeError::Unplaced { name: spec.name, because_of });
        }
        let missing = match spec.stored_size() {
            StoredSize::Exact(bytes) => Missing::Bytes(bytes),
            StoredSize::Strings(strings) => Missing::Strings(Prefixes { strings, ..Prefixes::default() }),
            StoredSize::Unknown => {
                self.lost = Some(spec.name.clone());
                return Err(DecodeError::UnsupportedDType { name: spec.name, dtype: spec.dtype });
            }
        };
        Ok(Unfinished { spec, missing, pieces: Pieces::default() })
    }

    /// Says that there are no more bytes, when all tensors have been taken.
    ///
    /// # Errors
    /// [`DecodeError::Ended`] when a tensor is missing or not all there, [`DecodeError::Surplus`] when bytes are left over.
    pub fn finish(&mut self) -> Result<(), DecodeError> {
        let unfinished = match self.current.take() {
            Some(current) => Some((current.spec.name, current.missing.at_least())),
            None => self.specs.next().map(|spec| (spec.name.clone(), spec.stored_size().at_least())),
        };
        if let Some((name, missing)) = unfinished {
            return Err(DecodeError::Ended { name, missing });
        }
        match self.pushed.iter().map(|chunk| chunk.len() as u64).sum() {
            0 => Ok(()),
            bytes => Err(DecodeError::Surplus { bytes }),
        }
    }
}

/// A tensor whose bytes are arriving.
#[derive(Debug)]
struct Unfinished {
    spec: WeightSpec,
    missing: Missing,
    pieces: Pieces,
}

impl Unfinished {
    fn is_complete(&self) -> bool {
        self.missing.at_least() == 0
    }

    /// Moves what belongs to the tensor out of a chunk.
    fn take_from(&mut self, chunk: &mut Bytes) {
        let length = self.missing.count(chunk);
        self.pieces.add(chunk.split_to(length));
    }

    fn decode(self) -> Result<Tensor, DecodeError> {
        decode(&self.spec, &self.pieces.into_vec())
    }
}

/// What a tensor still lacks.
#[derive(Debug)]
enum Missing {
    Bytes(u64),
    Strings(Prefixes),
}

impl Missing {
    /// How many bytes of the chunk belong to the tensor; they are missing no longer.
    fn count(&mut self, chunk: &[u8]) -> usize {
        match self {
            Self::Bytes(missing) => {
                let length = usize::try_from(*missing).unwrap_or(usize::MAX).min(chunk.len());
                *missing -= length as u64;
                length
            }
            Self::Strings(prefixes) => prefixes.count(chunk),
        }
    }

    /// The fewest bytes that are missing; 0 only if none is.
    fn at_least(&self) -> u64 {
        match self {
            Self::Bytes(missing) => *missing,
            Self::Strings(prefixes) => prefixes.at_least(),
        }
    }
}

/// Where in its strings a string tensor is: each is a length in four bytes, little-endian, and as many bytes.
#[derive(Debug, Default)]
struct Prefixes {
    /// How many strings are not complete.
    strings: u64,
    /// What is there of the length of the first of them.
    prefix: [u8; 4],
    prefix_bytes: usize,
    /// How many of its bytes are missing, if its length is known.
    missing: u64,
}

impl Prefixes {
    fn count(&mut self, chunk: &[u8]) -> usize {
        let mut rest = chunk;
        while self.strings > 0 && !rest.is_empty() {
            if self.prefix_bytes < 4 {
                if let Some(slot) = self.prefix.get_mut(self.prefix_bytes) {
                    *slot = rest.get_u8();
                }
                self.prefix_bytes += 1;
                if self.prefix_bytes == 4 {
                    self.missing = u32::from_le_bytes(self.prefix).into();
                }
            } else {
                let length = usize::try_from(self.missing).unwrap_or(usize::MAX).min(rest.len());
                rest.advance(length);
                self.missing -= length as u64;
            }
            if self.prefix_bytes == 4 && self.missing == 0 {
                self.strings -= 1;
                self.prefix_bytes = 0;
            }
        }
        chunk.len() - rest.len()
    }

    fn at_least(&self) -> u64 {
        (self.strings * 4).saturating_sub(self.prefix_bytes as u64).saturating_add(self.missing)
    }
}

/// The bytes of a tensor so far: large pieces shared with their chunks, small ones gathered.
#[derive(Debug, Default)]
struct Pieces {
    whole: Vec<Bytes>,
    gathered: BytesMut,
}

/// Below this a piece is copied: a `Bytes` of its own costs more.
const SMALL: usize = 4 << 10;
/// How much is gathered before it becomes a piece.
const GATHERED: usize = 64 << 10;

impl Pieces {
    fn add(&mut self, piece: Bytes) {
        if piece.len() < SMALL {
            self.gathered.extend_from_slice(&piece);
            if self.gathered.len() >= GATHERED {
                self.flush();
            }
        } else {
            self.flush();
            self.whole.push(piece);
        }
    }

    fn flush(&mut self) {
        if !self.gathered.is_empty() {
            self.whole.push(self.gathered.split().freeze());
        }
    }

    fn into_vec(mut self) -> Vec<Bytes> {
        self.flush();
        self.whole
    }
}
