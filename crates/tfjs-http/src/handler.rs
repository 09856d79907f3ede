//! The handler of one URL, or two.

use async_trait::async_trait;
use tfjs_artifacts::{Error, ErrorKind, ModelArtifacts, Operation, RelPath, SaveResult};
use tfjs_router::{LoadHandler, LoadOptions, ModelSource, ModelUrl, SaveHandler, SaveOptions};

use crate::HttpClient;
use crate::address::{Address, Url, beside, on_tf_hub};
use crate::exchange::Session;
use crate::load::{Entry, Loader};
use crate::save::save;
use crate::timer::within;

/// Loads from and saves to one URL.
#[derive(Clone, Debug)]
pub struct HttpHandler {
    pub(crate) session: Session,
    pub(crate) entry: Entry,
}

impl HttpHandler {
    /// The model of a source: a `model.json`, a bare weights manifest, or a `.pb` beside its `weights_manifest.json`; or two
    /// URLs, of which the second is that of the manifest of a `.pb`, and otherwise the one that weight files are relative to.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when a URL is no `http` or `https` URL.
    pub fn new(source: &ModelSource, client: &HttpClient) -> Result<Self, Error> {
        match source {
            ModelSource::Single(url) => {
                let mut address = Address::of(url)?;
                if client.config().is_tf_hub {
                    address.url = on_tf_hub(address.url);
                }
                let session = Session::new(client, [&address]);
                let url = address.url;
                let entry = if is_graph_def(&url) {
                    let path = RelPath::parse("weights_manifest.json")?;
                    let manifest = beside(&url, &path, client.config().shard_query);
                    Entry { json: manifest.clone(), graph_def: Some(url), base: manifest }
                } else {
                    Entry { base: url.clone(), json: url, graph_def: None }
                };
                Ok(Self { session, entry })
            }
            ModelSource::Pair { topology, weights } => {
                let (topology, weights) = (Address::of(topology)?, Address::of(weights)?);
                let session = Session::new(client, [&topology, &weights]);
                let (topology, weights) = (topology.url, weights.url);
                let entry = if is_graph_def(&topology) {
                    Entry { json: weights.clone(), graph_def: Some(topology), base: weights }
                } else {
                    Entry { json: topology, graph_def: None, base: weights }
                };
                Ok(Self { session, entry })
            }
        }
    }

    /// The model at one URL.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when it is no `http` or `https` URL.
    pub fn from_url(url: &str, client: &HttpClient) -> Result<Self, Error> {
        Self::new(&ModelUrl::parse(url)?.into(), client)
    }

    /// Ends what takes longer than the user allows.
    pub(crate) async fn in_time<T>(
        &self,
        operation: Operation,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let here = |error: Error| error.with_operation(operation).with_location(self.entry.json.as_str());
        let done = match self.session.client.config().total_timeout {
            Some(total) => {
                // What is waited for first may be a store, which needs no runtime.
                #[cfg(not(target_arch = "wasm32"))]
                crate::timer::need_runtime().map_err(here)?;
                within(total, work).await.unwrap_or_else(|| Err(out_of_time(total)))
            }
            None => work.await,
        };
        done.map_err(here)
    }
}

/// Nothing was done within so long.
pub(crate) fn out_of_time(total: std::time::Duration) -> Error {
    Error::new(ErrorKind::Timeout, format!("it took longer than the {total:?} that it may take"))
}

fn is_graph_def(url: &Url) -> bool {
    has_extension(url, "pb")
}

/// Whether the last segment of a URL's path ends like this, in any case.
pub(crate) fn has_extension(url: &Url, extension: &str) -> bool {
    url.path().rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case(extension))
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl LoadHandler for HttpHandler {
    async fn load(&self, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        let loader = Loader { session: &self.session, entry: &self.entry, progress: options.progress.as_ref() };
        self.in_time(Operation::Load, Box::pin(loader.load(options))).await
    }
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl SaveHandler for HttpHandler {
    async fn save(&self, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<SaveResult, Error> {
        self.in_time(Operation::Save, Box::pin(save(self, artifacts, options))).await
    }
}
