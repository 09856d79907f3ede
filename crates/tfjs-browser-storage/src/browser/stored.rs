//! `model.json` for media that keep all weights as one run of bytes: it comes with the lengths of the files that they were cut into.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tfjs_artifacts::{
    Error, ErrorKind, Limit, Limits, ManifestError, ModelArtifacts, ModelJson, ModelTopology, PlannedShard, RawJson,
    Segment, ShardLayout, SurplusBytes, encode_model_json,
};
use tfjs_router::SaveOptions;

/// The JSON of a stored model: `{"shardBytes": [8, 4], "modelJson": {..}}`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Text {
    shard_bytes: Vec<u64>,
    model_json: RawJson,
}

/// A stored model, without its weights.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    text: Option<RawJson>,
    model_json: ModelJson,
    shard_bytes: Vec<u64>,
}

/// The files that the weights would be, cut as the options say; `None` without weights.
pub(crate) fn layout(artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<Option<ShardLayout>, Error> {
    artifacts.weights.as_ref().map(|weights| options.shard_layout(weights, "model")).transpose()
}

/// A binary topology has no place in these media, and the reference has none for it either.
pub(crate) fn refuse_binary_topology(artifacts: &ModelArtifacts) -> Result<(), Error> {
    if matches!(artifacts.model_topology, Some(ModelTopology::GraphDef(_))) {
        let message = "the topology is a binary GraphDef, which browser storage does not hold; save to a folder or a server, or convert the model";
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    Ok(())
}

/// The text that [`Stored::parse`] reads.
pub(crate) fn encode(artifacts: &ModelArtifacts, layout: Option<&ShardLayout>) -> Result<String, Error> {
    refuse_binary_topology(artifacts)?;
    let model_json = RawJson::parse(&encode_model_json(artifacts, layout)?).map_err(ManifestError::from)?;
    encode_text(&model_json, layout)
}

/// As [`encode`], for a `model.json` that is written already.
pub(crate) fn encode_text(model_json: &RawJson, layout: Option<&ShardLayout>) -> Result<String, Error> {
    let shard_bytes = layout.iter().flat_map(|layout| layout.shards()).map(PlannedShard::byte_length).collect();
    serde_json::to_string(&Text { shard_bytes, model_json: model_json.clone() }).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "the JSON of the model cannot be written").with_source(error)
    })
}

impl Stored {
    pub(crate) fn new(model_json: ModelJson, shard_bytes: Vec<u64>) -> Self {
        Self { text: None, model_json, shard_bytes }
    }

    pub(crate) fn parse(text: &str, limits: &Limits) -> Result<Self, Error> {
        Self::parse_with_topology(text, None, limits)
    }

    /// Parses a text whose topology is kept elsewhere, unless it has one of its own.
    pub(crate) fn parse_with_topology(text: &str, topology: Option<&RawJson>, limits: &Limits) -> Result<Self, Error> {
        limits.check(Limit::JsonBytes, text.len() as u64)?;
        // What is too deep or too long is told before serde_json looks at it.
        RawJson::parse(text).map_err(ManifestError::from)?;
        let Text { shard_bytes, mut model_json } = serde_json::from_str(text).map_err(|error| {
            Error::new(ErrorKind::InvalidData, "the stored JSON is not that of a model").with_source(error)
        })?;
        if let Some(topology) = topology
            && let Some(entries) = model_json.entries()
            && !entries.iter().any(|(key, _)| key == "modelTopology")
        {
            let first = ("modelTopology".to_owned(), topology.clone());
            model_json = RawJson::from_entries([first].into_iter().chain(entries)).map_err(ManifestError::from)?;
        }
        let parsed = ModelJson::parse_with(model_json.get().as_bytes(), limits)?;
        Ok(Self { text: Some(model_json), model_json: parsed, shard_bytes })
    }

    /// The keys of the `model.json` that was parsed.
    pub(crate) fn entries(&self) -> Vec<(String, RawJson)> {
        self.text.as_ref().and_then(RawJson::entries).unwrap_or_default()
    }

    /// Everything but the weights.
    pub(crate) fn model_json(&self) -> &ModelJson {
        &self.model_json
    }

    /// With its weights: all of them, as one segment. The last file takes what is more or less than there should be, so that
    /// the error names it.
    pub(crate) async fn assemble(self, weights: Segment, surplus: SurplusBytes) -> Result<ModelArtifacts, Error> {
        let files = self.model_json.paths().count();
        let total = weights.byte_length();
        if self.shard_bytes.len() != files || (files == 0 && total > 0) {
            let message = format!(
                "the stored JSON has the lengths of {} weight files, but its manifest names {files}, and there are {total} bytes of weights",
                self.shard_bytes.len()
            );
            return Err(Error::new(ErrorKind::InvalidData, message));
        }
        let mut segments = Vec::with_capacity(files);
        let mut start = 0u64;
        for (index, bytes) in self.shard_bytes.iter().enumerate() {
            let is_last = index + 1 == files;
            let end = if is_last { total } else { start.saturating_add(*bytes).min(total) };
            segments.push(part(&weights, start, end));
            start = end;
        }
        self.model_json.assemble(segments, surplus).await
    }
}

/// A part of a segment; the offsets lie within it.
fn part(whole: &Segment, start: u64, end: u64) -> Segment {
    match whole {
        Segment::Memory(bytes) => {
            let at = |offset: u64| usize::try_from(offset).unwrap_or(bytes.len()).min(bytes.len());
            Segment::Memory(if start < end { bytes.slice(at(start)..at(end)) } else { Bytes::new() })
        }
        Segment::Lazy { source, range } => {
            Segment::Lazy { source: std::sync::Arc::clone(source), range: range.start + start..range.start + end }
        }
    }
}
