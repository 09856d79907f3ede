//! Many loads one after the other, in a process of their own whose sockets and memory can be counted.
#![cfg(target_os = "linux")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "http/server.rs"]
#[expect(dead_code, reason = "the other tests use all of it")]
mod server;

use server::{Files, Server};
use tfjs_http::{HttpClient, HttpHandler};
use tfjs_router::{LoadHandler as _, LoadOptions};
use tfjs_testkit::samples;

#[tokio::test]
async fn a_thousand_loads_leave_nothing_behind() {
    let server = Server::of(Files::of_model(&samples::many_shards(3))).await;
    let large =
        Server::of(Files::of_model(&samples::from_source(tfjs_testkit::FailingSource::new(vec![1; 20_000], 20_000))))
            .await;
    let client = HttpClient::new();
    let small = HttpHandler::from_url(&server.url("/m/model.json"), &client).unwrap();
    let large_handler = HttpHandler::from_url(&large.url("/m/model.json"), &client).unwrap();
    let mut seen = Vec::new();
    for round in 0..1000 {
        let options = if round % 2 == 0 { LoadOptions::new() } else { LoadOptions::lazy() };
        small.load(&options).await.unwrap();
        large_handler.load(&options).await.unwrap();
        if round % 100 == 99 {
            server.forget_requests();
            large.forget_requests();
            seen.push((descriptors(), resident_kib()));
        }
    }
    // Both ends of each connection are in this process; a leak of one in each load would be a thousand.
    let (first, last) = (seen[0], seen[seen.len() - 1]);
    assert!(last.0 <= first.0 + 10, "descriptors and memory: {seen:?}");
    // A leak of one model in each load would be 20 MB.
    assert!(last.1 <= first.1 + (8 << 10), "descriptors and memory: {seen:?}");
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Resident memory without files.
fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
