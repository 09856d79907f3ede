//! What differs between two models: JSON values, layers or nodes by their names, and tensors by their values.

mod json;
mod tensors;

use std::collections::BTreeMap;
use std::fmt;

use tfjs_artifacts::{Error, ModelArtifacts, ModelTopology, RawJson, printable};

pub use json::JsonDifference;
pub use tensors::{SpecDifference, TensorDifferences, ValueDifference};

/// What differs between two models. JSON is compared by value: the order of keys and the spelling of numbers count for nothing;
/// neither do the cuts and names of weight files.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ModelDifferences {
    /// Keys of `model.json` beside topology and weights.
    pub keys: Vec<JsonDifference>,
    /// Layers or nodes, and what else the topology says.
    pub topology: TopologyDifferences,
    /// Weights.
    pub tensors: TensorDifferences,
}

/// What differs between two topologies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopologyDifferences {
    /// Layers or nodes of the left model only.
    pub only_left: Vec<String>,
    /// Layers or nodes of the right model only.
    pub only_right: Vec<String>,
    /// Layers or nodes that both have, and what differs in each.
    pub changed: Vec<(String, Vec<JsonDifference>)>,
    /// Whether the same layers or nodes come in another order.
    pub is_reordered: bool,
    /// What differs beside layers and nodes.
    pub rest: Vec<JsonDifference>,
}

impl ModelDifferences {
    /// Compares two models. Tensors are read one after the other; numbers that differ by no more than the tolerance are equal.
    ///
    /// # Errors
    /// What reading and decoding the weights reports.
    pub async fn between(left: &ModelArtifacts, right: &ModelArtifacts, tolerance: f64) -> Result<Self, Error> {
        Ok(Self {
            keys: keys(left, right),
            topology: TopologyDifferences::between(left, right),
            tensors: TensorDifferences::between(left, right, tolerance).await?,
        })
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.topology.is_empty() && self.tensors.is_empty()
    }
}

/// The known keys, then the others.
fn keys(left: &ModelArtifacts, right: &ModelArtifacts) -> Vec<JsonDifference> {
    let known = |artifacts: &ModelArtifacts| {
        let artifacts = artifacts.clone();
        [
            ("format", artifacts.format),
            ("generatedBy", artifacts.generated_by),
            ("convertedBy", artifacts.converted_by),
            ("signature", artifacts.signature),
            ("userDefinedMetadata", artifacts.user_defined_metadata),
            ("modelInitializer", artifacts.model_initializer),
            ("initializerSignature", artifacts.initializer_signature),
            ("trainingConfig", artifacts.training_config),
        ]
    };
    let mut differences = Vec::new();
    for ((key, one), (_, other)) in known(left).into_iter().zip(known(right)) {
        json::compare(key, one.as_ref(), other.as_ref(), &mut differences);
    }
    json::compare_members("", &left.unknown, &right.unknown, &mut differences);
    differences
}

/// A topology taken apart: its layers or nodes by name, and what is left of it.
#[derive(Default)]
struct Parts {
    named: Vec<(String, RawJson)>,
    rest: Vec<(String, RawJson)>,
    binary: Option<String>,
}

impl Parts {
    fn of(artifacts: &ModelArtifacts) -> Self {
        match &artifacts.model_topology {
            None => Self::default(),
            Some(ModelTopology::GraphDef(bytes)) => {
                Self { binary: Some(format!("{} bytes of a binary GraphDef", bytes.len())), ..Self::default() }
            }
            Some(ModelTopology::Json(json)) => {
                let mut parts = Self::default();
                parts.take(json, "", 0);
                parts
            }
        }
    }

    /// Goes down to where layers or nodes are: `node`, `model_config`, `config`, `layers`.
    fn take(&mut self, json: &RawJson, at: &str, depth: usize) {
        const DEEPEST: usize = 4;
        for (key, value) in json.entries().unwrap_or_default() {
            let place = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
            let is_list = matches!(key.as_str(), "node" | "layers" | "config") && value.elements().is_some();
            let is_way = matches!(key.as_str(), "model_config" | "modelConfig" | "config") && depth < DEEPEST;
            if is_list && self.named.is_empty() {
                self.named =
                    value.elements().unwrap_or_default().into_iter().map(|part| (name_of(&part), part)).collect();
            } else if is_way && value.entries().is_some() {
                self.take(&value, &place, depth + 1);
            } else {
                self.rest.push((place, value));
            }
        }
    }
}

