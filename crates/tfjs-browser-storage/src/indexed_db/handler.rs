//! Loading, saving, listing and removing.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use js_sys::Array;
use tfjs_artifacts::{
    BoxStream, Bytes, Error, ErrorKind, ModelArtifacts, ModelArtifactsInfo, Operation, RawJson, SaveResult, Segment,
};
use tfjs_router::{
    ListedModel, LoadHandler, LoadOptions, ModelStore, ModelUrl, ProgressMeter, RemoveOptions, SaveHandler,
    SaveOptions, finish_load,
};
use wasm_bindgen::JsValue;
use web_sys::IdbRequest;

use super::SCHEME;
use super::database::{Database, PATIENCE};
use super::record::{self, Read, Records};
use super::request::{Mode, Transaction};
use super::weights::{self, StoredWeights};
use crate::error::thrown;
use crate::quota::{check_room, no_room, room};
use crate::reference::{Keeps, Parts};
use crate::stored;

/// A model in IndexedDB, in the record where TensorFlow.js would keep it.
#[derive(Clone, Debug)]
pub struct IndexedDbHandler {
    name: String,
    patience: Duration,
}

impl IndexedDbHandler {
    /// The model of this name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when the name is empty.
    pub fn new(name: &str) -> Result<Self, Error> {
        if name.is_empty() {
            let message = "a model in IndexedDB needs a name, as in `indexeddb://my-model`";
            return Err(Error::new(ErrorKind::InvalidUrl, message));
        }
        Ok(Self { name: name.to_owned(), patience: PATIENCE })
    }

    /// The model at `indexeddb://name`. The name is what follows `://`, verbatim.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when the name is empty.
    pub fn from_url(url: &ModelUrl) -> Result<Self, Error> {
        Self::new(url.rest())
    }

    /// How long to wait for the database to open, in place of 10 seconds. It does not open while another page deletes it and a
    /// third one has it open.
    #[must_use]
    pub fn with_open_timeout(mut self, timeout: Duration) -> Self {
        self.patience = timeout;
        self
    }

    /// Says what was being done here, where the error does not say it.
    fn failed(&self, operation: Operation) -> impl Fn(Error) -> Error {
        let location = format!("{SCHEME}://{}", self.name);
        move |error| error.with_operation(operation).with_location(&location)
    }

    async fn load(&self, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        let record = self.record().await.map_err(|error| thrown_by(error, "the model cannot be read"))?;
        if record.is_undefined() {
            return Err(missing());
        }
        let Read { parts, weight_data, version } = Read::new(&record)?;
        let has_weights = parts.specs.as_ref().and_then(RawJson::element_count).is_some_and(|count| count > 0);
        let weights = match weight_data {
            Some(weight_data) => Some(StoredWeights::new(&weight_data, &format!("{SCHEME}://{}", self.name), &version)?),
            None if has_weights => {
                let message = "the weights are missing: the record has `weightSpecs`, but no `weightData`";
                return Err(Error::new(ErrorKind::NotFound, message));
            }
            None => None,
        };
        let segment = match weights {
            Some(weights) => Segment::lazy(Arc::new(weights)),
            None => Segment::Memory(Bytes::new()),
        };
        let stored = parts.stored(segment.byte_length())?;
        finish_load(stored.assemble(segment, options.surplus_bytes).await?, options).await
    }

    async fn record(&self) -> Result<JsValue, Failed> {
        let database = Database::open(self.patience).await?;
        let transaction = Transaction::begin(database.get(), Mode::Read)?;
        let request = transaction.models()?.get(&self.name.as_str().into())?;
        transaction.complete().await?;
        Ok(request.result()?)
    }

