//! Writing: artifacts to the text of `model.json`.
//!
//! Known keys come in the order of tfjs-core's `getModelJSONForModelArtifacts`, then the unknown ones in theirs;
//! values that came as text go out as that text.

use crate::repeated::Places;
use crate::{
    Error, ErrorKind, ModelArtifacts, ModelTopology, PlannedShard, Quantization, RawJson, ShardLayout, SurplusBytes,
    WeightData, WeightSpec, Weights, WeightsError,
};

/// The text of `model.json` for these artifacts, whose weights are stored as `layout` says. Without weights the manifest is
/// left out, or is that of [`ShardLayout::of_no_weights`].
///
/// No key is written twice: what is a field of its own is not taken from the unknown keys, and of equal unknown keys the
/// first is.
///
/// # Errors
/// [`ErrorKind::Unsupported`] when the topology is a binary GraphDef, which `model.json` cannot hold, and
/// [`ErrorKind::InvalidData`] when there is neither a topology nor weights, which nobody could load, or the layout was made for
/// other weights.
pub fn encode_model_json(artifacts: &ModelArtifacts, layout: Option<&ShardLayout>) -> Result<String, Error> {
    if artifacts.topology_json().is_none_or(RawJson::is_null) && artifacts.weights.is_none() && !artifacts.is_binary() {
        return Err(Error::new(ErrorKind::InvalidData, "there is neither a topology nor weights to save"));
    }
    let topology = match &artifacts.model_topology {
        Some(ModelTopology::GraphDef(_)) => {
            let message = "a binary GraphDef topology does not fit into model.json";
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        Some(ModelTopology::Json(json)) => Some(json),
        None => None,
    };
    let manifest = match (&artifacts.weights, layout) {
        (Some(weights), Some(layout)) => Some(encode_manifest(weights, layout)?),
        (None, Some(layout)) if !layout.groups().is_empty() => Some(encode_manifest_of_no_weights(layout)),
        _ => None,
    };

    let mut object = Object::new(String::with_capacity(topology.map_or(0, |json| json.get().len()) + 4096));
    object.optional("modelTopology", topology);
    object.optional("format", artifacts.format.as_ref());
    object.optional("generatedBy", artifacts.generated_by.as_ref());
    object.optional("convertedBy", artifacts.converted_by.as_ref());
    if let Some(manifest) = &manifest {
        object.member("weightsManifest", manifest);
    }
    object.optional("signature", artifacts.signature.as_ref());
    object.optional("userDefinedMetadata", artifacts.user_defined_metadata.as_ref());
    object.optional("modelInitializer", artifacts.model_initializer.as_ref());
    object.optional("initializerSignature", artifacts.initializer_signature.as_ref());
    object.optional("trainingConfig", artifacts.training_config.as_ref());
    // An explicit `"weightsManifest": null` is kept among them, and gives way to a real one; a real one is none of them.
    object.members(artifacts.unknown.iter().filter(|(key, value)| key != "weightsManifest" || value.is_null()));
    Ok(object.end())
}

/// The text beside a binary topology: a bare manifest, or, if the model has more than that, an object that has all of it but the
/// topology.
///
/// # Errors
/// [`WeightsError`] when the layout was made for other weights, and whatever keeps the JSON from being written.
pub fn encode_legacy_manifest(artifacts: &ModelArtifacts, layout: Option<&ShardLayout>) -> Result<String, Error> {
    let mut without_topology = artifacts.clone();
    without_topology.model_topology = None;
    let no_weights = || Weights::new(Vec::new(), WeightData::empty(), SurplusBytes::Reject).map_err(Error::from);
    let weights = artifacts.weights.clone().map_or_else(no_weights, Ok)?;
    let no_files = ShardLayout::none();
    let layout = layout.unwrap_or(&no_files);
    if without_topology.is_bare() && !weights.groups().is_empty() {
        return Ok(encode_manifest(&weights, layout)?);
    }
    encode_model_json(&without_topology.with_weights(weights), Some(layout))
}

/// The text of a bare weights manifest, the value of `weightsManifest`.
///
/// # Errors
/// [`WeightsError::ForeignLayout`] when the layout was made for other weights.
pub fn encode_manifest(weights: &Weights, layout: &ShardLayout) -> Result<String, WeightsError> {
    layout.check(weights)?;
    let groups = weights.groups().iter().zip(layout.groups()).map(|(group, shards)| {
        let mut object = Object::new(String::new());
        object.member("paths", &paths(layout, shards));
        object.member("weights", &encode_weight_specs(&group.weights));
        let checksums: Option<Vec<_>> = shards.iter().map(|shard| shard.sha256).collect();
        if let Some(checksums) = checksums.filter(|checksums| !checksums.is_empty()) {
            object.member("sha256", &array(checksums.iter().map(|digest| quoted(&digest.to_string()))));
        }
        object.members(group.unknown_with(shards));
        object.end()
    });
    Ok(array(groups))
}

/// What TensorFlow.js writes where `weightSpecs` are undefined: groups without `weights`.
fn encode_manifest_of_no_weights(layout: &ShardLayout) -> String {
    array(layout.groups().iter().map(|shards| {
        let mut object = Object::new(String::new());
        object.member("paths", &paths(layout, shards));
        object.end()
    }))
}

fn paths(layout: &ShardLayout, shards: &[PlannedShard]) -> String {
    array(shards.iter().map(|shard| quoted(&layout.manifest_path(&shard.path))))
}

/// The text of an array of specs: `weights` of a group of the manifest, or the `weightSpecs` of a whole model, as
/// TensorFlow.js's `ModelArtifacts` has them.
pub fn encode_weight_specs<'a>(specs: impl IntoIterator<Item = &'a WeightSpec>) -> String {
    array(specs.into_iter().map(weight_spec))
}

