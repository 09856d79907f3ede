//! A model on the web, kept in a store of one's own.

use crate::message::header::{IF_MODIFIED_SINCE, IF_NONE_MATCH};
use crate::message::{Method, StatusCode};
use async_trait::async_trait;
use tfjs_artifacts::{Error, ErrorKind, Limit, Limits, Location, ModelArtifacts, Operation, RawJson};
use tfjs_router::{IoHandler, LoadHandler, LoadOptions, SaveOptions, finish_load};

use crate::HttpHandler;
use crate::exchange::{Ask, Session, at};
use crate::load::{Loader, Restarts, read_json};
use crate::response::Validator;
use crate::retry::Retries;

/// The key of a stored `model.json` under which the validator is kept. What is loaded does not have it.
const KEY: &str = "tfjsHttpCache";

/// Who is asked first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CachePolicy {
    /// The server, whether the model has changed; what is stored if it has not, or if the server cannot be reached.
    #[default]
    NetworkFirst,
    /// The store; the server only if nothing is stored.
    CacheFirst,
    /// The store alone.
    OnlyCache,
}

/// Loads a model from the web and keeps it in a store: a folder, memory, the browser's storage, any handler that loads and saves.
///
/// A stored model is asked for again with the validator that came with its `model.json` (`ETag`, or else `Last-Modified`), and
/// replaced as the store saves: as a whole or not at all. The validator is kept in the stored `model.json`, under the key
/// `tfjsHttpCache`, which TensorFlow.js ignores, with the URL but for its query, in which tokens change: what the store holds of
/// another URL is replaced. One place of a store is for one model. A server that changes weight files without touching `model.json` is not noticed, unless it is
/// tfjs-server, whose validator of `model.json` is about all files of the model.
///
/// ```no_run
/// use tfjs_http::{CachePolicy, HttpClient, HttpHandler, cached};
/// use tfjs_router::{LoadHandler as _, LoadOptions};
/// # use tfjs_fs::FsHandler;
///
/// # async fn load() -> Result<(), tfjs_artifacts::Error> {
/// let http = HttpHandler::from_url("https://example.com/model.json", &HttpClient::new())?;
/// let cached = cached(http, FsHandler::from_path("cache/my-model")).with_policy(CachePolicy::CacheFirst);
/// let artifacts = cached.load(&LoadOptions::new()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Cached<S> {
    http: HttpHandler,
    store: S,
    policy: CachePolicy,
}

/// A model on the web that is kept in a store; see [`Cached`].
pub fn cached<S: IoHandler>(http: HttpHandler, store: S) -> Cached<S> {
    Cached { http, store, policy: CachePolicy::default() }
}

/// What the server said about the model.
enum Answer {
    Unchanged,
    Changed { json: Vec<u8>, validator: Validator },
}

impl<S: IoHandler> Cached<S> {
    /// Says who is asked first.
    #[must_use]
    pub fn with_policy(mut self, policy: CachePolicy) -> Self {
        self.policy = policy;
        self
    }

    async fn load_cached(&self, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        let mut restarts = Restarts::default();
        loop {
            let session = self.http.session.of_one_version(&self.http.entry.json);
            match self.load_once(&session, options).await {
                Err(error) if restarts.after(&error) => {}
                done => return done,
            }
        }
    }

    async fn load_once(&self, session: &Session, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        let stored = self.stored(options).await?;
        match (stored, self.policy) {
            (Some((artifacts, _)), CachePolicy::CacheFirst | CachePolicy::OnlyCache) => {
                finish_load(artifacts, options).await
            }
            (None, CachePolicy::OnlyCache) => {
                Err(Error::new(ErrorKind::NotFound, "the model is not in the cache, and nothing else may be asked"))
            }
            (Some((artifacts, validator)), _) => match self.ask(session, &validator, &options.limits).await {
                Ok(Answer::Unchanged) => finish_load(artifacts, options).await,
                Ok(Answer::Changed { json, validator }) => self.replace(session, &json, &validator, options).await,
                // A server that is away is what a cache is for.
                Err(error) if error.is_transient() => finish_load(artifacts, options).await,
                Err(error) => Err(error),
            },
            (None, _) => match self.ask(session, &Validator::NONE, &options.limits).await? {
                Answer::Changed { json, validator } => self.replace(session, &json, &validator, options).await,
                Answer::Unchanged => Err(Error::new(
                    ErrorKind::Unexpected,
                    "the server says that nothing has changed, but nothing is stored",
                )),
            },
        }
    }

