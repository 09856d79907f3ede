//! A model's weights, quantized by rules.

use std::sync::Arc;

use tfjs_artifacts::{
    Bytes, Error, Quantization, Segment, Shape, Shard, TensorPlace, WeightData, WeightGroup, WeightSpec, Weights,
};

use super::encoder::Encoder;
use super::range::Extremes;
use super::report::Errors;
use super::source::{QuantizedSource, windows};
use super::{QuantizationReport, QuantizationRules, QuantizeTo, allocate};
use crate::{DecodeError, decode_into};

/// Quantizes the float32 weights that the rules choose; all others keep their bytes.
///
/// Memory is bounded: what is in memory gets its codes in memory, and what is read lazily is read once for the range, once
/// for the report, and again when the codes are read, a window of 1 MiB at a time. So a model of any size can be quantized
/// on its way from one place to another, and its source must stay until then.
///
/// Groups stay. The files of a group that has a quantized weight become one, under the name of its first: the lengths of
/// the others would mean nothing any more. [`Sharding`](tfjs_artifacts::Sharding) cuts it again when it is saved. Its
/// checksums are gone; whoever wants to compare them calls [`Weights::verify_checksums`] before. An empty tensor gets the `min` 0 and the `scale` 1.
///
/// The reports are those of the quantized weights, in their order.
///
/// # Errors
/// [`Unsupported`](tfjs_artifacts::ErrorKind::Unsupported), before anything is read, when the rules contradict each other
/// for a weight; as soon as it is found, when a weight that is to become uint8 or uint16 has infinite values or NaN; and
/// what [`Weights::locate`] and the sources report.
pub async fn quantize_weights(
    weights: &Weights,
    rules: &QuantizationRules,
) -> Result<(Weights, Vec<QuantizationReport>), Error> {
    let mut targets = rules.assign(weights.specs())?.into_iter();
    let mut places = weights.locate().await?.into_iter();
    let mut groups = Vec::with_capacity(weights.groups().len());
    let mut reports = Vec::new();
    let mut rope = Rope { old: weights.data(), taken: 0, segments: Vec::new(), byte_length: 0 };
    let mut group_end = 0;
    for old in weights.groups() {
        let (mut group, start) = (old.clone(), rope.byte_length);
        group_end += old.byte_length();
        let mut is_changed = false;
        for spec in &mut group.weights {
            let (Some(target), Some(place)) = (targets.next(), places.next()) else { continue };
            if let Some(to) = target {
                reports.push(rope.quantize(spec, &place, to).await?);
                is_changed = true;
            }
        }
        rope.keep_until(group_end)?;
        if is_changed {
            join_shards(&mut group, rope.byte_length - start);
        }
        groups.push(group);
    }
    let quantized = Weights::new(groups, WeightData::from_segments(rope.segments), weights.surplus_bytes())?;
    Ok((quantized, reports))
}

/// One file for the whole group, if it had any. A list under `sha256` that is not ours was about the files that there were.
fn join_shards(group: &mut WeightGroup, bytes: u64) {
    group.unknown.retain(|(key, value)| key != "sha256" || value.element_count().is_none());
    let first = group.shards.first().map(|shard| Shard::new(shard.path.clone(), bytes));
    group.shards = first.into_iter().collect();
}

/// The new data, as it grows behind the old.
struct Rope<'a> {
    old: &'a WeightData,
    /// Up to where the old data has been taken over.
    taken: u64,
    segments: Vec<Segment>,
    /// The length of the segments.
    byte_length: u64,
}

impl Rope<'_> {
    /// Takes over the old bytes up to here as they are: plain tensors, and what belongs to none.
    fn keep_until(&mut self, end: u64) -> Result<(), Error> {
        let kept = self.old.slice(self.taken..end)?;
        self.byte_length += kept.byte_length();
        self.segments.extend(kept.segments().cloned());
        self.taken = end;
        Ok(())
    }

    /// Puts codes in the place of a tensor's values, and says so in its spec.
    #[cfg_attr(
        target_arch = "wasm32",
        expect(clippy::arc_with_non_send_sync, reason = "natively it is both; on wasm32 nothing is shared")
    )]
    async fn quantize(
        &mut self,
        spec: &mut WeightSpec,
        place: &TensorPlace,
        to: QuantizeTo,
    ) -> Result<QuantizationReport, Error> {
        let range = match place {
            TensorPlace::At(range) => range.clone(),
            TensorPlace::Unknown { because_of } => {
                let (name, because_of) = (spec.name.clone(), because_of.to_string());
                return Err(DecodeError::Unplaced { name, because_of }.into());
            }
        };
        self.keep_until(range.start)?;
        self.taken = range.end;
        let values = self.old.slice(range)?;
        let encoder = Encoder::new(to, &spec.name, find_extremes(&values, to).await?)?;
        let (errors, codes) = measure(spec, encoder, &values).await?;
        let segment = match codes {
            Some(codes) => Segment::Memory(codes),
            None => Segment::lazy(Arc::new(QuantizedSource { values, encoder, name: spec.name.clone() })),
        };
        self.byte_length += segment.byte_length();
        self.segments.push(segment);
        spec.quantization = Some(encoder.quantization());
        Ok(QuantizationReport::new(&spec.name, encoder, errors))
    }
}

/// The first pass: the range.
async fn find_extremes(values: &WeightData, to: QuantizeTo) -> Result<Extremes, Error> {
    let mut extremes = Extremes::NONE;
    if Encoder::needs_extremes(to) {
        for window in windows(0..values.byte_length()) {
            extremes.extend(values.read(window).await?.as_chunks().0);
        }
    }
    Ok(extremes)
}

/// The second pass: what the codes lose. Keeps them, if the values are in memory too.
async fn measure(spec: &WeightSpec, encoder: Encoder, values: &WeightData) -> Result<(Errors, Option<Bytes>), Error> {
    let mut errors = Errors::default();
    let mut kept = Vec::new();
    if values.is_in_memory() {
        let count = usize::try_from(values.byte_length() / 4).unwrap_or(usize::MAX);
        kept = allocate(&spec.name, count.saturating_mul(encoder.to().code_size()))?;
    }
    let mut room = &mut kept[..];
    let mut decoder = Decoder::new(spec, encoder.quantization());
    for window in windows(0..values.byte_length()) {
        let bytes = values.read(window).await?;
        let (before, _) = bytes.as_chunks();
        let mut codes = vec![0; before.len() * encoder.to().code_size()];
        encoder.encode(before, &mut codes);
        if let Some((these, behind)) = std::mem::take(&mut room).split_at_mut_checked(codes.len()) {
            these.copy_from_slice(&codes);
            room = behind;
        }
        errors.extend(before, decoder.decode(before.len(), codes.into())?);
    }
    Ok((errors, values.is_in_memory().then(|| kept.into())))
}

/// Decodes codes as whoever loads the model will.
struct Decoder {
    spec: WeightSpec,
    values: Vec<f32>,
}

impl Decoder {
    fn new(spec: &WeightSpec, quantization: Quantization) -> Self {
        let mut spec = spec.clone();
        spec.quantization = Some(quantization);
        Self { spec, values: Vec::new() }
    }

    fn decode(&mut self, count: usize, codes: Bytes) -> Result<&[f32], Error> {
        self.values.resize(count, 0.0);
        self.spec.shape = Shape::vector(count as u64)?;
        decode_into(&self.spec, &[codes], &mut self.values[..])?;
        Ok(&self.values)
    }
}
