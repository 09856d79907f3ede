//! What TensorFlow.js sends when it saves a model, received and stored.
//!
//! Parts are `model.json` and `model.weights.bin`; or, in place of the latter, one part for each file of the manifest, with
//! its path as its name. Whatever can be stored while it arrives is: `model.json` first, of which the length of everything
//! else follows. Only weights that come before it, strings, and groups of several files are spooled.

mod incoming;
mod multipart;
mod sequential;
mod spool;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use tfjs_artifacts::{
    ByteSource as _, Limit, LimitError, ManifestError, ModelArtifacts, ModelJson, RelPath, SaveResult, Segment,
    StoredSize, SurplusBytes, WeightsManifestGroup,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::incoming::{Incoming, too_large};
use self::multipart::Multipart;
use self::sequential::{File, SequentialSource};
use self::spool::{Spool, SpooledPart};
use crate::refusal::Refusal;
use crate::{ModelName, Models, ServerOptions};

/// The names of the part with the JSON: TensorFlow.js's, and one without a dot for frameworks that allow none.
const JSON_PARTS: [&str; 2] = ["model.json", "model_json"];
/// The names of the part with the weights.
const WEIGHTS_PARTS: [&str; 2] = ["model.weights.bin", "model_weights_bin"];

/// Receives an upload and saves it under a name. Nothing is visible before all of it is there.
pub(crate) async fn receive(
    models: &Models,
    name: &ModelName,
    options: &ServerOptions,
    json_room: &Arc<Semaphore>,
    headers: &HeaderMap,
    body: Body,
) -> Result<SaveResult, Refusal> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if text(header::CONTENT_ENCODING).is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        let message = "uploads cannot be compressed; send them as they are";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let boundary = multipart::boundary(text(header::CONTENT_TYPE))?;
    let length = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if length.is_some_and(|length| length > options.max_upload_bytes) {
        return Err(too_large(options.max_upload_bytes));
    }
    let multipart = Multipart::new(Incoming::new(body, options), &boundary, options.max_parts);
    let room = JsonRoom { of_all: Arc::clone(json_room), taken: None };
    Upload { models, name, options, room, multipart, spool: Spool::default(), spooled: BTreeMap::new() }.run().await
}

/// How many KiB the JSON of all uploads at a time may have.
pub(crate) fn json_room(options: &ServerOptions) -> usize {
    usize::try_from(options.upload_limits.get(Limit::JsonBytes) / 1024)
        .unwrap_or(usize::MAX)
        .saturating_mul(2)
        .clamp(2, Semaphore::MAX_PERMITS)
}

/// What the JSON of one upload takes of the room for all, until the upload ends.
struct JsonRoom {
    of_all: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
}

impl JsonRoom {
    /// Takes room for a JSON of so many bytes; what it had before is part of that.
    fn grow_to(&mut self, bytes: usize) -> Result<(), Refusal> {
        let missing =
            bytes.div_ceil(1024).saturating_sub(self.taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits));
        let missing = u32::try_from(missing).unwrap_or(u32::MAX);
        let Ok(more) = Arc::clone(&self.of_all).try_acquire_many_owned(missing) else {
            let message = "too much JSON is being uploaded at a time; try again later";
            let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message);
            return Err(refusal.with_retry_after(Duration::from_secs(2)));
        };
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            None => self.taken = Some(more),
        }
        Ok(())
    }
}

/// An upload that is under way.
struct Upload<'a> {
    models: &'a Models,
    name: &'a ModelName,
    options: &'a ServerOptions,
    room: JsonRoom,
    multipart: Multipart,
    spool: Spool,
    /// Parts that had to be kept, by name.
    spooled: BTreeMap<String, SpooledPart>,
}

