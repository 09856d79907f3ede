//! Weights on JavaScript's side: written window by window, and read from there when they are used, so that the memory of
//! WebAssembly, which never shrinks, does not grow with the model.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt as _;
use js_sys::{Array, ArrayBuffer, Function, Reflect, Uint8Array};
use tfjs_artifacts::{BoxStream, ByteSource, Error, ErrorKind, ShardLayout, Weights};
use tfjs_router::{Digests, ProgressMeter, SaveOptions};
use wasm_bindgen::{JsCast as _, JsValue};

use crate::error::thrown;

/// How much crosses between the two memories at once.
const WINDOW: usize = 1 << 20;

/// The largest single buffer that is asked for. Weights beyond it become an array of equal chunks, which TensorFlow.js loads
/// as well: its `CompositeArrayBuffer` wants all chunks but the last to be of one size.
const MOST_IN_ONE: u64 = 512 << 20;

/// The size of such a chunk: TensorFlow.js may have to find room for it, too.
const CHUNK: u64 = 256 << 20;

/// Weights on their way into JavaScript's memory.
pub(super) struct Incoming<'a> {
    windows: BoxStream<'static, Result<Bytes, Error>>,
    rest: Bytes,
    total: u64,
    digests: Digests,
    meter: &'a mut ProgressMeter,
}

impl<'a> Incoming<'a> {
    pub(super) fn new(
        weights: &Weights,
        layout: &ShardLayout,
        options: &SaveOptions,
        meter: &'a mut ProgressMeter,
    ) -> Self {
        let data = weights.data();
        let digests = Digests::new(weights, layout, options.checksums);
        Self { windows: data.stream(WINDOW), rest: Bytes::new(), total: data.byte_length(), digests, meter }
    }

    /// The next so many bytes, which are there.
    pub(super) async fn take(&mut self, size: u64) -> Result<ArrayBuffer, Error> {
        let buffer = allocate(size)?;
        let mut at = 0;
        while u64::from(at) < size {
            if self.rest.is_empty() {
                self.rest = self.windows.try_next().await?.ok_or_else(|| {
                    Error::new(ErrorKind::Transport, format!("the weights ended before their {} bytes", self.total))
                })?;
                self.digests.update(&self.rest);
                self.meter.advance(self.rest.len() as u64);
            }
            let room = usize::try_from(size - u64::from(at)).unwrap_or(usize::MAX);
            let piece = self.rest.split_to(self.rest.len().min(room));
            let end = at + u32::try_from(piece.len()).unwrap_or_default();
            buffer.subarray(at, end).copy_from(&piece);
            at = end;
        }
        Ok(buffer.buffer())
    }

    /// All of them, as the `weightData` of a record: a buffer, or an array of them.
    pub(super) async fn take_all(&mut self) -> Result<JsValue, Error> {
        if self.total <= MOST_IN_ONE {
            return Ok(self.take(self.total).await?.into());
        }
        let buffers = Array::new();
        for size in sizes(self.total, CHUNK) {
            buffers.push(self.take(size).await?.as_ref());
        }
        Ok(buffers.into())
    }

    /// Compares the checksums, and puts new ones into the layout.
    pub(super) fn finish(self, weights: &Weights, layout: &mut ShardLayout) -> Result<(), Error> {
        self.digests.finish(weights, layout).map(drop)
    }
}

/// The sizes of equal chunks, the last one smaller.
pub(super) fn sizes(total: u64, chunk: u64) -> impl Iterator<Item = u64> {
    (0..total.div_ceil(chunk)).map(move |index| chunk.min(total - index * chunk))
}

/// `new ArrayBuffer(size)`, which throws where `Uint8Array::new_with_length` would trap.
fn allocate(size: u64) -> Result<Uint8Array, Error> {
    #[expect(clippy::cast_precision_loss, reason = "a chunk is far below 2^53 bytes")]
    let size = JsValue::from_f64(size as f64);
    let constructor = Reflect::get(&js_sys::global(), &"ArrayBuffer".into());
    let buffer = constructor.and_then(|new| Reflect::construct(new.unchecked_ref::<Function>(), &Array::of1(&size)));
    buffer.map(|buffer| Uint8Array::new(&buffer)).map_err(|error| {
        thrown(&error, "the browser has no memory for the weights; save to `opfs://`, which takes them in a stream")
    })
}

/// The `weightData` of a record.
#[derive(Debug)]
pub(super) struct StoredWeights {
    buffers: Vec<Placed>,
    byte_length: u64,
    version: String,
}

/// A buffer, and the offset of its first byte.
#[derive(Debug)]
struct Placed {
    start: u64,
    bytes: Uint8Array,
}

impl StoredWeights {
    /// Takes a buffer or an array of them, as TensorFlow.js does. The version is of the whole record.
    pub(super) fn new(weight_data: &JsValue, version: String) -> Result<Self, Error> {
        let values = match weight_data.dyn_ref::<Array>() {
            Some(array) => array.clone(),
            None => Array::of1(weight_data),
        };
        // Not made for as many as the array claims to have.
        let (mut buffers, mut byte_length) = (Vec::new(), 0);
        for value in values.iter() {
            let Some(buffer) = value.dyn_ref::<ArrayBuffer>() else {
                let message = "the `weightData` of the record is neither an ArrayBuffer nor an array of them";
                return Err(Error::new(ErrorKind::InvalidData, message));
            };
            let bytes = Uint8Array::new(buffer);
            let start = byte_length;
            byte_length += u64::from(bytes.length());
            buffers.push(Placed { start, bytes });
        }
        Ok(Self { buffers, byte_length, version })
    }
}

#[async_trait(?Send)]
impl ByteSource for StoredWeights {
    fn byte_length(&self) -> u64 {
        self.byte_length
    }

    fn version(&self) -> Option<String> {
        Some(self.version.clone())
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        let mut read = reserve(&range)?;
        for Placed { start, bytes } in &self.buffers {
            append(&mut read, bytes, *start, &range);
        }
        Ok(read.into())
    }
}

/// Room for a range, if there is so much.
pub(super) fn reserve(range: &Range<u64>) -> Result<Vec<u8>, Error> {
    let length = range.end.saturating_sub(range.start);
    let mut bytes = Vec::new();
    let reserved = usize::try_from(length).ok().map(|length| bytes.try_reserve_exact(length));
    if !matches!(reserved, Some(Ok(()))) {
        let message = format!(
            "{length} bytes at once do not fit into the memory of WebAssembly; load lazily and read them in parts"
        );
        return Err(Error::new(ErrorKind::LimitExceeded, message));
    }
    Ok(bytes)
}

/// Appends what a buffer that begins at an offset has of a range; without a copy in between.
pub(super) fn append(read: &mut Vec<u8>, bytes: &Uint8Array, start: u64, range: &Range<u64>) {
    let end = start + u64::from(bytes.length());
    let (from, to) = (range.start.max(start), range.end.min(end));
    if from >= to {
        return;
    }
    let at = |offset: u64| u32::try_from(offset - start).unwrap_or(u32::MAX);
    let part = bytes.subarray(at(from), at(to));
    if (from, to) == (range.start, range.end) {
        // All of it at once needs no zeros to be written first. The room that was reserved is given back, and had again.
        *read = Vec::new();
        *read = part.to_vec();
        return;
    }
    let filled = read.len();
    read.resize(filled + part.length() as usize, 0);
    if let Some(free) = read.get_mut(filled..) {
        part.copy_to(free);
    }
}
