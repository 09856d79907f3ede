//! Graphs, in all forms in which they are written.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use futures::executor::block_on;
use tfjs_artifacts::{
    Bytes, DType, ErrorKind, Limits, ModelArtifacts, ModelTopology, RawJson, RelPath, Shape, WeightSpec, Weights,
};
use tfjs_model::{Attr, GraphModel, GraphModelOptions, Model, load_graph_model_from, load_model_from};
use tfjs_router::from_memory;

/// The same graph with names of types and base64, and with numbers and arrays of bytes.
const NAMES: &str = r#"{"node":[
    {"name":"x","op":"Placeholder","attr":{"dtype":{"type":"DT_FLOAT"},"shape":{"shape":{"dim":[{"size":"-1"},{"size":"2"}]}}}},
    {"name":"w","op":"Const","attr":{"dtype":{"type":"DT_INT64"},"value":{"tensor":{"dtype":"DT_INT64","tensorShape":{"dim":[{"size":"2"}]}}}}},
    {"name":"y","op":"MatMul","input":["x","w:1","^init"],"attr":{"T":{"type":"DT_FLOAT"},"transpose_a":{"b":false},
        "kind":{"s":"U0FNRQ=="},"strides":{"list":{"i":["1","2"]}},"body":{"func":{"name":"f"}},"alpha":{"f":0.5},"any":{"shape":{"unknownRank":true}}}},
    {"name":"init","op":"NoOp"}],
    "library":{"function":[{"signature":{"name":"f","inputArg":[{"name":"a","type":"DT_BOOL"}],"outputArg":[{"name":"r","type":"DT_BOOL"}]},
        "nodeDef":[{"name":"c","op":"Const"},{"name":"n","op":"LogicalAnd","input":["a","c:output:0"]}],"ret":{"r":"n:z:0"}}]},
    "versions":{"producer":175,"minConsumer":"12"}}"#;

const NUMBERS: &str = r#"{"node":[
    {"name":"x","op":"Placeholder","input":[],"attr":{"dtype":{"type":1},"shape":{"shape":{"dim":[{"size":-1},{"size":2}]}}}},
    {"name":"w","op":"Const","input":[],"attr":{"dtype":{"type":9},"value":{"tensor":{"dtype":9,"tensorShape":{"dim":[{"size":2}]}}}}},
    {"name":"y","op":"MatMul","input":["x","w:1","^init"],"attr":{"T":{"type":1},"transpose_a":{"b":false},
        "kind":{"s":[83,65,77,69]},"strides":{"list":{"i":[1,2]}},"body":{"func":{"name":"f"}},"alpha":{"f":0.5},"any":{"shape":{"unknownRank":true}}}},
    {"name":"init","op":"NoOp","input":[],"attr":{}}],
    "library":{"function":[{"signature":{"name":"f","inputArg":[{"name":"a","type":10}],"outputArg":[{"name":"r","type":10}]},
        "nodeDef":[{"name":"c","op":"Const"},{"name":"n","op":"LogicalAnd","input":["a","c:output:0"]}],"ret":{"r":"n:z:0"}}]},
    "versions":{"producer":175,"minConsumer":12}}"#;

/// The same as a message of protocol buffers.
fn binary() -> Vec<u8> {
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        // Lengths below 128 are one byte; longer ones two.
        let length = u32::try_from(bytes.len()).unwrap();
        let length = if length < 128 {
            vec![u8::try_from(length).unwrap()]
        } else {
            vec![u8::try_from(length & 127).unwrap() | 128, u8::try_from(length >> 7).unwrap()]
        };
        [&[number << 3 | 2], length.as_slice(), bytes].concat()
    }
    fn attr(name: &str, value: &[u8]) -> Vec<u8> {
        field(5, &[field(1, name.as_bytes()), field(2, value)].concat())
    }
    fn node(name: &str, op: &str, inputs: &[&str], attrs: &[Vec<u8>]) -> Vec<u8> {
        let inputs = inputs.iter().flat_map(|input| field(3, input.as_bytes())).collect::<Vec<_>>();
        [field(1, name.as_bytes()), field(2, op.as_bytes()), inputs, attrs.concat()].concat()
    }
    let minus_one = [8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
    let dims = [field(2, &minus_one), field(2, &[8, 2])].concat();
    let tensor = [vec![8, 9], field(2, &field(2, &[8, 2]))].concat();
    let nodes = [
        node("x", "Placeholder", &[], &[attr("dtype", &[48, 1]), attr("shape", &field(7, &dims))]),
        node("w", "Const", &[], &[attr("dtype", &[48, 9]), attr("value", &field(8, &tensor))]),
        node(
            "y",
            "MatMul",
            &["x", "w:1", "^init"],
            &[
                attr("T", &[48, 1]),
                attr("transpose_a", &[40, 0]),
                attr("kind", &field(2, b"SAME")),
                attr("strides", &field(1, &field(3, &[1, 2]))),
                attr("body", &field(10, &field(1, b"f"))),
                attr("alpha", &[&[37], 0.5f32.to_le_bytes().as_slice()].concat()),
                attr("any", &field(7, &[24, 1])),
            ],
        ),
        node("init", "NoOp", &[], &[]),
    ];
    let arg = |number, name: &[u8]| field(number, &[field(1, name), vec![24, 10]].concat());
    let function = [
        field(1, &[field(1, b"f"), arg(2, b"a"), arg(3, b"r")].concat()),
        field(3, &node("c", "Const", &[], &[])),
        field(3, &node("n", "LogicalAnd", &["a", "c:output:0"], &[])),
        field(4, &[field(1, b"r"), field(2, b"n:z:0")].concat()),
    ];
    let nodes: Vec<u8> = nodes.iter().flat_map(|node| field(1, node)).collect();
    [nodes, field(2, &field(1, &function.concat())), field(4, &[8, 175, 1, 16, 12])].concat()
}

