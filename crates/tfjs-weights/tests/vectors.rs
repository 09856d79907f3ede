//! Decoding and encoding against bytes and values that the reference produced: vectors A, B, C and I.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use futures::executor::block_on;
use tfjs_artifacts::{Bytes, DType, ErrorKind, ModelJson, RelPath, Segment, Shape, SurplusBytes, WeightData, Weights};
use tfjs_weights::{Codes, Tensor, TensorReader, Values, decode_weights, encode_weights, sort_like_object_keys};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn shape(dims: &[u64]) -> Shape {
    Shape::new(dims).unwrap()
}

fn f32s(name: &str, dims: &[u64], values: &[f32]) -> Tensor {
    Tensor::float32(name, shape(dims), values.to_vec()).unwrap()
}

fn i32s(name: &str, dims: &[u64], values: &[i32]) -> Tensor {
    Tensor::int32(name, shape(dims), values.to_vec()).unwrap()
}

fn bools(name: &str, dims: &[u64], values: &[u8]) -> Tensor {
    Tensor::bool(name, shape(dims), values.iter().map(|&value| value == 1)).unwrap()
}

fn complex(name: &str, dims: &[u64], values: &[[f32; 2]]) -> Tensor {
    Tensor::complex64(name, shape(dims), values.to_vec()).unwrap()
}

fn strings(name: &str, dims: &[u64], values: &[&str]) -> Tensor {
    Tensor::string(name, shape(dims), values).unwrap()
}

/// Encodes to exactly these bytes; decodes from them, whole and in pieces of every small size, to the same values.
#[track_caller]
fn check(tensors: &[Tensor], bytes: &str) {
    let expected = hex(bytes);
    let (specs, data) = encode_weights(tensors.to_vec(), None);
    assert_eq!(block_on(data.read(0..data.byte_length())).unwrap(), expected);
    for piece in [usize::MAX, 14, 7, 3, 2, 1] {
        let data: WeightData = expected.chunks(piece.min(expected.len())).map(Bytes::copy_from_slice).collect();
        let weights = Weights::single(specs.clone(), RelPath::parse("w").unwrap(), data).unwrap();
        assert_eq!(block_on(decode_weights(&weights)).unwrap(), tensors, "pieces of {piece}");
    }
}

