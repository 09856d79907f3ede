//! The body of an upload, within its limits.

use std::pin::Pin;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use http_body::Body as _;
use tokio::time::Instant;

use crate::ServerOptions;
use crate::refusal::Refusal;

/// A body as it arrives.
#[derive(Debug)]
pub(crate) struct Incoming {
    body: Body,
    received: u64,
    begin: Instant,
    max_bytes: u64,
    idle_timeout: Duration,
    min_rate: u64,
}

impl Incoming {
    pub(crate) fn new(body: Body, options: &ServerOptions) -> Self {
        Self {
            body,
            received: 0,
            begin: Instant::now(),
            max_bytes: options.max_upload_bytes,
            idle_timeout: options.idle_timeout,
            min_rate: options.min_upload_rate.max(1),
        }
    }

    /// The next bytes, never none; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        loop {
            let deadline = self.deadline();
            let frame = std::future::poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx));
            let Ok(frame) = tokio::time::timeout_at(deadline, frame).await else { return Err(too_slow()) };
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|error| Refusal::bad_request(format!("the upload broke off: {error}")))?;
            let Ok(bytes) = frame.into_data() else { continue };
            self.received = self.received.saturating_add(bytes.len() as u64);
            if self.received > self.max_bytes {
                return Err(too_large(self.max_bytes));
            }
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
    }

    /// Until when bytes must have come: some within the idle time, and enough of them since the beginning.
    fn deadline(&self) -> Instant {
        let earned = Duration::from_secs(self.received / self.min_rate);
        let on_average = self.begin + self.idle_timeout.saturating_add(earned).min(FOREVER);
        on_average.min(Instant::now() + self.idle_timeout.min(FOREVER))
    }
}

/// Longer than anybody waits, and no overflow of a clock.
const FOREVER: Duration = Duration::from_hours(365 * 24);

pub(crate) fn too_large(max_bytes: u64) -> Refusal {
    Refusal::too_large(format!("the upload has more than {max_bytes} bytes, which is the limit of this server"))
}

fn too_slow() -> Refusal {
    Refusal::new(StatusCode::REQUEST_TIMEOUT, "the upload is too slow; try again on a better line")
}
