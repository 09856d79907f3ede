//! Everything a saved model consists of.

use std::borrow::Cow;

use bytes::Bytes;

use crate::{GraphDefError, Limit, LimitError, Limits, RawJson, Weights, graph_def};

/// A model as it is saved and loaded: what TensorFlow.js calls `ModelArtifacts`.
///
/// Every field is optional, and a JSON `null` that was written is not an absence: a model saved by
/// TensorFlow.js has `"convertedBy": null`. What this library does not know is kept in `unknown`, so saving
/// what was loaded loses nothing. Cloning is cheap.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ModelArtifacts {
    /// The topology.
    pub model_topology: Option<ModelTopology>,
    /// `format`: usually `"layers-model"` or `"graph-model"`; see [`model_format`](Self::model_format).
    pub format: Option<RawJson>,
    /// `generatedBy`: the library that made the model, usually a string or `null`.
    pub generated_by: Option<RawJson>,
    /// `convertedBy`: the converter, usually a string or `null`.
    pub converted_by: Option<RawJson>,
    /// Specs and bytes of the weights.
    pub weights: Option<Weights>,
    /// `signature`: inputs and outputs of a graph-model.
    pub signature: Option<RawJson>,
    /// `userDefinedMetadata`: whatever the user attached.
    pub user_defined_metadata: Option<RawJson>,
    /// `modelInitializer`: the topology that fills a graph-model's tables.
    pub model_initializer: Option<RawJson>,
    /// `initializerSignature`: inputs and outputs of the initializer.
    pub initializer_signature: Option<RawJson>,
    /// `trainingConfig`: optimizer, loss and metrics of a layers-model.
    pub training_config: Option<RawJson>,
    /// All other keys of `model.json`, in order. A key that is written from a field of its own counts for nothing here.
    pub unknown: Vec<(String, RawJson)>,
}

/// Which operations a model consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the format knows a text and a binary form")]
pub enum ModelTopology {
    /// JSON, kept as text.
    Json(RawJson),
    /// A binary TensorFlow `GraphDef` (`.pb`), as converters before TensorFlow.js 1.0 wrote.
    GraphDef(Bytes),
}

impl ModelTopology {
    /// A binary `GraphDef` as a file has it, if it can be one: of a message of protocol buffers, which is walked from outside.
    ///
    /// # Errors
    /// [`GraphDefError`] when it is empty, cut short, an HTML page or anything else.
    pub fn graph_def(bytes: impl Into<Bytes>) -> Result<Self, GraphDefError> {
        let bytes = bytes.into();
        graph_def::check(&bytes)?;
        Ok(Self::GraphDef(bytes))
    }
}

/// What kind of model it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelFormat {
    /// Layers, loadable with `loadLayersModel`.
    LayersModel,
    /// A graph of operations, loadable with `loadGraphModel`.
    GraphModel,
    /// What the `format` key says, if it is neither of the two.
    Other(String),
    /// There is no `format` and the topology does not tell, or is missing.
    Unknown,
}

impl ModelArtifacts {
    /// Nothing at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this JSON topology.
    #[must_use]
    pub fn with_topology(mut self, topology: RawJson) -> Self {
        self.model_topology = Some(ModelTopology::Json(topology));
        self
    }

    /// With these weights.
    #[must_use]
    pub fn with_weights(mut self, weights: Weights) -> Self {
        self.weights = Some(weights);
        self
    }

    /// Compares a model that is in memory with what is accepted, and its weights as [`Weights::with_limits`] does.
    ///
    /// # Errors
    /// [`LimitError`] when there is more.
    pub fn with_limits(mut self, limits: &Limits) -> Result<Self, LimitError> {
        match &self.model_topology {
            Some(ModelTopology::Json(json)) => limits.check(Limit::JsonBytes, json.get().len() as u64)?,
            Some(ModelTopology::GraphDef(bytes)) => limits.check(Limit::GraphDefBytes, bytes.len() as u64)?,
            None => {}
        }
        self.weights = self.weights.map(|weights| weights.with_limits(limits)).transpose()?;
        Ok(self)
    }

    /// The topology, if it is JSON.
    pub fn topology_json(&self) -> Option<&RawJson> {
        match &self.model_topology {
            Some(ModelTopology::Json(json)) => Some(json),
            _ => None,
        }
    }

