//! A weight file whose bytes are read when they are used.

#[cfg(target_arch = "wasm32")]
mod open;

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use crate::message::header::{ACCEPT_ENCODING, RANGE};
use crate::message::{Method, StatusCode};
use async_trait::async_trait;
use bytes::Bytes;
use tfjs_artifacts::{ByteSource, Error, ErrorKind, Operation};

use crate::address::Url;
use crate::error::{status_error, unread};
use crate::exchange::{Ask, Session, at};
use crate::handler::out_of_time;
use crate::response::{Response, Validator};
use crate::retry::Retries;
use crate::timer::within;

/// A read shorter than this is a look at the file, after which nothing is kept open.
const WORTH_KEEPING: u64 = 64 << 10;

/// How far an open answer is read on to get to where the next read begins, in place of a new request.
const WORTH_SKIPPING: u64 = 64 << 10;

/// A weight file, known by its length and validator.
///
/// Each read is a request for a range. Reads that follow one another go on in one answer, so that a copy needs few requests for
/// each file, and a server that knows no ranges sends each file once, after the look at its beginning.
pub(crate) struct HttpSource {
    session: Session,
    url: Url,
    name: String,
    byte_length: u64,
    validator: Validator,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// An answer that has not been read to its end.
    cursor: Option<Cursor>,
    /// Where the last read ended.
    last_end: Option<u64>,
    /// The validator of the first answer that had one.
    seen: Validator,
}

/// An open answer, and which of the file's bytes come next.
struct Cursor {
    response: Response,
    next: u64,
    /// Where the answer ends.
    end: u64,
    /// Whether it is of the whole file, because the server knows no ranges.
    is_whole: bool,
    /// What has been received and not been used.
    rest: Bytes,
}

/// What a server told of a file.
struct Looked {
    byte_length: Option<u64>,
    validator: Validator,
    /// Whether the file has to be read whole: its ranges cannot be had, or not be told apart, or it is not what it should be.
    is_only_whole: bool,
}

impl HttpSource {
    /// Looks at a file; nothing if neither the server nor `told` says how long it is, or which part of it an answer is.
    pub(crate) async fn open(
        session: Session,
        url: Url,
        name: String,
        told: Option<u64>,
    ) -> Result<Option<Self>, Error> {
        let mut retries = Retries::new(session.client.config().retry);
        let looked = loop {
            match look(&session, &url, &name, &retries).await {
                Ok(looked) => break looked,
                Err(error) => {
                    let here = at(&url, Operation::Load);
                    retries.after(error).await.map_err(|error| here(unread(error, &name)))?;
                }
            }
        };
        let Some(byte_length) = looked.byte_length.or(told).filter(|_| !looked.is_only_whole) else { return Ok(None) };
        Ok(Some(Self { session, url, name, byte_length, validator: looked.validator, state: Arc::default() }))
    }

