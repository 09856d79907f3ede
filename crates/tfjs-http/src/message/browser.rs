//! Methods, statuses and headers with as much of the interface of the crate `http` as is used here, and its rules.

use std::borrow::Cow;
use std::fmt;
use std::iter::Map;
use std::slice::Iter;

/// A method. The names are case-sensitive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Head,
    Post,
    Put,
    /// One of the user's.
    Other(String),
}

/// A status of three digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StatusCode(u16);

/// The name of a header, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeaderName(Cow<'static, str>);

/// The value of a header: bytes that break no line.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct HeaderValue(Vec<u8>);

/// Headers in the order in which they were added, those of one name beside each other.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeaderMap(Vec<(HeaderName, HeaderValue)>);

/// What something is not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Invalid(&'static str);

impl Method {
    pub(crate) const GET: Self = Self::Get;
    pub(crate) const HEAD: Self = Self::Head;
    pub(crate) const POST: Self = Self::Post;
    pub(crate) const PUT: Self = Self::Put;

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Invalid> {
        Ok(match token(bytes).ok_or(Invalid("invalid HTTP method"))? {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            other => Self::Other(other.to_owned()),
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Other(name) => name,
        }
    }
}

/// Each registered status and its reason, as the crate `http` has them.
const REASONS: &str = include_str!("reasons.txt");

impl StatusCode {
    pub(crate) const OK: Self = Self(200);
    pub(crate) const PARTIAL_CONTENT: Self = Self(206);
    pub(crate) const SEE_OTHER: Self = Self(303);
    pub(crate) const NOT_MODIFIED: Self = Self(304);
    pub(crate) const UNAUTHORIZED: Self = Self(401);
    pub(crate) const FORBIDDEN: Self = Self(403);
    pub(crate) const NOT_FOUND: Self = Self(404);
    pub(crate) const METHOD_NOT_ALLOWED: Self = Self(405);
    pub(crate) const PROXY_AUTHENTICATION_REQUIRED: Self = Self(407);
    pub(crate) const REQUEST_TIMEOUT: Self = Self(408);
    pub(crate) const CONFLICT: Self = Self(409);
    pub(crate) const GONE: Self = Self(410);
    pub(crate) const PRECONDITION_FAILED: Self = Self(412);
    pub(crate) const PAYLOAD_TOO_LARGE: Self = Self(413);
    pub(crate) const UNSUPPORTED_MEDIA_TYPE: Self = Self(415);
    pub(crate) const RANGE_NOT_SATISFIABLE: Self = Self(416);
    pub(crate) const TOO_MANY_REQUESTS: Self = Self(429);
    pub(crate) const NOT_IMPLEMENTED: Self = Self(501);
    pub(crate) const SERVICE_UNAVAILABLE: Self = Self(503);
    pub(crate) const GATEWAY_TIMEOUT: Self = Self(504);
    pub(crate) const HTTP_VERSION_NOT_SUPPORTED: Self = Self(505);
    pub(crate) const INSUFFICIENT_STORAGE: Self = Self(507);

    pub(crate) fn from_u16(code: u16) -> Result<Self, Invalid> {
        if (100..1000).contains(&code) { Ok(Self(code)) } else { Err(Invalid("invalid status code")) }
    }

    pub(crate) fn as_u16(self) -> u16 {
        self.0
    }

    pub(crate) fn is_success(self) -> bool {
        self.0 / 100 == 2
    }

    pub(crate) fn is_server_error(self) -> bool {
        self.0 / 100 == 5
    }

    pub(crate) fn canonical_reason(self) -> Option<&'static str> {
        let code = self.0.to_string();
        REASONS.lines().find_map(|line| line.strip_prefix(&*code)).map(str::trim_ascii_start)
    }
}

