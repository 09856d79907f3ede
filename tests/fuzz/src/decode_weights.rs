//! A `model.json` and its weight files: assembled and decoded, eagerly and lazily, with the same end.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::executor::block_on;
use tfjs_artifacts::{
    ByteSource, Error, ModelArtifacts, ModelJson, Segment, SurplusBytes, WeightData, Weights, async_trait,
};
use tfjs_weights::{Tensor, TensorReader, decode_weights, encode_weights};

use crate::{input, memory};

/// Parses, assembles and decodes.
pub fn check(data: &[u8]) {
    memory::bounded(data.len(), || {
        let (json, rest) = input::json_and_rest(data);
        let Ok(parsed) = ModelJson::parse(json) else { return };
        let shards = input::shards(&parsed, rest);
        for surplus in [SurplusBytes::Reject, SurplusBytes::Allow] {
            let eager = weights(block_on(parsed.clone().assemble(shards.clone(), surplus)));
            let lazy = weights(block_on(parsed.clone().assemble(shards.iter().map(lazy).collect(), surplus)));
            let loaded = lazy.as_ref().map_err(ToString::to_string).and_then(|lazy| {
                lazy.as_ref().map(|lazy| block_on(lazy.load(|_| {})).map_err(|error| error.to_string())).transpose()
            });
            assert_eq!(eager.is_ok(), loaded.is_ok(), "eager: {eager:?}, loaded lazily: {loaded:?}");
            if let (Ok(Some(eager)), Ok(Some(lazy))) = (&eager, &lazy) {
                decode(eager, lazy);
            }
        }
    });
}

fn weights(assembled: Result<ModelArtifacts, Error>) -> Result<Option<Weights>, Error> {
    assembled.map(|artifacts| artifacts.weights)
}

fn decode(eager: &Weights, lazy: &Weights) {
    let reader = block_on(TensorReader::open(eager)).expect("what was verified can be located");
    let lazy_reader = block_on(TensorReader::open(lazy)).expect("what was verified can be located");
    assert_eq!(reader.places(), lazy_reader.places());
    let mut all = Vec::new();
    for (index, spec) in reader.specs().iter().enumerate() {
        let tensor = block_on(reader.nth(index));
        let of_lazy = block_on(lazy_reader.nth(index));
        assert_eq!(described(&tensor), described(&of_lazy));
        if let Ok(tensor) = &tensor {
            assert_eq!((tensor.name(), tensor.shape()), (spec.name.as_str(), &spec.shape));
        }
        // What it is does not matter here, only that it is an answer.
        drop(block_on(reader.codes(&spec.name)));
        all.push(tensor);
    }
    let every: Result<Vec<_>, _> = all.into_iter().collect();
    let at_once = block_on(decode_weights(eager));
    assert_eq!(every.is_ok(), at_once.is_ok());
    if let Ok(tensors) = every {
        encoded_again(tensors);
    }
}

/// What is decoded is encoded, and decoded again to the same.
fn encoded_again(tensors: Vec<Tensor>) {
    let before: Vec<_> = tensors.iter().map(values).collect();
    let (specs, data) = encode_weights(tensors, None);
    let path = "w.bin".parse().expect("a path");
    let weights = Weights::single(specs, path, data).expect("tensors have names of their own");
    let again = block_on(decode_weights(&weights)).expect("what was encoded can be decoded");
    assert_eq!(again.iter().map(values).collect::<Vec<_>>(), before);
}

/// A tensor as it can be compared: a NaN equals itself.
pub fn values(tensor: &Tensor) -> (String, String, Vec<u64>, Vec<u8>) {
    let dims = tensor.shape().dims().to_vec();
    (tensor.name().to_owned(), tensor.dtype().to_string(), dims, tensor.le_bytes().into_owned())
}

fn described(tensor: &Result<Tensor, Error>) -> Result<(String, String, Vec<u64>, Vec<u8>), String> {
    tensor.as_ref().map(values).map_err(ToString::to_string)
}

fn lazy(segment: &Segment) -> Segment {
    Segment::lazy(Arc::new(Later(WeightData::from_segments([segment.clone()]))))
}

/// Bytes that are read when they are asked for.
#[derive(Debug)]
struct Later(WeightData);

#[async_trait]
impl ByteSource for Later {
    fn byte_length(&self) -> u64 {
        self.0.byte_length()
    }

    fn version(&self) -> Option<String> {
        None
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        self.0.read(range).await
    }
}
