//! Files that are written under temporary names, and then get their names.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures::TryStreamExt as _;
use tempfile::{NamedTempFile, TempPath};
use tfjs_artifacts::{Error, Operation, RelPath, ShardLayout, WeightData};
use tfjs_router::{Digests, ProgressMeter};

use crate::blocking::blocking;
use crate::error::io_error;
use crate::lock::lock;
use crate::model_dir::{folder_of, join, remove_if_empty};
use crate::ownership::Claimed;
use crate::replace::{Named, TEMPORARY, patiently, wait_until_free};
use crate::same_file::key;

/// How much of the weights is in memory at a time.
const WINDOW: usize = 4 << 20;

/// Files that are written and durable, but still under temporary names.
#[derive(Debug)]
pub(crate) struct Staged {
    folder: PathBuf,
    files: Vec<(RelPath, TempPath)>,
    made: Arc<MadeFolders>,
}

impl Staged {
    /// Makes the folders that the files go into.
    pub(crate) async fn begin(folder: &Path, layout: Option<&ShardLayout>) -> Result<Self, Error> {
        let folder = folder.to_path_buf();
        let shards: Vec<_> = layout.iter().flat_map(|layout| layout.shards()).map(|shard| shard.path.clone()).collect();
        blocking(move || {
            let mut made = MadeFolders::default();
            made.make(&folder)?;
            for shard in &shards {
                made.make(folder_of(&join(&folder, shard)))?;
            }
            Ok(Self { folder, files: Vec::new(), made: Arc::new(made) })
        })
        .await
    }

    /// Writes a weight file, a window at a time.
    pub(crate) async fn stream(
        &mut self,
        path: RelPath,
        bytes: &WeightData,
        digests: &mut Digests,
        meter: &mut ProgressMeter,
    ) -> Result<(), Error> {
        let target = join(&self.folder, &path);
        let made = Arc::clone(&self.made);
        let mut file = blocking(move || create(target, made)).await?;
        let mut windows = bytes.stream(WINDOW);
        while let Some(window) = windows.try_next().await? {
            let length = window.len() as u64;
            digests.update(&window);
            file = blocking(move || file.append(&window)).await?;
            meter.advance(length);
        }
        let (file, _made) = blocking(move || file.finish()).await?;
        self.files.push((path, file));
        Ok(())
    }

    /// Writes a small file.
    pub(crate) async fn write(&mut self, path: RelPath, bytes: Bytes) -> Result<(), Error> {
        let target = join(&self.folder, &path);
        let made = Arc::clone(&self.made);
        let (file, _made) = blocking(move || create(target, made)?.append(&bytes)?.finish()).await?;
        self.files.push((path, file));
        Ok(())
    }

    /// Keeps other saves from changing the folder until the lock is dropped.
    ///
    /// # Errors
    /// [`Conflict`](tfjs_artifacts::ErrorKind::Conflict) when somebody else keeps it too long.
    pub(crate) async fn lock(&self) -> Result<Option<File>, Error> {
        let folder = self.folder.clone();
        blocking(move || lock(&folder, Operation::Save)).await
    }

    /// The folders that were made, which go when the last of these is dropped unless the files have got their names.
    pub(crate) fn made(&self) -> Arc<MadeFolders> {
        Arc::clone(&self.made)
    }

    /// Gives all files their names, the last one last, and removes what only the replaced model used. If a file cannot get its
    /// name, those that were replaced come back.
    pub(crate) fn commit(self, replaced: Claimed) -> Result<(), Error> {
        for (path, _) in &self.files {
            wait_until_free(&join(&self.folder, path))?;
        }
        let mut named = Named::default();
        let mut folders = BTreeSet::from([self.folder.clone()]);
        for (path, file) in self.files {
            let target = join(&self.folder, &path);
            folders.insert(folder_of(&target).to_path_buf());
            named.persist(file, target)?;
        }
        folders.extend(self.made.keep().iter().map(|folder| folder_of(folder).to_path_buf()));
        let names: BTreeSet<_> = named.keep().iter().map(|name| key(name)).collect();
        for folder in &folders {
            sync_folder(folder)?;
        }
        for head in replaced.heads().iter().filter(|head| !names.contains(&key(head))) {
            match patiently(|| std::fs::remove_file(head)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(io_error(error, Operation::Save, head));
                }
                _ => {}
            }
        }
        // The new model is there; weight files of the old one that cannot be removed harm nobody.
        let _left = replaced.remove_except(&names);
        Ok(())
    }
}

