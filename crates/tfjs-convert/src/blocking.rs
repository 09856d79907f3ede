//! File operations off the executor's threads, where there is a place for them. The same as in tfjs-fs, and why: see
//! docs/architecture.md.

use tfjs_artifacts::{Error, ErrorKind};

/// Runs blocking code on Tokio's blocking pool, or in place when there is no Tokio runtime.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return work() };
    match runtime.spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(Error::new(ErrorKind::Unexpected, "the runtime is shutting down").with_source(error)),
        },
    }
}
