//! Many loads, at once and one after the other.

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

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_thousand_loads_one_after_the_other() {
    let artifacts = crate::model_of(5000);
    let server = Server::of(Files::of_model(&artifacts)).await;
    let handler = tfjs_http::HttpHandler::from_url(&server.url("/m/model.json"), &client()).unwrap();
    // The connections of this server: other tests have theirs in the same process.
    let mut seen = Vec::new();
    let mut memory = Vec::new();
    for round in 0..1000 {
        handler.load(&LoadOptions::new()).await.unwrap();
        if round % 100 == 99 {
            server.forget_requests();
            seen.push(server.connections());
            memory.push(resident_kib());
        }
    }
    assert!(seen.iter().all(|connections| *connections <= 2), "{seen:?}");
    // Other tests run beside this one; a leak of one model a load would be 20 MB.
    let growth = memory.last().unwrap().saturating_sub(memory[0]);
    assert!(growth < 15 << 10, "{memory:?}");
}

/// Resident memory without files.
#[cfg(target_os = "linux")]
fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
