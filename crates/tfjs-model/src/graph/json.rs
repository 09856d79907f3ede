//! A `GraphDef` as JSON, in both dialects that converters have written: names of types and base64, or numbers of types and arrays
//! of bytes. Whole numbers may be texts in either.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use tfjs_artifacts::RawJson;

use super::attr::{Attr, DataType};
use super::definition::{ArgDef, FunctionDef, GraphDef, NodeDef};
use crate::ModelError;

/// As `atob`: missing padding is no error.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads the text of a graph.
pub(super) fn parse(json: &RawJson, at: &str) -> Result<GraphDef, ModelError> {
    let graph: Graph = serde_json::from_str(json.get())
        .map_err(|error| ModelError::Graph { at: at.to_owned(), message: error.to_string() })?;
    let library = graph.library.unwrap_or_default();
    let versions = graph.versions.unwrap_or_default();
    Ok(GraphDef {
        nodes: graph.node.unwrap_or_default().into_iter().map(NodeDef::from).collect(),
        functions: library.function.unwrap_or_default().into_iter().map(FunctionDef::from).collect(),
        producer: versions.producer.text(),
        min_consumer: versions.min_consumer.text(),
    })
}

#[derive(Deserialize)]
struct Graph {
    node: Option<Vec<Node>>,
    library: Option<Library>,
    versions: Option<Versions>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Versions {
    producer: Version,
    min_consumer: Version,
}

/// A number, or the text of one.
#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Version {
    Number(serde_json::Number),
    Text(String),
    Null(()),
    #[default]
    #[serde(skip)]
    Missing,
}

