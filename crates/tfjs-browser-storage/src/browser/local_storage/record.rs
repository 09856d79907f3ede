//! The five strings of a model, and what they say. No browser is needed to read them, only to get at them: `tests/fuzz` compiles
//! this file by itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tfjs_artifacts::{Error, ErrorKind, Limit, Limits, ManifestError, ModelArtifactsInfo, RawJson};

use crate::reference::{EXTRA, Parts};
use crate::stored::Stored;

/// The strings of a model, in the order of [`Part::ALL`]; one that is missing is `None`.
pub(super) type Values = [Option<String>; 5];

/// Which of the five.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Info,
    Topology,
    WeightSpecs,
    WeightData,
    Metadata,
}

impl Part {
    pub(super) const ALL: [Self; 5] = [Self::Info, Self::Topology, Self::WeightSpecs, Self::WeightData, Self::Metadata];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Topology => "model_topology",
            Self::WeightSpecs => "weight_specs",
            Self::WeightData => "weight_data",
            Self::Metadata => "model_metadata",
        }
    }
}

/// The model of these strings, and its weights. `key` says where a string that is missing should be.
pub(super) fn parse(values: Values, limits: &Limits, key: impl Fn(Part) -> String) -> Result<(Stored, Bytes), Error> {
    let [info, topology, specs, data, metadata] = values;
    let Some(info) = info else { return Err(missing()) };
    parse_info(&info)?;
    // What is JSON lies in the keys one by one, and is one text where others have it.
    let texts = [&topology, &specs, &metadata].into_iter().flatten();
    limits.check(Limit::JsonBytes, texts.map(|text| text.len() as u64).sum())?;
    if let Some(base64) = &data {
        limits.check(Limit::WeightBytes, base64.len() as u64 / 4 * 3)?;
    }
    let parts = Parts {
        topology: optional_json(topology, Part::Topology)?,
        specs: optional_json(specs, Part::WeightSpecs)?,
        others: Vec::new(),
        extra: None,
    };
    let parts = match optional_json(metadata, Part::Metadata)? {
        Some(metadata) => with_metadata(parts, &metadata)?,
        // Models that were saved before TensorFlow.js 1.0 have none.
        None => parts,
    };
    let has_weights = parts.specs.as_ref().and_then(RawJson::element_count).is_some_and(|count| count > 0);
    let weights = match data {
        Some(base64) => decode(&base64)?,
        None if has_weights => {
            let message = format!("the weights are missing: there is no key `{}`", key(Part::WeightData));
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        None => Bytes::new(),
    };
    Ok((parts.stored(weights.len() as u64, limits)?, weights))
}

fn decode(base64: &str) -> Result<Bytes, Error> {
    STANDARD.decode(base64).map(Bytes::from).map_err(|error| {
        Error::new(ErrorKind::InvalidData, "the weights are not base64: they were damaged").with_source(error)
    })
}

/// The keys of the metadata, and the extra among them.
fn with_metadata(mut parts: Parts, metadata: &RawJson) -> Result<Parts, Error> {
    let Some(entries) = metadata.entries() else {
        let message = format!("`{}` is not an object", Part::Metadata.as_str());
        return Err(Error::new(ErrorKind::InvalidData, message));
    };
    for (key, value) in entries {
        if key == EXTRA {
            parts.extra = Some(value.to_string());
        } else {
            parts.others.push((key, value));
        }
    }
    Ok(parts)
}

/// A part that may be missing: the reference writes `undefined` for what it does not have.
fn optional_json(text: Option<String>, part: Part) -> Result<Option<RawJson>, Error> {
    let Some(text) = text.filter(|text| !matches!(text.as_str(), "undefined" | "null")) else { return Ok(None) };
    let error = |error: ManifestError| {
        let kind = Error::from(error.clone()).kind();
        Error::new(kind, format!("`{}` is damaged", part.as_str())).with_source(error)
    };
    RawJson::parse(&text).map(Some).map_err(|json| error(json.into()))
}

pub(super) fn parse_info(text: &str) -> Result<ModelArtifactsInfo, Error> {
    let damaged = Error::new(ErrorKind::InvalidData, "`info` is damaged: it is not what a save writes");
    match RawJson::parse(text) {
        Ok(json) => ModelArtifactsInfo::from_json(&json).map_err(|error| damaged.with_source(error)),
        Err(error) => Err(damaged.with_source(error)),
    }
}

pub(super) fn missing() -> Error {
    Error::new(ErrorKind::NotFound, "there is no model of this name in localStorage")
}
