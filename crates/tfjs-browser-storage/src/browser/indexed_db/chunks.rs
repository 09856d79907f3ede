//! Weights that are too large for one record: in records of their own, which only this library knows.
//!
//! Chromium refuses a record of 512 MiB (`Failed to write blobs (InvalidBlob)`), and a record is read whole or not at all. So
//! the weights of a large model are a set of chunks in `models_store`, under the keys `["tfjs-io", set, 0]`, `["tfjs-io", set,
//! 1]`, and so on. An array is never a name, and TensorFlow.js lists only `model_info_store`, so it does not see them; it cannot
//! load such a model, and could not have saved it.
//!
//! A set is written under a name that is used once, and belongs to the model from the moment when the record of the model, and
//! its info, name it. A set that no info names is left over from a save that died, or from a model that was replaced or removed,
//! also by TensorFlow.js: the next save or removal removes it, unless somebody holds its lock, because they are writing or may
//! still read it.

use std::cell::RefCell;
use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use js_sys::{Array, ArrayBuffer, Object, Reflect, Uint8Array};
use tfjs_artifacts::{ByteSource, Error, ErrorKind};
use tfjs_router::Durability;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::IdbKeyRange;

use super::database::Database;
use super::failure::{Failed, explain};
use super::record;
use super::request::{Mode, Transaction};
use super::weights::{Incoming, append, reserve, sizes};
use crate::global::property;
use crate::in_order::in_order;
use crate::locks::{Lock, Locks};

/// How much is in one record, and so in memory when a part of it is read.
const CHUNK: u64 = 16 << 20;

/// What the keys of all chunks begin with.
const ROOT: &str = "tfjs-io";

/// The key of the bytes in a chunk.
const BYTES: &str = "bytes";

/// Names a set, in the records of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChunkSet {
    pub(super) name: String,
    pub(super) byte_length: u64,
}

impl ChunkSet {
    fn new(byte_length: u64) -> Self {
        let [now, random] = [js_sys::Date::now(), js_sys::Math::random() * 2f64.powi(53)];
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and below 2^53")]
        let name = format!("{:x}-{:x}", now as u64, random as u64);
        Self { name, byte_length }
    }

    fn key(&self, index: u64) -> JsValue {
        #[expect(clippy::cast_precision_loss, reason = "there are few chunks")]
        let index = JsValue::from_f64(index as f64);
        Array::of3(&ROOT.into(), &self.name.as_str().into(), &index).into()
    }

    /// The keys of all chunks of the set.
    fn range(&self) -> Result<JsValue, JsValue> {
        let name = JsValue::from_str(&self.name);
        // An array sorts behind every number.
        let (first, last) = (Array::of2(&ROOT.into(), &name), Array::of3(&ROOT.into(), &name, &Array::new()));
        IdbKeyRange::bound(&first, &last).map(JsValue::from)
    }

    fn lock(&self) -> String {
        format!("tfjs-io indexeddb {}", self.name)
    }

    fn count(&self) -> u64 {
        self.byte_length.div_ceil(CHUNK)
    }
}

/// A set that is written, and locked. If it is dropped before it is kept, it is removed.
pub(super) struct Writing {
    pub(super) set: ChunkSet,
    /// The connection for all of it, which is closed when somebody deletes the database, and the chunks with it.
    pub(super) database: Database,
    lock: Option<Lock>,
    patience: Duration,
    durability: Durability,
}

impl Writing {
    /// Writes all weights, a chunk at a time.
    pub(super) async fn all(
        weights: &mut Incoming<'_>,
        byte_length: u64,
        patience: Duration,
        durability: Durability,
    ) -> Result<Self, Error> {
        let set = ChunkSet::new(byte_length);
        let lock =
            Locks::required("save fewer weights, or allow a larger record")?.exclusive(&set.lock(), patience).await?;
        let database = Database::open(patience).await?;
        let this = Self { set, database, lock: Some(lock), patience, durability };
        for (index, size) in (0u64..).zip(sizes(byte_length, CHUNK)) {
            let bytes = weights.take(size).await?;
            this.put(index, &bytes).await.map_err(|error| explain(error, "the weights cannot be written"))?;
        }
        Ok(this)
    }

    async fn put(&self, index: u64, bytes: &ArrayBuffer) -> Result<(), Failed> {
        let chunk = Object::new();
        Reflect::set(&chunk, &record::MODEL_PATH.into(), &self.set.key(index))?;
        Reflect::set(&chunk, &BYTES.into(), bytes)?;
        let transaction = Transaction::begin(self.database.get(), Mode::Write(self.durability))?;
        transaction.models()?.put(&chunk)?;
        Ok(transaction.complete().await?)
    }

    /// The model names it now.
    pub(super) fn keep(mut self) {
        self.lock = None;
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if self.lock.take().is_some() {
            sweep_later(self.patience);
        }
    }
}

/// A set that is read. It stays as long as this does, whatever becomes of the model.
#[derive(Debug)]
pub(super) struct StoredChunks {
    set: ChunkSet,
    patience: Duration,
    _lock: Option<Lock>,
    /// The chunk that was read last: tensors are read in their order.
    last: RefCell<Option<(u64, Uint8Array)>>,
}

