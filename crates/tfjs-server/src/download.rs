//! Answers with a file: whole, in part, compressed, or not at all because the client has it.

use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    IF_MATCH, IF_NONE_MATCH, IF_RANGE, RANGE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tfjs_artifacts::{Error, WeightData};

use crate::refusal::Refusal;
use crate::served::{self, ServedFile, Text};

/// How much of a file is read at a time. Two windows are under way: one is read while the other is sent.
const WINDOW: u64 = 256 << 10;

/// A text below this is sent as it is.
const MIN_GZIP_BYTES: usize = 1 << 10;

/// Answers a GET or HEAD with a file.
///
/// # Errors
/// What reading the first bytes reports; nothing is sent by then.
pub(crate) async fn answer(file: &ServedFile, method: &Method, headers: &HeaderMap) -> Result<Response, Error> {
    let mut answer = Answer { headers: HeaderMap::new(), is_head: method == Method::HEAD };
    answer.set(CACHE_CONTROL, "no-cache");
    answer.set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    let (data, etag) = match file {
        ServedFile::Text(text) => {
            answer.set(CONTENT_TYPE, text.media_type);
            answer.set(VARY, "accept-encoding");
            let is_gzipped =
                accepts_gzip(headers) && text.plain.len() >= MIN_GZIP_BYTES && !headers.contains_key(RANGE);
            let etag = text.etag(is_gzipped);
            if !is_met(headers, etag.as_deref()) {
                return Ok(another());
            }
            // Whichever form the client has, it has the text.
            let etags = [text.etag(false), text.etag(true)];
            if let Some(etag) = etags.iter().flatten().find(|etag| is_known(headers, etag)) {
                return Ok(answer.not_modified(etag));
            }
            if is_gzipped {
                return Ok(answer.gzipped(text).await);
            }
            (WeightData::from(text.plain.clone()), etag)
        }
        ServedFile::Binary { data, etag } => {
            answer.set(CONTENT_TYPE, "application/octet-stream");
            // What is said without reading, such as that the client has it, must be true as well.
            served::check(data).await?;
            if !is_met(headers, etag.as_deref()) {
                return Ok(another());
            }
            if let Some(etag) = etag.as_ref().filter(|etag| is_known(headers, etag)) {
                return Ok(answer.not_modified(etag));
            }
            (data.clone(), etag.clone())
        }
    };
    answer.set(ACCEPT_RANGES, "bytes");
    if let Some(etag) = &etag {
        answer.set(ETAG, etag);
    }
    let length = data.byte_length();
    match range(headers, etag.as_deref(), length).filter(|_| !answer.is_head) {
        None => answer.bytes(StatusCode::OK, data, 0..length).await,
        Some(Ok(range)) => {
            answer.set(CONTENT_RANGE, &format!("bytes {}-{}/{length}", range.start, range.end - 1));
            answer.bytes(StatusCode::PARTIAL_CONTENT, data, range).await
        }
        Some(Err(Unsatisfiable)) => {
            let refusal = Refusal::new(StatusCode::RANGE_NOT_SATISFIABLE, format!("the file has {length} bytes"));
            let header = HeaderValue::try_from(format!("bytes */{length}"));
            let header = header.unwrap_or(HeaderValue::from_static("bytes */*"));
            Ok(refusal.with_header(CONTENT_RANGE, header).into_response())
        }
    }
}

/// An answer under construction.
struct Answer {
    headers: HeaderMap,
    is_head: bool,
}

impl Answer {
    fn set(&mut self, name: HeaderName, value: &str) {
        // All of them are ASCII: digests, numbers and words of ours.
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
    }

    fn not_modified(mut self, etag: &str) -> Response {
        self.headers.remove(CONTENT_TYPE);
        self.set(ETAG, etag);
        (StatusCode::NOT_MODIFIED, self.headers).into_response()
    }

    async fn gzipped(mut self, text: &Arc<Text>) -> Response {
        let Some(gzipped) = text.gzipped().await else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
        self.set(CONTENT_ENCODING, "gzip");
        if let Some(etag) = text.etag(true) {
            self.set(ETAG, &etag);
        }
        self.set(CONTENT_LENGTH, &gzipped.len().to_string());
        (self.headers, gzipped).into_response()
    }

