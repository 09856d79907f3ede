//! What a browser wants to hear before it lets a page use the server.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::access::is_allowed;
use crate::{AllowedOrigins, ServerOptions};

const REQUEST_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// Answers preflights, and tells browsers who may see an answer.
pub(crate) async fn layer(State(options): State<Arc<ServerOptions>>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if is_preflight {
        preflight(&options, origin.as_ref(), request.headers())
    } else {
        let mut response = next.run(request).await;
        let exposed = "etag, content-range, accept-ranges, content-length, content-encoding, location, retry-after, \
                       x-model-version, x-request-id";
        response.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(exposed));
        response
    };
    allow_origin(&options, origin.as_ref(), response.headers_mut());
    response
}

fn preflight(options: &ServerOptions, origin: Option<&HeaderValue>, request: &HeaderMap) -> Response {
    let may_write = !options.is_read_only && origin.is_some_and(|origin| is_allowed(options, origin, false));
    let methods = if may_write { "GET, HEAD, POST, PUT, DELETE" } else { "GET, HEAD" };
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
    let allowed = "authorization, content-type, range, if-range, if-match, if-none-match, x-request-id";
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(allowed));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    if request.contains_key(REQUEST_PRIVATE_NETWORK) {
        headers.insert(ALLOW_PRIVATE_NETWORK, HeaderValue::from_static("true"));
    }
    response
}

fn allow_origin(options: &ServerOptions, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
    match (&options.allowed_origins, origin) {
        (AllowedOrigins::Any, _) => {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
        (AllowedOrigins::List(origins), origin) => {
            headers.append(VARY, HeaderValue::from_static("origin"));
            if let Some(origin) = origin.filter(|origin| origins.contains(origin)) {
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            }
        }
    }
}