impl Upload<'_> {
    async fn run(mut self) -> Result<SaveResult, Refusal> {
        let model_json = self.model_json().await?;
        if !self.spooled.is_empty() {
            return self.save_spooled(model_json).await;
        }
        let Some(part) = self.multipart.next_part().await? else { return self.save_spooled(model_json).await };
        let is_joined = WEIGHTS_PARTS.contains(&part.as_str());
        match files_of(&model_json) {
            Some(files) if files.first().is_some_and(|file| is_part_of(&part, &file.path)) => {
                let source = |multipart| SequentialSource::per_file(multipart, files.clone());
                self.save_sequential(model_json, &files, source).await
            }
            Some(files) if is_joined && !files.is_empty() => {
                let source = |multipart| SequentialSource::joined(multipart, files.clone());
                self.save_sequential(model_json, &files, source).await
            }
            _ => {
                self.keep(part).await?;
                self.save_spooled(model_json).await
            }
        }
    }

    /// Reads up to the end of the JSON; parts before it are kept.
    async fn model_json(&mut self) -> Result<ModelJson, Refusal> {
        while let Some(part) = self.multipart.next_part().await? {
            if !JSON_PARTS.contains(&part.as_str()) {
                self.keep(part).await?;
                continue;
            }
            let text = self.json_text().await?;
            let limits = self.options.upload_limits;
            let parsed = tokio::task::spawn_blocking(move || ModelJson::parse_with(&text, &limits)).await;
            return match parsed {
                Ok(Ok(model_json)) => self.check_files(model_json),
                Ok(Err(ManifestError::Limit(error))) => Err(beyond(&error)),
                Ok(Err(error)) => Err(Refusal::unprocessable(format!("model.json: {error}"))),
                Err(error) => {
                    tracing::error!(%error, "model.json could not be parsed");
                    Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "model.json could not be parsed"))
                }
            };
        }
        Err(Refusal::bad_request("the upload has no part `model.json`"))
    }

    /// Each file is one to be made, also one without a byte.
    fn check_files(&self, model_json: ModelJson) -> Result<ModelJson, Refusal> {
        let (files, limit) = (model_json.paths().count(), self.options.max_parts);
        if files <= limit {
            return Ok(model_json);
        }
        let message = format!("the manifest has {files} weight files, but {limit} are the limit of this server");
        Err(Refusal::too_large(message))
    }

    async fn json_text(&mut self) -> Result<Vec<u8>, Refusal> {
        let mut text = Vec::new();
        while let Some(bytes) = self.multipart.chunk().await? {
            let checked = self.options.upload_limits.check(Limit::JsonBytes, (text.len() + bytes.len()) as u64);
            checked.map_err(|error| beyond(&error.at_least().of("model.json")))?;
            self.room.grow_to(text.len() + bytes.len())?;
            text.extend_from_slice(&bytes);
        }
        Ok(text)
    }

    /// Saves while the weights arrive.
    async fn save_sequential(
        self,
        model_json: ModelJson,
        files: &[File],
        source: impl FnOnce(Multipart) -> SequentialSource,
    ) -> Result<SaveResult, Refusal> {
        let _room = self.room;
        let source = Arc::new(source(self.multipart));
        let segment = |file: &File| Segment::Lazy { source: Arc::clone(&source) as _, range: file.range.clone() };
        let artifacts = assemble(model_json, files.iter().map(segment).collect()).await?;
        source.finish_empty().await?;
        let saved = self.models.save(self.name, &artifacts, &self.options.save).await;
        saved.map_err(|error| source.take_refusal().unwrap_or_else(|| Refusal::of_save(&error)))
    }

    /// Saves when all parts are there.
    async fn save_spooled(mut self, model_json: ModelJson) -> Result<SaveResult, Refusal> {
        while let Some(part) = self.multipart.next_part().await? {
            self.keep(part).await?;
        }
        let artifacts = assemble(model_json.clone(), self.segments(&model_json)?).await?;
        if let Some(weights) = &artifacts.weights {
            weights.verify().await.map_err(|error| Refusal::of_save(&error))?;
        }
        let saved = self.models.save(self.name, &artifacts, &self.options.save).await;
        saved.map_err(|error| Refusal::of_save(&error))
    }

    async fn keep(&mut self, part: String) -> Result<(), Refusal> {
        if JSON_PARTS.contains(&part.as_str()) || self.spooled.contains_key(&part) {
            return Err(unexpected_part(&part));
        }
        let spooled = self.spool.receive(&mut self.multipart, self.options).await?;
        self.spooled.insert(part, spooled);
        Ok(())
    }

    /// The kept parts as the files of the manifest.
    fn segments(&mut self, model_json: &ModelJson) -> Result<Vec<Segment>, Refusal> {
        let spooled = std::mem::take(&mut self.spooled);
        let paths: Vec<_> = model_json.paths().collect();
        let mut parts: BTreeMap<_, _> = spooled.into_iter().map(|(name, part)| (name, Arc::new(part))).collect();
        let joined = WEIGHTS_PARTS.iter().find_map(|name| parts.remove(*name));
        let mut segments = Vec::with_capacity(paths.len());
        if let Some(joined) = &joined
            && !paths.iter().any(|path| parts.keys().any(|part| is_part_of(part, path)))
        {
            segments = cut(joined, model_json, &paths)?;
        } else {
            for path in &paths {
                let name = parts.keys().find(|part| is_part_of(part, path)).cloned();
                let part = name.and_then(|name| parts.remove(&name));
                let part = part.or_else(|| WEIGHTS_PARTS.contains(&path.as_str()).then(|| joined.clone()).flatten());
                match part {
                    Some(part) => segments.push(Segment::lazy(part)),
                    // Nothing is what a part that is not there has.
                    None if is_empty(model_json) => segments.push(Segment::Memory(bytes::Bytes::new())),
                    None => {
                        return Err(Refusal::unprocessable(format!("the upload has no part for the weights `{path}`")));
                    }
                }
            }
        }
        match parts.into_keys().next() {
            None => Ok(segments),
            Some(part) => Err(unexpected_part(&part)),
        }
    }
}

