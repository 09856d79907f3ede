//! Files that are put, given back, and spoilt on the way, and what was seen meanwhile.
//!
//! `PUT /.fault/CASE/FAULT/PATH` stores a file, `GET` and `HEAD` give it back spoilt as the fault says, whatever the fault under
//! which it was put. `POST` takes an upload. `GET /.seen/CASE` tells all requests of a case: a random name that a test has for
//! itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use bytes::Bytes;
use futures::StreamExt as _;
use serde::Serialize;

use crate::reply::{Cors, Reply};

const MODEL_VERSION: HeaderName = HeaderName::from_static("x-model-version");

/// How files, and answers to uploads, are spoilt. Those with "weights" leave `model.json` as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// `files`: not at all.
    None,
    /// `stall-N`: nothing comes after so many bytes of weights.
    Stall(usize),
    /// `slow`: weights come in four pieces, with pauses.
    Slow,
    /// `missing`: there are no weights.
    Missing,
    /// `html`: a page is in place of the weights.
    Html,
    /// `page`: as before, and its length is not told.
    Page,
    /// `short-N`: there are so many bytes of weights.
    Short(usize),
    /// `cut-N`: the first answer with weights breaks off after so many bytes.
    CutOnce(usize),
    /// `busy`: the first answer is 503.
    BusyOnce,
    /// `gzip`: weights are encoded, which pages of other origins are not shown.
    Gzip,
    /// `encoded`: as before, whatever is asked for, also in place of a range.
    Encoded,
    /// `redirect-STATUS`: it is below `files`.
    Redirect(u16),
    /// `silent`: no header of CORS.
    Silent,
    /// `bare`: pages may read answers, but are shown no further headers, and may send none.
    Bare,
    /// `cookie`: credentials are allowed, and a cookie is set.
    Cookie,
    /// `crawl`: an upload is read slowly.
    Crawl,
    /// `replaced-N`: weights are of the new version of the model, and `model.json` of the old one for so many answers.
    Replaced(usize),
}

impl Fault {
    fn parse(text: &str) -> Option<Self> {
        let (name, number) = text.split_once('-').unwrap_or((text, "0"));
        let number = number.parse().ok()?;
        Some(match name {
            "files" => Self::None,
            "stall" => Self::Stall(number),
            "slow" => Self::Slow,
            "missing" => Self::Missing,
            "html" => Self::Html,
            "page" => Self::Page,
            "short" => Self::Short(number),
            "cut" => Self::CutOnce(number),
            "busy" => Self::BusyOnce,
            "gzip" => Self::Gzip,
            "encoded" => Self::Encoded,
            "redirect" => Self::Redirect(u16::try_from(number).ok()?),
            "silent" => Self::Silent,
            "bare" => Self::Bare,
            "cookie" => Self::Cookie,
            "crawl" => Self::Crawl,
            "replaced" => Self::Replaced(number),
            _ => return None,
        })
    }

    fn cors(self) -> Cors {
        match self {
            Self::Silent => Cors::None,
            Self::Bare | Self::Gzip | Self::Encoded => Cors::Bare,
            Self::Cookie => Cors::Credentials,
            _ => Cors::Open,
        }
    }
}

/// All cases.
#[derive(Clone, Default)]
struct Faults(Arc<Mutex<BTreeMap<String, Case>>>);

#[derive(Default)]
struct Case {
    files: BTreeMap<String, Bytes>,
    seen: Vec<Seen>,
}

/// A request.
#[derive(Clone, Default, Serialize)]
struct Seen {
    method: String,
    /// The fault and the path.
    path: String,
    headers: BTreeMap<String, String>,
    /// Bytes of its body that have arrived.
    received: u64,
    /// Whether it, or its answer, was let go before its end.
    is_abandoned: bool,
}

/// A request of which its end has not been seen.
pub(crate) struct Open {
    faults: Faults,
    case: String,
    index: usize,
    has_ended: bool,
}

impl Open {
    /// Changes what is told of the request.
    fn update(&self, change: impl FnOnce(&mut Seen)) {
        change(self.faults.lock().get_mut(&self.case).unwrap().seen.get_mut(self.index).unwrap());
    }

    /// It has come to its end.
    pub(crate) fn end(&mut self) {
        self.has_ended = true;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if !self.has_ended {
            self.update(|seen| seen.is_abandoned = true);
        }
    }
}

impl Faults {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Case>> {
        self.0.lock().unwrap()
    }

