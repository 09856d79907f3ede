//! Many loads at once.

use tfjs_router::{LoadHandler as _, LoadOptions};
use tfjs_testkit::{assert_same_model, samples};

use crate::client;
use crate::server::{Files, Server};

#[tokio::test]
async fn a_hundred_loads_at_once() {
    let artifacts = samples::many_shards(12);
    let server = Server::of(Files::of_model(&artifacts)).await;
    let handler = tfjs_http::HttpHandler::from_url(&server.url("/m/model.json"), &client()).unwrap();
    let options = LoadOptions::new();
    let loaded = futures::future::try_join_all((0..100).map(|_| handler.load(&options))).await.unwrap();
    for loaded in &loaded {
        assert_same_model(loaded, &artifacts);
    }
    assert_eq!(server.requests().len(), 1300);
}
