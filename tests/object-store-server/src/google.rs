//! A store that speaks the part of Google Cloud Storage's XML API that object_store uses, in memory. It is our own: the emulators that can
//! be installed from a registry know the JSON API, and of this one at most the lists.
//!
//! <https://cloud.google.com/storage/docs/xml-api/reference-methods> is what it follows.
#![expect(clippy::unwrap_used, reason = "a test's server: a panic is how it fails")]

mod pages;
mod words;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MATCH, LAST_MODIFIED, RANGE};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};

use words::{Words, attribute, error, xml};

/// The one bucket.
pub const BUCKET: &str = "bucket";
/// The token that it wants.
pub const TOKEN: &str = "test-token";
/// How short a part may be, unless it is the last.
const SHORTEST_PART: usize = 5 << 20;
/// The number of the object that a write may replace; 0 means none.
const IF_GENERATION: &str = "x-goog-if-generation-match";
const GENERATION: &str = "x-goog-generation";

/// What is sent back.
pub type Answer = Response<Bytes>;

/// A bucket.
#[derive(Debug, Default)]
pub struct Google {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, Object>,
    uploads: BTreeMap<String, Upload>,
    /// The last number that was given away.
    last: u64,
}

#[derive(Clone, Debug)]
struct Object {
    bytes: Bytes,
    generation: u64,
    modified: SystemTime,
    media_type: Option<String>,
}

#[derive(Debug)]
struct Upload {
    key: String,
    media_type: Option<String>,
    parts: BTreeMap<usize, Bytes>,
}

impl Google {
    /// Answers a request.
    pub fn answer(&self, head: &Parts, body: Bytes) -> Answer {
        if attribute(head, AUTHORIZATION.as_str()) != Some(&format!("Bearer {TOKEN}")) {
            return error(StatusCode::UNAUTHORIZED, "AuthenticationRequired");
        }
        let words = Words::of(head);
        let Some(rest) = words.path.strip_prefix('/').and_then(|path| path.strip_prefix(BUCKET)) else {
            return error(StatusCode::NOT_FOUND, "NoSuchBucket");
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let key = rest.strip_prefix('/').unwrap_or_default();
        let upload = words.get("uploadId");
        match (&head.method, key, upload) {
            (&Method::GET, "", None) if words.get("list-type") == Some("2") => pages::list(&state.objects, &words),
            (&Method::GET | &Method::HEAD, key, None) => state.get(head, key),
            (&Method::PUT, key, None) => state.put(head, key, body),
            (&Method::DELETE, key, None) => state.delete(key),
            (&Method::POST, key, None) if words.get("uploads").is_some() => state.begin(head, key),
            (&Method::PUT, _, Some(id)) => state.put_part(id, words.get("partNumber"), body),
            (&Method::POST, _, Some(id)) => state.complete(id, &body),
            (&Method::DELETE, _, Some(id)) => state.abort(id),
            _ => error(StatusCode::NOT_IMPLEMENTED, "NotImplemented"),
        }
    }

    /// How many uploads have neither been completed nor aborted.
    pub fn uploads(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).uploads.len()
    }

    /// Makes all objects older.
    pub fn age(&self, age: std::time::Duration) {
        for object in self.state.lock().unwrap_or_else(PoisonError::into_inner).objects.values_mut() {
            object.modified -= age;
        }
    }
}

