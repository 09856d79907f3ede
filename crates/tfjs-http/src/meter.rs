//! Progress that several transfers report to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tfjs_router::{ProgressMeter, ProgressSink};

/// A meter that is shared by the transfers of one load or save.
#[derive(Clone, Debug)]
pub(crate) struct SharedMeter(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// Nothing until the total is known.
    meter: Option<ProgressMeter>,
    sink: Option<ProgressSink>,
    files: usize,
    /// The lengths that are known.
    total: u64,
    /// How many files have not told their lengths yet.
    untold: usize,
    bytes: u64,
    finished: usize,
}

impl SharedMeter {
    /// All lengths are known.
    pub(crate) fn new(meter: ProgressMeter) -> Self {
        Self::of(State { meter: Some(meter), sink: None, files: 0, total: 0, untold: 0, bytes: 0, finished: 0 })
    }

    /// So many files, of which `known` bytes are known from the specs; `untold` of the files hold strings, and tell their own
    /// lengths when they arrive. Until all have, nobody hears of progress: the total never changes.
    pub(crate) fn of_load(sink: Option<&ProgressSink>, files: usize, known: u64, untold: usize) -> Self {
        let sink = sink.cloned();
        let meter = (untold == 0).then(|| ProgressMeter::of_total(sink.as_ref(), files, known));
        Self::of(State { meter, sink, files, total: known, untold, bytes: 0, finished: 0 })
    }

    fn of(state: State) -> Self {
        Self(Arc::new(Mutex::new(state)))
    }

    /// A file tells its length.
    pub(crate) fn tell(&self, bytes: u64) {
        let mut state = self.lock();
        state.untold = state.untold.saturating_sub(1);
        state.total = state.total.saturating_add(bytes);
        if state.untold == 0 && state.meter.is_none() {
            let mut meter = ProgressMeter::of_total(state.sink.as_ref(), state.files, state.total);
            for _ in 0..state.finished {
                meter.finish_file();
            }
            if state.bytes > 0 {
                meter.advance(state.bytes);
            }
            state.meter = Some(meter);
        }
    }

    /// So many bytes more; what is moved again after a failure is not counted again.
    pub(crate) fn advance(&self, bytes: u64) {
        let mut state = self.lock();
        state.bytes = state.bytes.saturating_add(bytes);
        if let Some(meter) = &mut state.meter {
            meter.advance(bytes);
        }
    }

    pub(crate) fn finish_file(&self) {
        let mut state = self.lock();
        state.finished += 1;
        if let Some(meter) = &mut state.meter {
            meter.finish_file();
        }
    }

    /// Everything succeeded.
    pub(crate) fn done(self) {
        if let Some(meter) = self.lock().meter.take() {
            meter.done();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
