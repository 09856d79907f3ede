//! Listing and removing models.

use futures::{StreamExt as _, stream};
use object_store::path::Path;
use object_store::{Error as StoreError, ObjectMeta, ObjectStore as _, ObjectStoreExt as _};
use tfjs_artifacts::{BoxStream, DateSaved, Error, ErrorKind, Limits, ModelArtifactsInfo, Operation, SurplusBytes};
use tfjs_router::{ListedModel, ModelUrl, RemoveOptions};

use crate::bucket::Bucket;
use crate::load::{Entry, Opened, read_json, shard_keys};
use crate::neighbours::Neighbours;
use crate::place::{MODEL_JSON, Place, is_json};
use crate::sweep::level;

/// How many models are looked at at once, each with several requests.
const MODELS_AT_ONCE: usize = 8;

/// The models below a prefix, in the order in which the store lists their JSON objects; page by page.
pub(crate) fn list(place: &Place) -> BoxStream<'static, Result<ListedModel, Error>> {
    if let Err(error) = place.bucket.need_runtime() {
        let error = error.with_operation(Operation::List).with_location(&place.bucket.url(&place.named));
        return Box::pin(stream::once(async { Err(error) }));
    }
    let (bucket, at) = (place.bucket.clone(), place.bucket.at(Operation::List, &place.named));
    let below = place.bucket.store.list(Some(&place.named));
    // What is below a prefix is not what is called like it.
    let itself = stream::once(itself(place.clone())).filter_map(std::future::ready);
    let objects = itself.chain(below);
    let candidates =
        objects.filter(|object| std::future::ready(object.as_ref().map_or(true, |object| is_json(&object.location))));
    let looks = candidates.map(move |object| {
        let (bucket, object) = (bucket.clone(), object.map_err(&at));
        async move {
            match object {
                Ok(object) => look(bucket, object).await.transpose(),
                Err(error) => Some(Err(error)),
            }
        }
    });
    Box::pin(looks.buffered(MODELS_AT_ONCE).filter_map(std::future::ready))
}

/// The object that was named, if it is JSON and there.
async fn itself(place: Place) -> Option<Result<ObjectMeta, StoreError>> {
    if place.json != place.named {
        return None;
    }
    match place.bucket.store.head(&place.named).await {
        Err(StoreError::NotFound { .. }) => None,
        looked => Some(looked),
    }
}

/// The model of a JSON object, or nothing if it is just another one or gone already.
async fn look(bucket: Bucket, object: ObjectMeta) -> Result<Option<ListedModel>, Error> {
    let is_named_model = object.location.filename() == Some(MODEL_JSON);
    let entry = Entry { place: Place::new(bucket, object.location.as_ref())?, graph_def: None };
    let date = date_of(&object);
    let json = match read_json(&entry, Operation::List, &Limits::new()).await {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        json => json,
    };
    let opened = async {
        let opened = Opened::open(&entry, json?, Operation::List, &Limits::new()).await?;
        opened.assemble(SurplusBytes::Allow).await
    };
    match opened.await {
        Ok(artifacts) => Ok(Some(ListedModel::new(url_of(&entry.place)?, ModelArtifactsInfo::new(&artifacts, date)))),
        Err(error) if !is_named_model && is_no_model(&error) => Ok(None),
        Err(error) => Err(error.with_operation(Operation::List).with_location(&entry.place.url())),
    }
}

/// Whether a JSON object is just something else.
fn is_no_model(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::LimitExceeded)
}

/// The URL of a model: of its prefix if that alone means it.
fn url_of(place: &Place) -> Result<ModelUrl, Error> {
    let means_it = |key: &Path| {
        let named = Place::new(place.bucket.clone(), key.as_ref());
        named.is_ok_and(|named| named.json == place.json)
    };
    let key = if means_it(&place.folder) { &place.folder } else { &place.json };
    ModelUrl::parse(&place.bucket.url(key))
}

fn date_of(object: &ObjectMeta) -> DateSaved {
    DateSaved::from_unix_millis(u64::try_from(object.last_modified.timestamp_millis()).unwrap_or_default())
}

/// Removes a model: what makes it visible first, then its weights.
pub(crate) async fn remove(place: &Place, options: &RemoveOptions) -> Result<ModelArtifactsInfo, Error> {
    let here = |error: Error| error.with_operation(Operation::Remove).with_location(&place.url());
    let entry = Entry { place: place.clone(), graph_def: None };
    let json = read_json(&entry, Operation::Remove, &options.limits).await.map_err(here)?;
    let date = date_of(&json.1);
    let opened = async {
        let opened = Opened::open(&entry, json, Operation::Remove, &options.limits).await?;
        opened.assemble(options.surplus_bytes).await
    };
    let artifacts = opened.await.map_err(|error| here(not_whole(error)))?;
    let shards = shard_keys(place, artifacts.weights.as_ref()).map_err(here)?;
    let objects = level(place, &place.folder).await.map_err(here)?;
    let neighbours = Neighbours::among(&place.bucket, &objects, Some(&place.json)).await;
    place.bucket.store.delete(&place.json).await.map_err(place.bucket.at(Operation::Remove, &place.json))?;
    let own: Vec<_> = shards.into_iter().filter(|key| !neighbours.may_use(key)).collect();
    place.bucket.delete(own).await.map_err(|error| {
        let message = "the model is removed, but some of its weight files are left; remove them by hand";
        here(Error::new(ErrorKind::PermissionDenied, message).with_source(error))
    })?;
    Ok(ModelArtifactsInfo::new(&artifacts, date))
}

/// A broken model is not removed: which objects are its own cannot be told.
fn not_whole(error: Error) -> Error {
    let message = "the model is not whole, so its objects cannot be told from others; remove them by hand";
    Error::new(error.kind(), message).with_source(error)
}