/// The name of a node or layer, which some files have in the config only.
fn name_of(part: &RawJson) -> String {
    let name = part.member("name").or_else(|| part.member("config")?.member("name"));
    name.and_then(|name| name.as_str().map(std::borrow::Cow::into_owned)).unwrap_or_default()
}

impl TopologyDifferences {
    fn between(left: &ModelArtifacts, right: &ModelArtifacts) -> Self {
        if left.model_topology == right.model_topology {
            return Self::default();
        }
        let (left, right) = (Parts::of(left), Parts::of(right));
        let mut differences = Self::default();
        json::compare_members("", &left.rest, &right.rest, &mut differences.rest);
        if left.binary.is_some() || right.binary.is_some() {
            // What a binary graph consists of is compared as bytes only.
            let shown = |parts: &Parts| Some(RawJson::string(parts.binary.as_deref().unwrap_or("JSON, or nothing")));
            differences.rest.push(JsonDifference { path: String::new(), left: shown(&left), right: shown(&right) });
        }
        let (ours, theirs) = (by_name(&left.named), by_name(&right.named));
        let missing = |parts: &ByName<'_>, others: &ByName<'_>| -> Vec<String> {
            let alone = parts.order.iter().filter(|key| !others.parts.contains_key(*key));
            alone.map(|(name, _)| (*name).to_owned()).collect()
        };
        (differences.only_left, differences.only_right) = (missing(&ours, &theirs), missing(&theirs, &ours));
        for key in &ours.order {
            let mut changed = Vec::new();
            if let (Some(part), Some(other)) = (ours.parts.get(key), theirs.parts.get(key)) {
                json::compare("", Some(part), Some(other), &mut changed);
            }
            if !changed.is_empty() {
                differences.changed.push((key.0.to_owned(), changed));
            }
        }
        let order = |named: &[(String, RawJson)]| named.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        differences.is_reordered = differences.only_left.is_empty()
            && differences.only_right.is_empty()
            && order(&left.named) != order(&right.named);
        differences
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Parts by their names; of several that have one name, or none, the first is compared with the first, and so on.
struct ByName<'p> {
    order: Vec<(&'p str, usize)>,
    parts: BTreeMap<(&'p str, usize), &'p RawJson>,
}

fn by_name(named: &[(String, RawJson)]) -> ByName<'_> {
    let (mut seen, mut order) = (BTreeMap::new(), Vec::with_capacity(named.len()));
    for (name, _) in named {
        let count = seen.entry(name.as_str()).or_insert(0usize);
        order.push((name.as_str(), *count));
        *count += 1;
    }
    let parts = order.iter().copied().zip(named.iter().map(|(_, part)| part)).collect();
    ByName { order, parts }
}

/// A line for each difference: the left model's side, a bar, the right model's.
impl fmt::Display for ModelDifferences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for difference in &self.keys {
            writeln!(f, "{difference}")?;
        }
        write!(f, "{}{}", self.topology, self.tensors)
    }
}