/// Decodes a manifest's first group from shards given in hex.
fn decode(weights: &str, shards: &[&str]) -> Result<Vec<Tensor>, tfjs_artifacts::Error> {
    let paths: Vec<_> = (0..shards.len()).map(|index| format!("\"{index}\"")).collect();
    let manifest = format!(r#"[{{"paths":[{}],"weights":{weights}}}]"#, paths.join(","));
    let segments = shards.iter().map(|shard| Segment::Memory(hex(shard).into())).collect();
    let model_json = ModelJson::parse(manifest.as_bytes())?;
    let artifacts = block_on(model_json.assemble(segments, SurplusBytes::Reject))?;
    block_on(decode_weights(&artifacts.weights.unwrap()))
}

#[test]
fn vector_a1_float32() {
    check(
        &[
            f32s("x1", &[2, 2], &[10., 20., 30., 40.]),
            f32s("x2", &[], &[42.]),
            f32s("x3", &[4], &[-1.3, -3.7, 1.3, 3.7]),
        ],
        "000020410000a0410000f04100002042 00002842 6666a6bfcdcc6cc06666a63fcdcc6c40",
    );
}

#[test]
fn vector_a2_int32() {
    check(
        &[i32s("x1", &[2, 2], &[10, 20, 30, 40]), i32s("x2", &[], &[42]), i32s("x3", &[4], &[-1, -3, -3, -7])],
        "0a000000140000001e00000028000000 2a000000 fffffffffdfffffffdfffffff9ffffff",
    );
}

#[test]
fn vector_a3_bool() {
    check(
        &[bools("x1", &[4], &[1, 0, 0, 1]), bools("x2", &[], &[0]), bools("x3", &[4], &[0, 1, 1, 0])],
        "01000001 00 00010100",
    );
}

#[test]
fn vector_a4_complex64() {
    check(
        &[
            complex("x1", &[2], &[[1., 1.], [2., 2.]]),
            complex("x2", &[], &[[1., 2.]]),
            complex("x3", &[1, 1], &[[1., 2.]]),
        ],
        "0000803f0000803f0000004000000040 0000803f00000040 0000803f00000040",
    );
}

#[test]
fn vector_a5_string() {
    check(
        &[
            strings("x1", &[2, 2], &["a", "bc", "def", "g"]),
            strings("x2", &[], &[""]),
            strings("x3", &[2], &["здраво", "поздрав"]),
            strings("x4", &[], &["正常"]),
            strings("x5", &[], &["hello"]),
        ],
        "0100000061 020000006263 03000000646566 0100000067 00000000 0c000000d0b7d0b4d180d0b0d0b2d0be \
         0e000000d0bfd0bed0b7d0b4d180d0b0d0b2 06000000e6ada3e5b8b8 0500000068656c6c6f",
    );
}

#[test]
fn vector_a6_mixed() {
    check(
        &[
            i32s("x1", &[2, 2], &[10, 20, 30, 40]),
            f32s("x2", &[], &[13.37]),
            bools("x3", &[4], &[1, 0, 0, 1]),
            complex("x4", &[2], &[[1., 2.], [1., 2.]]),
        ],
        "0a000000140000001e00000028000000 85eb5541 01000001 0000803f000000400000803f00000040",
    );
}

#[test]
fn vector_a7_mixed_and_unaligned() {
    check(
        &[
            i32s("x1", &[2, 2], &[10, 20, 30, 40]),
            f32s("x2", &[], &[13.37]),
            bools("x3", &[3], &[1, 0, 0]),
            strings("x4", &[2, 2], &["здраво", "a", "b", "c"]),
            strings("x5", &[1], &[""]),
            strings("x6", &[], &["hello"]),
            f32s("y1", &[3, 1], &[-10., -20., -30.]),
            complex("y2", &[2], &[[1., 2.], [1., 2.]]),
        ],
        "0a000000140000001e00000028000000 85eb5541 010000 0c000000d0b7d0b4d180d0b0d0b2d0be010000006101000000620100000063 \
         00000000 0500000068656c6c6f 000020c10000a0c10000f0c1 0000803f000000400000803f00000040",
    );
}

#[test]
fn vector_a9_int32_limits() {
    check(&[i32s("x", &[2], &[i32::MAX, i32::MIN])], "ffffff7f 00000080");
}

#[test]
fn empty_tensors_and_odd_bytes() {
    check(&[f32s("a", &[0], &[]), strings("b", &[2, 0, 3], &[]), bools("c", &[], &[1])], "01");
    // NaN payloads survive, other bytes than 0 and 1 stay in a bool, and strings need not be UTF-8.
    let weights = r#"[{"name":"f","shape":[],"dtype":"float32"},{"name":"b","shape":[],"dtype":"bool"},{"name":"s","shape":[1],"dtype":"string"}]"#;
    let tensors = decode(weights, &["0100a07f 07 02000000 ff80"]).unwrap();
    let bytes: Vec<_> = tensors.into_iter().map(Tensor::into_le_bytes).collect();
    assert_eq!(bytes, [hex("0100a07f"), hex("07"), hex("02000000ff80")]);
}

#[test]
fn vector_b_dequantization() {
    let spec = |dtype: &str, code: &str| {
        format!(
            r#"[{{"name":"w","shape":[3],"dtype":"{dtype}","quantization":{{"dtype":"{code}","min":-1,"scale":0.1}}}}]"#
        )
    };
    for (code, shards) in [
        ("uint8", vec!["0030ff"]),
        ("uint8", vec!["00", "30ff"]),
        ("uint16", vec!["00003000ff00"]),
        ("uint16", vec!["000030", "00ff00"]),
    ] {
        let floats = decode(&spec("float32", code), &shards).unwrap();
        assert_eq!(floats[0].as_f32(), Some(&[-1., 3.799_999_952_316_284, 24.5][..]));
        let integers = decode(&spec("int32", code), &shards).unwrap();
        assert_eq!(integers[0].as_i32(), Some(&[-1, 4, 25][..]));
    }
    let halves = r#"[{"name":"w","shape":[3],"dtype":"float32","quantization":{"dtype":"float16"}}]"#;
    assert_eq!(decode(halves, &["00340038003a"]).unwrap()[0].as_f32(), Some(&[0.25, 0.5, 0.75][..]));
    let wrap = r#"[{"name":"w","shape":[1],"dtype":"int32","quantization":{"dtype":"uint8","min":0,"scale":1e10}}]"#;
    assert_eq!(decode(wrap, &["ff"]).unwrap()[0].as_i32(), Some(&[-1_210_573_824][..]));
}

#[test]
fn vector_b_errors() {
    let check = |dtype: &str, quantization: &str, bytes: &str, message: &str| {
        let weights = format!(r#"[{{"name":"w","shape":[1],"dtype":"{dtype}","quantization":{quantization}}}]"#);
        assert_eq!(decode(&weights, &[bytes]).unwrap_err().to_string(), format!("cannot decode: {message}"));
    };
    for (quantization, bytes) in [(r#"{"dtype":"uint8","min":1}"#, "00"), (r#"{"dtype":"uint16","scale":1}"#, "0000")] {
        let code = if bytes.len() == 2 { "uint8" } else { "uint16" };
        check(
            "float32",
            quantization,
            bytes,
            &format!("weight `w` with quantization {code} doesn't have corresponding metadata min and scale"),
        );
    }
    check(
        "int32",
        r#"{"dtype":"float16"}"#,
        "0000",
        "weight `w` is quantized with float16 which only supports weights of type float32 not `int32`",
    );
    check(
        "float32",
        r#"{"dtype":"uint32"}"#,
        "00000000",
        "weight `w` has unknown quantization dtype `uint32`; supported are uint8, uint16 and float16",
    );
    check("bool", r#"{"dtype":"uint8","min":0,"scale":1}"#, "00", "unsupported dtype in weight `w`: `bool`");
    check("string", r#"{"dtype":"uint8","min":0,"scale":1}"#, "00", "unsupported dtype in weight `w`: `string`");
    check(
        "float32",
        r#"{"dtype":"uint8","min":null,"scale":1}"#,
        "00",
        "the quantization of weight `w` has a min that is not a number: `null`",
    );
}

#[test]
fn unsupported_dtypes_fail_only_when_decoded() {
    for (dtype, bytes) in [("int16", "0000"), ("uint8", "00"), ("float16", "0000")] {
        let weights = format!(r#"[{{"name":"w","shape":[1],"dtype":"{dtype}"}}]"#);
        let error = decode(&weights, &[bytes]).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot decode: unsupported dtype in weight `w`: `{dtype}`"));
    }
}

#[test]
fn vector_c_load_weights() {
    let mixed = r#"[{"name":"i","shape":[2],"dtype":"int32"},{"name":"b","shape":[1],"dtype":"bool"},{"name":"f","shape":[3],"dtype":"float32"}]"#;
    let tensors = decode(mixed, &["01000000 02000000 01 00004040 00008040 0000a040"]).unwrap();
    assert_eq!(tensors, [i32s("i", &[2], &[1, 2]), bools("b", &[1], &[1]), f32s("f", &[3], &[3., 4., 5.])]);

    let bytes = |values: &[f32]| {
        let digits = le_bytes(values).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>();
        digits.concat()
    };
    let (a, b, c) = (bytes(&[1., 2., 3., 4., 5.]), bytes(&[1.1, 2.2]), bytes(&[10., 20., 30.]));
    let one = decode(r#"[{"name":"w","shape":[5,2],"dtype":"float32"}]"#, &[&a, &b, &c]).unwrap();
    assert_eq!(one, [f32s("w", &[5, 2], &[1., 2., 3., 4., 5., 1.1, 2.2, 10., 20., 30.])]);

    let two = r#"[{"name":"i","shape":[7,1],"dtype":"int32"},{"name":"f","shape":[3,2],"dtype":"float32"}]"#;
    let middle = format!("0a000000 14000000 {}", bytes(&[3., 4., 5.]));
    let tensors = decode(two, &["01000000 02000000 03000000 04000000 05000000", &middle, &c]).unwrap();
    assert_eq!(tensors[0], i32s("i", &[7, 1], &[1, 2, 3, 4, 5, 10, 20]));
    assert_eq!(tensors[1], f32s("f", &[3, 2], &[3., 4., 5., 10., 20., 30.]));

    let quantized = r#"[{"name":"w0","shape":[3],"dtype":"float32","quantization":{"min":-1,"scale":0.1,"dtype":"uint8"}},{"name":"w1","shape":[3],"dtype":"int32","quantization":{"min":-1,"scale":0.1,"dtype":"uint8"}}]"#;
    let tensors = decode(quantized, &["0030ff0030ff"]).unwrap();
    assert_eq!(tensors, [f32s("w0", &[3], &[-1., 3.8, 24.5]), i32s("w1", &[3], &[-1, 4, 25])]);
}

#[test]
fn vector_c_two_groups() {
    let manifest = r#"[{"paths":["a"],"weights":[{"name":"w0","shape":[2],"dtype":"float32"},{"name":"w1","shape":[3],"dtype":"float32"}]},
        {"paths":["b"],"weights":[{"name":"w2","shape":[3,1],"dtype":"float32"},{"name":"w3","shape":[],"dtype":"float32"}]}]"#;
    let bytes = |values: &[f32]| Segment::Memory(le_bytes(values));
    let segments = vec![bytes(&[1., 2., 3., 4., 5.]), bytes(&[6., 7., 8., 9.])];
    let artifacts =
        block_on(ModelJson::parse(manifest.as_bytes()).unwrap().assemble(segments, SurplusBytes::Reject)).unwrap();
    let tensors = block_on(decode_weights(&artifacts.weights.unwrap())).unwrap();
    assert_eq!(tensors[1].as_f32(), Some(&[3., 4., 5.][..]));
    assert_eq!(tensors[3].as_f32(), Some(&[9.][..]));
}

fn le_bytes(values: &[f32]) -> Bytes {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Vectors I: a file of the Python writer with float16, int32, uint8 and string weights.
#[test]
fn vector_i_python_group() {
    let weights = r#"[{"name": "weight1", "shape": [3], "dtype": "float32", "quantization": {"dtype": "float16", "original_dtype": "float32"}}, {"name": "weight2", "shape": [2], "dtype": "int32"}, {"name": "weight3", "shape": [2], "dtype": "float32", "quantization": {"dtype": "uint8", "min": 6.0, "scale": 0.00392156862745098, "original_dtype": "float32"}}, {"name": "weight4", "shape": [1], "dtype": "string"}]"#;
    let tensors = decode(weights, &["003c00400042 0400000005000000 00ff 0500000068656c6c6f"]).unwrap();
    let expected = [
        f32s("weight1", &[3], &[1., 2., 3.]),
        i32s("weight2", &[2], &[4, 5]),
        f32s("weight3", &[2], &[6., 7.]),
        strings("weight4", &[1], &["hello"]),
    ];
    assert_eq!(tensors, expected);
}

/// Vectors I: strings and complex numbers of the Python writer, and shards cut inside a string.
#[test]
fn vector_i_strings_and_complex() {
    check(
        &[strings("s", &[2, 2], &["здраво", "end", "test", "a"])],
        "0c000000d0b7d0b4d180d0b0d0b2d0be 03000000656e64 0400000074657374 0100000061",
    );
    check(&[complex("c", &[3], &[[1., 1.], [2., 2.], [3., 3.]])], "0000803f0000803f00000040000000400000404000004040");
    let tensors =
        decode(r#"[{"name":"s","shape":[1],"dtype":"string"}]"#, &["0a00000068", "656c6c6f77", "6f726c64"]).unwrap();
    assert_eq!(tensors, [strings("s", &[1], &["helloworld"])]);
}

#[test]
fn aligned_tensors_are_borrowed_and_others_copied() {
    let bytes = Bytes::from_owner(vec![0u8; 64]);
    let offset = bytes.as_ptr().align_offset(4);
    let spec = f32s("w", &[4], &[0.; 4]).spec();
    let shared = |at: usize| {
        let tensor = tfjs_weights::decode(&spec, &[bytes.slice(at..at + 16)]).unwrap();
        matches!(tensor.values(), Values::Float32(values) if values.is_shared())
    };
    assert_eq!(shared(offset), cfg!(target_endian = "little"));
    assert!(!shared(offset + 1));
}

/// Vectors A, the rule of 2.2: `Object.keys` puts names that are array indices first.
#[test]
fn order_of_object_keys() {
    let mut tensors = ["b", "10", "9", "a", "01", "-1", "4294967295", "4294967294"].map(|name| bools(name, &[], &[1]));
    sort_like_object_keys(&mut tensors);
    let names: Vec<_> = tensors.iter().map(Tensor::name).collect();
    assert_eq!(names, ["9", "10", "4294967294", "b", "a", "01", "-1", "4294967295"]);
}

#[test]
fn codes_of_quantized_tensors() {
    let weights = r#"[{"name":"q","shape":[3],"dtype":"float32","quantization":{"dtype":"uint16","min":-1,"scale":0.1}},{"name":"p","shape":[],"dtype":"bool"}]"#;
    let manifest = format!(r#"[{{"paths":["w"],"weights":{weights}}}]"#);
    let segments = vec![Segment::Memory(hex("00003000ff00 01").into())];
    let model_json = ModelJson::parse(manifest.as_bytes()).unwrap();
    let artifacts = block_on(model_json.assemble(segments, SurplusBytes::Reject)).unwrap();
    let weights = artifacts.weights.unwrap();
    block_on(async {
        let reader = TensorReader::open(&weights).await.unwrap();
        let expected = Codes::Uint16 { codes: vec![0, 0x30, 0xff].into(), scale: 0.1, min: -1.0 };
        assert_eq!(reader.codes("q").await.unwrap(), expected);
        let mut values = [0.0; 3];
        reader.tensor_into("q", &mut values[..]).await.unwrap();
        assert_eq!(values, [-1., 3.8, 24.5]);
        for wrong in [&mut [0.0; 2][..], &mut [0.0; 4][..]] {
            let message = format!("weight `q` of shape [3] has 3 values, but memory for {} was given", wrong.len());
            let error = reader.tensor_into("q", wrong).await.unwrap_err();
            // Neither the model's fault nor what cannot be done.
            assert_eq!((error.kind(), error.message()), (ErrorKind::Unexpected, message.as_str()));
        }
        let error = reader.codes("p").await.unwrap_err();
        assert_eq!(error.to_string(), "cannot decode: weight `p` is not quantized");
        assert_eq!(reader.codes("x").await.unwrap_err().to_string(), "cannot decode: the model has no weight `x`");
    });
}

#[test]
fn values_must_fill_the_shape() {
    let error = Tensor::float32("w", shape(&[2, 2]), vec![0.; 3]).unwrap_err();
    assert_eq!(error.to_string(), "tensor `w` of shape [2,2] should have 4 values, but has 3");
    let spec = f32s("w", &[4], &[0.; 4]).spec();
    let error = tfjs_weights::decode(&spec, &[Bytes::from_static(&[0; 15])]).unwrap_err();
    assert_eq!(error.to_string(), "weight `w` takes 16 bytes, but 15 were given");
    assert_eq!(spec.dtype, DType::Float32);
}
