//! What a save reports.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::ser::SerializeStruct as _;

use crate::model_json::encode_weight_specs;
use crate::shape::abbreviate;
use crate::{DateError, DateSaved, Error, ErrorKind, ModelArtifacts, ModelTopology, RawJson, Weights};

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

    /// The JSON that TensorFlow.js stores.
    pub fn to_json(&self) -> RawJson {
        let Self { date_saved, model_topology_bytes, weight_specs_bytes, weight_data_bytes, .. } = self;
        let topology_type = self.model_topology_type.as_str();
        // Neither a date nor the name of a type has anything to escape.
        RawJson::from_checked(&format!(
            r#"{{"dateSaved":"{date_saved}","modelTopologyType":"{topology_type}","modelTopologyBytes":{model_topology_bytes},"weightSpecsBytes":{weight_specs_bytes},"weightDataBytes":{weight_data_bytes}}}"#
        ))
    }

    /// Reads the JSON that TensorFlow.js stores; other keys are ignored.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`], with the key that is missing or of which the value is not what it should be.
    pub fn from_json(json: &RawJson) -> Result<Self, Error> {
        let bytes =
            [count(json, "modelTopologyBytes")?, count(json, "weightSpecsBytes")?, count(json, "weightDataBytes")?];
        Self::of_stored(&text(json, "dateSaved")?, &text(json, "modelTopologyType")?, bytes).map_err(bad)
    }

    /// What is stored as these; the bytes are those of topology, specs and weights.
    fn of_stored(date_saved: &str, topology_type: &str, bytes: [u64; 3]) -> Result<Self, String> {
        let known =
            [TopologyType::Json, TopologyType::GraphDef].into_iter().find(|known| known.as_str() == topology_type);
        let [model_topology_bytes, weight_specs_bytes, weight_data_bytes] = bytes;
        Ok(Self {
            date_saved: date_saved.parse().map_err(|error: DateError| error.to_string())?,
            model_topology_type: known
                .ok_or_else(|| format!("`{}` is no modelTopologyType", topology_type.escape_debug()))?,
            model_topology_bytes,
            weight_specs_bytes,
            weight_data_bytes,
        })
    }
}

fn text(json: &RawJson, key: &str) -> Result<String, Error> {
    field(json, key, "a string", &mut |value| value.as_str().map(Cow::into_owned))
}

fn count(json: &RawJson, key: &str) -> Result<u64, Error> {
    field(json, key, "a number of bytes", &mut |value| value.get().parse().ok())
}

fn field<V>(
    json: &RawJson,
    key: &str,
    expected: &str,
    read: &mut dyn FnMut(&RawJson) -> Option<V>,
) -> Result<V, Error> {
    let value = json.member(key).ok_or_else(|| bad(format!("missing field `{key}`")))?;
    let found = || abbreviate(value.get(), 40);
    read(&value).ok_or_else(|| bad(format!("`{key}` is {}, but should be {expected}", found())))
}

fn bad(message: String) -> Error {
    Error::new(ErrorKind::InvalidData, message)
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
        let bytes = [stored.model_topology_bytes, stored.weight_specs_bytes, stored.weight_data_bytes];
        Self::of_stored(&stored.date_saved, &stored.model_topology_type, bytes).map_err(D::Error::custom)
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

    #[test]
    fn what_is_stored_is_read_without_serde() {
        let info = ModelArtifactsInfo::new(&ModelArtifacts::new(), DateSaved::from_unix_millis(1_795_444_219_064));
        let json = info.to_json();
        assert_eq!(json.get(), serde_json::to_string(&info).unwrap());
        assert_eq!(ModelArtifactsInfo::from_json(&json).unwrap(), info);
        let check = |from: &str, to: &str, expected: &str| {
            let json = RawJson::parse(&json.get().replace(from, to)).unwrap();
            assert_eq!(ModelArtifactsInfo::from_json(&json).unwrap_err().to_string(), expected);
        };
        check("JSON", "XML", "`XML` is no modelTopologyType");
        check("2026", "soon", "`soon-11-23T14:30:19.064Z` is not a date such as 2026-11-23T14:30:19.064Z");
        check("weightDataBytes", "bytes", "missing field `weightDataBytes`");
        check("Bytes\":0", "Bytes\":0.5", "`modelTopologyBytes` is 0.5, but should be a number of bytes");
        check("\"JSON\"", "[1]", "`modelTopologyType` is [1], but should be a string");
    }
}
