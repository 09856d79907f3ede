//! The handler of one name.

use std::time::Duration;

use async_trait::async_trait;
use tfjs_artifacts::{BoxStream, Error, ErrorKind, ModelArtifacts, ModelArtifactsInfo, Operation, SaveResult};
use tfjs_router::{
    ListedModel, LoadHandler, LoadOptions, ModelStore, ModelUrl, RemoveOptions, SaveHandler, SaveOptions,
};

use super::SCHEME;
use super::load::load;
use super::place::Place;
use super::save::save;
use super::store::{list, remove};

/// How long a call waits for another tab, unless it is told otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

/// Loads from, saves to, lists and removes at one name in the origin private file system.
#[derive(Clone, Debug)]
pub struct OpfsHandler {
    name: String,
    patience: Duration,
}

impl OpfsHandler {
    /// The model of this name, or, to list them, the models whose names begin like this.
    ///
    /// A model's name is not empty, and has at most 255 bytes in its encoded form, in which small ASCII letters, digits, `-` and `_`
    /// take one byte, and each byte of anything else takes three.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), patience: PATIENCE }
    }

    /// The model at an `opfs://` URL.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when the URL has another scheme.
    pub fn from_url(url: &ModelUrl) -> Result<Self, Error> {
        if url.scheme() == Some(SCHEME) {
            return Ok(Self::new(url.rest()));
        }
        let message = format!("`{url}` is no URL of this store, which is like `{SCHEME}://my-model`");
        Err(Error::new(ErrorKind::InvalidUrl, message))
    }

    /// Says how long a call waits while another tab or worker holds this model, before it ends with
    /// [`ErrorKind::Timeout`]; 30 seconds if nothing is said. A tab holds a model for moments only, unless it is
    /// suspended just then; while it streams weights it holds none.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    fn place(&self, operation: Operation) -> Result<Place, Error> {
        Place::new(&self.name, self.patience).map_err(|error| error.with_operation(operation))
    }
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl LoadHandler for OpfsHandler {
    async fn load(&self, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        let place = self.place(Operation::Load)?;
        load(&place, options).await.map_err(place.failed(Operation::Load))
    }
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl SaveHandler for OpfsHandler {
    async fn save(&self, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<SaveResult, Error> {
        let place = self.place(Operation::Save)?;
        save(&place, artifacts, options).await.map_err(place.failed(Operation::Save))
    }
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl ModelStore for OpfsHandler {
    fn list(&self) -> BoxStream<'static, Result<ListedModel, Error>> {
        list(self.name.clone(), self.patience)
    }

    /// The folder of a model is its own, so a damaged one is removed as well: what is returned then says how large its weights
    /// were and when it was written, and zero for what can no longer be told.
    async fn remove(&self, _options: &RemoveOptions) -> Result<ModelArtifactsInfo, Error> {
        let place = self.place(Operation::Remove)?;
        remove(&place).await.map_err(place.failed(Operation::Remove))
    }
}
