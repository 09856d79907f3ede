//! Sending a model: in one form, or each file for itself.

use crate::message::header::RETRY_AFTER;
use crate::message::{Method, StatusCode};
use bytes::Bytes;
use futures::TryStreamExt as _;
use tfjs_artifacts::{
    Error, ErrorKind, ModelArtifacts, Operation, PlannedShard, RelPath, SaveResponse, SaveResult, Sha256, ShardHasher,
    ShardLayout, ShardNames, Sharding, WeightData, Weights, encode_model_json,
};
use tfjs_router::{Checksums, ProgressMeter, SaveOptions};

use crate::address::{Url, beside, resolve};
use crate::client::SaveMode;
use crate::concurrent::all;
use crate::error::status_error;
use crate::exchange::{Ask, Session, at};
use crate::handler::has_extension;
use crate::meter::SharedMeter;
use crate::random::random;
use crate::response::Response;
use crate::retry::Retries;
use crate::upload::{Check, Piece, Upload};
use crate::{FileRef, FileUse, HttpHandler};

/// How much of an answer is kept.
const MAX_ANSWER: usize = 64 << 10;

/// The name of the JSON in a form, and of the last file of a save file by file.
const MODEL_JSON: &str = "model.json";

const JSON: &str = "application/json";
const BINARY: &str = "application/octet-stream";

pub(crate) async fn save(
    handler: &HttpHandler,
    artifacts: &ModelArtifacts,
    options: &SaveOptions,
) -> Result<SaveResult, Error> {
    if handler.entry.base != handler.entry.json {
        return Err(Error::new(ErrorKind::InvalidUrl, "a model cannot be saved to two URLs"));
    }
    match handler.session.client.config().upload.mode {
        SaveMode::Form => save_form(handler, artifacts, options).await,
        SaveMode::FormOfFiles => save_form_of_files(handler, artifacts, options).await,
        SaveMode::PutPerFile => save_each_file(handler, artifacts, options).await,
    }
}

/// One request with a form of two files.
async fn save_form(
    handler: &HttpHandler,
    artifacts: &ModelArtifacts,
    options: &SaveOptions,
) -> Result<SaveResult, Error> {
    let config = &handler.session.client.config().upload;
    let name = weights_name(options)?;
    check_name(&name, name.as_str() == MODEL_JSON)?;
    let mut sent = artifacts.clone();
    let mut layout = None;
    if let Some(weights) = &artifacts.weights {
        let one = as_one_file(weights, &name, options).await?;
        let planned = ShardLayout::new(&one, &ShardNames::for_weights_file(name.clone()), Sharding::Keep);
        layout = Some(planned?.with_dot_slash());
        sent.weights = Some(one);
    }
    let json = encode_model_json(&sent, layout.as_ref())?;
    let meter = SharedMeter::new(ProgressMeter::of_layout(options.progress.as_ref(), layout.as_ref()));
    let mut form = Form::new();
    form.part(&config.json_part, MODEL_JSON, JSON, Piece::Bytes(json.into()));
    if let (Some(weights), Some(one)) = (&artifacts.weights, &sent.weights) {
        // Bytes that belong to no tensor may be cut out, and then the checksums of the files are of other bytes.
        let is_whole = weights.data().byte_length() == one.data().byte_length();
        let check = if is_whole {
            Check::All(weights.clone())
        } else {
            weights.verify_checksums().await?;
            Check::Nothing
        };
        form.part(&config.weights_part, name.as_str(), BINARY, Piece::Weights(one.data().clone(), check));
    }
    send_form(handler, form, &sent, meter).await
}

async fn send_form(
    handler: &HttpHandler,
    form: Form,
    sent: &ModelArtifacts,
    meter: SharedMeter,
) -> Result<SaveResult, Error> {
    let upload = form.finish(meter.clone());
    let method = &handler.session.client.config().upload.method;
    let response = send(&handler.session, method, &handler.entry.json, &upload).await?;
    let mut result = SaveResult::now(sent);
    result.responses.push(answer(response).await);
    drop(upload);
    meter.done();
    Ok(result)
}

