//! Servers to talk to over sockets: one of S3's protocol, with a temporary folder behind it, and one of Google's, in memory.

use std::sync::Arc;

use futures::TryStreamExt as _;
use object_store::ObjectStore;
use object_store::aws::AmazonS3Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tempfile::TempDir;

use crate::loopback::{Dropped, Loopback, retry};

const BUCKET: &str = "bucket";

/// A server of S3's protocol.
pub(crate) struct Server {
    pub(crate) folder: Arc<TempDir>,
    pub(crate) loopback: Loopback,
}

impl Server {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        Self::over(Arc::new(folder))
    }

    /// Another server over the same folder.
    pub(crate) fn again(&self) -> Self {
        Self::over(Arc::clone(&self.folder))
    }

    fn over(folder: Arc<TempDir>) -> Self {
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single("test-key", "test-secret"));
        let service = builder.build();
        let loopback = Loopback::start(Arc::new(move |request| {
            let (service, (head, body)) = (service.clone(), request.into_parts());
            Box::pin(async move {
                let request = hyper::Request::from_parts(head, body.into());
                service.call(request).await.map_err(|_| Dropped)
            })
        }));
        Self { folder, loopback }
    }

    /// What reaches it.
    pub(crate) fn builder(&self) -> AmazonS3Builder {
        AmazonS3Builder::new()
            .with_endpoint(self.loopback.url())
            .with_allow_http(true)
            .with_region("us-east-1")
            .with_access_key_id("test-key")
            .with_secret_access_key("test-secret")
            .with_retry(retry())
    }

    /// Its bucket, through the client that the routes use.
    pub(crate) fn store(&self) -> Arc<dyn ObjectStore> {
        Self::bucket(self.builder())
    }

    /// The same, but bodies are not signed: without optimization that takes most of the time.
    pub(crate) fn store_for_much(&self) -> Arc<dyn ObjectStore> {
        Self::bucket(self.builder().with_unsigned_payload(true))
    }

    fn bucket(builder: AmazonS3Builder) -> Arc<dyn ObjectStore> {
        let connector = tfjs_object_store::RustlsConnector::new();
        Arc::new(builder.with_bucket_name(BUCKET).with_http_connector(connector).build().unwrap())
    }
}

/// A server of Google's protocol.
#[cfg(feature = "gcs")]
pub(crate) struct GoogleServer {
    pub(crate) google: Arc<tfjs_object_store_server::google::Google>,
    pub(crate) loopback: Loopback,
}

#[cfg(feature = "gcs")]
impl GoogleServer {
    pub(crate) fn start() -> Self {
        let google = Arc::<tfjs_object_store_server::google::Google>::default();
        let served = Arc::clone(&google);
        let loopback = Loopback::start(Arc::new(move |request| {
            let (google, (head, body)) = (Arc::clone(&served), request.into_parts());
            Box::pin(async move {
                let body: Vec<_> = s3s::Body::from(body).try_collect().await.map_err(|_| Dropped)?;
                Ok(google.answer(&head, body.concat().into()).map(s3s::Body::from))
            })
        }));
        Self { google, loopback }
    }

    /// What reaches it.
    pub(crate) fn builder(&self) -> object_store::gcp::GoogleCloudStorageBuilder {
        object_store::gcp::GoogleCloudStorageBuilder::new()
            .with_base_url(&self.loopback.url())
            .with_bearer_token(tfjs_object_store_server::google::TOKEN)
            .with_client_options(object_store::ClientOptions::new().with_allow_http(true))
            .with_retry(retry())
    }

    /// Its bucket, through the client that the routes use.
    pub(crate) fn store(&self) -> Arc<dyn ObjectStore> {
        let connector = tfjs_object_store::RustlsConnector::new();
        let builder =
            self.builder().with_bucket_name(tfjs_object_store_server::google::BUCKET).with_http_connector(connector);
        Arc::new(builder.build().unwrap())
    }
}
