//! From URLs to stores.

use std::sync::Arc;

use object_store::ObjectStore;
use tfjs_artifacts::Error;
use tfjs_router::{ModelUrl, Route};

use crate::ObjectStoreHandler;
use crate::bucket::Bucket;

/// The route of a scheme of one's own to any store: what follows `://` is the key.
///
/// ```
/// use std::sync::Arc;
/// use tfjs_object_store::{object_store::memory::InMemory, route};
/// use tfjs_router::Router;
///
/// let router = Router::builder().route(route("models", Arc::new(InMemory::new()))).build()?;
/// assert!(router.schemes().any(|scheme| scheme == "models"));
/// # Ok::<(), tfjs_artifacts::Error>(())
/// ```
pub fn route(scheme: &str, store: Arc<dyn ObjectStore>) -> Route {
    // With the slash between root and key this is the scheme and its `://`.
    let bucket = Bucket::new(store, &format!("{}:/", scheme.to_ascii_lowercase()));
    route_with(scheme, move |url| Ok((bucket.clone(), url.rest().to_owned())))
}

fn route_with(
    scheme: &str,
    open: impl Fn(&ModelUrl) -> Result<(Bucket, String), Error> + Clone + Send + Sync + 'static,
) -> Route {
    let handler = {
        let open = open.clone();
        move |url: &ModelUrl| {
            let (bucket, key) = open(url)?;
            ObjectStoreHandler::at(bucket, &key)
        }
    };
    let (save, store, place) = (handler.clone(), handler.clone(), handler);
    Route::new(scheme)
        .with_load(move |source| ObjectStoreHandler::from_source(source, &open).map(Arc::new))
        .with_save(move |url| save(url).map(Arc::new))
        .with_store(move |url| store(url).map(Arc::new))
        .with_place(move |url| Ok(place(url)?.place()))
}

/// The schemes of the clouds that are compiled in, and how to reach them.
///
/// Nothing is read from the environment unless [`from_env`](Self::from_env) is asked to. Clients are made when a bucket is first
/// used, one for each, and live as long as the routes.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct ObjectStoreRoutes {
    #[cfg(feature = "s3")]
    s3: object_store::aws::AmazonS3Builder,
    #[cfg(feature = "gcs")]
    gcs: object_store::gcp::GoogleCloudStorageBuilder,
    #[cfg(feature = "azure")]
    azure: object_store::azure::MicrosoftAzureBuilder,
}

impl ObjectStoreRoutes {
    /// Without settings: a cloud's own machines have credentials that need none.
    pub fn new() -> Self {
        Self::default()
    }

    /// With the settings of the environment, as the SDKs of the clouds name them: `AWS_*`, `GOOGLE_*` and `AZURE_*`.
    pub fn from_env() -> Self {
        Self {
            #[cfg(feature = "s3")]
            s3: object_store::aws::AmazonS3Builder::from_env(),
            #[cfg(feature = "gcs")]
            gcs: object_store::gcp::GoogleCloudStorageBuilder::from_env(),
            #[cfg(feature = "azure")]
            azure: object_store::azure::MicrosoftAzureBuilder::from_env(),
        }
    }

    /// With these settings for `s3://`. The bucket is that of the URL.
    #[cfg(feature = "s3")]
    #[must_use]
    pub fn with_s3(mut self, builder: object_store::aws::AmazonS3Builder) -> Self {
        self.s3 = builder;
        self
    }

    /// With these settings for `gs://`. The bucket is that of the URL.
    #[cfg(feature = "gcs")]
    #[must_use]
    pub fn with_gcs(mut self, builder: object_store::gcp::GoogleCloudStorageBuilder) -> Self {
        self.gcs = builder;
        self
    }

    /// With these settings for `az://`. The container is that of the URL.
    #[cfg(feature = "azure")]
    #[must_use]
    pub fn with_azure(mut self, builder: object_store::azure::MicrosoftAzureBuilder) -> Self {
        self.azure = builder;
        self
    }

