//! How topologies are written, by whom, and what is understood of those that nobody can run.

use tfjs_artifacts::{Limits, RawJson};
use tfjs_model::{LayersModel, ModelError, SummaryOptions, WeightMatching};

use crate::support::{artifacts, layer, model, read, sequential, spec, two_layers, with_weights};

#[test]
fn one_model_in_all_spellings() {
    let expected = model(&two_layers()).summary();
    let python = two_layers();
    let nested = format!(r#"{{"keras_version":"2.3","backend":"tensorflow","model_config":{python}}}"#);
    let text = format!(r#"{{"model_config":{}}}"#, RawJson::string(&python).get());
    let javascript = python
        .replace("class_name", "className")
        .replace("batch_input_shape", "batchInputShape")
        .replace("use_bias", "useBias");
    let array = python.replace(r#"{"name":"s","layers":["#, "[").replace("]}}", "]}");
    for topology in [nested, text, javascript, array] {
        assert_eq!(model(&topology).summary(), expected, "{topology}");
    }
}

#[test]
fn keras_3_is_read_as_far_as_it_goes() {
    let tensor = |name: &str| {
        format!(
            r#"{{"class_name":"__keras_tensor__","config":{{"shape":[null,3],"dtype":"float32","keras_history":["{name}",0,0]}}}}"#
        )
    };
    let dense = |name: &str, from: &str| {
        let tensor = tensor(from);
        format!(
            r#"{{"module":"keras.layers","class_name":"Dense","registered_name":null,"name":"{name}","build_config":{{"input_shape":[null,3]}},
            "config":{{"name":"{name}","trainable":true,"dtype":{{"module":"keras","class_name":"DTypePolicy","config":{{"name":"float32"}}}},"units":3}},
            "inbound_nodes":[{{"args":[{tensor}],"kwargs":{{}}}}]}}"#
        )
    };
    let (a, b) = (tensor("a"), tensor("b"));
    let topology = format!(
        r#"{{"model_config":{{"module":"keras.src.models.functional","class_name":"Functional","config":{{"name":"f","trainable":true,"layers":[
            {{"class_name":"InputLayer","name":"x","config":{{"batch_shape":[null,3],"dtype":"float32","sparse":false,"name":"x"}},"inbound_nodes":[]}},
            {},{},
            {{"class_name":"Add","name":"sum","config":{{"name":"sum"}},"inbound_nodes":[{{"args":[[{a},{b}]],"kwargs":{{}}}}]}}
        ],"input_layers":["x",0,0],"output_layers":["sum",0,0]}}}}}}"#,
        dense("a", "x"),
        dense("b", "a")
    );
    let specs =
        ["a/0", "b/0"].map(|name| spec(name, &[3, 3])).into_iter().chain(["a/1", "b/1"].map(|name| spec(name, &[3])));
    let model = with_weights(&topology, specs.collect(), &WeightMatching::strict()).unwrap();
    assert_eq!((model.count_params().total(), model.outputs()[0].name), (24, "sum"));
    assert_eq!(model.outputs()[0].shape.unwrap().to_string(), "[null,3]");
}

