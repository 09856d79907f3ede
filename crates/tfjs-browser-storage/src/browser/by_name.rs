//! What all stores have in common that keep models under names.

use tfjs_artifacts::{Error, ErrorKind};
use tfjs_router::{ModelSource, ModelUrl};

/// The one URL of a model.
pub(crate) fn single(source: &ModelSource) -> Result<&ModelUrl, Error> {
    match source {
        ModelSource::Single(url) => Ok(url),
        ModelSource::Pair { .. } => {
            Err(Error::new(ErrorKind::InvalidUrl, "a model in the browser's storage has one URL, not two"))
        }
    }
}

/// Puts one more into a sorted list, behind those that this says are before it.
#[cfg(any(feature = "indexeddb", feature = "opfs"))]
pub(crate) fn insert<T>(sorted: &mut Vec<T>, new: T, is_before: impl Fn(&T, &T) -> bool) {
    let at = sorted.partition_point(|other| is_before(other, &new));
    sorted.insert(at, new);
}
