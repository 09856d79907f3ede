//! Weights on JavaScript's side: written window by window, and read from there when they are used, so that the memory of
//! WebAssembly, which never shrinks, does not grow with the model.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt as _;
use js_sys::{Array, ArrayBuffer, Reflect, Uint8Array};
use tfjs_artifacts::{ByteSource, Error, ErrorKind, ShardLayout, Weights};
use tfjs_router::{Digests, ProgressMeter, SaveOptions};
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::Blob;

use crate::blob_parts::BlobParts;
use crate::blob_source::BlobSource;
use crate::error::thrown;

/// How much crosses between the two memories at once.
const WINDOW: usize = 1 << 20;

/// The largest single buffer that is asked for. Weights beyond it become an array of equal chunks, which TensorFlow.js loads
/// as well: its `CompositeArrayBuffer` wants all chunks but the last to be of one size.
const MOST_IN_ONE: u64 = 512 << 20;

/// The most that is put as buffers: a record of a gibibyte of them is refused by Chromium (`Failed to write blobs
/// (InvalidBlob)`). Beyond that the chunks are Blobs, of which a record may hold any number. TensorFlow.js loads no such model,
/// and could not save one either.
const MOST_IN_BUFFERS: u64 = 960 << 20;

/// The size of a chunk: TensorFlow.js may have to find room for it, too.
const CHUNK: u64 = 256 << 20;

/// Copies weights into one buffer, or an array of buffers, or of Blobs: the `weightData` of a record.
pub(super) async fn write(
    weights: &Weights,
    layout: &mut ShardLayout,
    options: &SaveOptions,
    meter: &mut ProgressMeter,
) -> Result<JsValue, Error> {
    let total = weights.data().byte_length();
    let mut digests = Digests::new(weights, layout, options.checksums);
    let mut windows = weights.data().stream(WINDOW);
    let mut rest = Bytes::new();
    let chunks = Array::new();
    for size in if total <= MOST_IN_ONE { vec![total] } else { chunk_sizes(total).collect() } {
        let mut chunk = Chunk::new(size, total > MOST_IN_BUFFERS)?;
        let mut missing = size;
        while missing > 0 {
            if rest.is_empty() {
                rest = windows.try_next().await?.ok_or_else(|| {
                    Error::new(ErrorKind::Transport, format!("the weights ended before their {total} bytes"))
                })?;
                digests.update(&rest);
                meter.advance(rest.len() as u64);
            }
            let piece = rest.split_to(rest.len().min(usize::try_from(missing).unwrap_or(usize::MAX)));
            chunk.push(&piece)?;
            missing -= piece.len() as u64;
        }
        chunks.push(&chunk.finish()?);
    }
    digests.finish(weights, layout)?;
    Ok(if total <= MOST_IN_ONE { chunks.get(0) } else { chunks.into() })
}

fn chunk_sizes(total: u64) -> impl Iterator<Item = u64> {
    (0..total.div_ceil(CHUNK)).map(move |index| CHUNK.min(total - index * CHUNK))
}

/// A part of the weights on its way.
enum Chunk {
    Buffer { bytes: Uint8Array, filled: u32 },
    Blob(BlobParts),
}

impl Chunk {
    fn new(size: u64, as_blob: bool) -> Result<Self, Error> {
        if as_blob { Ok(Self::Blob(BlobParts::default())) } else { Ok(Self::Buffer { bytes: allocate(size)?, filled: 0 }) }
    }

    fn push(&mut self, piece: &[u8]) -> Result<(), Error> {
        match self {
            Self::Buffer { bytes, filled } => {
                let end = *filled + u32::try_from(piece.len()).unwrap_or_default();
                bytes.subarray(*filled, end).copy_from(piece);
                *filled = end;
                Ok(())
            }
            Self::Blob(parts) => parts.push(piece).map_err(|error| no_memory(&error)),
        }
    }

    fn finish(self) -> Result<JsValue, Error> {
        match self {
            Self::Buffer { bytes, .. } => Ok(bytes.buffer().into()),
            Self::Blob(parts) => {
                parts.finish("application/octet-stream").map(Into::into).map_err(|error| no_memory(&error))
            }
        }
    }
}

