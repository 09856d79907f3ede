//! The tensors: the same in `tests/interop/lib/works.js`, so that TensorFlow.js does the same work.

use tfjs_artifacts::{
    Bytes, DType, Quantization, QuantizationDType, RawJson, RelPath, Shape, WeightData, WeightSpec, Weights,
};
use tfjs_weights::{Tensor, decode_into};

pub(crate) const MIB: usize = 1 << 20;
/// 64 MiB of float32 in sixteen tensors: more than any cache of today holds, so that memory itself is measured.
pub(crate) const TENSORS: usize = 16;
pub(crate) const VALUES_IN_TENSOR: usize = MIB;
pub(crate) const VALUES: usize = TENSORS * VALUES_IN_TENSOR;
pub(crate) const OUTPUT_BYTES: usize = 4 * VALUES;

/// Specs and the bytes that they describe, back to back.
pub(crate) struct Model {
    pub(crate) specs: Vec<WeightSpec>,
    pub(crate) bytes: Bytes,
}

impl Model {
    /// float32, behind a bool of one byte: no value is aligned.
    pub(crate) fn unaligned() -> Self {
        let specs = [vec![spec("flag", 1, DType::Bool)], float32_specs()].concat();
        let values = random_values().take(VALUES).flat_map(f32::to_le_bytes);
        Self { specs, bytes: aligned(std::iter::once(1).chain(values), OUTPUT_BYTES + 1) }
    }

    pub(crate) fn quantized(dtype: QuantizationDType) -> Self {
        let bytes = match dtype {
            QuantizationDType::Uint8 => aligned(random().take(VALUES).map(|bits| bits.to_le_bytes()[0]), VALUES),
            // Halves below 2, as weights are.
            QuantizationDType::Float16 => aligned(shorts(0xbfff), 2 * VALUES),
            _ => aligned(shorts(0xffff), 2 * VALUES),
        };
        let mut quantization = Quantization::new(dtype);
        if quantization.dtype != QuantizationDType::Float16 {
            quantization.min = Some(RawJson::parse("-1.5").unwrap());
            quantization.scale = Some(RawJson::parse("0.0125").unwrap());
        }
        let mut specs = float32_specs();
        for spec in &mut specs {
            spec.quantization = Some(quantization.clone());
        }
        Self { specs, bytes }
    }

    /// So many float32 tensors of so many values, aligned; every byte is written, so that every page exists.
    pub(crate) fn uniform(tensors: usize, values: usize) -> Self {
        let specs = (0..tensors).map(|i| spec(&format!("layer{i}/kernel"), values, DType::Float32)).collect();
        Self { specs, bytes: Bytes::from(vec![1; 4 * values * tensors]) }
    }

    pub(crate) fn scalars(count: usize) -> Self {
        let specs =
            (0..count).map(|i| WeightSpec::new(format!("scalar{i}"), Shape::scalar(), DType::Float32)).collect();
        Self { specs, bytes: aligned(random_values().take(count).flat_map(f32::to_le_bytes), 4 * count) }
    }

    pub(crate) fn weights(&self) -> Weights {
        let data = WeightData::from_iter([self.bytes.clone()]);
        Weights::single(self.specs.clone(), RelPath::parse("model.weights.bin").unwrap(), data).unwrap()
    }

    /// The float32 tensors with their stored bytes.
    pub(crate) fn located(&self) -> Vec<(WeightSpec, [Bytes; 1])> {
        let mut rest = self.bytes.clone();
        let parts = self.specs.iter().map(|spec| {
            let stored = usize::try_from(spec.stored_size().at_least()).unwrap();
            (spec.clone(), [rest.split_to(stored)])
        });
        parts.filter(|(spec, _)| spec.dtype == DType::Float32).collect()
    }
}

/// Decodes into the caller's memory, tensor after tensor.
pub(crate) fn decode_all(tensors: &[(WeightSpec, [Bytes; 1])], out: &mut [f32]) {
    for ((spec, pieces), out) in tensors.iter().zip(out.chunks_exact_mut(VALUES_IN_TENSOR)) {
        decode_into(spec, pieces, out).unwrap();
    }
}

/// 64 MiB of float32 as tensors.
pub(crate) fn float32_tensors() -> Vec<Tensor> {
    let mut values = random_values();
    float32_specs()
        .into_iter()
        .map(|spec| Tensor::float32(spec.name, spec.shape, values.by_ref().take(VALUES_IN_TENSOR).collect()).unwrap())
        .collect()
}

fn float32_specs() -> Vec<WeightSpec> {
    (0..TENSORS).map(|i| spec(&format!("layer{i}/kernel"), VALUES_IN_TENSOR, DType::Float32)).collect()
}

fn spec(name: &str, values: usize, dtype: DType) -> WeightSpec {
    WeightSpec::new(name, Shape::vector(values as u64).unwrap(), dtype)
}

/// Bytes whose first one lies at an address that any number may have.
fn aligned(bytes: impl Iterator<Item = u8>, length: usize) -> Bytes {
    let mut memory = vec![0; length + 64];
    let start = memory.as_ptr().align_offset(64);
    for (slot, byte) in memory.iter_mut().skip(start).zip(bytes) {
        *slot = byte;
    }
    Bytes::from(memory).slice(start..start + length)
}

/// Between -0.5 and 0.5.
fn random_values() -> impl Iterator<Item = f32> {
    random().map(|bits| {
        let [low, middle, high, _] = bits.to_le_bytes();
        // 24 bits: exact in single precision.
        (f32::from(high) * 65536.0 + f32::from(middle) * 256.0 + f32::from(low)) / 16_777_216.0 - 0.5
    })
}

fn shorts(mask: u16) -> impl Iterator<Item = u8> {
    random().take(VALUES).flat_map(move |bits| {
        let [low, high, ..] = bits.to_le_bytes();
        (u16::from_le_bytes([low, high]) & mask).to_le_bytes()
    })
}

/// Marsaglia's xorshift: the same in any language, and nothing that a branch predictor or a cache could learn.
fn random() -> impl Iterator<Item = u32> {
    std::iter::successors(Some(2_463_534_242_u32), |&state| {
        let state = state ^ state << 13;
        let state = state ^ state >> 17;
        Some(state ^ state << 5)
    })
}
