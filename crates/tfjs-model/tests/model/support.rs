//! Models for tests, made of JSON.

use tfjs_artifacts::{DType, Limits, ModelArtifacts, RawJson, Shape, WeightData, WeightSpec, Weights};
use tfjs_model::{LayersModel, ModelError, WeightMatching};

/// The topology alone.
pub(crate) fn artifacts(topology: &str) -> ModelArtifacts {
    ModelArtifacts::new().with_topology(RawJson::parse(topology).unwrap())
}

pub(crate) fn read(topology: &str) -> Result<LayersModel, ModelError> {
    LayersModel::from_artifacts(artifacts(topology), &WeightMatching::strict(), &Limits::new())
}

pub(crate) fn model(topology: &str) -> LayersModel {
    read(topology).unwrap_or_else(|error| panic!("{error}: {topology}"))
}

/// Layers one after the other, behind an input of this shape.
pub(crate) fn sequential(input: &str, layers: &[&str]) -> String {
    let input = format!(r#"{{"class_name":"InputLayer","config":{{"batch_input_shape":{input},"name":"in"}}}}"#);
    let layers: Vec<_> = std::iter::once(input.as_str()).chain(layers.iter().copied()).collect();
    format!(r#"{{"class_name":"Sequential","config":{{"name":"s","layers":[{}]}}}}"#, layers.join(","))
}

/// A layer of this name.
pub(crate) fn layer(class: &str, name: &str, config: &str) -> String {
    let comma = if config.is_empty() { "" } else { "," };
    format!(r#"{{"class_name":"{class}","config":{{"name":"{name}"{comma}{config}}}}}"#)
}

/// Two inputs, and a layer that takes both.
pub(crate) fn merging(one: &str, other: &str, class: &str, config: &str) -> String {
    format!(
        r#"{{"class_name":"Model","config":{{"name":"m","layers":[
            {{"name":"a","class_name":"InputLayer","config":{{"batch_input_shape":{one},"name":"a"}},"inbound_nodes":[]}},
            {{"name":"b","class_name":"InputLayer","config":{{"batch_input_shape":{other},"name":"b"}},"inbound_nodes":[]}},
            {{"name":"x","class_name":"{class}","config":{{"name":"x"{config}}},"inbound_nodes":[[["a",0,0,{{}}],["b",0,0,{{}}]]]}}
        ],"input_layers":[["a",0,0],["b",0,0]],"output_layers":[["x",0,0]]}}}}"#
    )
}

pub(crate) fn spec(name: &str, dims: &[u64]) -> WeightSpec {
    WeightSpec::new(name, Shape::new(dims).unwrap(), DType::Float32)
}

/// Weights of these specs in one file, all zero.
pub(crate) fn zeros(specs: Vec<WeightSpec>) -> Weights {
    let length: u64 = specs.iter().map(|spec| spec.stored_size().at_least()).sum();
    let data = WeightData::from(vec![0; usize::try_from(length).unwrap()]);
    Weights::single(specs, "w.bin".parse().unwrap(), data).unwrap()
}

/// Two layers, the first with a bias: `one/kernel`, `one/bias`, `two/kernel`.
pub(crate) fn two_layers() -> String {
    sequential(
        "[null,2]",
        &[&layer("Dense", "one", r#""units":3"#), &layer("Dense", "two", r#""units":1,"use_bias":false"#)],
    )
}

pub(crate) fn with_weights(
    topology: &str,
    specs: Vec<WeightSpec>,
    matching: &WeightMatching,
) -> Result<LayersModel, ModelError> {
    LayersModel::from_artifacts(artifacts(topology).with_weights(zeros(specs)), matching, &Limits::new())
}
