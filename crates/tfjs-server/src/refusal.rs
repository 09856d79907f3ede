//! Answers to what cannot be done: a status and a line of JSON.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tfjs_artifacts::{Error, ErrorKind};

/// Why a request is refused. Its words go to the client: they name no place on the server.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    /// What the body calls it, where the status does not tell.
    kind: Option<&'static str>,
    header: Option<(HeaderName, HeaderValue)>,
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    kind: &'static str,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), kind: None, header: None }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// The name of a model, or what stands in its place.
    pub(crate) fn invalid_name(message: impl Into<String>) -> Self {
        Self { kind: Some(INVALID_NAME), ..Self::bad_request(message) }
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(crate) fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    /// The parts of a request do not fit together.
    pub(crate) fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }

    /// Says when to try again: whole seconds, at least one.
    pub(crate) fn with_retry_after(self, wait: Duration) -> Self {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)))
    }

    /// What the backend said while a model was saved: bad bytes are the client's.
    pub(crate) fn of_save(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidData | ErrorKind::LimitExceeded | ErrorKind::Unsupported => {
                Self::unprocessable(chain(error))
            }
            // A place that was there a moment ago: somebody removed it, or another upload failed.
            ErrorKind::NotFound => Self::new(StatusCode::CONFLICT, "the model was removed meanwhile; try again"),
            _ => Self::of_backend(error),
        }
    }

    /// What the backend said about a model that is there, or is not: bad bytes are the server's.
    pub(crate) fn of_backend(error: &Error) -> Self {
        let status = match error.kind() {
            ErrorKind::NotFound => {
                tracing::debug!(error = %error.chain(), "a model or a file of it is missing");
                return Self::not_found("there is no such model, or it is not whole; the server lists those that are");
            }
            // The backend's own words say where.
            ErrorKind::AlreadyExists => {
                tracing::warn!(error = %error.chain(), "a model cannot be replaced");
                let message =
                    "something else is in the way: a folder, a file, or a file of another model; choose another name";
                return Self::new(StatusCode::CONFLICT, message);
            }
            ErrorKind::PermissionDenied => {
                tracing::error!(error = %error.chain(), "the backend refuses access");
                return Self::new(StatusCode::FORBIDDEN, "the server itself may not do that where it keeps its models");
            }
            ErrorKind::Conflict => StatusCode::CONFLICT,
            ErrorKind::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
            ErrorKind::RateLimited => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        tracing::error!(error = %error.chain(), "the backend failed");
        let mut refusal = Self::new(status, error.message());
        // Of these another try would find the same.
        refusal.kind = match error.kind() {
            ErrorKind::InvalidData => Some(INVALID_MODEL),
            ErrorKind::LimitExceeded => Some(TOO_LARGE),
            _ => None,
        };
        if refusal.kind.is_some() {
            refusal.message = chain(error);
        }
        match error.retry_after() {
            Some(wait) => refusal.with_retry_after(wait),
            None if status == StatusCode::SERVICE_UNAVAILABLE => refusal.with_retry_after(Duration::from_secs(1)),
            None => refusal,
        }
    }

    fn kind(&self) -> &'static str {
        if let Some(kind) = self.kind {
            return kind;
        }
        match self.status {
            StatusCode::UNAUTHORIZED => "unauthenticated",
            StatusCode::FORBIDDEN => "forbidden",
            StatusCode::NOT_FOUND => "notFound",
            StatusCode::METHOD_NOT_ALLOWED => "methodNotAllowed",
            StatusCode::REQUEST_TIMEOUT => "timeout",
            StatusCode::CONFLICT => "conflict",
            StatusCode::PRECONDITION_FAILED => "preconditionFailed",
            StatusCode::PAYLOAD_TOO_LARGE => TOO_LARGE,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupportedMediaType",
            StatusCode::RANGE_NOT_SATISFIABLE => "rangeNotSatisfiable",
            StatusCode::UNPROCESSABLE_ENTITY => INVALID_MODEL,
            StatusCode::SERVICE_UNAVAILABLE => "busy",
            StatusCode::INSUFFICIENT_STORAGE => "storageFull",
            status if status.is_server_error() => "internal",
            _ => "badRequest",
        }
    }
}

/// A model that is damaged, be it uploaded or stored.
const INVALID_MODEL: &str = "invalidModel";

/// What no model can be called, so that another name may do.
const INVALID_NAME: &str = "invalidName";

/// What is beyond a limit, be it of the server or of the format.
const TOO_LARGE: &str = "tooLarge";

/// The messages of an error and its causes, without the places that they name.
pub(crate) fn chain(error: &Error) -> String {
    let mut text = error.message().to_owned();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<Error>() {
            text.push_str(": ");
            text.push_str(error.message());
        }
        source = cause.source();
    }
    text
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Body { error: &self.message, kind: self.kind() };
        let mut response = json(self.status, &body);
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// A JSON document as an answer.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(mut text) => {
            text.push(b'\n');
            let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")];
            (status, headers, text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "an answer cannot be printed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
