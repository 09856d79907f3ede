//! Weights that are read when they are used.

use std::time::Duration;

use futures::TryStreamExt as _;
use tfjs_artifacts::{ErrorKind, ModelArtifacts, WeightData};
use tfjs_router::{LoadOptions, Router, SaveOptions};
use tfjs_testkit::{assert_same_model, samples};

use crate::faults::gzip;
use crate::server::{End, Files, Reply, Server};
use crate::{client, load_lazily, model_of};

const JSON: &str = "/m/model.json";
const WEIGHTS: &str = "/m/model.weights.bin";

/// Large enough to be streamed in several windows.
const VALUES: u16 = 60_000;

async fn in_memory(mut artifacts: ModelArtifacts) -> ModelArtifacts {
    let weights = artifacts.weights.take().unwrap();
    artifacts.weights = Some(weights.load(|_| ()).await.unwrap());
    artifacts
}

async fn streamed(data: &WeightData, window: usize) -> Vec<u8> {
    data.stream(window).try_collect::<Vec<_>>().await.unwrap().concat()
}

fn data(artifacts: &ModelArtifacts) -> &WeightData {
    artifacts.weights.as_ref().unwrap().data()
}

fn gets(server: &Server) -> usize {
    server.requests().iter().filter(|request| request.method == "GET" && request.path() == WEIGHTS).count()
}

#[tokio::test]
async fn a_lazy_model_reads_nothing_until_it_is_used() {
    for artifacts in [samples::everything(), samples::many_shards(40), samples::with_tensors([])] {
        let server = Server::of(Files::of_model(&artifacts)).await;
        let lazy = load_lazily(&server.url(JSON), &client()).await.unwrap();
        let gets = server.requests().iter().filter(|request| request.method == "GET").count();
        assert_eq!(gets, 1, "model.json alone");
        assert_same_model(&in_memory(lazy).await, &artifacts);
    }
}

#[tokio::test]
async fn a_range_is_one_request() {
    let artifacts = model_of(VALUES);
    let server = Server::of(Files::of_model(&artifacts)).await;
    let lazy = load_lazily(&server.url(JSON), &client()).await.unwrap();
    server.forget_requests();
    let read = data(&lazy).read(1000..1008).await.unwrap();
    assert_eq!(read, data(&artifacts).read(1000..1008).await.unwrap());
    let requests = server.requests();
    assert_eq!((requests.len(), requests[0].header("range")), (1, Some("bytes=1000-1007")));
    assert!(requests[0].header("if-range").is_some());
}

#[tokio::test]
async fn a_stream_goes_on_in_one_answer() {
    let artifacts = model_of(VALUES);
    let server = Server::of(Files::of_model(&artifacts)).await;
    let lazy = load_lazily(&server.url(JSON), &client()).await.unwrap();
    let all = streamed(data(&lazy), 10_000).await;
    assert_eq!(all, data(&artifacts).read(0..data(&artifacts).byte_length()).await.unwrap());
    assert!(gets(&server) <= 2, "{} requests", gets(&server));
}

#[tokio::test]
async fn a_server_without_ranges_sends_each_file_once() {
    let artifacts = model_of(VALUES);
    let files = Files::of_model(&artifacts);
    let server = Server::start(move |request| files.answer_plainly(request)).await;
    let lazy = load_lazily(&server.url(JSON), &client()).await.unwrap();
    let all = streamed(data(&lazy), 70_000).await;
    assert_eq!(all, data(&artifacts).read(0..data(&artifacts).byte_length()).await.unwrap());
    assert_eq!(gets(&server), 1);
    // Backwards is possible, at a price.
    let read = data(&lazy).read(4..8).await.unwrap();
    assert_eq!(*read, 1f32.to_le_bytes());
}

#[tokio::test]
async fn lengths_are_learnt_where_head_is_refused() {
    for status in [403, 404, 405, 501] {
        let artifacts = model_of(1000);
        let files = Files::of_model(&artifacts);
        let server =
            Server::start(
                move |request| {
                    if request.method == "HEAD" { Reply::new(status, "") } else { files.answer(request) }
                },
            )
            .await;
        let lazy = load_lazily(&server.url(JSON), &client()).await.unwrap();
        assert!(!data(&lazy).is_in_memory());
        assert_same_model(&in_memory(lazy).await, &artifacts);
    }
}

