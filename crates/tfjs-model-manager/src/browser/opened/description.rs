//! What a model is, as JSON that a page can show.

use serde::Serialize;
use serde_json::{Value, json};
use tfjs_io::{
    Error, GraphEnd, GraphModel, InputOutput, Layer, LayersModel, Limits, ModelArtifacts, Quantization, RawJson,
    SymbolicShape, WeightMatching, WeightSpec, Weights,
};

use crate::browser::kind::kind;

/// A row of the table of layers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LayerRow {
    name: String,
    class_name: String,
    output_shape: String,
    params: u64,
    receives: Vec<String>,
    trainable: bool,
}

/// What goes in or comes out.
#[derive(Serialize)]
struct End {
    name: String,
    dtype: String,
    shape: String,
}

pub(super) fn of(artifacts: &ModelArtifacts) -> Value {
    let text = |json: &Option<RawJson>| json.as_ref().and_then(|json| json.as_str().map(std::borrow::Cow::into_owned));
    json!({
        "kind": kind(artifacts),
        "format": artifacts.model_format().as_str(),
        "generatedBy": text(&artifacts.generated_by),
        "convertedBy": text(&artifacts.converted_by),
        "weightBytes": artifacts.weights.as_ref().map_or(0, |weights| weights.data().byte_length()),
        "structure": structure(artifacts),
        "tensors": artifacts.weights.iter().flat_map(Weights::specs).map(tensor).collect::<Vec<_>>(),
        "documents": documents(artifacts),
    })
}

/// The table of layers, or of operations; with `problem` where it cannot be made.
fn structure(artifacts: &ModelArtifacts) -> Value {
    let described = match kind(artifacts) {
        "layers" => layers(artifacts),
        "graph" => graph(artifacts),
        _ => return Value::Null,
    };
    described.unwrap_or_else(|error| json!({ "problem": error.chain().to_string() }))
}

/// Shapes follow from the topology alone: weights that do not fit it are told, and change nothing.
fn layers(artifacts: &ModelArtifacts) -> Result<Value, Error> {
    let matching = WeightMatching::lenient().allow_mismatched();
    let model = LayersModel::from_artifacts(artifacts.clone(), &matching, &Limits::new())?;
    let params = model.count_params();
    let report = model.report();
    let ends = |ends: Vec<InputOutput<'_>>| ends.iter().map(layer_end).collect::<Vec<_>>();
    Ok(json!({
        "name": model.name(),
        "className": model.class_name(),
        "layers": model.layers().map(|layer| layer_row(&layer)).collect::<Vec<_>>(),
        "totalParams": params.total(),
        "trainableParams": params.trainable,
        "nonTrainableParams": params.non_trainable,
        "inputs": ends(model.inputs()),
        "outputs": ends(model.outputs()),
        "notes": model.notes(),
        "misfit": (artifacts.weights.is_some() && !report.is_clean()).then(|| report.to_string()),
    }))
}

fn layer_row(layer: &Layer<'_>) -> LayerRow {
    let outputs = layer.output_shapes();
    let output_shape = match outputs.split_first() {
        Some((first, others)) if others.iter().all(|other| other == first) => shapes(first),
        _ => "multiple".to_owned(),
    };
    let connections = layer.connections();
    LayerRow {
        name: layer.name().to_owned(),
        class_name: layer.class_name().to_owned(),
        output_shape,
        params: layer.count_params(),
        receives: connections.iter().flatten().map(|from| from.layer.to_owned()).collect(),
        trainable: layer.is_trainable(),
    }
}

fn shapes(shapes: &[Option<&SymbolicShape>]) -> String {
    let shapes: Vec<_> = shapes.iter().map(|shape| shape.map_or_else(|| "?".to_owned(), ToString::to_string)).collect();
    shapes.join(", ")
}

fn graph(artifacts: &ModelArtifacts) -> Result<Value, Error> {
    let model = GraphModel::from_artifacts(artifacts.clone(), &Limits::new())?;
    let ends = |ends: Vec<GraphEnd<'_>>| ends.iter().map(graph_end).collect::<Vec<_>>();
    let report = model.report();
    Ok(json!({
        "operations": model.op_histogram(),
        "nodes": model.graph().nodes().len(),
        "functions": model.graph().functions().len(),
        "inputs": ends(model.inputs()),
        "outputs": ends(model.outputs()),
        "hasInitializer": model.initializer().is_some(),
        "misfit": (!report.is_clean()).then(|| report.to_string()),
    }))
}

fn graph_end(end: &GraphEnd<'_>) -> End {
    let size = |size: &i64| if *size < 0 { "null".to_owned() } else { size.to_string() };
    let dims = |dims: &[i64]| format!("[{}]", dims.iter().map(size).collect::<Vec<_>>().join(","));
    End {
        name: end.key().to_owned(),
        dtype: end.dtype().map(|dtype| dtype.tfjs_name().unwrap_or(dtype.as_str()).to_owned()).unwrap_or_default(),
        shape: end.shape().map_or_else(|| "?".to_owned(), dims),
    }
}

fn tensor(spec: &WeightSpec) -> Value {
    json!({
        "name": spec.name,
        "dtype": spec.dtype.as_str(),
        "shape": spec.shape.dims(),
        "elements": spec.shape.size(),
        "isOptimizer": spec.is_optimizer(),
        "quantization": spec.quantization.as_ref().map(quantization),
    })
}

fn quantization(quantization: &Quantization) -> Value {
    let number = |json: &Option<RawJson>| json.as_ref().map(ToString::to_string);
    json!({
        "dtype": quantization.dtype.as_str(),
        "min": number(&quantization.min),
        "scale": number(&quantization.scale),
    })
}

/// The parts of `model.json` that are JSON of somebody else's, as text, so that no number changes.
fn documents(artifacts: &ModelArtifacts) -> Vec<Value> {
    let known = [
        ("userDefinedMetadata", &artifacts.user_defined_metadata),
        ("signature", &artifacts.signature),
        ("trainingConfig", &artifacts.training_config),
        ("initializerSignature", &artifacts.initializer_signature),
    ];
    let known = known.into_iter().filter_map(|(key, json)| Some((key, json.as_ref()?)));
    let others = artifacts.unknown.iter().map(|(key, json)| (key.as_str(), json));
    known.chain(others).map(|(key, json)| json!({ "key": key, "json": json.to_string() })).collect()
}

fn layer_end(end: &InputOutput<'_>) -> End {
    let shape = end.shape.map_or_else(|| "?".to_owned(), ToString::to_string);
    End { name: end.name.to_owned(), dtype: String::new(), shape }
}
