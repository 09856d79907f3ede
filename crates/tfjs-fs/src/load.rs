//! Reading a model.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use tfjs_artifacts::{
    Error, ErrorKind, Limit, Limits, ManifestError, ModelArtifacts, ModelJson, ModelTopology, Operation, Segment,
    SurplusBytes, sniff_model,
};
use tfjs_router::{Links, LoadOptions, ProgressSink, finish_load};

use crate::blocking::blocking;
use crate::error::io_error;
use crate::links;
use crate::model_dir::{Entry, folder_of};
use crate::same_file::check_distinct;
use crate::source::FileSource;
use crate::view::{Attempts, Moment, View};

/// How much of a file tells what it is.
const HEAD: u64 = 1 << 10;

/// Reads the model that `find` finds: a whole one, also while others save. What is read eagerly is begun anew if it is replaced
/// meanwhile.
pub(crate) async fn load(
    find: impl Fn() -> Result<Entry, Error> + Send + Sync + 'static,
    options: &LoadOptions,
) -> Result<ModelArtifacts, Error> {
    let find = Arc::new(find);
    let attempts = Arc::new(Attempts::new());
    let (limits, links) = (options.limits, options.links);
    let mut options = options.clone();
    options.progress = options.progress.as_ref().map(ProgressSink::monotone);
    loop {
        let find = Arc::clone(&find);
        let opened = blocking(move || Opened::find(|| find(), &limits, links)).await?;
        let (moment, folder) = (Arc::clone(&opened.moment), folder_of(opened.entry.manifest()).to_path_buf());
        let location = opened.entry.manifest().to_string_lossy().into_owned();
        let loaded = match opened.assemble(options.surplus_bytes).await {
            Ok(artifacts) => finish_load(artifacts, &options).await,
            Err(error) => Err(error),
        };
        match loaded {
            Ok(artifacts) => return Ok(artifacts),
            Err(error) => {
                let attempts = Arc::clone(&attempts);
                let is_disturbed =
                    blocking(move || if moment.is_now() { Ok(false) } else { attempts.again(&folder).map(|()| true) });
                if !is_disturbed.await? {
                    return Err(error.with_operation(Operation::Load).with_location(&location));
                }
            }
        }
    }
}

/// A model whose JSON has been read and whose weight files have been looked at.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) entry: Entry,
    /// When that was.
    moment: Arc<Moment>,
    model_json: ModelJson,
    topology: Option<ModelTopology>,
    segments: Vec<Segment>,
}

impl Opened {
    /// Opens what `find` finds, again if somebody changes it meanwhile.
    pub(crate) fn find(find: impl Fn() -> Result<Entry, Error>, limits: &Limits, links: Links) -> Result<Self, Error> {
        let attempts = Attempts::new();
        loop {
            let entry = find()?;
            let folder = folder_of(entry.manifest()).to_path_buf();
            let moment = Moment::of(View::of(&folder)?, &entry.files());
            let opened = Self::open(entry, moment.view(), limits, links);
            if moment.is_now() {
                return opened.map(|opened| opened.at(moment));
            }
            attempts.again(&folder)?;
        }
    }

    fn open(entry: Entry, view: &View, limits: &Limits, links: Links) -> Result<Parts, Error> {
        let folder = folder_of(entry.manifest()).to_path_buf();
        check_links(view, &folder, entry.manifest(), links)?;
        let bytes = view.read(entry.manifest(), limits, Limit::JsonBytes);
        let bytes = bytes.map_err(|error| explain(error, entry.manifest()))?;
        let model_json = ModelJson::parse_with(&bytes, limits).map_err(|error| {
            Error::from(error).with_operation(Operation::Load).with_location(&entry.manifest().to_string_lossy())
        })?;
        let topology = match &entry {
            Entry::Json(_) => None,
            Entry::Pair { topology, .. } => {
                check_links(view, folder_of(topology), topology, links)?;
                Some(graph_def(view, topology, limits)?)
            }
        };
        let segments = open_shards(view, &entry, &model_json, links)?;
        Ok(Parts { entry, model_json, topology, segments })
    }

    /// Lazily readable artifacts, their lengths reconciled.
    pub(crate) async fn assemble(self, surplus: SurplusBytes) -> Result<ModelArtifacts, Error> {
        let location = self.entry.manifest().to_string_lossy().into_owned();
        let assembled = self.model_json.assemble(self.segments, surplus).await;
        let mut artifacts =
            assembled.map_err(|error| error.with_operation(Operation::Load).with_location(&location))?;
        artifacts.weights = artifacts.weights.map(|weights| weights.with_location(&location));
        if self.topology.is_some() {
            artifacts.model_topology = self.topology;
        }
        Ok(artifacts)
    }
}

