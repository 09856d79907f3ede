//! Who hears how far a load or save is.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tfjs_artifacts::{MaybeSend, MaybeSync, PlannedShard, ShardLayout, Weights};

/// How far a load or save is.
///
/// The events of one call follow this grammar:
///
/// ```text
/// events   = *moving ( done | nothing )
/// moving   = Phase::Weights    ; bytes and shard never decrease, total_bytes and shards are constant
/// done     = Phase::Done       ; exactly once, last, only on success; bytes = total_bytes
/// nothing  =                   ; on an error, or when the future is dropped
/// ```
///
/// The total is known from the specs before the first weight byte arrives. Bytes that are never read (a lazy
/// load) make no events but the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// What the call is doing.
    pub phase: Phase,
    /// The weight file that is being moved, from 1; 0 if there are none.
    pub shard: u64,
    /// How many weight files there are.
    pub shards: u64,
    /// How many weight bytes have been moved.
    pub bytes: u64,
    /// How many there are.
    pub total_bytes: u64,
    /// How many of those that have been moved were there already, from a save that was interrupted.
    pub resumed_bytes: u64,
}

/// What a load or save is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Weight bytes are being moved.
    Weights,
    /// Everything succeeded.
    Done,
}

/// A function that hears about progress. It is called between reads: it must not block, and what it does changes
/// nothing about the load or save.
pub trait ProgressFn: Fn(Progress) + MaybeSend + MaybeSync {}

impl<F: Fn(Progress) + MaybeSend + MaybeSync> ProgressFn for F {}

/// A shared [`ProgressFn`].
#[derive(Clone)]
pub struct ProgressSink(Arc<dyn ProgressFn>);

impl ProgressSink {
    /// Calls `function` for each event.
    pub fn new(function: impl ProgressFn + 'static) -> Self {
        Self(Arc::new(function))
    }

    /// The same, but it never hears of less than before: for a load that begins anew.
    #[must_use]
    pub fn monotone(&self) -> Self {
        let (sink, most) = (self.clone(), AtomicU64::new(0));
        Self::new(move |progress: Progress| {
            let before = most.fetch_max(progress.bytes, Ordering::Relaxed);
            if progress.bytes >= before {
                sink.tell(progress);
            }
        })
    }

    /// Calls it: for a sink that passes events on to another one.
    pub fn tell(&self, progress: Progress) {
        (self.0)(progress);
    }
}

impl fmt::Debug for ProgressSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProgressSink")
    }
}

/// What a handler reports through: turns "so many bytes more" into events that follow the grammar of [`Progress`].
#[derive(Debug)]
pub struct ProgressMeter {
    sink: Option<ProgressSink>,
    /// Where each weight file ends in the whole.
    ends: Vec<u64>,
    /// How many weight files are known to be finished, whatever the bytes say.
    finished: u64,
    bytes: u64,
    resumed: u64,
}

impl ProgressMeter {
    /// For a load of these weights.
    pub fn new(sink: Option<&ProgressSink>, weights: Option<&Weights>) -> Self {
        let shards = weights.iter().flat_map(|weights| weights.shards());
        Self::of_files(sink, shards.map(|shard| shard.bytes))
    }

    /// For a save into the files of a layout.
    pub fn of_layout(sink: Option<&ProgressSink>, layout: Option<&ShardLayout>) -> Self {
        let shards = layout.iter().flat_map(|layout| layout.shards());
        Self::of_files(sink, shards.map(PlannedShard::byte_length))
    }

    /// For a load of so many weight files whose sum is known and whose lengths are not. Files may arrive in any order;
    /// [`finish_file`](Self::finish_file) counts them.
    pub fn of_total(sink: Option<&ProgressSink>, files: usize, total_bytes: u64) -> Self {
        Self { sink: sink.cloned(), ends: vec![total_bytes; files], finished: 0, bytes: 0, resumed: 0 }
    }

    /// One more weight file is finished.
    pub fn finish_file(&mut self) {
        self.finished = self.finished.saturating_add(1);
    }

    fn of_files(sink: Option<&ProgressSink>, lengths: impl Iterator<Item = u64>) -> Self {
        let ends = lengths.scan(0u64, |end, bytes| {
            *end = end.saturating_add(bytes);
            Some(*end)
        });
        Self { sink: sink.cloned(), ends: ends.collect(), finished: 0, bytes: 0, resumed: 0 }
    }

    /// So many bytes more have been moved.
    pub fn advance(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes).min(self.total());
        self.report(Phase::Weights);
    }

    /// So many bytes more need not be moved: an interrupted save has done it.
    pub fn resume(&mut self, bytes: u64) {
        self.resumed = self.resumed.saturating_add(bytes).min(self.total());
        self.advance(bytes);
    }

    /// Everything succeeded.
    pub fn done(mut self) {
        self.bytes = self.total();
        self.report(Phase::Done);
    }

    fn total(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    fn report(&self, phase: Phase) {
        let Some(sink) = &self.sink else { return };
        let shards = self.ends.len() as u64;
        let finished = self.ends.partition_point(|&end| end <= self.bytes.saturating_sub(1)) as u64;
        let finished = finished.max(self.finished);
        sink.tell(Progress {
            phase,
            shard: (finished + 1).min(shards),
            shards,
            bytes: self.bytes,
            total_bytes: self.total(),
            resumed_bytes: self.resumed,
        });
    }
}
