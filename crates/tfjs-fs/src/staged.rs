//! Files that are written under temporary names, and then get their names.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::TryStreamExt as _;
use tempfile::{NamedTempFile, TempPath};
use tfjs_artifacts::{Error, ErrorKind, Operation, RelPath, ShardLayout, WeightData};
use tfjs_router::{Digests, ProgressMeter};

use crate::blocking::blocking;
use crate::error::io_error;
use crate::model_dir::{folder_of, join};
use crate::ownership::Claimed;

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
    /// [`ErrorKind::Conflict`] when somebody else keeps it too long.
    pub(crate) async fn lock(&self) -> Result<Option<File>, Error> {
        let folder = self.folder.clone();
        blocking(move || lock(&folder, Operation::Save)).await
    }

    /// Gives all files their names, the last one last, and removes what only the replaced model used.
    pub(crate) fn commit(self, replaced: Claimed) -> Result<(), Error> {
        let mut named = Named::default();
        let mut folders = BTreeSet::from([self.folder.clone()]);
        for (path, file) in self.files {
            let target = join(&self.folder, &path);
            folders.insert(folder_of(&target).to_path_buf());
            named.persist(file, target)?;
        }
        folders.extend(self.made.keep().iter().map(|folder| folder_of(folder).to_path_buf()));
        let names = named.keep();
        for folder in &folders {
            sync_folder(folder)?;
        }
        for head in replaced.heads().iter().filter(|head| !names.contains(*head)) {
            match std::fs::remove_file(head) {
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

/// Files that have got their names. If one cannot, those that were not there before lose theirs again.
#[derive(Debug, Default)]
struct Named {
    all: BTreeSet<PathBuf>,
    new: Vec<PathBuf>,
}

impl Named {
    fn persist(&mut self, file: TempPath, target: PathBuf) -> Result<(), Error> {
        let fail = |error| io_error(error, Operation::Save, &target);
        let replaced = std::fs::symlink_metadata(&target).ok();
        if let Some(replaced) = replaced.as_ref().filter(|replaced| replaced.is_file()) {
            std::fs::set_permissions(&file, replaced.permissions()).map_err(fail)?;
        }
        file.persist(&target).map_err(|error| fail(error.error))?;
        if replaced.is_none() {
            self.new.push(target.clone());
        }
        self.all.insert(target);
        Ok(())
    }

    /// All of them, to stay.
    fn keep(mut self) -> BTreeSet<PathBuf> {
        self.new.clear();
        std::mem::take(&mut self.all)
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        for file in &self.new {
            let _ = std::fs::remove_file(file);
        }
    }
}

/// How long a save waits for another one in the same folder.
const PATIENCE: Duration = Duration::from_secs(10);

/// Keeps two saves into one folder from mixing their renames, and a removal from taking half of what a save brings, where the
/// system can lock folders. The lock ends with the
/// value; file systems that know no locks, and folders that may not be read, are used without.
pub(crate) fn lock(folder: &Path, operation: Operation) -> Result<Option<File>, Error> {
    if !cfg!(unix) {
        return Ok(None);
    }
    let Ok(file) = File::open(folder) else { return Ok(None) };
    let begin = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::Error(_)) => return Ok(None),
            Err(TryLockError::WouldBlock) if begin.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                let error = Error::new(ErrorKind::Conflict, "somebody else has locked the folder; try again");
                return Err(error.with_operation(operation).with_location(&folder.to_string_lossy()));
            }
        }
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
    // A model is as readable as any new file; a temporary file alone would be its owner's only.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let file = builder.tempfile_in(folder_of(&target)).map_err(|error| io_error(error, Operation::Save, &target))?;
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

/// How temporary files begin and end.
const TEMPORARY: (&str, &str) = (".tfjs-", ".tmp");

/// Folders that a save had to make; a save that fails leaves none behind.
#[derive(Debug, Default)]
struct MadeFolders {
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
            // Fails, rightly, if somebody put something into it meanwhile.
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// Makes renames in a folder durable, where the system can. A folder that may be written but not read cannot be synced.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), Error> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error) if error.kind() != io::ErrorKind::PermissionDenied => Err(io_error(error, Operation::Save, folder)),
        _ => Ok(()),
    }
}
