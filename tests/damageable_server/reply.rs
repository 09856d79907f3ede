//! An answer, and how it goes wrong on its way.

use std::hash::{DefaultHasher, Hasher as _};
use std::io::Write as _;
use std::ops::Range;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_HEADERS, CACHE_CONTROL,
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_NONE_MATCH, LOCATION, ORIGIN, RANGE, SET_COOKIE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::stream;

use crate::faults::Open;

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What pages of other origins may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cors {
    /// Nothing.
    None,
    /// Read an answer, and no header that not everybody may.
    Bare,
    /// Everything but credentials.
    Open,
    /// Everything, and a cookie is set.
    Credentials,
}

/// An answer that has not been sent.
pub(crate) struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    /// Whether it has ranges and an ETag.
    is_file: bool,
    is_gzipped: bool,
    is_in_chunks: bool,
    pace: Pace,
}

/// How the body is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    AtOnce,
    /// In four pieces with pauses.
    Slowly,
    /// So many bytes, and then nothing.
    Stall(usize),
    /// So many bytes, and then the connection is closed.
    Cut(usize),
}

/// What happens next to a body.
enum Step {
    Send(Bytes),
    Wait(Duration),
    Stall,
    Break,
}

impl Cors {
    /// The answer to a preflight.
    pub(crate) fn allow_preflight(self, request: &HeaderMap) -> Response {
        let mut headers = HeaderMap::new();
        self.add_to(&mut headers, request);
        if matches!(self, Self::Open | Self::Credentials) {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, POST, PUT"));
            if let Some(wanted) = request.get(ACCESS_CONTROL_REQUEST_HEADERS) {
                headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
            }
        }
        (StatusCode::NO_CONTENT, headers).into_response()
    }

    fn add_to(self, headers: &mut HeaderMap, request: &HeaderMap) {
        let any = HeaderValue::from_static("*");
        let origin = match self {
            Self::None => {
                // A page with a Cross-Origin-Embedder-Policy, as that of the tests is, may have what it is not shown.
                headers.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
                return;
            }
            Self::Credentials => request.get(ORIGIN).cloned().unwrap_or(any),
            Self::Bare | Self::Open => any,
        };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if self != Self::Bare {
            let exposed = HeaderValue::from_static("content-range, etag, location, retry-after, x-model-version");
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
        if self == Self::Credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            headers.insert(SET_COOKIE, HeaderValue::from_static("tfjs-test=1; path=/.fault; SameSite=Lax"));
        }
    }
}

impl Reply {
    pub(crate) fn new(status: StatusCode, body: impl Into<Bytes>) -> Self {
        let (headers, body) = (HeaderMap::new(), body.into());
        Self { status, headers, body, is_file: false, is_gzipped: false, is_in_chunks: false, pace: Pace::AtOnce }
    }

    pub(crate) fn file(body: Bytes) -> Self {
        Self { is_file: true, ..Self::new(StatusCode::OK, body) }
    }

