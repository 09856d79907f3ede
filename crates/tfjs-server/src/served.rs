//! A model as files that can be answered with.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, OnceLock};

use axum::http::{HeaderName, HeaderValue};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use tfjs_artifacts::{
    Error, ModelArtifacts, ModelTopology, Segment, Sha256, ShardLayout, WeightData, encode_legacy_manifest,
    encode_model_json,
};

/// The file that a client asks for first.
pub(crate) const MODEL_JSON: &str = "model.json";
/// With each file of a model: which version of the model the file is of.
pub(crate) const MODEL_VERSION: HeaderName = HeaderName::from_static("x-model-version");

/// The binary topology that converters before TensorFlow.js 1.0 wrote, and the manifest that they wrote beside it.
const GRAPH_DEF: &str = "tensorflowjs_model.pb";
const WEIGHTS_MANIFEST: &str = "weights_manifest.json";

/// Whether a path is that of the file that names the others.
pub(crate) fn is_json(path: &str) -> bool {
    path == MODEL_JSON || path == WEIGHTS_MANIFEST
}

/// The files of a model, as they are asked for: by their paths below its name.
#[derive(Debug)]
pub(crate) struct Served {
    files: BTreeMap<Box<str>, ServedFile>,
    version: Option<HeaderValue>,
}

/// One of them.
#[derive(Debug)]
pub(crate) enum ServedFile {
    /// Small, and compressible: JSON, or a file of the page.
    Text(Arc<Text>),
    /// Everything else: weights, or a binary topology.
    Binary {
        /// The bytes.
        data: WeightData,
        /// What tells these bytes from others, if there is anything.
        etag: Option<String>,
    },
}

/// Something compressible, in both forms.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) plain: Bytes,
    pub(crate) media_type: &'static str,
    gzipped: OnceLock<Bytes>,
    /// Of all that the tag is about: the text, and of a model's JSON its other files. `None` if nobody can tell of one of them.
    digest: Option<Sha256>,
}

impl Served {
    /// The files of a loaded model: a `model.json` that holds all but the weights, or, of a model with a binary topology,
    /// `tensorflowjs_model.pb` and `weights_manifest.json`; and the weight files under the names that the manifest has for
    /// them.
    pub(crate) fn new(artifacts: &ModelArtifacts) -> Result<Self, Error> {
        let layout = artifacts.weights.as_ref().map(ShardLayout::as_they_are);
        let mut files = BTreeMap::new();
        // What is said of each file: of the version for everybody, checksums come first, of a tag those of the medium.
        let (mut version, mut tag) = (Told::default(), Told::default());
        if let (Some(weights), Some(layout)) = (&artifacts.weights, &layout) {
            for shard in layout.shards() {
                let (data, path) = (weights.data().slice(shard.range.clone())?, shard.path.as_str());
                let etag = etag_of(&data, shard.sha256);
                version.add(path, shard.sha256.as_ref().map(quoted).or_else(|| etag.clone()));
                tag.add(path, etag.clone());
                files.insert(path.into(), ServedFile::Binary { data, etag });
            }
        }
        let (name, json) = if let Some(ModelTopology::GraphDef(topology)) = &artifacts.model_topology {
            let etag = Some(quoted(&Sha256::of(topology)));
            version.add(GRAPH_DEF, etag.clone());
            tag.add(GRAPH_DEF, etag.clone());
            files.insert(GRAPH_DEF.into(), ServedFile::Binary { data: WeightData::from(topology.clone()), etag });
            (WEIGHTS_MANIFEST, encode_legacy_manifest(artifacts, layout.as_ref())?)
        } else {
            (MODEL_JSON, encode_model_json(artifacts, layout.as_ref())?)
        };
        let of_text = quoted(&Sha256::of(json.as_bytes()));
        version.add(name, Some(of_text.clone()));
        tag.add(name, Some(of_text));
        let json =
            Text { plain: json.into(), media_type: "application/json", gzipped: OnceLock::new(), digest: tag.digest() };
        files.insert(name.into(), ServedFile::Text(Arc::new(json)));
        Ok(Self { files, version: version.digest().and_then(|digest| digest.to_string().try_into().ok()) })
    }

    /// What tells this model from any other that has its name, before it or after it: the JSON, and of each other file its
    /// checksum, or else what the medium says. `None` if a file has neither.
    pub(crate) fn version(&self) -> Option<&HeaderValue> {
        self.version.as_ref()
    }

