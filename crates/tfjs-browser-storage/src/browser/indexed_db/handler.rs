//! Loading, saving, listing and removing.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use js_sys::Array;
use tfjs_artifacts::{
    BoxStream, Bytes, DateSaved, Error, ErrorKind, ModelArtifacts, ModelArtifactsInfo, Operation, RawJson, SaveResult,
    Segment, ShardLayout,
};
use tfjs_router::{
    Durability, ListedModel, LoadHandler, LoadOptions, ModelStore, ModelUrl, ProgressMeter, RemoveOptions, SaveHandler,
    SaveOptions, finish_load,
};
use wasm_bindgen::JsValue;
use web_sys::IdbRequest;

use super::SCHEME;
use super::chunks::{self, StoredChunks, Writing};
use super::database::{Database, PATIENCE};
use super::failure::{Failed, explain};
use super::record::{self, Read, Records, StoredAs};
use super::request::{Mode, Transaction};
use super::weights::{Incoming, StoredWeights};
use crate::by_name::insert;
use crate::error::Thrown;
use crate::in_order::in_order;
use crate::listing::listing;
use crate::quota::{explain_full, make_room};
use crate::reference::{Keeps, Parts};
use crate::stored;

/// The most weights that go into one record: a little below the 512 MiB that Chromium takes. It packs a record first, so that weights
/// that can be packed seem to have more room; trained ones cannot.
const LARGEST_RECORD: u64 = 480 << 20;

/// How often a load begins again, when a save of somebody else gets in between.
const TRIES: u32 = 3;

/// A model in IndexedDB, in the record where TensorFlow.js would keep it.
#[derive(Clone, Debug)]
pub struct IndexedDbHandler {
    name: String,
    patience: Duration,
    largest_record: u64,
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
        Ok(Self { name: name.to_owned(), patience: PATIENCE, largest_record: LARGEST_RECORD })
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

    /// The most bytes of weights that are saved as TensorFlow.js saves them, in one record, in place of 480 MiB.
    ///
    /// Weights beyond it go into records of 16 MiB, which are written one after the other and read one at a time, so that a save
    /// and a lazy load need no more memory than that. TensorFlow.js lists such a model, but cannot load it.
    #[must_use]
    pub fn with_largest_record(mut self, bytes: u64) -> Self {
        self.largest_record = bytes;
        self
    }

    /// Says what was being done here, where the error does not say it.
    fn failed(&self, operation: Operation) -> impl Fn(Error) -> Error {
        let location = format!("{SCHEME}://{}", self.name);
        move |error| error.with_operation(operation).with_location(&location)
    }

    async fn load(&self, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        for _ in 0..TRIES {
            if let Some(artifacts) = self.try_load(options).await? {
                return Ok(artifacts);
            }
        }
        let message = "the weights are missing: the records that the model names are not there, or not all of them";
        Err(Error::new(ErrorKind::NotFound, message))
    }

