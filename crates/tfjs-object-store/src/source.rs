//! An object that is read when it is used, range by range, and only as long as it is what it was.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use object_store::{GetOptions, ObjectMeta};
use tfjs_artifacts::{ByteSource, Error, ErrorKind, Operation};

use crate::bucket::Bucket;
use crate::read_ahead::ReadAhead;

/// What counts as a small read: those that follow one another share a request.
const SMALL: u64 = 128 << 10;
/// How much is read at once for them.
const READ_AHEAD: u64 = 1 << 20;
/// How far behind the end of one read the next may begin to follow it.
const GAP: u64 = 64 << 10;

/// An object as it was when the model was opened.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    bucket: Bucket,
    meta: Arc<ObjectMeta>,
}

/// The bytes of one object of a model.
#[derive(Clone, Debug)]
pub(crate) struct ObjectSource {
    object: Object,
    /// Which of the objects of its model it is.
    index: usize,
    ahead: Arc<Mutex<Ahead>>,
    read_ahead: Arc<ReadAhead>,
}

/// What was read last of any object of a model, and what was read with it. One block for all of them, so that a lazy model of a
/// thousand files holds no more than that.
///
/// It serves reads that go forward only: who reads something again wants to know what the store has now.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    index: usize,
    /// Where the last read ended.
    end: u64,
    start: u64,
    bytes: Bytes,
}

impl Object {
    pub(crate) fn length(&self) -> u64 {
        self.meta.size
    }

    /// Reads a range from the store.
    pub(crate) async fn fetch(&self, range: Range<u64>) -> Result<Bytes, Error> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        self.bucket.need_runtime()?;
        let options = GetOptions::new().with_range(Some(range.clone())).with_if_match(self.strong_tag());
        let got = self.bucket.store.get_opts(&self.meta.location, options).await;
        let got = got.map_err(|error| self.explain(error))?;
        // Not every store asks for the tag that it was asked for.
        if version_of(&got.meta) != version_of(&self.meta) {
            return Err(self.replaced());
        }
        let bytes = got.bytes().await.map_err(|error| self.explain(error))?;
        let expected = range.end - range.start;
        if bytes.len() as u64 == expected {
            return Ok(bytes);
        }
        let message = format!("asked for {expected} bytes at {}, got {}", range.start, bytes.len());
        Err(self.error(ErrorKind::Transport, message))
    }

    /// The entity tag, if a condition on it can ever hold.
    fn strong_tag(&self) -> Option<String> {
        self.meta.e_tag.clone().filter(|tag| !tag.starts_with("W/"))
    }

    fn explain(&self, error: object_store::Error) -> Error {
        match error {
            object_store::Error::NotFound { .. } | object_store::Error::Precondition { .. } => {
                self.replaced().with_source(error)
            }
            error => self.bucket.at(Operation::Read, &self.meta.location)(error),
        }
    }

    fn replaced(&self) -> Error {
        let message = "the object was replaced or removed since the model was opened; load the model again";
        self.error(ErrorKind::Conflict, message.to_owned())
    }

    fn error(&self, kind: ErrorKind, message: String) -> Error {
        let url = self.bucket.url(&self.meta.location);
        Error::new(kind, message).with_operation(Operation::Read).with_location(&url)
    }
}

impl ObjectSource {
    /// The objects of one model.
    pub(crate) fn of(bucket: &Bucket, metas: Vec<ObjectMeta>) -> Vec<Arc<Self>> {
        let object = |meta| Object { bucket: bucket.clone(), meta: Arc::new(meta) };
        let objects: Vec<_> = metas.into_iter().map(object).collect();
        let (ahead, read_ahead) = (Arc::default(), Arc::new(ReadAhead::of(objects.clone())));
        let source = |(index, object)| {
            Arc::new(Self { object, index, ahead: Arc::clone(&ahead), read_ahead: Arc::clone(&read_ahead) })
        };
        objects.into_iter().enumerate().map(source).collect()
    }

    /// Reads a range from the store.
    pub(crate) async fn fetch(&self, range: Range<u64>) -> Result<Bytes, Error> {
        self.object.fetch(range).await
    }

    /// What a forward read finds in the block; otherwise what to read for it.
    fn plan(&self, range: &Range<u64>) -> Plan {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let follows = ahead.index == self.index && ahead.end > 0 && range.start >= ahead.end;
        let is_near = follows && range.start - ahead.end <= GAP;
        (ahead.index, ahead.end) = (self.index, range.end);
        let block_end = ahead.start + ahead.bytes.len() as u64;
        if follows && ahead.start <= range.start && range.end <= block_end {
            let at = |offset: u64| usize::try_from(offset - ahead.start).ok();
            if let (Some(start), Some(end)) = (at(range.start), at(range.end)) {
                return Plan::Here(ahead.bytes.slice(start..end));
            }
        }
        ahead.bytes = Bytes::new();
        if is_near && range.end - range.start <= SMALL {
            return Plan::Block(
                range.start..self.object.length().min(range.start.saturating_add(READ_AHEAD)).max(range.end),
            );
        }
        Plan::Exactly
    }

    /// Keeps a block for those who read on.
    fn keep(&self, start: u64, bytes: &Bytes) {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        if ahead.index == self.index {
            (ahead.start, ahead.bytes) = (start, bytes.clone());
        }
    }
}

enum Plan {
    Here(Bytes),
    Block(Range<u64>),
    Exactly,
}

/// A text that is another one when the object is: its entity tag, or else its date; and its length.
pub(crate) fn version_of(meta: &ObjectMeta) -> String {
    match &meta.e_tag {
        Some(tag) => format!("{}-{tag}", meta.size),
        None => format!("{}-{}", meta.size, meta.last_modified.timestamp_millis()),
    }
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl ByteSource for ObjectSource {
    fn byte_length(&self) -> u64 {
        self.object.length()
    }

    fn version(&self) -> Option<String> {
        Some(version_of(&self.object.meta))
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        if let Some(runtime) = self.object.bucket.runtime()?
            && range.end.saturating_sub(range.start) > SMALL
        {
            return self.read_ahead.read(self.index, range, &runtime).await;
        }
        match self.plan(&range) {
            Plan::Here(bytes) => Ok(bytes),
            Plan::Exactly => self.fetch(range).await,
            Plan::Block(block) => {
                let bytes = self.fetch(block.clone()).await?;
                self.keep(block.start, &bytes);
                let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
                Ok(bytes.slice(..length.min(bytes.len())))
            }
        }
    }
}
