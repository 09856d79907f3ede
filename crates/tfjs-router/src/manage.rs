//! Loading, saving, and model management over any two schemes.

use std::borrow::Cow;
use std::future::{Ready, ready};

use tfjs_artifacts::{
    BoxFuture, BoxStream, Completion, Error, ErrorKind, Location, MaybeSend, ModelArtifacts, ModelArtifactsInfo,
    Operation, SaveResult, Weights,
};

use crate::{
    Checksums, Durability, ListedModel, LoadOptions, ModelSource, ModelUrl, RemoveOptions, Router, SaveOptions,
    WeightLoading,
};

impl Router {
    /// Loads the model at a URL or plain path.
    ///
    /// # Errors
    /// What [`load_handler`](Self::load_handler) and the handler report.
    pub fn load<'a>(&'a self, url: &'a str, options: &'a LoadOptions) -> BoxFuture<'a, Result<ModelArtifacts, Error>> {
        Box::pin(async move {
            let source = ModelSource::Single(self.parse(url)?);
            self.load_handler(&source)?.load(options).await
        })
    }

    /// Saves a model to a URL or plain path, replacing one that is there.
    ///
    /// # Errors
    /// What [`save_handler`](Self::save_handler) and the handler report.
    pub fn save<'a>(
        &'a self,
        artifacts: &'a ModelArtifacts,
        url: &'a str,
        options: &'a SaveOptions,
    ) -> BoxFuture<'a, Result<SaveResult, Error>> {
        Box::pin(async move { self.save_handler(&self.parse(url)?)?.save(artifacts, options).await })
    }

    /// Copies a model between any two schemes: lossless, and streamed through a bounded window where the source can
    /// be read lazily.
    ///
    /// The weights pass through once, while they are saved: `save.progress` hears of them, `load.progress` of nothing.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when both URLs mean one model, and what loading and saving report. The source is never
    /// changed; at the destination, a failed copy leaves what was there.
    pub fn copy_model<'a>(
        &'a self,
        source: &'a str,
        destination: &'a str,
        load: &'a LoadOptions,
        save: &'a SaveOptions,
    ) -> BoxFuture<'a, Result<SaveResult, Error>> {
        Box::pin(self.copy_model_with(source, destination, load, save, unchanged))
    }

    /// Copies a model as [`copy_model`](Self::copy_model) does, and changes it on its way.
    ///
    /// `change` gets the artifacts, their weights as lazy as the source allows, before anything is written. If the source
    /// had checksums, the copy has them too.
    ///
    /// # Errors
    /// What `change` reports, and otherwise as [`copy_model`](Self::copy_model).
    pub async fn copy_model_with<F: Future<Output = Result<ModelArtifacts, Error>> + MaybeSend>(
        &self,
        source: &str,
        destination: &str,
        load: &LoadOptions,
        save: &SaveOptions,
        change: impl FnOnce(ModelArtifacts) -> F + MaybeSend,
    ) -> Result<SaveResult, Error> {
        let (source, destination) = (self.parse(source)?, self.parse(destination)?);
        let (_, saved) = self.copy(&source, &destination, load, save, Operation::Copy, change).await?;
        Ok(saved)
    }

    /// Moves a model between any two schemes: copies it, makes sure that the copy can be loaded, and only then removes
    /// the source.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`], before anything is done, when the source cannot be removed or the destination cannot be loaded
    /// from, and, when the copy has been sent, if nobody knows whether it arrived ([`Completion::Requested`]); otherwise as
    /// [`copy_model`](Self::copy_model). The source is there until the destination is.
    pub fn move_model<'a>(
        &'a self,
        source: &'a str,
        destination: &'a str,
        load: &'a LoadOptions,
        save: &'a SaveOptions,
    ) -> BoxFuture<'a, Result<SaveResult, Error>> {
        Box::pin(self.move_model_with(source, destination, load, save, unchanged))
    }

    /// Moves a model as [`move_model`](Self::move_model) does, and changes it on its way, as
    /// [`copy_model_with`](Self::copy_model_with) does. What the change loses is lost.
    ///
    /// # Errors
    /// What `change` reports, and otherwise as [`move_model`](Self::move_model).
    pub async fn move_model_with<F: Future<Output = Result<ModelArtifacts, Error>> + MaybeSend>(
        &self,
        source: &str,
        destination: &str,
        load: &LoadOptions,
        save: &SaveOptions,
        change: impl FnOnce(ModelArtifacts) -> F + MaybeSend,
    ) -> Result<SaveResult, Error> {
        let (source, destination) = (self.parse(source)?, self.parse(destination)?);
        let store = self.store(&source).map_err(|error| match error.kind() {
            ErrorKind::Unsupported => {
                explained("nothing can be removed there, so nothing was copied; copy the model instead", error, &source)
            }
            _ => error,
        })?;
        self.check_can_arrive(&destination)?;
        // What is removed must not be all that the power failure of a moment later would have left.
        let save = &save.clone().with_durability(Durability::Strict);
        let (copied, saved) = self.copy(&source, &destination, load, save, Operation::Move, change).await?;
        if saved.completion == Completion::Requested {
            let message = "the copy was sent, but nobody can tell whether it arrived; the source stays: remove it when the copy is there";
            return Err(move_error(ErrorKind::Unsupported, message, &destination));
        }
        let check = lazy(load);
        self.check_arrived(&destination, &saved, &check).await?;
        self.check_unchanged(&source, &copied, &check).await?;
        let removed = store.remove(&RemoveOptions::of_loaded(load)).await;
        let message = "the copy is there, but the source could not be removed";
        removed.map_err(|error| explained(message, error, &source))?;
        Ok(saved)
    }

    /// Makes sure that a copy could be looked at when it is there.
    fn check_can_arrive(&self, url: &ModelUrl) -> Result<(), Error> {
        let opened = self.load_handler(&url.clone().into());
        opened.map(drop).map_err(|error| match error.kind() {
            ErrorKind::Unsupported if self.save_handler(url).is_ok() => {
                let message = "nobody could tell whether the model arrived; copy it, and remove the source when the copy is there";
                explained(message, error, url)
            }
            _ => error,
        })
    }

    /// Makes sure that what was sent is what is there: a medium may take something and keep what it had.
    async fn check_arrived(&self, url: &ModelUrl, saved: &SaveResult, load: &LoadOptions) -> Result<(), Error> {
        let found = self.load_handler(&url.clone().into())?.load(load).await;
        let found = found.map_err(|error| {
            explained("the copy was sent, but it cannot be loaded from there; the source stays", error, url)
        })?;
        let sent = &saved.model_artifacts_info;
        let found = ModelArtifactsInfo::new(&found, sent.date_saved);
        if found == *sent {
            return Ok(());
        }
        let message = format!(
            "the destination does not have the model that was sent: {} bytes of weights are there, {} were sent; the source stays",
            found.weight_data_bytes, sent.weight_data_bytes
        );
        Err(move_error(ErrorKind::Conflict, message, url))
    }

    /// Makes sure that what is about to be removed is what was copied.
    async fn check_unchanged(&self, url: &ModelUrl, copied: &ModelArtifacts, load: &LoadOptions) -> Result<(), Error> {
        let present = self.load_handler(&url.clone().into())?.load(load).await;
        let present = present.map_err(|error| {
            explained("the copy is there, but the source cannot be loaded any more; it is left as it is", error, url)
        })?;
        // Lazy weights that were replaced meanwhile are an error when they are read.
        let is_readable = match &copied.weights {
            Some(weights) => weights.verify().await.is_ok(),
            None => true,
        };
        if is_readable && present.has_the_keys_of(copied) {
            return Ok(());
        }
        let message = "the source was changed while it was moved; the destination has what it was, the source stays";
        Err(move_error(ErrorKind::Conflict, message, url))
    }

    /// Removes a model and returns what it was, as far as its store can still tell; see [`ModelStore::remove`](crate::ModelStore::remove).
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none, [`ErrorKind::Unsupported`] when models cannot be removed there, and
    /// what the medium reports.
    pub async fn remove_model(&self, url: &str, options: &RemoveOptions) -> Result<ModelArtifactsInfo, Error> {
        self.store(&self.parse(url)?)?.remove(options).await
    }

    /// The models below a URL or plain path, such as `file:///models` or `memory://`, in the order of their URLs.
    pub fn list_models(&self, url: &str) -> BoxStream<'static, Result<ListedModel, Error>> {
        match self.parse(url).and_then(|url| self.store(&url)) {
            Ok(store) => store.list(),
            Err(error) => Box::pin(futures::stream::once(ready(Err(error)))),
        }
    }

    /// Returns what was loaded and what saving said.
    async fn copy<F: Future<Output = Result<ModelArtifacts, Error>> + MaybeSend>(
        &self,
        source: &ModelUrl,
        destination: &ModelUrl,
        load: &LoadOptions,
        save: &SaveOptions,
        operation: Operation,
        change: impl FnOnce(ModelArtifacts) -> F + MaybeSend,
    ) -> Result<(ModelArtifacts, SaveResult), Error> {
        let (from, to) = (self.load_handler(&source.clone().into())?, self.save_handler(destination)?);
        if self.is_same_place(source, destination)? {
            let (source, destination) = (source.to_string(), destination.to_string());
            let (source, destination) = (Location::new(&source), Location::new(&destination));
            let message = format!("source and destination are the same model (`{source}` and `{destination}`)");
            return Err(Error::new(ErrorKind::InvalidUrl, message).with_operation(operation));
        }
        let artifacts = from.load(&lazy(load)).await?;
        if let Some(weights) = &artifacts.weights {
            // Before anything is written: an HTML page of the right length is no weights, and strings must fit.
            let verified = weights.verify().await;
            verified.map_err(|error| error.with_operation(operation).with_location(&source.to_string()))?;
        }
        let mut save = save.clone();
        save.resume = match save.resume {
            Some(resume) => Some(resume.or_from_source(&self.place(source)?)),
            None => None,
        };
        if artifacts.weights.as_ref().is_some_and(Weights::has_any_checksum) {
            // Said here, since a change may lose those that it makes wrong.
            save.checksums = Checksums::Write;
        }
        let changed = change(artifacts.clone()).await;
        let changed = changed.map_err(|error| error.with_operation(operation).with_location(&source.to_string()))?;
        let saved = to.save(&changed, &save).await?;
        Ok((artifacts, saved))
    }
}

/// What an error means for a move.
fn explained(message: &'static str, error: Error, url: &ModelUrl) -> Error {
    let explained = move_error(error.kind(), message, url);
    match error.retry_after() {
        Some(wait) => explained.with_retry_after(wait),
        None => explained,
    }
    .with_source(error)
}

fn move_error(kind: ErrorKind, message: impl Into<Cow<'static, str>>, url: &ModelUrl) -> Error {
    Error::new(kind, message).with_operation(Operation::Move).with_location(&url.to_string())
}

/// What a plain copy does to a model.
fn unchanged(artifacts: ModelArtifacts) -> Ready<Result<ModelArtifacts, Error>> {
    ready(Ok(artifacts))
}

/// How a copy loads: the weights pass through once, while they are saved, and progress is that of the save.
fn lazy(load: &LoadOptions) -> LoadOptions {
    let mut load = load.clone().with_weight_loading(WeightLoading::Lazy);
    load.progress = None;
    load
}