/// A file under a temporary name, and the name it will have.
#[derive(Debug)]
struct Writing {
    target: PathBuf,
    file: NamedTempFile,
    /// A write goes on when the save that wanted it is dropped; the last to end removes the folders.
    made: Arc<MadeFolders>,
}

fn create(target: PathBuf, made: Arc<MadeFolders>) -> Result<Writing, Error> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY.0).suffix(TEMPORARY.1);
    // A model is as readable as any new file; a temporary file of the library's own would be its owner's only, and marked as
    // temporary on Windows.
    let open = |path: &Path| File::options().read(true).write(true).create_new(true).open(path);
    let file = builder.make_in(folder_of(&target), open).map_err(|error| io_error(error, Operation::Save, &target))?;
    Ok(Writing { target, file, made })
}

impl Writing {
    fn append(mut self, bytes: &[u8]) -> Result<Self, Error> {
        self.file.write_all(bytes).map_err(|error| io_error(error, Operation::Save, &self.target))?;
        Ok(self)
    }

    /// Makes the bytes durable and closes the file. If nobody waits for the result any more, the file goes before its folders.
    fn finish(self) -> Result<(TempPath, Arc<MadeFolders>), Error> {
        let Self { target, file, made } = self;
        let synced = file.as_file().sync_all().map_err(|error| io_error(error, Operation::Save, &target));
        let path = file.into_temp_path();
        synced.map(|()| (path, made))
    }
}

/// Folders that a save had to make; a save that fails leaves none behind.
#[derive(Debug, Default)]
pub(crate) struct MadeFolders {
    folders: Vec<PathBuf>,
    are_kept: AtomicBool,
}

impl MadeFolders {
    fn make(&mut self, folder: &Path) -> Result<(), Error> {
        // The last ancestor of a relative path is the empty one, which is the current folder.
        let missing = folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        let missing: Vec<_> = missing.map(Path::to_path_buf).collect();
        // Remembered before they are made: if making one fails, those before it go away again.
        self.folders.extend(missing.into_iter().rev());
        // One that another save made, or whose model is removed meanwhile: whoever fails last removes it, if it is empty then.
        // A folder that is empty now is the user's.
        if std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
            self.folders.push(folder.to_path_buf());
        }
        std::fs::create_dir_all(folder).map_err(|error| io_error(error, Operation::Save, folder))
    }

    /// Leaves the folders there, and tells which they are.
    fn keep(&self) -> &[PathBuf] {
        self.are_kept.store(true, Ordering::Release);
        &self.folders
    }
}

impl Drop for MadeFolders {
    fn drop(&mut self) {
        if self.are_kept.load(Ordering::Acquire) {
            return;
        }
        for folder in self.folders.iter().rev() {
            // It stays if somebody put something into it meanwhile.
            remove_if_empty(folder);
        }
    }
}

/// Makes renames in a folder durable, where the system can: on Windows there is nothing to call, and the journal of NTFS keeps
/// renames in order. A folder that may be written but not read cannot be synced.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), Error> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error) if error.kind() != io::ErrorKind::PermissionDenied => Err(io_error(error, Operation::Save, folder)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On Windows there is nothing to sync, so nothing is looked at.
    #[test]
    fn a_folder_is_synced_where_the_system_can() {
        let folder = tempfile::tempdir().unwrap();
        sync_folder(folder.path()).unwrap();
        assert_eq!(sync_folder(&folder.path().join("missing")).is_ok(), cfg!(windows));
    }
}
