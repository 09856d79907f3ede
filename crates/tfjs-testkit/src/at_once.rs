//! Two futures that run at the same time.

/// Runs both, the first on a thread of its own: what has no `await` is interrupted, too.
#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
pub(crate) async fn at_once<T: Send + 'static>(
    aside: impl Future<Output = T> + Send + 'static,
    here: impl Future,
) -> T {
    let (send, receive) = futures::channel::oneshot::channel();
    // Who needs a runtime finds there the one that is here.
    let runtime = tokio::runtime::Handle::try_current();
    std::thread::spawn(move || {
        let done = match runtime {
            Ok(runtime) => runtime.block_on(aside),
            Err(_) => futures::executor::block_on(aside),
        };
        // Nobody listens any more if what is done here has failed, which is told there.
        drop(send.send(done));
    });
    here.await;
    receive.await.expect("the other thread panicked")
}

/// Runs both in turns, as far as they give way to each other.
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
pub(crate) async fn at_once<T>(aside: impl Future<Output = T>, here: impl Future) -> T {
    futures::join!(aside, here).0
}

/// Lets the others have their turn.
pub(crate) async fn give_way() {
    let mut has_waited = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut has_waited, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
