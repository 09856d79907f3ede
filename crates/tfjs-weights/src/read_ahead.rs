//! All tensors of a model in their order, with a bounded number of bytes and requests ahead of the one that is wanted.

use std::collections::VecDeque;
use std::num::{NonZeroU64, NonZeroUsize};
use std::ops::Range;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, FuturesOrdered};
use tfjs_artifacts::{BoxFuture, BoxStream, Error, Operation, Segment, WeightData, WeightSpec};

use crate::{DecodeError, Tensor, TensorReader, decode};

/// How far a stream of tensors reads ahead of the tensor that is wanted next.
///
/// Tensors that lie behind one another share a read of at most `request_bytes`, as long as they are in one piece (one file);
/// a larger tensor takes several. Weights in memory are shared, and count for nothing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadAhead {
    /// How many bytes are held or asked for at most, beside those of the tensor that is wanted.
    pub bytes: u64,
    /// How many reads are under way at most.
    pub requests: NonZeroUsize,
    /// How many bytes one read asks for at most.
    pub request_bytes: NonZeroU64,
}

impl Default for ReadAhead {
    /// 32 MiB in 8 reads of 4 MiB.
    fn default() -> Self {
        let requests = NonZeroUsize::new(8).unwrap_or(NonZeroUsize::MIN);
        let request_bytes = NonZeroU64::new(4 << 20).unwrap_or(NonZeroU64::MIN);
        Self { bytes: 32 << 20, requests, request_bytes }
    }
}

impl ReadAhead {
    /// 32 MiB in 8 reads of 4 MiB.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says how many bytes are held or asked for at most.
    #[must_use]
    pub fn with_bytes(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }

    /// Says how many reads are under way at most.
    #[must_use]
    pub fn with_requests(mut self, requests: NonZeroUsize) -> Self {
        self.requests = requests;
        self
    }

    /// Says how many bytes one read asks for at most.
    #[must_use]
    pub fn with_request_bytes(mut self, request_bytes: NonZeroU64) -> Self {
        self.request_bytes = request_bytes;
        self
    }
}

/// A tensor as it is stored: its spec and its bytes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredTensor<'a> {
    /// Its name, shape, dtype and quantization.
    pub spec: &'a WeightSpec,
    /// Its bytes. They share memory with those of tensors beside it that were read with it.
    pub bytes: Bytes,
}

impl StoredTensor<'_> {
    /// The name of the tensor.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// How many bytes it takes.
    pub fn byte_length(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Its values.
    ///
    /// # Errors
    /// What [`decode()`] reports, which names the tensor.
    pub fn decode(&self) -> Result<Tensor, Error> {
        Ok(decode(self.spec, std::slice::from_ref(&self.bytes))?)
    }
}

