//! What a graph takes and gives, by name.

use serde::Deserialize;
use tfjs_artifacts::{RawJson, array_index};

use super::attr::DataType;
use super::json::{Shape, Type};
use crate::ModelError;

/// Inputs and outputs of a graph by their keys, in the order in which JavaScript has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    inputs: Vec<(String, TensorInfo)>,
    outputs: Vec<(String, TensorInfo)>,
    method_name: Option<String>,
}

/// What a signature says of an input or output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorInfo {
    /// The tensor: a node, and which of its outputs, as in `node:0`.
    pub name: Option<String>,
    /// The type.
    pub dtype: Option<DataType>,
    /// The dimensions, -1 for any size; `None` if not even their number is known.
    pub shape: Option<Vec<i64>>,
    /// The table or variable that is put in here by the model itself.
    pub resource_id: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    name: Option<String>,
    dtype: Option<Type>,
    tensor_shape: Option<Shape>,
    resource_id: Option<i64>,
}

impl Signature {
    /// Reads a signature; `None` for the JSON `null`.
    pub(super) fn parse(json: &RawJson, at: &str) -> Result<Option<Self>, ModelError> {
        if json.is_null() {
            return Ok(None);
        }
        let method_name = json.member("methodName").and_then(|name| name.as_str().map(std::borrow::Cow::into_owned));
        let side = |key: &str| entries(json, key).map_err(|message| ModelError::Graph { at: at.to_owned(), message });
        Ok(Some(Self { inputs: side("inputs")?, outputs: side("outputs")?, method_name }))
    }

    /// The inputs by their keys.
    pub fn inputs(&self) -> &[(String, TensorInfo)] {
        &self.inputs
    }

    /// The outputs by their keys.
    pub fn outputs(&self) -> &[(String, TensorInfo)] {
        &self.outputs
    }

    /// `methodName`, such as `tensorflow/serving/predict`.
    pub fn method_name(&self) -> Option<&str> {
        self.method_name.as_deref()
    }
}

fn entries(json: &RawJson, key: &str) -> Result<Vec<(String, TensorInfo)>, String> {
    let Some(side) = json.member(key).filter(|side| !side.is_null()) else { return Ok(Vec::new()) };
    let members = side.entries().ok_or_else(|| format!("`{key}` should be an object"))?;
    let mut entries = Vec::new();
    for (name, value) in members {
        let info: Info = serde_json::from_str(value.get()).map_err(|error| format!("`{key}`, `{name}`: {error}"))?;
        let info = TensorInfo {
            name: info.name,
            dtype: info.dtype.map(DataType::from),
            shape: info.tensor_shape.and_then(Shape::dims),
            resource_id: info.resource_id,
        };
        entries.push((name, info));
    }
    sort_like_object_keys(&mut entries);
    Ok(entries)
}

/// The order in which JavaScript has the keys of an object: array indices ascending, then the others as they are.
pub(super) fn sort_like_object_keys<T>(entries: &mut [(String, T)]) {
    entries.sort_by_key(|(key, _)| array_index(key).unwrap_or(u32::MAX));
}
