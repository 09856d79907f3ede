//! What a save removes when the new model is there: what only the old one used, and what saves left that have died.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore as _};
use tfjs_artifacts::{Error, ModelJson, Operation};

use crate::commit::Replaced;
use crate::names::{WeightsFile, is_usual, of_this_library};
use crate::neighbours::Neighbours;
use crate::place::Place;
use crate::remembered;

/// How old the newest weight file of a save must be, by the clock of the store, before a later save of the same model takes that
/// save for dead and removes its files.
///
/// A save that is at work writes a file at least this often. One that takes longer for a file of its own is refused
/// ([`Conflict`](tfjs_artifacts::ErrorKind::Conflict)) if somebody else saved the model meanwhile and removed its files.
pub const GRACE_PERIOD: Duration = Duration::from_hours(24);

/// Removes what nobody needs any more.
///
/// # Errors
/// What the store says. The new model is there; what is left is invisible, and the next save tries again.
pub(crate) async fn sweep(
    place: &Place,
    replaced: &Replaced,
    weights: Option<&WeightsFile>,
    ours: &BTreeSet<Path>,
) -> Result<(), Error> {
    let folder = match weights {
        Some(weights) => place.shard(&weights.path)?.parent().unwrap_or_default(),
        None => place.folder.clone(),
    };
    let mut objects = level(place, &folder).await?;
    let mut doomed = orphans(place, replaced, ours);
    if let Some(weights) = weights {
        doomed.extend(left_behind(&objects, &weights.begin, ours));
    }
    if doomed.is_empty() {
        return Ok(());
    }
    if folder != place.folder {
        objects.extend(level(place, &place.folder).await?);
    }
    // The JSON of this place too: somebody else may have saved since.
    let neighbours = Neighbours::among(&place.bucket, &objects, None).await;
    let mut doomed: Vec<_> = doomed.into_iter().filter(|key| !neighbours.may_use(key)).collect();
    let unended = end_uploads(place, &mut doomed).await;
    place.bucket.delete(doomed).await.map_err(place.bucket.at(Operation::Save, &place.folder))?;
    unended
}

/// Ends the uploads in parts whose ids are among these objects. The id of one that cannot be ended stays, for the next save.
async fn end_uploads(place: &Place, doomed: &mut Vec<Path>) -> Result<(), Error> {
    let mut ended = Ok(());
    for (index, key) in doomed.clone().iter().enumerate().rev() {
        if let Some(Err(error)) = remembered::abort(&place.bucket, key).await {
            doomed.remove(index);
            ended = Err(place.bucket.at(Operation::Save, key)(error));
        }
    }
    ended
}

/// The objects directly below a prefix.
pub(crate) async fn level(place: &Place, folder: &Path) -> Result<Vec<ObjectMeta>, Error> {
    let listed = place.bucket.store.list_with_delimiter(Some(folder)).await;
    Ok(listed.map_err(place.bucket.at(Operation::List, folder))?.objects)
}

/// What the old manifest named, if its name says that it is a weight file: a manifest can name anything.
fn orphans(place: &Place, replaced: &Replaced, ours: &BTreeSet<Path>) -> BTreeSet<Path> {
    let Replaced::Json(json) = replaced else { return BTreeSet::new() };
    let Ok(model_json) = ModelJson::parse(json) else { return BTreeSet::new() };
    let keys = model_json.paths().filter_map(|path| place.shard(path).ok());
    let is_weights =
        |key: &Path| key.filename().is_some_and(|name| of_this_library(name).is_some() || is_usual(name, place.stem()));
    keys.filter(|key| is_weights(key) && !ours.contains(key)).collect()
}

/// The files of saves of this model that ended before they were through.
fn left_behind(objects: &[ObjectMeta], begin: &str, ours: &BTreeSet<Path>) -> BTreeSet<Path> {
    // The store's clock is that of the files that were written just now.
    let written = objects.iter().filter(|object| ours.contains(&object.location));
    let Some(now) = written.map(millis).max() else { return BTreeSet::new() };
    let mut saves = BTreeMap::new();
    for object in objects.iter().filter(|object| !ours.contains(&object.location)) {
        let Some((_, generation)) = object.location.filename().and_then(of_this_library).filter(|(of, _)| *of == begin)
        else {
            continue;
        };
        let (newest, keys) = saves.entry(generation).or_insert_with(|| (millis(object), Vec::new()));
        *newest = millis(object).max(*newest);
        keys.push(object.location.clone());
    }
    let is_dead = |newest: i64| u128::try_from(now - newest).is_ok_and(|age| age > GRACE_PERIOD.as_millis());
    saves.into_values().filter(|(newest, _)| is_dead(*newest)).flat_map(|(_, keys)| keys).collect()
}

fn millis(object: &ObjectMeta) -> i64 {
    object.last_modified.timestamp_millis()
}
