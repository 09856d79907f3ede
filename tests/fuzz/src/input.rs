//! Inputs of several parts, so simple that a mutation changes one part and keeps the others.

use bytes::Bytes;
use tfjs_artifacts::{ModelJson, Segment};

/// A JSON text up to the first byte 0, and what follows it.
pub fn json_and_rest(data: &[u8]) -> (&[u8], &[u8]) {
    let at = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (json, rest) = data.split_at(at);
    (json, rest.get(1..).unwrap_or_default())
}

/// The weight files that a manifest names: the length of each but the last in two bytes, then the bytes of all.
pub fn shards(model_json: &ModelJson, rest: &[u8]) -> Vec<Segment> {
    let files = model_json.paths().count();
    let (lengths, bytes) = rest.split_at(rest.len().min(2 * files.saturating_sub(1)));
    let mut bytes = Bytes::copy_from_slice(bytes);
    let length = |file: usize| match lengths.get(2 * file..2 * file + 2) {
        Some(&[low, high]) => usize::from(u16::from_le_bytes([low, high])),
        _ => 0,
    };
    let shard = |file: usize| {
        let length = if file + 1 == files { bytes.len() } else { length(file).min(bytes.len()) };
        Segment::Memory(bytes.split_to(length))
    };
    (0..files).map(shard).collect()
}