impl Version {
    /// As a template of JavaScript has it, if it is there.
    fn text(self) -> Option<String> {
        match self {
            Self::Number(number) => Some(number.to_string()),
            Self::Text(text) => Some(text),
            Self::Null(()) => Some("null".to_owned()),
            Self::Missing => None,
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Library {
    function: Option<Vec<Function>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Function {
    signature: Option<OpDef>,
    node_def: Option<Vec<Node>>,
    ret: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct OpDef {
    name: Option<String>,
    input_arg: Option<Vec<Arg>>,
    output_arg: Option<Vec<Arg>>,
}

#[derive(Deserialize)]
struct Arg {
    #[serde(default)]
    name: String,
    #[serde(rename = "type")]
    dtype: Option<Type>,
}

#[derive(Deserialize)]
struct Node {
    #[serde(default)]
    name: String,
    #[serde(default)]
    op: String,
    input: Option<Vec<String>>,
    attr: Option<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
struct Value {
    #[serde(rename = "type")]
    dtype: Option<Type>,
    shape: Option<Shape>,
    s: Option<Bytes>,
    i: Option<Integer>,
    f: Option<Float>,
    b: Option<bool>,
    func: Option<Named>,
    tensor: Option<Tensor>,
    list: Option<List>,
}

#[derive(Deserialize)]
struct Named {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tensor {
    dtype: Option<Type>,
    tensor_shape: Option<Shape>,
}

#[derive(Deserialize)]
struct List {
    #[serde(rename = "type")]
    dtype: Option<Vec<Type>>,
    shape: Option<Vec<Shape>>,
    s: Option<Vec<Bytes>>,
    i: Option<Vec<Integer>>,
    f: Option<Vec<Float>>,
    b: Option<Vec<bool>>,
    func: Option<Vec<Named>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Type {
    Name(String),
    Number(i64),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shape {
    dim: Option<Vec<Dim>>,
    unknown_rank: Option<bool>,
}

#[derive(Deserialize)]
struct Dim {
    size: Option<Integer>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Integer {
    Number(i64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Float {
    Number(f64),
    /// `NaN`, `Infinity` and `-Infinity`.
    Text(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Bytes {
    Base64(String),
    Array(Vec<u8>),
    Other(serde::de::IgnoredAny),
}

impl From<Type> for DataType {
    fn from(dtype: Type) -> Self {
        match dtype {
            Type::Name(name) => Self::new(name),
            Type::Number(number) => Self::from_number(number),
        }
    }
}

impl Shape {
    pub(super) fn dims(self) -> Option<Vec<i64>> {
        let dims = self.dim.unwrap_or_default().into_iter().map(|dim| dim.size.map_or(0, Integer::value));
        (self.unknown_rank != Some(true)).then(|| dims.collect())
    }
}

impl Integer {
    fn value(self) -> i64 {
        match self {
            Self::Number(number) => number,
            Self::Text(text) => text.trim().parse().unwrap_or(-1),
        }
    }
}

impl Float {
    fn value(self) -> f64 {
        match self {
            Self::Number(number) => number,
            Self::Text(text) => text.trim().parse().unwrap_or(f64::NAN),
        }
    }
}

impl From<Bytes> for Attr {
    fn from(bytes: Bytes) -> Self {
        match bytes {
            Bytes::Base64(text) => BASE64.decode(&text).map_or(Self::Other, Self::Bytes),
            Bytes::Array(bytes) => Self::Bytes(bytes),
            Bytes::Other(_) => Self::Other,
        }
    }
}

impl From<Named> for Attr {
    fn from(named: Named) -> Self {
        Self::Function(named.name.unwrap_or_default())
    }
}

impl From<List> for Attr {
    fn from(list: List) -> Self {
        fn all<T>(values: Option<Vec<T>>, one: impl Fn(T) -> Attr) -> impl Iterator<Item = Attr> {
            values.unwrap_or_default().into_iter().map(one)
        }
        let values = all(list.dtype, |dtype| Self::Type(dtype.into()))
            .chain(all(list.shape, |shape| Self::Shape(shape.dims())))
            .chain(all(list.s, Self::from))
            .chain(all(list.i, |number| Self::Int(number.value())))
            .chain(all(list.f, |number| Self::Float(number.value())))
            .chain(all(list.b, Self::Bool))
            .chain(all(list.func, Self::from));
        Self::List(values.collect())
    }
}

impl From<Value> for Attr {
    fn from(value: Value) -> Self {
        None.or_else(|| value.dtype.map(|dtype| Self::Type(dtype.into())))
            .or_else(|| value.shape.map(|shape| Self::Shape(shape.dims())))
            .or_else(|| value.s.map(Self::from))
            .or_else(|| value.i.map(|number| Self::Int(number.value())))
            .or_else(|| value.f.map(|number| Self::Float(number.value())))
            .or_else(|| value.b.map(Self::Bool))
            .or_else(|| value.func.map(Self::from))
            .or_else(|| {
                value.tensor.map(|tensor| Self::Tensor {
                    dtype: tensor.dtype.map(DataType::from),
                    shape: tensor.tensor_shape.and_then(Shape::dims),
                })
            })
            .or_else(|| value.list.map(Self::from))
            .unwrap_or(Self::Other)
    }
}

impl From<Node> for NodeDef {
    fn from(node: Node) -> Self {
        let attrs = node.attr.unwrap_or_default().into_iter().map(|(key, value)| (key, value.into()));
        Self { name: node.name, op: node.op, inputs: node.input.unwrap_or_default(), attrs: attrs.collect() }
    }
}

impl From<Arg> for ArgDef {
    fn from(arg: Arg) -> Self {
        Self { name: arg.name, dtype: arg.dtype.map(DataType::from) }
    }
}

impl From<Function> for FunctionDef {
    fn from(function: Function) -> Self {
        let args = |args: Option<Vec<Arg>>| args.unwrap_or_default().into_iter().map(ArgDef::from).collect();
        let signature = function.signature.unwrap_or_default();
        Self {
            name: signature.name.unwrap_or_default(),
            inputs: args(signature.input_arg),
            outputs: args(signature.output_arg),
            nodes: function.node_def.unwrap_or_default().into_iter().map(NodeDef::from).collect(),
            ret: function.ret.unwrap_or_default(),
        }
    }
}