    async fn bytes(mut self, status: StatusCode, data: WeightData, range: Range<u64>) -> Result<Response, Error> {
        self.set(CONTENT_LENGTH, &(range.end - range.start).to_string());
        if self.is_head {
            return Ok((status, self.headers).into_response());
        }
        let mut windows = stream::iter(windows(range))
            .map(move |window| {
                let data = data.clone();
                async move { data.read(window).await }
            })
            .buffered(2);
        // Before anything is sent: a file that is gone has a status of its own.
        let first = windows.try_next().await?;
        let rest = windows.inspect_err(|error| tracing::error!(error = %error.chain(), "an answer breaks off"));
        let body = stream::iter(first.map(Ok)).chain(rest);
        Ok((status, self.headers, Body::from_stream(body)).into_response())
    }
}

fn windows(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        let window = at..range.end.min(at.saturating_add(WINDOW));
        at = window.end;
        (!window.is_empty()).then_some(window)
    })
}

/// Whether a file with this ETag is one that the request wants: RFC 9110, 13.1.1.
fn is_met(headers: &HeaderMap, etag: Option<&str>) -> bool {
    !headers.contains_key(IF_MATCH) || is_named(headers, &IF_MATCH, etag.as_slice())
}

/// The answer if it is not.
fn another() -> Response {
    let message = "the file is there, and not the one that the request is about";
    Refusal::new(StatusCode::PRECONDITION_FAILED, message).into_response()
}

/// Whether the client has what has this ETag: RFC 9110, 13.1.2.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    is_named(headers, &IF_NONE_MATCH, &[etag])
}

/// Whether a condition names what is there and has one of these ETags, if it has any.
///
/// `If-Match` compares strongly, so that a weak tag names nothing, and `If-None-Match` weakly: RFC 9110, 8.8.3.2.
fn is_named(headers: &HeaderMap, condition: &HeaderName, etags: &[impl AsRef<str>]) -> bool {
    let values = headers.get_all(condition).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).any(|named| {
        let is_weak = condition == IF_NONE_MATCH;
        let tag = named.strip_prefix("W/").filter(|_| is_weak).unwrap_or(named);
        named == "*" || etags.iter().any(|etag| etag.as_ref() == tag)
    })
}

/// Whether a request is about a model whose JSON has these ETags, or about one that is not there: RFC 9110, 13.1.1 and 13.1.2.
pub(crate) fn may_change(headers: &HeaderMap, etags: Option<&[String]>) -> bool {
    let is_named = |condition| etags.is_some_and(|etags| is_named(headers, &condition, etags));
    (!headers.contains_key(IF_MATCH) || is_named(IF_MATCH)) && !is_named(IF_NONE_MATCH)
}

/// Whether the client prefers gzip, or takes it at least: it names it, and not with a weight of 0.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().to_ascii_lowercase();
        let weight = weight.strip_prefix("q=").unwrap_or("1").trim().parse::<f32>();
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_ok_and(|weight| weight > 0.0)
    })
}

/// A range of which the file has nothing.
#[derive(Debug, PartialEq, Eq)]
struct Unsatisfiable;

