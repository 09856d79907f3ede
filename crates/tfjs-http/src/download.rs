//! One file read whole into memory, over as many tries as it takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::message::header::{ACCEPT_ENCODING, RANGE};
use crate::message::{Method, StatusCode};
use bytes::Bytes;
use tfjs_artifacts::{Error, ErrorKind, Limit, LimitError, Limits, Operation, sniff};

use crate::address::Url;
use crate::error::{status_error, unread};
use crate::exchange::{Ask, Session, at};
use crate::meter::SharedMeter;
use crate::response::{Response, Validator};
use crate::retry::Retries;

/// Said of weights that are longer than their tensors, as tfjs-artifacts says it.
const SURPLUS: &str = "; if that is right, allow it with `SurplusBytes::Allow` or `--allow-surplus`";

/// How many bytes the files of a group may have together.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    whole: u64,
    left: Arc<AtomicU64>,
    /// What is said when it is used up; `None` if it is what the specs say.
    beyond: Option<LimitError>,
}

impl Budget {
    pub(crate) fn new(bytes: u64) -> Self {
        Self { whole: bytes, left: Arc::new(AtomicU64::new(bytes)), beyond: None }
    }

    /// Of a group of which only the fewest bytes are known.
    pub(crate) fn within(limits: &Limits, at_least: u64) -> Self {
        let (unknown, all) = (limits.get(Limit::UnknownBytes), limits.get(Limit::WeightBytes));
        let (whole, limit, most) = match at_least.saturating_add(unknown) {
            whole if whole <= all => (whole, Limit::UnknownBytes, unknown),
            _ => (all, Limit::WeightBytes, all),
        };
        let beyond = limits.check(limit, most.saturating_add(1)).err().map(LimitError::at_least);
        Self { beyond, ..Self::new(whole) }
    }

    /// Takes so many bytes; nothing if there are not so many.
    fn take(&self, bytes: u64) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }

    fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    fn give_back(&self, bytes: u64) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// A file in memory, and what its answer looked like.
#[derive(Debug)]
pub(crate) struct Downloaded {
    pub(crate) bytes: Bytes,
    pub(crate) described: String,
}

/// A file to be read.
#[derive(Debug)]
pub(crate) struct Download<'a> {
    session: &'a Session,
    url: &'a Url,
    /// What messages call it.
    name: String,
    budget: Budget,
    meter: Option<SharedMeter>,
    bytes: Vec<u8>,
    /// What the bytes so far are of.
    validator: Validator,
    total: Option<u64>,
    /// What the file's length may be when nobody tells it for sure.
    probable: Option<u64>,
    described: String,
    /// Whether the browser's cache has answered with something else.
    passes_cache: bool,
    /// How many bytes progress has heard of.
    reported: u64,
    /// Whether progress still has to hear of the file's length.
    is_untold: bool,
    /// Whether the last try has brought any bytes.
    has_received: bool,
}

/// How a try ended that did not fail.
enum Ended {
    Whole,
    /// The bytes so far were of another version, and are gone: at once again from the beginning.
    Restart,
}

impl<'a> Download<'a> {
    pub(crate) fn new(
        session: &'a Session,
        url: &'a Url,
        name: String,
        budget: Budget,
        meter: Option<SharedMeter>,
    ) -> Self {
        Self {
            session,
            url,
            name,
            budget,
            meter,
            bytes: Vec::new(),
            validator: Validator::default(),
            total: None,
            probable: None,
            described: String::new(),
            passes_cache: false,
            reported: 0,
            is_untold: false,
            has_received: false,
        }
    }

    /// Tells progress the file's length as soon as the server does: the specs do not.
    pub(crate) fn with_untold_length(mut self, is_untold: bool) -> Self {
        self.is_untold = is_untold;
        self
    }

    /// Reads the file.
    pub(crate) async fn run(mut self) -> Result<Downloaded, Error> {
        let mut retries = Retries::new(self.session.client.config().retry);
        loop {
            self.has_received = false;
            match self.attempt(&retries).await {
                Ok(Ended::Whole) => break,
                Ok(Ended::Restart) => {}
                Err(error) => {
                    if self.has_received {
                        retries.progressed();
                    }
                    let here = at(self.url, Operation::Load);
                    retries.after(error).await.map_err(|error| here(self.explain(error)))?;
                }
            }
        }
        self.tell(self.bytes.len() as u64);
        if let Some(meter) = &self.meter {
            meter.finish_file();
        }
        Ok(Downloaded { bytes: self.bytes.into(), described: self.described })
    }