    /// Notes a request; tells how many there were with its method and path before.
    fn note(&self, case: &str, method: &Method, path: String, headers: &HeaderMap) -> (Open, usize) {
        let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let seen = Seen { method: method.to_string(), path, headers, ..Seen::default() };
        let mut cases = self.lock();
        let all = &mut cases.entry(case.to_owned()).or_default().seen;
        let earlier = all.iter().filter(|one| one.method == seen.method && one.path == seen.path).count();
        let open = Open { faults: self.clone(), case: case.to_owned(), index: all.len(), has_ended: false };
        all.push(seen);
        (open, earlier)
    }
}

pub(crate) fn router() -> Router {
    Router::new()
        .route("/.fault/{case}/{fault}/{*path}", any(answer))
        .route("/.seen/{case}", get(seen))
        .with_state(Faults::default())
}

async fn seen(State(faults): State<Faults>, Path(case): Path<String>) -> Response {
    let seen = faults.lock().get(&case).map(|case| case.seen.clone()).unwrap_or_default();
    ([(ACCESS_CONTROL_ALLOW_ORIGIN, "*")], serde_json::to_string(&seen).unwrap()).into_response()
}

async fn answer(
    State(faults): State<Faults>,
    Path((case, fault, path)): Path<(String, String, String)>,
    method: Method,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some(kind) = Fault::parse(&fault) else { return StatusCode::BAD_REQUEST.into_response() };
    let (mut open, earlier) = faults.note(&case, &method, format!("{fault}/{path}"), &headers);
    let cors = kind.cors();
    if method == Method::OPTIONS {
        open.end();
        return cors.allow_preflight(&headers);
    }
    let reply = match method {
        _ if kind == Fault::BusyOnce && earlier == 0 => {
            Reply::new(StatusCode::SERVICE_UNAVAILABLE, "busy").with(RETRY_AFTER, "0")
        }
        _ if let Fault::Redirect(status) = kind => {
            // The body is taken first: a browser that cannot send it hears nothing else.
            receive(kind, &open, body, false).await;
            Reply::redirect(status, &format!("/.fault/{case}/files/{path}"))
        }
        Method::PUT => {
            let bytes = receive(kind, &open, body, true).await;
            faults.lock().entry(case).or_default().files.insert(path, bytes);
            Reply::new(StatusCode::CREATED, "")
        }
        Method::POST => {
            receive(kind, &open, body, false).await;
            Reply::new(StatusCode::OK, "taken")
        }
        _ => {
            let file = faults.lock().get(&case).and_then(|case| case.files.get(&path).cloned());
            match file {
                Some(bytes) => file_reply(kind, &path, &bytes, earlier),
                None => Reply::new(StatusCode::NOT_FOUND, "nothing was put here"),
            }
        }
    };
    reply.send(cors, &method, &headers, open)
}

const PAGE: &str = "<!DOCTYPE html><title>Home</title>";

/// A stored file, spoilt.
fn file_reply(fault: Fault, path: &str, bytes: &Bytes, earlier: usize) -> Reply {
    let whole = Reply::file(bytes.clone());
    let is_json = std::path::Path::new(path).extension().is_some_and(|extension| extension == "json");
    if let Fault::Replaced(after) = fault {
        return whole.with(MODEL_VERSION, if is_json && earlier < after { "old" } else { "new" });
    }
    if is_json {
        return whole;
    }
    match fault {
        Fault::Stall(after) => whole.stalling(after),
        Fault::Slow => whole.slowly(),
        Fault::Missing => Reply::new(StatusCode::NOT_FOUND, "no such file"),
        Fault::Html => Reply::new(StatusCode::OK, PAGE),
        Fault::Page => Reply::new(StatusCode::OK, PAGE).with(CONTENT_TYPE, "text/html; charset=utf-8").in_chunks(),
        Fault::Short(length) => Reply::file(bytes.slice(..length)),
        Fault::CutOnce(after) if earlier == 0 => whole.cut(after),
        Fault::Gzip => whole.gzipped(),
        Fault::Encoded => whole.encoded(),
        _ => whole,
    }
}

/// Takes the body of a request and notes its arrival; gives it back if it is to be kept.
async fn receive(fault: Fault, open: &Open, body: Body, keeps: bool) -> Bytes {
    let mut kept = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let Ok(chunk) = chunk else {
            open.update(|seen| seen.is_abandoned = true);
            break;
        };
        open.update(|seen| seen.received += chunk.len() as u64);
        if keeps {
            kept.extend_from_slice(&chunk);
        }
        if fault == Fault::Crawl {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    kept.into()
}
