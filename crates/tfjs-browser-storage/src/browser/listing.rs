//! Lists of models, for stores that know all names at once.

use futures::{StreamExt as _, stream};
use tfjs_artifacts::{BoxStream, Error, Operation};
use tfjs_router::ListedModel;

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
