//! Weights that are kept in a temporary file until all of them are there.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use axum::http::StatusCode;
use bytes::Bytes;
use tfjs_artifacts::{ByteSource, Error, ErrorKind};

use super::multipart::Multipart;
use crate::ServerOptions;
use crate::refusal::Refusal;

/// A file without a name, which is gone when this and the parts in it are dropped. One for all parts: many small ones must not
/// use up the files that a process may open.
#[derive(Debug, Default)]
pub(crate) struct Spool {
    file: Option<Arc<Mutex<File>>>,
    byte_length: u64,
}

/// A part of an upload in a [`Spool`].
#[derive(Debug)]
pub(crate) struct SpooledPart {
    file: Option<Arc<Mutex<File>>>,
    range: Range<u64>,
}

impl Spool {
    /// Takes what is left of the current part.
    pub(crate) async fn receive(
        &mut self,
        multipart: &mut Multipart,
        options: &ServerOptions,
    ) -> Result<SpooledPart, Refusal> {
        let start = self.byte_length;
        while let Some(bytes) = multipart.chunk().await? {
            let file = if let Some(file) = &self.file {
                Arc::clone(file)
            } else {
                let folder = options.spool_folder.clone().unwrap_or_else(std::env::temp_dir);
                let file = blocking(move || tempfile::tempfile_in(folder)).await?;
                Arc::clone(self.file.insert(Arc::new(Mutex::new(file))))
            };
            self.byte_length += bytes.len() as u64;
            blocking(move || open(&file).write_all(&bytes)).await?;
        }
        Ok(SpooledPart { file: self.file.clone(), range: start..self.byte_length })
    }
}

/// Nobody panics while holding it.
fn open(file: &Mutex<File>) -> MutexGuard<'_, File> {
    file.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read_range(file: &Mutex<File>, range: &Range<u64>) -> std::io::Result<Vec<u8>> {
    let mut file = open(file);
    file.seek(SeekFrom::Start(range.start))?;
    let mut bytes = Vec::new();
    (&mut *file).take(range.end - range.start).read_to_end(&mut bytes)?;
    Ok(bytes)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> Result<T, Refusal> {
    let result = tokio::task::spawn_blocking(work).await;
    let result = result.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    result.map_err(|error| {
        tracing::error!(%error, "an upload cannot be kept");
        if error.kind() == std::io::ErrorKind::StorageFull {
            return Refusal::new(StatusCode::INSUFFICIENT_STORAGE, "there is no room left for the upload");
        }
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the server cannot keep the upload while it arrives")
    })
}

#[async_trait]
impl ByteSource for SpooledPart {
    fn byte_length(&self) -> u64 {
        self.range.end - self.range.start
    }

    fn version(&self) -> Option<String> {
        None
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        let Some(file) = self.file.clone() else { return Ok(Bytes::new()) };
        let range = self.range.start + range.start..self.range.start + range.end;
        let read = tokio::task::spawn_blocking(move || read_range(&file, &range)).await;
        let fail = |message| Error::new(ErrorKind::Unexpected, message);
        match read {
            Ok(Ok(bytes)) => Ok(bytes.into()),
            Ok(Err(error)) => Err(fail("the upload cannot be read back").with_source(error)),
            Err(error) => Err(fail("the server is ending").with_source(error)),
        }
    }
}
