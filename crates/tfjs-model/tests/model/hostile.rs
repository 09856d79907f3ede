//! Topologies that mean harm: whatever they say, there is an answer, and soon.

use proptest::prelude::*;
use proptest::test_runner::Config;
use tfjs_artifacts::{Limit, Limits};
use tfjs_model::{LayersModel, ModelError, WeightMatching};

use crate::support::{artifacts, layer, model, read, sequential};

/// Every class that has a config worth spoiling.
const CLASSES: &[&str] = &[
    "Dense",
    "Flatten",
    "Reshape",
    "Permute",
    "RepeatVector",
    "PReLU",
    "Embedding",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "Conv2DTranspose",
    "Conv3DTranspose",
    "SeparableConv2D",
    "DepthwiseConv2D",
    "MaxPooling1D",
    "AveragePooling2D",
    "MaxPooling3D",
    "GlobalMaxPooling2D",
    "Cropping2D",
    "UpSampling2D",
    "ZeroPadding2D",
    "BatchNormalization",
    "LayerNormalization",
    "SimpleRNN",
    "GRU",
    "LSTM",
    "RNN",
    "ConvLSTM2D",
    "Bidirectional",
    "TimeDistributed",
    "Add",
    "Concatenate",
    "Dot",
    "CategoryEncoding",
    "CenterCrop",
    "Resizing",
    "RandomWidth",
    "EinsumDense",
    "MultiHeadAttention",
    "Sequential",
    "Model",
    "Nobody",
];

const KEYS: &[&str] = &[
    "units",
    "filters",
    "kernel_size",
    "strides",
    "padding",
    "dilation_rate",
    "data_format",
    "pool_size",
    "axis",
    "axes",
    "dims",
    "n",
    "target_shape",
    "shared_axes",
    "input_dim",
    "output_dim",
    "input_length",
    "cropping",
    "size",
    "depth_multiplier",
    "use_bias",
    "return_state",
    "return_sequences",
    "stateful",
    "merge_mode",
    "layer",
    "cell",
    "cells",
    "layers",
    "num_tokens",
    "output_mode",
    "height",
    "width",
    "equation",
    "output_shape",
    "bias_axes",
    "batch_input_shape",
    "input_layers",
    "output_layers",
];

fn value() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        Just("0"),
        Just("1"),
        Just("2"),
        Just("3"),
        Just("-1"),
        Just("-9007199254740991"),
        Just("9007199254740991"),
        Just("4503599627370496"),
        Just("1e300"),
        Just("0.5"),
        Just("null"),
        Just("true"),
        Just("\"same\""),
        Just("\"channels_first\""),
        Just("\"ab,bc->ac\""),
        Just("\"...a,ab->...b\""),
        Just("\"one_hot\""),
    ];
    let leaf = number.prop_map(str::to_owned);
    leaf.prop_recursive(3, 12, 4, |inner| {
        let array = prop::collection::vec(inner.clone(), 0..4).prop_map(|elements| format!("[{}]", elements.join(",")));
        let nested =
            (prop::sample::select(CLASSES), prop::sample::select(KEYS), inner).prop_map(|(class, key, value)| {
                format!(r#"{{"class_name":"{class}","config":{{"{key}":{value},"units":2,"name":"i"}}}}"#)
            });
        prop_oneof![array, nested]
    })
}