    /// The routes: `s3://`, `gs://` and `az://`, as far as their features are on.
    pub fn routes(&self) -> Vec<Route> {
        vec![
            #[cfg(feature = "s3")]
            clouds::route("s3", {
                let builder = self.s3.clone().with_http_connector(crate::RustlsConnector::new());
                move |bucket| builder.clone().with_bucket_name(bucket).build().map(clouds::Store::that_forgets_nothing)
            }),
            #[cfg(feature = "gcs")]
            clouds::route("gs", {
                let builder = self.gcs.clone().with_http_connector(crate::RustlsConnector::new());
                move |bucket| builder.clone().with_bucket_name(bucket).build().map(clouds::Store::that_forgets_nothing)
            }),
            #[cfg(feature = "azure")]
            clouds::route("az", {
                let builder = self.azure.clone().with_http_connector(crate::RustlsConnector::new());
                move |container| builder.clone().with_container_name(container).build().map(clouds::Store::that_forgets)
            }),
        ]
    }
}

impl std::fmt::Debug for ObjectStoreRoutes {
    /// Settings may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ObjectStoreRoutes").finish_non_exhaustive()
    }
}

#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
mod clouds {
    //! Buckets by their names.

    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex, PoisonError};

    use object_store::ObjectStore;
    use object_store::multipart::MultipartStore;
    use tfjs_artifacts::{Error, ErrorKind, Operation};
    use tfjs_router::{ModelUrl, Route};

    use crate::bucket::Bucket;
    use crate::error::store_error;

    /// The route of a cloud, whose URLs begin with a bucket.
    pub(super) fn route(
        scheme: &'static str,
        build: impl Fn(&str) -> object_store::Result<Store> + Send + Sync + 'static,
    ) -> Route {
        let opened = Arc::new(Opened { scheme, build: Box::new(build), buckets: Mutex::default() });
        super::route_with(scheme, move |url| opened.open(url))
    }

    /// The client of a bucket.
    pub(super) struct Store {
        objects: Arc<dyn ObjectStore>,
        uploads: Option<Arc<dyn MultipartStore>>,
    }

    impl Store {
        /// One that keeps the parts of an upload until somebody ends it.
        #[cfg(any(feature = "s3", feature = "gcs"))]
        pub(super) fn that_forgets_nothing(store: impl ObjectStore + MultipartStore + Clone) -> Self {
            Self { objects: Arc::new(store.clone()), uploads: Some(Arc::new(store)) }
        }

        /// One that forgets blocks that were never committed, by itself.
        #[cfg(feature = "azure")]
        pub(super) fn that_forgets(store: impl ObjectStore) -> Self {
            Self { objects: Arc::new(store), uploads: None }
        }
    }

    type Build = Box<dyn Fn(&str) -> object_store::Result<Store> + Send + Sync>;

    /// The buckets that were used so far, with their connections.
    struct Opened {
        scheme: &'static str,
        build: Build,
        buckets: Mutex<BTreeMap<String, Bucket>>,
    }

    impl Opened {
        fn open(&self, url: &ModelUrl) -> Result<(Bucket, String), Error> {
            let (name, key) = url.rest().split_once('/').unwrap_or_else(|| (url.rest(), ""));
            self.check(name)?;
            let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(bucket) = buckets.get(name) {
                return Ok((bucket.clone(), key.to_owned()));
            }
            let root = format!("{}://{name}", self.scheme);
            let store = (self.build)(name).map_err(|error| store_error(error, Operation::Route, &root))?;
            let bucket = Bucket::of_cloud(store.objects, store.uploads, &root);
            buckets.insert(name.to_owned(), bucket.clone());
            Ok((bucket, key.to_owned()))
        }

        /// What is no bucket may be a password, so it is not repeated.
        fn check(&self, name: &str) -> Result<(), Error> {
            let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '$');
            if !name.is_empty() && name.chars().all(is_part) {
                return Ok(());
            }
            let message = format!(
                "a bucket must stand behind `{0}://`, as in `{0}://bucket/my-model`; credentials come from elsewhere",
                self.scheme
            );
            Err(Error::new(ErrorKind::InvalidUrl, message))
        }
    }
}
