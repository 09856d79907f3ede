//! Weights on their way into a store: several requests at once, in bounded memory.

use bytes::Bytes;
use futures::future::{Either, select};
use futures::stream::FuturesUnordered;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{Error as StoreError, ObjectStore as _, PutMode, PutMultipartOptions, PutOptions, PutPayload};
use tfjs_artifacts::{BoxFuture, BoxStream, Error, Operation, Sha256, WeightData};

use crate::bucket::{Bucket, REQUESTS_AT_ONCE};
use crate::passing::Passing;
use crate::remembered::{self, Begun};
use crate::staged::Staged;

/// What weights are, to a store.
const WEIGHTS: &str = "application/octet-stream";
/// How much is read at once.
pub(crate) const WINDOW: usize = 4 << 20;
/// How long a part is at least; a shorter object is sent as one. All parts but the last are alike, since some stores want that.
const PART: u64 = 8 << 20;
/// How many parts an object may have: S3 takes 10 000.
const MOST_PARTS: u64 = 9_000;
/// How many bytes are under way at once.
const BYTES_UNDER_WAY: u64 = 32 << 20;

/// Uploads at work.
pub(crate) struct Uploads {
    bucket: Bucket,
    staged: Staged,
    /// Each gives how many bytes it was.
    under_way: FuturesUnordered<BoxFuture<'static, Result<u64, Error>>>,
    bytes: u64,
}

impl Uploads {
    pub(crate) fn new(bucket: &Bucket) -> Self {
        let staged = Staged::new(bucket.clone());
        Self { bucket: bucket.clone(), staged, under_way: FuturesUnordered::new(), bytes: 0 }
    }

    /// What has been sent stays when the save is interrupted. These objects may be made by others on its behalf.
    pub(crate) fn set_resumable<'a>(&mut self, made: impl Iterator<Item = &'a Path>) {
        self.staged.set_resumable();
        made.for_each(|key| self.staged.begin(key));
    }

    /// Sends an object, and says in its metadata what it is made of.
    pub(crate) async fn send(
        &mut self,
        key: Path,
        data: &WeightData,
        content: Option<Sha256>,
        mut passing: Passing<'_>,
    ) -> Result<(), Error> {
        let length = data.byte_length();
        let part = part_length(length);
        let mut pieces = Pieces { stream: data.stream(WINDOW), rest: Bytes::new() };
        self.staged.begin(&key);
        if length <= part {
            let payload = self.meanwhile(pieces.gather(length, &mut passing)).await??;
            passing.verify()?;
            let bucket = self.bucket.clone();
            let put = async move {
                let put = put(&bucket, &key, payload, content).await;
                put.map(|()| length).map_err(bucket.at(Operation::Save, &key))
            };
            return self.push(length, Box::pin(put)).await;
        }
        let at = self.bucket.at(Operation::Save, &key);
        let begun = begin_parts(&self.bucket, &key, content).await.map_err(&at)?;
        self.staged.begin_upload(begun).await.map_err(&at)?;
        let mut left = length;
        while left > 0 {
            let bytes = left.min(part);
            let payload = self.meanwhile(pieces.gather(bytes, &mut passing)).await??;
            let Some(upload) = self.staged.upload() else { break };
            let (sent, at) = (upload.put_part(payload), self.bucket.at(Operation::Save, &key));
            self.push(bytes, Box::pin(async move { sent.await.map(|()| bytes).map_err(at) })).await?;
            left -= bytes;
        }
        passing.verify()?;
        self.drain().await?;
        if let Some(upload) = self.staged.upload() {
            upload.complete().await.map_err(&at)?;
        }
        self.staged.end_upload();
        Ok(())
    }

    /// Waits for what is under way.
    pub(crate) async fn finish(mut self) -> Result<Staged, Error> {
        match self.drain().await {
            Ok(()) => {
                self.staged.forget_uploads().await;
                Ok(self.staged)
            }
            Err(error) => {
                self.discard().await;
                Err(error)
            }
        }
    }

    /// Takes everything back; of a save that may be continued, only what is not finished.
    pub(crate) async fn discard(mut self) {
        if self.staged.is_resumable() {
            // What is under way may still become a finished object. The save has an error of its own to tell.
            while !self.under_way.is_empty() {
                let _sent = self.next().await;
            }
        }
        drop(self.under_way);
        self.staged.discard().await;
    }

    /// One more request, when there is room for it.
    async fn push(&mut self, bytes: u64, request: BoxFuture<'static, Result<u64, Error>>) -> Result<(), Error> {
        while !self.under_way.is_empty()
            && (self.under_way.len() >= REQUESTS_AT_ONCE || self.bytes.saturating_add(bytes) > BYTES_UNDER_WAY)
        {
            self.next().await?;
        }
        self.bytes += bytes;
        self.under_way.push(request);
        Ok(())
    }

    async fn drain(&mut self) -> Result<(), Error> {
        while !self.under_way.is_empty() {
            self.next().await?;
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<(), Error> {
        if let Some(bytes) = self.under_way.try_next().await? {
            self.bytes -= bytes;
        }
        Ok(())
    }

    /// Waits for this, and lets the requests go on meanwhile.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T> + Send) -> Result<T, Error> {
        let mut work = std::pin::pin!(work);
        while !self.under_way.is_empty() {
            match select(work.as_mut(), self.under_way.next()).await {
                Either::Left((value, _)) => return Ok(value),
                Either::Right((Some(sent), _)) => self.bytes -= sent?,
                Either::Right((None, _)) => {}
            }
        }
        Ok(work.await)
    }
}

