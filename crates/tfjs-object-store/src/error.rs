//! From the errors of object_store to [`Error`], in one place.

use std::error::Error as StdError;
use std::io;

use object_store::Error as StoreError;
use tfjs_artifacts::{Error, ErrorKind, Operation};

/// What a store said about an object. object_store leaves out of its errors what is secret in a request.
pub(crate) fn store_error(error: StoreError, operation: Operation, url: &str) -> Error {
    let (kind, message) = describe(&error);
    Error::new(kind, message).with_operation(operation).with_location(url).with_source(error)
}

fn describe(error: &StoreError) -> (ErrorKind, &'static str) {
    if let Some(expired) = expired(error) {
        return expired;
    }
    match error {
        StoreError::NotFound { .. } => (ErrorKind::NotFound, "there is no such object or bucket"),
        StoreError::InvalidPath { .. } => (ErrorKind::InvalidUrl, "the store cannot have such a key"),
        StoreError::NotSupported { .. } | StoreError::NotImplemented { .. } => {
            (ErrorKind::Unsupported, "the store cannot do that")
        }
        StoreError::AlreadyExists { .. } | StoreError::Precondition { .. } | StoreError::NotModified { .. } => {
            (ErrorKind::Conflict, "somebody else changed the object at the same time")
        }
        StoreError::PermissionDenied { .. } => (ErrorKind::PermissionDenied, "the store refused access"),
        StoreError::Unauthenticated { .. } => {
            (ErrorKind::Unauthenticated, "the store wants other credentials, or any at all")
        }
        StoreError::UnknownConfigurationKey { .. } => (ErrorKind::InvalidUrl, "the store knows no such setting"),
        _ => generic(error),
    }
}

/// What S3 and those who speak its protocol call credentials that were good for some time; Amazon answers 400, others 403. Azure says
/// what is wrong with a signature in words, Google that a token is invalid.
const EXPIRED: [&str; 4] =
    ["ExpiredToken", "TokenRefreshRequired", "Signature not valid in the specified time frame", "invalid_token"];

/// Credentials that are not good any more, whatever the status was.
fn expired(error: &StoreError) -> Option<(ErrorKind, &'static str)> {
    let refused = matches!(
        error,
        StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } | StoreError::Generic { .. }
    );
    if !refused {
        return None;
    }
    let text = error.to_string();
    let message = "the credentials have expired; get new ones (a new `AWS_SESSION_TOKEN` with its keys, as `aws sso login` or your \
                   provider's tool gives them; a new `GOOGLE_SERVICE_ACCOUNT` token; a new Azure SAS), and try again";
    EXPIRED.iter().any(|word| text.contains(word)).then_some((ErrorKind::PermissionDenied, message))
}

/// Where a cloud's own machines ask for their credentials, the last place in which object_store looks for any.
const METADATA_SERVICE: &str = "://169.254.169.254/";

/// What object_store has no kind for: answers that are no success, connections, and the errors of a system.
fn generic(error: &StoreError) -> (ErrorKind, &'static str) {
    if error.to_string().contains(METADATA_SERVICE) {
        let message = "there are no credentials, and this machine is none of the cloud's, which has its own; give some, as the \
                       command takes them from the environment (`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, \
                       `GOOGLE_SERVICE_ACCOUNT`, `AZURE_STORAGE_ACCOUNT_KEY`), or say that the bucket needs none \
                       (`AWS_SKIP_SIGNATURE=true`)";
        return (ErrorKind::Unauthenticated, message);
    }
    causes(error).find_map(of_cause).unwrap_or((ErrorKind::Unexpected, "the store reported an error"))
}

