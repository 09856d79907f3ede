//! Quantized weights as the values that they stand for, computed when they are read.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tfjs_artifacts::{
    ByteSource, Error, ErrorKind, RelPath, Segment, Shape, Shard, SurplusBytes, TensorPlace, WeightData, WeightGroup,
    WeightSpec, Weights,
};
use tfjs_weights::decode;

/// The same weights without quantization: values in place of codes. Nothing is read but the lengths of strings; values are
/// computed window by window when they are.
///
/// Each group becomes one file, and loses its checksums, since its bytes are others. If nothing is quantized, nothing changes.
///
/// # Errors
/// What [`Weights::locate`] reports, and [`ErrorKind::Unsupported`] when a tensor cannot be placed or decoded.
pub async fn dequantize_weights(weights: &Weights) -> Result<Weights, Error> {
    if weights.specs().all(|spec| spec.quantization.is_none()) {
        return Ok(weights.clone());
    }
    // Afterwards nobody could tell whether the codes were damaged.
    weights.verify_checksums().await?;
    let mut places = weights.locate().await?.into_iter();
    let mut groups = Vec::new();
    let mut segments = Vec::new();
    for (index, group) in weights.groups().iter().enumerate() {
        let (mut specs, mut bytes) = (Vec::new(), 0);
        for (spec, place) in group.weights.iter().zip(places.by_ref()) {
            let TensorPlace::At(range) = place else {
                let message = format!("nobody can tell where the bytes of `{}` lie", spec.name);
                return Err(Error::new(ErrorKind::Unsupported, message));
            };
            let (plain, data) = dequantize(spec, weights.data().slice(range)?)?;
            bytes += data.byte_length();
            segments.extend(data.segments().cloned());
            specs.push(plain);
        }
        let path = match group.shards.as_slice() {
            [only] => only.path.clone(),
            _ => RelPath::parse(&format!("group{}-shard1of1.bin", index + 1))?,
        };
        groups.push(WeightGroup::new(specs, vec![Shard::new(path, bytes)]));
    }
    Ok(Weights::new(groups, WeightData::from_segments(segments), SurplusBytes::Reject)?)
}

fn dequantize(spec: &WeightSpec, codes: WeightData) -> Result<(WeightSpec, WeightData), Error> {
    if spec.quantization.is_none() {
        return Ok((spec.clone(), codes));
    }
    let mut plain = spec.clone();
    plain.quantization = None;
    let size = codes.byte_length().checked_div(spec.shape.size()).unwrap_or(0);
    let Some(value_size) = spec.dtype.element_size() else {
        let message = format!("`{}` is quantized, but {} is no type of numbers", spec.name, spec.dtype);
        return Err(Error::new(ErrorKind::Unsupported, message));
    };
    let source = DequantizedSource { spec: spec.clone(), codes, size, value_size };
    // What cannot be decoded is found out before anything is written.
    source.decoded(Bytes::new(), 0)?;
    Ok((plain, WeightData::from_segments([Segment::lazy(Arc::new(source))])))
}

/// The values of a quantized tensor.
#[derive(Debug)]
struct DequantizedSource {
    spec: WeightSpec,
    codes: WeightData,
    /// Bytes of a code.
    size: u64,
    /// Bytes of a value.
    value_size: u64,
}

impl DequantizedSource {
    fn decoded(&self, codes: Bytes, count: u64) -> Result<Bytes, Error> {
        let mut window = self.spec.clone();
        let too_many = |error| Error::new(ErrorKind::Unexpected, "a window has too many values").with_source(error);
        window.shape = Shape::vector(count).map_err(too_many)?;
        Ok(decode(&window, &[codes])?.into_le_bytes())
    }
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl ByteSource for DequantizedSource {
    fn byte_length(&self) -> u64 {
        self.spec.shape.size() * self.value_size
    }

    fn version(&self) -> Option<String> {
        None
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        let (first, end) = (range.start / self.value_size, range.end.div_ceil(self.value_size));
        let codes = self.codes.read(first * self.size..end * self.size).await?;
        let values = self.decoded(codes, end - first)?;
        let skipped = usize::try_from(range.start - first * self.value_size).unwrap_or(usize::MAX);
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        Ok(values.slice(skipped..skipped + length))
    }
}
