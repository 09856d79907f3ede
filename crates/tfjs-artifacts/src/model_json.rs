//! `model.json` and the legacy bare manifest, read and written in one place for all backends.

mod decode;
mod encode;
mod outline;

use crate::weights::first_impostor;
use crate::{
    BoxFuture, Error, ErrorKind, JsonError, Limit, LimitError, Limits, ModelArtifacts, RawJson, RelPath, RelPathError,
    Segment, Sha256, ShapeError, Shard, Sniffed, SurplusBytes, WeightData, WeightGroup, WeightSpec, Weights,
    WeightsError, sniff,
};

pub(crate) use encode::encode_quantization;
pub use encode::{encode_legacy_manifest, encode_manifest, encode_model_json, encode_weight_specs};

/// A parsed `model.json`, whose weight files have not been opened yet.
///
/// A handler parses the JSON, opens the files of [`paths`](Self::paths) in their order, and hands their segments
/// to [`assemble`](Self::assemble), which checks that everything fits together.
///
/// ```
/// use tfjs_artifacts::{Bytes, ModelJson, Segment, SurplusBytes};
///
/// let text = br#"{
///     "modelTopology": {"class_name": "Sequential", "config": []},
///     "weightsManifest": [{"paths": ["w.bin"], "weights": [{"name": "w", "shape": [2], "dtype": "float32"}]}]
/// }"#;
/// let model_json = ModelJson::parse(text)?;
/// let paths: Vec<_> = model_json.paths().map(|path| path.as_str()).collect();
/// assert_eq!(paths, ["w.bin"]);
///
/// let shard = Segment::Memory(Bytes::from_static(&[0; 8]));
/// let artifacts = futures::executor::block_on(model_json.assemble(vec![shard], SurplusBytes::Reject))?;
/// assert_eq!(artifacts.weights.map(|weights| weights.data().byte_length()), Some(8));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ModelJson {
    artifacts: ModelArtifacts,
    groups: Option<Vec<WeightsManifestGroup>>,
    is_legacy_manifest: bool,
    limits: Limits,
}

/// One group of a weights manifest, before its files are opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WeightsManifestGroup {
    /// The weight files, relative to `model.json`, in order.
    pub paths: Vec<RelPath>,
    /// The tensors in the order of their bytes. Missing in the manifest that a topology-only save of
    /// TensorFlow.js leaves behind, whose path names a file that was never written.
    pub weights: Option<Vec<WeightSpec>>,
    /// The checksums of the weight files, one for each path: the key `sha256`, which TensorFlow.js ignores. Something else
    /// under that key is among the unknown.
    pub sha256: Option<Vec<Sha256>>,
    /// Other keys, in order.
    pub unknown: Vec<(String, RawJson)>,
}

/// Why a text is not a `model.json`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// There is nothing.
    #[error("the file is empty")]
    Empty,
    /// More of something than is accepted.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// It is something else.
    #[error("the file {0}")]
    Impostor(Sniffed),
    /// It begins with a byte order mark, which JSON does not allow.
    #[error(
        "the file begins with a byte order mark (EF BB BF), which JSON does not allow; save it as UTF-8 without one"
    )]
    ByteOrderMark,
    /// Not UTF-8.
    #[error("the file is not UTF-8 (at byte {at})")]
    NotUtf8 {
        /// The first byte that is wrong, from 0.
        at: usize,
    },
    /// Not JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Neither an object nor an array of groups.
    #[error("expected an object (model.json) or an array (a bare weights manifest), found `{found}`")]
    NotAModel {
        /// The beginning of what is there.
        found: String,
    },
    /// Valid JSON, but no model.
    #[error("the JSON contains neither `modelTopology` nor `weightsManifest`: it is not a TensorFlow.js model")]
    NothingInIt,
    /// Groups without `weights`, as a topology-only save of TensorFlow.js leaves them, and no topology.
    #[error("no group of `weightsManifest` has `weights`, and there is no `modelTopology`: there is no model in it")]
    NeitherTopologyNorWeights,
    /// A key appears twice, so that two readers could see two models.
    #[error("{at} has the key `{key}` twice")]
    DuplicateKey {
        /// Which object.
        at: String,
        /// The key.
        key: String,
    },
    /// A key that must be there is not.
    #[error("{at} has no `{key}`")]
    MissingKey {
        /// Which object.
        at: String,
        /// The key.
        key: &'static str,
    },
    /// A value is of the wrong type.
    #[error("{at} should be {expected}, found `{found}`")]
    WrongType {
        /// Which value.
        at: String,
        /// What it should be.
        expected: &'static str,
        /// The beginning of what is there.
        found: String,
    },
    /// A shape that is none.
    #[error("the shape of tensor `{tensor}` is wrong: {error}")]
    Shape {
        /// The tensor.
        tensor: String,
        /// What is wrong.
        error: ShapeError,
    },
    /// A shard path that leaves the model's folder.
    #[error("{at}: {error}")]
    Path {
        /// Which path.
        at: String,
        /// What is wrong.
        error: RelPathError,
    },
    /// There are not as many checksums as files.
    #[error("{at} has {checksums} checksums for {paths} files")]
    ChecksumCount {
        /// Which group.
        at: String,
        /// How many checksums there are.
        checksums: usize,
        /// How many files there are.
        paths: usize,
    },
    /// One of the checksums is none.
    #[error(
        "{at} should be a SHA-256 digest of 64 hex digits, found `{found}`; correct it, or remove the list to load without checksums"
    )]
    Checksum {
        /// Which one.
        at: String,
        /// The beginning of what is there.
        found: String,
    },
    /// A string that is no text.
    #[error("{at} has a string with a lone surrogate (`\\ud800` to `\\udfff`), which is not Unicode text")]
    NotUnicode {
        /// Which value.
        at: String,
    },
    /// One file is named as two shards.
    #[error("{at}: `{path}` is named twice")]
    DuplicatePath {
        /// Which path.
        at: String,
        /// The path.
        path: RelPath,
    },
}

