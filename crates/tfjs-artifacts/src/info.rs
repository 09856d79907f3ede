//! What a save reports.

use std::fmt;

use bytes::Bytes;
use serde::ser::SerializeStruct as _;

use crate::model_json::encode_weight_specs;
use crate::{DateSaved, ModelArtifacts, ModelTopology, RawJson, Weights};

/// Date and sizes of a saved model: TensorFlow.js's `ModelArtifactsInfo`.
///
/// The byte counts equal those of `getModelArtifactsInfoForJSON` for the same model: topology and specs
/// count as the UTF-8 length of what `JSON.stringify` prints. Serializes as TensorFlow.js does, and reads what it stores.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelArtifactsInfo {
    /// When the model was saved.
    pub date_saved: DateSaved,
    /// Whether the topology is JSON or a binary GraphDef.
    pub model_topology_type: TopologyType,
    /// Bytes of the topology: of its compact JSON, or of the binary GraphDef; 0 if there is none.
    pub model_topology_bytes: u64,
    /// Bytes of the compact JSON of all weight specs; 0 if there are none.
    pub weight_specs_bytes: u64,
    /// Bytes of all weights.
    pub weight_data_bytes: u64,
}

/// `modelTopologyType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the format knows these two")]
pub enum TopologyType {
    /// `"JSON"`.
    Json,
    /// `"GraphDef"`.
    GraphDef,
}

/// What a successful save reports. Serializes as TensorFlow.js's, with `"completion": "requested"` if that is all that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SaveResult {
    /// Date and sizes of what was saved.
    pub model_artifacts_info: ModelArtifactsInfo,
    /// What the servers answered, for media that are servers: TensorFlow.js's `responses`.
    pub responses: Vec<SaveResponse>,
    /// How far the save has come.
    pub completion: Completion,
}

/// How far a successful save has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Completion {
    /// The medium has the model.
    #[default]
    Saved,
    /// The medium was asked to take the model and will not say whether it did: the browser downloads files, or the user does not
    /// let it.
    Requested,
}

/// What a server answered to a save. Serializes as an object of `status`, `contentType` and `body` (as text); the headers,
/// which may be confidential, stay out.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SaveResponse {
    /// The HTTP status, such as 200.
    pub status: u16,
    /// The headers in their order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, or its beginning if it is long.
    pub body: Bytes,
}

impl ModelArtifactsInfo {
    /// The sizes of a model, with a date.
    pub fn new(artifacts: &ModelArtifacts, date_saved: DateSaved) -> Self {
        let (model_topology_type, model_topology_bytes) = match &artifacts.model_topology {
            None => (TopologyType::Json, 0),
            Some(ModelTopology::Json(json)) if json.is_null() => (TopologyType::Json, 0),
            Some(ModelTopology::Json(json)) => (TopologyType::Json, json.js_len()),
            Some(ModelTopology::GraphDef(bytes)) => (TopologyType::GraphDef, bytes.len() as u64),
        };
        Self {
            date_saved,
            model_topology_type,
            model_topology_bytes,
            weight_specs_bytes: artifacts.weights.as_ref().map_or(0, specs_bytes),
            weight_data_bytes: artifacts.weights.as_ref().map_or(0, |weights| weights.data().byte_length()),
        }
    }
}

fn specs_bytes(weights: &Weights) -> u64 {
    let text = encode_weight_specs(weights.specs());
    // Specs print as well-formed JSON; the text's own length stands for the branch that cannot happen.
    RawJson::parse(&text).map_or(text.len() as u64, |json| json.js_len())
}

impl SaveResult {
    /// The result of saving these artifacts now.
    pub fn now(artifacts: &ModelArtifacts) -> Self {
        Self {
            model_artifacts_info: ModelArtifactsInfo::new(artifacts, DateSaved::now()),
            responses: Vec::new(),
            completion: Completion::Saved,
        }
    }
}

