//! The file `model`: what a model is, and which file has its weights.

use js_sys::Date;
use tfjs_artifacts::{
    ByteSource as _, DateSaved, Error, ErrorKind, Limit, Limits, ManifestError, ModelArtifacts, ModelArtifactsInfo,
    RawJson,
};

use super::files::{Folder, snapshot};
use super::place::Place;
use super::writer::Writer;
use crate::blob_source::{BlobSource, byte_length};
use crate::stored::Stored;

/// The name of the file.
pub(super) const RECORD: &str = "model";

/// Raised when an older version could not read what is written.
const FORMAT_VERSION: &str = "1";

/// How often a file that is replaced while it is read is read again.
const TRIES: u32 = 5;

/// A record, its model still text.
///
/// `{"formatVersion": 1, "weights": "weights-….bin", "modelArtifactsInfo": {..}, "stored": {..}}`. Models without weight bytes have
/// no weights file.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) weights: Option<String>,
    pub(super) info: ModelArtifactsInfo,
    stored: String,
}

/// A record that is none, with what is missing or wrong in it.
fn damaged(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::InvalidData, "the record of the model is damaged; save the model again, or remove it")
        .with_source(why)
}

impl Record {
    /// Reads the record of a folder; `None` if there is none.
    pub(super) async fn read(place: &Place, folder: &Folder, limits: &Limits) -> Result<Option<Self>, Error> {
        match read_text(place, folder, limits).await? {
            Some(text) => Self::parse(&text).map(Some),
            None => Ok(None),
        }
    }

    fn parse(text: &str) -> Result<Self, Error> {
        // What is too deep is told before anything else looks at it.
        let record = RawJson::parse(text)?;
        let members = record.entries().unwrap_or_default();
        let member = |key: &str| members.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value);
        let version = member("formatVersion").filter(|version| version.as_f64().is_some());
        let version = version.ok_or_else(|| damaged("it has no number `formatVersion`"))?.get();
        if version != FORMAT_VERSION {
            let message = format!(
                "the model is stored in format {version}, but this version of the library reads {FORMAT_VERSION}; use the newer version, or save the model again"
            );
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let weights = match member("weights").filter(|weights| !weights.is_null()) {
            Some(name) => {
                Some(name.as_str().ok_or_else(|| damaged("its `weights` is no name of a file"))?.into_owned())
            }
            None => None,
        };
        if let Some(name) = weights.as_deref().filter(|name| !is_weights(name)) {
            let message = format!("the record of the model names `{}`, which is no weights file", name.escape_debug());
            return Err(Error::new(ErrorKind::InvalidData, message));
        }
        let info = member("modelArtifactsInfo").ok_or_else(|| damaged("it has no `modelArtifactsInfo`"))?;
        let info = ModelArtifactsInfo::from_json(info).map_err(damaged)?;
        let stored = member("stored").ok_or_else(|| damaged("it has no `stored`"))?;
        Ok(Self { weights, info, stored: stored.get().to_owned() })
    }

    /// The model without its weights.
    pub(super) fn stored(&self, limits: &Limits) -> Result<Stored, Error> {
        Stored::parse(&self.stored, limits)
    }

    /// The text of a record.
    pub(super) fn encode(weights: Option<&str>, info: &ModelArtifactsInfo, stored: &str) -> Result<String, Error> {
        let record = [
            ("formatVersion", RawJson::parse(FORMAT_VERSION)),
            ("weights", Ok(weights.map_or_else(RawJson::null, RawJson::string))),
            ("modelArtifactsInfo", Ok(info.to_json())),
            ("stored", RawJson::parse(stored)),
        ];
        let record: Result<Vec<_>, _> = record.into_iter().map(|(key, value)| Ok((key, value?))).collect();
        let record = record
            .and_then(RawJson::from_entries)
            .map_err(|error| Error::new(ErrorKind::Unexpected, "the record cannot be written").with_source(error))?;
        Ok(record.get().to_owned())
    }

    /// Puts the text of a record in the place of the one that was there. Until the last moment that one stays.
    pub(super) async fn write(folder: &Folder, text: &str) -> Result<(), Error> {
        // An empty file is no record, see `read_text`.
        let mut writer = Writer::open(&folder.make_file(RECORD).await?).await?;
        let mut written = writer.append(text.as_bytes()).await;
        if written.is_ok() {
            written = writer.close().await;
        }
        if written.is_err() {
            writer.abort().await;
            let _ = remove_empty(folder).await;
        }
        written
    }
}

/// The text; `None` if there is no file, or one in which nothing is: a tab ended after it had made the file, and before it had
/// written it.
async fn read_text(place: &Place, folder: &Folder, limits: &Limits) -> Result<Option<String>, Error> {
    for _ in 1..TRIES {
        match try_read_text(place, folder, limits).await {
            // Somebody has replaced it since.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict | ErrorKind::Transport) => {}
            read => return read,
        }
    }
    try_read_text(place, folder, limits).await
}

async fn try_read_text(place: &Place, folder: &Folder, limits: &Limits) -> Result<Option<String>, Error> {
    let Some(handle) = folder.file(RECORD).await? else { return Ok(None) };
    let file = snapshot(&handle).await?;
    let bytes = byte_length(&file);
    if bytes == 0 {
        return Ok(None);
    }
    limits.check(Limit::JsonBytes, bytes)?;
    let text = BlobSource::new(file.into(), &place.location(), None).read(0..bytes).await?;
    let not_utf8 = |error: std::string::FromUtf8Error| ManifestError::NotUtf8 { at: error.utf8_error().valid_up_to() };
    Ok(Some(String::from_utf8(text.into()).map_err(not_utf8)?))
}

/// Removes a record in which nothing is. The model is locked.
pub(super) async fn remove_empty(folder: &Folder) -> Result<(), Error> {
    if let Some(handle) = folder.file(RECORD).await?
        && byte_length(snapshot(&handle).await?.as_ref()) == 0
    {
        folder.remove_file(RECORD).await?;
    }
    Ok(())
}

/// Whether the record is there, and cannot be understood.
pub(super) fn is_damaged(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::LimitExceeded | ErrorKind::Unsupported)
}

/// What can be told of a model whose record cannot be understood.
pub(super) async fn info_of_damaged(folder: &Folder) -> Result<ModelArtifactsInfo, Error> {
    let mut date = DateSaved::now();
    if let Some(handle) = folder.file(RECORD).await? {
        date = DateSaved::from_unix_millis(whole(snapshot(&handle).await?.last_modified()));
    }
    let mut info = ModelArtifactsInfo::new(&ModelArtifacts::new(), date);
    for name in folder.names().await? {
        if is_weights(&name)
            && let Some(handle) = folder.file(&name).await?
        {
            let file = snapshot(&handle).await?;
            info.weight_data_bytes = info.weight_data_bytes.max(byte_length(&file));
        }
    }
    Ok(info)
}

/// A name for a weights file that no other has.
pub(super) fn new_weights() -> String {
    let random = || whole(js_sys::Math::random() * f64::from(u32::MAX));
    format!("weights-{:x}-{:08x}{:08x}{:08x}.bin", whole(Date::now()), random(), random(), random())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is too small or too large is cut")]
fn whole(number: f64) -> u64 {
    number as u64
}

/// Whether a file of this name may be removed when nobody uses it.
pub(super) fn is_weights(name: &str) -> bool {
    let middle = name.strip_prefix("weights-").and_then(|name| name.strip_suffix(".bin"));
    middle
        .is_some_and(|middle| !middle.is_empty() && middle.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-'))
}