    async fn attempt(&mut self, retries: &Retries) -> Result<Ended, Error> {
        let mut ask = Ask::new(Method::GET, self.url, retries);
        ask.passes_cache = self.passes_cache;
        let resumes = self.validator.if_range().is_some() && !self.bytes.is_empty();
        if resumes {
            // The bytes so far are decoded ones.
            ask = ask.with_header(RANGE, &format!("bytes={}-", self.bytes.len()));
            ask = ask.with_if_range(&self.validator).with_header(ACCEPT_ENCODING, "identity");
        }
        let response = self.session.send(ask).await.map_err(|failure| failure.error)?;
        match response.status {
            StatusCode::PARTIAL_CONTENT if resumes && self.continues(&response) => {}
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE if resumes => {
                self.forget();
                return Ok(Ended::Restart);
            }
            // A browser's cache that has ranges of the file asks for the rest, and if the file has changed meanwhile, it hands over
            // the answer to its own question.
            StatusCode::PARTIAL_CONTENT if cfg!(target_arch = "wasm32") && !self.passes_cache => {
                self.passes_cache = true;
                return Ok(Ended::Restart);
            }
            StatusCode::PARTIAL_CONTENT => {
                let message = "the server answered with a part of the file, which nobody asked for";
                return Err(Error::new(ErrorKind::InvalidData, message));
            }
            status if status.is_success() => self.begin(&response),
            _ => return Err(status_error(response, Some(&self.name)).await),
        }
        self.receive(response).await?;
        Ok(Ended::Whole)
    }

    /// Whether a 206 goes on where the bytes so far end, in the same version of the file.
    fn continues(&self, response: &Response) -> bool {
        let Some(range) = response.content_range() else { return false };
        let is_same_total = range.total.is_none() || self.total.is_none() || range.total == self.total;
        // An encoded part has no length here, and would not be a part of what we have.
        range.start == self.bytes.len() as u64
            && is_same_total
            && response.content_length().is_some()
            && self.validator.is_proven_by(&response.validator())
    }

    /// A whole file comes.
    fn begin(&mut self, response: &Response) {
        self.forget();
        self.validator = response.validator();
        self.total = response.content_length();
        self.probable = response.probable_length();
        self.described = response.describe();
        if let Some(total) = self.total {
            self.tell(total);
        }
    }

    fn tell(&mut self, length: u64) {
        if let Some(meter) = self.meter.as_ref().filter(|_| std::mem::take(&mut self.is_untold)) {
            meter.tell(length);
        }
    }

    fn forget(&mut self) {
        self.budget.give_back(self.bytes.len() as u64);
        self.bytes.clear();
        self.validator = Validator::default();
        (self.total, self.probable) = (None, None);
    }

    async fn receive(&mut self, mut response: Response) -> Result<(), Error> {
        response.check_encoding()?;
        while let Some(chunk) = response.chunk().await? {
            if self.total.is_some_and(|total| total > self.budget.whole) {
                return Err(self.too_long(&chunk));
            }
            self.reserve()?;
            if !self.budget.take(chunk.len() as u64) {
                return Err(self.too_long(&chunk));
            }
            self.bytes.extend_from_slice(&chunk);
            self.has_received = true;
            self.report();
        }
        match self.total {
            Some(total) if total != self.bytes.len() as u64 => {
                let message = format!("the body ended after {} of {total} bytes", self.bytes.len());
                Err(Error::new(ErrorKind::Transport, message))
            }
            _ => Ok(()),
        }
    }

    /// One allocation for the whole file, if what the server says is no more than what the specs leave for it.
    fn reserve(&mut self) -> Result<(), Error> {
        let Some(total) = self.probable.filter(|total| self.bytes.is_empty() && *total <= self.budget.left()) else {
            return Ok(());
        };
        let length = usize::try_from(total).unwrap_or(usize::MAX);
        self.bytes.try_reserve_exact(length).map_err(|error| {
            let message = format!("{total} bytes do not fit into memory; load lazily");
            Error::new(ErrorKind::LimitExceeded, message).with_source(error)
        })
    }

    fn report(&mut self) {
        let bytes = self.bytes.len() as u64;
        if let Some(meter) = self.meter.as_ref().filter(|_| bytes > self.reported) {
            meter.advance(bytes - self.reported);
            self.reported = bytes;
        }
    }

    fn too_long(&self, chunk: &[u8]) -> Error {
        let allowed = self.bytes.len() as u64 + self.budget.left();
        let head = if self.bytes.is_empty() { chunk } else { &self.bytes };
        let looks = match sniff(head) {
            Some(sniffed) => format!("; it {sniffed}"),
            None if self.budget.beyond.is_none() => SURPLUS.to_owned(),
            None => String::new(),
        };
        let (name, answer) = (&self.name, &self.described);
        let length = match self.total.filter(|total| *total > allowed) {
            Some(total) => format!("has {total} bytes, but may have {allowed}"),
            None => format!(
                "goes on beyond the {allowed} bytes that it may have: {} were received",
                self.bytes.len() + chunk.len()
            ),
        };
        let message = format!("{name} {length}; it was answered with {answer}{looks}");
        match self.budget.beyond.clone() {
            Some(beyond) => Error::new(ErrorKind::LimitExceeded, format!("{message}: {}", beyond.of(name.clone()))),
            None => Error::new(ErrorKind::InvalidData, message),
        }
    }

    /// The last error of several tries.
    fn explain(&self, error: Error) -> Error {
        match self.total.filter(|_| error.is_transient() && !error.message().starts_with(&self.name)) {
            Some(total) => {
                let name = format!("{} ({} of {total} bytes were received)", self.name, self.bytes.len());
                unread(error, &name)
            }
            None => unread(error, &self.name),
        }
    }
}
