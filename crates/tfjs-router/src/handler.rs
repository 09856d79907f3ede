//! The traits that backends implement.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tfjs_artifacts::{
    BoxFuture, BoxStream, Error, MaybeSend, MaybeSync, ModelArtifacts, ModelArtifactsInfo, SaveResult, StoredSize,
};

use crate::{LoadOptions, ModelUrl, ProgressMeter, RemoveOptions, SaveOptions, WeightLoading};

/// Loads the model of one place. What the place is belongs to the handler; how to load belongs to the call.
///
/// An implementation returns weights whose lengths have been reconciled with the specs (use
/// [`ModelJson::assemble`](tfjs_artifacts::ModelJson::assemble)). Dropping the future cancels the load.
///
/// On wasm32 futures need not be `Send`: an implementation needs both attributes, exactly as they stand here,
/// or it does not compile on one of the targets:
///
/// ```text
/// #[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
/// #[cfg_attr(not(target_arch = "wasm32"), async_trait)]
/// ```
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
pub trait LoadHandler: fmt::Debug + MaybeSend + MaybeSync {
    /// Loads the model.
    ///
    /// # Errors
    /// [`NotFound`](tfjs_artifacts::ErrorKind::NotFound) when there is no model or a part of it is missing,
    /// [`InvalidData`](tfjs_artifacts::ErrorKind::InvalidData) when its parts do not fit together, and what the
    /// medium reports.
    async fn load(&self, options: &LoadOptions) -> Result<ModelArtifacts, Error>;
}

/// The end of every load: compares the model with the limits of the options, reads the weights into memory if the options ask for that,
/// verifies them, and tells the progress.
///
/// A handler that can read ranges assembles lazy artifacts, whatever the options, and hands them to this.
///
/// # Errors
/// What [`ModelArtifacts::with_limits`] and [`Weights::load`](tfjs_artifacts::Weights::load) report.
pub fn finish_load(
    mut artifacts: ModelArtifacts,
    options: &LoadOptions,
) -> BoxFuture<'_, Result<ModelArtifacts, Error>> {
    Box::pin(async move {
        artifacts = artifacts.with_limits(&options.limits)?;
        let mut meter = ProgressMeter::new(options.progress.as_ref(), artifacts.weights.as_ref());
        if options.weight_loading == WeightLoading::Eager
            && let Some(weights) = &artifacts.weights
        {
            if weights.specs().any(|spec| matches!(spec.stored_size(), StoredSize::Strings(_))) {
                // Their lengths may be beyond a limit, which is to be told before all of the bytes are read.
                weights.locate().await?;
            }
            artifacts.weights = Some(weights.load(|bytes| meter.advance(bytes)).await?);
        }
        meter.done();
        Ok(artifacts)
    })
}

/// Saves a model to one place.
///
/// A save is all or nothing: when it fails, or its future is dropped, the model that was there before is still
/// whole. The weights are streamed ([`WeightData::stream`](tfjs_artifacts::WeightData::stream)), never joined.
/// Implementations need both attributes of [`LoadHandler`].
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
pub trait SaveHandler: fmt::Debug + MaybeSend + MaybeSync {
    /// Saves the model, replacing one that is there.
    ///
    /// # Errors
    /// What the medium, or the source of lazy weights, reports.
    async fn save(&self, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<SaveResult, Error>;
}

/// A handler that both loads and saves. Implemented for whatever implements both.
pub trait IoHandler: LoadHandler + SaveHandler {}

impl<T: LoadHandler + SaveHandler + ?Sized> IoHandler for T {}

/// Lists and removes models at one place, for media that can. Implementations need both attributes of [`LoadHandler`].
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
pub trait ModelStore: fmt::Debug + MaybeSend + MaybeSync {
    /// The models below this place, in the order of their URLs. The stream owns what it needs: it outlives the store.
    fn list(&self) -> BoxStream<'static, Result<ListedModel, Error>>;

    /// Removes the model at this place and returns what it was. Of one that was damaged, or whose removal was interrupted and is ended
    /// now, a store that can tell no more returns no bytes and the present time.
    ///
    /// # Errors
    /// [`NotFound`](tfjs_artifacts::ErrorKind::NotFound) when there is none, and what the medium reports.
    async fn remove(&self, options: &RemoveOptions) -> Result<ModelArtifactsInfo, Error>;
}

/// A model that a store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedModel {
    /// Where it can be loaded from.
    pub url: ModelUrl,
    /// Its date and sizes.
    pub info: ModelArtifactsInfo,
}

impl ListedModel {
    /// A model at this place.
    pub fn new(url: ModelUrl, info: ModelArtifactsInfo) -> Self {
        Self { url, info }
    }
}

#[deny(clippy::missing_trait_methods)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl<T: LoadHandler + ?Sized> LoadHandler for Arc<T> {
    async fn load(&self, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        (**self).load(options).await
    }
}

#[deny(clippy::missing_trait_methods)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl<T: SaveHandler + ?Sized> SaveHandler for Arc<T> {
    async fn save(&self, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<SaveResult, Error> {
        (**self).save(artifacts, options).await
    }
}

#[deny(clippy::missing_trait_methods)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl<T: ModelStore + ?Sized> ModelStore for Arc<T> {
    fn list(&self) -> BoxStream<'static, Result<ListedModel, Error>> {
        (**self).list()
    }

    async fn remove(&self, options: &RemoveOptions) -> Result<ModelArtifactsInfo, Error> {
        (**self).remove(options).await
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;

    const fn send_sync<T: Send + Sync + ?Sized>() {}
    const _: () = send_sync::<dyn IoHandler>();
    const _: () = send_sync::<dyn ModelStore>();

    #[test]
    fn futures_are_send() {
        fn check(handler: &dyn LoadHandler, options: &LoadOptions) {
            fn send<T: Send>(_: T) {}
            send(handler.load(options));
        }
        check(&crate::from_memory(ModelArtifacts::new()), &LoadOptions::new());
    }
}