/// The range that is asked for: RFC 9110, 14. `None` if all is, or what is asked for is no single range of bytes, which may be
/// ignored; or if it is wanted of other bytes than these.
fn range(headers: &HeaderMap, etag: Option<&str>, length: u64) -> Option<Result<Range<u64>, Unsatisfiable>> {
    let text = headers.get(RANGE)?.to_str().ok()?;
    if let Some(wanted) = headers.get(IF_RANGE)
        && etag.is_none_or(|etag| wanted.as_bytes() != etag.as_bytes())
    {
        return None;
    }
    let (unit, set) = text.split_once('=')?;
    let (first, last) = set.split_once('-')?;
    let (first, last) = (first.trim(), last.trim());
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !unit.trim().eq_ignore_ascii_case("bytes") || !is_number(first) || !is_number(last) {
        return None;
    }
    // What is too large for a number is behind every end.
    let number = |text: &str| text.parse::<u64>().unwrap_or(u64::MAX);
    let range = match (first, last) {
        ("", "") => return None,
        ("", last) => length.saturating_sub(number(last))..length,
        (first, "") => number(first)..length,
        (first, last) if number(first) > number(last) => return None,
        (first, last) => number(first)..length.min(number(last).saturating_add(1)),
    };
    Some(if range.is_empty() { Err(Unsatisfiable) } else { Ok(range) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn ranges() {
        let of = |text: &'static str, length| range(&headers(RANGE, text), None, length);
        assert_eq!(of("bytes=0-0", 10), Some(Ok(0..1)));
        assert_eq!(of("bytes=2-", 10), Some(Ok(2..10)));
        assert_eq!(of("bytes=-3", 10), Some(Ok(7..10)));
        assert_eq!(of("bytes=-30", 10), Some(Ok(0..10)));
        assert_eq!(of("Bytes= 2-100", 10), Some(Ok(2..10)));
        assert_eq!(of("bytes=0-99999999999999999999999", 10), Some(Ok(0..10)));
        for unsatisfiable in ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(of(unsatisfiable, 10), Some(Err(Unsatisfiable)), "{unsatisfiable}");
        }
        for ignored in
            ["", "bytes", "bytes=", "bytes=-", "bytes=3-2", "bytes=0-1,3-4", "bytes=a-b", "lines=0-1", "bytes=+1-2"]
        {
            assert_eq!(of(ignored, 10), None, "{ignored}");
        }
        assert_eq!(of("bytes=0-", 0), Some(Err(Unsatisfiable)));
    }

    #[test]
    fn a_range_is_of_these_bytes_or_of_none() {
        let mut headers = headers(RANGE, "bytes=0-0");
        headers.insert(IF_RANGE, HeaderValue::from_static("\"a\""));
        assert_eq!(range(&headers, Some("\"a\""), 10), Some(Ok(0..1)));
        assert_eq!(range(&headers, Some("\"b\""), 10), None);
        assert_eq!(range(&headers, None, 10), None);
    }

    #[test]
    fn what_the_client_has() {
        let known = |value| is_known(&headers(IF_NONE_MATCH, value), "\"a\"");
        assert!(known("\"a\"") && known("W/\"a\"") && known("\"b\", \"a\"") && known("*"));
        assert!(!known("\"b\"") && !known("a"));
    }

    #[test]
    fn what_a_change_is_about() {
        let may = |name, value, etag: Option<&str>| {
            let etags = etag.map(|etag| [etag.to_owned(), "\"a-gzip\"".to_owned()]);
            may_change(&headers(name, value), etags.as_ref().map(<[_; 2]>::as_slice))
        };
        assert!(may(IF_NONE_MATCH, "*", None) && !may(IF_NONE_MATCH, "*", Some("\"a\"")));
        assert!(may(IF_MATCH, "\"b\", \"a\"", Some("\"a\"")) && may(IF_MATCH, "*", Some("\"a\"")));
        assert!(!may(IF_MATCH, "\"b\"", Some("\"a\"")) && !may(IF_MATCH, "*", None));
        assert!(may(IF_MATCH, "\"a-gzip\"", Some("\"a\"")));
        assert!(!may(IF_NONE_MATCH, "W/\"a\"", Some("\"a\"")) && may(IF_NONE_MATCH, "W/\"b\"", Some("\"a\"")));
        assert!(!may(IF_MATCH, "W/\"a\"", Some("\"a\"")) && may(IF_MATCH, "W/\"a\", \"a\"", Some("\"a\"")));
        assert!(may_change(&HeaderMap::new(), None) && may_change(&HeaderMap::new(), Some(&[])));
        // Of a model that is there and has no tag.
        let untold = |name, value| may_change(&headers(name, value), Some(&[]));
        assert!(untold(IF_MATCH, "*") && !untold(IF_MATCH, "\"a\""));
        assert!(!untold(IF_NONE_MATCH, "*") && untold(IF_NONE_MATCH, "\"a\""));
    }

    #[test]
    fn encodings() {
        let gzip = |value| accepts_gzip(&headers(ACCEPT_ENCODING, value));
        assert!(gzip("gzip") && gzip("br, GZIP;q=0.5") && gzip("deflate,gzip"));
        assert!(
            !gzip("")
                && !gzip("br")
                && !gzip("gzip;q=0")
                && !gzip("gzip;Q=0")
                && !gzip("gzip;q=x")
                && !gzip("identity")
        );
    }
}
