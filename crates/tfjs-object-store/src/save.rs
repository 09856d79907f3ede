//! Writing a model: weights under names of their own, then the JSON that names them, then what is not needed any more goes.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures::TryStreamExt as _;
use tfjs_artifacts::{
    Error, ErrorKind, ModelArtifacts, Operation, SaveResult, ShardLayout, WeightData, encode_model_json,
};
use tfjs_router::{Digests, ProgressMeter, SaveOptions};

use crate::commit::commit;
use crate::names::{Generation, WeightsFile};
use crate::passing::Passing;
use crate::place::{Place, is_json};
use crate::resume::{Candidates, key};
use crate::staged::Staged;
use crate::sweep::sweep;
use crate::upload::{Uploads, WINDOW};

pub(crate) async fn save(
    place: &Place,
    artifacts: &ModelArtifacts,
    options: &SaveOptions,
) -> Result<SaveResult, Error> {
    let saved = run(place, artifacts, options).await;
    saved.map_err(|error| error.with_operation(Operation::Save).with_location(&place.url()))
}

async fn run(place: &Place, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<SaveResult, Error> {
    place.bucket.need_runtime()?;
    let (layout, weights_file) = layout(place, artifacts, options)?.unzip();
    // Before anything is written: what cannot be said in JSON is found out here.
    let json = Bytes::from(encode_model_json(artifacts, layout.as_ref())?);
    let candidates = match (&artifacts.weights, &layout, &weights_file, &options.resume) {
        (Some(weights), Some(layout), Some(file), Some(resume)) => {
            Some(Candidates::find(place, weights, layout, file, resume).await?)
        }
        _ => None,
    };
    let mut plan = Plan { layout, json, candidates, meter: None };
    let mut staged = write(place, artifacts, options, &mut plan).await?;
    let ours: BTreeSet<_> = staged.keys().iter().cloned().collect();
    let result = SaveResult::now(artifacts);
    let replaced = match commit(place, &plan.json, &mut staged).await {
        Ok(replaced) => replaced,
        Err(error) => {
            staged.discard().await;
            return Err(error);
        }
    };
    // The model is saved, whatever becomes of this: who may not list or delete leaves what was, and the next save tries again.
    let _swept = sweep(place, &replaced, weights_file.as_ref(), &ours).await;
    if let Some(meter) = plan.meter {
        meter.done();
    }
    Ok(result)
}

/// What is written, and who hears about it.
struct Plan {
    layout: Option<ShardLayout>,
    json: Bytes,
    /// What an interrupted save may have sent, if this one continues.
    candidates: Option<Candidates>,
    meter: Option<ProgressMeter>,
}

/// The weight files, and how they are called.
fn layout(
    place: &Place,
    artifacts: &ModelArtifacts,
    options: &SaveOptions,
) -> Result<Option<(ShardLayout, WeightsFile)>, Error> {
    let Some(weights) = &artifacts.weights else { return Ok(None) };
    let file = Generation::new().weights_file(options.weights_file_name.as_ref(), place.stem())?;
    if is_json(&place.shard(&file.path)?) {
        let message = "a weights file cannot be called `.json`: it would be taken for a model";
        return Err(Error::new(ErrorKind::InvalidUrl, message));
    }
    let options = options.clone().with_weights_file_name(file.path.clone());
    Ok(Some((options.shard_layout(weights, place.stem())?, file)))
}

/// Sends all weights. When this fails nothing of them stays.
async fn write(
    place: &Place,
    artifacts: &ModelArtifacts,
    options: &SaveOptions,
    plan: &mut Plan,
) -> Result<Staged, Error> {
    let mut uploads = Uploads::new(&place.bucket);
    match send(place, artifacts, options, plan, &mut uploads).await {
        Ok(()) => uploads.finish().await,
        Err(error) => {
            uploads.discard().await;
            Err(error)
        }
    }
}

async fn send(
    place: &Place,
    artifacts: &ModelArtifacts,
    options: &SaveOptions,
    plan: &mut Plan,
    uploads: &mut Uploads,
) -> Result<(), Error> {
    let meter = plan.meter.insert(ProgressMeter::of_layout(options.progress.as_ref(), plan.layout.as_ref()));
    let (Some(weights), Some(layout)) = (&artifacts.weights, &mut plan.layout) else { return Ok(()) };
    let mut digests = Digests::new(weights, layout, options.checksums);
    let there = match plan.candidates.take() {
        Some(candidates) => {
            uploads.set_resumable(candidates.keys());
            candidates.copy(&place.bucket).await
        }
        None => BTreeSet::new(),
    };
    for (index, shard) in layout.shards().enumerate() {
        let bytes = weights.data().slice(shard.range.clone())?;
        if there.contains(&index) {
            digest(&bytes, &mut digests).await?;
            meter.resume(shard.byte_length());
            continue;
        }
        let content = key(options.resume.as_ref(), weights, shard);
        let passing = Passing::new(&mut digests, meter, shard, content);
        uploads.send(place.shard(&shard.path)?, &bytes, content, passing).await?;
    }
    if digests.finish(weights, layout)? {
        plan.json = encode_model_json(artifacts, Some(layout))?.into();
    }
    Ok(())
}

/// What is in the store already is read from the source once more if there are checksums to compare or to make, and not sent.
async fn digest(bytes: &WeightData, digests: &mut Digests) -> Result<(), Error> {
    if digests.are_wanted() {
        let mut windows = bytes.stream(WINDOW);
        while let Some(window) = windows.try_next().await? {
            digests.update(&window);
        }
    }
    Ok(())
}
