//! The strings in which localStorage keeps a model, as anybody may have left them there.

#[path = "../../../crates/tfjs-browser-storage/src/browser/local_storage/record.rs"]
#[expect(dead_code, reason = "where the strings are kept is not fuzzed")]
mod record;

use futures::executor::block_on;
use tfjs_artifacts::{Limits, Segment, SurplusBytes};
use tfjs_weights::decode_weights;

use crate::memory;

/// The strings are between bytes 0; one that is the single byte 1 is missing.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut strings = text.split('\0').map(|part| (part != "\u{1}").then(|| part.to_owned()));
    let values = [(); 5].map(|()| strings.next().flatten());
    memory::bounded(data.len(), || {
        let Ok((stored, weights)) = record::parse(values, &Limits::new(), |part| part.as_str().to_owned()) else {
            return;
        };
        let Ok(artifacts) = block_on(stored.assemble(Segment::Memory(weights), SurplusBytes::Reject)) else { return };
        if let Some(weights) = &artifacts.weights {
            block_on(weights.verify()).expect("what was assembled is whole");
            // Values or an error: some tensors of a whole model cannot be decoded.
            drop(block_on(decode_weights(weights)));
        }
    });
}
