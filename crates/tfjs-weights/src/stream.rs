//! Tensors out of bytes that arrive in pieces.

use std::collections::VecDeque;

use bytes::{Buf as _, Bytes};
use futures::{Stream, StreamExt as _};
use tfjs_artifacts::{Error, Limit, LimitError, Limits, StoredSize, WeightSpec};

use crate::arriving::Arriving;
use crate::{DecodeError, Tensor};

/// Decodes tensors from chunks of any sizes, in the order of their specs, each once.
///
/// Time is linear in the bytes, also for chunks of one byte. Values are decoded as their bytes come: between calls it holds
/// those of one unfinished tensor, and what was pushed and not taken yet. So push a chunk, then take tensors until there is
/// none. A tensor that lies in one chunk shares its bytes where [`decode()`](crate::decode()) would.
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
    limits: Limits,
    /// What there is more of than is accepted: nothing is decoded.
    refused: Option<LimitError>,
}

/// Decodes tensors from a stream of chunks, in the order of their specs, within the default limits.
///
/// The stream of tensors ends with the chunks, or with the first error: bytes behind the last tensor are one as soon as they
/// come, so a sender of too much is not listened to. It holds one tensor and one chunk.
pub fn decode_stream(
    specs: Vec<WeightSpec>,
    chunks: impl Stream<Item = Result<Bytes, Error>> + Unpin,
) -> impl Stream<Item = Result<Tensor, Error>> {
    decode_stream_with(specs, chunks, &Limits::new())
}

/// As [`decode_stream`], within these limits.
pub fn decode_stream_with<S: Stream<Item = Result<Bytes, Error>> + Unpin>(
    specs: Vec<WeightSpec>,
    chunks: S,
    limits: &Limits,
) -> impl Stream<Item = Result<Tensor, Error>> + use<S> {
    let state = Some((StreamDecoder::new(specs).with_limits(limits), chunks));
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
        if decoder.has_surplus() {
            return Ok(decoder.finish().map(|()| None)?);
        }
        match chunks.next().await {
            Some(chunk) => decoder.push(chunk?),
            None => return Ok(decoder.finish().map(|()| None)?),
        }
    }
}

impl StreamDecoder {
    /// For tensors that follow each other in the bytes to come, within the default limits.
    pub fn new(specs: Vec<WeightSpec>) -> Self {
        let limits = Limits::new();
        let refused = limits.check_specs(&specs).err();
        Self { specs: specs.into_iter(), current: None, pushed: VecDeque::new(), lost: None, limits, refused }
    }

    /// Says how much of what the specs of the tensors to come, and lengths of strings, claim is believed. What is beyond is
    /// what the next call reports.
    #[must_use]
    pub fn with_limits(mut self, limits: &Limits) -> Self {
        self.limits = *limits;
        self.refused = limits.check_specs(self.specs.as_slice()).err();
        self
    }

    /// Takes the next bytes; they are shared, not copied.
    pub fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.pushed.push_back(chunk);
        }
    }

    /// The next tensor; `None` if its bytes are not all there yet, or there is no further one.
    ///
    /// # Errors
    /// [`DecodeError`] when the tensor cannot be decoded. The next call goes on behind it, if its length is known;
    /// [`DecodeError::Limit`] is final.
    pub fn next_tensor(&mut self) -> Result<Option<Tensor>, DecodeError> {
        if let Some(refused) = &self.refused {
            return Err(refused.clone().into());
        }
        if self.current.is_none() {
            let Some(spec) = self.specs.next() else { return Ok(None) };
            self.current = Some(self.begin(spec)?);
        }
        if let Some(current) = &mut self.current {
            while let Some(chunk) = self.pushed.front_mut()
                && !current.is_complete()
            {
                current.take_from(chunk);
                if let Err(error) = current.check(&self.limits) {
                    self.refused = Some(error.clone());
                    return Err(error.into());
                }
                if chunk.is_empty() {
                    self.pushed.pop_front();
                }
            }
        }
        match self.current.take_if(|current| current.is_complete()) {
            Some(complete) => complete.into_tensor().map(Some),
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
        Ok(Unfinished { values: Arriving::new(&spec), spec, missing })
    }

    /// Whether bytes have come that no tensor is left for.
    pub fn has_surplus(&self) -> bool {
        self.current.is_none() && self.specs.as_slice().is_empty() && !self.pushed.is_empty()
    }

    /// Says that there are no more bytes, when all tensors have been taken.
    ///
    /// # Errors
    /// [`DecodeError::Ended`] when a tensor is missing or not all there, [`DecodeError::Surplus`] when bytes are left over,
    /// [`DecodeError::NotTaken`] when [`next_tensor`](Self::next_tensor) would have given one more, and what it reports.
    pub fn finish(&mut self) -> Result<(), DecodeError> {
        if let Some(tensor) = self.next_tensor()? {
            return Err(DecodeError::NotTaken { name: tensor.name().to_owned() });
        }
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
    values: Arriving,
}

impl Unfinished {
    fn is_complete(&self) -> bool {
        self.missing.at_least() == 0
    }

    /// Moves what belongs to the tensor out of a chunk.
    fn take_from(&mut self, chunk: &mut Bytes) {
        let length = self.missing.count(chunk);
        self.values.take(&self.spec, chunk.split_to(length), self.is_complete());
    }

    /// Whether the lengths of its strings are what is accepted.
    fn check(&self, limits: &Limits) -> Result<(), LimitError> {
        let Missing::Strings(prefixes) = &self.missing else { return Ok(()) };
        let checked = limits.check(Limit::StringBytes, prefixes.longest.into());
        checked.map_err(|error| error.of(format!("a string of tensor `{}`", self.spec.name)))
    }

    fn into_tensor(self) -> Result<Tensor, DecodeError> {
        self.values.into_tensor(self.spec)
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
    /// The longest so far.
    longest: u32,
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
                    let length = u32::from_le_bytes(self.prefix);
                    self.missing = length.into();
                    self.longest = self.longest.max(length);
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