impl From<ManifestError> for Error {
    fn from(error: ManifestError) -> Self {
        let kind = match error {
            ManifestError::Limit(_) | ManifestError::Json(JsonError::TooDeep { .. }) => ErrorKind::LimitExceeded,
            _ => ErrorKind::InvalidData,
        };
        Self::new(kind, error.to_string())
    }
}

impl ModelJson {
    /// Reads a `model.json`, or a bare weights manifest (a JSON array without a topology), within the default limits.
    ///
    /// # Errors
    /// [`ManifestError`] that says what is wrong and where.
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        Self::parse_with(text, &Limits::new())
    }

    /// As [`parse`](Self::parse), within these limits, which go along to [`assemble`](Self::assemble) and the weights.
    ///
    /// # Errors
    /// [`ManifestError`] that says what is wrong and where.
    pub fn parse_with(text: &[u8], limits: &Limits) -> Result<Self, ManifestError> {
        decode::parse(text, limits)
    }

    /// Reads a JSON file that lies beside a model, for who asks whether weight files are its own before it writes over them or removes
    /// them. `None` if it is no model at all.
    ///
    /// A broken `model.json` is still somebody's model; any other broken JSON may be anything, and is none.
    ///
    /// # Errors
    /// [`ManifestError`] when it is a model, and nobody can tell which weight files it uses: it may be any.
    pub fn parse_neighbour(file_name: &str, text: &[u8]) -> Result<Option<Self>, ManifestError> {
        match Self::parse(text) {
            Ok(model_json) => Ok(Some(model_json)),
            Err(ManifestError::NothingInIt | ManifestError::NotAModel { .. }) => Ok(None),
            Err(error) if file_name == "model.json" => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// The manifest's groups; `None` if the model has no weights.
    pub fn groups(&self) -> Option<&[WeightsManifestGroup]> {
        self.groups.as_deref()
    }

    /// Everything but the weights.
    pub fn artifacts(&self) -> &ModelArtifacts {
        &self.artifacts
    }

    /// Whether the file was a bare weights manifest.
    pub fn is_legacy_manifest(&self) -> bool {
        self.is_legacy_manifest
    }

    /// The weight files to open, in order. None for a topology-only model.
    pub fn paths(&self) -> impl Iterator<Item = &RelPath> {
        self.weighted_groups().flat_map(|group| &group.paths)
    }

    /// The groups that have tensors to be read.
    fn weighted_groups(&self) -> impl Iterator<Item = &WeightsManifestGroup> {
        self.groups.iter().flatten().filter(|group| group.weights.is_some())
    }

    /// Joins the parsed JSON with the segments of its weight files, one for each of [`paths`](Self::paths).
    ///
    /// Lengths are reconciled with the specs. Segments in memory are verified as well (see
    /// [`Weights::verify`]); lazy ones are not read, unless their length is wrong and the error wants a reason.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`] that names the shard or tensor whose lengths disagree.
    pub fn assemble(
        self,
        shards: Vec<Segment>,
        surplus: SurplusBytes,
    ) -> BoxFuture<'static, Result<ModelArtifacts, Error>> {
        Box::pin(async move {
            let expected = self.paths().count();
            if shards.len() != expected {
                let message = format!("{} weight files were given for the {expected} of the manifest", shards.len());
                return Err(Error::new(ErrorKind::Unexpected, message));
            }
            let total = check_total(&shards, &self.limits)?;
            let mut artifacts = self.artifacts;
            // A manifest whose groups have no `weights` is what a topology-only save leaves behind.
            let is_left_behind = |group: &WeightsManifestGroup| group.weights.is_none();
            let groups = self.groups.filter(|groups| groups.is_empty() || !groups.iter().all(is_left_behind));
            let Some(groups) = groups else { return Ok(artifacts) };
            let mut lengths = shards.iter().map(Segment::byte_length);
            let groups: Vec<_> = groups.into_iter().map(|group| with_lengths(group, &mut lengths)).collect();
            debug_assert_eq!(total, groups.iter().map(WeightGroup::byte_length).sum::<u64>());
            let data = WeightData::from_segments(shards);
            let weights = match Weights::new(groups.clone(), data.clone(), surplus) {
                Ok(weights) => weights.with_limits(&self.limits)?,
                Err(error) => return Err(explain(error, &groups, &data).await),
            };
            if weights.data().is_in_memory() {
                weights.verify().await?;
                weights.verify_checksums().await?;
            }
            artifacts.weights = Some(weights);
            Ok(artifacts)
        })
    }
}

