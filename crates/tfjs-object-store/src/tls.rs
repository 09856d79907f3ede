//! TLS for object_store's requests: rustls with ring, as everywhere in this workspace, and the certificates that the system trusts.

use std::sync::Arc;
use std::time::Duration;

use object_store::client::{HttpClient, HttpConnector};
use object_store::{ClientConfigKey, ClientOptions};
use rustls_platform_verifier::BuilderVerifierExt as _;

/// Makes the client that object_store would make, but for its TLS, which is rustls with ring and the certificates that the system
/// trusts.
///
/// [`ObjectStoreRoutes`](crate::ObjectStoreRoutes) use it by themselves. A store that is built elsewhere needs it too, unless the
/// program chose a cryptography for rustls (`CryptoProvider::install_default`): reqwest panics without any.
///
/// It heeds the timeouts, the proxy, the user agent, the HTTP version and `allow_http` of
/// [`ClientOptions`]; certificates of one's own cannot be passed on, and what would switch the
/// verification off is refused.
///
/// ```
/// # #[cfg(feature = "gcs")] {
/// use tfjs_object_store::{RustlsConnector, object_store::gcp::GoogleCloudStorageBuilder};
///
/// let store = GoogleCloudStorageBuilder::new()
///     .with_bucket_name("bucket")
///     .with_http_connector(RustlsConnector::new())
///     .build()?;
/// # let _ = store;
/// # }
/// # Ok::<(), tfjs_object_store::object_store::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct RustlsConnector {}

impl RustlsConnector {
    /// A connector.
    pub fn new() -> Self {
        Self::default()
    }
}

impl HttpConnector for RustlsConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(client(&Settings(options))?))
    }
}

fn client(settings: &Settings<'_>) -> object_store::Result<reqwest::Client> {
    use ClientConfigKey as Key;
    settings.refuse(&[Key::AllowInvalidCertificates, Key::NoSystemCertificates, Key::ProxyCaCertificate])?;
    let user_agent = settings.0.get_config_value(&Key::UserAgent);
    let user_agent = user_agent.unwrap_or_else(|| concat!("tfjs-object-store/", env!("CARGO_PKG_VERSION")).to_owned());
    let mut builder = reqwest::Client::builder()
        .user_agent(user_agent)
        .https_only(!settings.is_on(Key::AllowHttp))
        .no_proxy()
        // A length must be that of the object.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate();
    if let Some(proxy) = settings.0.get_config_value(&Key::ProxyUrl) {
        let excludes = settings.0.get_config_value(&Key::ProxyExcludes);
        let excludes = excludes.as_deref().and_then(reqwest::NoProxy::from_string);
        builder = builder.proxy(reqwest::Proxy::all(proxy).map_err(cannot)?.no_proxy(excludes));
    }
    if let Some(timeout) = settings.duration(Key::Timeout)? {
        builder = builder.timeout(timeout);
    }
    if let Some(timeout) = settings.duration(Key::ConnectTimeout)? {
        builder = builder.connect_timeout(timeout);
    }
    if let Some(timeout) = settings.duration(Key::ReadTimeout)? {
        builder = builder.read_timeout(timeout);
    }
    if let Some(timeout) = settings.duration(Key::PoolIdleTimeout)? {
        builder = builder.pool_idle_timeout(timeout);
    }
    if settings.is_on(Key::Http1Only) {
        builder = builder.http1_only();
    }
    if settings.is_on(Key::Http2Only) {
        builder = builder.http2_prior_knowledge();
    }
    builder.tls_backend_preconfigured(tls()?).build().map_err(cannot)
}

fn tls() -> object_store::Result<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let tls = tls.and_then(rustls::ConfigBuilder::with_platform_verifier).map_err(cannot)?;
    Ok(tls.with_no_client_auth())
}

fn cannot(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> object_store::Error {
    object_store::Error::Generic { store: "HTTP client", source: error.into() }
}

/// What the builder of a store was told about its requests.
struct Settings<'o>(&'o ClientOptions);

impl Settings<'_> {
    fn is_on(&self, key: ClientConfigKey) -> bool {
        self.0.get_config_value(&key).is_some_and(|value| value == "true")
    }

    fn duration(&self, key: ClientConfigKey) -> object_store::Result<Option<Duration>> {
        let value = self.0.get_config_value(&key);
        value.map(|value| humantime::parse_duration(&value)).transpose().map_err(cannot)
    }

    /// Settings that would not be heeded.
    fn refuse(&self, keys: &[ClientConfigKey]) -> object_store::Result<()> {
        let is_set = |key: &&ClientConfigKey| self.0.get_config_value(key).is_some_and(|value| value != "false");
        let Some(key) = keys.iter().find(is_set) else { return Ok(()) };
        let message = format!("`{}` cannot be set here; bring a store that was built with it", key.as_ref());
        Err(object_store::Error::NotSupported { source: message.into() })
    }
}