/// One request with a form of all files, as they are or as they are to be cut.
async fn save_form_of_files(
    handler: &HttpHandler,
    artifacts: &ModelArtifacts,
    options: &SaveOptions,
) -> Result<SaveResult, Error> {
    let names = match &options.weights_file_name {
        Some(name) => ShardNames::for_weights_file(name.clone()),
        None => ShardNames::for_weights_file(RelPath::parse("model.weights.bin")?),
    };
    let mut layout = match &artifacts.weights {
        Some(weights) => Some(ShardLayout::new(weights, &names, options.sharding)?),
        None => None,
    };
    let json_part = &handler.session.client.config().upload.json_part;
    for shard in layout.iter().flat_map(ShardLayout::shards) {
        check_name(&shard.path, [MODEL_JSON, json_part].contains(&shard.path.as_str()))?;
    }
    if let (Some(weights), Some(layout)) = (&artifacts.weights, &mut layout) {
        write_checksums(weights, layout, options).await?;
    }
    let json = encode_model_json(artifacts, layout.as_ref())?;
    let meter = SharedMeter::new(ProgressMeter::of_layout(options.progress.as_ref(), layout.as_ref()));
    let mut form = Form::new();
    form.part(json_part, MODEL_JSON, JSON, Piece::Bytes(json.into()));
    if let (Some(weights), Some(layout)) = (&artifacts.weights, &layout) {
        for shard in layout.shards() {
            let check = match shard.sha256 {
                Some(_) => Check::One { expected: shard.sha256 },
                None => Check::Nothing,
            };
            let data = weights.data().slice(shard.range.clone())?;
            form.part(shard.path.as_str(), shard.path.as_str(), BINARY, Piece::Weights(data, check));
        }
    }
    send_form(handler, form, artifacts, meter).await
}

/// Checksums of files that have none yet, if they are wanted: the JSON comes first in a form, so that the weights have to be read
/// before they are sent.
async fn write_checksums(weights: &Weights, layout: &mut ShardLayout, options: &SaveOptions) -> Result<(), Error> {
    let came_with_any = weights.has_any_checksum();
    if layout.has_checksums() || !(came_with_any || options.checksums == Checksums::Write) {
        return Ok(());
    }
    // Cut anew, the files cannot be compared as they pass.
    weights.verify_checksums().await?;
    let mut digests = Vec::new();
    for shard in layout.shards() {
        digests.push(digest(&weights.data().slice(shard.range.clone())?).await?);
    }
    layout.set_checksums(digests);
    Ok(())
}

