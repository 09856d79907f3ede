//! An answer, its body yet to be read.

use std::fmt;
use std::time::Duration;

use crate::message::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, LAST_MODIFIED,
};
use crate::message::{HeaderMap, HeaderName, StatusCode};
use bytes::Bytes;
use futures::StreamExt as _;
use tfjs_artifacts::{BoxStream, Error, ErrorKind, Limit, LimitError, Limits};

use crate::date::parse_http_date;
use crate::error::status_text;
use crate::exchange::ASKS_IF_RANGE;
use crate::timer::within;
use crate::transport::Incoming;

/// Status, headers, and a body that comes in pieces. Dropping it closes the connection unless the body has ended.
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    length_hint: Option<u64>,
    body: BoxStream<'static, Result<Bytes, Error>>,
    idle_timeout: Duration,
    /// Which try it answers, from 1.
    attempt: u32,
}

/// By what a changed file is told from the one that was there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Validator {
    etag: Option<String>,
    last_modified: Option<String>,
    /// Whether the date was so old when it was told that no second change can have the same one.
    is_date_strong: bool,
}

/// `Content-Range` of a 206: `bytes 0-9/100`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContentRange {
    pub(crate) start: u64,
    pub(crate) total: Option<u64>,
}

impl Response {
    pub(crate) fn new(incoming: Incoming, idle_timeout: Duration, attempt: u32) -> Self {
        let Incoming { status, headers, length_hint, body } = incoming;
        Self { status, headers, length_hint, body, idle_timeout, attempt }
    }

    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The length of the decoded body, if it is told. That of an encoded body has been removed.
    pub(crate) fn content_length(&self) -> Option<u64> {
        if self.encoding().is_some() {
            return None;
        }
        self.header(&CONTENT_LENGTH)?.trim().parse().ok()
    }

    /// How long the body probably is: good for an allocation, and no reason to refuse anything.
    pub(crate) fn probable_length(&self) -> Option<u64> {
        self.content_length().or(self.length_hint)
    }

    /// How the body is encoded, if it is. A browser tells that of a body that it has decoded.
    fn encoding(&self) -> Option<&str> {
        self.header(&CONTENT_ENCODING).filter(|encoding| !encoding.eq_ignore_ascii_case("identity"))
    }

    /// Whether the body can be taken as it is: gzip has been decoded, and nothing else was asked for.
    pub(crate) fn check_encoding(&self) -> Result<(), Error> {
        match self.encoding().filter(|_| !cfg!(target_arch = "wasm32")) {
            Some(encoding) => {
                let message = format!(
                    "the body has the content encoding `{}`, which nobody asked for; switch it off for the files of models",
                    encoding.escape_debug()
                );
                Err(Error::new(ErrorKind::Unsupported, message))
            }
            None => Ok(()),
        }
    }

    pub(crate) fn content_range(&self) -> Option<ContentRange> {
        parse_content_range(self.header(&CONTENT_RANGE)?)
    }

    pub(crate) fn validator(&self) -> Validator {
        let owned = |name| self.header(name).map(str::to_owned);
        let date = |name| self.header(name).and_then(parse_http_date);
        let is_date_strong =
            date(&DATE).zip(date(&LAST_MODIFIED)).is_some_and(|(now, modified)| now >= modified.saturating_add(1));
        Validator { is_date_strong, ..Validator::new(owned(&ETAG), owned(&LAST_MODIFIED)) }
    }

    /// Status and content type, for messages.
    pub(crate) fn describe(&self) -> String {
        let status = status_text(self.status);
        match self.header(&CONTENT_TYPE) {
            Some(content_type) => format!("{status} ({})", content_type.escape_debug()),
            None => status.into_owned(),
        }
    }

    /// Whether it says of itself that it is a page.
    pub(crate) fn is_html(&self) -> bool {
        self.header(&CONTENT_TYPE).is_some_and(|content_type| content_type.starts_with("text/html"))
    }

