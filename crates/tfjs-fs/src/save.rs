//! Writing a model: everything under temporary names first, then the renames, `model.json` last.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures::TryStreamExt as _;
use tempfile::{NamedTempFile, TempPath};
use tfjs_artifacts::{
    Error, ErrorKind, ModelArtifacts, ModelTopology, Operation, RelPath, SaveResult, ShardHasher, ShardLayout,
    ShardNames, SurplusBytes, WeightData, Weights, encode_manifest, encode_model_json,
};
use tfjs_router::{Checksums, ProgressMeter, SaveOptions};

use crate::blocking::blocking;
use crate::error::io_error;
use crate::model_dir::{Destination, Entry, GRAPH_DEF, WEIGHTS_MANIFEST, find, folder_of};
use crate::store::Claimed;

/// How much of the weights is in memory at a time.
const WINDOW: usize = 4 << 20;

pub(crate) async fn save(
    path: PathBuf,
    artifacts: &ModelArtifacts,
    options: &SaveOptions,
) -> Result<SaveResult, Error> {
    let destination = blocking(move || Destination::of(&path)).await?;
    let mut layout = layout(artifacts, &destination, options)?;
    let mut heads = heads(artifacts, &destination, layout.as_ref())?;

    // Dropped on any failure, and when this future is dropped: temporary files and folders made for them go away.
    let mut staged = Staged::begin(&destination, layout.as_ref()).await?;
    let mut meter = ProgressMeter::of_layout(options.progress.as_ref(), layout.as_ref());
    if let (Some(weights), Some(layout)) = (&artifacts.weights, &mut layout) {
        let mut digests = Digests::new(weights, layout, options.checksums);
        for shard in layout.shards() {
            let bytes = weights.data().slice(shard.range.clone())?;
            staged.stream(shard.path.clone(), &bytes, &mut digests, &mut meter).await?;
        }
        if digests.finish(weights, layout)? {
            heads = self::heads(artifacts, &destination, Some(layout))?;
        }
    }
    for (name, bytes) in heads {
        staged.write(name, bytes).await?;
    }
    let result = SaveResult::now(artifacts);
    let previous = Previous::at(&destination).await;
    blocking(move || staged.commit(previous)).await?;
    meter.done();
    Ok(result)
}

/// The weight files, or none if there are no weights.
fn layout(
    artifacts: &ModelArtifacts,
    destination: &Destination,
    options: &SaveOptions,
) -> Result<Option<ShardLayout>, Error> {
    let Some(weights) = &artifacts.weights else { return Ok(None) };
    let bad_name = |error| Error::new(ErrorKind::InvalidUrl, "the weights cannot have such a name").with_source(error);
    let names = match &options.weights_file_name {
        Some(name) => ShardNames::for_weights_file(name.clone()),
        None => ShardNames::for_model(destination.stem()).map_err(bad_name)?,
    };
    let layout = ShardLayout::new(weights, &names, options.sharding)
        .map_err(|error| Error::new(ErrorKind::InvalidUrl, "the weights cannot be cut like that").with_source(error))?;
    let reserved = [destination.json.as_str(), GRAPH_DEF, WEIGHTS_MANIFEST];
    let taken = |path: &RelPath| reserved.iter().any(|name| path.as_str().eq_ignore_ascii_case(name));
    let clash = layout.shards().map(|shard| shard.path.clone()).find(taken);
    if let Some(path) = clash {
        let message = format!("a weights file cannot be called `{path}`: that is the topology's name");
        return Err(Error::new(ErrorKind::InvalidUrl, message).with_operation(Operation::Save));
    }
    Ok(Some(layout))
}

/// The files that make the model visible, the decisive one last.
fn heads(
    artifacts: &ModelArtifacts,
    destination: &Destination,
    layout: Option<&ShardLayout>,
) -> Result<Vec<(RelPath, Bytes)>, Error> {
    let name = |name: &str| {
        RelPath::parse(name).map_err(|error| {
            Error::new(ErrorKind::InvalidUrl, "the model's file cannot have such a name").with_source(error)
        })
    };
    let Some(ModelTopology::GraphDef(topology)) = &artifacts.model_topology else {
        let json = encode_model_json(artifacts, layout)?;
        return Ok(vec![(name(&destination.json)?, json.into())]);
    };
    if destination.is_file {
        let message = "the topology is a binary GraphDef, which a `.json` file cannot hold; save to a folder";
        return Err(Error::new(ErrorKind::Unsupported, message).with_operation(Operation::Save));
    }
    let manifest = legacy_manifest(artifacts, layout)?;
    Ok(vec![(name(WEIGHTS_MANIFEST)?, manifest.into()), (name(GRAPH_DEF)?, topology.clone())])
}

/// Digests the weights as they pass by: to compare them with the checksums that they came with, and for new ones.
#[derive(Debug)]
struct Digests {
    came_with: Option<ShardHasher>,
    written: Option<ShardHasher>,
}

impl Digests {
    fn new(weights: &Weights, layout: &ShardLayout, checksums: Checksums) -> Self {
        let came_with = weights.checksum_hasher();
        let are_wanted = came_with.is_some() || checksums == Checksums::Write;
        let lengths = layout.shards().map(|shard| shard.range.end - shard.range.start);
        let written = (are_wanted && !layout.has_checksums()).then(|| ShardHasher::new(lengths));
        Self { came_with, written }
    }

