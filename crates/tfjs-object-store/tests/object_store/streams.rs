//! Reading a model of a cloud from one end to the other, and otherwise: what is read ahead is what is there.

use std::num::NonZeroU64;
use std::sync::atomic::Ordering;

use futures::TryStreamExt as _;
use tfjs_artifacts::{ErrorKind, Sharding, WeightData};
use tfjs_object_store::ObjectStoreRoutes;
use tfjs_router::{LoadOptions, Router, SaveOptions};
use tfjs_testkit::{FailingSource, samples};

use crate::server::GoogleServer;
use crate::{is_weights, keys, put};

const URL: &str = "gs://bucket/models/m";
const LENGTH: usize = 20 << 20;

/// Bytes that tell where they are.
fn bytes() -> Vec<u8> {
    (0..u32::try_from(LENGTH / 4).unwrap()).flat_map(u32::to_le_bytes).collect()
}

/// A model in files of 3 MiB, opened lazily.
async fn open(server: &GoogleServer) -> WeightData {
    let routes = ObjectStoreRoutes::new().with_gcs(server.builder()).routes();
    let router = Router::builder().routes(routes).build().unwrap();
    let model = samples::from_source(FailingSource::new(bytes(), LENGTH as u64));
    let options = SaveOptions::new().with_sharding(Sharding::Bytes(NonZeroU64::new(3 << 20).unwrap()));
    router.save(&model, URL, &options).await.unwrap();
    let loaded = router.load(URL, &LoadOptions::lazy()).await.unwrap();
    loaded.weights.unwrap().data().clone()
}

#[tokio::test]
async fn windows_of_any_size_are_the_bytes_in_their_order() {
    let (server, expected) = (GoogleServer::start(), bytes());
    let data = open(&server).await;
    for window in [1 << 20, 4 << 20, 700_001, 150_000] {
        let pieces: Vec<_> = data.stream(window).try_collect().await.unwrap();
        assert!(pieces.concat() == expected, "windows of {window}");
    }
    // Slices end in other places than windows do.
    for start in (0..LENGTH as u64).step_by(1_400_000) {
        let end = (start + 1_400_000).min(LENGTH as u64);
        let pieces: Vec<_> = data.slice(start..end).unwrap().stream(1 << 20).try_collect().await.unwrap();
        let place = usize::try_from(start).unwrap()..usize::try_from(end).unwrap();
        assert!(pieces.concat() == expected[place], "{start}..{end}");
    }
}

#[tokio::test]
async fn what_jumps_about_reads_nothing_in_vain() {
    let (server, expected) = (GoogleServer::start(), bytes());
    let data = open(&server).await;
    let before = server.loopback.faults.requests.load(Ordering::SeqCst);
    for start in [9 << 20, 1 << 20, 15 << 20, 0] {
        let read = data.read(start as u64..start as u64 + (2 << 20)).await.unwrap();
        assert!(read == expected[start..start + (2 << 20)], "{start}");
    }
    // Two of the four lie in two files each.
    let asked = server.loopback.faults.requests.load(Ordering::SeqCst) - before;
    assert!(asked <= 6, "{asked} requests");
}

#[tokio::test]
async fn a_file_that_is_replaced_while_it_is_streamed_is_a_conflict() {
    let server = GoogleServer::start();
    let data = open(&server).await;
    let mut windows = data.stream(1 << 20);
    windows.try_next().await.unwrap();
    for key in keys(&server.store()).await.into_iter().filter(|key| is_weights(key)) {
        put(&server.store(), &key, vec![7; 3 << 20]).await;
    }
    let rest: Result<Vec<_>, _> = windows.try_collect().await;
    assert_eq!(rest.unwrap_err().kind(), ErrorKind::Conflict);
}
