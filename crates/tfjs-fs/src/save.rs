//! Writing a model: everything under temporary names first, then all of it takes the place of the old one at once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tfjs_artifacts::{
    Error, ErrorKind, ModelArtifacts, ModelTopology, Operation, RelPath, SaveResult, ShardLayout,
    encode_legacy_manifest, encode_model_json,
};
use tfjs_router::{Digests, Links, ProgressMeter, SaveOptions};

use crate::blocking::blocking;
use crate::commit::recover;
use crate::disk::Disk;
use crate::finished::Wanted;
use crate::journal::Journal;
use crate::links;
use crate::lock::lock;
use crate::model_dir::{Destination, Entry, GRAPH_DEF, WEIGHTS_MANIFEST, find, folder_of, has_extension, join};
use crate::ownership::{Claimed, Neighbours, above};
use crate::replace::wait_until_free;
use crate::same_file::key;
use crate::stage::{How, Stage, Staged};

pub(crate) async fn save(
    disk: Arc<dyn Disk>,
    path: PathBuf,
    artifacts: &ModelArtifacts,
    options: &SaveOptions,
) -> Result<SaveResult, Error> {
    let destination = blocking(move || Destination::of(&path)).await?;
    let saved = save_to(disk, &destination, artifacts, options).await;
    let location = destination.folder.join(&destination.json);
    saved.map_err(|error| error.with_operation(Operation::Save).with_location(&location.to_string_lossy()))
}

async fn save_to(
    disk: Arc<dyn Disk>,
    destination: &Destination,
    artifacts: &ModelArtifacts,
    options: &SaveOptions,
) -> Result<SaveResult, Error> {
    let mut layout = layout(artifacts, destination, options)?;
    let mut heads = heads(artifacts, destination, layout.as_ref())?;

    let targets = Targets::new(destination, layout.as_ref(), options);
    targets.check_links(options.links).await?;
    targets.check(&replaced(destination, options.links).await).await?;
    // Dropped on any failure, and when this future is dropped: temporary files and folders made for them go away.
    let how = How {
        operation: Operation::Save,
        durability: options.durability,
        links: options.links,
        is_resumable: options.resume.is_some(),
    };
    let mut staged = Staged::begin(Stage::begin(&disk, &destination.folder, how).await?);
    let mut meter = ProgressMeter::of_layout(options.progress.as_ref(), layout.as_ref());
    if let (Some(weights), Some(layout)) = (&artifacts.weights, &mut layout) {
        let mut digests = Digests::new(weights, layout, options.checksums);
        let wanted = layout.shards().map(|shard| {
            let key = options.resume.as_ref().and_then(|resume| resume.key(weights, &shard.range));
            Wanted { length: shard.byte_length(), sha256: shard.sha256, key }
        });
        let wanted: Vec<_> = wanted.collect();
        staged.keep_only(wanted.clone()).await?;
        for (shard, wanted) in layout.shards().zip(wanted) {
            let bytes = weights.data().slice(shard.range.clone())?;
            staged.stream(shard, wanted, &bytes, &mut digests, &mut meter).await?;
        }
        if digests.finish(weights, layout)? {
            heads = self::heads(artifacts, destination, Some(layout))?;
        }
    }
    for (name, bytes) in heads {
        staged.write(&name, bytes).await?;
    }
    let result = SaveResult::now(artifacts);

    // From here on nobody else changes the folder; so it is brought into order, and what is replaced is looked at again.
    let (folder, links) = (destination.folder.clone(), options.links);
    let lock = lock(&folder, Operation::Save).await?;
    blocking(move || recover(disk.as_ref(), &folder, links)).await?;
    targets.check_links(options.links).await?;
    let replaced = replaced(destination, options.links).await;
    targets.check(&replaced).await?;
    // The lock goes along: a commit ends by itself when this future is dropped.
    blocking(move || {
        let committed = take_the_place_of(&replaced, staged);
        drop(lock);
        committed
    })
    .await?;
    meter.done();
    Ok(result)
}

/// Puts the new model in the place of the old one.
fn take_the_place_of(replaced: &Claimed, staged: Staged) -> Result<(), Error> {
    let disk = staged.disk();
    let folder = staged.folder().to_path_buf();
    let names: BTreeSet<_> = staged.targets().map(key).collect();
    staged.targets().try_for_each(wait_until_free)?;
    let mut journal = Journal::new();
    for head in replaced.heads().iter().filter(|head| !names.contains(&key(head))) {
        journal.hide(&folder, head)?;
    }
    for file in replaced.surplus(&names) {
        journal.remove(&folder, &file);
    }
    staged.commit(journal)?;
    replaced.remove_empty_folders(disk.as_ref());
    Ok(())
}

/// The model that a save replaces: for a folder also one of the other kind, binary or JSON, which would otherwise be found in
/// place of the new one.
async fn replaced(destination: &Destination, links: Links) -> Claimed {
    let (folder, json) = (destination.folder.clone(), destination.folder.join(&destination.json));
    let is_file = destination.is_file;
    let find = move || if is_file { Ok(Entry::Json(json)) } else { find(&folder, Operation::Save) };
    match blocking(find).await {
        Ok(entry) => Claimed::by(entry, links).await,
        // There is none.
        Err(_) => Claimed::default(),
    }
}