#[test]
fn layers_of_other_classes_keep_their_weights() {
    let unknown = layer("PixelShuffle", "shuffle", r#""scale":2"#);
    let topology = sequential(
        "[null,2]",
        &[&layer("Dense", "one", r#""units":3"#), &unknown, &layer("Dense", "two", r#""units":1"#)],
    );
    let specs = vec![
        spec("one/kernel", &[2, 3]),
        spec("one/bias", &[3]),
        spec("shuffle/gain", &[5]),
        spec("two/kernel", &[7, 1]),
        spec("two/bias", &[1]),
    ];
    let model = with_weights(&topology, specs.clone(), &WeightMatching::strict()).unwrap();
    assert!(model.report().is_clean());
    let note = "layer `shuffle` is of the class `PixelShuffle`, which TensorFlow.js does not have: shapes stop there, and its weights are \
                those whose names begin with `shuffle/`";
    assert_eq!(model.notes(), [note]);
    let shuffle = model.layer("shuffle").unwrap();
    assert!(!shuffle.is_known() && shuffle.config().get().contains("\"scale\":2"));
    let params: Vec<_> = model.layers().map(|layer| layer.count_params()).collect();
    assert_eq!((params, model.count_params().total()), (vec![0, 9, 5, 8], 22));
    assert_eq!(model.outputs()[0].shape, None);
    let summary = model.summary_with(&SummaryOptions::new());
    assert!(
        summary
            .contains("two (Dense)                 [?]                       ?                         8         \n"),
        "{summary}"
    );
    // What begins with no layer's name is as unexpected as ever.
    let error =
        with_weights(&topology, [specs, vec![spec("x/y", &[])]].concat(), &WeightMatching::strict()).unwrap_err();
    assert!(error.to_string().ends_with("`x/y`"), "{error}");
}

#[test]
fn what_is_no_topology_says_what_it_is() {
    let error = |topology: &str| read(topology).unwrap_err().to_string();
    assert!(error("[]").starts_with("this is neither a layers-model nor a graph-model: "));
    assert_eq!(
        error(r#"{"node":[]}"#),
        "this is a graph-model, not a layers-model: load it with `load_graph_model`, or with `load_model`, which takes both"
    );
    assert!(
        error(r#"{"class_name":"Dense","config":{"units":3}}"#)
            .contains("its class is `Dense`, but a model is `Sequential`")
    );
    assert!(error(r#"{"class_name":"Sequential","config":{}}"#).contains("key `layers`: it is missing"));
    assert!(error(r#"{"class_name":"Sequential","config":[]}"#).contains("key `layers`: it is empty"));
    assert!(
        error(r#"{"class_name":"Sequential","config":[{"config":{}}]}"#)
            .contains("a layer must have `class_name` and `config`")
    );
    assert!(
        error(r#"{"class_name":"Sequential","config":[{"class_name":"Dense","config":{"units":1}}]}"#)
            .contains("key `batchInputShape`")
    );
    assert!(error(r#"{"model_config":"{"}"#).contains("`model_config` is not valid JSON"));
    let weights_only = tfjs_artifacts::ModelArtifacts::new();
    let error = LayersModel::from_artifacts(weights_only, &WeightMatching::strict(), &Limits::new()).unwrap_err();
    assert!(matches!(error, ModelError::UnknownKind { .. }), "{error}");
}

#[test]
fn graphs_that_cannot_be_say_why() {
    let graph = |nodes: &str, outputs: &str| {
        format!(
            r#"{{"class_name":"Model","config":{{"name":"m","layers":[
            {{"name":"x","class_name":"InputLayer","config":{{"batch_input_shape":[null,3],"name":"x"}},"inbound_nodes":[]}},
            {{"name":"y","class_name":"ReLU","config":{{"name":"y"}},"inbound_nodes":{nodes}}}
            ],"input_layers":[["x",0,0]],"output_layers":{outputs}}}}}"#
        )
    };
    let ends = r#"[["y",0,0]]"#;
    model(&graph(r#"[[["x",0,0]]]"#, ends));
    let error = |nodes: &str, outputs: &str| read(&graph(nodes, outputs)).unwrap_err().to_string();
    assert!(error(r#"[[["z",0,0]]]"#, ends).contains("`y` is applied to `z`, and there is no such layer"));
    assert!(
        error(r#"[[["y",0,0]]]"#, ends).contains("`y` waits for an output of `y`, which never comes: there is a cycle")
    );
    assert!(error(r#"[[["x",1,0]]]"#, ends).contains("waits for an output of `x`"));
    assert!(error(r#"[[["x",0,1]]]"#, ends).contains("`x` has no output 1"));
    assert!(
        error(r#"[[["x",0,0]]]"#, r#"[["y",1,0]]"#)
            .contains("key `outputLayers`: there is no output 0 of application 1")
    );
    assert!(error(r#"[[["x",0,0]]]"#, "7").contains("key `outputLayers`: expected an array"));
    assert!(error("[7]", ends).contains("key `inboundNodes`: expected an array"));
    let two = graph(r#"[[["x",0,0]]]"#, ends)
        .replace(r#""input_layers":[["x",0,0]]"#, r#""input_layers":[["x",0,0],["x",0,0]]"#);
    assert!(read(&two).unwrap_err().to_string().contains("`x` stands there twice"));
    let same = graph(r#"[[["x",0,0]]]"#, ends).replace(r#""name":"y""#, r#""name":"x""#);
    assert!(read(&same).unwrap_err().to_string().contains("two of its layers are named `x`"));
    let cut_off = graph(r#"[[["x",0,0]]]"#, ends).replace(r#""input_layers":[["x",0,0]]"#, r#""input_layers":[]"#);
    assert!(read(&cut_off).unwrap_err().to_string().contains("its graph is disconnected"));
}

#[test]
fn the_topology_stays_as_it_was() {
    let topology = two_layers().replace(":3", ": 3.0 ");
    let model = model(&topology);
    assert_eq!(model.artifacts().topology_json().unwrap(), artifacts(&topology).topology_json().unwrap());
    assert_eq!(model.layer("one").unwrap().config().get(), r#"{"name":"one","units": 3.0 }"#);
}
