//! The one file that a bridge reads or writes: read in ranges, written whole or not at all.

use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use tempfile::NamedTempFile;
use tfjs_artifacts::{ByteSource, Error, ErrorKind, Operation, Segment, WeightData};
use tfjs_router::Durability;

use crate::blocking::blocking;

/// What the system said about a file.
pub(crate) fn io_error(error: io::Error, operation: Operation, path: &Path) -> Error {
    use io::ErrorKind as Io;
    let (kind, message) = match error.kind() {
        Io::NotFound => (ErrorKind::NotFound, "there is no such file or folder"),
        Io::PermissionDenied | Io::ReadOnlyFilesystem => (ErrorKind::PermissionDenied, "the system refused access"),
        Io::IsADirectory => (ErrorKind::InvalidData, "it is a folder, not a file"),
        Io::NotADirectory => (ErrorKind::NotFound, "a part of the path is a file, so there is nothing below it"),
        Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => (ErrorKind::StorageFull, "there is no room left"),
        Io::UnexpectedEof => (ErrorKind::Transport, "the file ended early"),
        _ => (ErrorKind::Unexpected, "the system reported an error"),
    };
    Error::new(kind, message).with_operation(operation).with_location(&path.to_string_lossy()).with_source(error)
}

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
        let fail = |error| io_error(error, Operation::Load, &path);
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
        let fail = |error| io_error(error, Operation::Read, &self.path);
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

/// A file that is being written under a temporary name, beside the one whose place it is to take. It goes away when it is dropped.
#[derive(Debug)]
pub(crate) struct Pending {
    file: NamedTempFile,
    target: PathBuf,
}

impl Pending {
    /// Begins a file; the folder has to be there.
    pub(crate) async fn begin(target: &Path) -> Result<Self, Error> {
        let target = target.to_path_buf();
        blocking(move || {
            if target.is_dir() {
                let error = Error::new(ErrorKind::AlreadyExists, "it is a folder, not a file");
                return Err(error.with_operation(Operation::Save).with_location(&target.to_string_lossy()));
            }
            let mut builder = tempfile::Builder::new();
            builder.prefix(".tfjs-convert-").suffix(".tmp");
            // As other programs make files: the umask says who may read them.
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                builder.permissions(std::fs::Permissions::from_mode(0o666));
            }
            let begun = builder.tempfile_in(folder_of(&target));
            let file = begun.map_err(|error| io_error(error, Operation::Save, &target))?;
            Ok(Self { file, target })
        })
        .await
    }

    /// Does something to the file, where blocking is allowed.
    pub(crate) async fn with<T: Send + 'static>(
        mut self,
        work: impl FnOnce(&mut File) -> io::Result<T> + Send + 'static,
    ) -> Result<(Self, T), Error> {
        blocking(move || match work(self.file.as_file_mut()) {
            Ok(done) => Ok((self, done)),
            Err(error) => Err(io_error(error, Operation::Save, &self.target)),
        })
        .await
    }

    /// Writes at the end.
    #[cfg(feature = "safetensors")]
    pub(crate) async fn write(self, bytes: Bytes) -> Result<Self, Error> {
        Ok(self.with(move |file| io::Write::write_all(file, &bytes)).await?.0)
    }

    /// Gives the file its name: at once, in place of one that was there, and durably.
    pub(crate) async fn commit(self, durability: Durability) -> Result<(), Error> {
        blocking(move || {
            let Self { file, target } = self;
            let fail = |error| io_error(error, Operation::Save, &target);
            if durability == Durability::Strict {
                file.as_file().sync_all().map_err(fail)?;
            }
            file.persist(&target).map_err(|error| fail(error.error))?;
            if durability == Durability::Strict && cfg!(unix) {
                File::open(folder_of(&target)).and_then(|folder| folder.sync_all()).map_err(fail)?;
            }
            Ok(())
        })
        .await
    }
}

/// The folder in which a file is.
fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}