/// One part with all weights as the files of the manifest.
fn cut(joined: &Arc<SpooledPart>, model_json: &ModelJson, paths: &[&RelPath]) -> Result<Vec<Segment>, Refusal> {
    match (paths, files_of(model_json)) {
        ([], _) if joined.byte_length() == 0 => Ok(Vec::new()),
        ([], _) => Err(Refusal::unprocessable("the upload has weights, but model.json has no tensors for them")),
        ([_], _) => Ok(vec![Segment::lazy(Arc::clone(joined) as _)]),
        (_, Some(files)) if files.last().is_some_and(|file| file.range.end == joined.byte_length()) => {
            let segment = |file: File| Segment::Lazy { source: Arc::clone(joined) as _, range: file.range };
            Ok(files.into_iter().map(segment).collect())
        }
        (_, Some(files)) => {
            let (has, needs) = (joined.byte_length(), files.last().map_or(0, |file| file.range.end));
            Err(Refusal::unprocessable(format!(
                "the weights have {has} bytes, but the manifest's tensors take {needs}"
            )))
        }
        (_, None) => {
            let message = "nobody can tell which bytes belong to which of the manifest's files; send each as a part with its path as the name";
            Err(Refusal::unprocessable(message))
        }
    }
}

/// The files of a manifest with their lengths, if those follow from the tensors: sizes are fixed, and no group has several
/// files.
fn files_of(model_json: &ModelJson) -> Option<Vec<File>> {
    let mut files = Vec::new();
    let mut start = 0u64;
    for group in model_json.groups().unwrap_or_default() {
        let end = start.checked_add(exact_length(group)?)?;
        match group.paths.as_slice() {
            [path] => files.push(File { path: path.clone(), range: start..end }),
            [] if end == start => {}
            _ => return None,
        }
        start = end;
    }
    Some(files)
}

fn exact_length(group: &WeightsManifestGroup) -> Option<u64> {
    group.weights.as_ref()?.iter().try_fold(0u64, |sum, spec| match spec.stored_size() {
        StoredSize::Exact(bytes) => sum.checked_add(bytes),
        StoredSize::Strings(_) | StoredSize::Unknown => None,
    })
}

/// Whether the tensors take no bytes.
fn is_empty(model_json: &ModelJson) -> bool {
    model_json.groups().unwrap_or_default().iter().all(|group| exact_length(group) == Some(0))
}

async fn assemble(model_json: ModelJson, segments: Vec<Segment>) -> Result<ModelArtifacts, Refusal> {
    model_json.assemble(segments, SurplusBytes::Reject).await.map_err(|error| Refusal::of_save(&error))
}

/// Nobody at the other end can raise a limit of this server.
fn beyond(error: &LimitError) -> Refusal {
    Refusal::too_large(format!("{} of this server", error.without_advice()))
}

/// Whether a part brings this file of the manifest.
fn is_part_of(part: &str, path: &RelPath) -> bool {
    part.strip_prefix("./").unwrap_or(part) == path.as_str()
}

fn unexpected_part(name: &str) -> Refusal {
    let name: String = name.chars().take(100).collect();
    Refusal::bad_request(format!(
        "the part `{}` is unexpected: it came twice, or nothing needs it",
        name.escape_debug()
    ))
}
