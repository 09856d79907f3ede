//! Waiting.

use std::time::Duration;

use gloo_timers::future::TimeoutFuture;

/// Waits so long, or as long as `setTimeout` can count, which is 24 days.
pub(crate) fn sleep(duration: Duration) -> TimeoutFuture {
    gloo_timers::future::sleep(duration.min(Duration::from_hours(24 * 24)))
}