    pub(crate) fn file(&self, path: &str) -> Option<&ServedFile> {
        self.files.get(path)
    }

    /// What tells this model from another of its name: the tags of both forms of its JSON, since a browser only ever sees that of
    /// the compressed one. Empty if nobody can tell.
    pub(crate) fn etags(&self) -> Vec<String> {
        match [MODEL_JSON, WEIGHTS_MANIFEST].into_iter().find_map(|name| self.file(name)) {
            Some(ServedFile::Text(text)) => {
                [false, true].into_iter().filter_map(|is_gzipped| text.etag(is_gzipped)).collect()
            }
            Some(ServedFile::Binary { etag, .. }) => etag.iter().cloned().collect(),
            None => Vec::new(),
        }
    }

    /// Whether all files are still those that were looked at, as far as the medium can tell without reading them.
    pub(crate) async fn check(&self) -> Result<(), Error> {
        for file in self.files.values() {
            if let ServedFile::Binary { data, .. } = file {
                check(data).await?;
            }
        }
        Ok(())
    }

    /// How many bytes it keeps in memory, roughly.
    pub(crate) fn weight(&self) -> usize {
        let weight = |file: &ServedFile| match file {
            ServedFile::Text(text) => text.plain.len() * 2,
            ServedFile::Binary { .. } => 512,
        };
        self.files.values().map(weight).sum()
    }
}

impl ServedFile {
    /// Something that is compressed for those who take it.
    pub(crate) fn text(plain: impl Into<Bytes>, media_type: &'static str) -> Self {
        let plain = plain.into();
        let digest = Some(Sha256::of(&plain));
        Self::Text(Arc::new(Text { plain, media_type, gzipped: OnceLock::new(), digest }))
    }
}

impl Text {
    /// The text, compressed once.
    pub(crate) async fn gzipped(self: &Arc<Self>) -> Option<Bytes> {
        if self.gzipped.get().is_none() {
            let text = Arc::clone(self);
            let gzipped = tokio::task::spawn_blocking(move || text.compress()).await.ok().flatten()?;
            // Two requests may have done it: they have done the same.
            let _ = self.gzipped.set(gzipped);
        }
        self.gzipped.get().cloned()
    }

    fn compress(&self) -> Option<Bytes> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        // Writing into memory does not fail.
        encoder.write_all(&self.plain).ok()?;
        Some(encoder.finish().ok()?.into())
    }

    /// Two forms are two representations: each has a tag of its own.
    pub(crate) fn etag(&self, is_gzipped: bool) -> Option<String> {
        let digest = self.digest.as_ref()?;
        Some(if is_gzipped { format!("\"{digest}-gzip\"") } else { quoted(digest) })
    }
}

/// What tells the files of a model from others.
#[derive(Debug, Default)]
struct Told {
    text: String,
    /// Whether nobody can tell of one of them.
    is_lost: bool,
}

impl Told {
    fn add(&mut self, path: &str, tag: Option<String>) {
        match tag {
            // No path has a line end, nor has a tag.
            Some(tag) => self.text.extend([path, " ", &tag, "\n"]),
            None => self.is_lost = true,
        }
    }

    fn digest(&self) -> Option<Sha256> {
        (!self.is_lost).then(|| Sha256::of(self.text.as_bytes()))
    }
}

/// Whether these bytes are still there: a read of none of them looks at the medium.
pub(crate) async fn check(data: &WeightData) -> Result<(), Error> {
    for segment in data.segments() {
        if let Segment::Lazy { source, range } = segment {
            source.read(range.start..range.start).await?;
        }
    }
    Ok(())
}

/// What tells the bytes of a weight file from others. What the medium says about them comes first: a checksum in the manifest
/// tells only what they should be.
fn etag_of(data: &WeightData, sha256: Option<Sha256>) -> Option<String> {
    let mut versions = String::new();
    for segment in data.segments() {
        let version = match segment {
            Segment::Lazy { source, range } => source.version().map(|version| format!("{version}:{range:?};")),
            Segment::Memory(_) => None,
        };
        match version {
            Some(version) => versions.push_str(&version),
            None => return sha256.as_ref().map(quoted),
        }
    }
    Some(quoted(&Sha256::of(versions.as_bytes())))
}

fn quoted(digest: &Sha256) -> String {
    format!("\"{digest}\"")
}
