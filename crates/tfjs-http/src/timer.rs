//! Waiting, on either target.

use std::time::Duration;

use futures::future::{Either, select};
#[cfg(not(target_arch = "wasm32"))]
use tfjs_artifacts::{Error, ErrorKind};

/// Timers and sockets live in a runtime; without one they panic.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn need_runtime() -> Result<(), Error> {
    if tokio::runtime::Handle::try_current().is_err() {
        let message = "http needs a Tokio runtime with I/O and time enabled: call this from one";
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    Ok(())
}

/// Waits so long.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Waits so long.
#[cfg(target_arch = "wasm32")]
pub(crate) async fn sleep(duration: Duration) {
    // What `setTimeout` can count.
    gloo_timers::future::sleep(duration.min(Duration::from_hours(24 * 24))).await;
}

/// What the future gives, or nothing if it takes longer.
pub(crate) async fn within<T>(duration: Duration, future: impl Future<Output = T>) -> Option<T> {
    let (future, sleep) = (std::pin::pin!(future), std::pin::pin!(sleep(duration)));
    match select(future, sleep).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(((), _)) => None,
    }
}