impl StoredChunks {
    /// `None` if the set is not whole: somebody has just replaced the model, or it was damaged.
    pub(super) async fn open(set: ChunkSet, patience: Duration) -> Result<Option<Self>, Error> {
        let lock = match Locks::get()? {
            Some(locks) => Some(locks.shared(&set.lock(), patience).await?),
            None => None,
        };
        let this = Self { set, patience, _lock: lock, last: RefCell::default() };
        let count = this.stored_count().await.map_err(|error| explain(error, "the weights cannot be read"))?;
        Ok((count == Some(this.set.count())).then_some(this))
    }

    async fn stored_count(&self) -> Result<Option<u64>, Failed> {
        let database = Database::open(self.patience).await?;
        let transaction = Transaction::begin(database.get(), Mode::Read)?;
        let count = transaction.models()?.count_with_key(&self.set.range()?)?;
        transaction.complete().await?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count is whole and small")]
        Ok(count.result()?.as_f64().map(|count| count as u64))
    }

    async fn chunk(&self, index: u64) -> Result<Uint8Array, Error> {
        if let Some((last, bytes)) = &*self.last.borrow()
            && *last == index
        {
            return Ok(bytes.clone());
        }
        let read = self.read_chunk(index).await.map_err(|error| explain(error, "the weights cannot be read"))?;
        if read.is_undefined() {
            let message = "a part of the weights is missing: the model was replaced or removed, or it was damaged";
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        // Asked for its class: of a number, JavaScript would make so many zeros.
        let bytes = property::<JsValue>(&read, BYTES).ok().flatten();
        let Some(chunk) = bytes.as_ref().and_then(JsValue::dyn_ref::<ArrayBuffer>).map(|bytes| Uint8Array::new(bytes))
        else {
            let message = format!("part {} of the weights is not an ArrayBuffer: it was damaged", index + 1);
            return Err(Error::new(ErrorKind::InvalidData, message));
        };
        let expected = CHUNK.min(self.set.byte_length - index * CHUNK);
        if u64::from(chunk.length()) != expected {
            let message = format!(
                "part {} of the weights has {} bytes, but should have {expected}: it was damaged",
                index + 1,
                chunk.length()
            );
            return Err(Error::new(ErrorKind::InvalidData, message));
        }
        self.last.replace(Some((index, chunk.clone())));
        Ok(chunk)
    }

    async fn read_chunk(&self, index: u64) -> Result<JsValue, Failed> {
        let database = Database::open(self.patience).await?;
        let transaction = Transaction::begin(database.get(), Mode::Read)?;
        let request = transaction.models()?.get(&self.set.key(index))?;
        transaction.complete().await?;
        Ok(request.result()?)
    }
}

#[async_trait(?Send)]
impl ByteSource for StoredChunks {
    fn byte_length(&self) -> u64 {
        self.set.byte_length
    }

    fn version(&self) -> Option<String> {
        Some(self.set.name.clone())
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        let mut read = reserve(&range)?;
        for index in range.start / CHUNK..range.end.div_ceil(CHUNK) {
            append(&mut read, &self.chunk(index).await?, index * CHUNK, &range);
        }
        Ok(read.into())
    }
}

/// Removes what no model names and nobody uses. What cannot be removed now is left for the next time.
pub(super) async fn sweep(patience: Duration) -> Result<(), Error> {
    let failed = |error| explain(error, "what earlier saves left over cannot be removed");
    let left_over = left_over(patience).await.map_err(failed)?;
    if left_over.is_empty() {
        return Ok(());
    }
    let Some(locks) = Locks::get()? else { return Ok(()) };
    for name in left_over {
        let set = ChunkSet { name, byte_length: 0 };
        let Some(_lock) = locks.try_exclusive(&set.lock()).await? else { continue };
        // Looked at again: its writer may have let go only now, because the model names it.
        if self::left_over(patience).await.map_err(failed)?.contains(&set.name) {
            remove(&set, patience).await.map_err(failed)?;
        }
    }
    Ok(())
}

/// [`sweep`], when nobody waits for it.
pub(super) fn sweep_later(patience: Duration) {
    spawn_local(async move {
        // If it fails, the next save tries again.
        drop(sweep(patience).await);
    });
}

async fn remove(set: &ChunkSet, patience: Duration) -> Result<(), Failed> {
    let database = Database::open(patience).await?;
    // What is not removed now is left over, and removed later.
    let transaction = Transaction::begin(database.get(), Mode::Write(Durability::Relaxed))?;
    transaction.models()?.delete(&set.range()?)?;
    Ok(transaction.complete().await?)
}

/// The keys of the chunks of all models.
pub(super) fn of_all_models() -> Result<JsValue, JsValue> {
    IdbKeyRange::lower_bound(&Array::of1(&ROOT.into())).map(JsValue::from)
}

/// The names of the sets that no info names.
async fn left_over(patience: Duration) -> Result<Vec<String>, Failed> {
    let database = Database::open(patience).await?;
    let transaction = Transaction::begin(database.get(), Mode::Read)?;
    let keys = transaction.models()?.get_all_keys_with_key(&of_all_models()?)?;
    let infos = transaction.infos()?.get_all()?;
    transaction.complete().await?;
    let keys = Array::from(&keys.result()?);
    let name = |key: JsValue| {
        let key = key.dyn_into::<Array>().ok()?;
        (key.get(0).as_string()? == ROOT).then(|| key.get(1).as_string())?
    };
    let infos = Array::from(&infos.result()?);
    let named = in_order(&mut infos.iter().filter_map(|info| Some(record::chunk_set(&info)?.name)));
    Ok(in_order(&mut keys.iter().filter_map(name).filter(|name| named.binary_search(name).is_err())))
}
