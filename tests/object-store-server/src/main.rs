//! Object stores for `cargo xtask`, on the loopback address.
//!
//! - `object-store-server s3 FOLDER`: S3's protocol, by s3s-fs. Each folder in it is a bucket.
//! - `object-store-server google MODELS`: the part of Google's protocol that object_store uses, in memory, with so many small models
//!   below `gs://bucket/models`.
//!
//! Prints `listening on http://127.0.0.1:PORT` and serves until it is killed. `GET /-/counts` tells what was asked so far.
#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test's server: a panic is how it fails, and its address is told"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::TryStreamExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::header::CONTENT_LENGTH;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tfjs_object_store_server::google::{self, Google};
use tokio::net::TcpListener;

const COUNTS: &str = "/-/counts";

/// What answers.
#[derive(Clone)]
enum Store {
    S3(S3Service),
    Google(Arc<Google>),
}

/// What was asked.
#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    lists: AtomicU64,
    /// Of bodies, to clients.
    sent_bytes: AtomicU64,
}

#[tokio::main]
async fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let store = match words.as_slice() {
        ["s3", folder] => s3(folder),
        ["google", models] => Store::Google(Arc::new(google_with(models.parse().unwrap()))),
        _ => panic!("usage: object-store-server s3 FOLDER | google MODELS"),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("listening on http://{}", listener.local_addr().unwrap());
    let counts = Arc::<Counts>::default();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (store, counts) = (store.clone(), Arc::clone(&counts));
        tokio::spawn(async move {
            let answer = service_fn(|request| answer(&store, &counts, request));
            // A client that goes away is no failure of the server's.
            let _ended =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

fn s3(folder: &str) -> Store {
    let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder).unwrap());
    builder.set_auth(SimpleAuth::from_single("test-key", "test-secret"));
    Store::S3(builder.build())
}

fn google_with(models: usize) -> Google {
    let google = Google::default();
    for index in 0..models {
        let request = Request::put(format!("/{}/models/m{index:06}/model.json", google::BUCKET))
            .header("authorization", format!("Bearer {}", google::TOKEN));
        let (head, ()) = request.body(()).unwrap().into_parts();
        google.answer(&head, Bytes::from_static(br#"{"modelTopology": {"node": []}}"#));
    }
    google
}

async fn answer(store: &Store, counts: &Counts, request: Request<Incoming>) -> Result<Response<Body>, s3s::StdError> {
    if request.uri().path() == COUNTS {
        return Ok(Response::new(Body::from(counts.told())));
    }
    let (is_head, query) = (request.method() == Method::HEAD, request.uri().query().unwrap_or_default());
    counts.requests.fetch_add(1, Ordering::Relaxed);
    counts.lists.fetch_add(u64::from(query.contains("list-type=2")), Ordering::Relaxed);
    let (head, body) = request.into_parts();
    let answer = match store {
        Store::S3(service) => service.call(Request::from_parts(head, body.into())).await.map_err(|_| "s3s failed")?,
        Store::Google(google) => {
            let body: Vec<_> = Body::from(body).try_collect().await?;
            google.answer(&head, body.concat().into()).map(Body::from)
        }
    };
    if !is_head {
        let told = answer.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let bytes = told.or_else(|| answer.body().size_hint().exact()).unwrap_or_default();
        counts.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
    }
    Ok(answer)
}

impl Counts {
    fn told(&self) -> String {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (requests, lists, sent) = (read(&self.requests), read(&self.lists), read(&self.sent_bytes));
        format!(r#"{{"requests": {requests}, "lists": {lists}, "sent_bytes": {sent}}}"#)
    }
}
