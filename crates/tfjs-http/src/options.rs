//! What a client can be told, and what it tells the user's functions.

use std::fmt;

use tfjs_artifacts::{BoxFuture, Error, MaybeSend, MaybeSync};

/// Whether weight files are asked for with the query of the model's URL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "with it or without it")]
pub enum ShardQuery {
    /// With it, as TensorFlow.js does: a token that opens the model opens its weights.
    #[default]
    Inherit,
    /// Without it: a signature over one URL is wrong for another.
    Drop,
}

/// A request that is about to be sent, as a request hook sees it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestInfo {
    /// The method, such as `GET`.
    pub method: String,
    /// The whole URL, with its query.
    pub url: String,
    /// Which try it is, from 1.
    pub attempt: u32,
}

impl fmt::Debug for RequestInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = tfjs_artifacts::Location::new(&self.url);
        f.debug_struct("RequestInfo").field("method", &self.method).field("url", &url).finish_non_exhaustive()
    }
}

/// A file whose URL is wanted, as a URL converter sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileRef {
    /// The path as the manifest has it, relative to `model.json`; `model.json` itself when it is saved.
    pub path: String,
    /// Which weight file of the model it is, from 0; `None` for `model.json`.
    pub index: Option<usize>,
    /// Which group of the manifest it belongs to, from 0; `None` for `model.json`.
    pub group: Option<usize>,
    /// What it is wanted for.
    pub file_use: FileUse,
}

/// What a file is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileUse {
    /// To be loaded, with `GET` and `HEAD`.
    Load,
    /// To be saved, with `PUT`.
    Save,
}

/// Header names and values.
pub(crate) type HeaderList = Vec<(String, String)>;

/// Makes headers for a request.
pub(crate) trait RequestHook: MaybeSend + MaybeSync {
    fn headers(&self, request: RequestInfo) -> BoxFuture<'static, Result<HeaderList, Error>>;
}

impl<F, R> RequestHook for F
where
    F: Fn(RequestInfo) -> R + MaybeSend + MaybeSync,
    R: Future<Output = Result<HeaderList, Error>> + MaybeSend + 'static,
{
    fn headers(&self, request: RequestInfo) -> BoxFuture<'static, Result<HeaderList, Error>> {
        Box::pin(self(request))
    }
}

/// Makes the URL of a file.
pub(crate) trait UrlConverter: MaybeSend + MaybeSync {
    fn convert(&self, file: FileRef) -> BoxFuture<'static, Result<String, Error>>;
}

impl<F, R> UrlConverter for F
where
    F: Fn(FileRef) -> R + MaybeSend + MaybeSync,
    R: Future<Output = Result<String, Error>> + MaybeSend + 'static,
{
    fn convert(&self, file: FileRef) -> BoxFuture<'static, Result<String, Error>> {
        Box::pin(self(file))
    }
}

/// `credentials` of `fetch`.
#[cfg(target_arch = "wasm32")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "fetch knows these three")]
pub enum FetchCredentials {
    /// Cookies for the page's own origin only: what `fetch` does by itself.
    SameOrigin,
    /// Cookies for every origin.
    Include,
    /// No cookies.
    Omit,
}

/// `mode` of `fetch`, as far as it can be chosen.
#[cfg(target_arch = "wasm32")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "no other can be chosen")]
pub enum FetchMode {
    /// `cors`: what `fetch` does by itself.
    Cors,
    /// `no-cors`: the answer cannot be read, so that every load and save ends with an error, though a save may have succeeded.
    NoCors,
}

/// `cache` of `fetch`.
#[cfg(target_arch = "wasm32")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "fetch knows these six")]
pub enum FetchCache {
    /// As HTTP says.
    Default,
    /// Neither read nor written.
    NoStore,
    /// Not read, but written.
    Reload,
    /// Always revalidated.
    NoCache,
    /// Read even if it is stale. What it has of two versions of a model is an error of the kind `Conflict`, if the server tells versions.
    ForceCache,
    /// Nothing but the cache, which `fetch` allows for URLs of the page's own origin.
    OnlyIfCached,
}
