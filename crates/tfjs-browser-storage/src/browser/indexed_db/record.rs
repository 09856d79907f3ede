//! The records of the two stores: `{modelPath, modelArtifacts, modelArtifactsInfo}` and `{modelPath, modelArtifactsInfo}`.
//!
//! What TensorFlow.js has no place for is beside them, under [`EXTRA`]. Not in `modelArtifacts`: it hands those out and saves them
//! again, as they are, with whatever weights its user has put into them.

use js_sys::{Date, JSON, JsString, Object, Reflect};
use tfjs_artifacts::{Error, ErrorKind, Limit, Limits, ModelArtifactsInfo, RawJson};
use wasm_bindgen::{JsCast as _, JsValue};

use super::SCHEME;
use super::chunks::ChunkSet;
use crate::error::thrown;
use crate::global::property;
use crate::reference::{EXTRA, Parts};

pub(super) const MODEL_PATH: &str = "modelPath";
const ARTIFACTS: &str = "modelArtifacts";
const INFO: &str = "modelArtifactsInfo";
const WEIGHT_DATA: &str = "weightData";
const STORED: &str = "stored";
const SET: &str = "chunks";
const BYTE_LENGTH: &str = "byteLength";

/// Where the weights of a model are.
#[derive(Clone, Debug)]
pub(super) enum StoredAs {
    /// In the record, as `weightData`.
    WeightData(JsValue),
    /// In records of their own, which both records of the model name under [`EXTRA`].
    Chunks(ChunkSet),
}

/// What a save puts.
pub(super) struct Records {
    pub(super) model: Object,
    pub(super) info: Object,
}

/// What a load gets.
pub(super) struct Read {
    pub(super) parts: Parts,
    pub(super) weights: Option<StoredAs>,
    /// Another text for another model.
    pub(super) version: String,
}

impl Records {
    pub(super) fn new(
        name: &str,
        parts: Parts,
        weights: Option<&StoredAs>,
        info: &ModelArtifactsInfo,
    ) -> Result<Self, Error> {
        let failed = |error: JsValue| thrown(&error, "the record of the model cannot be made");
        let mut entries: Vec<_> = parts.topology.map(|json| ("modelTopology".to_owned(), json)).into_iter().collect();
        entries.extend(parts.others);
        entries.extend(parts.specs.map(|json| ("weightSpecs".to_owned(), json)));
        let entries = RawJson::from_entries(entries)?;
        // Not set one by one, which a key `__proto__` would not survive.
        let artifacts = JSON::parse(entries.get()).map_err(failed)?;
        if let Some(StoredAs::WeightData(weight_data)) = weights {
            Reflect::set(&artifacts, &WEIGHT_DATA.into(), weight_data).map_err(failed)?;
        }
        let info = js_info(info)?;
        let record = |artifacts: Option<&JsValue>| {
            let record = Object::new();
            Reflect::set(&record, &MODEL_PATH.into(), &name.into())?;
            if let Some(artifacts) = artifacts {
                Reflect::set(&record, &ARTIFACTS.into(), artifacts)?;
            }
            Reflect::set(&record, &INFO.into(), &info)?;
            let beside = Object::new();
            if let Some(extra) = parts.extra.as_deref().filter(|_| artifacts.is_some()) {
                Reflect::set(&beside, &STORED.into(), &extra.into())?;
            }
            if let Some(StoredAs::Chunks(set)) = weights {
                Reflect::set(&beside, &SET.into(), &set.name.as_str().into())?;
                #[expect(clippy::cast_precision_loss, reason = "a length is below 2^53")]
                Reflect::set(&beside, &BYTE_LENGTH.into(), &JsValue::from_f64(set.byte_length as f64))?;
            }
            if Object::keys(&beside).length() > 0 {
                Reflect::set(&record, &EXTRA.into(), &beside)?;
            }
            Ok(record)
        };
        Ok(Self { model: record(Some(&artifacts)).map_err(failed)?, info: record(None).map_err(failed)? })
    }
}