impl HeaderName {
    pub(crate) const fn from_static(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Invalid> {
        let name = token(bytes).filter(|name| u16::try_from(name.len()).is_ok());
        let name = name.ok_or(Invalid("invalid HTTP header name"))?;
        Ok(Self(name.to_ascii_lowercase().into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl HeaderValue {
    pub(crate) fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::try_from(text.as_bytes().to_vec())
    }

    pub(crate) fn to_str(&self) -> Result<&str, Invalid> {
        str::from_utf8(&self.0).ok().filter(|text| text.is_ascii()).ok_or(Invalid("failed to convert header to a str"))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Nothing more to do: no value is ever printed.
    #[expect(clippy::needless_pass_by_ref_mut, clippy::unused_self, reason = "the interface of the crate `http`")]
    pub(crate) fn set_sensitive(&mut self, _is_sensitive: bool) {}
}

impl TryFrom<Vec<u8>> for HeaderValue {
    type Error = Invalid;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Invalid> {
        let is_good = bytes.iter().all(|byte| *byte == b'\t' || !byte.is_ascii_control());
        if is_good { Ok(Self(bytes)) } else { Err(Invalid("failed to parse header value")) }
    }
}

impl HeaderMap {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a header, in place of those of the same name.
    pub(crate) fn insert(&mut self, name: HeaderName, value: HeaderValue) {
        self.remove(&name);
        self.0.push((name, value));
    }

    /// Adds a header behind those of the same name.
    pub(crate) fn append(&mut self, name: HeaderName, value: HeaderValue) {
        let last = self.0.iter().rposition(|(other, _)| *other == name);
        self.0.insert(last.map_or(self.0.len(), |last| last + 1), (name, value));
    }

    /// The first of this name.
    pub(crate) fn get(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    pub(crate) fn contains_key(&self, name: &HeaderName) -> bool {
        self.get(name).is_some()
    }

    /// Takes all of this name out, and tells the first.
    pub(crate) fn remove(&mut self, name: &HeaderName) -> Option<HeaderValue> {
        let first = self.get(name).cloned();
        self.0.retain(|(other, _)| other != name);
        first
    }

    pub(crate) fn iter(&self) -> <&Self as IntoIterator>::IntoIter {
        self.0.iter().map(|(name, value)| (name, value))
    }
}

impl<'m> IntoIterator for &'m HeaderMap {
    type Item = (&'m HeaderName, &'m HeaderValue);
    type IntoIter = Map<Iter<'m, (HeaderName, HeaderValue)>, fn(&'m (HeaderName, HeaderValue)) -> Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<(HeaderName, HeaderValue)> for HeaderMap {
    fn from_iter<T: IntoIterator<Item = (HeaderName, HeaderValue)>>(headers: T) -> Self {
        let mut map = Self::new();
        headers.into_iter().for_each(|(name, value)| map.append(name, value));
        map
    }
}

/// A text of characters that RFC 9110 allows in names (`token`).
fn token(bytes: &[u8]) -> Option<&str> {
    let is_good = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    str::from_utf8(bytes).ok().filter(|text| !text.is_empty() && bytes.iter().all(is_good))
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for HeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeaderValue")
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Invalid {}

/// The headers that are named here.
pub(crate) mod header {
    use std::borrow::Cow;

    use super::HeaderName;

    pub(crate) const ACCEPT_ENCODING: HeaderName = HeaderName(Cow::Borrowed("accept-encoding"));
    pub(crate) const AUTHORIZATION: HeaderName = HeaderName(Cow::Borrowed("authorization"));
    pub(crate) const CONTENT_ENCODING: HeaderName = HeaderName(Cow::Borrowed("content-encoding"));
    pub(crate) const CONTENT_LENGTH: HeaderName = HeaderName(Cow::Borrowed("content-length"));
    pub(crate) const CONTENT_RANGE: HeaderName = HeaderName(Cow::Borrowed("content-range"));
    pub(crate) const CONTENT_TYPE: HeaderName = HeaderName(Cow::Borrowed("content-type"));
    pub(crate) const DATE: HeaderName = HeaderName(Cow::Borrowed("date"));
    pub(crate) const ETAG: HeaderName = HeaderName(Cow::Borrowed("etag"));
    pub(crate) const IF_MODIFIED_SINCE: HeaderName = HeaderName(Cow::Borrowed("if-modified-since"));
    pub(crate) const IF_NONE_MATCH: HeaderName = HeaderName(Cow::Borrowed("if-none-match"));
    pub(crate) const IF_RANGE: HeaderName = HeaderName(Cow::Borrowed("if-range"));
    pub(crate) const LAST_MODIFIED: HeaderName = HeaderName(Cow::Borrowed("last-modified"));
    pub(crate) const LOCATION: HeaderName = HeaderName(Cow::Borrowed("location"));
    pub(crate) const RANGE: HeaderName = HeaderName(Cow::Borrowed("range"));
    pub(crate) const RETRY_AFTER: HeaderName = HeaderName(Cow::Borrowed("retry-after"));
}
