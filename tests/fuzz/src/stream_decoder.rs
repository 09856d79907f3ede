//! The decoder of bytes that arrive in chunks, against the one that has them all.

use bytes::Bytes;
use futures::executor::block_on;
use tfjs_artifacts::{DType, ModelJson, StoredSize, WeightSpec, Weights};
use tfjs_weights::{DecodeError, StreamDecoder, Tensor, TensorReader};

use crate::decode_weights::values;
use crate::{input, memory};

/// Behind the JSON come eight sizes of chunks, used in turn, and the bytes.
const SIZES: usize = 8;

/// Decodes in both ways and compares each tensor.
pub fn check(data: &[u8]) {
    memory::bounded(data.len(), || {
        let (json, rest) = input::json_and_rest(data);
        let Ok(parsed) = ModelJson::parse(json) else { return };
        let groups = parsed.groups().unwrap_or_default().iter();
        let specs: Vec<WeightSpec> = groups.flat_map(|group| group.weights.iter().flatten().cloned()).collect();
        let (sizes, bytes) = rest.split_at(rest.len().min(SIZES));
        compare(specs, sizes, &Bytes::copy_from_slice(bytes));
    });
}

fn compare(specs: Vec<WeightSpec>, sizes: &[u8], bytes: &Bytes) {
    // A whole decoder needs names that differ, and knows the end when it looks for a tensor of unknown size.
    let is_comparable = specs.iter().all(|spec| spec.stored_size() != StoredSize::Unknown);
    let path = "w.bin".parse().expect("a path");
    let whole = Weights::single(specs.clone(), path, bytes.clone().into());
    let names_differ = !matches!(&whole, Err(error) if error.to_string().starts_with("two tensors"));
    let reader = whole.as_ref().ok().map(|weights| block_on(TensorReader::open(weights)));

    let (streamed, end) = stream(specs.clone(), sizes, bytes);
    if !is_comparable || !names_differ {
        return;
    }
    let Some(Ok(reader)) = reader else {
        assert!(end.is_err(), "the stream decoder takes what does not fit: {specs:?}");
        return;
    };
    assert_eq!(end, Ok(()), "the bytes fit: {specs:?}");
    assert_eq!(streamed.len(), specs.len());
    for (index, streamed) in streamed.iter().enumerate() {
        match (block_on(reader.nth(index)), streamed) {
            (Ok(whole), Ok(streamed)) => assert_eq!(values(streamed), values(&whole)),
            (Err(whole), Err(streamed)) => assert_eq!(streamed, whole.message(), "the complaint"),
            (whole, streamed) => panic!("whole: {whole:?}, streamed: {streamed:?}"),
        }
    }
    // Bools and strings are what they were.
    let kept = specs.iter().zip(&streamed).filter(|(spec, _)| spec.dtype == DType::Bool && spec.quantization.is_none());
    assert!(kept.into_iter().all(|(_, tensor)| tensor.is_ok()));
}

type Streamed = Vec<Result<Tensor, String>>;

/// All tensors, and how the stream ended.
fn stream(specs: Vec<WeightSpec>, sizes: &[u8], bytes: &Bytes) -> (Streamed, Result<(), String>) {
    let count = specs.len();
    let mut decoder = StreamDecoder::new(specs);
    let mut tensors = Vec::new();
    let mut rest = bytes.clone();
    let mut sizes = sizes.iter().map(|size| usize::from(*size)).collect::<Vec<_>>().into_iter().cycle();
    let mut is_first = true;
    while is_first || !rest.is_empty() {
        if !is_first {
            // A size of 0 is an empty chunk, but not for ever.
            let size = match sizes.next() {
                Some(0) => sizes.next().unwrap_or(1).max(1),
                Some(size) => size,
                None => rest.len(),
            };
            decoder.push(rest.split_to(size.min(rest.len())));
        }
        is_first = false;
        loop {
            match decoder.next_tensor() {
                Ok(Some(tensor)) => tensors.push(Ok(tensor)),
                Ok(None) => break,
                // Said again and again: there is no going on behind it.
                Err(error @ DecodeError::Limit(_)) => return (tensors, Err(error.to_string())),
                Err(error) => tensors.push(Err(error.to_string())),
            }
            assert!(tensors.len() <= count, "more tensors than specs");
        }
    }
    let end = decoder.finish().map_err(|error| error.to_string());
    (tensors, end)
}
