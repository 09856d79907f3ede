//! The suite of all backends, against a server that keeps what is put to it.

use std::sync::OnceLock;

use tfjs_router::Router;
use tfjs_testkit::{Capabilities, Damage, Damaged, Harness};

use crate::client;
use crate::server::{Files, Reply, Server};

/// A server that is started when it is first needed, which is inside a runtime.
#[derive(Default)]
struct Web {
    files: Files,
    port: OnceLock<u16>,
}

impl Web {
    /// Serves from a thread of its own, so that each test needs no more than its URL.
    fn port(&self) -> u16 {
        *self.port.get_or_init(|| {
            let files = self.files.clone();
            let (send, receive) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async move {
                    let server = Server::start(move |request| match &*request.method {
                        "PUT" => {
                            files.put(request.path(), request.body.clone());
                            Reply::new(201, "")
                        }
                        _ => files.answer(request),
                    })
                    .await;
                    send.send(server.url("/").rsplit(':').next().unwrap().trim_end_matches('/').parse().unwrap())
                        .unwrap();
                    std::future::pending::<()>().await;
                });
            });
            receive.recv().unwrap()
        })
    }

    /// The paths of a model's files: its JSON, and what is beside it.
    fn weights_of(&self, url: &str) -> String {
        let json = self.path_of(url);
        let manifest = String::from_utf8(self.files.get(&json).unwrap()).unwrap();
        let folder = json.strip_suffix("model.json").unwrap();
        let named =
            |path: &String| path.strip_prefix(folder).is_some_and(|name| manifest.contains(&format!("\"{name}\"")));
        self.files.paths().into_iter().find(named).unwrap()
    }

    fn path_of(&self, url: &str) -> String {
        let url = url.strip_prefix(&format!("http://127.0.0.1:{}", self.port())).unwrap();
        url.to_owned()
    }
}

#[async_trait::async_trait]
impl Harness for Web {
    fn router(&self) -> Router {
        Router::builder().routes(tfjs_http::routes_with(&client().with_put_per_file())).build().unwrap()
    }

    fn url(&self, name: &str) -> String {
        format!("{}/{}/model.json", self.root(), name.replace('%', "%25"))
    }

    fn root(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all().without_management()
    }

    async fn damage(&self, url: &str, damage: Damage) -> Damaged {
        let json = self.path_of(url);
        let change = |change: &dyn Fn(&mut Vec<u8>)| {
            let path = self.weights_of(url);
            let mut bytes = self.files.get(&path).unwrap();
            change(&mut bytes);
            self.files.put(&path, bytes);
        };
        match damage {
            Damage::ShortenWeights => change(&|bytes| bytes.truncate(bytes.len() - 1)),
            Damage::LengthenWeights => change(&|bytes| bytes.push(0)),
            Damage::ChangeWeights => change(&|bytes| *bytes.last_mut().unwrap() ^= 1),
            Damage::RemoveWeights => self.files.remove(&self.weights_of(url)),
            Damage::WeightsAreHtml => change(&|bytes| bytes[..15].copy_from_slice(b"<!DOCTYPE html>")),
            Damage::ReplaceJson(text) => self.files.put(&json, text),
            Damage::TruncateJson => {
                let text = self.files.get(&json).unwrap();
                self.files.put(&json, text.split_at(text.len() / 2).0);
            }
            other => panic!("no such damage here: {other:?}"),
        }
        Damaged::Done
    }
}

fn tokio_block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future);
}

mod put_per_file {
    tfjs_testkit::conformance_suite!(
        backend = "http:// (a PUT for each file)",
        harness = super::Web::default(),
        block_on = super::tokio_block_on
    );
}