    /// What is stored, lazily, if it is of this URL and whole. A damaged copy is none.
    async fn stored(&self, options: &LoadOptions) -> Result<Option<(ModelArtifacts, Validator)>, Error> {
        let lazy = LoadOptions::lazy()
            .with_surplus_bytes(options.surplus_bytes)
            .with_limits(options.limits)
            .with_links(options.links);
        let mut artifacts = match self.store.load(&lazy).await {
            Ok(artifacts) => artifacts,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidData) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(entry) = take_entry(&mut artifacts) else { return Ok(None) };
        let text = |key: &str| entry.member(key)?.as_str().map(std::borrow::Cow::into_owned);
        if text("url").as_deref() != Some(self.location().as_str()) {
            return Ok(None);
        }
        Ok(Some((artifacts, Validator::new(text("etag"), text("lastModified")))))
    }

    /// Asks for `model.json`, unless it is still the one that came with this validator.
    async fn ask(&self, session: &Session, validator: &Validator, limits: &Limits) -> Result<Answer, Error> {
        let url = &self.http.entry.json;
        let mut retries = Retries::new(session.client.config().retry);
        loop {
            let mut ask = Ask::new(Method::GET, url, &retries);
            if let Some(etag) = validator.etag() {
                ask = ask.with_header(IF_NONE_MATCH, etag);
            } else if let Some(date) = validator.last_modified() {
                ask = ask.with_header(IF_MODIFIED_SINCE, date);
            }
            let asked = async {
                let response = session.send(ask).await.map_err(|failure| failure.error)?;
                if response.status == StatusCode::NOT_MODIFIED {
                    return Ok(Answer::Unchanged);
                }
                let validator = response.validator();
                Ok(Answer::Changed { json: read_json(response, limits, Limit::JsonBytes).await?, validator })
            };
            match asked.await {
                Ok(answer) => return Ok(answer),
                Err(error) => retries.after(at(url, Operation::Load)(error)).await?,
            }
        }
    }

    /// Stores the model, its weights streamed, and loads it from there.
    async fn replace(
        &self,
        session: &Session,
        json: &[u8],
        validator: &Validator,
        options: &LoadOptions,
    ) -> Result<ModelArtifacts, Error> {
        let loader = Loader { session, entry: &self.http.entry, progress: None };
        let lazy = LoadOptions::lazy()
            .with_surplus_bytes(options.surplus_bytes)
            .with_limits(options.limits)
            .with_links(options.links);
        let fetched = loader.load_weights(json, &lazy).await?;
        if let Some(weights) = &fetched.weights {
            weights.verify().await?;
        }
        let mut kept = fetched.clone();
        kept.unknown.push((KEY.to_owned(), self.entry(validator)?));
        if let Err(error) = self.store.save(&kept, &SaveOptions::new()).await {
            // No room for a copy is no reason to have no model; weights that cannot be had are.
            return match error.kind() {
                ErrorKind::StorageFull | ErrorKind::PermissionDenied => finish_load(fetched, options).await,
                _ => Err(error),
            };
        }
        let mut artifacts = self.store.load(options).await?;
        take_entry(&mut artifacts);
        Ok(artifacts)
    }

    /// What is kept beside the model.
    fn entry(&self, validator: &Validator) -> Result<RawJson, Error> {
        let location = self.location();
        let members =
            [("url", Some(location.as_str())), ("etag", validator.etag()), ("lastModified", validator.last_modified())];
        let members = members.into_iter().filter_map(|(key, value)| Some((key, RawJson::string(value?))));
        let bad = |error| Error::new(ErrorKind::Unexpected, "the validator cannot be kept").with_source(error);
        RawJson::from_entries(members).map_err(bad)
    }

    /// The model's URL without secrets.
    fn location(&self) -> Location {
        Location::new(self.http.entry.json.as_str())
    }
}

fn take_entry(artifacts: &mut ModelArtifacts) -> Option<RawJson> {
    let index = artifacts.unknown.iter().position(|(key, _)| key == KEY)?;
    Some(artifacts.unknown.remove(index).1)
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl<S: IoHandler> LoadHandler for Cached<S> {
    async fn load(&self, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        self.http.in_time(Operation::Load, Box::pin(self.load_cached(options))).await
    }
}
