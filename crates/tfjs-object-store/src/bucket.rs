//! A store of objects, and how errors call it.

use std::fmt;
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{Attribute, Attributes, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions};
use tfjs_artifacts::{Error, ErrorKind, Operation, Sha256};
use tokio::runtime::Handle;

use crate::error::store_error;
use crate::resume::CONTENT_KEY;

/// How many small requests are under way at once.
pub(crate) const REQUESTS_AT_ONCE: usize = 16;

/// A bucket of a cloud, or any other store.
#[derive(Clone)]
pub(crate) struct Bucket {
    pub(crate) store: Arc<dyn ObjectStore>,
    /// The same store, if it tells the ids of uploads in parts and ends the upload of an id.
    pub(crate) uploads: Option<Arc<dyn MultipartStore>>,
    /// What stands before the key of an object, and a slash, in its URL.
    root: Arc<str>,
    /// Whether it is reached over a network: through a runtime, and with media types.
    is_cloud: bool,
}

impl Bucket {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, root: &str) -> Self {
        Self { store, uploads: None, root: root.into(), is_cloud: false }
    }

    /// The bucket of a cloud.
    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
    pub(crate) fn of_cloud(store: Arc<dyn ObjectStore>, uploads: Option<Arc<dyn MultipartStore>>, root: &str) -> Self {
        Self { uploads, is_cloud: true, ..Self::new(store, root) }
    }

    /// The URL of an object, or of a prefix.
    pub(crate) fn url(&self, key: &Path) -> String {
        format!("{}/{key}", self.root)
    }

    /// Timers and sockets live in a runtime; without one they panic.
    pub(crate) fn need_runtime(&self) -> Result<(), Error> {
        self.runtime().map(drop)
    }

    /// The runtime in which requests are under way; none if there are no requests.
    pub(crate) fn runtime(&self) -> Result<Option<Handle>, Error> {
        if !self.is_cloud {
            return Ok(None);
        }
        Handle::try_current().map(Some).map_err(|error| {
            let message = "object stores need a Tokio runtime with I/O and time enabled: call this from one";
            Error::new(ErrorKind::Unsupported, message).with_source(error)
        })
    }

    /// Says what was being done with an object.
    pub(crate) fn at(&self, operation: Operation, key: &Path) -> impl Fn(object_store::Error) -> Error + use<> {
        let url = self.url(key);
        move |error| store_error(error, operation, &url)
    }

    /// The media type of an object, where the store keeps one. Not every store of other makers does.
    pub(crate) fn attributes(&self, media_type: &'static str) -> Attributes {
        let attributes = self.is_cloud.then_some((Attribute::ContentType, media_type));
        attributes.into_iter().collect()
    }

    /// The same, and what an object is made of, for who continues.
    pub(crate) fn attributes_with(&self, media_type: &'static str, content: Option<Sha256>) -> Attributes {
        let mut attributes = self.attributes(media_type);
        if let Some(content) = content {
            attributes.insert(Attribute::Metadata(CONTENT_KEY.into()), content.to_string().into());
        }
        attributes
    }

    pub(crate) fn put_options(&self, mode: PutMode, media_type: &'static str) -> PutOptions {
        PutOptions { mode, attributes: self.attributes(media_type), ..PutOptions::default() }
    }

    /// Looks at objects, in their order; `None` for those that are not there.
    pub(crate) async fn heads(&self, keys: Vec<Path>, operation: Operation) -> Result<Vec<Option<ObjectMeta>>, Error> {
        let looks = stream::iter(keys).map(async |key| match self.store.head(&key).await {
            Ok(meta) => Ok(Some(meta)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.at(operation, &key)(error)),
        });
        looks.buffered(REQUESTS_AT_ONCE).try_collect().await
    }

    /// Removes objects, together where the store can do that; those that are gone already are no error.
    pub(crate) async fn delete(&self, keys: impl IntoIterator<Item = Path>) -> Result<(), object_store::Error> {
        let keys: Vec<_> = keys.into_iter().map(Ok).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let mut deleted = self.store.delete_stream(stream::iter(keys).boxed());
        let mut first_error = None;
        while let Some(result) = deleted.next().await {
            match result {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        first_error.map_or(Ok(()), Err)
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store, uploads, root, is_cloud } = self;
        let mut f = f.debug_struct("Bucket");
        f.field("store", store)
            .field("has_uploads", &uploads.is_some())
            .field("root", root)
            .field("is_cloud", is_cloud)
            .finish()
    }
}