impl<'a> TensorReader<'a> {
    /// All tensors as they are stored, in the order of [`specs`](Self::specs), one item for each.
    ///
    /// Reads go on while the stream is polled, and end when it is dropped. An error names the tensor. One that cannot be placed
    /// is an error of its own, and those behind it follow; when a read fails, or a tensor is too large for the memory, the stream ends
    /// with it.
    ///
    /// ```
    /// use futures::TryStreamExt as _;
    /// use tfjs_artifacts::{RelPath, Shape, Weights};
    /// use tfjs_weights::{ReadAhead, Tensor, TensorReader, encode_weights};
    ///
    /// let tensors = ["a", "b", "c"].map(|name| Tensor::float32(name, Shape::scalar(), vec![0.5]));
    /// let (specs, data) = encode_weights(tensors.into_iter().collect::<Result<Vec<_>, _>>()?, None);
    /// let weights = Weights::single(specs, RelPath::parse("model.weights.bin")?, data)?;
    ///
    /// let names: Vec<_> = futures::executor::block_on(async {
    ///     let reader = TensorReader::open(&weights).await?;
    ///     reader.stored_tensors(ReadAhead::new()).map_ok(|tensor| tensor.name().to_owned()).try_collect().await
    /// })?;
    /// assert_eq!(names, ["a", "b", "c"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stored_tensors(&self, read_ahead: ReadAhead) -> BoxStream<'a, Result<StoredTensor<'a>, Error>> {
        let tensors: VecDeque<_> = (0..self.specs().len()).map(|index| self.located(index)).collect();
        let data = self.weights().data().clone();
        let located = tensors.iter().filter_map(|located| located.as_ref().ok().map(|(_, range)| range.clone()));
        let reads = plan(&data, located, read_ahead.request_bytes.get());
        let under_way = FuturesOrdered::new();
        let walk = Walk { data, read_ahead, tensors, reads, under_way, here: VecDeque::new(), taken: 0 };
        Box::pin(stream::unfold(walk, async |mut walk| walk.next().await.map(|item| (item, walk))))
    }

    /// The values of all tensors, in the order of [`specs`](Self::specs), one item for each: [`stored_tensors`](Self::stored_tensors),
    /// decoded. A tensor that cannot be decoded is an error of its own, and those behind it follow.
    ///
    /// ```
    /// use futures::TryStreamExt as _;
    /// use tfjs_artifacts::{RelPath, Shape, Weights};
    /// use tfjs_weights::{ReadAhead, Tensor, TensorReader, encode_weights};
    ///
    /// let (specs, data) = encode_weights([Tensor::float32("bias", Shape::vector(2)?, vec![0.5, 2.0])?], None);
    /// let weights = Weights::single(specs, RelPath::parse("model.weights.bin")?, data)?;
    /// futures::executor::block_on(async {
    ///     let reader = TensorReader::open(&weights).await?;
    ///     let mut tensors = reader.tensors(ReadAhead::new());
    ///     while let Some(tensor) = tensors.try_next().await? {
    ///         println!("{}: {:?}", tensor.name(), tensor.as_f32());
    ///     }
    ///     Ok::<(), Box<dyn std::error::Error>>(())
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tensors(&self, read_ahead: ReadAhead) -> BoxStream<'a, Result<Tensor, Error>> {
        Box::pin(self.stored_tensors(read_ahead).map(|stored| stored?.decode()))
    }
}

/// A range that is read in one go.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Read {
    range: Range<u64>,
    /// How much of the bound it takes: nothing, if the bytes are in memory.
    cost: u64,
}

impl Read {
    fn lazy(range: Range<u64>) -> Self {
        let cost = range.end - range.start;
        Self { range, cost }
    }
}

/// What to read, in order: ranges that each lie in one segment and cover all of `located`, which ascend.
fn plan(data: &WeightData, located: impl Iterator<Item = Range<u64>>, most: u64) -> VecDeque<Read> {
    let mut start = 0;
    let mut segments = data.segments().map(|segment| {
        let range = start..start + segment.byte_length();
        start = range.end;
        (range, matches!(segment, Segment::Memory(_)))
    });
    let mut segment = segments.next();
    let mut reads = VecDeque::<Read>::new();
    for range in located {
        let mut at = range.start;
        while let Some((of_segment, is_memory)) = &segment
            && at < range.end
        {
            if of_segment.end <= at {
                segment = segments.next();
                continue;
            }
            let end = range.end.min(of_segment.end);
            // What is in memory is shared as it is: one piece for each tensor, so that it can be borrowed.
            let is_next_to = |last: &Read| last.range.end == at && last.range.start >= of_segment.start;
            let joined =
                reads.back_mut().filter(|last| !*is_memory && is_next_to(last) && end - last.range.start <= most);
            at = match joined {
                Some(last) => {
                    *last = Read::lazy(last.range.start..end);
                    end
                }
                None if *is_memory => {
                    reads.push_back(Read { range: at..end, cost: 0 });
                    end
                }
                None => {
                    let end = end.min(at.saturating_add(most));
                    reads.push_back(Read::lazy(at..end));
                    end
                }
            };
        }
    }
    reads
}

