//! Loading: the record, then the weights file that it names.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tfjs_artifacts::{Error, ErrorKind, Limits, ModelArtifacts, Segment};
use tfjs_router::{LoadOptions, finish_load};

use super::place::Place;
use super::record::Record;
use super::source::{Opened, Source};
use crate::locks::held_too_long;

/// How long it takes until a weights file is looked at again that somebody else has just locked.
const PAUSE: Duration = Duration::from_millis(20);

pub(super) async fn load(place: &Place, options: &LoadOptions) -> Result<ModelArtifacts, Error> {
    let (record, weights) = open(place, &options.limits).await?;
    let mut artifacts = record.stored(&options.limits)?.assemble(weights, options.surplus_bytes).await?;
    artifacts.weights = artifacts.weights.map(|weights| weights.with_location(&place.location()));
    finish_load(artifacts, options).await
}

/// A record and the weights that belong to it. If another save replaces the model in between, it is looked at again.
async fn open(place: &Place, limits: &Limits) -> Result<(Record, Segment), Error> {
    let mut waited = Duration::ZERO;
    let mut missing = None;
    loop {
        let Some(folder) = place.open().await? else { return Err(no_model()) };
        let Some(record) = Record::read(place, &folder, limits).await? else { return Err(no_model()) };
        let Some(name) = record.weights.clone() else { return Ok((record, Segment::Memory(Bytes::new()))) };
        match Source::open(place, &folder, &name).await? {
            Opened::Source(source) => return Ok((record, lazy(source))),
            // Who replaces a model changes the record before the weights go: if it stays, nobody replaces it.
            Opened::Missing if missing.as_ref() == Some(&name) => {
                let message = format!("the weights file `{name}` of the model does not exist; save the model again");
                return Err(Error::new(ErrorKind::NotFound, message));
            }
            Opened::Missing => missing = Some(name),
            Opened::Busy if waited >= place.patience() => return Err(held_too_long(place.patience())),
            Opened::Busy => {
                gloo_timers::future::sleep(PAUSE).await;
                waited += PAUSE;
            }
        }
    }
}

#[expect(clippy::arc_with_non_send_sync, reason = "a source is shared by an `Arc`; here there is one thread")]
fn lazy(source: Source) -> Segment {
    Segment::lazy(Arc::new(source))
}

pub(super) fn no_model() -> Error {
    Error::new(ErrorKind::NotFound, "there is no model of this name")
}
