//! The one policy of all requests.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crate::message::header::AUTHORIZATION;
use crate::message::{HeaderName, HeaderValue, Method};
use tfjs_artifacts::{Error, ErrorKind, MaybeSend, MaybeSync};

use crate::address::{Address, Origin};
use crate::options::{HeaderList, RequestHook, UrlConverter};
use crate::transport::{Failure, Incoming, Outgoing, Transport};
use crate::{FileRef, RequestInfo, RetryPolicy, ShardQuery};

/// How requests are made: one policy for `model.json`, weight files and uploads.
///
/// It is a value: each method returns a changed copy, and cloning is cheap. Connections are pooled between clones.
///
/// Headers, bearer token and what a request hook adds go to the origin of the model's URL, to that of the second URL if there
/// are two, to that of a weight path prefix, and to origins named with [`with_credentials_for`](Self::with_credentials_for); to no other,
/// also across redirects. The user info of a URL goes to its own origin, and to those that are named, but not to that of a second URL.
///
/// Natively requests are made within a runtime of Tokio that has I/O and time: `enable_all`, or `enable_io` and `enable_time`, of its
/// `Builder`. Without a runtime they are errors; in one without time Tokio panics, which nobody can find out before.
///
/// ```
/// use std::time::Duration;
/// use tfjs_http::{HttpClient, RetryPolicy};
///
/// let client = HttpClient::new()
///     .with_header("X-Api-Key", "secret")?
///     .with_idle_timeout(Duration::from_secs(10))
///     .with_retry(RetryPolicy::new().with_attempts(6));
/// assert!(!format!("{client:?}").contains("secret"));
/// # Ok::<(), tfjs_artifacts::Error>(())
/// ```
#[derive(Clone)]
pub struct HttpClient {
    config: Arc<Config>,
    transport: Arc<Transport>,
}

/// Everything that a client was told.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) headers: Vec<Header>,
    pub(crate) hook: Option<Arc<dyn RequestHook>>,
    pub(crate) converter: Option<Arc<dyn UrlConverter>>,
    pub(crate) credential_origins: Vec<Origin>,
    pub(crate) connect_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) total_timeout: Option<Duration>,
    pub(crate) retry: RetryPolicy,
    pub(crate) concurrency: NonZeroUsize,
    pub(crate) shard_query: ShardQuery,
    pub(crate) weight_path_prefix: Option<String>,
    pub(crate) is_tf_hub: bool,
    pub(crate) allows_downgrade: bool,
    pub(crate) upload: UploadConfig,
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) proxy: Option<reqwest::Proxy>,
    #[cfg(target_arch = "wasm32")]
    pub(crate) fetch: FetchConfig,
}

/// A header of every request.
#[derive(Clone)]
pub(crate) struct Header {
    pub(crate) name: HeaderName,
    pub(crate) value: HeaderValue,
    pub(crate) reach: Reach,
}

/// Where a header goes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Reach {
    /// To all origins that get credentials.
    Trusted,
    /// To this one of them.
    Only(Origin),
    /// To any origin.
    Public,
}

/// How models are saved.
#[derive(Clone)]
pub(crate) struct UploadConfig {
    pub(crate) method: Method,
    pub(crate) json_part: String,
    pub(crate) weights_part: String,
    pub(crate) mode: SaveMode,
}

/// In how many requests and parts a model is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SaveMode {
    /// One form with the JSON and all weights in one file.
    Form,
    /// One form with the JSON and each weight file.
    FormOfFiles,
    /// A request for each file.
    PutPerFile,
}

/// What only `fetch` knows.
#[cfg(target_arch = "wasm32")]
#[derive(Clone, Copy)]
pub(crate) struct FetchConfig {
    pub(crate) credentials: crate::FetchCredentials,
    pub(crate) mode: crate::FetchMode,
    pub(crate) cache: crate::FetchCache,
}

