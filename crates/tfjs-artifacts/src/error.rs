//! The one error type of every handler, store and router.

mod io;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::{Location, RelPath};

/// What went wrong, where, while doing what, and why.
///
/// `Display` prints this layer only; [`source`](std::error::Error::source) carries the rest of the chain.
/// Locations are printed without user info and query (see [`Location`]).
///
/// ```
/// use tfjs_artifacts::{Error, ErrorKind, Operation};
///
/// let error = Error::new(ErrorKind::NotFound, "there is no such file")
///     .with_operation(Operation::Load)
///     .with_location("file:///models/model.json");
/// assert_eq!(error.to_string(), "cannot load `file:///models/model.json`: there is no such file");
/// assert!(!error.is_transient());
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    operation: Option<Operation>,
    location: Option<Location>,
    message: Cow<'static, str>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    misses_shards: bool,
}

/// The class of an [`Error`]: what a caller may want to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The destination exists and may not be replaced, or is of the wrong kind (a file where a folder must be).
    AlreadyExists,
    /// Somebody else changed the same thing at the same time.
    Conflict,
    /// The bytes are there but are not what they claim to be: bad JSON, wrong lengths, impossible shapes.
    InvalidData,
    /// The URL or path cannot be understood.
    InvalidUrl,
    /// A documented limit on input was exceeded.
    LimitExceeded,
    /// There is no model, or no such part of one, at this place.
    NotFound,
    /// The medium refused access.
    PermissionDenied,
    /// The other side asked for fewer requests.
    RateLimited,
    /// Disk full or quota exceeded.
    StorageFull,
    /// The other side took too long.
    Timeout,
    /// Reading or writing failed on the way: connection, device, interrupted call.
    Transport,
    /// Credentials are missing or were rejected.
    Unauthenticated,
    /// A failure that fits no other kind, such as memory of the caller's for more or fewer values than a tensor has.
    Unexpected,
    /// The medium or this build cannot do that; the message says what can.
    Unsupported,
}

/// What was being done when an [`Error`] arose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Copying a model.
    Copy,
    /// Decoding weights.
    Decode,
    /// Encoding weights.
    Encode,
    /// Listing models.
    List,
    /// Loading a model.
    Load,
    /// Moving a model.
    Move,
    /// Reading weight bytes.
    Read,
    /// Removing a model.
    Remove,
    /// Finding the handler of a URL.
    Route,
    /// Saving a model.
    Save,
}

impl Error {
    /// A new error; `message` is lower case, without a full stop, and says what to do where that helps.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            operation: None,
            location: None,
            message: message.into(),
            retry_after: None,
            source: None,
            misses_shards: false,
        }))
    }

    /// [`ErrorKind::NotFound`] of a model that is there without all of its weight files; `missing` are those that its manifest names and
    /// nobody finds.
    pub fn missing_shards<'p>(missing: impl IntoIterator<Item = &'p RelPath>) -> Self {
        let mut missing = missing.into_iter();
        let mut names: Vec<_> = missing.by_ref().take(5).map(|path| format!("`{path}`")).collect();
        match missing.count() {
            0 => {}
            more => names.push(format!("{more} more")),
        }
        let names = names.join(", ");
        let message =
            format!("weight files that the manifest names do not exist: {names}; put them where it names them");
        let mut error = Self::new(ErrorKind::NotFound, message);
        error.0.misses_shards = true;
        error
    }

    /// Whether a model is there, but not all of its weight files: then [`ErrorKind::NotFound`] does not mean that the place is empty.
    pub fn misses_shards(&self) -> bool {
        self.0.misses_shards
    }

    /// Says what was being done. An operation that is already set stays: the innermost layer knows best.
    #[must_use]
    pub fn with_operation(mut self, operation: Operation) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    /// Says where. A location that is already set stays: the innermost layer knows best.
    #[must_use]
    pub fn with_location(mut self, url_or_path: &str) -> Self {
        self.0.location.get_or_insert_with(|| Location::new(url_or_path));
        self
    }

    /// Attaches the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Attaches how long the other side asked us to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// The class of the error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What was being done, if known.
    pub fn operation(&self) -> Option<Operation> {
        self.0.operation
    }

    /// Where, if known; without secrets.
    pub fn location(&self) -> Option<&Location> {
        self.0.location.as_ref()
    }

    /// This layer's own words, without operation, location and cause.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether it is about what is there (no model, a part that is missing, something broken, or more than is accepted), rather than
    /// about the way to it.
    pub fn is_about_the_model(&self) -> bool {
        matches!(self.0.kind, ErrorKind::InvalidData | ErrorKind::LimitExceeded | ErrorKind::NotFound)
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self.0.kind, ErrorKind::RateLimited | ErrorKind::Timeout | ErrorKind::Transport)
    }

    /// How long the other side asked us to wait before another try.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// This error and what it came of, on one line: for a log, or for whoever shows no more than a line.
    ///
    /// ```
    /// use tfjs_artifacts::{Error, ErrorKind, Operation};
    ///
    /// let error = Error::new(ErrorKind::NotFound, "there is no such file").with_location("w.bin");
    /// let error = Error::new(ErrorKind::NotFound, "the weights are missing").with_operation(Operation::Load).with_source(error);
    /// assert_eq!(error.chain().to_string(), "cannot load: the weights are missing: `w.bin`: there is no such file");
    /// ```
    pub fn chain(&self) -> Chain<'_> {
        Chain(self)
    }
}

