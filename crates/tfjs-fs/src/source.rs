//! A file whose bytes are read when they are used.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use tfjs_artifacts::{ByteSource, Error, ErrorKind, Operation};

use crate::blocking::blocking;
use crate::error::io_error;
use crate::view::View;

/// A weight file. It is opened for each read, so that a model of thousands of shards needs one descriptor; what is read
/// must still be the file that was there when the model was loaded.
#[derive(Clone, Debug)]
pub(crate) struct FileSource {
    path: PathBuf,
    /// The name that it may still have, if a save has not got to giving it its own.
    temporary: Option<PathBuf>,
    identity: Identity,
}

/// By what a replaced or rewritten file is told from the one that was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    length: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    inode: (u64, u64),
}

impl Identity {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            length: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            inode: {
                use std::os::unix::fs::MetadataExt as _;
                (metadata.dev(), metadata.ino())
            },
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.length)?;
        let since_epoch = self.modified.and_then(|modified| modified.duration_since(SystemTime::UNIX_EPOCH).ok());
        if let Some(since_epoch) = since_epoch {
            write!(f, "-{:x}", since_epoch.as_nanos())?;
        }
        #[cfg(unix)]
        write!(f, "-{:x}-{:x}", self.inode.0, self.inode.1)?;
        Ok(())
    }
}

impl FileSource {
    /// Looks at a weight file of a folder without reading it.
    pub(crate) fn open(view: &View, path: PathBuf) -> Result<Self, Error> {
        let (temporary, metadata) = match view.look(&path) {
            Ok((name, metadata)) => ((name != path).then_some(name), metadata),
            Err(error) => return Err(io_error(error, Operation::Load, &path)),
        };
        let problem = if metadata.is_dir() {
            "a weight file should be here, but it is a folder"
        } else if !metadata.is_file() {
            "a weight file should be here, but it is no regular file"
        } else {
            return Ok(Self { path, temporary, identity: Identity::of(&metadata) });
        };
        let error = Error::new(ErrorKind::InvalidData, problem);
        Err(error.with_operation(Operation::Load).with_location(&path.to_string_lossy()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Equal for two paths that are one file; for others hardly ever.
    pub(crate) fn identity_text(&self) -> String {
        self.identity.to_string()
    }

    fn read_range(&self, range: &Range<u64>) -> Result<Bytes, Error> {
        let fail = |error| io_error(error, Operation::Read, &self.path);
        let length = range.end.saturating_sub(range.start);
        let mut file = self.same_file()?;
        file.seek(SeekFrom::Start(range.start)).map_err(fail)?;
        // The length was reconciled with a real file's, but that may be sparse and larger than any memory.
        let capacity = usize::try_from(length).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(capacity).map_err(|error| too_large(length, &self.path).with_source(error))?;
        let read = file.take(length).read_to_end(&mut bytes).map_err(fail)?;
        if read as u64 != length {
            return Err(fail(std::io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(bytes.into())
    }

    fn same_file(&self) -> Result<File, Error> {
        let fail = |error| io_error(error, Operation::Read, &self.path);
        if let Some(file) = self.temporary.as_ref().and_then(|name| File::open(name).ok())
            && file.metadata().is_ok_and(|metadata| Identity::of(&metadata) == self.identity)
        {
            return Ok(file);
        }
        let changed = |message| {
            let error = Error::new(ErrorKind::Conflict, message);
            Err(error.with_operation(Operation::Read).with_location(&self.path.to_string_lossy()))
        };
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return changed(
                    "the file is gone: the model was replaced or removed after it was loaded; load it again",
                );
            }
            Err(error) => return Err(fail(error)),
        };
        if Identity::of(&file.metadata().map_err(fail)?) != self.identity {
            return changed("the file was changed after the model was loaded; load it again");
        }
        Ok(file)
    }
}

fn too_large(length: u64, path: &Path) -> Error {
    let message = format!("{length} bytes at once do not fit into memory; load lazily and read in parts");
    let error = Error::new(ErrorKind::LimitExceeded, message);
    error.with_operation(Operation::Read).with_location(&path.to_string_lossy())
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl ByteSource for FileSource {
    fn byte_length(&self) -> u64 {
        self.identity.length
    }

    fn version(&self) -> Option<String> {
        Some(self.identity.to_string())
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        let source = self.clone();
        blocking(move || source.read_range(&range)).await
    }
}
