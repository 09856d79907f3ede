//! Weights that are stored while they arrive.

use std::fmt;
use std::ops::Range;
use std::sync::{Mutex as StdMutex, PoisonError};

use async_trait::async_trait;
use axum::http::StatusCode;
use bytes::Bytes;
use tfjs_artifacts::{ByteSource, Error, ErrorKind, RelPath, sniff_strictly};
use tokio::sync::Mutex;

use super::multipart::Multipart;
use super::{is_part_of, unexpected_part};
use crate::refusal::Refusal;

/// The weights of an upload, to be read once and in order: nothing is kept.
///
/// Reading the last byte also reads what is behind it. So a save that gets all bytes knows that the upload was whole, with
/// nothing missing and nothing left over, before it makes the model visible.
pub(crate) struct SequentialSource {
    files: Vec<File>,
    byte_length: u64,
    state: Mutex<State>,
    /// Why a read failed: the save reports it in other words.
    refusal: StdMutex<Option<Refusal>>,
}

/// A weight file of the manifest, and which of the bytes are its own.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) path: RelPath,
    pub(crate) range: Range<u64>,
}

struct State {
    multipart: Multipart,
    /// Bytes of the part that are ahead of the reader.
    ahead: Bytes,
    position: u64,
    /// Where the current part ends.
    part_end: u64,
    /// The file whose part comes next; none if one part has all bytes.
    next_file: usize,
}

impl SequentialSource {
    /// The bytes of these files, all in the part that has begun.
    pub(crate) fn joined(multipart: Multipart, files: Vec<File>) -> Self {
        let (part_end, next_file) = (end_of(files.last()), files.len());
        Self::new(multipart, files, part_end, next_file)
    }

    /// The bytes of these files, each in a part of its own; the first has begun.
    pub(crate) fn per_file(multipart: Multipart, files: Vec<File>) -> Self {
        let part_end = end_of(files.first());
        Self::new(multipart, files, part_end, 1)
    }

    fn new(multipart: Multipart, files: Vec<File>, part_end: u64, next_file: usize) -> Self {
        let byte_length = end_of(files.last());
        let state = State { multipart, ahead: Bytes::new(), position: 0, part_end, next_file };
        Self { files, byte_length, state: Mutex::new(state), refusal: StdMutex::new(None) }
    }

    /// Reads what is behind the last byte, if no read has done so because there is none.
    pub(crate) async fn finish_empty(&self) -> Result<(), Refusal> {
        if self.byte_length > 0 {
            return Ok(());
        }
        self.state.lock().await.finish(&self.files).await
    }

    /// Why a read failed, if one did.
    pub(crate) fn take_refusal(&self) -> Option<Refusal> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    async fn read_on(&self, range: &Range<u64>) -> Result<Bytes, Refusal> {
        let mut state = self.state.lock().await;
        if range.start != state.position {
            let message = "this backend reads weights more than once, which an upload that is not kept cannot offer";
            return Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, message));
        }
        let bytes = state.take(range.end, &self.files).await?;
        self.sniff(range, &bytes)?;
        if range.end == self.byte_length {
            state.finish(&self.files).await?;
        }
        Ok(bytes)
    }

    /// A file that begins like an HTML page is none, whatever its length.
    fn sniff(&self, range: &Range<u64>, bytes: &[u8]) -> Result<(), Refusal> {
        let first = self.files.partition_point(|file| file.range.start < range.start);
        let files = self.files.get(first..).unwrap_or_default();
        for file in files.iter().take_while(|file| file.range.start < range.end) {
            let start = usize::try_from(file.range.start - range.start).unwrap_or(usize::MAX);
            let length = usize::try_from(file.range.end - file.range.start).unwrap_or(usize::MAX).min(64);
            let head = bytes.get(start..).unwrap_or_default();
            if let Some(sniffed) = sniff_strictly(head.get(..length).unwrap_or(head)) {
                return Err(Refusal::unprocessable(format!("shard `{}` {sniffed}", file.path)));
            }
        }
        Ok(())
    }
}

fn end_of(file: Option<&File>) -> u64 {
    file.map_or(0, |file| file.range.end)
}

/// How much is allocated before it has come.
const FIRST_ALLOCATION: u64 = 4 << 20;

impl State {
    /// The bytes up to `end`.
    async fn take(&mut self, end: u64, files: &[File]) -> Result<Bytes, Refusal> {
        let length = end - self.position;
        let mut taken = Vec::new();
        while self.position < end {
            self.begin_part(files).await?;
            let piece = self.piece(end.min(self.part_end) - self.position).await?;
            if taken.is_empty() {
                if piece.len() as u64 == length {
                    return Ok(piece);
                }
                taken.reserve_exact(usize::try_from(length.min(FIRST_ALLOCATION)).unwrap_or(0));
            }
            taken.extend_from_slice(&piece);
        }
        Ok(taken.into())
    }

    /// At least one and at most so many bytes of the current part.
    async fn piece(&mut self, at_most: u64) -> Result<Bytes, Refusal> {
        if self.ahead.is_empty() {
            let chunk = self.multipart.chunk().await?;
            self.ahead = chunk.ok_or_else(|| {
                let (has, needs) = (self.position, self.part_end);
                Refusal::unprocessable(format!("the weights are short: a part ends at byte {has}, not {needs}"))
            })?;
        }
        let length = usize::try_from(at_most).unwrap_or(usize::MAX).min(self.ahead.len());
        self.position += length as u64;
        Ok(self.ahead.split_to(length))
    }

    /// Goes on to the part in which the next byte is.
    async fn begin_part(&mut self, files: &[File]) -> Result<(), Refusal> {
        while self.position == self.part_end
            && let Some(file) = files.get(self.next_file)
        {
            self.expect_end().await?;
            match self.multipart.next_part().await? {
                Some(name) if is_part_of(&name, &file.path) => {}
                Some(name) => {
                    let (name, path) = (name.escape_debug(), &file.path);
                    let message =
                        format!("the part `{name}` came where `{path}` should: send them in the order of the manifest");
                    return Err(Refusal::bad_request(message));
                }
                None => return Err(Refusal::unprocessable(format!("the part `{}` is missing", file.path))),
            }
            self.next_file += 1;
            self.part_end = file.range.end;
        }
        Ok(())
    }

    /// All bytes have been read: the upload ends here.
    async fn finish(&mut self, files: &[File]) -> Result<(), Refusal> {
        // Parts without a byte may follow.
        self.begin_part(files).await?;
        self.expect_end().await?;
        match self.multipart.next_part().await? {
            None => Ok(()),
            Some(name) => Err(unexpected_part(&name)),
        }
    }

    /// The current part has no more bytes.
    async fn expect_end(&mut self) -> Result<(), Refusal> {
        if self.ahead.is_empty() && self.multipart.chunk().await?.is_none() {
            return Ok(());
        }
        let message =
            format!("the weights are long: a part goes on behind byte {}, where its tensors end", self.part_end);
        Err(Refusal::unprocessable(message))
    }
}

#[async_trait]
impl ByteSource for SequentialSource {
    fn byte_length(&self) -> u64 {
        self.byte_length
    }

    fn version(&self) -> Option<String> {
        None
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        self.read_on(&range).await.map_err(|refusal| {
            let error = Error::new(ErrorKind::Transport, refusal.message.clone());
            self.refusal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(refusal);
            error
        })
    }
}

impl fmt::Debug for SequentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SequentialSource").field("byte_length", &self.byte_length).finish_non_exhaustive()
    }
}