    /// The next piece of the body; nothing at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        match within(self.idle_timeout, self.body.next()).await {
            Some(chunk) => chunk.transpose(),
            None => Err(stalled(self.idle_timeout, self.attempt)),
        }
    }

    /// The whole body, if it is within this limit.
    pub(crate) async fn read(&mut self, limits: &Limits, limit: Limit) -> Result<Vec<u8>, Error> {
        limits.check(limit, self.content_length().unwrap_or_default())?;
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            limits.check(limit, (bytes.len() + chunk.len()) as u64).map_err(LimitError::at_least)?;
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// What can be had of the first bytes of the body.
    pub(crate) async fn beginning(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let reading = async {
            while bytes.len() < length
                && let Ok(Some(chunk)) = self.chunk().await
            {
                bytes.extend_from_slice(chunk.get(..length - bytes.len()).unwrap_or(&chunk));
            }
        };
        // What has come by then has to do: it is only for people.
        let _ = within(BEGINNING, Box::pin(reading)).await;
        bytes
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

/// How long the beginning of a body is waited for.
const BEGINNING: Duration = Duration::from_secs(5);

/// How the message begins that says that the other side is silent.
pub(crate) const SILENT: &str = "nothing came from the server";

/// Nothing came for so long.
pub(crate) fn stalled(idle_timeout: Duration, attempt: u32) -> Error {
    let message = format!("{SILENT} for {idle_timeout:?} (attempt {attempt})");
    Error::new(ErrorKind::Timeout, message)
}

impl Validator {
    pub(crate) const NONE: Self = Self { etag: None, last_modified: None, is_date_strong: false };

    pub(crate) fn new(etag: Option<String>, last_modified: Option<String>) -> Self {
        Self { etag, last_modified, is_date_strong: false }
    }

    /// What `If-Range` can be asked with: a strong ETag, or else a strong date (RFC 9110, 8.8.2.2).
    pub(crate) fn if_range(&self) -> Option<&str> {
        let etag = self.etag.as_deref().filter(|etag| etag.starts_with('"'));
        etag.or_else(|| self.last_modified.as_deref().filter(|_| self.is_date_strong))
    }

    pub(crate) fn etag(&self) -> Option<&str> {
        self.etag.as_deref()
    }

    pub(crate) fn last_modified(&self) -> Option<&str> {
        self.last_modified.as_deref()
    }

    /// Whether a part that was answered is of the version that has this validator: the condition of the request says so, or the
    /// answer shows the same one.
    pub(crate) fn is_proven_by(&self, told: &Self) -> bool {
        self.agrees_with(told) && (ASKS_IF_RANGE || self.if_range().is_none() || *told != Self::NONE)
    }

    /// Whether both may be of the same bytes. An answer that names none (a 206 may leave out what `If-Range` asked for) agrees.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        let agree = |one: &Option<String>, other: &Option<String>| match (one, other) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        match (&self.etag, &other.etag) {
            (Some(one), Some(other)) => one == other,
            _ => agree(&self.last_modified, &other.last_modified),
        }
    }
}

fn parse_content_range(value: &str) -> Option<ContentRange> {
    let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
    let total = total.parse().ok();
    // `bytes */0` is what a 416 says.
    let start = if range == "*" { 0 } else { range.split_once('-')?.0.parse().ok()? };
    Some(ContentRange { start, total })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges() {
        let check = |value, expected: Option<(u64, Option<u64>)>| {
            assert_eq!(parse_content_range(value).map(|range| (range.start, range.total)), expected, "{value}");
        };
        check("bytes 5-9/100", Some((5, Some(100))));
        check("bytes 0-0/*", Some((0, None)));
        check("bytes */0", Some((0, Some(0))));
        check("bytes 5/9", None);
        check("items 0-1/2", None);
        check("bytes 0-1/99999999999999999999999", Some((0, None)));
    }

    #[test]
    fn validators() {
        let of = |etag: Option<&str>, date: Option<&str>| Validator {
            etag: etag.map(str::to_owned),
            last_modified: date.map(str::to_owned),
            is_date_strong: true,
        };
        assert_eq!(of(Some("\"a\""), Some("d")).if_range(), Some("\"a\""));
        assert_eq!(of(Some("W/\"a\""), Some("d")).if_range(), Some("d"));
        assert_eq!(Validator { is_date_strong: false, ..of(None, Some("d")) }.if_range(), None);
        assert_eq!(of(None, Some("d")).if_range(), Some("d"));
        assert!(of(Some("\"a\""), None).agrees_with(&of(None, None)));
        assert!(!of(Some("\"a\""), Some("d")).agrees_with(&of(Some("\"b\""), Some("d"))));
        assert!(!of(None, Some("d")).agrees_with(&of(None, Some("e"))));
    }
}