fn with_topology(topology: ModelTopology) -> ModelArtifacts {
    let specs = ["w", "c", "spare"].map(|name| WeightSpec::new(name, Shape::new([2]).unwrap(), DType::Bool));
    let weights = Weights::single(specs.to_vec(), RelPath::parse("w").unwrap(), vec![0; 6].into()).unwrap();
    let mut artifacts = ModelArtifacts::new().with_weights(weights);
    artifacts.model_topology = Some(topology);
    artifacts
}

fn json(text: &str) -> RawJson {
    RawJson::parse(text).unwrap()
}

fn model(artifacts: ModelArtifacts) -> GraphModel {
    GraphModel::from_artifacts(artifacts, &Limits::new()).unwrap()
}

#[test]
fn each_dialect_says_the_same() {
    for topology in [
        ModelTopology::Json(json(NAMES)),
        ModelTopology::Json(json(NUMBERS)),
        ModelTopology::graph_def(Bytes::from(binary())).unwrap(),
    ] {
        let model = model(with_topology(topology));
        assert_eq!(model.model_version(), "175.12");
        let names: Vec<_> = model.graph().nodes().iter().map(|node| (node.name(), node.op())).collect();
        assert_eq!(names, [("x", "Placeholder"), ("w", "Const"), ("y", "MatMul"), ("init", "NoOp")]);
        let y = model.graph().node("y").unwrap();
        let inputs: Vec<_> = y.inputs().iter().map(|input| (input.node, input.output, input.is_control)).collect();
        assert_eq!(inputs, [(0, 0, false), (1, 1, false), (3, 0, true)]);
        assert_eq!(y.attr("kind").and_then(Attr::as_text), Some("SAME"));
        assert_eq!(y.attr("transpose_a"), Some(&Attr::Bool(false)));
        assert_eq!(y.attr("strides"), Some(&Attr::List(vec![Attr::Int(1), Attr::Int(2)])));
        assert_eq!(y.attr("body"), Some(&Attr::Function("f".to_owned())));
        assert_eq!(y.attr("alpha"), Some(&Attr::Float(0.5)));
        assert_eq!(y.attr("any"), Some(&Attr::Shape(None)));
        let [input] = model.inputs()[..] else { panic!("{:?}", model.inputs()) };
        assert_eq!(input.to_string(), "x DT_FLOAT [-1, 2]");
        assert_eq!(input.dtype().unwrap().tfjs_name(), Some("float32"));
        let outputs: Vec<_> = model.outputs().iter().map(|output| output.key().to_owned()).collect();
        assert_eq!(outputs, ["y"]);
        let function = model.graph().function("f").unwrap();
        assert_eq!(function.inputs()[0].1.as_ref().unwrap().as_str(), "DT_BOOL");
        assert_eq!(
            function.graph().outputs().map(|(node, key)| (node.name(), key)).collect::<Vec<_>>(),
            [("n", Some("r"))]
        );
        assert_eq!(model.report().unused, ["spare"]);
        assert!(model.report().missing.is_empty());
        let constant = model.graph().node("w").unwrap();
        assert_eq!(model.weight_spec(constant).unwrap().name, "w");
        assert!(model.weight_spec(y).is_none());
        assert_eq!(model.op_histogram()[..2], [("Const", 2), ("Placeholder", 2)]);
        let Some(Attr::Tensor { dtype, shape }) = constant.attr("value") else { panic!("{constant:?}") };
        assert_eq!((dtype.as_ref().unwrap().as_str(), shape.as_deref()), ("DT_INT64", Some(&[2][..])));
    }
}

