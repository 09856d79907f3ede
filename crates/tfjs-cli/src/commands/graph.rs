//! `tfjs graph`: the topology of a model, drawn or described.

use serde::Serialize;
use tfjs_io::{
    Attr, Error, GraphEnd, GraphModel, LayersModel, Limits, ModelArtifacts, ModelKind, Operation, Picture, RawJson,
    WeightMatching,
};

use super::load_lazily;
use crate::args::{Graph, PictureFormat};
use crate::output::{self, Failure, message};

/// A graph as `--json` prints it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Described<'m> {
    format: &'static str,
    model_version: &'m str,
    inputs: Vec<End<'m>>,
    outputs: Vec<End<'m>>,
    signature: Option<&'m RawJson>,
    structured_output_keys: Option<&'m [String]>,
    /// The inputs as TensorFlow.js's `model.inputs` has them: what their nodes say.
    placeholders: Vec<Placeholder<'m>>,
    weights: Vec<&'m str>,
    missing_weights: &'m [String],
    unused_weights: &'m [String],
    ops: Vec<Op<'m>>,
    functions: Vec<&'m str>,
    initializer_nodes: Option<Vec<&'m str>>,
    nodes: Vec<Node<'m>>,
}

#[derive(Serialize)]
struct End<'m> {
    key: &'m str,
    node: &'m str,
    dtype: Option<&'m str>,
    shape: Option<&'m [i64]>,
}

#[derive(Serialize)]
struct Placeholder<'m> {
    name: &'m str,
    dtype: Option<&'static str>,
    shape: Option<&'m [i64]>,
}

#[derive(Serialize)]
struct Op<'m> {
    op: &'m str,
    count: usize,
}

#[derive(Serialize)]
struct Node<'m> {
    name: &'m str,
    op: &'m str,
    inputs: Vec<&'m str>,
}

/// Layers as `--json` prints them.
#[derive(Serialize)]
struct Layers<'m> {
    format: &'static str,
    layers: Vec<Layer<'m>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Layer<'m> {
    name: &'m str,
    class_name: &'m str,
    inputs: Vec<&'m str>,
    output_shapes: Vec<Option<String>>,
    params: u64,
}

pub(super) async fn run(graph: &Graph) -> Result<(), Failure> {
    let source = &graph.source;
    let artifacts = load_lazily(source).await?;
    let limits = source.reading.trust.limits();
    let told = |error| Error::from(error).with_operation(Operation::Load).with_location(&source.url);
    let picture = match ModelKind::of(&artifacts).map_err(told)? {
        ModelKind::Layers => {
            let model = layers(artifacts, &limits).map_err(told)?;
            model.notes().iter().for_each(|note| message(note));
            if source.json {
                return output::json(&Layers::of(&model));
            }
            Picture::of_layers(&model)
        }
        ModelKind::Graph => {
            let model = GraphModel::from_artifacts(artifacts, &limits).map_err(told)?;
            if model.artifacts().weights.is_some() && !model.report().is_clean() {
                message(&format!("the weights do not fit the graph: {}", model.report()));
            }
            if source.json {
                return output::json(&Described::of(&model));
            }
            Picture::of_graph(&model, graph.constants)
        }
    };
    let text = match graph.format {
        PictureFormat::Dot => picture.to_dot(),
        PictureFormat::Svg => picture.to_svg(),
        PictureFormat::Html => picture.to_html(),
    };
    output::lines(text.lines())
}

/// The topology alone matters: weights that do not fit change nothing.
fn layers(artifacts: ModelArtifacts, limits: &Limits) -> Result<LayersModel, tfjs_io::ModelError> {
    LayersModel::from_artifacts(artifacts, &WeightMatching::lenient().allow_mismatched(), limits)
}

impl<'m> Described<'m> {
    fn of(model: &'m GraphModel) -> Self {
        let nodes = model.graph().nodes();
        let names = |graph: &'m tfjs_io::Graph| graph.nodes().iter().map(tfjs_io::Node::name).collect();
        let node = |node: &'m tfjs_io::Node| {
            let inputs = node.inputs().iter().filter_map(|input| nodes.get(input.node)).map(tfjs_io::Node::name);
            Node { name: node.name(), op: node.op(), inputs: inputs.collect() }
        };
        Self {
            format: "graph-model",
            model_version: model.model_version(),
            inputs: model.inputs().iter().map(End::of).collect(),
            outputs: model.outputs().iter().map(End::of).collect(),
            signature: model.signature_json(),
            placeholders: model.inputs().iter().map(|input| Placeholder::of(input.node)).collect(),
            weights: model
                .artifacts()
                .weights
                .iter()
                .flat_map(tfjs_io::Weights::specs)
                .map(|spec| spec.name.as_str())
                .collect(),
            structured_output_keys: model.structured_output_keys(),
            missing_weights: &model.report().missing,
            unused_weights: &model.report().unused,
            ops: model.op_histogram().into_iter().map(|(op, count)| Op { op, count }).collect(),
            functions: model.graph().functions().iter().map(tfjs_io::Function::name).collect(),
            initializer_nodes: model.initializer().map(names),
            nodes: nodes.iter().map(node).collect(),
        }
    }
}

impl<'m> End<'m> {
    fn of(end: &GraphEnd<'m>) -> Self {
        let dtype = end.dtype().map(tfjs_io::DataType::as_str);
        Self { key: end.key(), node: end.node.name(), dtype, shape: end.shape() }
    }
}

impl<'m> Placeholder<'m> {
    fn of(node: &'m tfjs_io::Node) -> Self {
        let dtype = node.attr("dtype").and_then(Attr::as_type).and_then(tfjs_io::DataType::tfjs_name);
        Self { name: node.name(), dtype, shape: node.attr("shape").and_then(Attr::as_shape) }
    }
}

impl<'m> Layers<'m> {
    fn of(model: &'m LayersModel) -> Self {
        let layer = |layer: tfjs_io::Layer<'m>| {
            let mut inputs: Vec<_> = layer.connections().iter().flatten().map(|connection| connection.layer).collect();
            inputs.dedup();
            let shapes = layer.output_shapes();
            let output_shapes = shapes.iter().flatten().map(|shape| shape.map(ToString::to_string)).collect();
            let (name, class_name, params) = (layer.name(), layer.class_name(), layer.count_params());
            Layer { name, class_name, inputs, output_shapes, params }
        };
        Self { format: "layers-model", layers: model.layers().map(layer).collect() }
    }
}