/// Puts an object. A store that keeps no metadata gets none: then nobody can continue.
async fn put(bucket: &Bucket, key: &Path, payload: PutPayload, content: Option<Sha256>) -> Result<(), StoreError> {
    let options = |content| {
        let attributes = bucket.attributes_with(WEIGHTS, content);
        PutOptions { attributes, ..bucket.put_options(PutMode::Overwrite, WEIGHTS) }
    };
    match bucket.store.put_opts(key, payload.clone(), options(content)).await {
        Err(error) if content.is_some() && keeps_none(&error) => {
            bucket.store.put_opts(key, payload, options(None)).await.map(drop)
        }
        put => put.map(drop),
    }
}

/// Begins to send an object in parts; see [`put`].
async fn begin_parts(bucket: &Bucket, key: &Path, content: Option<Sha256>) -> Result<Begun, StoreError> {
    let options = |content| {
        let attributes = bucket.attributes_with(WEIGHTS, content);
        PutMultipartOptions { attributes, ..PutMultipartOptions::default() }
    };
    match remembered::begin(bucket, key, options(content)).await {
        Err(error) if content.is_some() && keeps_none(&error) => remembered::begin(bucket, key, options(None)).await,
        begun => begun,
    }
}

fn keeps_none(error: &StoreError) -> bool {
    matches!(error, StoreError::NotImplemented { .. } | StoreError::NotSupported { .. })
}

/// How long the parts of an object are.
fn part_length(length: u64) -> u64 {
    length.div_ceil(MOST_PARTS).next_multiple_of(1 << 20).max(PART)
}

/// Bytes that come in pieces of any length.
struct Pieces {
    stream: BoxStream<'static, Result<Bytes, Error>>,
    rest: Bytes,
}

impl Pieces {
    /// The next so many bytes, or those that there are.
    async fn gather(&mut self, bytes: u64, passing: &mut Passing<'_>) -> Result<PutPayload, Error> {
        let mut missing = usize::try_from(bytes).unwrap_or(usize::MAX);
        let mut gathered = Vec::new();
        while missing > 0 {
            if self.rest.is_empty() {
                let Some(piece) = self.stream.try_next().await? else { break };
                self.rest = piece;
            }
            let piece = self.rest.split_to(missing.min(self.rest.len()));
            passing.see(&piece);
            missing -= piece.len();
            gathered.push(piece);
        }
        Ok(gathered.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_of_any_length_has_parts_that_every_store_takes() {
        for (length, part) in
            [(0, PART), (PART, PART), (PART * MOST_PARTS, PART), (PART * MOST_PARTS + 1, PART + (1 << 20))]
        {
            assert_eq!(part_length(length), part, "{length}");
        }
        let most = 5u64 << 40;
        assert!(most.div_ceil(part_length(most)) <= MOST_PARTS);
    }
}