fn config() -> impl Strategy<Value = String> {
    let member = (prop::sample::select(KEYS), value()).prop_map(|(key, value)| format!(r#""{key}":{value}"#));
    prop::collection::vec(member, 0..6).prop_map(|members| members.join(","))
}

fn any_layer() -> impl Strategy<Value = (String, String)> {
    (prop::sample::select(CLASSES), config()).prop_map(|(class, config)| (class.to_owned(), config))
}

proptest! {
    #![proptest_config(Config { cases: 500, ..Config::default() })]

    #[test]
    fn a_chain_of_anything_has_an_answer(
        shape in prop::collection::vec(prop_oneof![Just("null"), Just("1"), Just("4"), Just("-3"), Just("9007199254740991")], 0..6),
        layers in prop::collection::vec(any_layer(), 1..4),
    ) {
        let layers: Vec<_> = layers.iter().enumerate().map(|(i, (class, config))| layer(class, &format!("l{i}"), config)).collect();
        let layers: Vec<_> = layers.iter().map(String::as_str).collect();
        if let Ok(model) = read(&sequential(&format!("[{}]", shape.join(",")), &layers)) {
            prop_assert!(model.summary().ends_with("_\n"));
        }
    }

    #[test]
    fn a_graph_of_anything_has_an_answer(
        layers in prop::collection::vec((any_layer(), prop::collection::vec((0usize..5, 0usize..3, 0usize..2), 0..4)), 1..5),
        ends in prop::collection::vec((0usize..5, 0usize..3), 1..3),
    ) {
        let mut listed = vec![r#"{"name":"l0","class_name":"InputLayer","config":{"batch_input_shape":[null,4,4],"name":"l0"},"inbound_nodes":[]}"#.to_owned()];
        for (i, ((class, config), inputs)) in (1..).zip(&layers) {
            let inputs: Vec<_> = inputs.iter().map(|(from, node, tensor)| format!(r#"["l{from}",{node},{tensor}]"#)).collect();
            // Each input is an application of its own, and all of them are one.
            let nodes = inputs.iter().map(|input| format!("[{input}]")).chain([format!("[{}]", inputs.join(","))]);
            let nodes = nodes.collect::<Vec<_>>().join(",");
            let comma = if config.is_empty() { "" } else { "," };
            listed.push(format!(r#"{{"name":"l{i}","class_name":"{class}","config":{{"name":"l{i}"{comma}{config}}},"inbound_nodes":[{nodes}]}}"#));
        }
        let ends: Vec<_> = ends.iter().map(|(layer, node)| format!(r#"["l{layer}",{node},0]"#)).collect();
        let topology = format!(
            r#"{{"class_name":"Functional","config":{{"name":"m","layers":[{}],"input_layers":[["l0",0,0]],"output_layers":[{}]}}}}"#,
            listed.join(","), ends.join(",")
        );
        if let Ok(model) = read(&topology) {
            prop_assert!(model.summary().ends_with("_\n"));
        }
    }
}

#[test]
fn sizes_that_wrap_are_refused() {
    let huge = layer("Dense", "x", r#""units":9007199254740991"#);
    let error = read(&sequential("[null,4]", &[&huge])).unwrap_err().to_string();
    assert!(error.contains("its weight `kernel`: [4,9007199254740991] has more than 2^53 - 1 elements"), "{error}");
    let error = read(&sequential("[null,4503599627370496,4]", &[&layer("Flatten", "x", "")])).unwrap_err().to_string();
    assert!(error.ends_with("the sizes that follow from it are beyond 2^53 - 1"), "{error}");
    let error = read(&sequential("[null,1e16]", &[])).unwrap_err().to_string();
    assert!(error.contains("key `batchInputShape`: expected an array of integers"), "{error}");
}

#[test]
fn nesting_ends_somewhere() {
    let mut inner = layer("Dense", "d", r#""units":2,"batch_input_shape":[null,2]"#);
    for depth in 0..100 {
        inner = format!(r#"{{"class_name":"Sequential","config":{{"name":"s{depth}","layers":[{inner}]}}}}"#);
    }
    let error = read(&inner).unwrap_err().to_string();
    assert!(error.contains("it lies in 64 others"), "{error}");
    let mut cell = layer("Dense", "d", r#""units":2"#);
    for _ in 0..90 {
        cell = layer("TimeDistributed", "t", &format!(r#""layer":{cell}"#));
    }
    assert!(read(&sequential("[null,2,2]", &[&cell])).unwrap_err().to_string().contains("64 others"));
}

/// Each model is applied twice in the one around it: 2^50 applications, in 30 kB of text.
#[test]
fn models_in_models_are_counted() {
    let dense = layer("ReLU", "r", r#""batch_input_shape":[null,2]"#);
    let mut inner = format!(r#""class_name":"Sequential","config":{{"name":"i","layers":[{dense}]}}"#);
    for depth in 0..50 {
        let input = format!("x{depth}");
        inner = format!(
            r#""class_name":"Model","config":{{"name":"i","layers":[
            {{"name":"{input}","class_name":"InputLayer","config":{{"batch_input_shape":[null,2],"name":"{input}"}},"inbound_nodes":[]}},
            {{"name":"i","inbound_nodes":[[["{input}",0,0]],[["i",1,0]]],{inner}}}
            ],"input_layers":[["{input}",0,0]],"output_layers":[["i",2,0]]}}"#
        );
    }
    let inner = format!("{{{inner}}}");
    match read(&inner).unwrap_err() {
        ModelError::Limit(error) => assert_eq!(error.limit, Limit::LayerCalls),
        error => panic!("{error}"),
    }
}

/// What one layer merges counts as much as that many layers: a model in a model goes through it again and again.
#[test]
fn many_inputs_of_one_layer_count_each_time() {
    let inputs = vec![r#"["a",0,0]"#; 20_000].join(",");
    let mut config = format!(
        r#"{{"name":"m","layers":[
        {{"name":"a","class_name":"InputLayer","config":{{"batch_input_shape":[null,4],"name":"a"}},"inbound_nodes":[]}},
        {{"name":"s","class_name":"Add","config":{{"name":"s"}},"inbound_nodes":[[{inputs}]]}}
        ],"input_layers":[["a",0,0]],"output_layers":[["s",0,0]]}}"#
    );
    for _ in 0..40 {
        config = format!(
            r#"{{"name":"m","layers":[
            {{"name":"a","class_name":"InputLayer","config":{{"batch_input_shape":[null,4],"name":"a"}},"inbound_nodes":[]}},
            {{"name":"i","class_name":"Model","config":{config},"inbound_nodes":[[["a",0,0]],[["i",1,0]]]}}
            ],"input_layers":[["a",0,0]],"output_layers":[["i",2,0]]}}"#
        );
    }
    let started = std::time::Instant::now();
    match read(&format!(r#"{{"class_name":"Model","config":{config}}}"#)).unwrap_err() {
        ModelError::Limit(error) => assert_eq!(error.limit, Limit::LayerCalls),
        error => panic!("{error}"),
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

#[test]
fn long_chains_are_no_matter() {
    let relu: Vec<_> = (0..5000).map(|i| layer("ReLU", &format!("r{i}"), "")).collect();
    let relu: Vec<_> = relu.iter().map(String::as_str).collect();
    assert_eq!(model(&sequential("[null,4]", &relu)).layers().count(), 5001);
    // And the other way round: each layer is listed before the one that it is applied to.
    let count = 3000;
    let mut layers: Vec<_> = (1..=count)
        .rev()
        .map(|i| {
            format!(
                r#"{{"name":"r{i}","class_name":"ReLU","config":{{"name":"r{i}"}},"inbound_nodes":[[["r{}",0,0]]]}}"#,
                i - 1
            )
        })
        .collect();
    layers.push(r#"{"name":"r0","class_name":"InputLayer","config":{"batch_input_shape":[null,3],"name":"r0"},"inbound_nodes":[]}"#.to_owned());
    let topology = format!(
        r#"{{"class_name":"Model","config":{{"name":"m","layers":[{}],"input_layers":[["r0",0,0]],"output_layers":[["r{count}",0,0]]}}}}"#,
        layers.join(",")
    );
    assert_eq!(model(&topology).layers().count(), count + 1);
}

#[test]
fn limits_can_be_set() {
    let topology = sequential("[null,4]", &[&layer("ReLU", "x", "")]);
    let limits = Limits::new().with(Limit::LayerCalls, 3);
    let error =
        LayersModel::from_artifacts(artifacts(&topology), &WeightMatching::strict(), &limits).unwrap_err().to_string();
    assert!(error.contains("more than the limit `layer-calls` of 3"), "{error}");
    let limits = Limits::new().with(Limit::Rank, 1);
    let error =
        LayersModel::from_artifacts(artifacts(&topology), &WeightMatching::strict(), &limits).unwrap_err().to_string();
    assert!(error.contains("more than the limit `rank` of 1"), "{error}");
}
