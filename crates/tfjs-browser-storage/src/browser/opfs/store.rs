//! Listing and removing models.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use tfjs_artifacts::{BoxStream, Error, Limits, ModelArtifactsInfo, Operation};
use tfjs_router::{ListedModel, ModelUrl};
use wasm_bindgen_futures::spawn_local;

use super::SCHEME;
use super::load::no_model;
use super::place::{Place, location, models};
use super::record::{RECORD, Record, info_of_damaged, is_damaged};
use super::save::uninterrupted;
use super::sweep::{remove_after_readers, sweep, sweep_all};
use crate::by_name::insert;
use crate::locks::Locks;

/// The models whose names begin like this.
pub(super) fn list(prefix: String, patience: Duration) -> BoxStream<'static, Result<ListedModel, Error>> {
    let places = async move {
        let found = places(&prefix, patience).await;
        let failed = |error: Error| error.with_operation(Operation::List).with_location(&location(&prefix));
        stream::iter(found.map_or_else(|error| vec![Err(failed(error))], |found| found.into_iter().map(Ok).collect()))
    };
    let listed = stream::once(places).flatten().filter_map(async |place: Result<Place, Error>| match place {
        Ok(place) => look(&place).await.map_err(place.failed(Operation::List)).transpose(),
        Err(error) => Some(Err(error)),
    });
    Box::pin(listed)
}

async fn places(prefix: &str, patience: Duration) -> Result<Vec<Place>, Error> {
    let Some(models) = models().await? else { return Ok(Vec::new()) };
    let folders = models.names().await?;
    let places = folders.iter().filter_map(|folder| Place::of_folder(folder, patience));
    let mut sorted = Vec::new();
    for place in places.filter(|place| place.name().starts_with(prefix)) {
        insert(&mut sorted, place, |one, other| one.name() < other.name());
    }
    Ok(sorted)
}

/// The model; nothing if there is only one that is being saved, or that never was saved to its end.
async fn look(place: &Place) -> Result<Option<ListedModel>, Error> {
    let Some(folder) = place.open().await? else { return Ok(None) };
    let Some(record) = Record::read(place, &folder, &Limits::new()).await? else { return Ok(None) };
    Ok(Some(ListedModel::new(ModelUrl::from_parts(SCHEME, place.name())?, record.info)))
}

/// Removes a model: first its record, then its weights.
pub(super) async fn remove(place: &Place) -> Result<ModelArtifactsInfo, Error> {
    let (place, locks) = (place.clone(), Locks::required("remove the model from such a page")?);
    // Carried through when this future is dropped.
    uninterrupted(async move {
        let removed = remove_locked(&place, &locks).await;
        // In the background: where there is less to keep, what is left over elsewhere should go as well.
        spawn_local(async move {
            let _ = sweep_all(&locks, place.patience()).await;
        });
        removed
    })
    .await
}

async fn remove_locked(place: &Place, locks: &Locks) -> Result<ModelArtifactsInfo, Error> {
    let _lock = place.lock(locks).await?;
    let Some(folder) = place.open().await? else { return Err(no_model()) };
    let (info, weights) = match Record::read(place, &folder, &Limits::new()).await {
        Ok(Some(record)) => (record.info, record.weights),
        Ok(None) => return Err(no_model()),
        Err(error) if is_damaged(&error) => (info_of_damaged(&folder).await?, None),
        Err(error) => return Err(error),
    };
    folder.remove_file(RECORD).await?;
    // The model is gone. What cannot be removed now is left for the next save or removal.
    let _ = sweep(place, locks, &folder, None).await;
    if let Some(weights) = weights
        && matches!(folder.file(&weights).await, Ok(Some(_)))
    {
        remove_after_readers(place.clone(), locks.clone(), folder, weights);
    }
    Ok(info)
}
