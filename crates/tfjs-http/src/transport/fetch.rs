//! `fetch`, in a page or a worker.

mod blob;
mod explain;
mod thrown;

use crate::message::header::{ACCEPT_ENCODING, CONTENT_LENGTH, RANGE};
use crate::message::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use bytes::Bytes;
use futures::stream;
use js_sys::{ArrayBuffer, Function, Promise, Reflect, Uint8Array};
use tfjs_artifacts::{BoxStream, Error, ErrorKind};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, Headers, ReadableStreamDefaultReader, Request, RequestCache, RequestCredentials, RequestInit,
    RequestMode, RequestRedirect, Response, ResponseType,
};

use self::thrown::{Thrown, cannot, thrown};
use super::{Failure, Incoming, Outgoing};
use crate::client::Config;
use crate::{FetchCache, FetchCredentials, FetchMode};

/// The browser has the connections.
#[derive(Debug, Default)]
pub(crate) struct Transport;

impl Transport {
    /// Sends a request and waits for the head of its answer. Dropping the future, or the body that it leads to, aborts the
    /// request.
    pub(crate) async fn send(&self, config: &Config, outgoing: Outgoing<'_>) -> Result<Incoming, Failure> {
        let abort = AbortOnDrop::new()?;
        let init = init(config, &outgoing, &abort)?;
        if let Some(upload) = outgoing.body {
            let body = blob::collect(upload).await?;
            init.set_body(&body);
        }
        let promise = fetch(outgoing.url.as_str(), &init)?;
        let response: Response = match JsFuture::from(promise).await {
            Ok(response) => response.unchecked_into(),
            Err(value) => return Err(sent(explain::no_answer(config, &outgoing, Thrown::new(&value)))),
        };
        check_that_it_is_shown(&response).map_err(sent)?;
        incoming(&response, outgoing.headers.contains_key(&RANGE), abort).map_err(sent)
    }
}

/// A browser does not tell what the server has seen.
fn sent(error: Error) -> Failure {
    Failure { error, is_unsent: false }
}

/// Aborts a request when it is dropped, which does nothing to one that has ended.
#[derive(Debug)]
struct AbortOnDrop(AbortController);

