//! One event for each request, when its answer has been sent or has broken off.

use std::hash::{BuildHasher as _, RandomState};
use std::pin::Pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request an id, which the answer repeats, and logs it at the end.
pub(crate) async fn layer(request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let mut entry = Entry {
        begin: Instant::now(),
        method: request.method().clone(),
        // What cannot be seen, or ends lines, is written as an escape.
        path: request.uri().path().escape_debug().to_string(),
        id: id.clone(),
        status: None,
        bytes: 0,
        missing: 0,
    };
    let mut response = next.run(request).await;
    entry.status = Some(response.status());
    if entry.method != Method::HEAD {
        entry.missing = length_of(&response);
    }
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response.map(|body| Body::new(Logged { body, entry }))
}

/// How many bytes an answer has; one if nobody knows before it ends.
fn length_of(response: &Response) -> u64 {
    let header = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    header.or_else(|| response.body().size_hint().exact()).unwrap_or(1)
}

/// The id that the client gave, if it is harmless; a new one otherwise.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let is_sane = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    given.filter(is_sane).map_or_else(new_id, str::to_owned)
}

fn new_id() -> String {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(std::process::id()));
    static COUNT: AtomicU64 = AtomicU64::new(1);
    format!("{:016x}-{:x}", *PROCESS, COUNT.fetch_add(1, Ordering::Relaxed))
}

/// What is known of a request; logged when it is dropped.
#[derive(Debug)]
struct Entry {
    begin: Instant,
    method: Method,
    path: String,
    id: String,
    /// None as long as there is no answer.
    status: Option<StatusCode>,
    bytes: u64,
    /// How many bytes have not been sent, at least.
    missing: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let ms = u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        // As nginx does for clients that did not wait: 499.
        let status = self.status.map_or(499, |status| status.as_u16());
        tracing::info!(
            target: "tfjs_server::access",
            method = self.method.as_str(),
            path = self.path,
            status,
            bytes = self.bytes,
            ms,
            complete = self.status.is_some() && self.missing == 0,
            request_id = self.id,
            "request"
        );
    }
}

/// The body of an answer, counted.
#[derive(Debug)]
struct Logged {
    body: Body,
    entry: Entry,
}

impl http_body::Body for Logged {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let sent = frame.data_ref().map_or(0, Bytes::len) as u64;
                self.entry.bytes += sent;
                self.entry.missing = self.entry.missing.saturating_sub(sent);
            }
            Poll::Ready(None) => self.entry.missing = 0,
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        let of = |id: &'static str| request_id(&HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_static(id))]));
        assert_eq!(of("a-1.B_2"), "a-1.B_2");
        for bad in ["", "a b", "a\tb", "x{}", "0123456789012345678901234567890123456789012345678901234567890123456789"]
        {
            assert_ne!(of(bad), bad);
        }
        assert_ne!(of(""), of(""));
    }
}
