//! What `cargo xtask bench browser` measures of ours. The page keeps the time.

use futures::FutureExt as _;
use tfjs_io::{
    Bytes, Durability, LoadOptions, ModelArtifacts, ModelJson, SaveOptions, Segment, SurplusBytes, Tensor, Weights,
    decode_weights, default_router, encode_weights,
};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::failure::Failure;

/// A model in the memory of WebAssembly.
#[wasm_bindgen]
#[derive(Clone, Debug)]
pub struct Held(ModelArtifacts);

#[wasm_bindgen]
impl Held {
    /// A model with its weights in one file.
    pub async fn of(model_json: String, weights: Vec<u8>) -> Result<Self, Failure> {
        let model_json = ModelJson::parse(model_json.as_bytes()).map_err(|error| Failure::of_the_test(&error))?;
        let shard = Segment::Memory(Bytes::from(weights));
        Ok(Self(model_json.assemble(vec![shard], SurplusBytes::Reject).await?))
    }

    /// Decodes all tensors, and tells how many there were.
    pub fn decode(&self) -> Result<usize, Failure> {
        decode(&self.0)
    }

    /// Saves the model, as one saves who asks for nothing, or waits for the disk.
    pub async fn save(self, url: String, wait_for_disk: bool) -> Result<Self, Failure> {
        let durability = if wait_for_disk { Durability::Strict } else { Durability::default() };
        default_router()?.save(&self.0, &url, &SaveOptions::new().with_durability(durability)).await?;
        Ok(self)
    }

    /// Saves the model from its tensors, which are encoded first, as `model.save` of TensorFlow.js does.
    pub async fn save_tensors(self, url: String) -> Result<Self, Failure> {
        let (specs, data) = encode_weights(tensors(&self.0)?, None);
        let path = "model.weights.bin".parse().map_err(|error| Failure::of_the_test(&error))?;
        let weights = Weights::single(specs, path, data).map_err(|error| Failure::of_the_test(&error))?;
        let artifacts = self.0.clone().with_weights(weights);
        default_router()?.save(&artifacts, &url, &SaveOptions::new()).await?;
        Ok(self)
    }

    /// Loads a model, and tells how many bytes of weights it has: into the memory of WebAssembly, or lazily, which leaves them on
    /// JavaScript's side.
    pub async fn load(url: String, lazily: bool) -> Result<f64, Failure> {
        let options = if lazily { LoadOptions::lazy() } else { LoadOptions::new() };
        let model = default_router()?.load(&url, &options).await?;
        #[expect(clippy::cast_precision_loss, reason = "a model is far below 2^53 bytes")]
        Ok(model.weights.map_or(0.0, |weights| weights.data().byte_length() as f64))
    }

    /// Loads a model and decodes all its tensors, and tells how many there were.
    pub async fn load_and_decode(url: String) -> Result<usize, Failure> {
        decode(&default_router()?.load(&url, &LoadOptions::new()).await?)
    }
}

fn decode(model: &ModelArtifacts) -> Result<usize, Failure> {
    Ok(std::hint::black_box(tensors(model)?).len())
}

fn tensors(model: &ModelArtifacts) -> Result<Vec<Tensor>, Failure> {
    let weights = model.weights.as_ref().ok_or_else(|| Failure::of_the_test(&"there are no weights"))?;
    let decoded = decode_weights(weights).now_or_never();
    let decoded = decoded.ok_or_else(|| Failure::of_the_test(&"weights in memory had to be waited for"))?;
    decoded.map_err(|error| Failure::of_the_test(&error))
}