#[tokio::test]
async fn where_no_length_is_told_the_specs_tell_it_or_the_file_is_read() {
    for artifacts in [model_of(1000), samples::many_shards(3)] {
        let files = Files::of_model(&artifacts);
        let server = Server::start(move |request| files.answer_plainly(request).ending(End::Chunked)).await;
        let lazy = load_lazily(&server.url(JSON), &client()).await.unwrap();
        assert_same_model(&in_memory(lazy).await, &artifacts);
    }
}

/// Some servers have nothing but compressed files, and send those, or parts of those, whatever is asked for.
#[tokio::test]
async fn gzip_that_nobody_asked_for_is_read_whole() {
    for has_ranges in [false, true] {
        for artifacts in [model_of(1000), samples::many_shards(3)] {
            let files = Files::of_model(&artifacts);
            let server = Server::start(move |request| {
                let body = gzip(&files.get(request.path()).unwrap());
                let reply = match request.range(body.len()).filter(|_| has_ranges) {
                    Some((start, end)) => Reply::new(206, &body[start..end])
                        .with("content-range", &format!("bytes {start}-{}/{}", end - 1, body.len())),
                    None => Reply::ok(body),
                };
                reply.with("content-encoding", "gzip")
            })
            .await;
            let lazy = load_lazily(&server.url(JSON), &client()).await.unwrap();
            assert_same_model(&in_memory(lazy).await, &artifacts);
        }
    }
}