/// The files that a save writes, to be checked before anything happens and again before they get their names.
#[derive(Clone, Debug)]
struct Targets {
    json: PathBuf,
    folders: BTreeSet<PathBuf>,
    files: Vec<PathBuf>,
    /// Whether the user chose the names.
    are_chosen: bool,
}

impl Targets {
    fn new(destination: &Destination, layout: Option<&ShardLayout>, options: &SaveOptions) -> Self {
        let shards = layout.iter().flat_map(|layout| layout.shards());
        let files: Vec<_> = shards.map(|shard| join(&destination.folder, &shard.path)).collect();
        let mut folders: BTreeSet<_> = files.iter().map(|file| folder_of(file).to_path_buf()).collect();
        // A model above may have its weights here, also when no model has been.
        folders.extend([destination.folder.clone(), above(&destination.folder)]);
        let json = destination.folder.join(&destination.json);
        Self { json, folders, files, are_chosen: options.weights_file_name.is_some() }
    }

    /// No link leads out of the folder on the way to a file that is written.
    async fn check_links(&self, links: Links) -> Result<(), Error> {
        let (folder, json, files) = (folder_of(&self.json).to_path_buf(), self.json.clone(), self.files.clone());
        let check = move || {
            let mut written = std::iter::once(&json).chain(&files);
            written.try_for_each(|file| links::check(&folder, file, links, Operation::Save))
        };
        blocking(check).await
    }

    /// No file of another model, and no folder, is in the way.
    async fn check(&self, replaced: &Claimed) -> Result<(), Error> {
        let mut folders = replaced.folders();
        folders.extend(self.folders.iter().cloned());
        let mut except = replaced.heads().to_vec();
        except.push(self.json.clone());
        let neighbours = blocking(move || Ok(Neighbours::in_folders(&folders, &except))).await?;
        replaced.check_target(&self.json, &Neighbours::default(), false)?;
        self.files.iter().try_for_each(|file| replaced.check_target(file, &neighbours, self.are_chosen))
    }
}

/// The weight files, or none if there are no weights.
fn layout(
    artifacts: &ModelArtifacts,
    destination: &Destination,
    options: &SaveOptions,
) -> Result<Option<ShardLayout>, Error> {
    let Some(weights) = &artifacts.weights else { return Ok(None) };
    let layout = options.shard_layout(weights, destination.stem())?;
    let reserved = [destination.json.as_str(), GRAPH_DEF, WEIGHTS_MANIFEST];
    let taken = |path: &RelPath| {
        let first = path.segments().next().unwrap_or_default();
        reserved.iter().any(|name| may_be_one(first, name))
    };
    let clash = layout.shards().map(|shard| shard.path.clone()).find(taken);
    if let Some(path) = clash {
        let message = format!("a weights file cannot be called `{path}`: that is the topology's name");
        return Err(Error::new(ErrorKind::InvalidUrl, message));
    }
    Ok(Some(layout))
}

/// Whether some file system takes two names for one. Which forms of other than ASCII letters it folds differs, so of two `.json`
/// files with such letters it is supposed.
fn may_be_one(one: &str, other: &str) -> bool {
    let is_other = |name: &str| !name.is_ascii() && has_extension(Path::new(name), "json");
    one.to_lowercase() == other.to_lowercase() || (is_other(one) && is_other(other))
}

/// The files that make the model visible, the decisive one last.
fn heads(
    artifacts: &ModelArtifacts,
    destination: &Destination,
    layout: Option<&ShardLayout>,
) -> Result<Vec<(RelPath, Bytes)>, Error> {
    let name = |name: &str| {
        RelPath::parse(name).and_then(RelPath::portable).map_err(|error| {
            Error::new(ErrorKind::InvalidUrl, "the model's file cannot have such a name").with_source(error)
        })
    };
    let Some(ModelTopology::GraphDef(topology)) = &artifacts.model_topology else {
        let json = encode_model_json(artifacts, layout)?;
        return Ok(vec![(name(&destination.json)?, json.into())]);
    };
    if destination.is_file {
        let message = "the topology is a binary GraphDef, which a `.json` file cannot hold; save to a folder";
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    let manifest = encode_legacy_manifest(artifacts, layout)?;
    Ok(vec![(name(WEIGHTS_MANIFEST)?, manifest.into()), (name(GRAPH_DEF)?, topology.clone())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_some_file_system_takes_for_one() {
        for (one, other) in
            [("model.json", "Model.JSON"), ("é.json", "É.json"), ("e\u{301}.json", "é.json"), ("ß.json", "ß.JSON")]
        {
            assert!(may_be_one(one, other), "{one} {other}");
        }
        for (one, other) in [("model.json", "model.weights.bin"), ("e.json", "é.json"), ("é.bin", "e\u{301}.json")] {
            assert!(!may_be_one(one, other), "{one} {other}");
        }
    }
}
