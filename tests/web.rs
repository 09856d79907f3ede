//! The suite of all backends over HTTP: our client uploads to our server, which keeps models in a folder, and loads from it.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use tfjs_http::{HttpClient, RetryPolicy};
use tfjs_router::Router;
use tfjs_server::ServeOptions;
use tfjs_testkit::{Capabilities, Damage, Damaged, Harness};
use tfjs_tests::served::{app, damage};
use tokio::runtime::Builder;

/// A server over a temporary folder, started when it is first needed.
struct Web {
    folder: TempDir,
    address: OnceLock<SocketAddr>,
}

impl Web {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), address: OnceLock::new() }
    }

    /// Served from a thread of its own, which ends with the process.
    fn address(&self) -> SocketAddr {
        *self.address.get_or_init(|| {
            let app = app(self.folder.path());
            let (send, receive) = mpsc::channel();
            thread::spawn(move || {
                Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(async {
                    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                    send.send(listener.local_addr().unwrap()).unwrap();
                    tfjs_server::serve(listener, app, ServeOptions::new(), std::future::pending()).await;
                });
            });
            receive.recv().unwrap()
        })
    }

    /// The folder of the model that is saved at this URL.
    fn folder_of(&self, url: &str) -> PathBuf {
        let name = url.strip_prefix(&self.root()).unwrap().strip_suffix("/model.json").unwrap();
        self.folder.path().join(name.trim_start_matches('/'))
    }
}

#[async_trait::async_trait]
impl Harness for Web {
    fn router(&self) -> Router {
        let retry = RetryPolicy::new().with_backoff(Duration::from_millis(1), Duration::from_millis(10));
        let client = HttpClient::new().with_part_per_file().with_retry(retry);
        Router::builder().routes(tfjs_http::routes_with(&client)).build().unwrap()
    }

    /// A name is one segment on the server, so what cannot stand in one is replaced.
    fn url(&self, name: &str) -> String {
        format!("{}/{}/model.json", self.root(), name.replace('/', "~").replace('%', "$"))
    }

    fn root(&self) -> String {
        format!("http://{}", self.address())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all().without_management()
    }

    async fn damage(&self, url: &str, damaged_how: Damage) -> Damaged {
        damage(&self.folder_of(url), damaged_how);
        Damaged::Done
    }
}

fn tokio_block_on(future: impl Future<Output = ()>) {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future);
}

mod upload {
    tfjs_testkit::conformance_suite!(
        backend = "http:// (form uploads)",
        harness = super::Web::new(),
        block_on = super::tokio_block_on
    );
}
