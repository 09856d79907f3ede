//! Weights that are kept in a temporary file until all of them are there.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use axum::http::StatusCode;
use bytes::Bytes;
use tfjs_artifacts::{ByteSource, Error, ErrorKind};

use super::multipart::Multipart;
use crate::ServerOptions;
use crate::refusal::Refusal;

/// A part of an upload in a file without a name, which is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct SpooledPart {
    file: Arc<Mutex<File>>,
    byte_length: u64,
}

impl SpooledPart {
    /// Takes what is left of the current part.
    pub(crate) async fn receive(multipart: &mut Multipart, options: &ServerOptions) -> Result<Self, Refusal> {
        let folder = options.spool_folder.clone().unwrap_or_else(std::env::temp_dir);
        let mut file = blocking(move || tempfile::tempfile_in(folder)).await?;
        let mut byte_length = 0;
        while let Some(bytes) = multipart.chunk().await? {
            byte_length += bytes.len() as u64;
            file = blocking(move || file.write_all(&bytes).map(|()| file)).await?;
        }
        Ok(Self { file: Arc::new(Mutex::new(file)), byte_length })
    }
}

fn read_range(file: &Mutex<File>, range: &Range<u64>) -> std::io::Result<Vec<u8>> {
    // Nobody panics while holding it.
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
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
        self.byte_length
    }

    fn version(&self) -> Option<String> {
        None
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        let file = Arc::clone(&self.file);
        let read = tokio::task::spawn_blocking(move || read_range(&file, &range)).await;
        let fail = |message| Error::new(ErrorKind::Unexpected, message);
        match read {
            Ok(Ok(bytes)) => Ok(bytes.into()),
            Ok(Err(error)) => Err(fail("the upload cannot be read back").with_source(error)),
            Err(error) => Err(fail("the server is ending").with_source(error)),
        }
    }
}
