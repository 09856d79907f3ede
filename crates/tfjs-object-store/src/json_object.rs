//! Reading objects that are small: JSON, and binary topologies.

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{GetOptions, ObjectMeta};
use tfjs_artifacts::{Error, Limit, Limits, Operation};

use crate::bucket::Bucket;

/// Reads an object, if it is within this limit.
pub(crate) async fn read_whole(
    bucket: &Bucket,
    key: &Path,
    operation: Operation,
    limits: &Limits,
    limit: Limit,
) -> Result<(Bytes, ObjectMeta), Error> {
    bucket.need_runtime()?;
    let at = bucket.at(operation, key);
    let refuse = |error: Error| error.with_operation(operation).with_location(&bucket.url(key));
    let got = bucket.store.get_opts(key, GetOptions::new()).await.map_err(&at)?;
    let meta = got.meta.clone();
    limits.check(limit, meta.size).map_err(|error| refuse(error.into()))?;
    let mut body = got.into_stream();
    let mut bytes = Vec::new();
    while let Some(piece) = body.try_next().await.map_err(&at)? {
        bytes.extend_from_slice(&piece);
        // The store may have told another length.
        limits.check(limit, bytes.len() as u64).map_err(|error| refuse(error.at_least().into()))?;
    }
    Ok((bytes.into(), meta))
}
