//! Weights that are read when they are used.

use futures::TryStreamExt as _;
use tfjs_artifacts::{ErrorKind, ModelArtifacts, WeightData};
use tfjs_router::{LoadOptions, Router, SaveOptions};
use tfjs_testkit::{assert_same_model, samples};

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