/// `new ArrayBuffer(size)`, which throws where `Uint8Array::new_with_length` would trap.
fn allocate(size: u64) -> Result<Uint8Array, Error> {
    #[expect(clippy::cast_precision_loss, reason = "a chunk is far below 2^53 bytes")]
    let size = JsValue::from_f64(size as f64);
    let constructor = Reflect::get(&js_sys::global(), &"ArrayBuffer".into());
    let buffer = constructor.and_then(|new| Reflect::construct(new.unchecked_ref::<js_sys::Function>(), &Array::of1(&size)));
    buffer.map(|buffer| Uint8Array::new(&buffer)).map_err(|error| no_memory(&error))
}

fn no_memory(error: &JsValue) -> Error {
    thrown(error, "the browser has no memory for the weights; save to `opfs://`, which takes them in a stream")
}

/// The `weightData` of a record.
#[derive(Debug)]
pub(super) struct StoredWeights {
    chunks: Vec<Placed>,
    byte_length: u64,
    version: String,
}

/// A chunk, and the offset of its first byte.
#[derive(Debug)]
struct Placed {
    start: u64,
    end: u64,
    chunk: StoredChunk,
}

#[derive(Debug)]
enum StoredChunk {
    Buffer(Uint8Array),
    Blob(BlobSource),
}

impl StoredWeights {
    /// Takes a buffer or an array of them, as TensorFlow.js does, or of Blobs. The version is of the whole record.
    pub(super) fn new(weight_data: &JsValue, location: &str, version: &str) -> Result<Self, Error> {
        let values: Vec<_> = match weight_data.dyn_ref::<Array>() {
            Some(array) => array.iter().collect(),
            None => vec![weight_data.clone()],
        };
        let (mut chunks, mut start) = (Vec::with_capacity(values.len()), 0);
        for value in values {
            let chunk = StoredChunk::new(value, location, version)?;
            let end = start + chunk.byte_length();
            chunks.push(Placed { start, end, chunk });
            start = end;
        }
        Ok(Self { chunks, byte_length: start, version: version.to_owned() })
    }
}

impl StoredChunk {
    fn new(value: JsValue, location: &str, version: &str) -> Result<Self, Error> {
        let value = match value.dyn_into::<ArrayBuffer>() {
            Ok(buffer) => return Ok(Self::Buffer(Uint8Array::new(&buffer))),
            Err(value) => value,
        };
        match value.dyn_into::<Blob>() {
            Ok(blob) => Ok(Self::Blob(BlobSource::new(blob, location, Some(version.to_owned())))),
            Err(_) => {
                let message = "the `weightData` of the record is neither an ArrayBuffer nor an array of them";
                Err(Error::new(ErrorKind::InvalidData, message))
            }
        }
    }

    fn byte_length(&self) -> u64 {
        match self {
            Self::Buffer(bytes) => u64::from(bytes.length()),
            Self::Blob(blob) => blob.byte_length(),
        }
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
        let length = range.end - range.start;
        let mut read = Vec::new();
        let reserved = usize::try_from(length).ok().map(|length| read.try_reserve_exact(length));
        if !matches!(reserved, Some(Ok(()))) {
            let message = format!(
                "{length} bytes at once do not fit into the memory of WebAssembly; load lazily and read them in parts"
            );
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        }
        for Placed { start, end, chunk } in &self.chunks {
            let (from, to) = (range.start.max(*start), range.end.min(*end));
            if from >= to {
                continue;
            }
            match chunk {
                StoredChunk::Buffer(bytes) => {
                    let at = |offset: u64| u32::try_from(offset - start).unwrap_or(u32::MAX);
                    append(&mut read, &bytes.subarray(at(from), at(to)));
                }
                StoredChunk::Blob(blob) if from == range.start && to == range.end => {
                    return blob.read(from - start..to - start).await;
                }
                StoredChunk::Blob(blob) => read.extend_from_slice(&blob.read(from - start..to - start).await?),
            }
        }
        Ok(read.into())
    }
}

/// Appends without a copy in between.
fn append(read: &mut Vec<u8>, bytes: &Uint8Array) {
    let start = read.len();
    read.resize(start + bytes.length() as usize, 0);
    if let Some(end) = read.get_mut(start..) {
        bytes.copy_to(end);
    }
}