#[test]
fn the_signature_names_inputs_and_outputs() {
    let mut artifacts = with_topology(ModelTopology::Json(json(NAMES)));
    artifacts.signature = Some(json(
        r#"{"inputs":{"image":{"name":"x:0","dtype":"DT_HALF","tensorShape":{"dim":[{"size":"3"}]}}},
            "outputs":{"b":{"name":"y:0"},"1":{"name":"init"},"gone":{"name":"gone:0"},"again":{"name":"y:0","resourceId":7}}}"#,
    ));
    let model = model(artifacts.clone());
    assert_eq!(model.inputs()[0].to_string(), "image DT_HALF [3]");
    let keys: Vec<_> = model.outputs().iter().map(|output| output.key().to_owned()).collect();
    assert_eq!(keys, ["1", "again"]);
    assert_eq!(model.outputs()[1].info.unwrap().resource_id, Some(7));

    artifacts.user_defined_metadata =
        Some(json(r#"{"signature":{"outputs":{"z":{"name":"y:0"}}},"structuredOutputKeys":["b","a"]}"#));
    let model = self::model(artifacts.clone());
    assert_eq!(model.outputs()[0].key(), "z");
    assert_eq!(model.structured_output_keys().unwrap(), ["b", "a"]);
    artifacts.user_defined_metadata = Some(json(r#"{"structuredOutputKeys":7}"#));
    let error = GraphModel::from_artifacts(artifacts, &Limits::new()).unwrap_err();
    assert!(error.to_string().contains("should be an array of strings"), "{error}");
}

#[test]
fn an_initializer_has_its_own_nodes_and_the_same_weights() {
    let mut artifacts = with_topology(ModelTopology::Json(json(r#"{"node":[],"versions":{"minConsumer":12}}"#)));
    artifacts.model_initializer = Some(json(r#"{"node":[{"name":"w","op":"Const"},{"name":"keys","op":"Const"}]}"#));
    artifacts.initializer_signature = Some(json(r#"{"outputs":{"t":{"name":"w:0"}}}"#));
    let model = model(artifacts.clone());
    assert_eq!(model.model_version(), "undefined.12");
    assert_eq!(model.initializer().unwrap().nodes().len(), 2);
    assert_eq!(model.initializer_signature().unwrap().outputs()[0].0, "t");
    assert_eq!(model.report().missing, ["keys"]);
    assert_eq!(model.report().unused, ["c", "spare"]);

    let error =
        block_on(load_graph_model_from(&from_memory(artifacts.clone()), &GraphModelOptions::new())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert_eq!(
        error.message(),
        "the weights do not fit the graph: 1 constants without a weight: `keys`; 2 weights without a constant: `c`, `spare`"
    );
    let options = GraphModelOptions::new().allow_missing_weights();
    assert!(block_on(load_graph_model_from(&from_memory(artifacts.clone()), &options)).is_ok());
    // What nothing calls needs no weights.
    let library = r#"{"function":[{"signature":{"name":"spare"},"nodeDef":[{"name":"left over","op":"Const"}]},
        {"signature":{"name":"a"},"nodeDef":[{"name":"in a","op":"b"}]},{"signature":{"name":"b"},"nodeDef":[{"name":"in b","op":"Const"},{"name":"loop","op":"a"}]}]}"#;
    let node = r#"{"name":"call","op":"Case","attr":{"branches":{"list":{"func":[{"name":"a"}]}}}}"#;
    artifacts.model_initializer = Some(json(&format!(r#"{{"node":[{node}],"library":{library}}}"#)));
    let calling = self::model(artifacts.clone());
    assert_eq!(calling.report().missing, ["in b"]);
    assert_eq!(calling.initializer().unwrap().called_functions().len(), 2);
    // TensorFlow.js looks at `node`, and at nothing else.
    artifacts.model_initializer = Some(json("{}"));
    assert!(self::model(artifacts).initializer().is_none());
}

#[test]
fn graphs_that_make_no_sense() {
    for (topology, expected) in [
        (r#"{"node":[{"name":"a","op":"A"},{"name":"a","op":"B"}]}"#, "there are two nodes `a`"),
        (
            r#"{"node":[{"name":"a","op":"A","input":["b:0","^c"]}]}"#,
            "`a` gets something from `b`, and there is no such node; `a` gets something from `c`, and there is no such node",
        ),
        (r#"{"node":[{"name":7}]}"#, "`modelTopology` cannot be read: invalid type"),
        (r#"{"node":[],"library":{"function":[{"nodeDef":[{"name":"a","op":"A","input":["b"]}]}]}}"#, "function ``"),
        (
            r#"{"node":[],"library":{"function":[{"signature":{"name":"f"}},{"signature":{"name":"f"}}]}}"#,
            "there are two functions `f`",
        ),
    ] {
        let error = GraphModel::from_artifacts(with_topology(ModelTopology::Json(json(topology))), &Limits::new());
        let error = error.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    // A message whose parts are no messages.
    let damaged = ModelTopology::graph_def(Bytes::from_static(b"\x0a\x03abc")).unwrap();
    let error = GraphModel::from_artifacts(with_topology(damaged), &Limits::new()).unwrap_err();
    assert!(error.to_string().contains("the binary GraphDef is damaged"), "{error}");
}

#[test]
fn the_wrong_kind_names_the_right_call() {
    let layers = ModelArtifacts::new().with_topology(json(r#"{"class_name":"Sequential","config":[]}"#));
    let error = block_on(load_graph_model_from(&from_memory(layers), &GraphModelOptions::new())).unwrap_err();
    assert!(error.message().contains("load it with `load_layers_model`"), "{error}");
    let graph = from_memory(with_topology(ModelTopology::Json(json(NAMES))));
    let either = block_on(load_model_from(&graph, &tfjs_model::LayersModelOptions::new())).unwrap();
    assert!(matches!(either, Model::Graph(model) if model.graph().nodes().len() == 4));
}