    pub(crate) fn redirect(status: u16, to: &str) -> Self {
        Self::new(StatusCode::from_u16(status).unwrap(), "moved").with(LOCATION, to)
    }

    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.insert(name, HeaderValue::from_str(value).unwrap());
        self
    }

    pub(crate) fn slowly(self) -> Self {
        Self { pace: Pace::Slowly, ..self }
    }

    pub(crate) fn stalling(self, after: usize) -> Self {
        Self { pace: Pace::Stall(after), ..self }
    }

    pub(crate) fn cut(self, after: usize) -> Self {
        Self { pace: Pace::Cut(after), ..self }
    }

    pub(crate) fn gzipped(self) -> Self {
        Self { is_gzipped: true, ..self }
    }

    /// All of it and encoded, whoever asks for what.
    pub(crate) fn encoded(self) -> Self {
        Self { body: gzip(&self.body), is_file: false, ..self }.with(CONTENT_ENCODING, "gzip")
    }

    /// Without a length.
    pub(crate) fn in_chunks(self) -> Self {
        Self { is_in_chunks: true, ..self }
    }

    /// The answer to this request, which ends when all of it has been sent.
    pub(crate) fn send(mut self, cors: Cors, method: &Method, request: &HeaderMap, mut open: Open) -> Response {
        cors.add_to(&mut self.headers, request);
        self.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if self.is_file {
            self.choose_representation(request);
        }
        let length = self.body.len();
        if !self.is_in_chunks {
            self.headers.insert(CONTENT_LENGTH, length.into());
        }
        if *method == Method::HEAD {
            open.end();
            return (self.status, self.headers).into_response();
        }
        let steps = self.pace.steps(&self.body);
        // What is dropped before its last step was let go.
        let sending = stream::unfold((steps.into_iter(), open), async |(mut steps, mut open)| {
            let item = loop {
                match steps.next() {
                    Some(Step::Send(bytes)) => break Ok(bytes),
                    Some(Step::Wait(pause)) => tokio::time::sleep(pause).await,
                    Some(Step::Stall) => std::future::pending().await,
                    Some(Step::Break) => break Err(std::io::Error::other("broken on purpose")),
                    None => return None,
                }
            };
            // A body whose last byte has been sent is not asked for more.
            if steps.as_slice().iter().all(|step| matches!(step, Step::Wait(_))) {
                open.end();
            }
            Some((item, (steps, open)))
        });
        (self.status, self.headers, Body::from_stream(sending)).into_response()
    }

    /// Nothing if it is known, the range that is asked for, or all of it, encoded if that is allowed.
    fn choose_representation(&mut self, request: &HeaderMap) {
        let mut hasher = DefaultHasher::new();
        hasher.write(&self.body);
        let etag = format!("\"{:016x}\"", hasher.finish());
        self.headers.insert(ETAG, HeaderValue::from_str(&etag).unwrap());
        let length = self.body.len();
        let text = |name| request.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        if text(IF_NONE_MATCH) == Some(&*etag) {
            (self.status, self.body) = (StatusCode::NOT_MODIFIED, Bytes::new());
        } else if let Some(Range { start, end }) = text(RANGE).and_then(|range| parse_range(range, length)) {
            self.status = StatusCode::PARTIAL_CONTENT;
            let range = format!("bytes {start}-{}/{length}", end - 1);
            self.headers.insert(CONTENT_RANGE, HeaderValue::from_str(&range).unwrap());
            self.body = self.body.slice(start..end);
        } else if self.is_gzipped && text(ACCEPT_ENCODING).is_some_and(|accepted| accepted.contains("gzip")) {
            self.body = gzip(&self.body);
            self.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
    }
}

fn gzip(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap().into()
}

impl Pace {
    fn steps(self, body: &Bytes) -> Vec<Step> {
        const PAUSE: Duration = Duration::from_millis(150);
        match self {
            Self::AtOnce => vec![Step::Send(body.clone())],
            // A range may be shorter.
            Self::Stall(after) | Self::Cut(after) if after >= body.len() => vec![Step::Send(body.clone())],
            Self::Slowly => {
                let pieces = body.chunks(body.len().div_ceil(4).max(1));
                pieces.flat_map(|piece| [Step::Send(body.slice_ref(piece)), Step::Wait(PAUSE)]).collect()
            }
            // Nothing may wait for more in a buffer when the connection breaks.
            Self::Cut(after) => vec![Step::Send(body.slice(..after)), Step::Wait(PAUSE), Step::Break],
            Self::Stall(after) => vec![Step::Send(body.slice(..after)), Step::Stall],
        }
    }
}

/// `bytes=a-b` and `bytes=a-`.
fn parse_range(range: &str, length: usize) -> Option<Range<usize>> {
    let (start, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let end = if last.is_empty() { length } else { (last.parse::<usize>().ok()? + 1).min(length) };
    let start = start.parse().ok()?;
    (start < end).then_some(start..end)
}
