//! The client of reqwest, made when it is first used.

use std::sync::OnceLock;

use crate::message::header::CONTENT_LENGTH;
use futures::TryStreamExt as _;
use tfjs_artifacts::{Error, ErrorKind};

use super::{Failure, Incoming, Outgoing};
use crate::client::Config;
use crate::timer;

/// Connections, pooled.
#[derive(Default)]
pub(crate) struct Transport(OnceLock<reqwest::Client>);

impl Transport {
    /// A client that the user made.
    #[cfg(feature = "reqwest-client")]
    pub(crate) fn of(client: reqwest::Client) -> Self {
        Self(client.into())
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn send(&self, config: &Config, outgoing: Outgoing<'_>) -> Result<Incoming, Failure> {
        timer::need_runtime()?;
        let Outgoing { method, url, mut headers, body, .. } = outgoing;
        let mut request = self.client(config)?.request(method, url.clone());
        if let Some(upload) = body {
            headers.insert(CONTENT_LENGTH, upload.byte_length().into());
            request = request.body(reqwest::Body::wrap_stream(upload.stream()));
        }
        let response = request.headers(headers).send().await;
        let response =
            response.map_err(|error| Failure { is_unsent: error.is_connect(), error: transport_error(error) })?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = Box::pin(response.bytes_stream().map_err(transport_error));
        Ok(Incoming { status, headers, length_hint: None, body })
    }

    fn client(&self, config: &Config) -> Result<&reqwest::Client, Error> {
        if let Some(client) = self.0.get() {
            return Ok(client);
        }
        let client = build(config)?;
        Ok(self.0.get_or_init(|| client))
    }
}

/// Redirects are followed by us, proxies are named to us, and time is kept by us.
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
#[cfg(feature = "rustls")]
fn with_tls(builder: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder, Error> {
    use rustls_platform_verifier::BuilderVerifierExt;
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let tls = tls.and_then(BuilderVerifierExt::with_platform_verifier).map_err(cannot)?;
    Ok(builder.tls_backend_preconfigured(tls.with_no_client_auth()))
}

/// The system's TLS is reqwest's own choice.
#[cfg(not(feature = "rustls"))]
#[expect(clippy::unnecessary_wraps, reason = "rustls can fail")]
fn with_tls(builder: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder, Error> {
    Ok(builder)
}

fn cannot(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Unexpected, "cannot set up the HTTP client").with_source(error)
}

/// What the connection did, without the URL, which may have secrets.
fn transport_error(error: reqwest::Error) -> Error {
    let error = error.without_url();
    let (kind, message) = if error.is_timeout() {
        (ErrorKind::Timeout, "nothing came from the server in time")
    } else if error.is_builder() {
        (ErrorKind::InvalidUrl, "the request cannot be made")
    } else if error.is_connect() {
        (ErrorKind::Transport, "cannot connect to the server")
    } else if error.is_decode() {
        (ErrorKind::Transport, "the body breaks off or cannot be decoded")
    } else {
        (ErrorKind::Transport, "the connection broke")
    };
    Error::new(kind, message).with_source(error)
}
