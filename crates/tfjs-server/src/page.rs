//! A web page beside the models: files that never change while the server runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use axum::http::header::{ACCEPT, CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use serde::Serialize;

use crate::ServerOptions;
use crate::download;
use crate::refusal::{Refusal, json};
use crate::served::ServedFile;

/// What is shown first.
pub(crate) const START: &str = "index.html";

/// What the page asks to learn whose models are beside it.
const SERVER: &str = "server.json";

/// More than any page of ours has, and less than what would hurt.
const MOST_FILES: usize = 1000;
const MOST_BYTES: u64 = 64 << 20;

/// Scripts and styles of the page alone; it may load models from anywhere.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self' http: https: blob:; worker-src 'self'; manifest-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// A web page that is served at `/.page/`, where no model can be; browsers that open `/` are sent there. Its files are kept in
/// memory. They are served to everybody, also where reading models takes a token.
#[derive(Clone, Debug)]
pub struct Page {
    files: Arc<BTreeMap<String, ServedFile>>,
}

/// Why a folder holds no page.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// A file or folder cannot be read.
    #[error("`{}` cannot be read", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A link could lead anywhere, and a pipe nowhere.
    #[error("`{}` is neither a file nor a folder: a page has nothing else, since everybody may read it", .path.display())]
    Odd {
        /// Which.
        path: PathBuf,
    },
    /// There is nothing to begin with.
    #[error("`{}` has no index.html: it is not the folder of a page", .folder.display())]
    NoStart {
        /// The folder.
        folder: PathBuf,
    },
    /// It is not what one expects of a page.
    #[error("`{}` has more than {MOST_FILES} files or {MOST_BYTES} bytes: it is not the folder of a page", .folder.display())]
    TooLarge {
        /// The folder.
        folder: PathBuf,
    },
}

/// What the page is told of the server.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct About {
    read_only: bool,
    protects_reads: bool,
    needs_token: bool,
}

impl Page {
    /// Reads a page with all its files: `index.html` and what is beside and below it.
    ///
    /// # Errors
    /// When the folder cannot be read, has no `index.html`, or has far more than a page has.
    pub fn read(folder: impl AsRef<Path>) -> Result<Self, PageError> {
        let folder = folder.as_ref();
        let mut files = BTreeMap::new();
        let mut left = MOST_BYTES;
        read_into(&mut files, &mut left, folder, folder, "")?;
        if !files.contains_key(START) {
            return Err(PageError::NoStart { folder: folder.to_owned() });
        }
        Ok(Self { files: Arc::new(files) })
    }

    pub(crate) async fn answer(
        &self,
        path: &str,
        options: &ServerOptions,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Response, Refusal> {
        if path == SERVER {
            let about = About {
                read_only: options.is_read_only,
                protects_reads: options.protects_reads,
                needs_token: options.token.is_some(),
            };
            return Ok(json(StatusCode::OK, &about));
        }
        let file = self.files.get(path).ok_or_else(|| Refusal::not_found(format!("the page has no file `{path}`")))?;
        let mut answer = download::answer(file, method, headers).await.map_err(|error| Refusal::of_backend(&error))?;
        answer.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        answer.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        Ok(answer)
    }
}

/// Whether a path is one of the page. Nested routers see paths with what they are nested in cut off.
pub(crate) fn is_at(path: &str) -> bool {
    path.starts_with("/.page/")
}

/// Whether a client would rather see a page than JSON.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.split(',').any(|kind| kind.trim().starts_with("text/html")))
}

fn read_into(
    files: &mut BTreeMap<String, ServedFile>,
    left: &mut u64,
    root: &Path,
    folder: &Path,
    prefix: &str,
) -> Result<(), PageError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| PageError::Read { path, source }
    };
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let entry = entry.map_err(failed(folder))?;
        let path = entry.path();
        // What cannot be asked for need not be there.
        let Some(name) = entry.file_name().to_str().map(|name| format!("{prefix}{name}")) else { continue };
        let metadata = fs::symlink_metadata(&path).map_err(failed(&path))?;
        if !metadata.is_dir() && !metadata.is_file() {
            return Err(PageError::Odd { path });
        }
        if metadata.is_dir() {
            read_into(files, left, root, &path, &format!("{name}/"))?;
            continue;
        }
        let room = left.checked_sub(metadata.len()).filter(|_| files.len() < MOST_FILES);
        *left = room.ok_or_else(|| PageError::TooLarge { folder: root.to_owned() })?;
        let bytes = fs::read(&path).map_err(failed(&path))?;
        let media_type = media_type(&name);
        files.insert(name, ServedFile::text(bytes, media_type));
    }
    Ok(())
}

/// Browsers run scripts and WebAssembly only if they are called so.
fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_want_pages() {
        let wants = |accept| is_wanted(&HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]));
        assert!(wants("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8") && wants("a/b, text/html"));
        assert!(!wants("*/*") && !wants("application/json") && !is_wanted(&HeaderMap::new()));
    }

    #[test]
    fn a_folder_without_a_page_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = |folder: &Path| Page::read(folder).unwrap_err().to_string();
        assert!(error(folder.path()).ends_with("has no index.html: it is not the folder of a page"));
        assert!(error(&folder.path().join("nothing")).ends_with("cannot be read"));
        for number in 0..=MOST_FILES {
            fs::write(folder.path().join(number.to_string()), "").unwrap();
        }
        assert!(error(folder.path()).contains("more than 1000 files"));
    }
}
