//! Files that are written under temporary names, until all of them get their own at once.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::TryStreamExt as _;
use tfjs_artifacts::{Error, ErrorKind, Operation, PlannedShard, RelPath, ShardHasher, WeightData};
use tfjs_router::{Digests, Durability, Links, ProgressMeter};

use crate::blocking::blocking;
use crate::commit::{carry_out, commit};
use crate::disk::{Disk, NewFile};
use crate::error::io_error;
use crate::finished::{Finished, Proof, Record, Wanted, identity};
use crate::journal::Journal;
use crate::leftovers::{self, GUARD_NAME, ID_LENGTH, id_of, temporary_name};
use crate::lock::lock;
use crate::made_folders::MadeFolders;
use crate::model_dir::{folder_of, join};

/// How much of the weights is in memory at a time.
const WINDOW: usize = 4 << 20;

/// What is done to a folder, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    pub(crate) operation: Operation,
    pub(crate) durability: Durability,
    pub(crate) links: Links,
    /// Whether it continues what an interrupted save has begun, and may be continued itself.
    pub(crate) is_resumable: bool,
}

/// How often a folder is made again that others remove.
const TRIES: usize = 100;

/// The place for the temporary files of one save or removal in a folder. Dropping it removes those that have not got their names, and
/// the folders that were made for them; of a save that may be continued, weight files that are finished stay.
#[derive(Debug)]
pub(crate) struct Stage {
    folder: PathBuf,
    id: String,
    guard: PathBuf,
    /// The guard. Whoever can lock this file, too, knows that we are dead.
    locked: Mutex<Box<dyn NewFile>>,
    durability: Durability,
    is_resumable: bool,
    /// The files that were taken over from interrupted saves.
    taken_over: Mutex<Vec<Finished>>,
    /// The files of which the guard says that they are finished.
    recorded: Mutex<BTreeSet<PathBuf>>,
    number: AtomicUsize,
    written: Mutex<Vec<PathBuf>>,
    is_left: AtomicBool,
    disk: Arc<dyn Disk>,
    /// After the files, which may be in them.
    made: MadeFolders,
}

impl Stage {
    /// Begins to change a folder, which is made for a save if it is not there. What dead saves left in it goes.
    pub(crate) async fn begin(disk: &Arc<dyn Disk>, folder: &Path, how: How) -> Result<Self, Error> {
        let mut tries = TRIES;
        loop {
            match Self::try_begin(disk, folder, how).await {
                // A removal beside us took the folder away in between.
                Err(error) if error.kind() == ErrorKind::NotFound && how.operation == Operation::Save && tries > 0 => {
                    tries -= 1;
                }
                begun => return begun,
            }
        }
    }

    async fn try_begin(disk: &Arc<dyn Disk>, folder: &Path, how: How) -> Result<Self, Error> {
        let (disk, folder) = (Arc::clone(disk), folder.to_path_buf());
        let make = {
            let (disk, folder) = (Arc::clone(&disk), folder.clone());
            move || {
                let mut made = MadeFolders::new(disk);
                if how.operation == Operation::Save {
                    made.make(&folder)?;
                }
                Ok(made)
            }
        };
        let made = blocking(make).await?;
        let lock = lock(&folder, how.operation).await?;
        blocking(move || {
            carry_out(disk.as_ref(), &folder, how.links)?;
            let stage = Self::with_guard(Arc::clone(&disk), folder.clone(), how, made)?;
            if how.is_resumable {
                let found = leftovers::finished(&folder).into_iter();
                let taken = found.map(|file| stage.take_over(file)).collect::<io::Result<_>>();
                let taken = taken.map_err(|error| io_error(error, how.operation, &folder))?;
                *stage.taken_over.lock().unwrap_or_else(PoisonError::into_inner) = taken;
            }
            leftovers::remove(disk.as_ref(), &folder);
            drop(lock);
            Ok(stage)
        })
        .await
    }