impl SaveResponse {
    /// An answer with this status.
    pub fn new(status: u16, headers: Vec<(String, String)>, body: Bytes) -> Self {
        Self { status, headers, body }
    }

    /// The first header of this name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for SaveResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (status, bytes) = (self.status, self.body.len());
        f.debug_struct("SaveResponse").field("status", &status).field("bytes", &bytes).finish_non_exhaustive()
    }
}

impl TopologyType {
    /// The name as TensorFlow.js spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::GraphDef => "GraphDef",
        }
    }
}

impl serde::Serialize for ModelArtifactsInfo {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("ModelArtifactsInfo", 5)?;
        object.serialize_field("dateSaved", &self.date_saved)?;
        object.serialize_field("modelTopologyType", self.model_topology_type.as_str())?;
        object.serialize_field("modelTopologyBytes", &self.model_topology_bytes)?;
        object.serialize_field("weightSpecsBytes", &self.weight_specs_bytes)?;
        object.serialize_field("weightDataBytes", &self.weight_data_bytes)?;
        object.end()
    }
}

/// Reads what TensorFlow.js stores; other keys are ignored.
impl<'de> serde::Deserialize<'de> for ModelArtifactsInfo {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;

        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Stored {
            date_saved: String,
            model_topology_type: String,
            model_topology_bytes: u64,
            weight_specs_bytes: u64,
            weight_data_bytes: u64,
        }

        let stored = Stored::deserialize(deserializer)?;
        let model_topology_type = [TopologyType::Json, TopologyType::GraphDef]
            .into_iter()
            .find(|known| known.as_str() == stored.model_topology_type)
            .ok_or_else(|| {
                D::Error::custom(format!("`{}` is no modelTopologyType", stored.model_topology_type.escape_debug()))
            })?;
        Ok(Self {
            date_saved: stored.date_saved.parse().map_err(D::Error::custom)?,
            model_topology_type,
            model_topology_bytes: stored.model_topology_bytes,
            weight_specs_bytes: stored.weight_specs_bytes,
            weight_data_bytes: stored.weight_data_bytes,
        })
    }
}

impl serde::Serialize for SaveResult {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_requested = self.completion == Completion::Requested;
        let fields = 1 + usize::from(!self.responses.is_empty()) + usize::from(is_requested);
        let mut object = serializer.serialize_struct("SaveResult", fields)?;
        object.serialize_field("modelArtifactsInfo", &self.model_artifacts_info)?;
        if !self.responses.is_empty() {
            object.serialize_field("responses", &self.responses)?;
        }
        if is_requested {
            object.serialize_field("completion", "requested")?;
        }
        object.end()
    }
}

impl serde::Serialize for SaveResponse {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("SaveResponse", 3)?;
        object.serialize_field("status", &self.status)?;
        object.serialize_field("contentType", &self.header("content-type"))?;
        object.serialize_field("body", &String::from_utf8_lossy(&self.body))?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_save_that_was_only_requested_says_so() {
        let mut saved = SaveResult::now(&ModelArtifacts::new());
        assert!(!serde_json::to_string(&saved).unwrap().contains("completion"));
        saved.completion = Completion::Requested;
        assert!(serde_json::to_string(&saved).unwrap().ends_with(r#"},"completion":"requested"}"#));
    }

    #[test]
    fn what_is_stored_is_read() {
        let text = r#"{"dateSaved":"2026-11-23T14:30:19.064Z","modelTopologyType":"JSON","modelTopologyBytes":5,"weightSpecsBytes":7,"weightDataBytes":9}"#;
        let info: ModelArtifactsInfo = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&info).unwrap(), text);
        let error = serde_json::from_str::<ModelArtifactsInfo>(&text.replace("JSON", "XML")).unwrap_err();
        assert!(error.to_string().starts_with("`XML` is no modelTopologyType"), "{error}");
        assert!(serde_json::from_str::<ModelArtifactsInfo>(&text.replace("2026", "soon")).is_err());
    }
}
