//! Weights on JavaScript's side: written window by window, and read from there when they are used, so that the memory of
//! WebAssembly, which never shrinks, does not grow with the model.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt as _;
use js_sys::{Array, ArrayBuffer, Uint8Array};
use tfjs_artifacts::{ByteSource, Error, ErrorKind, ShardLayout, Weights};
use tfjs_router::{Digests, ProgressMeter, SaveOptions};
use wasm_bindgen::{JsCast as _, JsValue};

use crate::error::thrown;

/// How much crosses between the two memories at once.
const WINDOW: usize = 1 << 20;

/// The largest single buffer that is asked for. Weights beyond it become an array of equal chunks, which TensorFlow.js loads
/// as well: its `CompositeArrayBuffer` wants all chunks but the last to be of one size.
const MOST_IN_ONE: u64 = 512 << 20;

/// The size of a chunk: TensorFlow.js may have to find room for it, too.
const CHUNK: u64 = 256 << 20;

/// Copies weights into one buffer, or an array of them: the `weightData` of a record.
pub(super) async fn write(
    weights: &Weights,
    layout: &mut ShardLayout,
    options: &SaveOptions,
    meter: &mut ProgressMeter,
) -> Result<JsValue, Error> {
    let total = weights.data().byte_length();
    let sizes = if total <= MOST_IN_ONE { vec![total] } else { chunks(total).collect() };
    let mut digests = Digests::new(weights, layout, options.checksums);
    let mut windows = weights.data().stream(WINDOW);
    let mut rest = Bytes::new();
    let buffers = Array::new();
    for size in sizes {
        let buffer = allocate(size)?;
        let mut at = 0;
        while u64::from(at) < size {
            if rest.is_empty() {
                rest = windows.try_next().await?.ok_or_else(|| {
                    Error::new(ErrorKind::Transport, format!("the weights ended before their {total} bytes"))
                })?;
                digests.update(&rest);
                meter.advance(rest.len() as u64);
            }
            let room = usize::try_from(size - u64::from(at)).unwrap_or(usize::MAX);
            let piece = rest.split_to(rest.len().min(room));
            let end = at + u32::try_from(piece.len()).unwrap_or_default();
            buffer.subarray(at, end).copy_from(&piece);
            at = end;
        }
        buffers.push(&buffer.buffer());
    }
    digests.finish(weights, layout)?;
    Ok(if total <= MOST_IN_ONE { buffers.get(0) } else { buffers.into() })
}

fn chunks(total: u64) -> impl Iterator<Item = u64> {
    (0..total.div_ceil(CHUNK)).map(move |index| CHUNK.min(total - index * CHUNK))
}

fn allocate(size: u64) -> Result<Uint8Array, Error> {
    // `new ArrayBuffer` throws where `Uint8Array::new_with_length` would trap.
    let buffer = js_sys::Reflect::construct(&constructor("ArrayBuffer")?, &Array::of1(&(size as f64).into()));
    let buffer = buffer.map_err(|error| {
        thrown(
            &error,
            format!("there is no memory for {size} bytes of weights; save to `opfs://`, which takes them in a stream"),
        )
    })?;
    Ok(Uint8Array::new(&buffer))
}

fn constructor(name: &str) -> Result<js_sys::Function, Error> {
    let found = js_sys::Reflect::get(&js_sys::global(), &name.into()).ok().and_then(|value| value.dyn_into().ok());
    found.ok_or_else(|| Error::new(ErrorKind::Unexpected, format!("JavaScript has no `{name}`")))
}

/// The `weightData` of a record.
#[derive(Debug)]
pub(super) struct StoredWeights {
    buffers: Vec<Buffer>,
    byte_length: u64,
    version: String,
}

#[derive(Debug)]
struct Buffer {
    start: u64,
    bytes: Uint8Array,
}

impl StoredWeights {
    /// Takes a buffer or an array of them, as TensorFlow.js does. The version is of the whole record.
    pub(super) fn new(weight_data: &JsValue, version: String) -> Result<Self, Error> {
        let values: Vec<_> = match weight_data.dyn_ref::<Array>() {
            Some(array) => array.iter().collect(),
            None => vec![weight_data.clone()],
        };
        let (mut buffers, mut byte_length) = (Vec::with_capacity(values.len()), 0);
        for value in values {
            let bytes = match (value.dyn_ref::<ArrayBuffer>(), value.dyn_ref::<Uint8Array>()) {
                (Some(buffer), _) => Uint8Array::new(buffer),
                (None, Some(bytes)) => bytes.clone(),
                (None, None) => {
                    let message = "the `weightData` of the record is neither an ArrayBuffer nor an array of them";
                    return Err(Error::new(ErrorKind::InvalidData, message));
                }
            };
            let length = u64::from(bytes.length());
            buffers.push(Buffer { start: byte_length, bytes });
            byte_length += length;
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
        let length = range.end - range.start;
        let mut read = Vec::new();
        let reserved = usize::try_from(length).ok().map(|length| read.try_reserve_exact(length));
        if !matches!(reserved, Some(Ok(()))) {
            let message = format!(
                "{length} bytes at once do not fit into the memory of WebAssembly; load lazily and read them in parts"
            );
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        }
        for buffer in &self.buffers {
            let end = buffer.start + u64::from(buffer.bytes.length());
            let (from, to) = (range.start.max(buffer.start), range.end.min(end));
            if from < to {
                let at = |offset: u64| u32::try_from(offset - buffer.start).unwrap_or(u32::MAX);
                append(&mut read, &buffer.bytes.subarray(at(from), at(to)));
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