    /// The file that tells others that we live, made and locked while nobody else looks.
    fn with_guard(disk: Arc<dyn Disk>, folder: PathBuf, how: How, made: MadeFolders) -> Result<Self, Error> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(GUARD_NAME.0).suffix(GUARD_NAME.1).rand_bytes(ID_LENGTH);
        let guard = builder.make_in(&folder, |path| disk.create(path)).and_then(|guard| {
            let (file, path) = guard.into_parts();
            Ok((file, path.keep()?))
        });
        let (locked, guard) = guard.map_err(|error| io_error(error, how.operation, &folder))?;
        let id = id_of(&guard).unwrap_or_default().to_owned();
        // Without locks nobody removes what we leave, and nobody what we still need.
        let _has_locks = locked.lock().map_err(|error| io_error(error, how.operation, &guard))?;
        Ok(Self {
            folder,
            id,
            guard,
            locked: Mutex::new(locked),
            durability: how.durability,
            is_resumable: how.is_resumable,
            taken_over: Mutex::default(),
            recorded: Mutex::default(),
            number: AtomicUsize::new(0),
            written: Mutex::default(),
            is_left: AtomicBool::new(false),
            disk,
            made,
        })
    }

    pub(crate) fn disk(&self) -> &dyn Disk {
        self.disk.as_ref()
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the names in a folder durable, if that is wanted.
    pub(crate) fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        match self.durability {
            Durability::Default | Durability::Strict => self.disk.sync_folder(folder),
            Durability::Relaxed => Ok(()),
        }
    }

    /// Writes a small file; gives its temporary name.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<PathBuf> {
        let (mut file, _, path) = self.create()?;
        file.append(bytes)?;
        self.sync(file.as_mut())?;
        Ok(path)
    }

    /// Gives a file that is about to be replaced a second name; none if the file system cannot.
    pub(crate) fn keep_aside(&self, file: &Path) -> io::Result<Option<PathBuf>> {
        let aside = self.name_for_old();
        match self.disk.link(file, &aside) {
            Ok(()) => Ok(Some(aside)),
            Err(error) if knows_no_links(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A name for a file that has been replaced, under which it is removed with the rest.
    pub(crate) fn name_for_old(&self) -> PathBuf {
        self.next_name().1
    }

    /// A name for a file, and the number in it.
    fn next_name(&self) -> (usize, PathBuf) {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(temporary_name(&self.id, number));
        self.written.lock().unwrap_or_else(PoisonError::into_inner).push(path.clone());
        (number, path)
    }

    /// Gives a finished file of a dead save a name of ours. It is in our guard before, so that it is somebody's at any time.
    fn take_over(&self, finished: Finished) -> io::Result<Finished> {
        let (number, path) = self.next_name();
        self.record(number, &path, &std::fs::symlink_metadata(&finished.path)?, &finished.record)?;
        self.disk.rename(&finished.path, &path)?;
        Ok(Finished { path, record: finished.record })
    }

    /// Says in the guard that a file is finished. It is not waited for the disk: when the machine loses its power, the file is written
    /// again.
    fn record(&self, number: usize, path: &Path, file: &Metadata, record: &Record) -> io::Result<()> {
        let mut guard = self.locked.lock().unwrap_or_else(PoisonError::into_inner);
        guard.append(record.line(number, &identity(file)).as_bytes())?;
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_path_buf());
        Ok(())
    }

    /// A file that was taken over and may be the one that is wanted. It is given out once.
    fn take(&self, wanted: &Wanted) -> Option<Finished> {
        let mut taken_over = self.taken_over.lock().unwrap_or_else(PoisonError::into_inner);
        let found = taken_over.iter().position(|file| file.record.may_be(wanted))?;
        Some(taken_over.swap_remove(found))
    }

    /// Removes what was taken over and is none of these: left, it would be carried on by each save that is interrupted.
    fn keep_only(&self, wanted: &[Wanted]) {
        let sums: BTreeSet<_> = wanted.iter().map(|wanted| (wanted.length, wanted.sha256)).collect();
        let keys: BTreeSet<_> = wanted.iter().map(|wanted| (wanted.length, wanted.key)).collect();
        let may_be = |file: &Finished| {
            let Record { length, sha256, key } = &file.record;
            sums.contains(&(*length, Some(*sha256))) || (key.is_some() && keys.contains(&(*length, *key)))
        };
        let mut taken_over = self.taken_over.lock().unwrap_or_else(PoisonError::into_inner);
        let (kept, others): (Vec<_>, Vec<_>) = std::mem::take(&mut *taken_over).into_iter().partition(may_be);
        *taken_over = kept;
        drop(taken_over);
        for file in others {
            // One that stays harms nobody: it goes when the save is through.
            let _gone = self.forget(&file.path);
        }
    }

    /// Removes a file that is not what the guard says.
    fn forget(&self, path: &Path) -> io::Result<()> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
        self.disk.remove_file(path)
    }

    /// Nothing is left to be continued.
    fn end(&mut self) {
        self.is_resumable = false;
    }

    /// Leaves everything as it is: a list of renames needs it.
    pub(crate) fn leave(&self) {
        self.is_left.store(true, Ordering::Release);
        self.made.keep();
    }

    fn create(&self) -> io::Result<(Box<dyn NewFile>, usize, PathBuf)> {
        let (number, path) = self.next_name();
        Ok((self.disk.create(&path)?, number, path))
    }

    fn sync(&self, file: &mut dyn NewFile) -> io::Result<()> {
        match self.durability {
            Durability::Default | Durability::Strict => file.sync(),
            Durability::Relaxed => Ok(()),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if self.is_left.load(Ordering::Acquire) {
            return;
        }
        let mut written = std::mem::take(self.written.get_mut().unwrap_or_else(PoisonError::into_inner));
        if self.is_resumable {
            let recorded = self.recorded.get_mut().unwrap_or_else(PoisonError::into_inner);
            written.retain(|file| !recorded.contains(file));
            if recorded.iter().any(|file| file.exists()) {
                // With the guard, which nobody locks from now on: whoever continues finds them, and any other save removes them.
                self.made.keep();
                for file in written {
                    let _gone = self.disk.remove_file(&file);
                }
                return;
            }
        }
        // Those that have got their names are not there any more, and of the others nobody is left who could be told.
        for file in written {
            let _gone = self.disk.remove_file(&file);
        }
        let _gone = self.disk.remove_file(&self.guard);
    }
}

fn knows_no_links(error: &io::Error) -> bool {
    // On Linux, EPERM is what a file system without hard links says, and so does a kernel that protects those of others.
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied | io::ErrorKind::TooManyLinks)
        || error.raw_os_error().is_some_and(|code| cfg!(windows) && code == ERROR_INVALID_FUNCTION)
}