/// A stream under way.
struct Walk<'a> {
    data: WeightData,
    read_ahead: ReadAhead,
    /// The tensors that have not been given out.
    tensors: VecDeque<Result<(&'a WeightSpec, Range<u64>), Error>>,
    /// What has not been asked for.
    reads: VecDeque<Read>,
    under_way: FuturesOrdered<BoxFuture<'static, Result<(Read, Bytes), Error>>>,
    /// What was read and not given out to its end.
    here: VecDeque<(Read, Bytes)>,
    /// The sum of what is under way and here.
    taken: u64,
}

impl<'a> Walk<'a> {
    async fn next(&mut self) -> Option<Result<StoredTensor<'a>, Error>> {
        let (spec, range) = match self.tensors.pop_front()? {
            Ok(located) => located,
            Err(error) => return Some(Err(error)),
        };
        let stored = self.gather(spec, range).await.map(|bytes| StoredTensor { spec, bytes });
        if stored.is_err() {
            self.tensors.clear();
        }
        Some(stored)
    }

    /// The bytes of one tensor: a part of a read, or several joined as they arrive.
    async fn gather(&mut self, spec: &WeightSpec, range: Range<u64>) -> Result<Bytes, Error> {
        self.forget_until(range.start);
        let mut joined = Vec::new();
        let mut at = range.start;
        while at < range.end {
            let Some((read, bytes)) = self.here.front() else {
                self.begin_reads(range.end);
                // All of the tensor is among what is read, so there is a next one.
                let Some(read) = self.under_way.next().await else { break };
                self.here.push_back(read.map_err(|error| of_tensor(error, spec))?);
                continue;
            };
            let end = read.range.end.min(range.end);
            let part = part(&read.range, bytes, &(at..end));
            if at == range.start && end == range.end {
                self.forget_until(end);
                return Ok(part);
            }
            if joined.is_empty() {
                reserve(&mut joined, spec, range.end - range.start)?;
            }
            joined.extend_from_slice(&part);
            at = end;
            self.forget_until(at);
        }
        Ok(joined.into())
    }

    /// Asks for more, as far as the bounds allow; what lies before `wanted` in any case.
    fn begin_reads(&mut self, wanted: u64) {
        while let Some(read) = self.reads.front()
            && self.under_way.len() < self.read_ahead.requests.get()
            && (self.taken.saturating_add(read.cost) <= self.read_ahead.bytes || read.range.start < wanted)
            && let Some(read) = self.reads.pop_front()
        {
            self.taken = self.taken.saturating_add(read.cost);
            let data = self.data.clone();
            self.under_way.push_back(Box::pin(async move {
                let bytes = data.read(read.range.clone()).await?;
                Ok((read, bytes))
            }));
        }
    }

    /// Gives away what was read before an offset.
    fn forget_until(&mut self, offset: u64) {
        while let Some((read, _)) = self.here.pop_front_if(|(read, _)| read.range.end <= offset) {
            self.taken = self.taken.saturating_sub(read.cost);
        }
    }
}

/// The bytes of a part of a read.
fn part(read: &Range<u64>, bytes: &Bytes, wanted: &Range<u64>) -> Bytes {
    let at = |offset: u64| usize::try_from(offset.saturating_sub(read.start)).unwrap_or(usize::MAX).min(bytes.len());
    bytes.slice(at(wanted.start)..at(wanted.end))
}

/// Makes room for all of a tensor, if there is any.
fn reserve(joined: &mut Vec<u8>, spec: &WeightSpec, bytes: u64) -> Result<(), Error> {
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    let name = spec.name.clone();
    joined.try_reserve_exact(bytes).map_err(|_| DecodeError::TooLarge { name, bytes }.into())
}

fn of_tensor(error: Error, spec: &WeightSpec) -> Error {
    let message = format!("the bytes of tensor `{}` could not be read", spec.name);
    let named = Error::new(error.kind(), message).with_operation(Operation::Read);
    match error.retry_after() {
        Some(wait) => named.with_retry_after(wait),
        None => named,
    }
    .with_source(error)
}
