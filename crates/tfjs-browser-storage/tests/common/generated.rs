//! Weights that are made when they are read, so that a test of a large model needs no memory of its own.

use std::ops::Range;
use std::sync::Arc;

use tfjs_artifacts::{
    ByteSource, Bytes, DType, Error, ModelArtifacts, RelPath, Segment, Shape, WeightData, WeightSpec, Weights,
    async_trait,
};

/// A pattern in which no two megabytes are equal.
#[derive(Debug)]
struct Pattern {
    byte_length: u64,
}

/// How many bytes are alike. A page makes a gigabyte of them in seconds, also without optimization.
const BLOCK: u64 = 4096;

fn bytes_of(range: Range<u64>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(usize::try_from(range.end - range.start).unwrap());
    let mut start = range.start;
    while start < range.end {
        let block = start / BLOCK;
        let end = range.end.min((block + 1) * BLOCK);
        let [.., value] = block.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
        bytes.resize(bytes.len() + usize::try_from(end - start).unwrap(), value);
        start = end;
    }
    bytes
}

#[async_trait(?Send)]
impl ByteSource for Pattern {
    fn byte_length(&self) -> u64 {
        self.byte_length
    }

    fn version(&self) -> Option<String> {
        None
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        Ok(bytes_of(range).into())
    }
}

/// A model of so many bytes of weights, in tensors of 16 MiB.
pub(crate) fn model(byte_length: u64) -> ModelArtifacts {
    const TENSOR: u64 = 16 << 20;
    let specs = (0..byte_length.div_ceil(TENSOR)).map(|index| {
        let bytes = TENSOR.min(byte_length - index * TENSOR);
        WeightSpec::new(format!("w{index}"), Shape::vector(bytes / 4).unwrap(), DType::Int32)
    });
    let data = WeightData::from_segments([Segment::lazy(Arc::new(Pattern { byte_length }))]);
    let path = RelPath::parse("model.weights.bin").unwrap();
    ModelArtifacts::new().with_weights(Weights::single(specs.collect(), path, data).unwrap())
}

/// Reads all weights, a megabyte at a time, and compares them.
pub(crate) async fn assert_whole(artifacts: &ModelArtifacts, byte_length: u64) {
    const WINDOW: u64 = 1 << 20;
    let data = artifacts.weights.as_ref().unwrap().data();
    assert_eq!(data.byte_length(), byte_length);
    for start in (0..byte_length).step_by(1 << 20) {
        let range = start..byte_length.min(start + WINDOW);
        assert!(data.read(range.clone()).await.unwrap() == bytes_of(range), "the bytes from {start} on differ");
    }
}

/// How large the memory of WebAssembly is. It never shrinks, so what it grows by is the most that was ever in use.
pub(crate) fn heap_bytes() -> u64 {
    core::arch::wasm32::memory_size(0) as u64 * 65536
}
