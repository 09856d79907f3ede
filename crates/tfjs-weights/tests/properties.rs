//! What holds for all tensors: encode and decode are inverse, and no cut of the bytes matters.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use futures::executor::block_on;
use proptest::prelude::*;
use tfjs_artifacts::{RelPath, Shape, WeightData, WeightSpec, Weights};
use tfjs_weights::{Tensor, decode, decode_weights, encode_weights};

fn tensor() -> impl Strategy<Value = Tensor> {
    let shape = |length: usize| Shape::vector(length as u64).unwrap();
    prop_oneof![
        prop::collection::vec(any::<u32>(), 0..9).prop_map(move |bits| {
            let values = bits.iter().map(|&bits| f32::from_bits(bits)).collect();
            Tensor::float32("", shape(bits.len()), values).unwrap()
        }),
        prop::collection::vec(any::<i32>(), 0..9).prop_map(move |v| Tensor::int32("", shape(v.len()), v).unwrap()),
        prop::collection::vec(any::<bool>(), 0..9).prop_map(move |v| Tensor::bool("", shape(v.len()), v).unwrap()),
        prop::collection::vec(any::<[f32; 2]>(), 0..5)
            .prop_map(move |v| Tensor::complex64("", shape(v.len()), v).unwrap()),
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..7), 0..5).prop_map(move |v| Tensor::string(
            "",
            shape(v.len()),
            v
        )
        .unwrap()),
    ]
}

/// Specs with unique names, and the bytes of all tensors.
fn encoded(tensors: &[Tensor]) -> (Vec<WeightSpec>, Vec<u8>) {
    let (mut specs, data) = encode_weights(tensors.to_vec(), None);
    for (index, spec) in specs.iter_mut().enumerate() {
        spec.name = index.to_string();
    }
    (specs, block_on(data.read(0..data.byte_length())).unwrap().to_vec())
}

proptest! {
    /// Compared as bytes, so that NaNs count too.
    #[test]
    fn decode_undoes_encode_however_the_bytes_are_cut(
        tensors in prop::collection::vec(tensor(), 0..6),
        cuts in prop::collection::vec(1usize..20, 1..40),
    ) {
        let (specs, bytes) = encoded(&tensors);
        let mut rest = bytes::Bytes::from(bytes.clone());
        let mut pieces = Vec::new();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            pieces.push(rest.split_to((*cut).min(rest.len())));
        }
        let data: WeightData = pieces.into_iter().collect();
        let weights = Weights::single(specs, RelPath::parse("w").unwrap(), data).unwrap();
        let decoded = block_on(decode_weights(&weights)).unwrap();
        prop_assert_eq!(decoded.len(), tensors.len());
        let (_, again) = encoded(&decoded);
        prop_assert_eq!(again, bytes);
    }

    /// Whatever the spec and the bytes, there is a tensor of the right size or an error, never a panic.
    #[test]
    fn decode_never_panics(
        dtype in prop_oneof!["float32", "int32", "bool", "string", "complex64", "uint8", "x"],
        quantization in prop::option::of(prop_oneof!["uint8", "uint16", "float16", "x"]),
        size in 0u64..5,
        bytes in prop::collection::vec(any::<u8>(), 0..24),
    ) {
        let quantization = quantization.map(|code| format!(r#","quantization":{{"dtype":"{code}","min":-1.5,"scale":1e9}}"#));
        let spec = format!(
            r#"[{{"paths":[],"weights":[{{"name":"w","shape":[{size}],"dtype":"{dtype}"{}}}]}}]"#,
            quantization.unwrap_or_default()
        );
        let model_json = tfjs_artifacts::ModelJson::parse(spec.as_bytes()).unwrap();
        let spec = &model_json.groups().unwrap()[0].weights.as_ref().unwrap()[0];
        if let Ok(tensor) = decode(spec, &[bytes.into()]) {
            prop_assert_eq!(tensor.values().count(), size);
        }
    }
}
