//! Saving a model as downloads.

use async_trait::async_trait;
use futures::TryStreamExt as _;
use tfjs_artifacts::{
    ByteSource as _, Completion, Error, ErrorKind, LayoutError, ModelArtifacts, Operation, RelPath, SaveResult,
    ShardLayout, Sharding, Weights, encode_model_json, fetchable_stem,
};
use tfjs_router::{Checksums, Digests, ModelUrl, ProgressMeter, SaveHandler, SaveOptions};
use web_sys::Blob;

use super::SCHEME;
use super::blobs::BlobWriter;
use super::crc32::Crc32;
use super::page::{Download, Page};
use super::zip;
use crate::blob_source::{BlobSource, byte_length};

const JSON: &str = "application/json";
const BINARY: &str = "application/octet-stream";

/// How much of the weights is read at once.
const WINDOW: usize = 1 << 20;

/// The longest name of a file, in bytes: what file systems allow, less what browsers append while they download.
const LONGEST_NAME: usize = 240;

/// Lets the browser download a model: `{name}.json` and `{name}.weights.bin`, as TensorFlow.js's `browserDownloads` does, or
/// one zip file.
///
/// A page never learns whether the files arrived. The result of a save says so ([`Completion::Requested`]).
#[derive(Clone, Debug)]
pub struct DownloadsHandler {
    name: String,
    is_zip: bool,
}

impl DownloadsHandler {
    /// Files whose names begin like this; `model` if it is empty.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidUrl`] when browsers would give the files other names, so that the manifest would name files that do
    /// not exist: when the name has a slash, a control or format character, or one of `\ : * ? " < > | ~`, begins with a dot or a
    /// space, or makes the name of a file longer than 240 bytes.
    pub fn new(name: &str) -> Result<Self, Error> {
        let name = if name.is_empty() { "model" } else { name };
        check_name(&format!("{name}.json"))?;
        Ok(Self { name: name.to_owned(), is_zip: false })
    }

    /// The files of `downloads://name`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn from_url(url: &ModelUrl) -> Result<Self, Error> {
        Self::new(url.rest())
    }

    /// One file `{name}.zip` that holds all others, not compressed. Browsers ask the user before they take a second file from
    /// one page, and never about a first.
    #[must_use]
    pub fn with_zip(mut self) -> Self {
        self.is_zip = true;
        self
    }

    async fn save(&self, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<SaveResult, Error> {
        let page = Page::current()?;
        let plan = Plan::new(self, artifacts, options).await?;
        let mut result = SaveResult::now(&plan.sent);
        let meter_layout = artifacts.weights.as_ref().map(|_| &plan.layout);
        let mut meter = ProgressMeter::of_layout(options.progress.as_ref(), meter_layout);
        // Everything has been read before the first click.
        let files = plan.files(artifacts.weights.as_ref(), options.checksums, &mut meter).await?;
        let downloads = if self.is_zip {
            vec![Download { name: format!("{}.zip", self.name), content: zip::archive(&files)? }]
        } else {
            files.into_iter().map(|file| Download { name: file.name, content: file.content }).collect()
        };
        page.download(downloads).await?;
        meter.done();
        result.completion = Completion::Requested;
        Ok(result)
    }
}

#[async_trait(?Send)]
impl SaveHandler for DownloadsHandler {
    async fn save(&self, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<SaveResult, Error> {
        let location = format!("{SCHEME}://{}", self.name);
        let saved = self.save(artifacts, options).await;
        saved.map_err(|error| error.with_operation(Operation::Save).with_location(&location))
    }
}

/// Which files there will be.
struct Plan {
    json_name: String,
    sent: ModelArtifacts,
    layout: ShardLayout,
}

/// A file, all of it in a Blob.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) name: String,
    pub(super) content: Blob,
    pub(super) crc32: u32,
}