    /// `None` if the records of the weights are not those that the model names.
    async fn try_load(&self, options: &LoadOptions) -> Result<Option<ModelArtifacts>, Error> {
        let record = self.record().await.map_err(|error| explain(error, "the model cannot be read"))?;
        if record.is_undefined() {
            return Err(missing());
        }
        let Read { parts, weights, version } = Read::new(&record, &options.limits)?;
        let has_weights = parts.specs.as_ref().and_then(RawJson::element_count).is_some_and(|count| count > 0);
        let segment = match weights {
            Some(StoredAs::WeightData(weight_data)) => {
                Segment::lazy(Arc::new(StoredWeights::new(&weight_data, version)?))
            }
            Some(StoredAs::Chunks(set)) => match StoredChunks::open(set, self.patience).await? {
                #[expect(
                    clippy::arc_with_non_send_sync,
                    reason = "a browser has one thread, other targets have no browser"
                )]
                Some(chunks) => Segment::lazy(Arc::new(chunks)),
                None => return Ok(None),
            },
            None if has_weights => {
                let message = "the weights are missing: the record has `weightSpecs`, but no `weightData`";
                return Err(Error::new(ErrorKind::NotFound, message));
            }
            None => Segment::Memory(Bytes::new()),
        };
        let stored = parts.stored(segment.byte_length(), &options.limits)?;
        let artifacts = stored.assemble(segment, options.surplus_bytes).await?;
        finish_load(artifacts, options).await.map(Some)
    }

    async fn record(&self) -> Result<JsValue, Failed> {
        let database = Database::open(self.patience).await?;
        let transaction = Transaction::begin(database.get(), Mode::Read)?;
        let request = transaction.models()?.get(&self.name.as_str().into())?;
        transaction.complete().await?;
        Ok(request.result()?)
    }

    async fn save(&self, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<SaveResult, Error> {
        let layout = stored::layout(artifacts, options)?;
        stored::refuse_binary_topology(artifacts)?;
        let needed = SaveResult::now(artifacts).model_artifacts_info;
        let needed = needed
            .weight_data_bytes
            .saturating_add(needed.model_topology_bytes)
            .saturating_add(needed.weight_specs_bytes);
        make_room(needed, Box::pin(chunks::sweep(self.patience))).await?;
        explain_full(self.write(artifacts, layout, options).await, needed).await
    }

    async fn write(
        &self,
        artifacts: &ModelArtifacts,
        mut layout: Option<ShardLayout>,
        options: &SaveOptions,
    ) -> Result<SaveResult, Error> {
        let mut meter = ProgressMeter::of_layout(options.progress.as_ref(), layout.as_ref());
        let mut writing = None;
        let weights = match artifacts.weights.as_ref().zip(layout.as_mut()) {
            Some((weights, layout)) => {
                let byte_length = weights.data().byte_length();
                let mut incoming = Incoming::new(weights, layout, options, &mut meter);
                let stored = if byte_length <= self.largest_record {
                    StoredAs::WeightData(incoming.take_all().await?)
                } else {
                    let chunks = Writing::all(&mut incoming, byte_length, self.patience, options.durability).await?;
                    let written = writing.insert(chunks);
                    StoredAs::Chunks(written.set.clone())
                };
                incoming.finish(weights, layout)?;
                Some(stored)
            }
            None => None,
        };
        let parts = Parts::of(artifacts, layout.as_ref(), Keeps::Values)?;
        let result = SaveResult::now(artifacts);
        let records = Records::new(&self.name, parts, weights.as_ref(), &result.model_artifacts_info)?;
        let put = self.put(&records, writing.as_ref(), options.durability).await;
        let has_chunks = put.map_err(|failed| self.explain_put(failed))?;
        if let Some(written) = writing {
            written.keep();
        }
        if has_chunks {
            // What the previous model had; if that cannot be removed, this model is saved all the same.
            drop(chunks::sweep(self.patience).await);
        }
        meter.done();
        Ok(result)
    }

    /// Of data that it cannot clone or write the browser speaks when a record is too large.
    fn explain_put(&self, failed: Failed) -> Error {
        match failed {
            Failed::Thrown(value) if Thrown::new(&value).kind() == ErrorKind::InvalidData => {
                let message = format!(
                    "the browser takes no record of this size; allow less than {} bytes of weights in one record (`with_largest_record`), or save to `opfs://`",
                    self.largest_record
                );
                Error::new(ErrorKind::LimitExceeded, message).with_source(Thrown::new(&value))
            }
            failed => explain(failed, "the model cannot be written"),
        }
    }

    /// Both records in one transaction, so that none is there without the other. Tells whether there are chunks of any model.
    async fn put(&self, records: &Records, writing: Option<&Writing>, durability: Durability) -> Result<bool, Failed> {
        let opened;
        let database = if let Some(writing) = writing {
            &writing.database
        } else {
            opened = Database::open(self.patience).await?;
            &opened
        };
        let transaction = Transaction::begin(database.get(), Mode::Write(durability))?;
        transaction.infos()?.put(&records.info)?;
        transaction.models()?.put(&records.model)?;
        let chunks = transaction.models()?.count_with_key(&chunks::of_all_models()?)?;
        transaction.complete().await?;
        Ok(chunks.result()?.as_f64().is_some_and(|count| count > 0.0))
    }

    async fn remove(&self) -> Result<ModelArtifactsInfo, Error> {
        let (info, model) = self.delete().await.map_err(|error| explain(error, "the model cannot be removed"))?;
        // The model is gone; if its weights cannot be removed now, the next save tries again.
        drop(chunks::sweep(self.patience).await);
        // What only one of the stores has is removed as well: TensorFlow.js leaves that when it is interrupted.
        if info.is_undefined() && model.is_undefined() {
            return Err(missing());
        }
        // That, or a damaged one, may tell nothing.
        let unknown = || ModelArtifactsInfo::new(&ModelArtifacts::new(), DateSaved::now());
        Ok(record::listed(&info).map_or_else(|_| unknown(), |(_, info)| info))
    }

    /// Removes both records, and gives the info that was there, and the key of the model.
    async fn delete(&self) -> Result<(JsValue, JsValue), Failed> {
        let database = Database::open(self.patience).await?;
        let transaction = Transaction::begin(database.get(), Mode::Write(Durability::Strict))?;
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
        let (infos, models) = all().await.map_err(|error| explain(error, "the models cannot be listed"))?;
        let models = Array::from(&models.result().unwrap_or_default());
        let models = in_order(&mut models.iter().filter_map(|key| key.as_string()));
        let model = |record: JsValue| {
            let (name, info) = match record::listed(&record) {
                Ok(listed) => listed,
                Err(error) => return Some(Err(error)),
            };
            // An info without a model is what TensorFlow.js leaves behind when its second transaction fails.
            let is_here = name.starts_with(&self.prefix) && models.binary_search(&name).is_ok();
            is_here.then(|| Ok(ListedModel::new(ModelUrl::from_parts(SCHEME, &name)?, info)))
        };
        let infos = Array::from(&infos.result().unwrap_or_default());
        // They come nearly in this order.
        let is_before = |one: &Result<ListedModel, Error>, other: &Result<ListedModel, Error>| match (one, other) {
            (Ok(one), Ok(other)) => one.url <= other.url,
            _ => one.is_ok() || other.is_err(),
        };
        let mut listed = Vec::new();
        infos.iter().filter_map(model).for_each(|model| insert(&mut listed, model, is_before));
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
        listing(SCHEME, self.clone().listed())
    }

    async fn remove(&self, _options: &RemoveOptions) -> Result<ModelArtifactsInfo, Error> {
        let handler = IndexedDbHandler::new(&self.prefix)?;
        handler.remove().await.map_err(handler.failed(Operation::Remove))
    }
}

fn missing() -> Error {
    Error::new(ErrorKind::NotFound, "there is no model of this name in IndexedDB")
}
