//! `model.json` and bare manifests: what parses is written, and read again as the same.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::executor::block_on;
use tfjs_artifacts::{
    ByteSource, Error, ErrorKind, ModelJson, Segment, ShardLayout, SurplusBytes, WeightsManifestGroup, async_trait,
    encode_manifest, encode_model_json,
};

use crate::memory;

/// Parses, and what parses goes round once.
pub fn check(text: &[u8]) {
    memory::bounded(text.len(), || {
        if let Ok(parsed) = ModelJson::parse(text) {
            round_trip(parsed);
        }
    });
}

fn round_trip(parsed: ModelJson) {
    let Some(segments) = files(&parsed) else { return };
    let artifacts = match block_on(parsed.clone().assemble(segments, SurplusBytes::Reject)) {
        Ok(artifacts) => artifacts,
        // Names that repeat, and tensors without any file.
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
            return;
        }
    };
    let layout = artifacts.weights.as_ref().map(ShardLayout::as_they_are);
    let text = encode_model_json(&artifacts, layout.as_ref()).expect("what was parsed can be written");
    let again = ModelJson::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error} in what was written: {text}"));
    assert!(again.artifacts().has_the_keys_of(parsed.artifacts()), "keys changed: {text}");
    if let Some((weights, layout)) = artifacts.weights.as_ref().zip(layout.as_ref()) {
        assert_eq!(again.groups(), parsed.groups(), "{text}");
        let bare = encode_manifest(weights, layout).expect("the layout is that of the weights");
        if !weights.groups().is_empty() {
            let bare = ModelJson::parse(bare.as_bytes()).unwrap_or_else(|error| panic!("{error}: {bare}"));
            assert!(bare.is_legacy_manifest());
            assert_eq!(bare.groups(), parsed.groups());
        }
    }
}

/// A file for each path, as long as it must be: the first of each group has all bytes. `None` if they are more than there are
/// numbers for.
pub(crate) fn files(parsed: &ModelJson) -> Option<Vec<Segment>> {
    let mut segments = Vec::new();
    let mut total = 0u64;
    for group in parsed.groups().unwrap_or_default().iter().filter(|group| group.weights.is_some()) {
        let needed = needed(group)?;
        total = total.checked_add(needed)?;
        let lengths = (0..group.paths.len()).map(|index| if index == 0 { needed } else { 0 });
        segments.extend(lengths.map(|bytes| Segment::lazy(Arc::new(Nothing(bytes)))));
    }
    Some(segments)
}

fn needed(group: &WeightsManifestGroup) -> Option<u64> {
    let specs = group.weights.iter().flatten();
    specs.map(|spec| spec.stored_size().at_least()).try_fold(0u64, u64::checked_add)
}

/// A file of which nobody reads a byte.
#[derive(Debug)]
struct Nothing(u64);

#[async_trait]
impl ByteSource for Nothing {
    fn byte_length(&self) -> u64 {
        self.0
    }

    fn version(&self) -> Option<String> {
        None
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        // A wrong length makes the reader look at the beginning of a file for the reason.
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        assert!(length <= 64, "{length} bytes are read of a file whose length is right");
        Ok(vec![0; length].into())
    }
}