impl HttpClient {
    /// No credentials; four attempts; six weight files at once; 30 s to connect and 30 s without a byte.
    pub fn new() -> Self {
        let config = Config {
            headers: Vec::new(),
            hook: None,
            converter: None,
            credential_origins: Vec::new(),
            connect_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(30),
            total_timeout: None,
            retry: RetryPolicy::new(),
            concurrency: const { NonZeroUsize::new(6).unwrap() },
            shard_query: ShardQuery::Inherit,
            weight_path_prefix: None,
            is_tf_hub: false,
            allows_downgrade: false,
            upload: UploadConfig {
                method: Method::POST,
                json_part: "model.json".to_owned(),
                weights_part: "model.weights.bin".to_owned(),
                mode: SaveMode::Form,
            },
            #[cfg(not(target_arch = "wasm32"))]
            proxy: None,
            #[cfg(target_arch = "wasm32")]
            fetch: FetchConfig {
                credentials: crate::FetchCredentials::SameOrigin,
                mode: crate::FetchMode::Cors,
                cache: crate::FetchCache::Default,
            },
        };
        Self::of(config)
    }

    fn of(config: Config) -> Self {
        Self { config: Arc::new(config), transport: Arc::default() }
    }

    /// Sends this header with every request to the model's origin. Its value is never printed.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when name or value cannot be sent.
    pub fn with_header(self, name: &str, value: &str) -> Result<Self, Error> {
        let header = header(name, value)?;
        Ok(self.with(|config| config.headers.push(header)))
    }

    /// Sends this header with every request to any origin: for what is no secret.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when name or value cannot be sent.
    pub fn with_public_header(self, name: &str, value: &str) -> Result<Self, Error> {
        let header = Header { reach: Reach::Public, ..header(name, value)? };
        Ok(self.with(|config| config.headers.push(header)))
    }

    /// Sends this header to the origin of this URL alone, where it gets credentials at all; there in place of others of that name.
    /// For a copy between two servers, each of which has a secret of its own.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when it is no `http` or `https` URL, or name or value cannot be sent.
    pub fn with_header_for(self, url: &str, name: &str, value: &str) -> Result<Self, Error> {
        let reach = Reach::Only(Address::parse(url)?.url.origin());
        let header = Header { reach, ..header(name, value)? };
        Ok(self.with(|config| config.headers.push(header)))
    }

    /// By what it is decided who gets credentials: the origin of a URL as browsers write it, such as `https://example.org`, with
    /// the port if it is not the scheme's own.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when it is no `http` or `https` URL.
    pub fn origin_of(url: &str) -> Result<String, Error> {
        Ok(Address::parse(url)?.url.origin().ascii_serialization())
    }