fn causes<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn of_cause(cause: &(dyn StdError + 'static)) -> Option<(ErrorKind, &'static str)> {
    if let Some(error) = cause.downcast_ref::<io::Error>() {
        return of_system(error.kind());
    }
    #[cfg(feature = "cloud")]
    if let Some(error) = cause.downcast_ref::<object_store::client::HttpError>() {
        return Some(of_connection(error.kind()));
    }
    of_status(&cause.to_string())
}

#[cfg(feature = "cloud")]
fn of_connection(kind: object_store::client::HttpErrorKind) -> (ErrorKind, &'static str) {
    use object_store::client::HttpErrorKind as Http;
    match kind {
        Http::Timeout => (ErrorKind::Timeout, "the store took too long"),
        Http::Connect => (ErrorKind::Transport, "cannot connect to the store"),
        _ => (ErrorKind::Transport, "the connection to the store broke"),
    }
}

/// The status of an answer: object_store keeps the type to itself that has it, and prints it.
fn of_status(text: &str) -> Option<(ErrorKind, &'static str)> {
    let (_, rest) = text.split_once("non-2xx status code: ").or_else(|| text.split_once("error response: "))?;
    let status = rest.get(..3).and_then(|status| status.parse::<u16>().ok());
    Some(match status {
        Some(408 | 504) => (ErrorKind::Timeout, "the store took too long"),
        Some(429 | 503) => (ErrorKind::RateLimited, "the store asks for fewer requests"),
        Some(507) => (ErrorKind::StorageFull, "there is no room left in the store"),
        None | Some(500..) => (ErrorKind::Transport, "the store failed, also when it was asked again"),
        Some(_) => (ErrorKind::Unexpected, "the store refused the request"),
    })
}

/// The errors of stores on a file system.
fn of_system(kind: io::ErrorKind) -> Option<(ErrorKind, &'static str)> {
    use io::ErrorKind as Io;
    match kind {
        Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => {
            Some((ErrorKind::StorageFull, "there is no room left in the store"))
        }
        Io::PermissionDenied | Io::ReadOnlyFilesystem => {
            Some((ErrorKind::PermissionDenied, "the system refused access"))
        }
        Io::TimedOut => Some((ErrorKind::Timeout, "the store took too long")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(error: StoreError) -> ErrorKind {
        let error = store_error(error, Operation::Load, "s3://bucket/m/model.json");
        assert!(error.to_string().starts_with("cannot load `s3://bucket/m/model.json`: "), "{error}");
        error.kind()
    }

    #[test]
    fn kinds() {
        let (path, source) = (|| "m".to_owned(), || Box::from("x"));
        for (error, ours) in [
            (StoreError::NotFound { path: path(), source: source() }, ErrorKind::NotFound),
            (StoreError::Precondition { path: path(), source: source() }, ErrorKind::Conflict),
            (StoreError::AlreadyExists { path: path(), source: source() }, ErrorKind::Conflict),
            (StoreError::NotModified { path: path(), source: source() }, ErrorKind::Conflict),
            (StoreError::PermissionDenied { path: path(), source: source() }, ErrorKind::PermissionDenied),
            (StoreError::Unauthenticated { path: path(), source: source() }, ErrorKind::Unauthenticated),
            (StoreError::NotSupported { source: source() }, ErrorKind::Unsupported),
            (StoreError::Generic { store: "S3", source: source() }, ErrorKind::Unexpected),
            (
                StoreError::Generic { store: "S3", source: "400 <Code>ExpiredToken</Code>".into() },
                ErrorKind::PermissionDenied,
            ),
            (
                StoreError::PermissionDenied { path: path(), source: "403 <Code>ExpiredToken</Code>".into() },
                ErrorKind::PermissionDenied,
            ),
        ] {
            assert_eq!(kind(error), ours);
        }
    }

    #[test]
    fn kinds_of_what_object_store_has_none_for() {
        for (text, ours) in [
            ("Server returned non-2xx status code: 503 Service Unavailable: SlowDown", ErrorKind::RateLimited),
            ("Server returned non-2xx status code: 429 Too Many Requests: ", ErrorKind::RateLimited),
            ("Server returned non-2xx status code: 500 Internal Server Error: ", ErrorKind::Transport),
            ("Server returned non-2xx status code: 504 Gateway Timeout: ", ErrorKind::Timeout),
            ("Server returned non-2xx status code: 507 Insufficient Storage: ", ErrorKind::StorageFull),
            ("Server returned non-2xx status code: 400 Bad Request: ", ErrorKind::Unexpected),
            ("Server returned error response: InternalError", ErrorKind::Transport),
            (
                "Error performing token request: Error performing GET http://169.254.169.254/computeMetadata/v1/x in 1ms - \
                 Server returned non-2xx status code: 403 Forbidden: ",
                ErrorKind::Unauthenticated,
            ),
        ] {
            assert_eq!(kind(StoreError::Generic { store: "S3", source: text.into() }), ours, "{text}");
        }
        let full =
            StoreError::Generic { store: "Local", source: Box::new(io::Error::from(io::ErrorKind::StorageFull)) };
        assert_eq!(kind(full), ErrorKind::StorageFull);
    }
}