/// An [`Error`] that is printed with what it came of. See [`Error::chain`].
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a>(&'a Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = std::error::Error::source(self.0);
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.operation, &self.0.location) {
            (Some(operation), Some(location)) => write!(f, "cannot {operation} `{location}`: ")?,
            (Some(operation), None) => write!(f, "cannot {operation}: ")?,
            (None, Some(location)) => write!(f, "`{location}`: ")?,
            (None, None) => {}
        }
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("operation", &self.0.operation)
            .field("location", &self.0.location)
            .field("message", &self.0.message)
            .field("retry_after", &self.0.retry_after)
            .field("source", &self.0.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Copy => "copy",
            Self::Decode => "decode",
            Self::Encode => "encode",
            Self::List => "list",
            Self::Load => "load",
            Self::Move => "move",
            Self::Read => "read",
            Self::Remove => "remove",
            Self::Route => "find a handler for",
            Self::Save => "save",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn send_sync_static<T: Send + Sync + 'static>() {}
    const _: () = send_sync_static::<Error>();

    #[test]
    fn an_error_is_one_pointer() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn the_innermost_layer_keeps_its_place() {
        let error = Error::new(ErrorKind::Transport, "short read")
            .with_location("/a/shard.bin")
            .with_location("/a/model.json")
            .with_operation(Operation::Read)
            .with_operation(Operation::Load);
        assert_eq!(error.to_string(), "cannot read `/a/shard.bin`: short read");
        assert!(error.is_transient());
    }

    #[test]
    fn display_does_not_repeat_the_source() {
        let error = Error::new(ErrorKind::Unexpected, "outer").with_source("inner");
        assert_eq!(error.to_string(), "outer");
        let source = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(source.as_deref(), Some("inner"));
    }

    #[test]
    fn what_is_made_by_hand_becomes_an_error() {
        fn check<T>(made: Result<T, impl Into<Error>>, kind: ErrorKind, message: &str) {
            let Err(error) = made else { panic!("{message}") };
            let error: Error = error.into();
            assert_eq!((error.kind(), error.to_string().as_str()), (kind, message));
        }
        check(
            crate::Shape::vector(1 << 60),
            ErrorKind::InvalidData,
            "dimension 0 is `1152921504606846976`, not an integer from 0 to 2^53 - 1",
        );
        check(
            crate::RawJson::parse("{]"),
            ErrorKind::InvalidData,
            "not valid JSON at line 1, column 2: key must be a string",
        );
        check(
            crate::RawJson::parse(&"[".repeat(600)),
            ErrorKind::LimitExceeded,
            "JSON is nested deeper than 512 levels (at line 1); that is the limit `json-depth`, which can be set to 512 at most",
        );
        check(
            "now".parse::<crate::DateSaved>(),
            ErrorKind::InvalidData,
            "`now` is not a date such as 2026-11-23T14:30:19.064Z",
        );
        check("ab".parse::<crate::Sha256>(), ErrorKind::InvalidData, "`ab` is not a SHA-256 digest of 64 hex digits");
    }
}
