//! Models of any size whose weights are made when they are read.

use std::ops::Range;
use std::sync::Arc;

use tfjs_io::{
    ByteSource, Bytes, DType, Error, ModelArtifacts, RawJson, RelPath, Segment, Shape, WeightData, WeightSpec, Weights,
    async_trait,
};

use crate::failure::Failure;

/// The elements of a tensor: 4 MiB of float32.
const ELEMENTS: u64 = 1 << 20;

/// A layers-model of float32 tensors; so many bytes, rounded down to whole elements.
pub(crate) fn model(bytes: f64, seed: u32) -> Result<ModelArtifacts, Failure> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number below 2^53")]
    let elements = bytes as u64 / 4;
    let mut specs = Vec::new();
    for start in (0..elements).step_by(usize::try_from(ELEMENTS).unwrap_or(usize::MAX)) {
        let shape = Shape::vector(ELEMENTS.min(elements - start)).map_err(|error| Failure::of_the_test(&error))?;
        specs.push(WeightSpec::new(format!("w{}", specs.len()), shape, DType::Float32));
    }
    let source = Generated { byte_length: 4 * elements, seed };
    let path = RelPath::parse("model.weights.bin").map_err(Error::from)?;
    let data = WeightData::from_segments([Segment::lazy(Arc::new(source))]);
    let topology = format!(r#"{{"class_name":"Sequential","config":{{"name":"generated{seed}","layers":[]}}}}"#);
    let topology = RawJson::parse(&topology).map_err(|error| Failure::of_the_test(&error))?;
    let mut artifacts = ModelArtifacts::new()
        .with_topology(topology)
        .with_weights(Weights::single(specs, path, data).map_err(Error::from)?);
    artifacts.format = RawJson::parse("\"layers-model\"").ok();
    Ok(artifacts)
}

/// The float at each position is its index and the seed, mixed; none is a NaN, so that every reader gives the same bits.
#[derive(Debug)]
struct Generated {
    byte_length: u64,
    seed: u32,
}

#[async_trait(?Send)]
impl ByteSource for Generated {
    fn byte_length(&self) -> u64 {
        self.byte_length
    }

    fn version(&self) -> Option<String> {
        Some(format!("generated {}", self.seed))
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        let mut bytes = Vec::new();
        for index in range.start / 4..range.end.div_ceil(4) {
            bytes.extend_from_slice(&element(index, self.seed).to_le_bytes());
        }
        let skipped = usize::try_from(range.start % 4).unwrap_or_default();
        let length = usize::try_from(range.end - range.start).unwrap_or_default();
        Ok(Bytes::from(bytes).slice(skipped..skipped + length))
    }
}

/// The bits of a float between 1 and 2, which look like noise: a browser that packs what it stores shall not gain anything by it.
fn element(index: u64, seed: u32) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "the low bits are enough")]
    let mut mixed = index as u32 ^ seed.wrapping_mul(0x9e37_79b9);
    for (shift, factor) in [(16, 0x85eb_ca6b_u32), (13, 0xc2b2_ae35)] {
        mixed = (mixed ^ (mixed >> shift)).wrapping_mul(factor);
    }
    0x3f80_0000 | (mixed ^ (mixed >> 16)) >> 9
}
