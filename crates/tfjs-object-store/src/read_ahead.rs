//! Who reads a model from one end to the other finds what comes next already there, or on its way: several requests at once, in bounded
//! memory.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use tfjs_artifacts::{Error, ErrorKind};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::source::Object;

/// How much is on its way, or there, at most.
const MOST: u64 = 16 << 20;
/// How much a request of a stream asks for at least: each costs the store more than the bytes do.
const PIECE: u64 = 2 << 20;
/// How many requests are under way at most.
const REQUESTS: usize = 8;
/// Reads that go from one object into the next may be those of one large tensor, behind which nobody reads on: so much of what was
/// read so far may be asked for in vain.
const IN_VAIN: u64 = 16;

/// What is read ahead of the objects of one model. Several reads in a row of one object are taken for those of a stream.
#[derive(Debug)]
pub(crate) struct ReadAhead {
    objects: Vec<Object>,
    run: Mutex<Run>,
}

/// Reads that follow one another.
#[derive(Debug, Default)]
struct Run {
    /// Where the last read ended, in which object.
    index: usize,
    end: u64,
    /// How much was read so far.
    bytes: u64,
    /// Whether one object was read in several pieces.
    is_stream: bool,
    /// In the order in which they are going to be read.
    blocks: VecDeque<Block>,
}

/// A piece of an object that somebody is going to read.
#[derive(Debug)]
struct Block {
    index: usize,
    range: Range<u64>,
    bytes: Coming,
}

#[derive(Debug)]
enum Coming {
    There(Bytes),
    UnderWay(Request),
}

/// A request that ends when nobody wants its answer any more.
#[derive(Debug)]
struct Request(JoinHandle<Result<Bytes, Error>>);

impl ReadAhead {
    pub(crate) fn of(objects: Vec<Object>) -> Self {
        Self { objects, run: Mutex::default() }
    }

    /// Reads a range of an object, and begins to read what comes behind it if that is expected.
    pub(crate) async fn read(&self, index: usize, range: Range<u64>, runtime: &Handle) -> Result<Bytes, Error> {
        let block = {
            let mut run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
            let block = run.advance(index, &range, &self.objects);
            let begun = block.as_ref().map_or((index, range.end), |block| (index, block.range.end));
            self.refill(&mut run, begun, range.end - range.start, runtime);
            block
        };
        match (block, self.objects.get(index)) {
            (Some(block), _) => self.take(block, range).await,
            (None, Some(object)) => object.fetch(range).await,
            (None, None) => Err(Error::new(ErrorKind::Unexpected, format!("the model has no object {index}"))),
        }
    }

    /// The beginning of a block; the rest is put back.
    async fn take(&self, block: Block, range: Range<u64>) -> Result<Bytes, Error> {
        let mut bytes = match block.bytes {
            Coming::There(bytes) => bytes,
            Coming::UnderWay(request) => request.answer().await?,
        };
        let wanted = usize::try_from(range.end - range.start).unwrap_or(usize::MAX).min(bytes.len());
        let taken = bytes.split_to(wanted);
        if !bytes.is_empty() {
            let rest = Block { index: block.index, range: range.end..block.range.end, bytes: Coming::There(bytes) };
            let mut run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
            if (run.index, run.end) == (block.index, range.end) {
                run.blocks.push_front(rest);
            }
        }
        Ok(taken)
    }

    /// Asks for what is read next, behind what was asked for already; in pieces that are not smaller than the last read.
    fn refill(&self, run: &mut Run, begun: (usize, u64), length: u64, runtime: &Handle) {
        let (most, length) =
            if run.is_stream { (MOST, length.max(PIECE)) } else { (MOST.min(run.bytes / IN_VAIN), length) };
        let mut coming: u64 = run.blocks.iter().map(|block| block.range.end - block.range.start).sum();
        coming += begun.1 - run.end;
        while run.blocks.len() < REQUESTS {
            let (index, start) = run.blocks.back().map_or(begun, |last| (last.index, last.range.end));
            let Some((index, start, object)) = self.next(index, start) else { break };
            let end = object.length().min(start.saturating_add(length));
            coming += end - start;
            if coming > most {
                break;
            }
            let (object, range) = (object.clone(), start..end);
            let request = Request(runtime.spawn(async move { object.fetch(range).await }));
            run.blocks.push_back(Block { index, range: start..end, bytes: Coming::UnderWay(request) });
        }
    }

    /// Where reading goes on: behind the end of an object is the next one that has any bytes.
    fn next(&self, index: usize, start: u64) -> Option<(usize, u64, &Object)> {
        let behind = self.objects.iter().enumerate().skip(index);
        behind
            .map(|(at, object)| (at, if at == index { start } else { 0 }, object))
            .find(|(_, start, object)| *start < object.length())
    }
}

impl Run {
    /// What is there, or coming, of a read that goes on where the last one ended. Any other begins a new run.
    fn advance(&mut self, index: usize, range: &Range<u64>, objects: &[Object]) -> Option<Block> {
        let is_same = index == self.index && range.start == self.end && self.bytes > 0;
        let is_next = range.start == 0 && self.bytes > 0 && is_behind(objects, (self.index, self.end), index);
        if !is_same && !is_next {
            *self = Self::default();
        }
        (self.index, self.end) = (index, range.end);
        self.bytes += range.end - range.start;
        self.is_stream |= is_same;
        let front = self.blocks.pop_front()?;
        if front.index == index && front.range.start == range.start && front.range.end >= range.end {
            return Some(front);
        }
        // In other pieces than was expected.
        self.blocks.clear();
        None
    }
}

/// Whether an object is the next one with any bytes, after this one was read to its end.
fn is_behind(objects: &[Object], (last, end): (usize, u64), index: usize) -> bool {
    let between = objects.get(last.saturating_add(1)..index);
    objects.get(last).is_some_and(|object| end == object.length())
        && between.is_some_and(|between| between.iter().all(|object| object.length() == 0))
}

impl Request {
    async fn answer(mut self) -> Result<Bytes, Error> {
        (&mut self.0).await.unwrap_or_else(|error| {
            let message = "the runtime ended while the model was read";
            Err(Error::new(ErrorKind::Transport, message).with_source(error))
        })
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.0.abort();
    }
}