/// The name of the weights file in a form.
fn weights_name(options: &SaveOptions) -> Result<RelPath, Error> {
    if let Sharding::Bytes(_) = options.sharding {
        let message = "an upload has one file of weights; to cut them, send each file by itself, with `HttpClient::with_part_per_file` or `--upload files`";
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    match &options.weights_file_name {
        Some(name) if name.segments().count() > 1 => {
            Err(Error::new(ErrorKind::InvalidUrl, "the weights file of an upload cannot be in a folder"))
        }
        Some(name) => Ok(name.clone()),
        None => Ok(RelPath::parse("model.weights.bin")?),
    }
}

/// Weights that are called as the JSON is would be written over it, or it over them.
fn check_name(path: &RelPath, is_that_of_the_json: bool) -> Result<(), Error> {
    if is_that_of_the_json {
        let message = format!("a weights file cannot be called `{path}`: the JSON is; choose another name");
        return Err(Error::new(ErrorKind::InvalidUrl, message));
    }
    Ok(())
}

/// The weights in one group and one file, which is all that a form can hold.
async fn as_one_file(weights: &Weights, name: &RelPath, options: &SaveOptions) -> Result<Weights, Error> {
    let one = weights.joined(name.clone()).await?;
    let names = ShardNames::for_weights_file(name.clone());
    let mut layout = ShardLayout::new(&one, &names, Sharding::Keep)?;
    let are_wanted = options.checksums == Checksums::Write || weights.has_any_checksum();
    if are_wanted && !layout.has_checksums() {
        // The JSON comes first in a form, so that the weights have to be read before they are sent.
        layout.set_checksums([digest(one.data()).await?]);
    }
    Ok(one.with_layout(&layout)?)
}

async fn digest(data: &WeightData) -> Result<Sha256, Error> {
    let mut hasher = ShardHasher::new([data.byte_length()]);
    let mut windows = data.stream(1 << 20);
    while let Some(window) = windows.try_next().await? {
        hasher.update(&window);
    }
    let digests = hasher.finish();
    digests.first().copied().ok_or_else(|| Error::new(ErrorKind::Unexpected, "there is no checksum"))
}

/// A `multipart/form-data` body.
struct Form {
    boundary: String,
    pieces: Vec<Piece>,
    /// The text between two parts.
    text: String,
}

impl Form {
    fn new() -> Self {
        // So long and so random that no file has it.
        let boundary = format!("tfjs-{:016x}{:016x}", random(), random());
        Self { boundary, pieces: Vec::new(), text: String::new() }
    }

    fn part(&mut self, name: &str, file_name: &str, content_type: &str, content: Piece) {
        let (boundary, name, file_name) = (&self.boundary, quoted(name), quoted(file_name));
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file_name}\"\r\n\
             Content-Type: {content_type}\r\n\r\n"
        );
        self.text.push_str(&head);
        self.pieces.push(Piece::Bytes(std::mem::take(&mut self.text).into()));
        self.pieces.push(content);
        self.text.push_str("\r\n");
    }

    fn finish(mut self, meter: SharedMeter) -> Upload {
        self.text = format!("{}--{}--\r\n", self.text, self.boundary);
        self.pieces.push(Piece::Bytes(self.text.into()));
        Upload::new(format!("multipart/form-data; boundary={}", self.boundary), self.pieces, meter)
    }
}

/// A name in a form, with what would end it escaped as browsers do.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// A `PUT` for each file, `model.json` last: until then the model that was there is what is loaded.
async fn save_each_file(
    handler: &HttpHandler,
    artifacts: &ModelArtifacts,
    options: &SaveOptions,
) -> Result<SaveResult, Error> {
    let session = &handler.session;
    let base = json_url(&handler.entry.json);
    let mut layout = match &artifacts.weights {
        Some(weights) => Some(ShardLayout::new(weights, &shard_names(options)?, options.sharding)?),
        None => None,
    };
    // Before anything is sent.
    encode_model_json(artifacts, layout.as_ref())?;
    for shard in layout.iter().flat_map(ShardLayout::shards) {
        check_name(&shard.path, is_put_onto_the_json(session, &base, &shard.path))?;
    }
    let meter = SharedMeter::new(ProgressMeter::of_layout(options.progress.as_ref(), layout.as_ref()));
    if let (Some(weights), Some(layout)) = (&artifacts.weights, &mut layout) {
        let came_with_any = weights.has_any_checksum();
        if came_with_any && !layout.has_checksums() {
            // Cut anew, the files cannot be compared as they pass.
            weights.verify_checksums().await?;
        }
        let wants_digests = options.checksums == Checksums::Write || came_with_any;
        let groups = layout.groups().iter().enumerate();
        let shards = groups.flat_map(|(group, shards)| shards.iter().map(move |shard| (group, shard.clone())));
        let puts: Vec<_> = shards.enumerate().collect();
        let puts = puts.into_iter().map(|(index, (group, shard))| {
            put_shard(
                session.clone(),
                base.clone(),
                weights.clone(),
                shard,
                (index, group),
                wants_digests,
                meter.clone(),
            )
        });
        let digests: Vec<_> = all(puts.collect(), session.client.config().concurrency).await?;
        if wants_digests {
            layout.set_checksums(digests.into_iter().flatten());
        }
    }
    let json: Bytes = encode_model_json(artifacts, layout.as_ref())?.into();
    let upload = Upload::new(JSON.to_owned(), vec![Piece::Bytes(json)], meter.clone());
    let url = file_url(session, &base, MODEL_JSON, None).await?;
    let response = send(session, &Method::PUT, &url, &upload).await?;
    let mut result = SaveResult::now(artifacts);
    result.responses.push(answer(response).await);
    drop(upload);
    meter.done();
    Ok(result)
}

