//! Saving: the weights into a new file, then the record that names it.
//!
//! The record is replaced at once by the browser. Whenever a tab is closed, there is the record of the old model and its
//! weights, or that of the new one and its weights; beside them may be weights that no record names, which `sweep.rs` removes.

use std::cell::Cell;
use std::rc::Rc;

use futures::TryStreamExt as _;
use futures::channel::oneshot::{self, Canceled};
use futures::future::LocalBoxFuture;
use tfjs_artifacts::{Error, ErrorKind, Limits, ModelArtifacts, SaveResult, ShardLayout};
use tfjs_router::{Digests, ProgressMeter, SaveOptions};
use wasm_bindgen_futures::spawn_local;

use super::files::Folder;
use super::place::Place;
use super::record::{Record, is_damaged};
use super::staged::Staged;
use super::sweep::{remove_after_readers, sweep, sweep_all};
use crate::locks::Locks;
use crate::quota::{explain_full, make_room};
use crate::stored::{encode, layout};

/// How much of lazy weights is read at a time.
const WINDOW: usize = 1 << 20;

pub(super) async fn save(
    place: &Place,
    artifacts: &ModelArtifacts,
    options: &SaveOptions,
) -> Result<SaveResult, Error> {
    let layout = layout(artifacts, options)?;
    let text = encode(artifacts, layout.as_ref())?;
    let locks = Locks::required("save to `indexeddb://` instead")?;
    let weight_bytes = artifacts.weights.as_ref().map_or(0, |weights| weights.data().byte_length());
    let needed = weight_bytes.saturating_add(text.len() as u64);
    make_room(needed, Box::pin(sweep_all(&locks, place.patience()))).await?;
    explain_full(write(place, locks, artifacts, layout, text, options).await, needed).await
}

/// The weights, and then the record with this text.
async fn write(
    place: &Place,
    locks: Locks,
    artifacts: &ModelArtifacts,
    mut layout: Option<ShardLayout>,
    text: String,
    options: &SaveOptions,
) -> Result<SaveResult, Error> {
    let mut meter = ProgressMeter::of_layout(options.progress.as_ref(), layout.as_ref());
    let mut staged = None;
    if artifacts.weights.as_ref().is_some_and(|weights| weights.data().byte_length() > 0) {
        staged = Some(uninterrupted(Staged::begin(place.clone(), locks.clone())).await?);
    }
    let written = match &mut staged {
        Some(staged) => stream(staged, artifacts, layout.as_mut(), options, &mut meter).await,
        None => Ok(false),
    };
    let committed = match written {
        Ok(has_new_checksums) => {
            let text = if has_new_checksums { encode(artifacts, layout.as_ref())? } else { text };
            let result = SaveResult::now(artifacts);
            let weights = staged.as_ref().and_then(Staged::name);
            let record = Record::encode(weights, &result.model_artifacts_info, &text)?;
            // Carried through when this future is dropped.
            uninterrupted(commit(place.clone(), locks, staged, record)).await.map(|()| result)
        }
        Err(error) => {
            if let Some(staged) = staged {
                staged.discard().await;
            }
            Err(error)
        }
    };
    committed.inspect(|_| meter.done())
}

/// Streams the weights into their file; tells whether the layout has got new checksums.
async fn stream(
    staged: &mut Staged,
    artifacts: &ModelArtifacts,
    layout: Option<&mut ShardLayout>,
    options: &SaveOptions,
    meter: &mut ProgressMeter,
) -> Result<bool, Error> {
    let (Some(weights), Some(layout), Some(writer)) = (&artifacts.weights, layout, staged.writer()) else {
        return Ok(false);
    };
    let mut digests = Digests::new(weights, layout, options.checksums);
    let mut windows = weights.data().stream(WINDOW);
    while let Some(window) = windows.try_next().await? {
        digests.update(&window);
        writer.append(&window).await?;
        meter.advance(window.len() as u64);
    }
    writer.close().await?;
    digests.finish(weights, layout)
}

/// Puts the record in place, and removes what was the model before.
async fn commit(place: Place, locks: Locks, mut staged: Option<Staged>, record: String) -> Result<(), Error> {
    let replaced = replace(&place, &locks, &mut staged, &record).await;
    if let Some(staged) = staged {
        staged.discard().await;
    }
    replaced
}

/// Takes the staged weights when they are the model's, or may be.
async fn replace(place: &Place, locks: &Locks, staged: &mut Option<Staged>, record: &str) -> Result<(), Error> {
    let _lock = place.lock(locks).await?;
    let folder = place.make().await?;
    // One that is damaged names nothing: its weights are among what is left over.
    let previous = Record::read(place, &folder, &Limits::new()).await.ok().flatten().and_then(|record| record.weights);
    let weights = staged.as_ref().and_then(Staged::name).map(str::to_owned);
    let written = Record::write(&folder, record).await;
    if written.is_err() && !may_be_there(place, &folder, weights.as_deref()).await {
        place.remove_if_empty().await;
        return written;
    }
    if let Some(staged) = staged.take() {
        staged.keep();
    }
    written?;
    // The new model is there; what is left over harms nobody.
    let _ = sweep(place, locks, &folder, weights.as_deref()).await;
    if let Some(previous) = previous
        && matches!(folder.file(&previous).await, Ok(Some(_)))
    {
        remove_after_readers(place.clone(), locks.clone(), folder, previous);
    }
    Ok(())
}

/// Whether the record that could not be written may be there all the same, so that these weights have to stay.
async fn may_be_there(place: &Place, folder: &Folder, weights: Option<&str>) -> bool {
    match Record::read(place, folder, &Limits::new()).await {
        Ok(record) => record.is_some_and(|record| record.weights.as_deref() == weights),
        // What is written is in order: it is the previous one.
        Err(error) => !is_damaged(&error),
    }
}

/// Runs to its end even if nobody waits for it any more; then what it made is dropped.
///
/// It puts what it makes into its place, so that [`run`] is one code for all that is done here.
pub(super) async fn uninterrupted<T: 'static>(
    future: impl Future<Output = Result<T, Error>> + 'static,
) -> Result<T, Error> {
    let place = Rc::new(Cell::new(None));
    let made = Rc::clone(&place);
    run(Box::pin(async move { made.set(Some(future.await)) })).await;
    place.take().unwrap_or_else(|| {
        Err(Error::new(ErrorKind::Unexpected, "the browser ended a task before its end").with_source(Canceled))
    })
}

/// Waits for a task that ends whether or not somebody waits.
async fn run(task: LocalBoxFuture<'static, ()>) {
    let (sender, receiver) = oneshot::channel();
    spawn_local(async move {
        task.await;
        // Nobody waits any more if this fails.
        let _ = sender.send(());
    });
    // A task that the browser ended has left its place empty.
    let _ = receiver.await;
}
