//! A file that is read in ranges.

use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use tfjs_artifacts::{ByteSource, Error, ErrorKind, Operation, Segment, WeightData};

use crate::blocking::blocking;

/// A file that stays open while it is used: one that takes its place is not read by mistake, one that is changed is noticed.
#[derive(Debug)]
struct FileSource {
    path: PathBuf,
    file: Mutex<File>,
    length: u64,
    modified: Option<SystemTime>,
}

/// The bytes of a file, none of which is read yet.
pub(crate) async fn open(path: &Path) -> Result<WeightData, Error> {
    let path = path.to_path_buf();
    let source = blocking(move || FileSource::open(path)).await?;
    Ok(WeightData::from_segments([Segment::lazy(Arc::new(SharedSource(Arc::new(source))))]))
}

impl FileSource {
    fn open(path: PathBuf) -> Result<Self, Error> {
        let fail = |error| Error::from_io(error, Operation::Load, &path);
        let file = File::open(&path).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        if !metadata.is_file() {
            let what = if metadata.is_dir() { "it is a folder, not a file" } else { "it is no regular file" };
            let error = Error::new(ErrorKind::InvalidData, what).with_operation(Operation::Load);
            return Err(error.with_location(&path.to_string_lossy()));
        }
        let (length, modified) = (metadata.len(), metadata.modified().ok());
        Ok(Self { path, file: Mutex::new(file), length, modified })
    }

    fn is_changed(&self, metadata: &Metadata) -> bool {
        metadata.len() != self.length || metadata.modified().ok() != self.modified
    }

    fn read(&self, range: &Range<u64>) -> Result<Bytes, Error> {
        let fail = |error| Error::from_io(error, Operation::Read, &self.path);
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_changed(&file.metadata().map_err(fail)?) {
            let error = Error::new(ErrorKind::Conflict, "the file was changed while it was read; read it again");
            return Err(error.with_operation(Operation::Read).with_location(&self.path.to_string_lossy()));
        }
        file.seek(SeekFrom::Start(range.start)).map_err(fail)?;
        let length = range.end.saturating_sub(range.start);
        let mut bytes = Vec::new();
        let too_large = |error| {
            Error::new(ErrorKind::LimitExceeded, "so many bytes at once do not fit into memory").with_source(error)
        };
        bytes.try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX)).map_err(too_large)?;
        let read = (&mut *file).take(length).read_to_end(&mut bytes).map_err(fail)?;
        if read as u64 == length { Ok(bytes.into()) } else { Err(fail(io::ErrorKind::UnexpectedEof.into())) }
    }
}

/// What can go to another thread, to be read there.
#[derive(Debug)]
struct SharedSource(Arc<FileSource>);

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl ByteSource for SharedSource {
    fn byte_length(&self) -> u64 {
        self.0.length
    }

    fn version(&self) -> Option<String> {
        let since_epoch = self.0.modified?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(format!("{:x}-{:x}", self.0.length, since_epoch.as_nanos()))
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        let source = Arc::clone(&self.0);
        blocking(move || source.read(&range)).await
    }
}