fn weight_spec(spec: &WeightSpec) -> String {
    let mut object = Object::new(String::new());
    object.member("name", &quoted(&spec.name));
    object.member("shape", &spec.shape.to_string());
    object.member("dtype", &quoted(spec.dtype.as_str()));
    if let Some(group) = &spec.group {
        object.member("group", &quoted(group));
    }
    if let Some(quantized) = &spec.quantization {
        object.member("quantization", &encode_quantization(quantized));
    }
    // Plain values must not become codes.
    object.members(spec.unknown.iter().filter(|(key, _)| key != "quantization"));
    object.end()
}

/// The text of a `quantization`.
pub(crate) fn encode_quantization(quantization: &Quantization) -> String {
    let mut object = Object::new(String::new());
    object.member("dtype", &quoted(quantization.dtype.as_str()));
    object.optional("min", quantization.min.as_ref());
    object.optional("scale", quantization.scale.as_ref());
    object.members(&quantization.unknown);
    object.end()
}

/// A JSON object under construction. Of members with one key the first stays.
struct Object<'a> {
    text: String,
    separator: char,
    keys: Places<'a>,
}

impl<'a> Object<'a> {
    fn new(text: String) -> Self {
        Self { text, separator: '{', keys: Places::new() }
    }

    fn member(&mut self, key: &'a str, json: &str) {
        if self.keys.insert(key, self.text.len()).is_some() {
            return;
        }
        self.text.push(self.separator);
        self.separator = ',';
        self.text.push_str(&quoted(key));
        self.text.push(':');
        self.text.push_str(json);
    }

    fn optional(&mut self, key: &'a str, json: Option<&RawJson>) {
        if let Some(json) = json {
            self.member(key, json.get());
        }
    }

    fn members(&mut self, members: impl IntoIterator<Item = &'a (String, RawJson)>) {
        for (key, value) in members {
            self.member(key, value.get());
        }
    }

    fn end(mut self) -> String {
        if self.separator == '{' {
            self.text.push('{');
        }
        self.text.push('}');
        self.text
    }
}

fn array(elements: impl Iterator<Item = String>) -> String {
    let mut text = String::from("[");
    for (index, element) in elements.enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&element);
    }
    text.push(']');
    text
}

fn quoted(text: &str) -> String {
    RawJson::string(text).get().to_owned()
}
