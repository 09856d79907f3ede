//! An S3 server on the loopback address, with a temporary folder behind it and faults on request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use object_store::aws::AmazonS3Builder;
use object_store::{BackoffConfig, ObjectStore, RetryConfig};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const BUCKET: &str = "bucket";

/// A server, in a runtime of its own.
pub(crate) struct Server {
    folder: Arc<TempDir>,
    address: SocketAddr,
    pub(crate) faults: Arc<Faults>,
    runtime: Option<Runtime>,
}

/// How many of the next requests go wrong.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// Answered with 503.
    pub(crate) busy: AtomicUsize,
    /// Not answered: the connection ends.
    pub(crate) dropped: AtomicUsize,
    pub(crate) requests: AtomicUsize,
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
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let (address, faults) = (listener.local_addr().unwrap(), Arc::<Faults>::default());
        runtime.spawn(accept(listener, service, Arc::clone(&faults)));
        Self { folder, address, faults, runtime: Some(runtime) }
    }

    /// What reaches it.
    pub(crate) fn builder(&self) -> AmazonS3Builder {
        let backoff =
            BackoffConfig { init_backoff: Duration::from_millis(5), max_backoff: Duration::from_millis(20), base: 2.0 };
        AmazonS3Builder::new()
            .with_endpoint(format!("http://{}", self.address))
            .with_allow_http(true)
            .with_region("us-east-1")
            .with_access_key_id("test-key")
            .with_secret_access_key("test-secret")
            .with_retry(RetryConfig { backoff, max_retries: 3, retry_timeout: Duration::from_secs(20) })
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

    /// Ends at once: connections, requests and all.
    pub(crate) fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn accept(listener: std::net::TcpListener, service: S3Service, faults: Arc<Faults>) {
    let listener = TcpListener::from_std(listener).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        let (service, faults) = (service.clone(), Arc::clone(&faults));
        tokio::spawn(async move {
            let answer = service_fn(|request| answer(&service, &faults, request));
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
            // A client that goes away is no failure of the server's.
            let _ended = connection.await;
        });
    }
}

/// What ends a connection.
#[derive(Debug)]
struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("injected: the connection ends")
    }
}

impl std::error::Error for Dropped {}

async fn answer(
    service: &S3Service,
    faults: &Faults,
    request: Request<Incoming>,
) -> Result<Response<s3s::Body>, Dropped> {
    faults.requests.fetch_add(1, Ordering::SeqCst);
    let take =
        |left: &AtomicUsize| left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
    if take(&faults.busy) {
        let mut busy = Response::new(s3s::Body::empty());
        *busy.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        return Ok(busy);
    }
    if take(&faults.dropped) {
        return Err(Dropped);
    }
    let (parts, body) = request.into_parts();
    service.call(Request::from_parts(parts, body.into())).await.map_err(|_| Dropped)
}