    async fn save(&self, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<SaveResult, Error> {
        let mut layout = stored::layout(artifacts, options)?;
        stored::refuse_binary_topology(artifacts)?;
        let needed = SaveResult::now(artifacts).model_artifacts_info;
        let needed = needed.weight_data_bytes + needed.model_topology_bytes + needed.weight_specs_bytes;
        check_room(needed).await?;
        let mut meter = ProgressMeter::of_layout(options.progress.as_ref(), layout.as_ref());
        let weight_data = match artifacts.weights.as_ref().zip(layout.as_mut()) {
            Some((weights, layout)) => Some(weights::write(weights, layout, options, &mut meter).await?),
            None => None,
        };
        let parts = Parts::of(artifacts, layout.as_ref(), Keeps::Values)?;
        let result = SaveResult::now(artifacts);
        let records = Records::new(&self.name, parts, weight_data.as_ref(), &result.model_artifacts_info)?;
        if let Err(error) = self.put(&records).await {
            let error = thrown_by(error, "the model cannot be written");
            return Err(match error.kind() {
                ErrorKind::StorageFull => no_room(needed, room().await).with_source(error),
                _ => error,
            });
        }
        meter.done();
        Ok(result)
    }

    /// Both records in one transaction, so that none is there without the other.
    async fn put(&self, records: &Records) -> Result<(), Failed> {
        let database = Database::open(self.patience).await?;
        let transaction = Transaction::begin(database.get(), Mode::Write)?;
        transaction.infos()?.put(&records.info)?;
        transaction.models()?.put(&records.model)?;
        Ok(transaction.complete().await?)
    }

    async fn remove(&self) -> Result<ModelArtifactsInfo, Error> {
        let (info, model) = self.delete().await.map_err(|error| thrown_by(error, "the model cannot be removed"))?;
        // What only one of the stores has is removed all the same; it is no model.
        let record = if info.is_undefined() || model.is_undefined() { return Err(missing()) } else { info };
        record::listed(&record).map(|(_, info)| info)
    }

    /// Removes both records, and gives the info that was there, and the key of the model.
    async fn delete(&self) -> Result<(JsValue, JsValue), Failed> {
        let database = Database::open(self.patience).await?;
        let transaction = Transaction::begin(database.get(), Mode::Write)?;
        let name = JsValue::from_str(&self.name);
        let info = transaction.infos()?.get(&name)?;
        let model = transaction.models()?.get_key(&name)?;
        transaction.infos()?.delete(&name)?;
        transaction.models()?.delete(&name)?;
        transaction.complete().await?;
        Ok((info.result()?, model.result()?))
    }
}

#[async_trait(?Send)]
impl LoadHandler for IndexedDbHandler {
    async fn load(&self, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        self.load(options).await.map_err(self.failed(Operation::Load))
    }
}

#[async_trait(?Send)]
impl SaveHandler for IndexedDbHandler {
    async fn save(&self, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<SaveResult, Error> {
        self.save(artifacts, options).await.map_err(self.failed(Operation::Save))
    }
}

/// The models whose names begin like this.
#[derive(Clone, Debug)]
pub(super) struct Below {
    prefix: String,
}

impl Below {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    async fn listed(self) -> Result<Vec<Result<ListedModel, Error>>, Error> {
        let (infos, models) = all().await.map_err(|error| thrown_by(error, "the models cannot be listed"))?;
        let models: std::collections::BTreeSet<_> =
            Array::from(&models.result().unwrap_or_default()).iter().filter_map(|key| key.as_string()).collect();
        let model = |record: JsValue| {
            let (name, info) = match record::listed(&record) {
                Ok(listed) => listed,
                Err(error) => return Some(Err(error)),
            };
            // An info without a model is what TensorFlow.js leaves behind when its second transaction fails.
            let is_here = name.starts_with(&self.prefix) && models.contains(&name);
            is_here.then(|| Ok(ListedModel::new(ModelUrl::from_parts(SCHEME, &name)?, info)))
        };
        let infos = Array::from(&infos.result().unwrap_or_default());
        let mut listed: Vec<_> = infos.iter().filter_map(model).collect();
        listed.sort_by(|one, other| match (one, other) {
            (Ok(one), Ok(other)) => one.url.cmp(&other.url),
            _ => one.is_err().cmp(&other.is_err()),
        });
        Ok(listed)
    }
}

/// All infos, and the names of all models.
async fn all() -> Result<(IdbRequest, IdbRequest), Failed> {
    let database = Database::open(PATIENCE).await?;
    let transaction = Transaction::begin(database.get(), Mode::Read)?;
    let (infos, models) = (transaction.infos()?.get_all()?, transaction.models()?.get_all_keys()?);
    transaction.complete().await?;
    Ok((infos, models))
}

#[async_trait(?Send)]
impl ModelStore for Below {
    fn list(&self) -> BoxStream<'static, Result<ListedModel, Error>> {
        let this = self.clone();
        let failed = |error: Error| error.with_operation(Operation::List).with_location(&format!("{SCHEME}://"));
        Box::pin(futures::stream::StreamExt::flat_map(
            futures::stream::once(async move { this.listed().await.unwrap_or_else(|error| vec![Err(error)]) }),
            move |listed| futures::stream::iter(listed.into_iter().map(move |model| model.map_err(failed))),
        ))
    }

    async fn remove(&self, _options: &RemoveOptions) -> Result<ModelArtifactsInfo, Error> {
        let handler = IndexedDbHandler::new(&self.prefix)?;
        handler.remove().await.map_err(handler.failed(Operation::Remove))
    }
}

/// What fails in a transaction: ours, or thrown.
enum Failed {
    Error(Error),
    Thrown(JsValue),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<JsValue> for Failed {
    fn from(value: JsValue) -> Self {
        Self::Thrown(value)
    }
}

fn thrown_by(failed: Failed, message: &'static str) -> Error {
    match failed {
        Failed::Error(error) => error,
        Failed::Thrown(value) => thrown(&value, message),
    }
}

fn missing() -> Error {
    Error::new(ErrorKind::NotFound, "there is no model of this name in IndexedDB")
}
