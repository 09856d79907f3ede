//! The parts in which TensorFlow.js stores a model in the browser, and what it takes to lose nothing in them.
//!
//! It keeps a flat list of specs and one run of bytes: no groups, no files, no checksums; in IndexedDB it keeps values, not
//! texts, so that `1.0` comes back as `1`. Where a model has more than that, an extra is stored beside the parts, under a key
//! that TensorFlow.js ignores and that goes when it saves over the model.

use tfjs_artifacts::{
    Error, ErrorKind, Limits, ModelArtifacts, ModelJson, RawJson, ShardLayout, encode_model_json, encode_weight_specs,
};

use crate::in_order::in_order;
use crate::stored::{self, Stored};

/// The key of the extra.
pub(crate) const EXTRA: &str = "tfjsIo";

/// The name of the one weight file of a model without an extra.
const WEIGHTS_FILE: &str = "model.weights.bin";

/// Keys that stand for something else in a part: an unknown key of this name is kept in the extra only.
const RESERVED: [&str; 6] = ["modelTopology", "weightSpecs", "weightData", "weightsManifest", "getWeightStream", EXTRA];

/// A model without its weights, as TensorFlow.js stores it.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    /// `modelTopology`.
    pub(crate) topology: Option<RawJson>,
    /// `weightSpecs`: of all groups, in one array.
    pub(crate) specs: Option<RawJson>,
    /// All other keys.
    pub(crate) others: Vec<(String, RawJson)>,
    /// The text of the extra.
    pub(crate) extra: Option<String>,
}

/// What a medium keeps of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// The text.
    Text,
    /// What the text means to JavaScript.
    Values,
}

impl Parts {
    /// The parts of a model whose weights would be cut into files like this.
    pub(crate) fn of(artifacts: &ModelArtifacts, layout: Option<&ShardLayout>, keeps: Keeps) -> Result<Self, Error> {
        stored::refuse_binary_topology(artifacts)?;
        let text = encode_model_json(artifacts, layout)?;
        let whole = RawJson::parse(&text)?;
        let (mut others, mut reserved) = (Vec::new(), 0);
        for (key, value) in whole.entries().unwrap_or_default() {
            match key.as_str() {
                "modelTopology" | "weightsManifest" => {}
                key if RESERVED.contains(&key) => reserved += 1,
                _ => others.push((key, value)),
            }
        }
        let topology = artifacts.topology_json().cloned();
        let specs = artifacts.weights.as_ref().map(|weights| RawJson::parse(&encode_weight_specs(weights.specs())));
        let specs = specs.transpose()?;

        let survives = |json: &RawJson| keeps == Keeps::Text || json.to_js_string() == json.get();
        let keeps_topology = topology.as_ref().is_none_or(|topology| !topology.is_null() && survives(topology));
        let keeps_all = keeps_topology
            && reserved == 0
            && others.iter().all(|(_, value)| survives(value))
            && (keeps == Keeps::Text || are_in_the_order_of_javascript(&others))
            && is_one_file(artifacts, layout)
            && (keeps == Keeps::Values || specs.is_some());
        let extra = if keeps_all {
            None
        } else {
            let kept = |key: &str| key == "modelTopology" && keeps_topology;
            let entries = whole.entries().unwrap_or_default().into_iter().filter(|(key, _)| !kept(key));
            Some(stored::encode_text(&RawJson::from_entries(entries)?, layout)?)
        };
        Ok(Self { topology, specs, others, extra })
    }

    /// The model that these are the parts of; it has so many bytes of weights.
    ///
    /// An extra that says something else than the parts was left behind by whoever changed them: the parts are what
    /// TensorFlow.js reads, so they are the model.
    pub(crate) fn stored(mut self, weight_bytes: u64, limits: &Limits) -> Result<Stored, Error> {
        if let Some(extra) = self.extra.take() {
            let stored = Stored::parse_with_topology(&extra, self.topology.as_ref(), limits)?;
            if self.agree_with(&stored)? {
                return Ok(stored);
            }
        }
        let mut entries: Vec<_> = self.topology.map(|json| ("modelTopology".to_owned(), json)).into_iter().collect();
        entries.extend(self.others.into_iter().filter(|(key, _)| !RESERVED.contains(&key.as_str())));
        let mut shard_bytes = Vec::new();
        if let Some(specs) = self.specs {
            let manifest = format!(r#"[{{"paths":["{WEIGHTS_FILE}"],"weights":{specs}}}]"#);
            let manifest = RawJson::parse(&manifest)?;
            entries.push(("weightsManifest".to_owned(), manifest));
            shard_bytes.push(weight_bytes);
        } else if weight_bytes > 0 {
            let message =
                format!("there are {weight_bytes} bytes of weights, but no `weightSpecs` that say what they are");
            return Err(Error::new(ErrorKind::InvalidData, message));
        }
        let text = RawJson::from_entries(entries)?;
        Ok(Stored::new(ModelJson::parse_with(text.get().as_bytes(), limits)?, shard_bytes))
    }

    /// Whether the extra is about the model that these parts are of.
    fn agree_with(&self, stored: &Stored) -> Result<bool, Error> {
        let groups = stored.model_json().groups().unwrap_or_default();
        let specs = encode_weight_specs(groups.iter().flat_map(|group| group.weights.iter().flatten()));
        let specs = RawJson::parse(&specs)?.to_js_string();
        let ours = self.specs.as_ref().map_or_else(|| "[]".to_owned(), RawJson::to_js_string);
        if specs != ours {
            return Ok(false);
        }
        let entries = stored.entries();
        let topology = entries.iter().find(|(key, _)| key == "modelTopology").map(|(_, json)| json.to_js_string());
        let text = |json: &RawJson| Some(json.to_js_string()).filter(|text| text != "null");
        if topology.filter(|text| text != "null") != self.topology.as_ref().and_then(text) {
            return Ok(false);
        }
        Ok(meaning(&entries) == meaning(&self.others))
    }
}

/// The members that are no parts of their own, as they mean something to JavaScript, in whatever order; no key is there twice.
fn meaning(entries: &[(String, RawJson)]) -> Vec<String> {
    let others = entries.iter().filter(|(key, _)| !RESERVED.contains(&key.as_str()));
    in_order(&mut others.map(|(key, value)| format!("{}:{}", RawJson::string(key).get(), value.to_js_string())))
}

/// An object of JavaScript has its integer keys first.
fn are_in_the_order_of_javascript(entries: &[(String, RawJson)]) -> bool {
    !entries.iter().any(|(key, _)| key.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether the model is what is read without an extra: no weights, or all of them in one group in one file of the usual name.
fn is_one_file(artifacts: &ModelArtifacts, layout: Option<&ShardLayout>) -> bool {
    let Some((weights, layout)) = artifacts.weights.as_ref().zip(layout) else { return true };
    let ([group], [shards]) = (weights.groups(), layout.groups()) else { return false };
    let [shard] = shards.as_slice() else { return false };
    group.unknown.is_empty()
        && shard.path.as_str() == WEIGHTS_FILE
        && !layout.has_checksums()
        && shard.range == (0..weights.data().byte_length())
}