impl Plan {
    async fn new(handler: &DownloadsHandler, artifacts: &ModelArtifacts, options: &SaveOptions) -> Result<Self, Error> {
        let one_file = match &options.weights_file_name {
            Some(name) => name.clone(),
            None => {
                RelPath::parse(&format!("{}.weights.bin", fetchable_stem(&handler.name))).map_err(LayoutError::from)?
            }
        };
        let mut sent = artifacts.clone();
        let layout = match &artifacts.weights {
            Some(weights) => {
                // As many downloads as a large model has files would be no use to anybody.
                let is_joined = options.sharding == Sharding::Keep && !handler.is_zip && !weights.groups().is_empty();
                let weights = if is_joined { weights.joined(one_file).await? } else { weights.clone() };
                let layout = options.shard_layout(&weights, &handler.name)?;
                sent.weights = Some(weights);
                layout
            }
            None => ShardLayout::of_no_weights(one_file),
        };
        let plan = Self { json_name: format!("{}.json", handler.name), sent, layout: layout.with_dot_slash() };
        for shard in plan.layout.shards() {
            if !handler.is_zip {
                check_name(shard.path.as_str())?;
            }
            if shard.path.as_str() == plan.json_name {
                let message = format!("weights and JSON cannot both be `{}`; choose another name", plan.json_name);
                return Err(Error::new(ErrorKind::InvalidUrl, message));
            }
        }
        // What cannot be written is told before anything is read.
        encode_model_json(&plan.sent, Some(&plan.layout))?;
        Ok(plan)
    }

    /// All files, the JSON first.
    async fn files(
        mut self,
        came: Option<&Weights>,
        checksums: Checksums,
        meter: &mut ProgressMeter,
    ) -> Result<Vec<Ready>, Error> {
        let mut files = Vec::new();
        if let (Some(came), Some(sent)) = (came, &self.sent.weights) {
            let is_whole = came.data().byte_length() == sent.data().byte_length();
            if !is_whole {
                // Bytes that belong to no tensor were left out, so that checksums cannot be compared on the way.
                came.verify_checksums().await?;
            }
            let digested = if is_whole { came } else { sent };
            let had_any = came.has_any_checksum();
            let checksums = if had_any { Checksums::Write } else { checksums };
            let mut digests = Digests::new(digested, &self.layout, checksums);
            for shard in self.layout.shards() {
                let mut file = FileWriter::new();
                let mut windows = sent.data().slice(shard.range.clone())?.stream(WINDOW);
                while let Some(window) = windows.try_next().await? {
                    digests.update(&window);
                    file.write(&window)?;
                    meter.advance(window.len() as u64);
                }
                files.push(file.finish(shard.path.as_str(), BINARY).await?);
            }
            digests.finish(digested, &mut self.layout)?;
        }
        let mut json = FileWriter::new();
        json.write(encode_model_json(&self.sent, Some(&self.layout))?.as_bytes())?;
        files.insert(0, json.finish(&self.json_name, JSON).await?);
        Ok(files)
    }
}

struct FileWriter {
    content: BlobWriter,
    crc32: Crc32,
}

impl FileWriter {
    fn new() -> Self {
        Self { content: BlobWriter::new(), crc32: Crc32::new() }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.crc32.update(bytes);
        self.content.write(bytes)
    }

    async fn finish(self, name: &str, media_type: &str) -> Result<Ready, Error> {
        let content = self.content.finish(media_type)?;
        // A browser takes the bytes of a Blob in its own time, and may run out of room: the last one tells.
        let length = byte_length(&content);
        BlobSource::new(content.clone(), name, None).read(length.saturating_sub(1)..length).await?;
        Ok(Ready { name: name.to_owned(), content, crc32: self.crc32.finish() })
    }
}

/// Refuses what browsers would change.
fn check_name(name: &str) -> Result<(), Error> {
    let is_bad = |c: char| {
        c.is_control() || is_unseen(c) || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '~')
    };
    let is_bad_at_end = |c: char| c == '.' || c.is_whitespace();
    if name.contains(is_bad) || name.starts_with(is_bad_at_end) || name.ends_with(is_bad_at_end) {
        let message = format!(
            "browsers give no download the name `{}`: no slash, control or format character or one of `\\ : * ? \" < > | ~`, and no dot or space at either end",
            name.escape_debug()
        );
        return Err(Error::new(ErrorKind::InvalidUrl, message));
    }
    if name.len() > LONGEST_NAME {
        let message = format!(
            "a download can have a name of at most {LONGEST_NAME} bytes, and this one has {}; choose a shorter one",
            name.len()
        );
        return Err(Error::new(ErrorKind::InvalidUrl, message));
    }
    Ok(())
}

/// Characters that only say how others are shown, or that Unicode will never assign.
fn is_unseen(c: char) -> bool {
    let is_format = matches!(
        c,
        '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0001}'..='\u{e007f}'
    );
    is_format || matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}
