//! What all stores have in common that keep models under names.

use futures::{StreamExt as _, stream};
use tfjs_artifacts::{BoxStream, Error, ErrorKind, Operation};
use tfjs_router::{ListedModel, ModelSource, ModelUrl};

/// The one URL of a model.
pub(crate) fn single(source: &ModelSource) -> Result<&ModelUrl, Error> {
    match source {
        ModelSource::Single(url) => Ok(url),
        ModelSource::Pair { .. } => {
            Err(Error::new(ErrorKind::InvalidUrl, "a model in the browser's storage has one URL, not two"))
        }
    }
}

/// A list that is made when it is asked for; errors say whose it is, where they do not say which model they are about.
pub(crate) fn listing(
    scheme: &'static str,
    listed: impl Future<Output = Result<Vec<Result<ListedModel, Error>>, Error>> + 'static,
) -> BoxStream<'static, Result<ListedModel, Error>> {
    let failed = move |error: Error| error.with_operation(Operation::List).with_location(&format!("{scheme}://"));
    let listed = async move { listed.await.unwrap_or_else(|error| vec![Err(error)]) };
    Box::pin(
        stream::once(listed)
            .flat_map(move |listed| stream::iter(listed.into_iter().map(move |model| model.map_err(failed)))),
    )
}
