//! How a save that continues an interrupted one knows that bytes are the same.

use std::fmt::Write as _;
use std::ops::Range;

use tfjs_artifacts::{Segment, Sha256, Weights};

/// Asks a save to leave the weight files that it has finished when it is interrupted, and to take over those that an earlier save of
/// the same content left at the same place.
///
/// A file is taken over if it is proven to be the same: by the checksum that the model has for it, or because it was made of the same
/// bytes of the same source, in the same version ([`key`](Self::key)). What cannot be proven is sent again. Until the save is
/// through, nobody sees anything of it, as ever. Media that cannot continue (HTTP uploads, the browser's stores, memory) start over.
///
/// ```
/// use tfjs_router::{Resume, SaveOptions};
///
/// let options = SaveOptions::new().with_resume(Resume::from_source("https://example.org/model/model.json"));
/// assert!(options.resume.is_some());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resume {
    source: Option<String>,
}

impl Resume {
    /// For weights from a place that nobody names: only checksums prove anything. [`copy_model`](crate::Router::copy_model) names
    /// the source by itself.
    pub fn new() -> Self {
        Self::default()
    }

    /// For weights that were loaded from this URL or path.
    pub fn from_source(source: &str) -> Self {
        Self { source: Some(source.to_owned()) }
    }

    /// The same, unless it knows the source already.
    pub(crate) fn or_from_source(self, source: &str) -> Self {
        Self { source: self.source.or_else(|| Some(source.to_owned())) }
    }

    /// A digest that is another one when these bytes of the weights come from elsewhere, or may have changed: of the source, the files
    /// that hold the bytes, where in them they lie, and the versions of what they are read from. The bytes are not read.
    ///
    /// `None` if nobody can tell: because the source is not named, or because the bytes are in memory, computed, or of a medium
    /// that has no versions.
    pub fn key(&self, weights: &Weights, range: &Range<u64>) -> Option<Sha256> {
        let mut text = format!("{:?} {range:?}", self.source.as_ref()?);
        let mut start = 0u64;
        for shard in weights.shards() {
            let end = start + shard.bytes;
            if start < range.end && range.start < end {
                let _written = write!(text, " {:?} {start} {end}", shard.path.as_str());
            }
            start = end;
        }
        for segment in weights.data().slice(range.clone()).ok()?.segments() {
            let Segment::Lazy { source, range } = segment else { return None };
            let _written = write!(text, " {range:?} of {} {:?}", source.byte_length(), source.version()?);
        }
        Some(Sha256::of(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tfjs_artifacts::{ByteSource, Bytes, DType, Error, RelPath, Shape, WeightData, WeightSpec, async_trait};

    use super::*;

    #[derive(Debug)]
    struct Versioned(Option<&'static str>);

    #[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
    #[cfg_attr(not(target_arch = "wasm32"), async_trait)]
    impl ByteSource for Versioned {
        fn byte_length(&self) -> u64 {
            8
        }

        fn version(&self) -> Option<String> {
            self.0.map(str::to_owned)
        }

        async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
            Ok(vec![0; usize::try_from(range.end - range.start).unwrap()].into())
        }
    }

    fn weights(path: &str, segments: impl IntoIterator<Item = Segment>) -> Weights {
        let specs = vec![WeightSpec::new("w", Shape::vector(8).unwrap(), DType::Bool)];
        Weights::single(specs, RelPath::parse(path).unwrap(), WeightData::from_segments(segments)).unwrap()
    }

    fn versioned(path: &str, version: &'static str) -> Weights {
        weights(path, [Segment::lazy(Arc::new(Versioned(Some(version))))])
    }

    #[test]
    fn whatever_differs_makes_another_key() {
        let resume = Resume::from_source("s3://a/m");
        let key = resume.key(&versioned("w", "1"), &(0..8)).unwrap();
        assert_eq!(resume.key(&versioned("w", "1"), &(0..8)), Some(key));
        for other in [
            resume.key(&versioned("w", "2"), &(0..8)),
            resume.key(&versioned("v", "1"), &(0..8)),
            resume.key(&versioned("w", "1"), &(0..7)),
            resume.key(&versioned("w", "1"), &(1..8)),
            Resume::from_source("s3://b/m").key(&versioned("w", "1"), &(0..8)),
        ] {
            assert_ne!(other.unwrap(), key);
        }
    }

    #[test]
    fn what_nobody_can_tell_has_no_key() {
        let resume = Resume::from_source("s3://a/m");
        assert_eq!(resume.key(&weights("w", [Segment::lazy(Arc::new(Versioned(None)))]), &(0..8)), None);
        assert_eq!(resume.key(&weights("w", [Segment::Memory(Bytes::from_static(&[0; 8]))]), &(0..8)), None);
        assert_eq!(Resume::new().key(&versioned("w", "1"), &(0..8)), None);
        assert_eq!(resume.key(&versioned("w", "1"), &(0..9)), None);
    }
}