const ERROR_INVALID_FUNCTION: i32 = 1;

/// The files of a model that are written, but have not got their names.
#[derive(Debug)]
pub(crate) struct Staged {
    stage: Arc<Stage>,
    /// The temporary name of each, and its own.
    files: Vec<(PathBuf, PathBuf)>,
}

impl Staged {
    pub(crate) fn begin(stage: Stage) -> Self {
        Self { stage: Arc::new(stage), files: Vec::new() }
    }

    /// Says which weight files there will be: of what was taken over from interrupted saves, anything else goes.
    pub(crate) async fn keep_only(&self, wanted: Vec<Wanted>) -> Result<(), Error> {
        let stage = Arc::clone(&self.stage);
        blocking(move || {
            stage.keep_only(&wanted);
            Ok(())
        })
        .await
    }

    /// Writes a weight file, a window at a time; or takes one that an interrupted save has finished.
    pub(crate) async fn stream(
        &mut self,
        shard: &PlannedShard,
        wanted: Wanted,
        bytes: &WeightData,
        digests: &mut Digests,
        meter: &mut ProgressMeter,
    ) -> Result<(), Error> {
        let target = join(&self.stage.folder, &shard.path);
        while let Some(finished) = self.stage.take(&wanted) {
            if self.prove(&finished, digests).await? {
                meter.resume(wanted.length);
                self.files.push((finished.path, target));
                return Ok(());
            }
        }
        let stage = Arc::clone(&self.stage);
        let mut hasher = stage.is_resumable.then(|| ShardHasher::new([wanted.length]));
        let mut file = blocking(move || Writing::create(stage, target)).await?;
        let mut windows = bytes.stream(WINDOW);
        while let Some(window) = windows.try_next().await? {
            let length = window.len() as u64;
            digests.update(&window);
            if let Some(hasher) = &mut hasher {
                hasher.update(&window);
            }
            file = blocking(move || file.append(&window)).await?;
            meter.advance(length);
        }
        let sha256 = hasher.and_then(|hasher| hasher.finish().pop());
        let record = sha256.map(|sha256| Record { length: wanted.length, sha256, key: wanted.key });
        self.files.push(blocking(move || file.finish(record.as_ref())).await?);
        Ok(())
    }

    /// Whether a finished file has the bytes that were written. If so, the digests have had them too; if not, it goes.
    async fn prove(&self, finished: &Finished, digests: &mut Digests) -> Result<bool, Error> {
        let mut passed = digests.clone();
        // A file that cannot be read proves nothing, and is written anew.
        let proven = self.reread(finished, &mut passed).await.unwrap_or(false);
        if proven {
            *digests = passed;
        } else {
            let (stage, path) = (Arc::clone(&self.stage), finished.path.clone());
            blocking(move || stage.forget(&path).map_err(|error| io_error(error, Operation::Save, &path))).await?;
        }
        Ok(proven)
    }

