//! What carries a request: reqwest natively, `fetch` in a browser.

#[cfg(target_arch = "wasm32")]
mod fetch;
#[cfg(not(target_arch = "wasm32"))]
mod native;

use std::fmt;

use crate::message::{HeaderMap, Method, StatusCode};
use bytes::Bytes;
use tfjs_artifacts::{BoxStream, Error};

use crate::address::Url;
use crate::upload::Upload;

#[cfg(target_arch = "wasm32")]
pub(crate) use fetch::Transport;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::Transport;

/// One request as it goes out, redirects not followed.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<&'a Upload>,
    /// Whether the browser's cache is not asked.
    #[cfg_attr(not(target_arch = "wasm32"), expect(dead_code, reason = "natively there is no cache"))]
    pub(crate) passes_cache: bool,
}

/// An answer whose body has yet to come.
pub(crate) struct Incoming {
    pub(crate) status: StatusCode,
    /// `Content-Length` stands here only if that is the length of the body that comes.
    pub(crate) headers: HeaderMap,
    /// How long the body may be: of use for an allocation, and for nothing else.
    pub(crate) length_hint: Option<u64>,
    pub(crate) body: BoxStream<'static, Result<Bytes, Error>>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// Whether the server cannot have seen anything of the request.
    pub(crate) is_unsent: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, is_unsent: true }
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("status", &self.status).finish_non_exhaustive()
    }
}