/// Whether a weights file has the URL of the JSON. Who makes URLs of names is given the JSON as `model.json`.
fn is_put_onto_the_json(session: &Session, base: &Url, path: &RelPath) -> bool {
    match session.client.config().converter {
        Some(_) => path.as_str() == MODEL_JSON,
        None => beside(base, path, session.client.config().shard_query).path() == base.path(),
    }
}

/// Where `model.json` goes: the URL itself if it ends like a file, otherwise into the folder.
fn json_url(url: &Url) -> Url {
    let mut url = url.clone();
    if !has_extension(&url, "json") {
        let folder = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{folder}/{MODEL_JSON}"));
    }
    url
}

/// Names that no save before had, so that the model that was there stays whole until `model.json` is replaced; or the user's.
fn shard_names(options: &SaveOptions) -> Result<ShardNames, Error> {
    if let Some(name) = &options.weights_file_name {
        return Ok(ShardNames::for_weights_file(name.clone()));
    }
    Ok(ShardNames::for_weights_file(RelPath::parse(&format!("model-{:016x}.weights.bin", random()))?))
}

async fn file_url(session: &Session, base: &Url, path: &str, place: Option<(usize, usize)>) -> Result<Url, Error> {
    let config = session.client.config();
    if let Some(converter) = &config.converter {
        let (index, group) = place.unzip();
        let file = FileRef { path: path.to_owned(), index, group, file_use: FileUse::Save };
        return resolve(base, &converter.convert(file).await?);
    }
    match place {
        Some(_) => Ok(beside(base, &RelPath::parse(path)?, config.shard_query)),
        None => Ok(base.clone()),
    }
}

async fn put_shard(
    session: Session,
    base: Url,
    weights: Weights,
    shard: PlannedShard,
    place: (usize, usize),
    wants_digest: bool,
    meter: SharedMeter,
) -> Result<Option<Sha256>, Error> {
    let url = file_url(&session, &base, shard.path.as_str(), Some(place)).await?;
    let check = if wants_digest { Check::One { expected: shard.sha256 } } else { Check::Nothing };
    let data = weights.data().slice(shard.range.clone())?;
    let upload = Upload::new(BINARY.to_owned(), vec![Piece::Weights(data, check)], meter);
    send(&session, &Method::PUT, &url, &upload).await?;
    // Nothing passes of an empty file.
    let of_nothing = || ShardHasher::new([0]).finish().first().copied();
    Ok(upload.digest().or_else(|| of_nothing().filter(|_| wants_digest)))
}

/// Sends a body until the server takes it, as far as that is safe.
async fn send(session: &Session, method: &Method, url: &Url, upload: &Upload) -> Result<Response, Error> {
    let mut retries = Retries::new(session.client.config().retry);
    loop {
        let mut ask = Ask::new(method.clone(), url, &retries);
        ask.body = Some(upload);
        let (error, is_safe) = match session.send(ask).await {
            Ok(response) if response.status.is_success() => return Ok(response),
            Ok(response) => {
                let is_refused = is_refused(&response);
                let error = status_error(response, None).await;
                let is_safe = is_refused || (*method == Method::PUT && error.is_transient());
                (error, is_safe)
            }
            Err(failure) => {
                let is_safe = failure.is_unsent || *method == Method::PUT;
                let is_safe = is_safe && failure.error.is_transient();
                (failure.error, is_safe)
            }
        };
        retries.after_if(is_safe, at(url, Operation::Save)(error)).await?;
    }
}

/// Whether the server says that it did nothing and wants to be asked again.
fn is_refused(response: &Response) -> bool {
    let asks_to_wait = response.header(&RETRY_AFTER).is_some();
    match response.status {
        StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::SERVICE_UNAVAILABLE => asks_to_wait,
        _ => false,
    }
}

async fn answer(mut response: Response) -> SaveResponse {
    let body = response.beginning(MAX_ANSWER).await;
    let text = |(name, value): (&crate::message::HeaderName, &crate::message::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let headers = response.headers.iter().map(text).collect();
    SaveResponse::new(response.status.as_u16(), headers, body.into())
}