    async fn reread(&self, finished: &Finished, digests: &mut Digests) -> Result<bool, Error> {
        let fail = {
            let path = finished.path.clone();
            move |error| io_error(error, Operation::Read, &path)
        };
        let (file, failed) = (finished.clone(), fail.clone());
        let mut proof = blocking(move || Proof::begin(&file).map_err(failed)).await?;
        loop {
            let failed = fail.clone();
            let next = move || {
                let window = proof.next().map_err(failed)?;
                Ok((proof, window))
            };
            let window;
            (proof, window) = blocking(next).await?;
            if window.is_empty() {
                break;
            }
            digests.update(&window);
        }
        let is_strict = self.stage.durability != Durability::Relaxed;
        blocking(move || proof.holds(is_strict).map_err(fail)).await
    }

    /// Writes a small file.
    pub(crate) async fn write(&mut self, path: &RelPath, bytes: Bytes) -> Result<(), Error> {
        let target = join(&self.stage.folder, path);
        let stage = Arc::clone(&self.stage);
        self.files.push(blocking(move || Writing::create(stage, target)?.append(&bytes)?.finish(None)).await?);
        Ok(())
    }

    /// The names that the files will have, the one that makes the model visible last.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(_, target)| target.as_path())
    }

    pub(crate) fn disk(&self) -> Arc<dyn Disk> {
        Arc::clone(&self.stage.disk)
    }

    /// Where the files are, and will be.
    pub(crate) fn folder(&self) -> &Path {
        &self.stage.folder
    }

    /// Gives all files their names at once; `journal` says what else happens with that. The folder must be locked, and in order.
    pub(crate) fn commit(self, mut journal: Journal) -> Result<(), Error> {
        let Self { mut stage, files } = self;
        for (from, to) in &files {
            stage.made.make_also(folder_of(to))?;
            keep_permissions(stage.disk(), from, to).map_err(|error| io_error(error, Operation::Save, to))?;
            journal.rename(&stage.folder, from, to)?;
        }
        for folder in stage.made.parents() {
            stage.sync_folder(&folder).map_err(|error| io_error(error, Operation::Save, &folder))?;
        }
        // Weight files of the old model that cannot be removed harm nobody.
        let _left = commit(&stage, &journal, Operation::Save)?;
        stage.made.keep();
        // Nobody else has it: all files are written.
        if let Some(stage) = Arc::get_mut(&mut stage) {
            stage.end();
        }
        Ok(())
    }
}

/// A model that is saved again is as readable as before.
pub(crate) fn keep_permissions(disk: &dyn Disk, from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(to) {
        Ok(replaced) if cfg!(unix) && replaced.is_file() => disk.set_permissions(from, replaced.permissions()),
        _ => Ok(()),
    }
}

/// A file under a temporary name, and the name that it will have.
///
/// A write goes on when the save that wanted it is dropped; the last one to end removes the files.
#[derive(Debug)]
struct Writing {
    /// Closed before the stage removes it.
    file: Box<dyn NewFile>,
    number: usize,
    path: PathBuf,
    target: PathBuf,
    stage: Arc<Stage>,
}

impl Writing {
    fn create(stage: Arc<Stage>, target: PathBuf) -> Result<Self, Error> {
        let (file, number, path) = stage.create().map_err(|error| io_error(error, Operation::Save, &target))?;
        Ok(Self { file, number, path, target, stage })
    }

    fn append(mut self, bytes: &[u8]) -> Result<Self, Error> {
        self.file.append(bytes).map_err(|error| io_error(error, Operation::Save, &self.target))?;
        Ok(self)
    }

    /// Makes the bytes durable, says so in the guard, and closes the file.
    fn finish(mut self, record: Option<&Record>) -> Result<(PathBuf, PathBuf), Error> {
        let synced = self.stage.sync(self.file.as_mut());
        let recorded = synced.and_then(|()| match record {
            Some(record) => std::fs::symlink_metadata(&self.path)
                .and_then(|file| self.stage.record(self.number, &self.path, &file, record)),
            None => Ok(()),
        });
        recorded.map_err(|error| io_error(error, Operation::Save, &self.target))?;
        Ok((self.path, self.target))
    }
}
