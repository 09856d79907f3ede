//! Handlers around a value and around a function.

use std::fmt;

use async_trait::async_trait;
use tfjs_artifacts::{Error, MaybeSend, MaybeSync, ModelArtifacts, SaveResult};

use crate::{LoadHandler, LoadOptions, ProgressMeter, SaveHandler, SaveOptions, finish_load};

/// A handler that loads these artifacts: TensorFlow.js's `tf.io.fromMemory`.
pub fn from_memory(artifacts: ModelArtifacts) -> FromMemory {
    FromMemory { artifacts }
}

/// A handler that saves by calling a function: TensorFlow.js's `tf.io.withSaveHandler`.
///
/// ```
/// use tfjs_artifacts::{ModelArtifacts, SaveResult};
/// use tfjs_router::{SaveHandler, SaveOptions, with_save_handler};
///
/// let handler = with_save_handler(async |artifacts: ModelArtifacts| Ok(SaveResult::now(&artifacts)));
/// let saved = futures::executor::block_on(handler.save(&ModelArtifacts::new(), &SaveOptions::new()))?;
/// assert_eq!(saved.model_artifacts_info.weight_data_bytes, 0);
/// # Ok::<(), tfjs_artifacts::Error>(())
/// ```
pub fn with_save_handler<F, S>(save: F) -> WithSaveHandler<F>
where
    F: Fn(ModelArtifacts) -> S + MaybeSend + MaybeSync,
    S: Future<Output = Result<SaveResult, Error>> + MaybeSend,
{
    WithSaveHandler { save }
}

/// See [`from_memory`].
#[derive(Clone, Debug)]
pub struct FromMemory {
    artifacts: ModelArtifacts,
}

/// See [`with_save_handler`].
#[derive(Clone)]
pub struct WithSaveHandler<F> {
    save: F,
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl LoadHandler for FromMemory {
    async fn load(&self, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        finish_load(self.artifacts.clone(), options).await
    }
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl<F, S> SaveHandler for WithSaveHandler<F>
where
    F: Fn(ModelArtifacts) -> S + MaybeSend + MaybeSync,
    S: Future<Output = Result<SaveResult, Error>> + MaybeSend,
{
    async fn save(&self, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<SaveResult, Error> {
        let saved = (self.save)(artifacts.clone()).await?;
        ProgressMeter::new(options.progress.as_ref(), artifacts.weights.as_ref()).done();
        Ok(saved)
    }
}

impl<F> fmt::Debug for WithSaveHandler<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WithSaveHandler")
    }
}
