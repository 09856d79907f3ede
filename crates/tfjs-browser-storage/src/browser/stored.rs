//! `model.json` for media that keep all weights as one run of bytes: it comes with the lengths of the files that they were cut into.

use bytes::Bytes;
use tfjs_artifacts::{
    Error, ErrorKind, Limit, Limits, ModelArtifacts, ModelJson, ModelTopology, PlannedShard, RawJson, Segment,
    ShardLayout, SurplusBytes,
};
use tfjs_router::SaveOptions;

/// A stored model, without its weights. Its JSON is `{"shardBytes": [8, 4], "modelJson": {..}}`.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    #[cfg_attr(
        not(any(feature = "indexeddb", feature = "localstorage")),
        expect(dead_code, reason = "only the layouts of TensorFlow.js ask for it")
    )]
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
#[cfg(feature = "opfs")]
pub(crate) fn encode(artifacts: &ModelArtifacts, layout: Option<&ShardLayout>) -> Result<String, Error> {
    refuse_binary_topology(artifacts)?;
    let model_json = RawJson::parse(&tfjs_artifacts::encode_model_json(artifacts, layout)?)?;
    encode_text(&model_json, layout)
}

/// As [`encode`], for a `model.json` that is written already.
pub(crate) fn encode_text(model_json: &RawJson, layout: Option<&ShardLayout>) -> Result<String, Error> {
    let lengths = layout.iter().flat_map(|layout| layout.shards()).map(PlannedShard::byte_length);
    let lengths: Vec<_> = lengths.map(|length| length.to_string()).collect();
    let text = RawJson::parse(&format!("[{}]", lengths.join(","))).and_then(|shard_bytes| {
        RawJson::from_entries([("shardBytes", shard_bytes), ("modelJson", model_json.clone())])
    });
    let text = text.map_err(|error| {
        Error::new(ErrorKind::Unexpected, "the JSON of the model cannot be written").with_source(error)
    })?;
    Ok(text.get().to_owned())
}

impl Stored {
    #[cfg(any(feature = "indexeddb", feature = "localstorage"))]
    pub(crate) fn new(model_json: ModelJson, shard_bytes: Vec<u64>) -> Self {
        Self { text: None, model_json, shard_bytes }
    }

    #[cfg(feature = "opfs")]
    pub(crate) fn parse(text: &str, limits: &Limits) -> Result<Self, Error> {
        Self::parse_with_topology(text, None, limits)
    }

    /// Parses a text whose topology is kept elsewhere, unless it has one of its own.
    pub(crate) fn parse_with_topology(text: &str, topology: Option<&RawJson>, limits: &Limits) -> Result<Self, Error> {
        limits.check(Limit::JsonBytes, text.len() as u64)?;
        let text = RawJson::parse(text)?;
        let members = text.entries().unwrap_or_default();
        let member = |key: &str| members.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value);
        let bad =
            |why: &str| Error::new(ErrorKind::InvalidData, "the stored JSON is not that of a model").with_source(why);
        let lengths = member("shardBytes").and_then(RawJson::elements);
        let lengths = lengths.and_then(|lengths| lengths.iter().map(|length| length.get().parse().ok()).collect());
        let shard_bytes = lengths.ok_or_else(|| bad("it has no list `shardBytes` of the lengths of files"))?;
        let mut model_json = member("modelJson").ok_or_else(|| bad("it has no `modelJson`"))?.clone();
        if let Some(topology) = topology
            && let Some(entries) = model_json.entries()
            && !entries.iter().any(|(key, _)| key == "modelTopology")
        {
            let first = ("modelTopology".to_owned(), topology.clone());
            model_json = RawJson::from_entries([first].into_iter().chain(entries))?;
        }
        let parsed = ModelJson::parse_with(model_json.get().as_bytes(), limits)?;
        Ok(Self { text: Some(model_json), model_json: parsed, shard_bytes })
    }

    /// The keys of the `model.json` that was parsed.
    #[cfg(any(feature = "indexeddb", feature = "localstorage"))]
    pub(crate) fn entries(&self) -> Vec<(String, RawJson)> {
        self.text.as_ref().and_then(RawJson::entries).unwrap_or_default()
    }

    /// Everything but the weights.
    #[cfg(any(feature = "indexeddb", feature = "localstorage"))]
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