    async fn read_with_retries(&self, range: Range<u64>) -> Result<Bytes, Error> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        // An answer that is open asks no transport, which would say the same.
        #[cfg(not(target_arch = "wasm32"))]
        crate::timer::need_runtime()?;
        let mut retries = Retries::new(self.session.client.config().retry);
        let (mut cursor, is_sequential) = self.take_cursor(&range);
        let mut bytes = self.allocate(range.end - range.start)?;
        loop {
            let (had_cursor, before) = (cursor.is_some(), bytes.len());
            match self.read_once(cursor.take(), &range, is_sequential, &mut bytes, &retries).await {
                Ok(cursor) => {
                    self.keep(cursor, &range, is_sequential);
                    return Ok(bytes.into());
                }
                // An answer that was left open too long breaks off, which is no failure.
                Err(_) if had_cursor && (bytes.len() as u64) < range.end - range.start => {}
                Err(error) => {
                    if bytes.len() > before {
                        retries.progressed();
                    }
                    retries.after(at(&self.url, Operation::Read)(error)).await?;
                }
            }
            if self.validator.if_range().is_none() {
                // Nothing would tell whether the rest is of the same file.
                bytes.clear();
            }
        }
    }

    /// An open answer that leads to this range, and whether the range follows the last one.
    fn take_cursor(&self, range: &Range<u64>) -> (Option<Cursor>, bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_sequential = state.last_end == Some(range.start) && range.start > 0;
        let leads_there = |cursor: &Cursor| {
            cursor.next <= range.start
                && range.end <= cursor.end
                && (cursor.is_whole || range.start - cursor.next <= WORTH_SKIPPING)
        };
        let cursor = match &state.cursor {
            Some(cursor) if leads_there(cursor) => state.cursor.take(),
            _ => None,
        };
        (cursor, is_sequential)
    }

    fn keep(&self, cursor: Cursor, range: &Range<u64>, is_sequential: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.last_end = Some(range.end);
        let is_worth_it = is_sequential || range.end - range.start >= WORTH_KEEPING;
        if is_worth_it && cursor.next < cursor.end {
            state.cursor = Some(cursor);
            #[cfg(target_arch = "wasm32")]
            {
                drop(state);
                open::note(&self.state);
            }
        }
    }

    fn allocate(&self, length: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        let capacity = usize::try_from(length).unwrap_or(usize::MAX);
        bytes.try_reserve_exact(capacity).map_err(|error| {
            let message = format!("{length} bytes at once do not fit into memory; read in parts");
            at(&self.url, Operation::Read)(Error::new(ErrorKind::LimitExceeded, message).with_source(error))
        })?;
        Ok(bytes)
    }

    /// Reads on until `bytes` has the whole range.
    async fn read_once(
        &self,
        cursor: Option<Cursor>,
        range: &Range<u64>,
        is_sequential: bool,
        bytes: &mut Vec<u8>,
        retries: &Retries,
    ) -> Result<Cursor, Error> {
        let start = range.start + bytes.len() as u64;
        let mut cursor = match cursor {
            Some(cursor) => cursor,
            None => self.ask(start, range.end, is_sequential, retries).await?,
        };
        cursor.skip_to(start).await?;
        while range.start + (bytes.len() as u64) < range.end {
            let wanted = range.end - range.start - bytes.len() as u64;
            bytes.extend_from_slice(&cursor.next_piece(wanted).await?);
        }
        cursor.finish().await?;
        Ok(cursor)
    }

    /// A new answer: of the range, or of all that follows if the reads before went on like that.
    async fn ask(&self, start: u64, end: u64, is_sequential: bool, retries: &Retries) -> Result<Cursor, Error> {
        let is_open = is_sequential && end < self.byte_length;
        let end = if is_open { self.byte_length } else { end };
        let range = if is_open { format!("bytes={start}-") } else { format!("bytes={start}-{}", end - 1) };
        let mut ask = Ask::new(Method::GET, &self.url, retries);
        ask = ask.with_header(RANGE, &range).with_header(ACCEPT_ENCODING, "identity").with_if_range(&self.validator);
        let response = self.session.send(ask).await.map_err(|failure| failure.error)?;
        if response.status.is_success() {
            response.check_encoding()?;
        }
        match response.status {
            StatusCode::PARTIAL_CONTENT => {
                // Without it nobody knows which bytes these are.
                let Some(told) = response.content_range() else {
                    let message = format!(
                        "{} was answered with a part of the file that does not say which (no `Content-Range` of bytes)",
                        self.name
                    );
                    return Err(Error::new(ErrorKind::InvalidData, message));
                };
                let is_right = told.start == start && told.total.is_none_or(|total| total == self.byte_length);
                if !is_right || !self.validator.is_proven_by(&response.validator()) || !self.is_same_version(&response)
                {
                    return Err(self.changed());
                }
                Ok(Cursor { response, next: start, end, is_whole: false, rest: Bytes::new() })
            }
            StatusCode::OK => {
                let is_right = response.content_length().is_none_or(|length| length == self.byte_length);
                // It ends a request with `If-Range` if the version is another one, so it has to show that it is the same.
                let is_shown = self.validator.if_range().is_none() || response.validator() != Validator::NONE;
                if !is_right || !is_shown || !self.is_same_version(&response) {
                    return Err(self.changed());
                }
                Ok(Cursor { response, next: 0, end: self.byte_length, is_whole: true, rest: Bytes::new() })
            }
            StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PRECONDITION_FAILED => Err(self.changed()),
            _ => Err(status_error(response, Some(&self.name)).await),
        }
    }

    /// Whether an answer is of the version that was looked at, and of the one that all reads before were of: the look may have told
    /// no validator.
    fn is_same_version(&self, response: &Response) -> bool {
        let told = response.validator();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = self.validator.agrees_with(&told) && state.seen.agrees_with(&told);
        if state.seen == Validator::NONE {
            state.seen = told;
        }
        is_same
    }

    fn changed(&self) -> Error {
        let message = format!("{} was changed after the model was loaded; load it again", self.name);
        Error::new(ErrorKind::Conflict, message)
    }
}

impl Cursor {
    async fn skip_to(&mut self, start: u64) -> Result<(), Error> {
        while self.next < start {
            self.next_piece(start - self.next).await?;
        }
        Ok(())
    }

    /// Some of the bytes that come next, at most so many and at least one.
    async fn next_piece(&mut self, wanted: u64) -> Result<Bytes, Error> {
        while self.rest.is_empty() {
            let Some(chunk) = self.response.chunk().await? else {
                let (missing, answer) = (self.end - self.next, self.response.describe());
                let message = format!("the body ended {missing} bytes early; it was answered with {answer}");
                // Of a whole file whose length nobody told, this is the end.
                let is_end = self.is_whole && self.response.content_length().is_none();
                return Err(Error::new(if is_end { ErrorKind::InvalidData } else { ErrorKind::Transport }, message));
            };
            self.rest = chunk;
        }
        let length = usize::try_from(wanted).unwrap_or(usize::MAX).min(self.rest.len());
        self.next += length as u64;
        Ok(self.rest.split_to(length))
    }