impl State {
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn get(&self, head: &Parts, key: &str) -> Answer {
        let Some(object) = self.objects.get(key) else { return error(StatusCode::NOT_FOUND, "NoSuchKey") };
        if attribute(head, IF_MATCH.as_str()).is_some_and(|tag| tag != object.tag()) {
            return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
        }
        let length = object.bytes.len();
        let (status, range) = match attribute(head, RANGE.as_str()) {
            None => (StatusCode::OK, 0..length),
            Some(range) => match range_of(range, length) {
                Some(range) => (StatusCode::PARTIAL_CONTENT, range),
                None => return error(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange"),
            },
        };
        let mut answer = Response::builder()
            .status(status)
            .header(CONTENT_LENGTH, range.len())
            .header(ETAG, object.tag())
            .header(LAST_MODIFIED, httpdate::fmt_http_date(object.modified))
            .header(GENERATION, object.generation);
        if status == StatusCode::PARTIAL_CONTENT {
            answer = answer.header(CONTENT_RANGE, format!("bytes {}-{}/{length}", range.start, range.end - 1));
        }
        if let Some(media_type) = &object.media_type {
            answer = answer.header(CONTENT_TYPE, media_type);
        }
        let bytes = if head.method == Method::HEAD { Bytes::new() } else { object.bytes.slice(range) };
        answer.body(bytes).unwrap()
    }

    fn put(&mut self, head: &Parts, key: &str, bytes: Bytes) -> Answer {
        let present = self.objects.get(key).map_or(0, |object| object.generation);
        if attribute(head, IF_GENERATION).is_some_and(|wanted| wanted != present.to_string()) {
            return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
        }
        let media_type = attribute(head, CONTENT_TYPE.as_str()).map(str::to_owned);
        let object = self.insert(key.to_owned(), bytes, media_type);
        stored(&object, Bytes::new())
    }

    fn insert(&mut self, key: String, bytes: Bytes, media_type: Option<String>) -> Object {
        let object = Object { bytes, generation: self.next(), modified: SystemTime::now(), media_type };
        self.objects.insert(key, object.clone());
        object
    }

    fn delete(&mut self, key: &str) -> Answer {
        match self.objects.remove(key) {
            Some(_) => nothing(),
            None => error(StatusCode::NOT_FOUND, "NoSuchKey"),
        }
    }

    fn begin(&mut self, head: &Parts, key: &str) -> Answer {
        let id = format!("upload-{}", self.next());
        let media_type = attribute(head, CONTENT_TYPE.as_str()).map(str::to_owned);
        self.uploads.insert(id.clone(), Upload { key: key.to_owned(), media_type, parts: BTreeMap::new() });
        xml(&format!(
            "<InitiateMultipartUploadResult><Bucket>{BUCKET}</Bucket><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
        ))
    }

    fn put_part(&mut self, id: &str, number: Option<&str>, bytes: Bytes) -> Answer {
        let Some(upload) = self.uploads.get_mut(id) else { return error(StatusCode::NOT_FOUND, "NoSuchUpload") };
        let Some(number) = number.and_then(|number| number.parse().ok()) else {
            return error(StatusCode::BAD_REQUEST, "InvalidArgument");
        };
        upload.parts.insert(number, bytes);
        Response::builder().header(ETAG, part_tag(number)).body(Bytes::new()).unwrap()
    }

    /// All parts, in the order of their numbers; each must be named.
    fn complete(&mut self, id: &str, body: &[u8]) -> Answer {
        let Some(upload) = self.uploads.get(id) else { return error(StatusCode::NOT_FOUND, "NoSuchUpload") };
        let body = String::from_utf8_lossy(body);
        let is_named = |number: &usize| body.contains(&format!("<PartNumber>{number}</PartNumber>"));
        if upload.parts.is_empty() || !upload.parts.keys().all(is_named) {
            return error(StatusCode::BAD_REQUEST, "InvalidPart");
        }
        if upload.parts.values().rev().skip(1).any(|part| part.len() < SHORTEST_PART) {
            return error(StatusCode::BAD_REQUEST, "EntityTooSmall");
        }
        let Some(Upload { key, media_type, parts }) = self.uploads.remove(id) else { return nothing() };
        let bytes = parts.values().flat_map(|part| part.iter().copied()).collect::<Vec<_>>();
        let object = self.insert(key.clone(), bytes.into(), media_type);
        let (key, tag) = (words::escaped(&key), object.tag());
        let result = format!(
            "<CompleteMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>{key}</Key><ETag>{tag}</ETag></CompleteMultipartUploadResult>"
        );
        stored(&object, result.into())
    }

    fn abort(&mut self, id: &str) -> Answer {
        match self.uploads.remove(id) {
            Some(_) => nothing(),
            None => error(StatusCode::NOT_FOUND, "NoSuchUpload"),
        }
    }
}

impl Object {
    fn tag(&self) -> String {
        format!("\"{:016x}\"", self.generation)
    }
}

fn part_tag(number: usize) -> String {
    format!("\"part-{number}\"")
}

fn stored(object: &Object, body: Bytes) -> Answer {
    let answer = Response::builder().header(ETAG, object.tag()).header(GENERATION, object.generation);
    answer.body(body).unwrap()
}

fn nothing() -> Answer {
    Response::builder().status(StatusCode::NO_CONTENT).body(Bytes::new()).unwrap()
}

/// `bytes=A-B`, `bytes=A-` and `bytes=-N` of an object that is so long.
fn range_of(range: &str, length: usize) -> Option<Range<usize>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let range = match (first.parse::<usize>().ok(), last.parse::<usize>().ok()) {
        (Some(first), Some(last)) => first..length.min(last.checked_add(1)?),
        (Some(first), None) => first..length,
        (None, Some(last)) => length.saturating_sub(last)..length,
        (None, None) => return None,
    };
    (range.start < range.end).then_some(range)
}
