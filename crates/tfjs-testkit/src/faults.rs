//! Weight bytes that go wrong on purpose.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use async_trait::async_trait;
use bytes::Bytes;
use futures::task::AtomicWaker;
use tfjs_artifacts::{ByteSource, Error, ErrorKind};

/// Bytes of which only the first so many can be read.
#[derive(Clone, Debug)]
pub struct FailingSource {
    bytes: Bytes,
    readable: u64,
}

impl FailingSource {
    /// The bytes; a read that goes beyond the first `readable` of them fails.
    pub fn new(bytes: impl Into<Bytes>, readable: u64) -> Self {
        Self { bytes: bytes.into(), readable }
    }
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl ByteSource for FailingSource {
    fn byte_length(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn version(&self) -> Option<String> {
        None
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        if range.end > self.readable {
            return Err(Error::new(ErrorKind::Transport, "injected: the source broke"));
        }
        Ok(slice(&self.bytes, &range))
    }
}

/// Bytes of which only the first so many are ever answered; a read beyond them waits forever.
#[derive(Clone, Debug)]
pub struct StallingSource {
    bytes: Bytes,
    readable: u64,
    stalled: Arc<Stalled>,
}

#[derive(Debug, Default)]
struct Stalled {
    yes: AtomicBool,
    waker: AtomicWaker,
}

impl StallingSource {
    /// The bytes; a read that goes beyond the first `readable` of them never ends.
    pub fn new(bytes: impl Into<Bytes>, readable: u64) -> Self {
        Self { bytes: bytes.into(), readable, stalled: Arc::default() }
    }

    /// Waits until somebody waits for a read that never ends.
    pub async fn stalled(&self) {
        std::future::poll_fn(|context| {
            self.stalled.waker.register(context.waker());
            let stalled = self.stalled.yes.load(Ordering::Acquire);
            if stalled { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl ByteSource for StallingSource {
    fn byte_length(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn version(&self) -> Option<String> {
        None
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        if range.end > self.readable {
            self.stalled.yes.store(true, Ordering::Release);
            self.stalled.waker.wake();
            std::future::pending::<()>().await;
        }
        Ok(slice(&self.bytes, &range))
    }
}

fn slice(bytes: &Bytes, range: &Range<u64>) -> Bytes {
    let at = |offset: u64| usize::try_from(offset).expect("sample weights fit into memory");
    bytes.slice(at(range.start)..at(range.end))
}
