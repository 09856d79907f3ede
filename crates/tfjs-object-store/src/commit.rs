//! The one step that makes a saved model visible: its JSON is put in the place of the one that is there.

use bytes::Bytes;
use object_store::path::Path;
use object_store::{Error as StoreError, ObjectStore as _, PutMode, UpdateVersion};
use tfjs_artifacts::{Error, ErrorKind, Limit, Limits, Operation};

use crate::json_object::read_whole;
use crate::place::Place;
use crate::staged::Staged;

/// What a model's JSON is, to a store.
const JSON: &str = "application/json";
/// How often others may be faster.
const ATTEMPTS: usize = 8;

/// The JSON that was replaced.
#[derive(Debug)]
pub(crate) enum Replaced {
    /// There was none.
    Nothing,
    /// This one.
    Json(Bytes),
    /// One that cannot be read.
    Unreadable,
}

/// What is there now, and how to say that it is to be replaced.
struct Present {
    json: Replaced,
    mode: PutMode,
}

/// Puts the JSON, on the condition that nobody else does meanwhile, so that what was replaced is known; if somebody did, again: the
/// last one wins, whole. Where a store knows no conditions, it is put without.
///
/// When this fails and the JSON may be there all the same, the weights are kept.
pub(crate) async fn commit(place: &Place, json: &Bytes, staged: &mut Staged) -> Result<Replaced, Error> {
    let mut tried = None;
    for _ in 0..ATTEMPTS {
        let present = present(place).await?;
        if let Some(tried) = tried {
            if present.is(json) {
                // It was put before the store said that it was not: the answer to another try of the same request.
                return Ok(tried);
            }
            check_there(place, staged.keys().to_vec()).await?;
        }
        staged.keep();
        match put(place, json, present.mode).await {
            Ok(()) => return Ok(present.json),
            Err(StoreError::Precondition { .. } | StoreError::AlreadyExists { .. }) => {
                staged.let_go();
                tried = Some(present.json);
            }
            Err(error) => {
                let error = place.bucket.at(Operation::Save, &place.json)(error);
                return settle(place, json, error, staged).await.map(|()| present.json);
            }
        }
    }
    let message = "others keep saving this model at the same time; the one that was saved last is there, save again";
    Err(Error::new(ErrorKind::Conflict, message))
}

impl Present {
    fn is(&self, json: &Bytes) -> bool {
        matches!(&self.json, Replaced::Json(found) if found == json)
    }
}

async fn put(place: &Place, json: &Bytes, mode: PutMode) -> Result<(), StoreError> {
    let is_conditional = mode != PutMode::Overwrite;
    let options = place.bucket.put_options(mode, JSON);
    match place.bucket.store.put_opts(&place.json, json.clone().into(), options).await {
        Err(StoreError::NotImplemented { .. } | StoreError::NotSupported { .. }) if is_conditional => {
            let options = place.bucket.put_options(PutMode::Overwrite, JSON);
            place.bucket.store.put_opts(&place.json, json.clone().into(), options).await.map(drop)
        }
        put => put.map(drop),
    }
}

async fn present(place: &Place) -> Result<Present, Error> {
    match read_whole(&place.bucket, &place.json, Operation::Save, &Limits::new(), Limit::JsonBytes).await {
        Ok((json, meta)) => {
            let mode = match meta.e_tag {
                None => PutMode::Overwrite,
                e_tag => PutMode::Update(UpdateVersion { e_tag, version: meta.version }),
            };
            Ok(Present { json: Replaced::Json(json), mode })
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Ok(Present { json: Replaced::Nothing, mode: PutMode::Create })
        }
        // Too long, or not for us to read: it is replaced all the same, if it may be written.
        Err(error) if matches!(error.kind(), ErrorKind::LimitExceeded | ErrorKind::PermissionDenied) => {
            Ok(Present { json: Replaced::Unreadable, mode: PutMode::Overwrite })
        }
        Err(error) => Err(error),
    }
}

/// A save that replaced the model meanwhile may have taken the files of this one for those of a dead one, if it took long enough.
async fn check_there(place: &Place, written: Vec<Path>) -> Result<(), Error> {
    let heads = place.bucket.heads(written, Operation::Save).await?;
    if heads.iter().all(Option::is_some) {
        return Ok(());
    }
    let message = "somebody else removed the weight files of this save while it was at work; save again";
    Err(Error::new(ErrorKind::Conflict, message))
}

/// The store failed, or the way to it: looks whether the JSON is there. If it is not, it may still arrive, unless it was refused.
async fn settle(place: &Place, json: &Bytes, error: Error, staged: &mut Staged) -> Result<(), Error> {
    let is_refused = matches!(
        error.kind(),
        ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::Unauthenticated
            | ErrorKind::InvalidUrl
            | ErrorKind::StorageFull
            | ErrorKind::Unsupported
    );
    if is_refused {
        staged.let_go();
        return Err(error);
    }
    match present(place).await {
        Ok(present) if present.is(json) => Ok(()),
        _ => Err(error),
    }
}
