//! Loading, saving, listing and removing.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::TryStreamExt as _;
use tfjs_artifacts::{
    BoxStream, DateSaved, Error, ErrorKind, ModelArtifacts, ModelArtifactsInfo, Operation, RawJson, SaveResult,
    Segment, ShardLayout, Weights,
};
use tfjs_router::{
    Digests, ListedModel, LoadHandler, LoadOptions, ModelStore, ModelUrl, ProgressMeter, RemoveOptions, SaveHandler,
    SaveOptions, finish_load,
};

use web_sys::Storage;

use super::keys::{self, Keys};
use super::record::{self, Values, missing, parse_info};
use super::transaction;
use super::writer::Writer;
use super::{SCHEME, storage};
use crate::listing::listing;
use crate::reference::{EXTRA, Keeps, Parts};
use crate::stored;

/// How much of the weights is encoded at once: a multiple of three bytes, so that base64 has no padding in the middle.
const WINDOW: usize = 3 << 18;

/// More weights than any browser's localStorage holds; what is larger is not even read.
const MOST_WEIGHTS: u64 = 64 << 20;

/// A model in localStorage, under the five keys where TensorFlow.js would keep it.
#[derive(Clone, Debug)]
pub struct LocalStorageHandler {
    keys: Keys,
}

impl LocalStorageHandler {
    /// The model of this name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when the name is empty.
    pub fn new(name: &str) -> Result<Self, Error> {
        if name.is_empty() {
            let message = "a model in localStorage needs a name, as in `localstorage://my-model`";
            return Err(Error::new(ErrorKind::InvalidUrl, message));
        }
        Ok(Self { keys: Keys::of(name) })
    }

    /// The model at `localstorage://name`. The name is what follows `://`, verbatim.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when the name is empty.
    pub fn from_url(url: &ModelUrl) -> Result<Self, Error> {
        Self::new(url.rest())
    }

    /// Says what was being done here, where the error does not say it.
    fn failed(&self, operation: Operation) -> impl Fn(Error) -> Error {
        let location = format!("{SCHEME}://{}", self.keys.name());
        move |error| error.with_operation(operation).with_location(&location)
    }
}

#[async_trait(?Send)]
impl LoadHandler for LocalStorageHandler {
    async fn load(&self, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        load(&self.keys, options).await.map_err(self.failed(Operation::Load))
    }
}

#[async_trait(?Send)]
impl SaveHandler for LocalStorageHandler {
    async fn save(&self, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<SaveResult, Error> {
        save(&self.keys, artifacts, options).await.map_err(self.failed(Operation::Save))
    }
}

async fn load(keys: &Keys, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
    let values = transaction::read(&storage()?, keys).await?;
    let (stored, weights) = record::parse(values, &options.limits, |part| keys.key(part))?;
    finish_load(stored.assemble(Segment::Memory(weights), options.surplus_bytes).await?, options).await
}

async fn save(keys: &Keys, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<SaveResult, Error> {
    let storage = storage()?;
    let mut layout = stored::layout(artifacts, options)?;
    let mut meter = ProgressMeter::of_layout(options.progress.as_ref(), layout.as_ref());
    let data = match artifacts.weights.as_ref().zip(layout.as_mut()) {
        Some((weights, layout)) => {
            let needed = weights.data().byte_length();
            if needed > MOST_WEIGHTS {
                return Err(transaction::no_room((needed / 3).saturating_mul(8), transaction::room(&storage)));
            }
            encode(weights, layout, options, &mut meter).await?
        }
        None => String::new(),
    };
    let Parts { topology, specs, mut others, extra } = Parts::of(artifacts, layout.as_ref(), Keeps::Text)?;
    if let Some(extra) = extra {
        others.push((EXTRA.to_owned(), RawJson::parse(&extra)?));
    }
    let result = SaveResult::now(artifacts);
    let metadata = RawJson::from_entries(others)?;
    let values: Values = [
        Some(result.model_artifacts_info.to_json().to_string()),
        // The reference would write the text `undefined`, and fail to read it.
        Some(topology.map_or_else(|| "null".to_owned(), |topology| topology.to_string())),
        Some(specs.map_or_else(|| "[]".to_owned(), |specs| specs.to_string())),
        Some(data),
        Some(metadata.to_string()),
    ];
    transaction::write(&Writer::new().await?, &storage, keys, &values)?;
    meter.done();
    Ok(result)
}

/// All weights as base64.
async fn encode(
    weights: &Weights,
    layout: &mut ShardLayout,
    options: &SaveOptions,
    meter: &mut ProgressMeter,
) -> Result<String, Error> {
    let mut digests = Digests::new(weights, layout, options.checksums);
    let mut base64 = String::new();
    let mut rest = Vec::new();
    let mut windows = weights.data().stream(WINDOW);
    while let Some(window) = windows.try_next().await? {
        digests.update(&window);
        rest.extend_from_slice(&window);
        let (whole, tail) = rest.split_at(rest.len() - rest.len() % 3);
        STANDARD.encode_string(whole, &mut base64);
        rest = tail.to_vec();
        meter.advance(window.len() as u64);
    }
    STANDARD.encode_string(&rest, &mut base64);
    digests.finish(weights, layout)?;
    Ok(base64)
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
        let storage = storage()?;
        let mut listed = Vec::new();
        for name in keys::names(&storage).into_iter().filter(|name| name.starts_with(&self.prefix)) {
            listed.extend(listed_model(&storage, &name).await.transpose());
        }
        Ok(listed)
    }
}

async fn listed_model(storage: &Storage, name: &str) -> Result<Option<ListedModel>, Error> {
    let url = ModelUrl::from_parts(SCHEME, name)?;
    let failed = |error: Error| error.with_location(&url.to_string());
    let [info, ..] = transaction::read(storage, &Keys::of(name)).await.map_err(failed)?;
    let Some(info) = info else { return Ok(None) };
    let info = parse_info(&info).map_err(failed)?;
    Ok(Some(ListedModel::new(url, info)))
}

#[async_trait(?Send)]
impl ModelStore for Below {
    fn list(&self) -> BoxStream<'static, Result<ListedModel, Error>> {
        listing(SCHEME, self.clone().listed())
    }

    async fn remove(&self, _options: &RemoveOptions) -> Result<ModelArtifactsInfo, Error> {
        let handler = LocalStorageHandler::new(&self.prefix)?;
        remove(&handler.keys).await.map_err(handler.failed(Operation::Remove))
    }
}

async fn remove(keys: &Keys) -> Result<ModelArtifactsInfo, Error> {
    let storage = storage()?;
    // Whatever is left of half a model goes as well.
    let [info, ..] = transaction::remove(&Writer::new().await?, &storage, keys)?;
    // A damaged one is removed as well, and can tell nothing.
    let unknown = |_| ModelArtifactsInfo::new(&ModelArtifacts::new(), DateSaved::now());
    Ok(parse_info(&info.ok_or_else(missing)?).unwrap_or_else(unknown))
}