/// What is found in the files, before it is known that they belong together.
struct Parts {
    entry: Entry,
    model_json: ModelJson,
    topology: Option<ModelTopology>,
    segments: Vec<Segment>,
}

impl Parts {
    fn at(self, moment: Moment) -> Opened {
        let Self { entry, model_json, topology, segments } = self;
        Opened { entry, moment: Arc::new(moment), model_json, topology, segments }
    }
}

/// Says of a file that is too large for JSON what it is, if it is a model of another kind.
fn explain(error: Error, path: &Path) -> Error {
    if error.kind() != ErrorKind::LimitExceeded {
        return error;
    }
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    // A failure to look closer must not hide the error at hand.
    match read.ok().and_then(|_| sniff_model(&head)) {
        Some(sniffed) => {
            let error = Error::from(ManifestError::Impostor(sniffed));
            error.with_operation(Operation::Load).with_location(&path.to_string_lossy())
        }
        None => error,
    }
}

/// Refuses a file if a link on the way to it leads out of the model's folder, by whichever of its names it is read.
fn check_links(view: &View, folder: &Path, file: &Path, links: Links) -> Result<(), Error> {
    links::check(folder, file, links, Operation::Load)?;
    match view.temporary_name(file) {
        Some(name) => links::check(folder, name, links, Operation::Load),
        None => Ok(()),
    }
}

fn graph_def(view: &View, path: &Path, limits: &Limits) -> Result<ModelTopology, Error> {
    let topology = ModelTopology::graph_def(view.read(path, limits, Limit::GraphDefBytes)?);
    topology.map_err(|error| Error::from(error).with_operation(Operation::Load).with_location(&path.to_string_lossy()))
}

/// Looks at all weight files; those that are missing are named together.
fn open_shards(view: &View, entry: &Entry, model_json: &ModelJson, links: Links) -> Result<Vec<Segment>, Error> {
    let mut files = Vec::new();
    let mut missing = Vec::new();
    for path in model_json.paths() {
        let file = entry.shard(path);
        check_links(view, folder_of(entry.manifest()), &file, links)?;
        match FileSource::open(view, file) {
            Ok(source) => files.push((path, source)),
            Err(error) if error.kind() == ErrorKind::NotFound => missing.push((path, error)),
            Err(error) => return Err(error),
        }
    }
    if missing.is_empty() {
        check_distinct(folder_of(entry.manifest()), &files)?;
        return Ok(files.into_iter().map(|(_, source)| Segment::lazy(Arc::new(source))).collect());
    }
    let error = Error::missing_shards(missing.iter().map(|(path, _)| *path));
    let error = error.with_operation(Operation::Load).with_location(&entry.manifest().to_string_lossy());
    Err(match missing.into_iter().next() {
        Some((_, first)) => error.with_source(first),
        None => error,
    })
}

/// Reads a file of our own, if it is one itself and not larger than this.
pub(crate) fn read_bounded(path: &Path, most: u64) -> Result<Vec<u8>, Error> {
    let fail = |error| io_error(error, Operation::Load, path);
    let metadata = std::fs::symlink_metadata(path).map_err(fail)?;
    if !metadata.is_file() || metadata.len() > most {
        let message = format!("a file of at most {most} bytes should be here, and it is none; remove it");
        let error = Error::new(ErrorKind::InvalidData, message).with_operation(Operation::Load);
        return Err(error.with_location(&path.to_string_lossy()));
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(fail)?.take(most).read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}

/// Reads a file, if it is one and within this limit.
pub(crate) fn read_whole(path: &Path, limits: &Limits, limit: Limit) -> Result<Vec<u8>, Error> {
    let fail = |error| io_error(error, Operation::Load, path);
    let refuse = |error: Error| error.with_operation(Operation::Load).with_location(&path.to_string_lossy());
    // Before it is opened: opening a named pipe waits for somebody who writes.
    let metadata = std::fs::metadata(path).map_err(fail)?;
    if !metadata.is_file() {
        return Err(refuse(Error::new(ErrorKind::InvalidData, "it is neither a file nor a folder")));
    }
    limits.check(limit, metadata.len()).map_err(|error| refuse(error.into()))?;
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(fail)?;
    file.take(limits.get(limit).saturating_add(1)).read_to_end(&mut bytes).map_err(fail)?;
    // It may have grown meanwhile, and some files of the system tell no length.
    limits.check(limit, bytes.len() as u64).map_err(|error| refuse(error.at_least().into()))?;
    Ok(bytes)
}
