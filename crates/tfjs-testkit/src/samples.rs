//! Models to try backends with.

use std::sync::Arc;

use bytes::Bytes;
use tfjs_artifacts::{
    ByteSource, DType, ModelArtifacts, RawJson, RelPath, Segment, Shape, Shard, SurplusBytes, WeightData, WeightGroup,
    WeightSpec, Weights,
};
use tfjs_weights::{Tensor, encode_weights};

/// JSON that must be well-formed.
fn json(text: &str) -> RawJson {
    RawJson::parse(text).unwrap()
}

fn path(path: &str) -> RelPath {
    RelPath::parse(path).unwrap()
}

/// One group in one file.
pub fn with_tensors(tensors: impl IntoIterator<Item = Tensor>) -> ModelArtifacts {
    let (specs, data) = encode_weights(tensors, None);
    layers_model(Weights::single(specs, path("model.weights.bin"), data).unwrap())
}

/// A layers-model with these weights, with the nulls that TensorFlow.js writes.
pub fn layers_model(weights: Weights) -> ModelArtifacts {
    let mut artifacts = ModelArtifacts::new()
        .with_topology(json(r#"{"class_name":"Sequential","config":{"name":"sample","layers":[]}}"#))
        .with_weights(weights);
    artifacts.format = Some(json("\"layers-model\""));
    artifacts.generated_by = Some(json("\"tfjs-testkit\""));
    artifacts.converted_by = Some(RawJson::null());
    artifacts
}

/// A small model whose weights are all this value.
pub fn filled(value: f32) -> ModelArtifacts {
    let shape = Shape::new([10, 100]).unwrap();
    with_tensors([Tensor::float32("w", shape, vec![value; 1000]).unwrap()])
}

/// Every optional key, unknown keys everywhere, odd numbers, several groups and cuts inside elements.
pub fn everything() -> ModelArtifacts {
    let mut first = WeightSpec::new("dense/kernel:0", Shape::new([2, 3]).unwrap(), DType::Float32);
    first.unknown.push(("note".to_owned(), json(r#"{ "é": [1.0, -0.0] }"#)));
    let mut state = WeightSpec::new("iter", Shape::scalar(), DType::Int32);
    state.group = Some("optimizer".to_owned());
    let strings = WeightSpec::new("vocab", Shape::new([2]).unwrap(), DType::String);

    let mut model = WeightGroup::new(vec![first, strings], vec![Shard::new(path("a"), 5), Shard::new(path("b"), 30)]);
    model.unknown.push(("checksum".to_owned(), json("\"z\"")));
    let empty = WeightGroup::new(Vec::new(), Vec::new());
    let optimizer = WeightGroup::new(vec![state], vec![Shard::new(path("c/d.bin"), 4)]);
    let mut bytes: Vec<u8> = (0..24).collect();
    bytes.extend_from_slice(b"\x03\0\0\0abc\0\0\0\0");
    bytes.extend_from_slice(&7i32.to_le_bytes());
    let weights = Weights::new(vec![model, empty, optimizer], bytes.into(), SurplusBytes::Reject).unwrap();

    let mut artifacts = layers_model(weights);
    artifacts.signature = Some(json(r#"{"inputs":{"x":{"name":"x:0","tensorShape":{"dim":[{"size":"-1"}]}}}}"#));
    artifacts.user_defined_metadata = Some(json(r#"{"labels":["猫","dog"],"big":123456789012345678901234567890}"#));
    artifacts.model_initializer = Some(json("{}"));
    artifacts.initializer_signature = Some(json("null"));
    artifacts.training_config = Some(json("{\"loss\": \"x\",\n \"metrics\": [] }"));
    artifacts.unknown =
        vec![("zeta".to_owned(), json("[1e3]")), ("alpha".to_owned(), json("null")), ("\"q\\".to_owned(), json("{}"))];
    artifacts
}

/// A model of one float32 tensor whose bytes come from this source.
pub fn from_source(source: impl ByteSource + 'static) -> ModelArtifacts {
    let length = source.byte_length() / 4;
    let spec = WeightSpec::new("w", Shape::vector(length).unwrap(), DType::Float32);
    let data = WeightData::from_segments([Segment::lazy(Arc::new(source))]);
    layers_model(Weights::single(vec![spec], path("model.weights.bin"), data).unwrap())
}

/// A small model in four files that says of itself everywhere which one it is: in its metadata, and in each byte of its weights.
pub fn numbered(number: u8) -> ModelArtifacts {
    let spec = WeightSpec::new("w", Shape::vector(400).unwrap(), DType::Bool);
    let shards = (0..4).map(|index| Shard::new(path(&format!("shard{index}")), 100)).collect();
    let group = WeightGroup::new(vec![spec], shards);
    let bytes = Bytes::from(vec![number; 400]);
    let mut artifacts = layers_model(Weights::new(vec![group], bytes.into(), SurplusBytes::Reject).unwrap());
    artifacts.user_defined_metadata = Some(json(&number.to_string()));
    artifacts
}

/// A model in so many files of seven bytes.
pub fn many_shards(count: usize) -> ModelArtifacts {
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(count * 7).collect();
    let spec = WeightSpec::new("w", Shape::vector(bytes.len() as u64).unwrap(), DType::Bool);
    let shards = (0..count).map(|index| Shard::new(path(&format!("shard{index}")), 7)).collect();
    let group = WeightGroup::new(vec![spec], shards);
    layers_model(Weights::new(vec![group], Bytes::from(bytes).into(), SurplusBytes::Reject).unwrap())
}
