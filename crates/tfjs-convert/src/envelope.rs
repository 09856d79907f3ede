//! What a file of tensors keeps of a model beside the tensors: texts under names, which both formats have room for.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tfjs_artifacts::{
    Error, ErrorKind, Limit, Limits, ModelArtifacts, ModelJson, ModelTopology, ShardLayout, encode_legacy_manifest,
    encode_model_json,
};

/// All texts.
pub(crate) type Envelope = BTreeMap<String, String>;

/// The version of what follows; a file that has this key was written by us.
pub(crate) const VERSION: &str = "tfjs.bridge";
const VERSION_NOW: &str = "1";
/// The text of a model.json, with the manifest as it was: what its files were called, and their checksums.
const MODEL: &str = "tfjs.model";
/// How many bytes each of those files had: a JSON array of numbers.
const SHARD_BYTES: &str = "tfjs.shardBytes";
/// A binary topology, in base64.
const GRAPH_DEF: &str = "tfjs.graphDef";
/// What tensors are called in the file whose own names cannot be there: a JSON object.
const NAMES: &str = "tfjs.names";

/// All of a model but its weight bytes.
pub(crate) fn seal(artifacts: &ModelArtifacts, names: &BTreeMap<String, String>) -> Result<Envelope, Error> {
    let mut envelope = Envelope::from([(VERSION.to_owned(), VERSION_NOW.to_owned())]);
    let layout = artifacts.weights.as_ref().map(ShardLayout::as_they_are);
    let text = match &artifacts.model_topology {
        Some(ModelTopology::GraphDef(bytes)) => {
            envelope.insert(GRAPH_DEF.to_owned(), STANDARD.encode(bytes));
            encode_legacy_manifest(artifacts, layout.as_ref())?
        }
        _ => encode_model_json(artifacts, layout.as_ref())?,
    };
    envelope.insert(MODEL.to_owned(), text);
    if let Some(weights) = &artifacts.weights {
        let lengths: Vec<_> = weights.shards().map(|shard| shard.bytes.to_string()).collect();
        envelope.insert(SHARD_BYTES.to_owned(), format!("[{}]", lengths.join(",")));
    }
    if !names.is_empty() {
        let text = serde_json::to_string(names).map_err(|error| unreadable(NAMES).with_source(error))?;
        envelope.insert(NAMES.to_owned(), text);
    }
    Ok(envelope)
}

/// A model whose tensors are still to be found.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) json: ModelJson,
    pub(crate) topology: Option<ModelTopology>,
    /// The lengths of the files that the manifest names, in order.
    pub(crate) shard_bytes: Vec<u64>,
    /// What tensors are called in the file, where it is not their name.
    pub(crate) names: BTreeMap<String, String>,
}

/// What [`seal`] made; `None` if the texts are somebody else's.
pub(crate) fn open(envelope: &Envelope, limits: &Limits) -> Result<Option<Opened>, Error> {
    match envelope.get(VERSION).map(String::as_str) {
        None => return Ok(None),
        Some(VERSION_NOW) => {}
        Some(other) => {
            let shown = other.escape_debug().to_string().chars().take(40).collect::<String>();
            let message = format!(
                "the metadata says `{VERSION}` {shown}, this library knows {VERSION_NOW}: use a newer one, or read the tensors alone by ignoring the metadata"
            );
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
    }
    let text = envelope.get(MODEL).ok_or_else(|| unreadable(MODEL))?;
    limits.check(Limit::JsonBytes, text.len() as u64)?;
    let json = ModelJson::parse_with(text.as_bytes(), limits)?;
    let topology = match envelope.get(GRAPH_DEF) {
        Some(text) => {
            limits.check(Limit::GraphDefBytes, text.len() as u64 / 4 * 3)?;
            let bytes = STANDARD.decode(text).map_err(|error| unreadable(GRAPH_DEF).with_source(error))?;
            Some(ModelTopology::graph_def(bytes)?)
        }
        None => json.artifacts().model_topology.clone(),
    };
    let shard_bytes = parsed(envelope, SHARD_BYTES)?;
    let names = parsed(envelope, NAMES)?;
    Ok(Some(Opened { json, topology, shard_bytes, names }))
}

/// The value of a text that is JSON; nothing if it is not there.
fn parsed<T: serde::de::DeserializeOwned + Default>(envelope: &Envelope, key: &str) -> Result<T, Error> {
    match envelope.get(key) {
        Some(text) => serde_json::from_str(text).map_err(|error| unreadable(key).with_source(error)),
        None => Ok(T::default()),
    }
}

fn unreadable(key: &str) -> Error {
    let message = format!(
        "the metadata has no readable `{key}`, so the file is damaged; its tensors alone can be read by ignoring the metadata"
    );
    Error::new(ErrorKind::InvalidData, message)
}
