//! Reading a model.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use tfjs_artifacts::{
    Error, ErrorKind, Limit, Limits, ModelArtifacts, ModelJson, ModelTopology, Operation, Segment, SurplusBytes,
};
use tfjs_router::{Links, LoadOptions, finish_load};

use crate::blocking::blocking;
use crate::error::io_error;
use crate::links;
use crate::model_dir::{Entry, folder_of};
use crate::source::FileSource;

pub(crate) async fn load(
    find: impl FnOnce() -> Result<Entry, Error> + Send + 'static,
    options: &LoadOptions,
) -> Result<ModelArtifacts, Error> {
    let (limits, links) = (options.limits, options.links);
    let opened = blocking(move || Opened::open(find()?, &limits, links)).await?;
    let location = opened.entry.manifest().to_string_lossy().into_owned();
    let finished = finish_load(opened.assemble(options.surplus_bytes).await?, options).await;
    finished.map_err(|error| error.with_operation(Operation::Load).with_location(&location))
}

/// A model whose JSON has been read and whose weight files have been looked at.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) entry: Entry,
    model_json: ModelJson,
    topology: Option<ModelTopology>,
    segments: Vec<Segment>,
}

impl Opened {
    pub(crate) fn open(entry: Entry, limits: &Limits, links: Links) -> Result<Self, Error> {
        let folder = folder_of(entry.manifest()).to_path_buf();
        links::check(&folder, entry.manifest(), links, Operation::Load)?;
        let bytes = read_whole(entry.manifest(), limits, Limit::JsonBytes)?;
        let model_json = ModelJson::parse_with(&bytes, limits).map_err(|error| {
            Error::from(error).with_operation(Operation::Load).with_location(&entry.manifest().to_string_lossy())
        })?;
        let topology = match &entry {
            Entry::Json(_) => None,
            Entry::Pair { topology, .. } => {
                links::check(folder_of(topology), topology, links, Operation::Load)?;
                Some(graph_def(topology, limits)?)
            }
        };
        let segments = open_shards(&entry, &model_json, |file| links::check(&folder, file, links, Operation::Load))?;
        Ok(Self { entry, model_json, topology, segments })
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

fn graph_def(path: &Path, limits: &Limits) -> Result<ModelTopology, Error> {
    let topology = ModelTopology::graph_def(read_whole(path, limits, Limit::GraphDefBytes)?);
    topology.map_err(|error| Error::from(error).with_operation(Operation::Load).with_location(&path.to_string_lossy()))
}

/// Looks at all weight files; those that are missing are named together.
fn open_shards(
    entry: &Entry,
    model_json: &ModelJson,
    check: impl Fn(&Path) -> Result<(), Error>,
) -> Result<Vec<Segment>, Error> {
    let mut segments = Vec::new();
    let mut missing = Vec::new();
    for path in model_json.paths() {
        let file = entry.shard(path);
        check(&file)?;
        match FileSource::open(file) {
            Ok(source) => segments.push(Segment::lazy(Arc::new(source))),
            Err(error) if error.kind() == ErrorKind::NotFound => missing.push((path, error)),
            Err(error) => return Err(error),
        }
    }
    if missing.is_empty() {
        return Ok(segments);
    }
    let mut names: Vec<_> = missing.iter().take(5).map(|(path, _)| format!("`{path}`")).collect();
    if missing.len() > names.len() {
        names.push(format!("{} more", missing.len() - names.len()));
    }
    let names = names.join(", ");
    let message = format!("weight files that the manifest names do not exist: {names}; put them where it names them");
    let error = Error::new(ErrorKind::NotFound, message);
    let error = error.with_operation(Operation::Load).with_location(&entry.manifest().to_string_lossy());
    Err(match missing.into_iter().next() {
        Some((_, first)) => error.with_source(first),
        None => error,
    })
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
