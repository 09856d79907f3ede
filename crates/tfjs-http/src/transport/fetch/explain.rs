//! Why there may be no answer: `fetch` says of everything that it failed, lest a page learn about servers that it may not see.

use crate::message::{HeaderName, HeaderValue, Method};
use js_sys::Reflect;
use tfjs_artifacts::{Error, ErrorKind};

use super::thrown::Thrown;
use crate::client::Config;
use crate::transport::Outgoing;
use crate::{FetchCache, FetchCredentials};

/// An error with the causes that this request can have.
pub(super) fn no_answer(config: &Config, outgoing: &Outgoing<'_>, thrown: Thrown) -> Error {
    let (page, server) = (page_origin(), outgoing.url.origin().ascii_serialization());
    let causes = causes(config, outgoing, &page, &server);
    let message = format!(
        "the browser shows the page (`{}`) no answer of `{}` and does not tell why; {causes}",
        page.escape_debug(),
        server.escape_debug()
    );
    Error::new(ErrorKind::Transport, message).with_source(thrown)
}

fn causes(config: &Config, outgoing: &Outgoing<'_>, page: &str, server: &str) -> String {
    if config.fetch.cache == FetchCache::OnlyIfCached {
        return "it is not in the cache, or not of the page's own origin (`FetchCache::OnlyIfCached`)".to_owned();
    }
    if page.starts_with("https:") && outgoing.url.scheme() == "http" && !outgoing.url.is_loopback() {
        return "a page over `https` may not use `http` (mixed content): use an `https` URL".to_owned();
    }
    let mut causes = vec!["the server cannot be reached".to_owned()];
    if page != server {
        causes.extend(cors(config, outgoing));
    }
    causes.push(
        "or the page's Content-Security-Policy or an extension blocks it; the browser's console says which".to_owned(),
    );
    causes.join(", ")
}

/// What the server has to allow to pages of other origins.
fn cors(config: &Config, outgoing: &Outgoing<'_>) -> Vec<String> {
    let origin = match config.fetch.credentials {
        FetchCredentials::Include => {
            "or it does not name the page's origin in `Access-Control-Allow-Origin` (`*` is not enough with credentials) \
             together with `Access-Control-Allow-Credentials: true`"
        }
        _ => {
            "or it does not allow the page's origin with `Access-Control-Allow-Origin` (CORS; on S3 and GCS a setting of \
             the bucket)"
        }
    };
    let mut causes = vec![origin.to_owned()];
    if ![Method::GET, Method::HEAD, Method::POST].contains(&outgoing.method) {
        causes.push(format!("or not the method with `Access-Control-Allow-Methods: {}`", outgoing.method));
    }
    let asked_for = outgoing.headers.iter().filter(|(name, value)| !is_simple(name, value));
    let mut names: Vec<_> = asked_for.map(|(name, _)| name.as_str()).collect();
    names.dedup();
    if !names.is_empty() {
        causes.push(format!("or not the headers with `Access-Control-Allow-Headers: {}`", names.join(", ")));
    }
    causes
}

/// Whether a header needs no permission: what the Fetch standard calls CORS-safelisted, and what never gets there.
fn is_simple(name: &HeaderName, value: &HeaderValue) -> bool {
    let value = value.to_str().unwrap_or_default();
    match name.as_str() {
        "accept" | "accept-encoding" | "accept-language" | "content-language" => true,
        "content-type" => value.starts_with("multipart/form-data"),
        "range" => value.strip_prefix("bytes=").is_some_and(|range| !range.starts_with('-')),
        _ => false,
    }
}

/// The origin of the page or the worker.
fn page_origin() -> String {
    let origin = Reflect::get(&js_sys::global(), &"origin".into());
    origin.ok().and_then(|origin| origin.as_string()).unwrap_or_else(|| "null".to_owned())
}
