//! Each family of layers: the shapes that come out, the weights, and what is refused.

use crate::support::{layer, merging, model, read, sequential};

/// One layer behind an input: the shape of its output and the names and shapes of its weights.
fn check(class: &str, config: &str, input: &str, output: &str, weights: &str) {
    let model = model(&sequential(input, &[&layer(class, "x", config)]));
    let found = model.outputs()[0].shape.unwrap().to_string();
    assert_eq!(found, output, "{class} {config}");
    let found: Vec<_> = model.weights().map(|weight| format!("{}{}", weight.name(), weight.shape())).collect();
    assert_eq!(found.join(" "), weights, "{class} {config}");
}

/// One layer that cannot be: the key that is to blame, and a part of the message.
fn refused(class: &str, config: &str, input: &str, key: &str, message: &str) {
    let error = read(&sequential(input, &[&layer(class, "x", config)])).unwrap_err().to_string();
    let begins = if key.is_empty() {
        format!("layer `x` of the class `{class}`: ")
    } else {
        format!("layer `x` of the class `{class}`, key `{key}`: ")
    };
    assert!(error.starts_with(&begins), "{error}");
    assert!(error.contains(message), "{error}");
}

#[test]
fn core_layers() {
    check("Dense", r#""units":3"#, "[null,2]", "[null,3]", "x/kernel[2,3] x/bias[3]");
    check("Dense", r#""units":3,"use_bias":false"#, "[null,4,2]", "[null,4,3]", "x/kernel[2,3]");
    check("Flatten", "", "[null,2,3,4]", "[null,24]", "");
    check("Reshape", r#""target_shape":[-1,3]"#, "[null,6]", "[null,null,3]", "");
    check("Reshape", r#""target_shape":[-1,3]"#, "[2,6]", "[2,2,3]", "");
    check("Permute", r#""dims":[2,1]"#, "[null,5,6]", "[null,6,5]", "");
    check("RepeatVector", r#""n":4"#, "[null,5]", "[null,4,5]", "");
    check("Dropout", r#""rate":0.5"#, "[null,5]", "[null,5]", "");
    refused("Dense", r#""units":0"#, "[null,2]", "units", "above 0, found 0");
    refused("Dense", r#""units":1.5"#, "[null,2]", "units", "found `1.5`");
    refused("Dense", r#""units":3"#, "[null,null]", "", "its weight `kernel` would have the shape [null,3]");
    refused("Dense", r#""units":3"#, "[null]", "", "rank 2 or more, but gets [null]");
    refused("Flatten", "", "[null,null,3]", "", "not fully defined: [null,null,3]");
    refused("Reshape", r#""target_shape":[4]"#, "[2,6]", "targetShape", "6 elements do not fit");
    refused("Permute", r#""dims":[1,3]"#, "[null,5,6]", "dims", "are not all integers from 1 to 2");
}

#[test]
fn convolutions() {
    let two = r#""filters":4,"kernel_size":3"#;
    check("Conv1D", two, "[null,10,2]", "[null,8,4]", "x/kernel[3,2,4] x/bias[4]");
    let strided = r#""filters":4,"kernel_size":[3,2],"strides":2,"padding":"same","use_bias":false"#;
    check("Conv2D", strided, "[null,9,8,2]", "[null,5,4,4]", "x/kernel[3,2,2,4]");
    let first = r#""filters":4,"kernel_size":3,"data_format":"channels_first","dilation_rate":2"#;
    check("Conv2D", first, "[null,2,9,8]", "[null,4,5,4]", "x/kernel[3,3,2,4] x/bias[4]");
    check("Conv3D", two, "[null,5,6,7,2]", "[null,3,4,5,4]", "x/kernel[3,3,3,2,4] x/bias[4]");
    let transposed = r#""filters":4,"kernel_size":3,"strides":2"#;
    check("Conv2DTranspose", transposed, "[null,5,6,2]", "[null,11,13,4]", "x/kernel[3,3,4,2] x/bias[4]");
    check("Conv3DTranspose", transposed, "[null,2,2,2,1]", "[null,5,5,5,4]", "x/kernel[3,3,3,4,1] x/bias[4]");
    let separable = r#""filters":4,"kernel_size":3,"depth_multiplier":2"#;
    let weights = "x/depthwise_kernel[3,3,2,2] x/pointwise_kernel[1,1,4,4] x/bias[4]";
    check("SeparableConv2D", separable, "[null,8,8,2]", "[null,6,6,4]", weights);
    let depthwise = r#""kernel_size":3,"depth_multiplier":2,"dilation_rate":2"#;
    check("DepthwiseConv2D", depthwise, "[null,8,8,2]", "[null,6,6,4]", "x/depthwise_kernel[3,3,2,2] x/bias[4]");
    refused("Conv2D", r#""filters":4"#, "[null,8,8,2]", "kernelSize", "it is missing");
    refused("Conv2D", r#""filters":4,"kernel_size":[3,3,3]"#, "[null,8,8,2]", "kernelSize", "an array of 2");
    refused("Conv2D", r#""filters":4,"kernel_size":3,"strides":-1"#, "[null,8,8,2]", "strides", "above 0");
    refused("Conv2D", r#""filters":4,"kernel_size":3,"padding":"full""#, "[null,8,8,2]", "padding", "none of `valid`");
    refused(
        "Conv2D",
        r#""filters":4,"kernel_size":3"#,
        "[null,8,8,null]",
        "",
        "channel dimension of its input must be known",
    );
    refused("Conv2D", r#""filters":4,"kernel_size":9"#, "[null,2,2,1]", "", "with a negative dimension");
    refused("Conv2DTranspose", r#""filters":4,"kernel_size":3,"padding":"causal""#, "[null,8,8,1]", "padding", "only");
}

#[test]
fn pooling_and_resampling() {
    check("MaxPooling1D", "", "[null,9,2]", "[null,4,2]", "");
    check(
        "AveragePooling2D",
        r#""pool_size":[3,2],"strides":[1,2],"padding":"same""#,
        "[null,9,8,2]",
        "[null,9,4,2]",
        "",
    );
    check("MaxPooling3D", r#""data_format":"channels_first""#, "[null,2,4,5,6]", "[null,2,2,2,3]", "");
    check("GlobalMaxPooling1D", "", "[null,9,2]", "[null,2]", "");
    check("GlobalAveragePooling2D", r#""data_format":"channels_first""#, "[null,3,9,2]", "[null,3]", "");
    check("Cropping2D", r#""cropping":[[1,2],[0,3]]"#, "[null,9,8,2]", "[null,6,5,2]", "");
    check("UpSampling2D", r#""size":[2,3]"#, "[null,null,4,1]", "[null,null,12,1]", "");
    check("ZeroPadding2D", r#""padding":[1,2]"#, "[null,3,null,1]", "[null,5,null,1]", "");
    refused("MaxPooling2D", r#""pool_size":0"#, "[null,9,8,2]", "poolSize", "above 0");
    refused("MaxPooling2D", "", "[null,9,8]", "", "rank 4");
    // JavaScript takes what is unknown for 0, and cuts that.
    refused("Cropping2D", r#""cropping":2"#, "[null,null,8,2]", "", "negative dimension");
}

#[test]
fn recurrent_layers() {
    check("SimpleRNN", r#""units":5"#, "[null,4,3]", "[null,5]", "x/kernel[3,5] x/recurrent_kernel[5,5] x/bias[5]");
    check(
        "GRU",
        r#""units":5,"return_sequences":true"#,
        "[null,4,3]",
        "[null,4,5]",
        "x/kernel[3,15] x/recurrent_kernel[5,15] x/bias[15]",
    );
    check(
        "LSTM",
        r#""units":5,"use_bias":false"#,
        "[null,null,3]",
        "[null,5]",
        "x/kernel[3,20] x/recurrent_kernel[5,20]",
    );
    let cells = r#""cell":{"class_name":"StackedRNNCells","config":{"name":"c","cells":[
        {"class_name":"GRUCell","config":{"name":"g","units":2}},{"class_name":"SimpleRNNCell","config":{"name":"r","units":7}}]}}"#;
    let weights = "x/RNNCell_0/kernel[3,6] x/RNNCell_0/recurrent_kernel[2,6] x/RNNCell_0/bias[6] \
                   x/RNNCell_1/kernel[2,7] x/RNNCell_1/recurrent_kernel[7,7] x/RNNCell_1/bias[7]";
    check("RNN", cells, "[null,4,3]", "[null,7]", weights);
    let convolution = r#""filters":4,"kernel_size":3,"padding":"same","return_sequences":true"#;
    let weights = "x/kernel[3,3,2,16] x/recurrent_kernel[3,3,4,16] x/bias[16]";
    check("ConvLSTM2D", convolution, "[null,3,8,8,2]", "[null,3,8,8,4]", weights);
    refused("GRU", r#""units":5,"reset_after":true"#, "[null,4,3]", "resetAfter", "no GRU");
    refused("LSTM", r#""units":5,"stateful":true"#, "[null,4,3]", "stateful", "batch size");
    refused("LSTM", r#""units":5,"return_state":true"#, "[null,4,3]", "", "must have one output, but has 3");
    refused(
        "RNN",
        r#""cell":{"class_name":"Dense","config":{"name":"d","units":3}}"#,
        "[null,4,3]",
        "cell",
        "`Dense` is no cell",
    );
    refused("RNN", "", "[null,4,3]", "cell", "it is missing");
}

#[test]
fn wrappers() {
    let dense = r#""layer":{"class_name":"Dense","config":{"name":"d","units":5}}"#;
    check("TimeDistributed", dense, "[null,4,3]", "[null,4,5]", "x/kernel[3,5] x/bias[5]");
    let lstm = r#""layer":{"class_name":"LSTM","config":{"name":"l","units":5,"use_bias":false}}"#;
    let weights = "x/forward_l/kernel[3,20] x/forward_l/recurrent_kernel[5,20] x/backward_l/kernel[3,20] x/backward_l/recurrent_kernel[5,20]";
    check("Bidirectional", lstm, "[null,4,3]", "[null,10]", weights);
    check("Bidirectional", &format!(r#"{lstm},"merge_mode":"ave""#), "[null,4,3]", "[null,5]", weights);
    refused(
        "Bidirectional",
        &format!(r#"{lstm},"merge_mode":null"#),
        "[null,4,3]",
        "",
        "must have one output, but has 2",
    );
    refused("Bidirectional", &format!(r#"{lstm},"merge_mode":"max""#), "[null,4,3]", "mergeMode", "`max` is none of");
    refused("TimeDistributed", dense, "[null,4]", "", "rank 3 or more");
    refused(
        "TimeDistributed",
        r#""layer":{"class_name":"Dense","config":{"name":"d"}}"#,
        "[null,4,3]",
        "layer",
        "key `units`",
    );
}

#[test]
fn normalization_activation_embedding() {
    let weights = "x/gamma[3] x/beta[3] x/moving_mean[3] x/moving_variance[3]";
    check("BatchNormalization", "", "[null,4,3]", "[null,4,3]", weights);
    check(
        "BatchNormalization",
        r#""axis":[1],"scale":false"#,
        "[null,4,3]",
        "[null,4,3]",
        "x/beta[4] x/moving_mean[4] x/moving_variance[4]",
    );
    check("LayerNormalization", r#""axis":[-2,-1],"center":false"#, "[null,4,3]", "[null,4,3]", "x/gamma[4,3]");
    check("PReLU", r#""shared_axes":[1]"#, "[null,4,3]", "[null,4,3]", "x/alpha[1,3]");
    check("LeakyReLU", "", "[null,4]", "[null,4]", "");
    check("Embedding", r#""input_dim":9,"output_dim":2"#, "[null,null]", "[null,null,2]", "x/embeddings[9,2]");
    check(
        "Embedding",
        r#""input_dim":9,"output_dim":2,"input_length":4"#,
        "[null,null]",
        "[null,4,2]",
        "x/embeddings[9,2]",
    );
    refused("BatchNormalization", r#""axis":7"#, "[null,3]", "axis", "axis 7 of its input");
    refused("LayerNormalization", r#""axis":[1,-1]"#, "[null,3]", "axis", "an axis twice");
    refused("Embedding", r#""input_dim":9,"output_dim":2,"input_length":4"#, "[null,5]", "inputLength", "does not fit");
    refused("PReLU", r#""shared_axes":[9]"#, "[null,3]", "sharedAxes", "no axis 9");
}

/// Of all layers only two have weights of the type that their config names.
#[test]
fn types_of_weights() {
    let dtype = |class: &str, config: &str| {
        let first = layer(class, "x", &format!(r#"{config},"batch_input_shape":[null,2],"dtype":"int32""#));
        let model = model(&format!(r#"{{"class_name":"Sequential","config":{{"name":"s","layers":[{first}]}}}}"#));
        model.weights().next().unwrap().dtype().to_string()
    };
    assert_eq!(dtype("Dense", r#""units":1"#), "float32");
    assert_eq!(dtype("Embedding", r#""input_dim":3,"output_dim":1"#), "int32");
}

#[test]
fn merging_layers() {
    let output = |one: &str, other: &str, class: &str, config: &str| {
        let model = model(&merging(one, other, class, config));
        model.outputs()[0].shape.unwrap().to_string()
    };
    assert_eq!(output("[null,4,3]", "[null,1,3]", "Add", ""), "[null,4,3]");
    assert_eq!(output("[2,4,3]", "[null,4,null]", "Maximum", ""), "[2,4,null]");
    assert_eq!(output("[null,4,3]", "[null,5,3]", "Concatenate", r#","axis":1"#), "[null,9,3]");
    assert_eq!(output("[null,4,3]", "[null,5,3]", "Dot", r#","axes":2"#), "[null,4,5]");
    assert_eq!(output("[null,3]", "[null,3]", "Dot", r#","axes":-1"#), "[null,1]");
    let refused = |one: &str, other: &str, class: &str, config: &str, message: &str| {
        let error = read(&merging(one, other, class, config)).unwrap_err().to_string();
        assert!(error.starts_with(&format!("layer `x` of the class `{class}`")) && error.contains(message), "{error}");
    };
    refused("[null,4]", "[null,3]", "Add", "", "cannot be broadcast together: [4] and [3]");
    refused("[2,4]", "[3,4]", "Add", "", "different batch sizes: [2,4], [3,4]");
    refused("[null,4]", "[null,2,4]", "Concatenate", "", "differ in more than axis -1");
    refused("[null,4]", "[null,3]", "Dot", r#","axes":1"#, "differ in size");
    refused("[null,4]", "[null,3]", "Dot", r#","axes":[1]"#, "expected an integer or an array of two");
}

#[test]
fn preprocessing_layers() {
    check("Rescaling", r#""scale":0.5"#, "[null,4,4,3]", "[null,4,4,3]", "");
    check("Resizing", r#""height":6,"width":5"#, "[null,4,7,3]", "[6,5,7]", "");
    check("CategoryEncoding", r#""num_tokens":6,"output_mode":"one_hot""#, "[null,4]", "[null,4,6]", "");
    check("CategoryEncoding", r#""num_tokens":6"#, "[null,4]", "[null,6]", "");
    // It writes into the shape that it was given: all layers before it that have the same one have another one.
    let crop = layer("CenterCrop", "crop", r#""height":2,"width":3"#);
    let model = model(&sequential("[null,8,8,3]", &[&layer("Dropout", "drop", r#""rate":0.5"#), &crop]));
    let shapes: Vec<_> = model.layers().map(|layer| layer.output_shapes()[0][0].unwrap().to_string()).collect();
    assert_eq!(shapes, ["[null,2,3,3]"; 3]);
    // Of what no published build registers.
    let einsum = r#""equation":"abc,cde->abde","output_shape":[5,2,3],"bias_axes":"de""#;
    check("EinsumDense", einsum, "[null,5,6]", "[null,5,2,3]", "x/kernel[6,2,3] x/bias[2,3]");
    let elided = r#""equation":"...x,xy->...y","output_shape":4,"bias_axes":"y""#;
    check("EinsumDense", elided, "[null,5,6]", "[null,5,4]", "x/kernel[6,4] x/bias[4]");
    refused("EinsumDense", r#""equation":"ab->a","output_shape":4"#, "[null,6]", "equation", "is not of the form");
    refused("RandomHeight", r#""factor":0.5"#, "[null,8,8,3]", "", "[-1,null,8], with a negative dimension");
    let attention = merging("[null,4,6]", "[null,5,6]", "MultiHeadAttention", r#","num_heads":2,"key_dim":3"#);
    let model = crate::support::model(&attention);
    assert_eq!((model.outputs()[0].shape.unwrap().to_string().as_str(), model.weights().count()), ("[null,4,6]", 0));
}

#[test]
fn what_is_frozen_is_not_trainable() {
    let frozen = layer("Dense", "one", r#""units":3,"trainable":false"#);
    let normed = layer("BatchNormalization", "two", "");
    let model = model(&sequential("[null,2]", &[&frozen, &normed]));
    let names: Vec<_> = model.weights().map(|weight| (weight.name().to_owned(), weight.is_trainable())).collect();
    let expected = [
        ("two/gamma", true),
        ("two/beta", true),
        ("one/kernel", false),
        ("one/bias", false),
        ("two/moving_mean", false),
        ("two/moving_variance", false),
    ];
    assert_eq!(names, expected.map(|(name, trainable)| (name.to_owned(), trainable)));
    let counts = model.count_params();
    assert_eq!((counts.total(), counts.trainable, counts.non_trainable), (21, 6, 15));
}