/// The bytes of all files, of which there is not more than is accepted, nor than can be counted.
fn check_total(shards: &[Segment], limits: &Limits) -> Result<u64, Error> {
    let mut total = 0u64;
    for shard in shards {
        let Some(sum) = total.checked_add(shard.byte_length()) else {
            return Err(Error::new(ErrorKind::InvalidData, "the weight files have more than 2^64 - 1 bytes together"));
        };
        total = sum;
    }
    limits.check(Limit::WeightBytes, total)?;
    Ok(total)
}

fn with_lengths(group: WeightsManifestGroup, lengths: &mut impl Iterator<Item = u64>) -> WeightGroup {
    let mut with_lengths = WeightGroup {
        weights: group.weights.unwrap_or_default(),
        shards: Vec::with_capacity(group.paths.len()),
        unknown: group.unknown,
    };
    let mut checksums = group.sha256.into_iter().flatten();
    for (path, bytes) in group.paths.into_iter().zip(lengths) {
        with_lengths.shards.push(Shard { path, bytes, sha256: checksums.next() });
    }
    with_lengths
}

/// Adds what a shard of the wrong length looks like.
async fn explain(error: WeightsError, groups: &[WeightGroup], data: &WeightData) -> Error {
    match first_impostor(groups, data, sniff).await {
        Ok(Some((path, sniffed))) => {
            Error::new(ErrorKind::InvalidData, format!("shard `{path}` {sniffed}")).with_source(error)
        }
        // Nothing to add; a failure to look closer must not hide the error at hand.
        Ok(None) | Err(_) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_model_json_is_still_somebodys_model() {
        const MODEL: &[u8] = br#"{"weightsManifest": [{"paths": ["w.bin"], "weights": []}]}"#;
        let uses = |name: &str, text: &[u8]| {
            let model_json = ModelJson::parse_neighbour(name, text)?;
            Ok::<_, ManifestError>(model_json.map(|json| json.paths().map(ToString::to_string).collect::<Vec<_>>()))
        };
        for name in ["model.json", "package.json"] {
            assert_eq!(uses(name, MODEL).unwrap(), Some(vec!["w.bin".to_owned()]), "{name}");
            // Whole, and of something else.
            for other in [&b"{}"[..], br#"{"name": "x"}"#, b"3", b"[]"] {
                assert_eq!(uses(name, other).unwrap(), None, "{name}");
            }
        }
        let cut = &MODEL[..MODEL.len() - 5];
        let escapes = br#"{"weightsManifest": [{"paths": ["../w.bin"], "weights": []}]}"#;
        for broken in [cut, b"", b"\xff", b"<html>", escapes] {
            assert!(uses("model.json", broken).is_err(), "{broken:?}");
            assert_eq!(uses("package.json", broken).unwrap(), None, "{broken:?}");
        }
    }
}
