//! Reading a model: its JSON, a look at its weight files, and, of an eager load, their bytes.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt as _};
use tfjs_artifacts::{
    ByteSource as _, Error, ErrorKind, Limit, Limits, ModelArtifacts, ModelJson, ModelTopology, Operation, Segment,
    SurplusBytes, Weights,
};
use tfjs_router::{LoadOptions, ProgressMeter, WeightLoading, finish_load};

use crate::json_object::read_whole;
use crate::place::Place;
use crate::source::{ObjectSource, version_of};

/// How often a load begins anew when the model is replaced meanwhile.
const ATTEMPTS: usize = 5;
/// How much of an object is asked for at once.
const PIECE: u64 = 4 << 20;
/// How many pieces are under way at once.
const PIECES_AT_ONCE: usize = 8;

/// What a load begins with.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The place of the JSON.
    pub(crate) place: Place,
    /// The binary topology, if the JSON is only a manifest.
    pub(crate) graph_def: Option<Path>,
}

/// Reads a model: a whole one, also while others save.
pub(crate) async fn load(entry: &Entry, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
    let mut options = options.clone();
    options.progress = options.progress.as_ref().map(tfjs_router::ProgressSink::monotone);
    for _ in 1..ATTEMPTS {
        let json = read_json(entry, Operation::Load, &options.limits).await?;
        let version = version_of(&json.1);
        match load_once(entry, json, &options).await {
            Err(_) if is_replaced(entry, &version).await => {}
            loaded => return loaded,
        }
    }
    let json = read_json(entry, Operation::Load, &options.limits).await?;
    load_once(entry, json, &options).await
}

async fn load_once(entry: &Entry, json: (Bytes, ObjectMeta), options: &LoadOptions) -> Result<ModelArtifacts, Error> {
    let opened = Opened::open(entry, json, Operation::Load, &options.limits).await?;
    let loaded = match options.weight_loading {
        WeightLoading::Eager => opened.read(options).await,
        WeightLoading::Lazy => {
            let artifacts = opened.assemble(options.surplus_bytes).await?;
            finish_load(artifacts, options).await
        }
    };
    loaded.map_err(|error| error.with_operation(Operation::Load).with_location(&entry.place.url()))
}

async fn is_replaced(entry: &Entry, version: &str) -> bool {
    let present = entry.place.bucket.store.head(&entry.place.json).await;
    present.is_ok_and(|present| version_of(&present) != version)
}

/// The JSON object and what the store says about it.
pub(crate) async fn read_json(
    entry: &Entry,
    operation: Operation,
    limits: &Limits,
) -> Result<(Bytes, ObjectMeta), Error> {
    read_whole(&entry.place.bucket, &entry.place.json, operation, limits, Limit::JsonBytes).await
}

/// A model whose JSON has been read and whose weight files have been looked at.
#[derive(Debug)]
pub(crate) struct Opened {
    location: String,
    model_json: ModelJson,
    topology: Option<ModelTopology>,
    sources: Vec<Arc<ObjectSource>>,
}

impl Opened {
    pub(crate) async fn open(
        entry: &Entry,
        (json, _): (Bytes, ObjectMeta),
        operation: Operation,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let place = &entry.place;
        let location = place.url();
        let here = |error: Error| error.with_operation(operation).with_location(&location);
        let model_json = ModelJson::parse_with(&json, limits).map_err(|error| here(error.into()))?;
        let topology = match &entry.graph_def {
            Some(key) => {
                let (bytes, _) = read_whole(&place.bucket, key, operation, limits, Limit::GraphDefBytes).await?;
                Some(ModelTopology::GraphDef(bytes))
            }
            None => None,
        };
        let keys: Result<Vec<_>, _> = model_json.paths().map(|path| place.shard(path)).collect();
        let heads = place.bucket.heads(keys.map_err(here)?, operation).await?;
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for (path, head) in model_json.paths().zip(heads) {
            match head {
                Some(meta) => found.push(meta),
                None => missing.push(path),
            }
        }
        if !missing.is_empty() {
            return Err(here(Error::missing_shards(missing)));
        }
        let sources = ObjectSource::of(&place.bucket, found);
        Ok(Self { location, model_json, topology, sources })
    }

    /// Lazily readable artifacts, their lengths reconciled.
    pub(crate) async fn assemble(self, surplus: SurplusBytes) -> Result<ModelArtifacts, Error> {
        let segments = self.sources.iter().map(|source| Segment::lazy(Arc::clone(source) as _)).collect();
        self.assemble_of(segments, surplus).await
    }

    async fn assemble_of(self, segments: Vec<Segment>, surplus: SurplusBytes) -> Result<ModelArtifacts, Error> {
        let mut artifacts = self.model_json.assemble(segments, surplus).await?;
        artifacts.weights = artifacts.weights.map(|weights| weights.with_location(&self.location));
        if self.topology.is_some() {
            artifacts.model_topology = self.topology;
        }
        Ok(artifacts)
    }

    /// Reads all weights into memory, several pieces at once, when their lengths are known to be right.
    async fn read(self, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
        let segments = self.sources.iter().map(|source| Segment::lazy(Arc::clone(source) as _)).collect();
        let lazy = self.model_json.clone().assemble(segments, options.surplus_bytes).await?;
        let lazy = lazy.with_limits(&options.limits)?;
        let mut meter = ProgressMeter::new(options.progress.as_ref(), lazy.weights.as_ref());
        let segments = match lazy.weights {
            Some(_) => read_all(&self.sources, &mut meter).await?,
            None => self.sources.iter().map(|_| Segment::Memory(Bytes::new())).collect(),
        };
        let artifacts = self.assemble_of(segments, options.surplus_bytes).await?;
        let artifacts = artifacts.with_limits(&options.limits)?;
        meter.done();
        Ok(artifacts)
    }
}

/// One piece of memory for each object.
async fn read_all(sources: &[Arc<ObjectSource>], meter: &mut ProgressMeter) -> Result<Vec<Segment>, Error> {
    let wanted = sources.iter().cloned().flat_map(|source| {
        let pieces = pieces(source.byte_length());
        pieces.map(move |range| (Arc::clone(&source), range))
    });
    let reads = stream::iter(wanted).map(|(source, range)| async move { source.fetch(range).await });
    let mut reads = reads.buffered(PIECES_AT_ONCE);
    let mut segments = Vec::with_capacity(sources.len());
    for source in sources {
        let length = source.byte_length();
        let mut joined = Vec::new();
        let mut whole = Bytes::new();
        if length > PIECE {
            joined.try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX)).map_err(|error| {
                let message = format!("a weight file of {length} bytes does not fit into memory; load lazily");
                Error::new(ErrorKind::LimitExceeded, message).with_source(error)
            })?;
        }
        for range in pieces(length) {
            let Some(piece) = reads.try_next().await? else { break };
            meter.advance(range.end - range.start);
            if length > PIECE {
                joined.extend_from_slice(&piece);
            } else {
                whole = piece;
            }
        }
        segments.push(Segment::Memory(if length > PIECE { joined.into() } else { whole }));
    }
    Ok(segments)
}

/// The pieces in which an object of this length is read; one of an empty one.
fn pieces(length: u64) -> impl Iterator<Item = Range<u64>> {
    (0..length.div_ceil(PIECE).max(1)).map(move |index| index * PIECE..length.min((index + 1) * PIECE))
}

/// The keys of the weight files of a model.
pub(crate) fn shard_keys(place: &Place, weights: Option<&Weights>) -> Result<Vec<Path>, Error> {
    weights.into_iter().flat_map(Weights::shards).map(|shard| place.shard(&shard.path)).collect()
}