impl AbortOnDrop {
    fn new() -> Result<Self, Error> {
        AbortController::new().map(Self).map_err(|value| cannot(&value, "requests cannot be aborted here"))
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What `fetch` is told, but for the body.
fn init(config: &Config, outgoing: &Outgoing<'_>, abort: &AbortOnDrop) -> Result<RequestInit, Error> {
    let init = RequestInit::new();
    init.set_method(outgoing.method.as_str());
    let headers = headers(&outgoing.headers)?;
    init.set_headers(&headers);
    init.set_signal(Some(&abort.0.signal()));
    init.set_credentials(match config.fetch.credentials {
        FetchCredentials::SameOrigin => RequestCredentials::SameOrigin,
        FetchCredentials::Include => RequestCredentials::Include,
        FetchCredentials::Omit => RequestCredentials::Omit,
    });
    init.set_mode(match (config.fetch.mode, config.fetch.cache) {
        (FetchMode::NoCors, _) => RequestMode::NoCors,
        // `fetch` has this cache for the page's own origin only, and wants to hear that.
        (FetchMode::Cors, FetchCache::OnlyIfCached) => RequestMode::SameOrigin,
        (FetchMode::Cors, _) => RequestMode::Cors,
    });
    init.set_cache(match config.fetch.cache {
        _ if outgoing.passes_cache => RequestCache::Reload,
        FetchCache::Default => RequestCache::Default,
        FetchCache::NoStore => RequestCache::NoStore,
        FetchCache::Reload => RequestCache::Reload,
        FetchCache::NoCache => RequestCache::NoCache,
        FetchCache::ForceCache => RequestCache::ForceCache,
        FetchCache::OnlyIfCached => RequestCache::OnlyIfCached,
    });
    if outgoing.body.is_some() && config.fetch.mode == FetchMode::Cors {
        // What is followed may have become a `GET` without the body, and nobody would tell.
        init.set_redirect(RequestRedirect::Manual);
    }
    Ok(init)
}

fn headers(map: &HeaderMap) -> Result<Headers, Error> {
    let headers = Headers::new().map_err(|value| cannot(&value, CANNOT_MAKE))?;
    // The browser says by itself what it decodes.
    for (name, value) in map.iter().filter(|(name, _)| **name != ACCEPT_ENCODING) {
        // In JavaScript a byte of a header is a character.
        let text: String = value.as_bytes().iter().copied().map(char::from).collect();
        headers.append(name.as_str(), &text).map_err(|value| cannot(&value, CANNOT_MAKE))?;
    }
    Ok(headers)
}

/// Calls the `fetch` of the page or the worker.
fn fetch(url: &str, init: &RequestInit) -> Result<Promise, Error> {
    let call = || {
        // What is wrong with the arguments is said here, and what happens to the request by the promise.
        let request = Request::new_with_str_and_init(url, init)?;
        let global = js_sys::global();
        let fetch: Function = Reflect::get(&global, &"fetch".into())?.dyn_into()?;
        Ok(fetch.call1(&global, &request)?.unchecked_into())
    };
    call().map_err(|value: JsValue| cannot(&value, CANNOT_MAKE))
}

const CANNOT_MAKE: &str = "the browser does not make this request";

/// Refuses the answers that a page is not shown.
fn check_that_it_is_shown(response: &Response) -> Result<(), Error> {
    match response.type_() {
        ResponseType::Opaqueredirect => {
            let message = "the server redirects the upload, and a browser does not tell where to, nor whether the body \
                           would arrive there; nothing was saved: upload to the URL that takes it";
            Err(Error::new(ErrorKind::InvalidUrl, message))
        }
        ResponseType::Opaque => {
            let message = "the request was sent, but in the mode `no-cors` a page is not shown the answer, not even \
                           whether there was success; use `FetchMode::Cors`";
            Err(Error::new(ErrorKind::Unsupported, message))
        }
        _ => Ok(()),
    }
}

/// The answer, which keeps its request from being aborted.
fn incoming(response: &Response, is_of_range: bool, abort: AbortOnDrop) -> Result<Incoming, Error> {
    let status = StatusCode::from_u16(response.status()).map_err(|error| {
        let message = format!("the browser shows the status {}, which is none", response.status());
        Error::new(ErrorKind::Unexpected, message).with_source(error)
    })?;
    let mut headers = header_map(response);
    let mut length_hint = None;
    // What another origin has sent may be encoded without the page being shown that; ranges are asked for as they are.
    if response.type_() == ResponseType::Cors && !is_of_range {
        let told = headers.remove(&CONTENT_LENGTH);
        length_hint = told.and_then(|told| told.to_str().ok()?.trim().parse().ok());
    }
    Ok(Incoming { status, headers, length_hint, body: body(response, abort)? })
}

/// The headers that the page is shown.
fn header_map(response: &Response) -> HeaderMap {
    let mut map = HeaderMap::new();
    for pair in js_sys::try_iter(&response.headers()).ok().flatten().into_iter().flatten().flatten() {
        let text = |index| Reflect::get_u32(&pair, index).ok()?.as_string();
        let Some((name, value)) = text(0).zip(text(1)) else { continue };
        // Characters are bytes here.
        let value: Vec<u8> = value.chars().filter_map(|letter| u8::try_from(letter).ok()).collect();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::try_from(value)) {
            map.append(name, value);
        }
    }
    map
}

/// The body as it arrives. Reading or dropping it to its end lets go of the request.
fn body(response: &Response, abort: AbortOnDrop) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
    let Some(body) = response.body() else { return Ok(Box::pin(stream::empty())) };
    let reader = ReadableStreamDefaultReader::new(&body).map_err(|value| cannot(&value, "the body cannot be read"))?;
    Ok(Box::pin(stream::try_unfold((reader, abort), async |(reader, abort)| {
        let read = JsFuture::from(reader.read()).await.and_then(|read| {
            let is_done = Reflect::get(&read, &"done".into())?.is_truthy();
            let chunk = Reflect::get(&read, &"value".into())?;
            // A page may have put something else in the place of `fetch`.
            if !is_done && !ArrayBuffer::is_view(&chunk) {
                return Err(js_sys::TypeError::new("the body does not come as bytes").into());
            }
            Ok((!is_done).then(|| Uint8Array::new(&chunk)))
        });
        let chunk = read.map_err(|value| thrown(ErrorKind::Transport, &value, "the connection broke"))?;
        Ok(chunk.map(|chunk| (Bytes::from(chunk.to_vec()), (reader, abort))))
    })))
}