    /// Sends `Authorization: Bearer` with this token, in place of one that was set before.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when the token cannot be sent.
    pub fn with_bearer_token(self, token: &str) -> Result<Self, Error> {
        let header = header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))?;
        Ok(self.with(|config| {
            config.headers.retain(|header| header.name != AUTHORIZATION || matches!(header.reach, Reach::Only(_)));
            config.headers.push(header);
        }))
    }

    /// Also sends credentials to the origin of this URL: that of signed weight files, or of a mirror.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when it is no `http` or `https` URL.
    pub fn with_credentials_for(self, url: &str) -> Result<Self, Error> {
        let origin = Address::parse(url)?.url.origin();
        Ok(self.with(|config| config.credential_origins.push(origin)))
    }

    /// Calls an async function before each request to an origin that gets credentials, and sends the headers that it returns:
    /// for tokens that expire. They replace headers of the same name.
    #[must_use]
    pub fn with_request_hook<F, R>(self, hook: F) -> Self
    where
        F: Fn(RequestInfo) -> R + MaybeSend + MaybeSync + 'static,
        R: Future<Output = Result<HeaderList, Error>> + MaybeSend + 'static,
    {
        self.with(|config| config.hook = Some(Arc::new(hook)))
    }

    /// Calls an async function for the URL of each weight file, in place of prefix and query: for signed URLs. What it returns
    /// is used as it is, relative to the model's URL if it is relative. On another origin it gets no credentials.
    ///
    /// When models are saved file by file, it is also called for these URLs.
    #[must_use]
    pub fn with_weight_url_converter<F, R>(self, converter: F) -> Self
    where
        F: Fn(FileRef) -> R + MaybeSend + MaybeSync + 'static,
        R: Future<Output = Result<String, Error>> + MaybeSend + 'static,
    {
        self.with(|config| config.converter = Some(Arc::new(converter)))
    }

    /// Puts this before the path of each weight file, in place of the folder of the model's URL. As in TensorFlow.js the texts
    /// are joined without a slash; an empty prefix is none. Its origin gets credentials.
    #[must_use]
    pub fn with_weight_path_prefix(self, prefix: &str) -> Self {
        let prefix = Some(prefix.to_owned()).filter(|prefix| !prefix.is_empty());
        self.with(|config| config.weight_path_prefix = prefix)
    }

    /// Says whether weight files are asked for with the query of the model's URL.
    #[must_use]
    pub fn with_shard_query(self, query: ShardQuery) -> Self {
        self.with(|config| config.shard_query = query)
    }

    /// Takes URLs for those of models on TensorFlow Hub: `model.json?tfjs-format=file` is appended.
    #[must_use]
    pub fn with_tf_hub(self) -> Self {
        self.with(|config| config.is_tf_hub = true)
    }

    /// How many weight files of a model are moved at once; 1 for one after the other. 6 unless told otherwise.
    #[must_use]
    pub fn with_concurrency(self, files: NonZeroUsize) -> Self {
        self.with(|config| config.concurrency = files)
    }

    /// Says how often requests are tried.
    #[must_use]
    pub fn with_retry(self, retry: RetryPolicy) -> Self {
        self.with(|config| config.retry = retry)
    }

    /// The longest time to make a connection. On wasm32 the browser decides, and this does nothing.
    #[must_use]
    pub fn with_connect_timeout(self, timeout: Duration) -> Self {
        self.with_new_transport(|config| config.connect_timeout = timeout)
    }

    /// The longest time without a byte in either direction, 30 s unless told otherwise. There is no limit for a whole request: who is
    /// slow but alive is served. Who is silent for so long is asked once more, see [`RetryPolicy`], so that a load takes twice as long to
    /// give up.
    /// An upload has a second more for each 16 KiB, at most 256, since nobody can see what is on its way.
    #[must_use]
    pub fn with_idle_timeout(self, timeout: Duration) -> Self {
        self.with(|config| config.idle_timeout = timeout)
    }

    /// The longest time for a whole load or save, or one read of a lazy model, retries included. None unless told.
    #[must_use]
    pub fn with_total_timeout(self, timeout: Duration) -> Self {
        self.with(|config| config.total_timeout = Some(timeout))
    }

    /// Follows redirects from `https` to `http`, which otherwise are errors.
    #[must_use]
    pub fn with_downgrading_redirects(self) -> Self {
        self.with(|config| config.allows_downgrade = true)
    }

    /// Saves with this method in place of `POST`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when it is no method.
    pub fn with_save_method(self, method: &str) -> Result<Self, Error> {
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|error| Error::new(ErrorKind::InvalidUrl, "this is no HTTP method").with_source(error))?;
        Ok(self.with(|config| config.upload.method = method))
    }

    /// The names of the two parts of an upload, for servers that cannot take the dots of `model.json` and
    /// `model.weights.bin`. The files in them keep those names.
    #[must_use]
    pub fn with_part_names(self, json: &str, weights: &str) -> Self {
        self.with(|config| {
            json.clone_into(&mut config.upload.json_part);
            weights.clone_into(&mut config.upload.weights_part);
        })
    }

    /// Saves each file with a `PUT` of its own below the model's URL, the weight files first and `model.json` last, in place of
    /// one upload.
    #[must_use]
    pub fn with_put_per_file(self) -> Self {
        self.with(|config| config.upload.mode = SaveMode::PutPerFile)
    }

    /// Uploads each weight file as a part of its own, whose name and file name are its path in the manifest, in place of one part
    /// with all weights. So groups, what the manifest says of them, and the cuts between files arrive as they are; TensorFlow.js
    /// joins them, and a server made for its uploads may know no further parts. That of `tfjs-server` does.
    #[must_use]
    pub fn with_part_per_file(self) -> Self {
        self.with(|config| config.upload.mode = SaveMode::FormOfFiles)
    }

    /// Connects through this proxy. None is used otherwise: the environment is not read.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when it is no URL of a proxy.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn with_proxy(self, url: &str) -> Result<Self, Error> {
        let proxy = reqwest::Proxy::all(url)
            .map_err(|_| Error::new(ErrorKind::InvalidUrl, "this is no URL of a proxy").with_location(url))?;
        Ok(self.with_new_transport(|config| config.proxy = Some(proxy)))
    }

    /// Uses this client of reqwest. Its own proxies, TLS and connect timeout count. It should follow no redirects: what it follows
    /// by itself, it follows with our headers.
    #[cfg(all(not(target_arch = "wasm32"), feature = "reqwest-client"))]
    #[must_use]
    pub fn with_reqwest(mut self, client: reqwest::Client) -> Self {
        self.transport = Arc::new(Transport::of(client));
        self
    }

    /// `credentials` of `fetch`.
    #[cfg(target_arch = "wasm32")]
    #[must_use]
    pub fn with_fetch_credentials(self, credentials: crate::FetchCredentials) -> Self {
        self.with(|config| config.fetch.credentials = credentials)
    }

    /// `mode` of `fetch`.
    #[cfg(target_arch = "wasm32")]
    #[must_use]
    pub fn with_fetch_mode(self, mode: crate::FetchMode) -> Self {
        self.with(|config| config.fetch.mode = mode)
    }

    /// `cache` of `fetch`.
    #[cfg(target_arch = "wasm32")]
    #[must_use]
    pub fn with_fetch_cache(self, cache: crate::FetchCache) -> Self {
        self.with(|config| config.fetch.cache = cache)
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Sends one request and waits for the head of its answer.
    pub(crate) async fn send(&self, outgoing: Outgoing<'_>) -> Result<Incoming, Failure> {
        self.transport.send(&self.config, outgoing).await
    }

    fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }

    /// Also forgets the connections, which were made under another policy.
    fn with_new_transport(mut self, change: impl FnOnce(&mut Config)) -> Self {
        self.transport = Arc::default();
        self.with(change)
    }
}

