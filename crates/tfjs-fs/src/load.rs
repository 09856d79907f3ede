//! Reading a model.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use tfjs_artifacts::{
    Error, ErrorKind, MAX_JSON_BYTES, ModelArtifacts, ModelJson, ModelTopology, Operation, Segment, SurplusBytes,
};
use tfjs_router::{LoadOptions, ProgressMeter, WeightLoading};

use crate::blocking::blocking;
use crate::error::io_error;
use crate::model_dir::Entry;
use crate::source::FileSource;

pub(crate) async fn load(
    find: impl FnOnce() -> Result<Entry, Error> + Send + 'static,
    options: &LoadOptions,
) -> Result<ModelArtifacts, Error> {
    let opened = blocking(move || Opened::open(find()?)).await?;
    let mut artifacts = opened.assemble(options.surplus_bytes).await?;
    let mut meter = ProgressMeter::new(options.progress.as_ref(), artifacts.weights.as_ref());
    if options.weight_loading == WeightLoading::Eager
        && let Some(weights) = &artifacts.weights
    {
        artifacts.weights = Some(weights.load(|bytes| meter.advance(bytes)).await?);
    }
    meter.done();
    Ok(artifacts)
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
    pub(crate) fn open(entry: Entry) -> Result<Self, Error> {
        let bytes = read_json(entry.manifest())?;
        let model_json = ModelJson::parse(&bytes).map_err(|error| {
            Error::from(error).with_operation(Operation::Load).with_location(&entry.manifest().to_string_lossy())
        })?;
        let topology = match &entry {
            Entry::Json(_) => None,
            Entry::Pair { topology, .. } => {
                let bytes = std::fs::read(topology).map_err(|error| io_error(error, Operation::Load, topology))?;
                Some(ModelTopology::GraphDef(bytes.into()))
            }
        };
        let segments = open_shards(&entry, &model_json)?;
        Ok(Self { entry, model_json, topology, segments })
    }

    /// Lazily readable artifacts, their lengths reconciled.
    pub(crate) async fn assemble(self, surplus: SurplusBytes) -> Result<ModelArtifacts, Error> {
        let location = self.entry.manifest().to_string_lossy().into_owned();
        let assembled = self.model_json.assemble(self.segments, surplus).await;
        let mut artifacts =
            assembled.map_err(|error| error.with_operation(Operation::Load).with_location(&location))?;
        if self.topology.is_some() {
            artifacts.model_topology = self.topology;
        }
        Ok(artifacts)
    }
}

/// Looks at all weight files; those that are missing are named together.
fn open_shards(entry: &Entry, model_json: &ModelJson) -> Result<Vec<Segment>, Error> {
    let mut segments = Vec::new();
    let mut missing = Vec::new();
    for path in model_json.paths() {
        match FileSource::open(entry.shard(path)) {
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
    let message = format!("weight files that the manifest names do not exist: {}", names.join(", "));
    let error = Error::new(ErrorKind::NotFound, message);
    let error = error.with_operation(Operation::Load).with_location(&entry.manifest().to_string_lossy());
    Err(match missing.into_iter().next() {
        Some((_, first)) => error.with_source(first),
        None => error,
    })
}

/// Reads a JSON file, but no more of it than could be one.
pub(crate) fn read_json(path: &Path) -> Result<Vec<u8>, Error> {
    let fail = |error| io_error(error, Operation::Load, path);
    let file = File::open(path).map_err(fail)?;
    let length = file.metadata().map_err(fail)?.len();
    if length > MAX_JSON_BYTES {
        let message = format!("the JSON has {length} bytes, more than the limit of {MAX_JSON_BYTES}");
        let error = Error::new(ErrorKind::LimitExceeded, message);
        return Err(error.with_operation(Operation::Load).with_location(&path.to_string_lossy()));
    }
    let mut bytes = Vec::new();
    file.take(MAX_JSON_BYTES + 1).read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}