#[tokio::test]
async fn an_encoding_that_nobody_asked_for_is_named() {
    for has_ranges in [false, true] {
        let files = Files::of_model(&model_of(1000));
        let server = Server::start(move |request| {
            let good = if has_ranges { files.answer(request) } else { files.answer_plainly(request) };
            if request.path() == WEIGHTS { good.with("content-encoding", "br") } else { good }
        })
        .await;
        let loaded = load_lazily(&server.url(JSON), &client()).await;
        let error = match loaded {
            Ok(lazy) => data(&lazy).read(0..8).await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(
            error.message().contains("the content encoding `br`, which nobody asked for; switch it off"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_page_of_untold_length_in_place_of_a_shard() {
    let files = Files::of_model(&model_of(1000));
    let page = format!("<!DOCTYPE html><title>Home</title>{:2000}", "");
    files.put(WEIGHTS, page);
    let server = Server::start(move |request| {
        files.answer_plainly(request).with("content-type", "text/html").ending(End::Chunked)
    })
    .await;
    let error = load_lazily(&server.url(JSON), &client()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
    assert!(error.message().contains("shard `model.weights.bin` looks like an HTML"), "{error}");
}

#[tokio::test]
async fn a_short_file_of_untold_length() {
    let files = Files::of_model(&model_of(1000));
    files.put(WEIGHTS, "not here");
    let server = Server::start(move |request| {
        files.answer_plainly(request).with("content-type", "text/plain").ending(End::Chunked)
    })
    .await;
    let lazy = load_lazily(&server.url(JSON), &client()).await.unwrap();
    server.forget_requests();
    let error = data(&lazy).read(0..4000).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
    assert_eq!(error.message(), "the body ended 3992 bytes early; it was answered with 200 OK (text/plain)");
    assert_eq!(server.requests().len(), 1, "a whole answer is not asked for again");
}

/// Of an answer that was left open, nobody knows whether this is its end.
#[tokio::test]
async fn an_answer_that_ends_while_it_is_left_open_is_asked_for_again() {
    let artifacts = model_of(VALUES);
    let files = Files::of_model(&artifacts);
    let server = Server::start(move |request| {
        let good = files.answer_plainly(request);
        if request.path() == JSON {
            return good;
        }
        // The first one ends after the first read.
        let first = request.method == "GET" && request.range(usize::MAX) == Some((0, 100_000)) && request.earlier == 1;
        let length = if first { 100_000 } else { good.body.len() };
        Reply { body: good.body[..length].to_vec(), ..good }.ending(End::Close)
    })
    .await;
    let lazy = load_lazily(&server.url(JSON), &client()).await.unwrap();
    for range in [0..100_000, 100_000..200_000] {
        let read = data(&lazy).read(range.clone()).await.unwrap();
        assert_eq!(read, data(&artifacts).read(range).await.unwrap());
    }
}

#[tokio::test]
async fn a_look_says_what_went_wrong_and_how_often() {
    let files = Files::of_model(&model_of(1000));
    let server = Server::start(move |request| match request.path() {
        WEIGHTS => Reply::ok("").of_length(4000).ending(End::Stall(0)),
        _ => files.answer(request),
    })
    .await;
    let client = client().with_idle_timeout(Duration::from_millis(100));
    let lazy = load_lazily(&server.url(JSON), &client).await.unwrap();
    let error = data(&lazy).read(0..8).await.unwrap_err();
    assert_eq!(error.message(), "nothing came from the server for 100ms (attempt 2)");
    let error = load_lazily("http://127.0.0.1:1/m/model.json", &client).await.unwrap_err();
    assert!(error.message().starts_with("cannot connect to the server"), "{error}");
}

#[tokio::test]
async fn a_file_that_changes_is_an_error_and_no_mixture() {
    let files = Files::of_model(&model_of(VALUES));
    let server = Server::of(files.clone()).await;
    let lazy = load_lazily(&server.url(JSON), &client()).await.unwrap();
    data(&lazy).read(0..100).await.unwrap();
    files.put(WEIGHTS, vec![7; usize::from(VALUES) * 4]);
    let error = data(&lazy).read(100..200).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("was changed after the model was loaded"), "{error}");
}

/// `HEAD` tells no validator, so the first answer's counts.
#[tokio::test]
async fn a_file_whose_validator_is_told_late_does_not_mix_either() {
    let files = Files::of_model(&model_of(VALUES));
    let plain = files.clone();
    let server = Server::start(move |request| match &*request.method {
        "HEAD" => plain.answer_plainly(request),
        _ => plain.answer(request),
    })
    .await;
    let lazy = load_lazily(&server.url(JSON), &client()).await.unwrap();
    data(&lazy).read(0..100).await.unwrap();
    files.put(WEIGHTS, vec![7; usize::from(VALUES) * 4]);
    assert_eq!(data(&lazy).read(100..200).await.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn a_part_that_does_not_say_which_is_refused() {
    let files = Files::of_model(&model_of(VALUES));
    let server = Server::start(move |request| match (&*request.method, request.header("range")) {
        ("GET", Some(_)) => Reply::new(206, files.get(WEIGHTS).unwrap()),
        _ => files.answer(request),
    })
    .await;
    let lazy = load_lazily(&server.url(JSON), &client()).await.unwrap();
    let error = data(&lazy).read(100..200).await.unwrap_err();
    assert!(error.to_string().contains("does not say which"), "{error}");
}

/// An answer to `If-Range` that is whole and has no validator is of nobody knows which version.
#[tokio::test]
async fn a_whole_answer_to_if_range_has_to_show_its_version() {
    let files = Files::of_model(&model_of(VALUES));
    let server = Server::start(move |request| match request.header("range") {
        Some(_) => Reply::ok(files.get(WEIGHTS).unwrap()),
        None => files.answer(request),
    })
    .await;
    let lazy = load_lazily(&server.url(JSON), &client()).await.unwrap();
    assert_eq!(data(&lazy).read(100..200).await.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn a_file_that_shrinks_is_an_error() {
    let files = Files::of_model(&model_of(VALUES));
    let plain = files.clone();
    let server = Server::start(move |request| plain.answer_plainly(request)).await;
    let lazy = load_lazily(&server.url(JSON), &client()).await.unwrap();
    files.put(WEIGHTS, vec![7; 5]);
    assert_eq!(data(&lazy).read(0..8).await.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn a_read_that_breaks_off_is_resumed() {
    let artifacts = model_of(VALUES);
    let files = Files::of_model(&artifacts);
    let server = Server::start(move |request| {
        let good = files.answer(request);
        // Every other answer breaks off.
        let breaks = request.method == "GET" && request.path() == WEIGHTS && request.earlier.is_multiple_of(2);
        if breaks { good.ending(End::Cut(30_001)) } else { good }
    })
    .await;
    let lazy = load_lazily(&server.url(JSON), &client()).await.unwrap();
    let all = streamed(data(&lazy), 50_000).await;
    assert_eq!(all, data(&artifacts).read(0..data(&artifacts).byte_length()).await.unwrap());
}

#[tokio::test]
async fn an_answer_that_breaks_off_behind_its_last_byte_has_given_all() {
    let artifacts = model_of(VALUES);
    let files = Files::of_model(&artifacts);
    let server = Server::start(move |request| {
        let good = files.answer(request);
        let length = good.body.len();
        let is_part = request.method == "GET" && request.path() == WEIGHTS;
        if is_part { good.of_length(length as u64 + 1).ending(End::Cut(length)) } else { good }
    })
    .await;
    let lazy = load_lazily(&server.url(JSON), &client()).await.unwrap();
    let read = data(&lazy).read(1000..5000).await.unwrap();
    assert_eq!(read, data(&artifacts).read(1000..5000).await.unwrap());
    assert_eq!(gets(&server), 1);
}

#[tokio::test]
async fn missing_shards_are_found_missing_at_once() {
    let files = Files::of_model(&model_of(1000));
    files.remove(WEIGHTS);
    let server = Server::of(files).await;
    let error = load_lazily(&server.url(JSON), &client()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("shard `model.weights.bin`"), "{error}");
}

#[tokio::test]
async fn shards_of_the_wrong_length_are_found_at_once() {
    for length in [3999, 4001] {
        let files = Files::of_model(&model_of(1000));
        files.put(WEIGHTS, vec![0; length]);
        let server = Server::of(files).await;
        let error = load_lazily(&server.url(JSON), &client()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
    }
}

#[tokio::test]
async fn reads_at_the_same_time_do_not_disturb_each_other() {
    let artifacts = model_of(VALUES);
    let server = Server::of(Files::of_model(&artifacts)).await;
    let lazy = load_lazily(&server.url(JSON), &client()).await.unwrap();
    let reads = (0..20u64).map(|i| data(&lazy).read(i * 7000..i * 7000 + 6500));
    let read = futures::future::try_join_all(reads).await.unwrap();
    for (i, bytes) in (0..20u64).zip(read) {
        assert_eq!(bytes, data(&artifacts).read(i * 7000..i * 7000 + 6500).await.unwrap());
    }
}

#[tokio::test]
async fn a_copy_to_the_disk_asks_for_each_file_few_times() {
    let artifacts = model_of(VALUES);
    let server = Server::of(Files::of_model(&artifacts)).await;
    let folder = tempfile::tempdir().unwrap();
    let router = Router::builder().routes(tfjs_http::routes()).routes(tfjs_fs::routes()).build().unwrap();
    let to = folder.path().join("copy");
    let (load, save) = (LoadOptions::new(), SaveOptions::new());
    router.copy_model(&server.url(JSON), to.to_str().unwrap(), &load, &save).await.unwrap();
    let copied = router.load(to.to_str().unwrap(), &load).await.unwrap();
    assert_same_model(&copied, &artifacts);
    // One looks at the beginning.
    assert!(gets(&server) <= 2, "{} requests", gets(&server));
}

/// What was loaded in a runtime may be read where there is none: by an executor of another kind, or when the runtime has ended.
#[test]
fn a_read_without_a_runtime_is_an_error_and_no_panic() {
    let refused = |lazy: &ModelArtifacts, range| {
        let error = tfjs_testkit::block_on(data(lazy).read(range)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let message = format!("{error}");
        assert!(message.starts_with("cannot read `http://") && message.contains("Tokio runtime"), "{message}");
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let artifacts = model_of(VALUES);
    for client in [client(), client().with_total_timeout(Duration::from_mins(1))] {
        let server = runtime.block_on(Server::of(Files::of_model(&artifacts)));
        let lazy = runtime.block_on(load_lazily(&server.url(JSON), &client)).unwrap();
        refused(&lazy, 0..8);
        // Leaves an answer open, of which the next read takes its bytes.
        runtime.block_on(data(&lazy).read(0..70_000)).unwrap();
        runtime.block_on(data(&lazy).read(70_000..140_000)).unwrap();
        refused(&lazy, 140_000..240_000);
        let all = runtime.block_on(data(&lazy).read(0..240_000)).unwrap();
        assert_eq!(all, tfjs_testkit::block_on(data(&artifacts).read(0..240_000)).unwrap());
    }
}