impl fmt::Display for TopologyDifferences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for difference in &self.rest {
            writeln!(f, "modelTopology: {difference}")?;
        }
        for name in &self.only_left {
            writeln!(f, "modelTopology: `{}` only in the left model", printable(name))?;
        }
        for name in &self.only_right {
            writeln!(f, "modelTopology: `{}` only in the right model", printable(name))?;
        }
        for (name, differences) in &self.changed {
            for difference in differences {
                writeln!(f, "modelTopology: `{}`: {difference}", printable(name))?;
            }
        }
        if self.is_reordered { writeln!(f, "modelTopology: the same parts come in another order") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use tfjs_artifacts::{RelPath, Shape, Weights};
    use tfjs_weights::{Tensor, encode_weights};

    use super::*;

    fn model(topology: &str, tensors: Vec<Tensor>) -> ModelArtifacts {
        let (specs, data) = encode_weights(tensors, None);
        let weights = Weights::single(specs, RelPath::parse("w.bin").unwrap(), data).unwrap();
        ModelArtifacts::new().with_topology(RawJson::parse(topology).unwrap()).with_weights(weights)
    }

    fn floats(name: &str, values: &[f32]) -> Tensor {
        Tensor::float32(name, Shape::vector(values.len() as u64).unwrap(), values.to_vec()).unwrap()
    }

    fn between(left: &ModelArtifacts, right: &ModelArtifacts, tolerance: f64) -> ModelDifferences {
        block_on(ModelDifferences::between(left, right, tolerance)).unwrap()
    }

    #[test]
    fn spelling_and_order_are_no_difference() {
        let left = model(
            r#"{"class_name":"S","config":{"layers":[{"class_name":"D","config":{"name":"d","units":1.0}}]}}"#,
            vec![],
        );
        let right = model(
            r#"{"config":{"layers":[{"config":{"units":1,"name":"d"},"class_name":"D"}]},"class_name":"S"}"#,
            vec![],
        );
        assert!(between(&left, &right, 0.0).is_empty());
    }

    #[test]
    fn layers_are_compared_by_their_names() {
        let left = model(
            r#"{"model_config":{"config":{"name":"m","layers":[{"name":"a","config":{"units":1}},{"name":"b"}]}}}"#,
            vec![],
        );
        let right = model(
            r#"{"model_config":{"config":{"name":"n","layers":[{"name":"c"},{"name":"a","config":{"units":2,"x":null}}]}}}"#,
            vec![],
        );
        let text = between(&left, &right, 0.0).to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            [
                r#"modelTopology: model_config.config.name: "m" | "n""#,
                "modelTopology: `b` only in the left model",
                "modelTopology: `c` only in the right model",
                "modelTopology: `a`: config.units: 1 | 2",
                "modelTopology: `a`: config.x: nothing | null",
            ]
        );
        let graph = |nodes: &str| model(&format!(r#"{{"node":[{nodes}]}}"#), vec![]);
        let (one, two) = (r#"{"name":"a","op":"A"}"#, r#"{"name":"b","op":"B"}"#);
        let reordered = between(&graph(&format!("{one},{two}")), &graph(&format!("{two},{one}")), 0.0);
        assert!(reordered.topology.is_reordered && reordered.topology.changed.is_empty());
    }

    #[test]
    fn the_largest_difference_comes_first() {
        let left = model(
            "{}",
            vec![
                floats("same", &[1.0]),
                floats("near", &[1.0, 2.0]),
                floats("far", &[1.0]),
                floats("nan", &[f32::NAN]),
            ],
        );
        let right = model(
            "{}",
            vec![
                floats("nan", &[f32::NAN]),
                floats("far", &[-9.0]),
                floats("near", &[1.0, 2.5]),
                floats("same", &[1.0]),
            ],
        );
        let differences = between(&left, &right, 0.0);
        let values: Vec<_> = differences
            .tensors
            .values
            .iter()
            .map(|value| (value.name.as_str(), value.differing, value.largest))
            .collect();
        assert_eq!(values, [("far", 1, Some(10.0)), ("near", 1, Some(0.5))]);
        assert_eq!(between(&left, &right, 0.5).tensors.values.len(), 1);
        assert!(between(&left, &right, 10.0).is_empty());
    }

    #[test]
    fn tensors_that_are_others_are_not_compared_by_value() {
        let text = Tensor::string("t", Shape::scalar(), ["a"]).unwrap();
        let other = Tensor::string("t", Shape::scalar(), ["b"]).unwrap();
        let left = model("{}", vec![floats("a", &[1.0]), floats("b", &[1.0]), text]);
        let right = model("{}", vec![floats("b", &[1.0, 1.0]), floats("c", &[]), other]);
        let text = between(&left, &right, 0.0).to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "weight `a`: only in the left model",
                "weight `c`: only in the right model",
                "weight `b`: float32 [1] | float32 [2]",
                "weight `t`: 1 of 1 values differ",
            ]
        );
    }

    #[test]
    fn parts_of_one_name_are_compared_one_by_one() {
        let graph = |units: &str| model(&format!(r#"{{"config":{{"layers":[{units}]}}}}"#), vec![]);
        let (two, nine) = (r#"{"config":{"units":2}}"#, r#"{"config":{"units":9}}"#);
        let text = between(&graph(&format!("{two},{two}")), &graph(&format!("{nine},{two}")), 0.0).to_string();
        assert_eq!(text, "modelTopology: ``: config.units: 2 | 9\n");
        let text = between(&graph(&format!("{two},{two}")), &graph(two), 0.0).to_string();
        assert!(text.starts_with("modelTopology: `` only in the left model\n"), "{text}");
    }

    #[test]
    fn without_a_tolerance_bits_are_compared() {
        let model = |value: f32| model("{}", vec![floats("w", &[value])]);
        let (zero, minus_zero) = (model(0.0), model(-0.0));
        assert_eq!(between(&zero, &minus_zero, 0.0).tensors.values.len(), 1);
        assert!(between(&zero, &minus_zero, 1e-30).is_empty());
        let (nan, other_nan) = (model(f32::NAN), model(f32::from_bits(0x7fc0_0001)));
        assert_eq!(between(&nan, &other_nan, 0.0).tensors.values.len(), 1);
        assert!(between(&nan, &nan, 0.0).is_empty() && between(&nan, &other_nan, 1.0).is_empty());
    }

    #[test]
    fn a_tolerance_that_is_no_distance_makes_nothing_equal() {
        let (left, right) = (model("{}", vec![floats("w", &[1.0])]), model("{}", vec![floats("w", &[5.0])]));
        for tolerance in [f64::NAN, -1.0] {
            assert!(!between(&left, &right, tolerance).is_empty() && between(&left, &left, tolerance).is_empty());
        }
    }

    #[test]
    fn keys_beside_the_topology() {
        let (mut left, mut right) = (model("{}", vec![]), model("{}", vec![]));
        left.format = Some(RawJson::string("layers-model"));
        left.user_defined_metadata = Some(RawJson::parse(r#"{"labels":["a","b"],"n":1}"#).unwrap());
        right.user_defined_metadata = Some(RawJson::parse(r#"{"labels":["a","c"],"n":1.0}"#).unwrap());
        right.unknown.push(("x".to_owned(), RawJson::null()));
        let text = between(&left, &right, 0.0).to_string();
        let lines: Vec<_> = text.lines().collect();
        let expected =
            [r#"format: "layers-model" | nothing"#, r#"userDefinedMetadata.labels[1]: "b" | "c""#, "x: nothing | null"];
        assert_eq!(lines, expected);
    }

    /// Bytes that count how often they are asked for.
    #[derive(Debug)]
    struct Counted(tfjs_artifacts::Bytes, std::sync::Arc<std::sync::atomic::AtomicUsize>);

    #[tfjs_artifacts::async_trait]
    impl tfjs_artifacts::ByteSource for Counted {
        fn byte_length(&self) -> u64 {
            self.0.len() as u64
        }

        fn version(&self) -> Option<String> {
            None
        }

        async fn read(&self, range: std::ops::Range<u64>) -> Result<tfjs_artifacts::Bytes, Error> {
            self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Ok(self.0.slice(usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()))
        }
    }

    /// A model of a thousand tensors has few reads, and what differs is found among them.
    #[test]
    fn tensors_beside_each_other_share_a_read() {
        let reads = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let lazy = |differing: usize| {
            let value = |index| if index == differing { 1.0 } else { 0.0 };
            let (specs, data) = encode_weights((0..1000).map(|i| floats(&format!("w{i}"), &[value(i)])), None);
            let bytes = block_on(data.read(0..data.byte_length())).unwrap();
            let range = 0..bytes.len() as u64;
            let source = std::sync::Arc::new(Counted(bytes, std::sync::Arc::clone(&reads)));
            let data = tfjs_artifacts::WeightData::from_segments([tfjs_artifacts::Segment::Lazy { source, range }]);
            let weights = Weights::single(specs, RelPath::parse("w.bin").unwrap(), data).unwrap();
            ModelArtifacts::new().with_weights(weights)
        };
        let differences = between(&lazy(7), &lazy(8), 0.0);
        let names: Vec<_> = differences.tensors.values.iter().map(|value| value.name.as_str()).collect();
        assert_eq!(names, ["w7", "w8"]);
        let reads = reads.load(std::sync::atomic::Ordering::Relaxed);
        assert!(reads < 20, "{reads} reads");
    }
}
