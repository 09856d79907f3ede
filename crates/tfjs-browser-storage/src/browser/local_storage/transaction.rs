//! Five strings written as one, in a storage that knows no transactions.
//!
//! A save runs from its first write to its last without giving way, so that no other code of this page sees the middle of it.
//! For the page that dies in the middle, the previous model is put aside first, under a key of ours, and whoever comes next
//! finds that key and puts it back. Where there is no room for both, it is not put aside; then `info` is removed first and
//! written last, so that what is left of a save that died is no model, rather than half of one.
//!
//! A page that finds that key may also have caught another one in the middle of a save that goes on. So whoever writes, or puts
//! something back, holds a lock that all pages of the site see (`writer.rs`); the browser takes it from a page that ends.

use js_sys::{Function, JsString, Reflect};
use tfjs_artifacts::{Error, ErrorKind, RawJson};
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::Storage;

use super::keys::Keys;
use super::record::{Part, Values};
use super::writer::{SETTLING, Writer};
use crate::error::{Thrown, thrown};
use crate::timer::sleep;

/// More characters than any browser stores: they stop at five million.
const MOST_CHARACTERS: u32 = 16 << 20;

/// The key of what is written to try how much room there is.
const PROBE: &str = "tfjs-io/probe";

/// What is there.
pub(super) async fn read(storage: &Storage, keys: &Keys) -> Result<Values, Error> {
    if get(storage, &keys.undo())?.is_some() {
        let writer = Writer::new().await?;
        if get(storage, &keys.undo())?.is_some() {
            // Of a page that has ended something may still be on its way.
            sleep(SETTLING).await;
            recover(&writer, storage, keys)?;
        }
    }
    read_parts(storage, keys)
}

fn read_parts(storage: &Storage, keys: &Keys) -> Result<Values, Error> {
    let mut values = Values::default();
    for (value, part) in values.iter_mut().zip(Part::ALL) {
        *value = get(storage, &keys.key(part))?;
    }
    Ok(values)
}

/// Writes a model; on failure what was there is there again.
pub(super) fn write(writer: &Writer, storage: &Storage, keys: &Keys, values: &Values) -> Result<(), Error> {
    recover(writer, storage, keys)?;
    // Of a page that ended while it probed.
    remove_if(storage, true, PROBE)?;
    let previous = read_parts(storage, keys)?;
    let is_put_aside = previous.iter().any(Option::is_some) && put_aside(storage, keys, &previous);
    let Err(error) = replace(storage, keys, values) else {
        remove_if(storage, is_put_aside, &keys.undo())?;
        return Ok(());
    };
    match replace(storage, keys, &previous) {
        Ok(()) => {
            remove_if(storage, is_put_aside, &keys.undo())?;
            Err(full(storage, &error, keys, values))
        }
        Err(again) => {
            let kept = if is_put_aside { "it comes back as soon as there is room" } else { "it is lost" };
            let message = format!(
                "the previous model could not be put back, because somebody else took its room in the meantime: {kept} ({})",
                Thrown::new(&again)
            );
            Err(thrown(&error, message))
        }
    }
}

/// Removes a model, and gives what was there.
pub(super) fn remove(writer: &Writer, storage: &Storage, keys: &Keys) -> Result<Values, Error> {
    recover(writer, storage, keys)?;
    let previous = read_parts(storage, keys)?;
    replace(storage, keys, &Values::default()).map_err(|error| thrown(&error, "localStorage cannot be written"))?;
    Ok(previous)
}

/// Puts back what a save that died had put aside.
fn recover(_: &Writer, storage: &Storage, keys: &Keys) -> Result<(), Error> {
    let Some(text) = get(storage, &keys.undo())? else { return Ok(()) };
    // `info` comes last. Where it is, the model is whole: the save had not changed anything yet, or was as good as done, or somebody
    // who does not know this key, such as TensorFlow.js, has saved since.
    let is_whole = get(storage, &keys.key(Part::Info))?.is_some();
    // What is no list of five was cut off, or is not ours: the model was not touched yet.
    if !is_whole && let Some(previous) = values_of(&text) {
        replace(storage, keys, &previous).map_err(|error| {
            thrown(&error, "the previous model, over which a save was interrupted, cannot be put back; free some room")
        })?;
    }
    remove_if(storage, true, &keys.undo())
}

