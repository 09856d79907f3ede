//! Which objects the models of a prefix use.

use std::collections::BTreeSet;

use futures::{StreamExt as _, stream};
use object_store::ObjectMeta;
use object_store::path::Path;
use tfjs_artifacts::{ErrorKind, Limit, Limits, ModelJson, Operation};

use crate::bucket::{Bucket, REQUESTS_AT_ONCE};
use crate::json_object::read_whole;
use crate::place::{Place, is_json};

/// The weight files that some models use.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    used: BTreeSet<Path>,
    /// A JSON object that may be a model cannot be read: what it uses is unknown, so everything may be.
    is_one_unreadable: bool,
}

impl Neighbours {
    /// Reads the models among these objects, but for one.
    pub(crate) async fn among(bucket: &Bucket, objects: &[ObjectMeta], except: Option<&Path>) -> Self {
        let keys = objects.iter().map(|object| &object.location).filter(|key| is_json(key));
        let keys: Vec<_> = keys.filter(|key| Some(*key) != except).cloned().collect();
        let uses = stream::iter(keys).map(|key| uses_of(bucket, key)).buffered(REQUESTS_AT_ONCE);
        uses.fold(Self::default(), async |mut neighbours, uses| {
            match uses {
                Some(uses) => neighbours.used.extend(uses),
                None => neighbours.is_one_unreadable = true,
            }
            neighbours
        })
        .await
    }

    /// Whether a model uses this object, or may.
    pub(crate) fn may_use(&self, key: &Path) -> bool {
        self.is_one_unreadable || self.used.contains(key)
    }
}

/// What the model of this JSON object uses; `None` if nobody can tell.
async fn uses_of(bucket: &Bucket, key: Path) -> Option<Vec<Path>> {
    let json = match read_whole(bucket, &key, Operation::Read, &Limits::new(), Limit::JsonBytes).await {
        Ok((json, _)) => json,
        Err(error) if error.kind() == ErrorKind::NotFound => return Some(Vec::new()),
        Err(_) => return None,
    };
    let place = Place::new(bucket.clone(), key.as_ref()).ok()?;
    match ModelJson::parse_neighbour(key.filename().unwrap_or_default(), &json) {
        // What cannot be a key is no object.
        Ok(Some(model_json)) => Some(model_json.paths().filter_map(|path| place.shard(path).ok()).collect()),
        Ok(None) => Some(Vec::new()),
        Err(_) => None,
    }
}
