//! Several things at once.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use tfjs_artifacts::{BoxFuture, Error, MaybeSend};

/// Waits for all of these, so many at once, and returns what they give in their order. The first error in that order ends all.
///
/// They put what they give into its place, so that [`run`] is one code for all that is done here.
pub(crate) async fn all<T: MaybeSend, F: Future<Output = Result<T, Error>> + MaybeSend>(
    works: Vec<F>,
    at_once: NonZeroUsize,
) -> Result<Vec<T>, Error> {
    let places: Vec<_> = works.iter().map(|_| Mutex::new(None)).collect();
    let works = works.into_iter().zip(&places).map(|(work, place)| {
        let work: BoxFuture<'_, _> = Box::pin(async move {
            let given = work.await?;
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(given);
            Ok(())
        });
        work
    });
    run(works.collect(), at_once).await?;
    let given = places.into_iter().map(|place| place.into_inner().unwrap_or_else(PoisonError::into_inner));
    Ok(given.flatten().collect())
}

fn run(works: Vec<BoxFuture<'_, Result<(), Error>>>, at_once: NonZeroUsize) -> BoxFuture<'_, Result<(), Error>> {
    Box::pin(stream::iter(works).buffered(at_once.get()).try_collect())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures::executor::block_on;
    use tfjs_artifacts::ErrorKind;

    use super::*;

    const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

    #[test]
    fn results_come_in_order() {
        let (sender, receiver) = futures::channel::oneshot::channel();
        let mut sender = Some(sender);
        let mut receiver = Some(receiver);
        // The first ends when the second says so.
        let works = (0..3).map(|index| {
            let (sender, receiver) = (if index == 1 { sender.take() } else { None }, receiver.take());
            async move {
                if let Some(receiver) = receiver {
                    receiver.await.unwrap();
                }
                if let Some(sender) = sender {
                    sender.send(()).unwrap();
                }
                Ok(index)
            }
        });
        assert_eq!(block_on(all(works.collect(), TWO)).unwrap(), [0, 1, 2]);
    }

    #[test]
    fn an_error_ends_all() {
        let begun = std::sync::atomic::AtomicUsize::new(0);
        let works = (0..9).map(|index| {
            let begun = &begun;
            async move {
                begun.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                if index == 1 { Err(Error::new(ErrorKind::Transport, "broken")) } else { Ok(()) }
            }
        });
        assert_eq!(block_on(all(works.collect(), TWO)).unwrap_err().message(), "broken");
        assert!(begun.into_inner() < 9);
        assert!(block_on(all(Vec::<std::future::Ready<Result<Cell<u8>, Error>>>::new(), TWO)).unwrap().is_empty());
    }
}
