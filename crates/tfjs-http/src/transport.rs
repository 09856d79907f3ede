//! The client of reqwest underneath, made when it is first used.

use std::sync::OnceLock;

use tfjs_artifacts::{Error, ErrorKind};

use crate::client::Config;

/// Connections, pooled.
#[derive(Default)]
pub(crate) struct Transport(OnceLock<reqwest::Client>);

impl Transport {
    /// A client that the user made.
    #[cfg(feature = "reqwest-client")]
    pub(crate) fn of(client: reqwest::Client) -> Self {
        Self(client.into())
    }

    pub(crate) fn client(&self, config: &Config) -> Result<&reqwest::Client, Error> {
        if let Some(client) = self.0.get() {
            return Ok(client);
        }
        let client = build(config)?;
        Ok(self.0.get_or_init(|| client))
    }
}

/// In a browser everything is decided for us.
#[cfg(target_arch = "wasm32")]
fn build(_: &Config) -> Result<reqwest::Client, Error> {
    reqwest::Client::builder().build().map_err(cannot)
}

/// Redirects are followed by us, proxies are named to us, and time is kept by us.
#[cfg(not(target_arch = "wasm32"))]
fn build(config: &Config) -> Result<reqwest::Client, Error> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("tfjs-http/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(config.connect_timeout)
        .no_proxy();
    let builder = match &config.proxy {
        Some(proxy) => builder.proxy(proxy.clone()),
        None => builder,
    };
    with_tls(builder)?.build().map_err(cannot)
}

/// rustls with ring, and the certificates that the system trusts.
#[cfg(all(not(target_arch = "wasm32"), feature = "rustls"))]
fn with_tls(builder: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder, Error> {
    use rustls_platform_verifier::BuilderVerifierExt;
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let tls = tls.and_then(BuilderVerifierExt::with_platform_verifier).map_err(cannot)?;
    Ok(builder.tls_backend_preconfigured(tls.with_no_client_auth()))
}

/// The system's TLS is reqwest's own choice.
#[cfg(all(not(target_arch = "wasm32"), not(feature = "rustls")))]
#[expect(clippy::unnecessary_wraps, reason = "rustls can fail")]
fn with_tls(builder: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder, Error> {
    Ok(builder)
}

fn cannot(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Unexpected, "cannot set up the HTTP client").with_source(error)
}
