//! From what a server answers to [`Error`], in one place. What a connection does is known to the transport.

use std::borrow::Cow;

use crate::message::StatusCode;
use crate::message::header::RETRY_AFTER;
use tfjs_artifacts::{Error, ErrorKind, RawJson, sniff};
use web_time::SystemTime;

use crate::response::Response;
use crate::retry::parse_retry_after;

/// How much of an error page is read to tell what it is.
const ERROR_PAGE: usize = 1024;

/// How much of a server's message is passed on, in characters.
const MAX_TOLD: usize = 400;

/// What `tfjs-server` calls that which is wrong.
const KINDS: [&str; 16] = [
    "badRequest",
    "busy",
    "conflict",
    "forbidden",
    "internal",
    "invalidModel",
    "invalidName",
    "methodNotAllowed",
    "notFound",
    "preconditionFailed",
    "rangeNotSatisfiable",
    "storageFull",
    "timeout",
    "tooLarge",
    "unauthenticated",
    "unsupportedMediaType",
];

/// How `tfjs-server` says what is wrong. The words of other servers are not passed on: they may repeat what was sent to them.
struct Told {
    error: String,
    kind: String,
}

impl Told {
    fn read(page: &[u8]) -> Option<Self> {
        let json = RawJson::parse(str::from_utf8(page).ok()?).ok()?;
        let text = |key| json.member(key)?.as_str().map(Cow::into_owned);
        let told = Self { error: text("error")?, kind: text("kind")? };
        KINDS.contains(&&*told.kind).then_some(told)
    }
}

/// A status that is no success; looks at the beginning of its body for a reason.
///
/// `name` is that of a file; nothing for the one that the location names.
pub(crate) async fn status_error(mut response: Response, name: Option<&str>) -> Error {
    let retry_after = response.header(&RETRY_AFTER).and_then(|value| parse_retry_after(value, SystemTime::now()));
    let status = response.status;
    let mut message = match name {
        Some(name) => format!("{name} was answered with {}", response.describe()),
        None => format!("the server answered {}", response.describe()),
    };
    let page = response.beginning(ERROR_PAGE).await;
    let told = Told::read(&page);
    if let Some(Told { error, .. }) = &told {
        message = format!("{message}: {}", readable(error));
    } else if let Some(sniffed) = sniff(&page) {
        message = format!("{message}; the body {sniffed}");
    }
    if let Some(help) = help(status) {
        message = format!("{message}; {help}");
    }
    let kind = match told.as_ref().map(|told| told.kind.as_str()) {
        Some("invalidName") => ErrorKind::InvalidUrl,
        Some("invalidModel") => ErrorKind::InvalidData,
        Some("tooLarge") => ErrorKind::LimitExceeded,
        _ => kind(status),
    };
    let error = Error::new(kind, message);
    match retry_after {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

/// The beginning of a message, with escapes for what cannot be seen or ends a line. Quotes and backslashes stay: the server has
/// written its own escapes with them.
fn readable(message: &str) -> String {
    const KEPT: [char; 3] = ['"', '\'', '\\'];
    let message: String = message.chars().take(MAX_TOLD).collect();
    let escaped = |part: &str| {
        let text = part.trim_end_matches(KEPT);
        format!("{}{}", text.escape_debug(), part.strip_prefix(text).unwrap_or_default())
    };
    message.split_inclusive(KEPT).map(escaped).collect()
}

fn kind(status: StatusCode) -> ErrorKind {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED => ErrorKind::Unauthenticated,
        StatusCode::FORBIDDEN => ErrorKind::PermissionDenied,
        StatusCode::NOT_FOUND | StatusCode::GONE => ErrorKind::NotFound,
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => ErrorKind::Timeout,
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => ErrorKind::Conflict,
        StatusCode::PAYLOAD_TOO_LARGE => ErrorKind::LimitExceeded,
        StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited,
        StatusCode::INSUFFICIENT_STORAGE => ErrorKind::StorageFull,
        StatusCode::METHOD_NOT_ALLOWED
        | StatusCode::UNSUPPORTED_MEDIA_TYPE
        | StatusCode::NOT_IMPLEMENTED
        | StatusCode::HTTP_VERSION_NOT_SUPPORTED => ErrorKind::Unsupported,
        _ if status.is_server_error() => ErrorKind::Transport,
        _ => ErrorKind::Unexpected,
    }
}

fn help(status: StatusCode) -> Option<&'static str> {
    Some(match status {
        StatusCode::UNAUTHORIZED => "give credentials, or fresh ones",
        StatusCode::FORBIDDEN => "the credentials do not allow this, or a signed URL has expired",
        StatusCode::METHOD_NOT_ALLOWED => "the server does not take this method here",
        StatusCode::PAYLOAD_TOO_LARGE => "the server takes no body of this size",
        _ => return None,
    })
}

/// Why a file cannot be read, with its name, which an error that is about an answer has already. All that is known is said at once, for
/// those who see no more of an error than its message.
pub(crate) fn unread(error: Error, name: &str) -> Error {
    if error.message().starts_with(name) {
        return error;
    }
    let unread = Error::new(error.kind(), format!("{name} cannot be read: {}", error.chain()));
    match error.retry_after() {
        Some(wait) => unread.with_retry_after(wait),
        None => unread,
    }
}

/// A status with its reason, as in `404 Not Found`.
pub(crate) fn status_text(status: StatusCode) -> Cow<'static, str> {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()).into(),
        None => status.as_u16().to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_escaped_once() {
        assert_eq!(readable("`a\"b\\u{200d}` is \u{1b}[2J\nno name"), "`a\"b\\u{200d}` is \\u{1b}[2J\\nno name");
        assert_eq!(readable("e\u{301} `''`"), "e\u{301} `''`");
        assert_eq!(readable(&"x".repeat(1000)).len(), MAX_TOLD);
    }
}