    /// At its end an answer has no more bytes; having seen that, the connection can serve again.
    async fn finish(&mut self) -> Result<(), Error> {
        if self.next < self.end {
            return Ok(());
        }
        // An answer that breaks off behind its last byte has given all that was asked for.
        let has_more =
            !self.rest.is_empty() || matches!(self.response.chunk().await, Ok(Some(chunk)) if !chunk.is_empty());
        if has_more {
            return Err(Error::new(ErrorKind::InvalidData, "the server sent more bytes than the file has"));
        }
        Ok(())
    }
}

/// Asks for length and validator. Servers whose signed URLs are for `GET` alone refuse `HEAD`, and browsers tell more of a range.
async fn look(session: &Session, url: &Url, name: &str, retries: &Retries) -> Result<Looked, Error> {
    if cfg!(target_arch = "wasm32") {
        return look_from_browser(session, url, name, retries).await;
    }
    match look_with(Method::HEAD, "", session, url, name, retries).await? {
        looked if looked.byte_length.is_some() => Ok(looked),
        _ => look_with(Method::GET, ONE_BYTE, session, url, name, retries).await,
    }
}

/// The answer to it tells how many there are.
const ONE_BYTE: &str = "bytes=0-0";

/// A browser asks for a range as it is. If the server compresses it nevertheless, Chromium says that there is no answer.
async fn look_from_browser(session: &Session, url: &Url, name: &str, retries: &Retries) -> Result<Looked, Error> {
    let mut is_again = false;
    loop {
        let range = match look_with(Method::GET, ONE_BYTE, session, url, name, retries).await {
            Ok(looked) if looked.byte_length.is_some() || looked.is_only_whole => return Ok(looked),
            // The browser sets `Accept-Encoding`, and asks for bytes as they are if a range is wanted: here, of all of them.
            Ok(_) => "bytes=0-",
            // There is an answer, which it names.
            Err(error) if error.kind() != ErrorKind::Transport || error.message().starts_with(name) => {
                return Err(error);
            }
            // If there is an answer without a range, and again none with it, that is no accident.
            Err(_) if is_again => return Ok(Looked { is_only_whole: true, ..Looked::NOTHING }),
            Err(_) => "",
        };
        let looked = look_with(Method::HEAD, range, session, url, name, retries).await?;
        if !range.is_empty() {
            return Ok(looked);
        }
        is_again = true;
    }
}

/// Asks for the head, or for a range. If the server does not take `HEAD` here, which it may say with any status, it has told nothing,
/// and a `GET` then tells more.
async fn look_with(
    method: Method,
    range: &str,
    session: &Session,
    url: &Url,
    name: &str,
    retries: &Retries,
) -> Result<Looked, Error> {
    let is_head = method == Method::HEAD;
    let mut ask = Ask::new(method, url, retries).with_header(ACCEPT_ENCODING, "identity");
    if !range.is_empty() {
        ask = ask.with_header(RANGE, range);
    }
    let response = session.send(ask).await.map_err(|failure| failure.error)?;
    let (status, part) = (response.status, response.content_range());
    let is_part = !is_head && status == StatusCode::PARTIAL_CONTENT;
    let (byte_length, is_only_whole) = if is_part || (!is_head && status == StatusCode::RANGE_NOT_SATISFIABLE) {
        // A browser hides which part it is unless the server wants it shown. Natively a part that was encoded, and so is none of the file,
        // has been decoded, which only shows in that nobody tells its length.
        let is_told = if cfg!(target_arch = "wasm32") { part.is_some() } else { response.content_length().is_some() };
        (part.and_then(|part| part.total), is_part && !is_told)
    } else if status.is_success() {
        // Of a page the specs are not believed how long it is: read whole, it is told what came.
        let byte_length = response.content_length();
        (byte_length, byte_length.is_none() && response.is_html())
    } else {
        let error = status_error(response, Some(name)).await;
        return if is_head && !error.is_transient() { Ok(Looked::NOTHING) } else { Err(error) };
    };
    Ok(Looked { byte_length, validator: response.validator(), is_only_whole })
}

impl Looked {
    const NOTHING: Self = Self { byte_length: None, validator: Validator::NONE, is_only_whole: false };
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl ByteSource for HttpSource {
    fn byte_length(&self) -> u64 {
        self.byte_length
    }

    fn version(&self) -> Option<String> {
        self.validator.if_range().map(|validator| format!("{validator} of {}", self.url.path()))
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        let reading = Box::pin(self.read_with_retries(range));
        let read = match self.session.client.config().total_timeout {
            Some(total) => within(total, reading).await.unwrap_or_else(|| Err(out_of_time(total))),
            None => reading.await,
        };
        read.map_err(at(&self.url, Operation::Read))
    }
}

impl fmt::Debug for HttpSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSource")
            .field("name", &self.name)
            .field("byte_length", &self.byte_length)
            .finish_non_exhaustive()
    }
}
