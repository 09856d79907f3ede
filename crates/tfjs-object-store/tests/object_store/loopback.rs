//! A server on the loopback address, in a runtime of its own, with faults on request.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt as _;
use futures::future::BoxFuture;
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use object_store::{BackoffConfig, RetryConfig};
use s3s::Body;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// What answers requests when nothing goes wrong.
pub(crate) type Service =
    Arc<dyn Fn(Request<Incoming>) -> BoxFuture<'static, Result<Response<Body>, Dropped>> + Send + Sync>;

/// A running server.
pub(crate) struct Loopback {
    address: SocketAddr,
    pub(crate) faults: Arc<Faults>,
    runtime: Option<Runtime>,
}

/// How many of the next requests go wrong.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// Answered with 503 and `SlowDown`.
    pub(crate) busy: AtomicUsize,
    /// Not answered: the connection ends.
    pub(crate) dropped: AtomicUsize,
    /// Those that read weights get half of what their answer says that it has; then the connection ends.
    pub(crate) torn: AtomicUsize,
    /// Those that read weights get an answer that says that it is half as long.
    pub(crate) short: AtomicUsize,
    /// All: refused with this status and this code.
    pub(crate) refusal: Mutex<Option<(StatusCode, &'static str)>>,
    /// After so many good ones, all: answered with 500.
    pub(crate) broken_after: Mutex<Option<usize>>,
    pub(crate) requests: AtomicUsize,
}

impl Faults {
    /// Nothing goes wrong any more.
    #[cfg(feature = "gcs")]
    pub(crate) fn heal(&self) {
        for left in [&self.busy, &self.dropped, &self.torn, &self.short] {
            left.store(0, Ordering::SeqCst);
        }
        *self.refusal.lock().unwrap() = None;
        *self.broken_after.lock().unwrap() = None;
    }

    fn is_broken(&self) -> bool {
        match self.broken_after.lock().unwrap().as_mut() {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }
}

impl Loopback {
    pub(crate) fn start(service: Service) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let (address, faults) = (listener.local_addr().unwrap(), Arc::<Faults>::default());
        runtime.spawn(accept(listener, service, Arc::clone(&faults)));
        Self { address, faults, runtime: Some(runtime) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends at once: connections, requests and all.
    pub(crate) fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.kill();
    }
}

/// As often as clients do it, but without their patience.
pub(crate) fn retry() -> RetryConfig {
    let backoff =
        BackoffConfig { init_backoff: Duration::from_millis(5), max_backoff: Duration::from_millis(20), base: 2.0 };
    RetryConfig { backoff, max_retries: 3, retry_timeout: Duration::from_secs(20) }
}

async fn accept(listener: std::net::TcpListener, service: Service, faults: Arc<Faults>) {
    let listener = TcpListener::from_std(listener).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        let (service, faults) = (Arc::clone(&service), Arc::clone(&faults));
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
pub(crate) struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("injected: the connection ends")
    }
}

impl std::error::Error for Dropped {}

async fn answer(service: &Service, faults: &Faults, request: Request<Incoming>) -> Result<Response<Body>, Dropped> {
    faults.requests.fetch_add(1, Ordering::SeqCst);
    let take =
        |left: &AtomicUsize| left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
    let refusal = *faults.refusal.lock().unwrap();
    if let Some((status, code)) = refusal {
        return Ok(refused(status, code));
    }
    if faults.is_broken() {
        return Ok(refused(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"));
    }
    if take(&faults.busy) {
        return Ok(refused(StatusCode::SERVICE_UNAVAILABLE, "SlowDown"));
    }
    if take(&faults.dropped) {
        return Err(Dropped);
    }
    let reads_weights = request.method() == Method::GET && request.uri().path().contains("weights");
    let (is_torn, is_short) = (reads_weights && take(&faults.torn), reads_weights && take(&faults.short));
    let mut answer = service(request).await?;
    if is_torn || is_short {
        let bytes: Vec<_> = std::mem::take(answer.body_mut()).try_collect().await.map_err(|_| Dropped)?;
        let mut half = bytes.concat();
        half.truncate(half.len() / 2);
        if is_torn {
            *answer.body_mut() = Body::http_body(Torn(Some(half.into())));
        } else {
            answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(half.len()));
            *answer.body_mut() = half.into();
        }
    }
    Ok(answer)
}

fn refused(status: StatusCode, code: &str) -> Response<Body> {
    let body = format!("<?xml version='1.0'?><Error><Code>{code}</Code><Message>injected</Message></Error>");
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = status;
    answer
}

/// A body that breaks off.
struct Torn(Option<Bytes>);

impl http_body::Body for Torn {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        Poll::Ready(Some(self.0.take().map(Frame::data).ok_or(Dropped)))
    }
}