impl Read {
    /// Takes a record of the store of models apart. It is a copy of ours.
    pub(super) fn new(record: &JsValue, limits: &Limits) -> Result<Self, Error> {
        let damaged = |error: JsValue| damaged().with_source(crate::error::Thrown::new(&error));
        let version = property::<JsValue>(record, INFO).ok().flatten().and_then(|info| JSON::stringify(&info).ok());
        let artifacts: JsValue = property(record, ARTIFACTS).map_err(damaged)?.ok_or_else(self::damaged)?;
        let weight_data = property(&artifacts, WEIGHT_DATA).map_err(damaged)?.map(StoredAs::WeightData);
        let weights = weight_data.or_else(|| chunk_set(record).map(StoredAs::Chunks));
        let beside = property::<JsValue>(record, EXTRA).map_err(damaged)?;
        let extra = beside.and_then(|beside| property::<JsValue>(&beside, STORED).ok()?);
        let extra = extra.as_ref().and_then(|extra| extra.dyn_ref::<JsString>());
        if let Some(object) = artifacts.dyn_ref::<Object>() {
            Reflect::delete_property(object, &WEIGHT_DATA.into()).map_err(damaged)?;
        }
        let json = JSON::stringify(&artifacts).map_err(damaged)?;
        // Before it comes into our memory, which may not have so much room.
        let characters = u64::from(json.length()) + extra.map_or(0, |extra| u64::from(extra.length()));
        limits.check(Limit::JsonBytes, characters)?;
        let extra = extra.map(String::from);
        let json = RawJson::parse(&String::from(json))?;
        let mut parts = Parts { topology: None, specs: None, others: Vec::new(), extra };
        for (key, value) in json.entries().ok_or_else(self::damaged)? {
            match key.as_str() {
                "modelTopology" => parts.topology = Some(value).filter(|json| !json.is_null()),
                "weightSpecs" => parts.specs = Some(value).filter(|json| !json.is_null()),
                _ => parts.others.push((key, value)),
            }
        }
        Ok(Self { parts, weights, version: version.map(String::from).unwrap_or_default() })
    }
}

/// The set of chunks that a record of either store names.
pub(super) fn chunk_set(record: &JsValue) -> Option<ChunkSet> {
    let named: JsValue = property(record, EXTRA).ok()??;
    let name = property::<JsValue>(&named, SET).ok()??.as_string()?;
    let byte_length = property::<JsValue>(&named, BYTE_LENGTH).ok()??.as_f64()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a damaged length fits no spec")]
    Some(ChunkSet { name, byte_length: byte_length as u64 })
}

/// Name and info of a record of either store.
pub(super) fn listed(record: &JsValue) -> Result<(String, ModelArtifactsInfo), Error> {
    let key = property::<JsValue>(record, MODEL_PATH).ok().flatten().unwrap_or_default();
    let info = property::<JsValue>(record, INFO).ok().flatten().and_then(|info| JSON::stringify(&info).ok());
    // A string with half a surrogate pair would become another one.
    let name = key.as_string().filter(|name| key == name.as_str()).ok_or_else(|| foreign(&key))?;
    // Whose record it is, so that it can be removed.
    let failed = |error: Error| error.with_location(&format!("{SCHEME}://{name}"));
    let info = info.ok_or_else(|| failed(damaged()))?;
    let info = RawJson::parse(&String::from(info)).map_err(|error| failed(damaged().with_source(error)))?;
    let info = ModelArtifactsInfo::from_json(&info).map_err(|error| failed(damaged().with_source(error)))?;
    Ok((name, info))
}

/// `dateSaved` is a `Date` here, and not its text.
fn js_info(info: &ModelArtifactsInfo) -> Result<JsValue, Error> {
    let failed = |error: JsValue| thrown(&error, "the info of the model cannot be made");
    let object = JSON::parse(info.to_json().get()).map_err(failed)?;
    #[expect(clippy::cast_precision_loss, reason = "until the year 9999 milliseconds are far below 2^53")]
    let date = Date::new(&JsValue::from_f64(info.date_saved.unix_millis() as f64));
    Reflect::set(&object, &"dateSaved".into(), &date).map_err(failed)?;
    Ok(object)
}

/// A record whose key is no name.
fn foreign(key: &JsValue) -> Error {
    let key = JSON::stringify(key).ok().and_then(|key| key.as_string()).unwrap_or_default();
    let message = format!(
        "a record has the key {key}, which cannot be the name of a model: somebody else wrote it; delete it in JavaScript"
    );
    Error::new(ErrorKind::InvalidData, message)
}

fn damaged() -> Error {
    let message = "the record is not one of a model: somebody else wrote it, or it was damaged; save the model again, or remove it";
    Error::new(ErrorKind::InvalidData, message)
}
