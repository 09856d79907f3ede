//! A model that is looked at.

mod description;

use tfjs_io::{Error, ErrorKind, LoadOptions, ModelArtifacts, TensorReader, Weights};
use wasm_bindgen::prelude::wasm_bindgen;

use super::access::router;
use super::failure::Failure;
use crate::statistics::Statistics;

/// A model whose weights are read when they are looked at.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Opened {
    artifacts: ModelArtifacts,
}

#[wasm_bindgen]
impl Opened {
    /// Loads everything but the weights.
    ///
    /// # Errors
    /// When the model cannot be loaded.
    pub async fn open(url: String, token: Option<String>) -> Result<Self, Failure> {
        Ok(Self { artifacts: router(token.as_deref())?.load(&url, &LoadOptions::lazy()).await? })
    }

    /// What is known of it without the weights.
    pub fn describe(&self) -> String {
        description::of(&self.artifacts).to_string()
    }

    /// What the values of one tensor are like, by its place in the description.
    ///
    /// # Errors
    /// When it cannot be read or decoded.
    pub async fn statistics(&self, index: usize) -> Result<String, Failure> {
        let reader = TensorReader::open(self.weights()?).await?;
        let statistics = Statistics::of(&reader.nth(index).await?);
        Ok(serde_json::json!(statistics).to_string())
    }

    fn weights(&self) -> Result<&Weights, Error> {
        self.artifacts.weights.as_ref().ok_or_else(|| Error::new(ErrorKind::NotFound, "the model has no weights"))
    }
}
