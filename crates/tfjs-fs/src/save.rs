//! Writing a model: everything under temporary names first, then the renames, `model.json` last.

use std::collections::BTreeSet;
use std::path::PathBuf;

use bytes::Bytes;
use tfjs_artifacts::{
    Error, ErrorKind, ModelArtifacts, ModelTopology, Operation, RelPath, SaveResult, ShardLayout,
    encode_legacy_manifest, encode_model_json,
};
use tfjs_router::{Digests, Links, ProgressMeter, SaveOptions};

use crate::blocking::blocking;
use crate::links;
use crate::model_dir::{Destination, Entry, GRAPH_DEF, WEIGHTS_MANIFEST, find, folder_of, join};
use crate::ownership::{Claimed, Neighbours, above};
use crate::staged::Staged;

pub(crate) async fn save(
    path: PathBuf,
    artifacts: &ModelArtifacts,
    options: &SaveOptions,
) -> Result<SaveResult, Error> {
    let destination = blocking(move || Destination::of(&path)).await?;
    let saved = save_to(&destination, artifacts, options).await;
    let location = destination.folder.join(&destination.json);
    saved.map_err(|error| error.with_operation(Operation::Save).with_location(&location.to_string_lossy()))
}

async fn save_to(
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
    let mut staged = Staged::begin(&destination.folder, layout.as_ref()).await?;
    let mut meter = ProgressMeter::of_layout(options.progress.as_ref(), layout.as_ref());
    if let (Some(weights), Some(layout)) = (&artifacts.weights, &mut layout) {
        let mut digests = Digests::new(weights, layout, options.checksums);
        for shard in layout.shards() {
            let bytes = weights.data().slice(shard.range.clone())?;
            staged.stream(shard.path.clone(), &bytes, &mut digests, &mut meter).await?;
        }
        if digests.finish(weights, layout)? {
            heads = self::heads(artifacts, destination, Some(layout))?;
        }
    }
    for (name, bytes) in heads {
        staged.write(name, bytes).await?;
    }
    let result = SaveResult::now(artifacts);

    // From here on nobody else changes the folder; so what is replaced is looked at again.
    let lock = staged.lock().await?;
    targets.check_links(options.links).await?;
    let replaced = replaced(destination, options.links).await;
    targets.check(&replaced).await?;
    // The lock goes along: a commit ends by itself when this future is dropped.
    blocking(move || {
        let committed = staged.commit(replaced);
        drop(lock);
        committed
    })
    .await?;
    meter.done();
    Ok(result)
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
        reserved.iter().any(|name| first.eq_ignore_ascii_case(name))
    };
    let clash = layout.shards().map(|shard| shard.path.clone()).find(taken);
    if let Some(path) = clash {
        let message = format!("a weights file cannot be called `{path}`: that is the topology's name");
        return Err(Error::new(ErrorKind::InvalidUrl, message));
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
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    let manifest = encode_legacy_manifest(artifacts, layout)?;
    Ok(vec![(name(WEIGHTS_MANIFEST)?, manifest.into()), (name(GRAPH_DEF)?, topology.clone())])
}
