//! Codes that are computed when they are read.

use std::ops::Range;

use bytes::Bytes;
use tfjs_artifacts::{ByteSource, Error, WeightData, async_trait};

use super::allocate;
use super::encoder::Encoder;

/// How many bytes of float32 are in memory at a time.
const WINDOW: u64 = 1 << 20;

/// The codes of a tensor whose values stay where they are: a range of codes is read by reading the range of values.
#[derive(Debug)]
pub(super) struct QuantizedSource {
    /// The tensor's float32 values.
    pub(super) values: WeightData,
    pub(super) encoder: Encoder,
    /// Its name, for errors.
    pub(super) name: String,
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl ByteSource for QuantizedSource {
    fn byte_length(&self) -> u64 {
        self.values.byte_length() / 4 * self.code_size()
    }

    fn version(&self) -> Option<String> {
        None
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        let size = self.code_size();
        let (first, end) = (range.start / size, range.end.div_ceil(size));
        let length = usize::try_from((end - first) * size).unwrap_or(usize::MAX);
        let mut codes = allocate(&self.name, length)?;
        let mut rest = &mut codes[..];
        for window in windows(first * 4..end * 4) {
            let bytes = self.values.read(window).await?;
            let (values, _) = bytes.as_chunks();
            let (these, behind) = rest.split_at_mut(values.len() * self.encoder.to().code_size());
            self.encoder.encode(values, these);
            rest = behind;
        }
        // The range may begin and end inside a code.
        let skipped = usize::from(!range.start.is_multiple_of(size));
        let taken = length - skipped - usize::from(!range.end.is_multiple_of(size));
        Ok(Bytes::from(codes).slice(skipped..skipped + taken))
    }
}

impl QuantizedSource {
    fn code_size(&self) -> u64 {
        self.encoder.to().code_size() as u64
    }
}

/// A range of bytes in windows that hold whole float32 values, if the range does.
pub(super) fn windows(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        let window = at..range.end.min(at + WINDOW);
        at = window.end;
        (!window.is_empty()).then_some(window)
    })
}
