//! A body that is sent: bytes in memory and weights in turn, with a known length, made anew for each try.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use tfjs_artifacts::{BoxStream, Error, ErrorKind, Sha256, ShardHasher, WeightData, Weights};

use crate::meter::SharedMeter;

/// How much of the weights is in memory at once: for a browser, which gets them in separate pieces, somewhat more.
const WINDOW: usize = if cfg!(target_arch = "wasm32") { 1 << 20 } else { 256 << 10 };

/// What is sent.
pub(crate) struct Upload {
    pub(crate) content_type: String,
    pieces: Vec<Piece>,
    flow: Arc<Flow>,
}

/// A part of a body.
#[derive(Clone)]
pub(crate) enum Piece {
    Bytes(Bytes),
    /// Weights, and what is checked when the last of them have passed.
    Weights(WeightData, Check),
}

/// What weights are compared with as they pass by.
#[derive(Clone)]
pub(crate) enum Check {
    Nothing,
    /// The checksums that these weights, of which all bytes pass, came with.
    All(Weights),
    /// Their one checksum is computed, and compared with one that is known.
    One {
        expected: Option<Sha256>,
    },
}

/// What passes between a body that is being sent and who waits for the answer.
struct Flow {
    /// Bytes handed to the connection, over all tries: a sign of life.
    moved: AtomicU64,
    /// Bytes of weights that any try has handed on.
    furthest: AtomicU64,
    meter: SharedMeter,
    /// Why the weights could not be read to their end.
    error: Mutex<Option<Error>>,
    digest: Mutex<Option<Sha256>>,
}

impl Upload {
    pub(crate) fn new(content_type: String, pieces: Vec<Piece>, meter: SharedMeter) -> Self {
        let (moved, furthest) = (AtomicU64::new(0), AtomicU64::new(0));
        let flow = Flow { moved, furthest, meter, error: Mutex::default(), digest: Mutex::default() };
        Self { content_type, pieces, flow: Arc::new(flow) }
    }

    pub(crate) fn byte_length(&self) -> u64 {
        self.pieces.iter().map(Piece::byte_length).sum()
    }

    /// How many bytes have been handed on, over all tries.
    pub(crate) fn moved(&self) -> u64 {
        self.flow.moved.load(Ordering::Relaxed)
    }

    /// How long the bytes that the system has taken, and nobody can see, may be on their way over a slow line: 4 MiB of them, and
    /// all that a browser has.
    pub(crate) fn time_in_buffers(&self) -> Duration {
        let length = self.byte_length();
        let buffered = if cfg!(target_arch = "wasm32") { length } else { length.min(4 << 20) };
        Duration::from_secs(buffered / (16 << 10))
    }

    /// Why the weights could not be read, if they could not.
    pub(crate) fn take_error(&self) -> Option<Error> {
        self.flow.error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The checksum of the weights, if it was wanted and they have passed.
    pub(crate) fn digest(&self) -> Option<Sha256> {
        *self.flow.digest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The body as a stream, which holds one window at a time.
    pub(crate) fn stream(&self) -> BoxStream<'static, Result<Bytes, Error>> {
        let flow = Arc::clone(&self.flow);
        let passed = Arc::new(AtomicU64::new(0));
        let pieces = stream::iter(self.pieces.clone());
        let counted = pieces.flat_map(move |piece| {
            let flow = Arc::clone(&flow);
            match piece {
                Piece::Bytes(bytes) => {
                    flow.moved.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                    Box::pin(stream::once(std::future::ready(Ok(bytes))))
                }
                Piece::Weights(data, check) => flow.weights(&data, check, Arc::clone(&passed)),
            }
        });
        Box::pin(counted)
    }
}

impl Flow {
    /// Weights on their way out.
    fn weights(
        self: Arc<Self>,
        data: &WeightData,
        check: Check,
        passed: Arc<AtomicU64>,
    ) -> BoxStream<'static, Result<Bytes, Error>> {
        let hasher = match &check {
            Check::Nothing => None,
            Check::All(weights) => weights.checksum_hasher(),
            Check::One { .. } => Some(ShardHasher::new([data.byte_length()])),
        };
        let length = data.byte_length();
        let mut seen = 0;
        let windows = data.stream(WINDOW).scan(hasher, move |hasher, window| {
            let item = window.and_then(|bytes| {
                seen += bytes.len() as u64;
                if let Some(hasher) = hasher {
                    hasher.update(&bytes);
                }
                // Before the last bytes go out: behind them a connection that knows the length asks for nothing.
                if let Some(hasher) = hasher.take_if(|_| seen == length) {
                    self.compare(&check, &hasher.finish())?;
                }
                self.count(bytes.len() as u64, &passed);
                Ok(bytes)
            });
            // The cause is kept for who waits for the answer; the connection only learns that there is one.
            let item = item.map_err(|error| {
                *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Error::new(ErrorKind::Unexpected, "the weights cannot be read")
            });
            std::future::ready(Some(item))
        });
        Box::pin(windows)
    }

    /// So many bytes of weights more in this try; only what no try before has passed is progress.
    fn count(&self, bytes: u64, passed: &AtomicU64) {
        self.moved.fetch_add(bytes, Ordering::Relaxed);
        let passed = passed.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let before = self.furthest.fetch_max(passed, Ordering::Relaxed);
        if passed > before {
            self.meter.advance(passed - before);
        }
    }

    fn compare(&self, check: &Check, digests: &[Sha256]) -> Result<(), Error> {
        match check {
            Check::Nothing => Ok(()),
            Check::All(weights) => Ok(weights.compare_checksums(digests)?),
            Check::One { expected } => {
                let actual = digests.first().copied();
                *self.digest.lock().unwrap_or_else(PoisonError::into_inner) = actual;
                if expected.is_some() && *expected != actual {
                    let message =
                        "the weights do not have the SHA-256 that the manifest says: they were changed or damaged";
                    return Err(Error::new(ErrorKind::InvalidData, message));
                }
                Ok(())
            }
        }
    }
}

impl Piece {
    fn byte_length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Weights(data, _) => data.byte_length(),
        }
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("byte_length", &self.byte_length()).finish_non_exhaustive()
    }
}