/// A header that goes to the model's origin only.
pub(crate) fn header(name: &str, value: &str) -> Result<Header, Error> {
    let name = HeaderName::from_bytes(name.as_bytes())
        .map_err(|error| Error::new(ErrorKind::InvalidUrl, "a header cannot have such a name").with_source(error))?;
    // The cause does not repeat the value.
    let mut value = HeaderValue::from_str(value).map_err(|error| {
        Error::new(ErrorKind::InvalidUrl, format!("the header `{name}` cannot have such a value")).with_source(error)
    })?;
    value.set_sensitive(true);
    Ok(Header { name, value, reach: Reach::Trusted })
}

impl Default for HttpClient {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = &self.config;
        let headers: Vec<_> = config.headers.iter().map(|header| header.name.as_str()).collect();
        f.debug_struct("HttpClient")
            .field("headers", &headers)
            .field("concurrency", &config.concurrency)
            .field("retry", &config.retry)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_headers_are_never_printed() {
        let client = HttpClient::new().with_header("X-Key", "hush").unwrap().with_bearer_token("hush").unwrap();
        assert!(!format!("{client:?}").contains("hush"));
        let error = HttpClient::new().with_header("X-Key", "hush\n").unwrap_err();
        assert!(!format!("{error:?}").contains("hush"), "{error:?}");
        assert_eq!(error.to_string(), "the header `x-key` cannot have such a value");
    }

    #[test]
    fn a_bearer_token_replaces_another() {
        let client = HttpClient::new().with_bearer_token("one").unwrap().with_bearer_token("two").unwrap();
        let values: Vec<_> = client.config().headers.iter().map(|header| header.value.as_bytes()).collect();
        assert_eq!(values, [b"Bearer two"]);
    }

    #[test]
    fn origins_as_browsers_write_them() {
        let origin = |url| HttpClient::origin_of(url).ok();
        assert_eq!(
            origin("HTTPS://user:secret@Example.org:443/m?token=secret").as_deref(),
            Some("https://example.org")
        );
        assert_eq!(origin("http://[::1]:80").as_deref(), Some("http://[::1]"));
        assert_eq!(origin("https://h:80/").as_deref(), Some("https://h:80"));
        for other in ["file:///m", "C:\\m", "./m", "s3://bucket/m", "http://"] {
            assert_eq!(origin(other), None, "{other}");
        }
    }
}