/// Keeps the previous model until the new one is whole; tells whether there was room for it.
fn put_aside(storage: &Storage, keys: &Keys, previous: &Values) -> bool {
    storage.set_item(&keys.undo(), &text_of(previous)).is_ok()
}

/// The strings as one text, for [`values_of`].
fn text_of(values: &Values) -> String {
    let json = |value: &Option<String>| value.as_deref().map_or_else(RawJson::null, RawJson::string);
    let [info, topology, specs, data, metadata] = values.each_ref().map(json);
    format!("[{info},{topology},{specs},{data},{metadata}]")
}

/// The strings that a text has; `None` if it was cut off, or is not ours.
fn values_of(text: &str) -> Option<Values> {
    let value = |json: RawJson| match json.as_str() {
        Some(value) => Some(Some(value.into_owned())),
        None => json.is_null().then_some(None),
    };
    let values: Option<Vec<_>> = RawJson::parse(text).ok()?.elements()?.into_iter().map(value).collect();
    values?.try_into().ok()
}

/// `info` goes first and comes last. What is to be removed is removed before anything is written.
fn replace(storage: &Storage, keys: &Keys, values: &Values) -> Result<(), JsValue> {
    storage.remove_item(&keys.key(Part::Info))?;
    let parts = || values.iter().zip(Part::ALL);
    for (_, part) in parts() {
        storage.remove_item(&keys.key(part))?;
    }
    for (value, part) in parts().rev() {
        if let Some(value) = value {
            storage.set_item(&keys.key(part), value)?;
        }
    }
    Ok(())
}

fn remove_if(storage: &Storage, is_there: bool, key: &str) -> Result<(), Error> {
    if !is_there {
        return Ok(());
    }
    storage.remove_item(key).map_err(|error| thrown(&error, "localStorage cannot be written"))
}

fn get(storage: &Storage, key: &str) -> Result<Option<String>, Error> {
    storage.get_item(key).map_err(|error| thrown(&error, "localStorage cannot be read"))
}

/// The error of a write that did not succeed: says how much was needed and how much there is, if room is what it was about.
fn full(storage: &Storage, error: &JsValue, keys: &Keys, values: &Values) -> Error {
    if Thrown::new(error).kind() != ErrorKind::StorageFull {
        return thrown(error, "localStorage cannot be written");
    }
    let occupied = |values: &Values| -> u64 {
        let parts = values.iter().zip(Part::ALL).filter_map(|(value, part)| Some((value.as_ref()?, keys.key(part))));
        parts.map(|(value, key)| byte_length(value) + byte_length(&key)).sum()
    };
    let previous = read_parts(storage, keys).as_ref().map(occupied).unwrap_or_default();
    no_room(occupied(values), room(storage) + previous).with_source(Thrown::new(error))
}

/// More is needed than there is.
pub(super) fn no_room(needed: u64, available: u64) -> Error {
    let message = format!(
        "localStorage has no room for the model: it needs {needed} bytes (two for each character, weights as base64) and {available} are available; save it to `indexeddb://` or `opfs://`, or remove other models"
    );
    Error::new(ErrorKind::StorageFull, message)
}

/// What a string takes: localStorage counts UTF-16 code units of two bytes.
pub(super) fn byte_length(text: &str) -> u64 {
    2 * text.encode_utf16().count() as u64
}

/// How many bytes could be written now: no browser tells, so it is tried, by halves.
pub(super) fn room(storage: &Storage) -> u64 {
    let set_item = Reflect::get(storage, &"setItem".into()).ok().and_then(|set| set.dyn_into::<Function>().ok());
    let Some(set_item) = set_item else { return 0 };
    // The string is made on JavaScript's side: megabytes of spaces would take long to get there.
    let fits =
        |length: u32| set_item.call2(storage, &PROBE.into(), &JsString::from(" ").repeat(length.cast_signed())).is_ok();
    let (mut low, mut high) = (0, MOST_CHARACTERS);
    while high - low > 64 {
        let middle = low.midpoint(high);
        if fits(middle) { low = middle } else { high = middle }
    }
    // A probe that stays would be in the way, and it can be removed wherever it could be written.
    if storage.remove_item(PROBE).is_err() {
        return 0;
    }
    2 * u64::from(low)
}