    /// Whether the topology is a binary GraphDef.
    pub(crate) fn is_binary(&self) -> bool {
        matches!(self.model_topology, Some(ModelTopology::GraphDef(_)))
    }

    /// Whether two models agree in everything but the bytes of their weights: every key, the specs, and the lengths of the files.
    pub fn has_the_keys_of(&self, other: &Self) -> bool {
        let groups = |artifacts: &Self| artifacts.weights.as_ref().map(|weights| weights.groups().to_vec());
        self.model_topology == other.model_topology
            && self.keys() == other.keys()
            && self.unknown == other.unknown
            && groups(self) == groups(other)
    }

    /// The known keys beside topology and weights.
    fn keys(&self) -> [Option<&RawJson>; 8] {
        [
            self.format.as_ref(),
            self.generated_by.as_ref(),
            self.converted_by.as_ref(),
            self.signature.as_ref(),
            self.user_defined_metadata.as_ref(),
            self.model_initializer.as_ref(),
            self.initializer_signature.as_ref(),
            self.training_config.as_ref(),
        ]
    }

    /// Whether there is nothing that a bare weights manifest cannot hold: no topology, and no key beside it.
    pub fn is_bare(&self) -> bool {
        self.model_topology.is_none() && self.unknown.is_empty() && self.keys().iter().all(Option::is_none)
    }

    /// What kind of model it is: by `format`, else by the look of the topology.
    ///
    /// Old files have no `format`; a topology with a `node` array is a graph, one with `model_config`, or
    /// `class_name` and `config`, consists of layers.
    pub fn model_format(&self) -> ModelFormat {
        match self.format.as_ref().and_then(RawJson::as_str).as_deref() {
            Some("layers-model") => ModelFormat::LayersModel,
            Some("graph-model") => ModelFormat::GraphModel,
            Some(other) => ModelFormat::Other(other.to_owned()),
            None => self.format_of_topology(),
        }
    }

    fn format_of_topology(&self) -> ModelFormat {
        let topology = match &self.model_topology {
            Some(ModelTopology::Json(json)) => json,
            Some(ModelTopology::GraphDef(_)) => return ModelFormat::GraphModel,
            None => return ModelFormat::Unknown,
        };
        let Some(entries) = topology.entries() else { return ModelFormat::Unknown };
        let has = |key: &str| entries.iter().any(|(name, _)| name == key);
        if has("node") {
            ModelFormat::GraphModel
        } else if has("model_config")
            || has("modelConfig")
            || ((has("class_name") || has("className")) && has("config"))
        {
            ModelFormat::LayersModel
        } else {
            ModelFormat::Unknown
        }
    }

    /// `generatedBy`, if it is a string.
    pub fn generated_by_str(&self) -> Option<Cow<'_, str>> {
        self.generated_by.as_ref().and_then(RawJson::as_str)
    }

    /// `convertedBy`, if it is a string.
    pub fn converted_by_str(&self) -> Option<Cow<'_, str>> {
        self.converted_by.as_ref().and_then(RawJson::as_str)
    }
}

impl ModelFormat {
    /// The name as `format` spells it; `unknown` if there is none.
    pub fn as_str(&self) -> &str {
        match self {
            Self::LayersModel => "layers-model",
            Self::GraphModel => "graph-model",
            Self::Other(name) => name,
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: Option<&str>, topology: &str, expected: &ModelFormat) {
        let mut artifacts = ModelArtifacts::new().with_topology(RawJson::parse(topology).unwrap());
        artifacts.format = format.map(|format| RawJson::parse(format).unwrap());
        assert_eq!(&artifacts.model_format(), expected);
    }

    #[test]
    fn formats() {
        check(Some("\"layers-model\""), "{}", &ModelFormat::LayersModel);
        check(Some("\"graph-model\""), "{}", &ModelFormat::GraphModel);
        check(Some("\"tf-new\""), "{}", &ModelFormat::Other("tf-new".to_owned()));
        check(None, r#"{"node":[]}"#, &ModelFormat::GraphModel);
        check(Some("null"), r#"{"model_config":{}}"#, &ModelFormat::LayersModel);
        check(None, r#"{"class_name":"Sequential","config":[]}"#, &ModelFormat::LayersModel);
        check(None, r#"{"className":"Sequential","config":[]}"#, &ModelFormat::LayersModel);
        check(None, "[]", &ModelFormat::Unknown);
        assert_eq!(ModelArtifacts::new().model_format(), ModelFormat::Unknown);
    }
}
