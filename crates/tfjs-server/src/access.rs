//! Who may do what.

use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::refusal::Refusal;
use crate::{AllowedOrigins, ServerOptions, page};

/// Whether a request may be answered.
///
/// # Errors
/// 401 when the token is missing or wrong, 403 when nobody may do that, or no page of the request's origin.
pub(crate) fn check(options: &ServerOptions, method: &Method, path: &str, headers: &HeaderMap) -> Result<(), Refusal> {
    let is_read = is_read(method);
    if !is_read && options.is_read_only {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "this server is read-only"));
    }
    // The page asks its user for the token; there is no model in it.
    let is_page = options.page.is_some() && is_read && (page::is_at(path) || (path == "/" && page::is_wanted(headers)));
    if let Some(origin) = headers.get(ORIGIN)
        && !is_page
        && !is_allowed(options, origin, is_read)
        && !is_from_page(options, origin, headers)
    {
        let message = "web pages of this origin may not do that here; whoever runs the server can allow it";
        return Err(Refusal::new(StatusCode::FORBIDDEN, message));
    }
    let is_public = path == "/healthz" || is_page;
    let needs_token = !is_read || (options.protects_reads && !is_public);
    match &options.token {
        Some(token) if needs_token => {
            let shown = headers.get(AUTHORIZATION);
            if shown.is_some_and(|shown| token.is_shown_by(shown.as_bytes())) {
                return Ok(());
            }
            let message = match shown {
                Some(_) => "the token is wrong",
                None => "this needs a token: send it as `Authorization: Bearer ...`",
            };
            let challenge = HeaderValue::from_static("Bearer realm=\"tfjs\"");
            Err(Refusal::new(StatusCode::UNAUTHORIZED, message).with_header(WWW_AUTHENTICATE, challenge))
        }
        _ => Ok(()),
    }
}

/// Whether a method changes nothing.
pub(crate) fn is_read(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS].contains(method)
}

/// Whether pages of an origin may use the server.
///
/// A browser sends a form with a model without asking first, so it is not enough to keep the answer from the page.
pub(crate) fn is_allowed(options: &ServerOptions, origin: &HeaderValue, is_read: bool) -> bool {
    match &options.allowed_origins {
        AllowedOrigins::List(origins) => origins.contains(origin),
        AllowedOrigins::Any => is_read || options.token.is_some() || is_local(origin),
    }
}

/// Whether a request comes from the page that this server itself has served: its origin is where it is sent to.
///
/// A name of a host proves that only if there is a token: whoever owns a name can let it point here, and then the pages of
/// that name seem to be ours (DNS rebinding). Numbers cannot be bent like that, nor can `localhost`.
fn is_from_page(options: &ServerOptions, origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let Some((Ok(origin), Ok(host))) = headers.get(HOST).map(|host| (origin.to_str(), host.to_str())) else {
        return false;
    };
    let Some((_, authority)) = origin.split_once("://") else { return false };
    let is_number = host_of(origin).is_some_and(|host| host.parse::<std::net::IpAddr>().is_ok());
    let is_certain = is_number || options.token.is_some() || is_local_text(origin);
    options.page.is_some() && authority.eq_ignore_ascii_case(host) && is_certain
}

/// Whether an origin is on the user's own machine.
fn is_local(origin: &HeaderValue) -> bool {
    origin.to_str().is_ok_and(is_local_text)
}

fn is_local_text(origin: &str) -> bool {
    let Some(host) = host_of(origin) else { return false };
    let is_loopback = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    is_loopback || host == "localhost" || host.ends_with(".localhost")
}

/// The host of an origin, without its port and the brackets of an IPv6 address.
fn host_of(origin: &str) -> Option<&str> {
    let (_, host) = origin.split_once("://")?;
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_machine() {
        let local = |origin| is_local(&HeaderValue::from_static(origin));
        for origin in [
            "http://localhost:5173",
            "https://127.0.0.1",
            "http://127.9.9.9:1",
            "http://[::1]:80",
            "http://app.localhost",
        ] {
            assert!(local(origin), "{origin}");
        }
        for origin in [
            "null",
            "http://evil.example",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "file://",
            "http://[::2]",
        ] {
            assert!(!local(origin), "{origin}");
        }
    }
}
