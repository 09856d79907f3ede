//! What holds for all tensors: encode and decode are inverse, and no cut of the bytes matters.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use futures::StreamExt as _;
use futures::executor::block_on;
use proptest::prelude::*;
use tfjs_artifacts::{RelPath, Shape, WeightData, WeightSpec, Weights};
use tfjs_weights::{
    DecodeError, StreamDecoder, Tensor, WeightsWriter, decode, decode_into, decode_stream, decode_weights, encode_into,
    encode_weights,
};

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

    /// Any chunks, one byte each included, stream to the same tensors; one byte less or more is an error.
    #[test]
    fn streaming_equals_decoding(
        tensors in prop::collection::vec(tensor(), 0..6),
        chunks in prop::collection::vec(1usize..9, 1..40),
    ) {
        let (specs, bytes) = encoded(&tensors);
        let cut = |bytes: &[u8]| {
            let mut rest = bytes::Bytes::copy_from_slice(bytes);
            let mut pieces = Vec::new();
            for chunk in chunks.iter().cycle() {
                if rest.is_empty() {
                    return pieces;
                }
                pieces.push(rest.split_to((*chunk).min(rest.len())));
            }
            pieces
        };
        let stream = |bytes: &[u8]| {
            let mut decoder = StreamDecoder::new(specs.clone());
            let mut streamed = Vec::new();
            for chunk in cut(bytes) {
                decoder.push(chunk);
                while let Some(tensor) = decoder.next_tensor()? {
                    streamed.push(tensor);
                }
            }
            while let Some(tensor) = decoder.next_tensor()? {
                streamed.push(tensor);
            }
            decoder.finish().map(|()| streamed)
        };
        let (_, again) = encoded(&stream(&bytes).unwrap());
        prop_assert_eq!(&again, &bytes);

        let asynchronous = decode_stream(specs.clone(), futures::stream::iter(cut(&bytes).into_iter().map(Ok)));
        let tensors: Vec<Tensor> = block_on(asynchronous.map(Result::unwrap).collect());
        prop_assert_eq!(encoded(&tensors).1, bytes.clone());

        if let Some((_, shorter)) = bytes.split_last() {
            prop_assert!(stream(shorter).is_err());
        }
        prop_assert_eq!(stream(&[&bytes[..], &[0]].concat()), Err(DecodeError::Surplus { bytes: 1 }));
    }

    /// Memory of the caller's is filled with the same values, wherever the bytes are cut.
    #[test]
    fn decoding_into_memory_equals_decoding(
        code in prop::option::of(prop_oneof!["uint8", "uint16", "float16"]),
        bytes in prop::collection::vec(any::<u8>(), 0..40),
        cut in 1usize..7,
    ) {
        let quantization = code.as_ref().map(|code| format!(r#","quantization":{{"dtype":"{code}","min":-1.5,"scale":0.37}}"#));
        let size = match code.as_deref() { None => 4, Some("uint8") => 1, Some(_) => 2 };
        let count = bytes.len() / size;
        let bytes = bytes::Bytes::copy_from_slice(&bytes[..count * size]);
        let spec = format!(
            r#"[{{"paths":[],"weights":[{{"name":"w","shape":[{count}],"dtype":"float32"{}}}]}}]"#,
            quantization.unwrap_or_default()
        );
        let model_json = tfjs_artifacts::ModelJson::parse(spec.as_bytes()).unwrap();
        let spec = &model_json.groups().unwrap()[0].weights.as_ref().unwrap()[0];
        let pieces: Vec<_> = bytes.chunks(cut).map(bytes::Bytes::copy_from_slice).collect();
        let mut values = vec![7.0; count];
        decode_into(spec, &pieces, &mut values[..]).unwrap();
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let tensor = decode(spec, &[bytes]).unwrap();
        prop_assert_eq!(bits(&values), bits(tensor.as_f32().unwrap()));
        let mut decoder = StreamDecoder::new(vec![spec.clone()]);
        for piece in &pieces {
            decoder.push(piece.clone());
        }
        let streamed = decoder.next_tensor().unwrap().unwrap();
        prop_assert_eq!(bits(streamed.as_f32().unwrap()), bits(&values));
        prop_assert!(decode_into(spec, &pieces, &mut vec![0.0; count + 1][..]).is_err());
        prop_assert!(decode_into(spec, &pieces, &mut vec![0i32; count][..]).is_err());
    }

    /// Writers of both kinds write what `encode_weights` lays out.
    #[test]
    fn writers_write_the_same_bytes(tensors in prop::collection::vec(tensor(), 0..6)) {
        let (specs, bytes) = encoded(&tensors);
        let mut written = Vec::new();
        prop_assert_eq!(encode_into(&tensors, &mut written).unwrap().len(), specs.len());
        prop_assert_eq!(&written, &bytes);

        let mut cursor = futures::io::Cursor::new(Vec::new());
        let mut writer = WeightsWriter::new(&mut cursor, Some("optimizer"));
        block_on(async {
            for tensor in &tensors {
                writer.write_async(tensor).await.unwrap();
            }
            let (_, specs) = writer.finish_async().await.unwrap();
            assert!(specs.iter().all(WeightSpec::is_optimizer));
        });
        prop_assert_eq!(cursor.into_inner(), bytes);
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