    fn update(&mut self, bytes: &[u8]) {
        for hasher in [&mut self.came_with, &mut self.written].into_iter().flatten() {
            hasher.update(bytes);
        }
    }

    /// Compares, and puts new checksums into the layout; tells whether there are any.
    fn finish(self, weights: &Weights, layout: &mut ShardLayout) -> Result<bool, Error> {
        if let Some(hasher) = self.came_with {
            weights.compare_checksums(&hasher.finish())?;
        }
        let Some(hasher) = self.written else { return Ok(false) };
        layout.set_checksums(hasher.finish());
        Ok(true)
    }
}

/// What goes beside a binary topology: a bare manifest, or, if the model has more than that, an object that has all of it
/// but the topology.
fn legacy_manifest(artifacts: &ModelArtifacts, layout: Option<&ShardLayout>) -> Result<String, Error> {
    let mut without_topology = artifacts.clone();
    without_topology.model_topology = None;
    let no_weights = || Weights::new(Vec::new(), WeightData::empty(), SurplusBytes::Reject).map_err(Error::from);
    let weights = artifacts.weights.clone().map_or_else(no_weights, Ok)?;
    let no_files = ShardLayout::none();
    let layout = layout.unwrap_or(&no_files);
    if without_topology.is_bare() && !weights.groups().is_empty() {
        return Ok(encode_manifest(&weights, layout));
    }
    encode_model_json(&without_topology.with_weights(weights), Some(layout))
}

/// Files that are written and durable, but still under temporary names.
#[derive(Debug)]
struct Staged {
    folder: PathBuf,
    files: Vec<(RelPath, TempPath)>,
    made: Arc<MadeFolders>,
}

impl Staged {
    /// Makes the folders that the files go into.
    async fn begin(destination: &Destination, layout: Option<&ShardLayout>) -> Result<Self, Error> {
        let folder = destination.folder.clone();
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
    async fn stream(
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
        let file = blocking(move || file.finish()).await?;
        self.files.push((path, file));
        Ok(())
    }

    /// Writes a small file.
    async fn write(&mut self, path: RelPath, bytes: Bytes) -> Result<(), Error> {
        let target = join(&self.folder, &path);
        let made = Arc::clone(&self.made);
        let file = blocking(move || create(target, made)?.append(&bytes)?.finish()).await?;
        self.files.push((path, file));
        Ok(())
    }

    /// Gives all files their names, the last one last, and removes what only the previous model used.
    fn commit(self, previous: Previous) -> Result<(), Error> {
        let _lock = lock(&self.folder);
        let mut folders = BTreeSet::from([self.folder.clone()]);
        let mut names = BTreeSet::new();
        for (path, file) in self.files {
            let target = join(&self.folder, &path);
            if let Err(error) = file.persist(&target) {
                return Err(io_error(error.error, Operation::Save, &target));
            }
            folders.insert(folder_of(&target).to_path_buf());
            names.insert(target);
        }
        folders.extend(self.made.keep().iter().map(|folder| folder_of(folder).to_path_buf()));
        for folder in &folders {
            sync_folder(folder)?;
        }
        previous.remove_except(&names)
    }
}

/// The model that a save replaces.
#[derive(Debug, Default)]
struct Previous {
    heads: Vec<PathBuf>,
    claimed: Claimed,
}

impl Previous {
    /// What is at the destination: for a folder also a model of the other kind, binary or JSON, which would otherwise
    /// be found in place of the new one.
    async fn at(destination: &Destination) -> Self {
        let (folder, json) = (destination.folder.clone(), destination.folder.join(&destination.json));
        let is_file = destination.is_file;
        let find = move || if is_file { Ok(Entry::Json(json)) } else { find(&folder, Operation::Save) };
        // Nothing there, or nothing that can be understood: nothing to clean up.
        let Ok(entry) = blocking(find).await else { return Self::default() };
        let heads = entry.files().iter().map(|file| file.to_path_buf()).collect();
        Self { heads, claimed: Claimed::by(entry).await }
    }

    fn remove_except(self, kept: &BTreeSet<PathBuf>) -> Result<(), Error> {
        for head in self.heads.iter().filter(|head| !kept.contains(*head)) {
            match std::fs::remove_file(head) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(io_error(error, Operation::Save, head));
                }
                _ => {}
            }
        }
        self.claimed.remove_except(kept);
        Ok(())
    }
}

/// Keeps two saves into one folder from mixing their renames, where the system can lock folders. The lock ends with the
/// value; file systems that know no locks are used without.
fn lock(folder: &Path) -> Option<File> {
    if cfg!(unix) {
        let folder = File::open(folder).ok()?;
        folder.lock().ok()?;
        Some(folder)
    } else {
        None
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
    builder.prefix(".tfjs-").suffix(".tmp");
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

    /// Makes the bytes durable and closes the file.
    fn finish(self) -> Result<TempPath, Error> {
        let Self { target, file, made } = self;
        let synced = file.as_file().sync_all().map_err(|error| io_error(error, Operation::Save, &target));
        let path = file.into_temp_path();
        drop(made);
        synced.map(|()| path)
    }
}

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

fn join(folder: &Path, path: &RelPath) -> PathBuf {
    let mut joined = folder.to_path_buf();
    joined.extend(path.segments());
    joined
}

/// Makes renames in a folder durable, where the system can.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), Error> {
    if cfg!(unix) {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| io_error(error, Operation::Save, folder))?;
    }
    Ok(())
}
