//! What servers and networks do wrong, one test each.

use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tfjs_artifacts::{Error, ErrorKind, Limit, Limits, Shape, SurplusBytes};
use tfjs_http::{HttpHandler, RetryPolicy};
use tfjs_router::{LoadHandler as _, LoadOptions, Phase, Progress, ProgressSink};
use tfjs_testkit::{assert_same_model, samples};
use tfjs_weights::Tensor;

use crate::server::{End, Files, Reply, Request, Server};
use crate::{client, load, load_lazily, load_with, model_of};

const JSON: &str = "/m/model.json";
const WEIGHTS: &str = "/m/model.weights.bin";
const HTML: &str = "<!DOCTYPE html><html><body>Not found</body></html>";

/// A server that answers requests for one path with this, and is good otherwise.
async fn server_but(
    path: &'static str,
    files: Files,
    reply: impl Fn(&Request, Reply) -> Reply + Send + Sync + 'static,
) -> Server {
    Server::start(move |request| {
        let good = files.answer(request);
        if request.path() == path { reply(request, good) } else { good }
    })
    .await
}

/// The error of a load whose answers for `path` are these.
async fn error_of(
    path: &'static str,
    reply: impl Fn(&Request, Reply) -> Reply + Send + Sync + 'static,
) -> (Error, Server) {
    let server = server_but(path, Files::of_model(&model_of(1000)), reply).await;
    let error = load(&server.url(&format!("{JSON}?token=secret"))).await.unwrap_err();
    assert!(!format!("{error:?} {}", error.chain()).contains("secret"), "{error:?}");
    assert!(error.location().unwrap().as_str().ends_with(path), "{error:?}");
    (error, server)
}

#[track_caller]
fn assert_says(error: &Error, kind: ErrorKind, words: &[&str]) {
    let text = error.chain().to_string();
    assert_eq!(error.kind(), kind, "{text}");
    for word in words {
        assert!(text.contains(word), "{word} is not in: {text}");
    }
}

/// A load that succeeds although the first answer for the weights is this; returns the requests for them.
async fn recovers(reply: impl Fn(&Request, Reply) -> Reply + Send + Sync + 'static) -> Vec<Request> {
    let artifacts = model_of(1000);
    let server = server_but(WEIGHTS, Files::of_model(&artifacts), move |request, good| {
        if request.earlier == 0 { reply(request, good) } else { good }
    })
    .await;
    assert_same_model(&load(&server.url(JSON)).await.unwrap(), &artifacts);
    server.requests().into_iter().filter(|request| request.path() == WEIGHTS).collect()
}

#[tokio::test]
async fn model_json_answered_with_404() {
    let (error, server) = error_of(JSON, |_, _| Reply::new(404, HTML).with("content-type", "text/html")).await;
    assert_says(&error, ErrorKind::NotFound, &["404 Not Found (text/html)", "looks like an HTML or XML page"]);
    assert_eq!(server.requests().len(), 1, "a 404 is not asked for again");
}

#[tokio::test]
async fn model_json_answered_with_403() {
    let (error, server) = error_of(JSON, |_, _| Reply::new(403, "{\"error\":\"denied\"}")).await;
    assert_says(&error, ErrorKind::PermissionDenied, &["403 Forbidden", "server's JSON error message"]);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn model_json_answered_with_500() {
    let (error, server) = error_of(JSON, |_, _| Reply::new(500, "oops")).await;
    assert_says(&error, ErrorKind::Transport, &["500 Internal Server Error"]);
    assert!(error.is_transient());
    assert_eq!(server.requests().len(), 3, "it is asked for as often as allowed");
}

#[tokio::test]
async fn model_json_answered_with_501() {
    let (error, server) = error_of(JSON, |_, _| Reply::new(501, "")).await;
    assert_says(&error, ErrorKind::Unsupported, &["501"]);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn one_shard_answered_with_404() {
    let (error, _) = error_of(WEIGHTS, |_, _| Reply::new(404, HTML).with("content-type", "text/html")).await;
    assert_says(&error, ErrorKind::NotFound, &["shard `model.weights.bin`", "404 Not Found (text/html)", "HTML"]);
}

#[tokio::test]
async fn one_shard_answered_with_403() {
    let (error, _) = error_of(WEIGHTS, |_, _| Reply::new(403, "")).await;
    assert_says(&error, ErrorKind::PermissionDenied, &["shard `model.weights.bin`", "403"]);
}

#[tokio::test]
async fn one_shard_answered_with_500() {
    let (error, _) = error_of(WEIGHTS, |_, _| Reply::new(500, "")).await;
    assert_says(&error, ErrorKind::Transport, &["shard `model.weights.bin`", "500"]);
}

#[tokio::test]
async fn one_shard_answered_with_500_once() {
    recovers(|_, _| Reply::new(500, "")).await;
}

#[tokio::test]
async fn html_with_status_200_in_place_of_model_json() {
    let (error, _) = error_of(JSON, |_, _| Reply::ok(HTML).with("content-type", "text/html")).await;
    assert_says(&error, ErrorKind::InvalidData, &["looks like an HTML"]);
}

#[tokio::test]
async fn html_with_status_200_in_place_of_a_shard() {
    let (error, server) = error_of(WEIGHTS, |_, _| Reply::ok(HTML).with("content-type", "text/html")).await;
    let words = ["shard `model.weights.bin` has 50 bytes", "need 4000", "200 OK (text/html)", "looks like an HTML"];
    assert_says(&error, ErrorKind::InvalidData, &words);
    assert_eq!(server.requests().len(), 2, "a whole answer is not asked for again");
}

#[tokio::test]
async fn long_html_with_status_200_in_place_of_a_shard() {
    let page = HTML.repeat(1000);
    let (error, _) = error_of(WEIGHTS, move |_, _| Reply::ok(page.clone()).with("content-type", "text/html")).await;
    let words =
        ["shard `model.weights.bin` has 50000 bytes, but may have 4000", "200 OK (text/html)", "looks like an HTML"];
    assert_says(&error, ErrorKind::InvalidData, &words);
}

#[tokio::test]
async fn html_as_long_as_the_shard() {
    let (error, _) = {
        let page = format!("{HTML:4000}");
        let server = server_but(WEIGHTS, Files::of_model(&model_of(1000)), move |_, _| Reply::ok(page.clone())).await;
        (load(&server.url(JSON)).await.unwrap_err(), server)
    };
    assert_says(&error, ErrorKind::InvalidData, &["shard `model.weights.bin`", "looks like an HTML"]);
}

#[tokio::test]
async fn a_git_lfs_pointer_in_place_of_a_shard() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4000\n";
    let (error, _) = error_of(WEIGHTS, move |_, _| Reply::ok(pointer)).await;
    assert_says(&error, ErrorKind::InvalidData, &["git lfs pull"]);
}

#[tokio::test]
async fn one_of_several_shards_is_short() {
    let artifacts = samples::many_shards(9);
    let server = server_but("/m/group1-shard4of9.bin", Files::of_model(&artifacts), |_, _| Reply::ok("<html>")).await;
    let error = load(&server.url(JSON)).await.unwrap_err();
    assert_says(&error, ErrorKind::InvalidData, &["9 shards have 62 bytes", "need 63", "`group1-shard4of9.bin`"]);
}

#[tokio::test]
async fn a_short_body_is_resumed() {
    let requests = recovers(|_, good| good.ending(End::Cut(1234))).await;
    assert_eq!(requests[1].header("range"), Some("bytes=1234-"));
    assert_eq!(requests[1].header("accept-encoding"), Some("identity"));
    assert!(requests[1].header("if-range").is_some());
}

#[tokio::test]
async fn a_body_that_is_always_short() {
    let (error, server) = error_of(WEIGHTS, |request, good| match request.range(4000) {
        Some(_) => good.ending(End::Cut(1)),
        None => good.ending(End::Cut(100)),
    })
    .await;
    assert_says(&error, ErrorKind::Transport, &["shard `model.weights.bin`", "102 of 4000 bytes"]);
    assert!(
        error.message().contains("(102 of 4000 bytes were received) cannot be read: the body breaks off"),
        "{error}"
    );
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_short_body_without_a_validator_starts_again() {
    let plain = |reply: Reply| Reply { headers: Vec::new(), ..reply };
    let requests = recovers(move |_, good| plain(good).ending(End::Cut(1234))).await;
    assert_eq!(requests[1].header("range"), None);
}

#[tokio::test]
async fn a_date_serves_as_a_validator_if_it_is_old_enough() {
    for (now, resumes) in [("Sun, 06 Nov 1994 08:49:38 GMT", true), ("Sun, 06 Nov 1994 08:49:37 GMT", false)] {
        let requests = recovers(move |_, good| {
            let dated = Reply { headers: Vec::new(), ..good }.with("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT");
            dated.with("date", now).ending(End::Cut(1234))
        })
        .await;
        assert_eq!(requests[1].header("range").is_some(), resumes);
    }
}

#[tokio::test]
async fn a_reset_body_is_resumed() {
    let requests = recovers(|_, good| good.ending(End::Reset(1234))).await;
    assert_eq!(requests.len(), 2);
}

#[tokio::test]
async fn a_stalled_body_is_resumed() {
    let artifacts = model_of(1000);
    let server = server_but(WEIGHTS, Files::of_model(&artifacts), |request, good| match request.earlier {
        0 => good.ending(End::Stall(1234)),
        _ => good,
    })
    .await;
    let client = client().with_idle_timeout(Duration::from_secs(1));
    assert_same_model(&load_with(&server.url(JSON), &client).await.unwrap(), &artifacts);
    assert_eq!(server.requests()[2].header("range"), Some("bytes=1234-"));
}

#[tokio::test]
async fn a_server_that_never_answers() {
    let (server, client) = (
        Server::start(|_| Reply::ok("").of_length(9).ending(End::Stall(0))).await,
        client().with_idle_timeout(Duration::from_millis(100)),
    );
    let error = load_with(&server.url(JSON), &client).await.unwrap_err();
    assert_says(&error, ErrorKind::Timeout, &["nothing came from the server for 100ms (attempt 2)"]);
    assert_eq!(server.requests().len(), 2, "who is silent twice is not asked a third time");
}

/// A wait for what comes is worth it as long as something does.
#[tokio::test]
async fn a_body_that_always_stalls() {
    let stall = |more: bool| {
        let files = Files::of_model(&model_of(1000));
        server_but(WEIGHTS, files, move |request, good| match (request.range(4000), more) {
            (Some(_), true) => good.ending(End::Stall(10)),
            (Some(_), false) => good.ending(End::Stall(0)),
            (None, _) => good.ending(End::Stall(100)),
        })
    };
    let client = client().with_idle_timeout(Duration::from_millis(200));
    for (more, attempt, received) in [(true, 3, 120), (false, 2, 100)] {
        let server = stall(more).await;
        let error = load_with(&server.url(JSON), &client).await.unwrap_err();
        let message = format!(
            "shard `model.weights.bin` ({received} of 4000 bytes were received) cannot be read: \
             nothing came from the server for 200ms (attempt {attempt})"
        );
        assert_eq!((error.message(), error.kind()), (&*message, ErrorKind::Timeout));
        assert_eq!(server.requests().len(), 1 + attempt);
    }
}

/// Without a validator each answer begins anew, and need not bring as much as the one before.
#[tokio::test]
async fn a_body_that_stalls_earlier_each_time() {
    let files = Files::of_model(&model_of(1000));
    let server = server_but(WEIGHTS, files, |request, good| {
        let without_validator = Reply { headers: Vec::new(), ..good };
        without_validator.ending(End::Stall(100 - 10 * request.earlier))
    })
    .await;
    let client = client().with_idle_timeout(Duration::from_millis(100));
    let error = load_with(&server.url(JSON), &client).await.unwrap_err();
    assert_says(&error, ErrorKind::Timeout, &["nothing came from the server for 100ms (attempt 3)"]);
}

/// What a gateway says at once is no silence.
#[tokio::test]
async fn a_gateway_that_gives_up_is_asked_as_often_as_others() {
    let server = Server::start(|_| Reply::new(504, "")).await;
    let error = load_with(&server.url(JSON), &client()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_load_that_takes_longer_than_it_may() {
    let server = Server::start(|_| Reply::ok("").of_length(9).ending(End::Stall(0))).await;
    let client = client().with_total_timeout(Duration::from_millis(100));
    let error = load_with(&server.url(JSON), &client).await.unwrap_err();
    assert_says(&error, ErrorKind::Timeout, &["longer than the 100ms"]);
}

#[tokio::test]
async fn an_endless_shard_is_cut_off() {
    let (error, _) = error_of(WEIGHTS, |_, _| Reply::ok("").ending(End::Never)).await;
    assert_says(&error, ErrorKind::InvalidData, &["goes on beyond the 4000 bytes"]);
}

#[tokio::test]
async fn a_content_length_beyond_the_specs_allocates_nothing() {
    let (error, _) = error_of(WEIGHTS, |_, good| good.of_length(1 << 60).ending(End::Stall(4000))).await;
    assert_says(&error, ErrorKind::InvalidData, &["has 1152921504606846976 bytes, but may have 4000"]);
}

#[tokio::test]
async fn a_content_length_that_is_too_small() {
    let (error, _) = error_of(WEIGHTS, |_, good| good.of_length(3999)).await;
    assert_says(&error, ErrorKind::InvalidData, &["has 3999 bytes, but its tensors need 4000"]);
}

#[tokio::test]
async fn a_content_length_that_is_too_large() {
    let (error, _) =
        error_of(WEIGHTS, |_, good| Reply { headers: Vec::new(), ..good.of_length(4001).ending(End::Cut(4000)) }).await;
    assert_says(&error, ErrorKind::InvalidData, &["shard `model.weights.bin` has 4001 bytes, but may have 4000"]);
}

#[tokio::test]
async fn surplus_bytes_are_taken_if_they_are_allowed() {
    let files = Files::of_model(&model_of(1000));
    files.put(WEIGHTS, [files.get(WEIGHTS).unwrap(), vec![9; 10]].concat());
    let server = Server::of(files).await;
    let error = load(&server.url(JSON)).await.unwrap_err();
    let allow = "; if that is right, allow it with `SurplusBytes::Allow` or `--allow-surplus`";
    assert_says(&error, ErrorKind::InvalidData, &["has 4010 bytes, but may have 4000", allow]);
    let lazily = load_lazily(&server.url(JSON), &client()).await.unwrap_err();
    assert_says(&lazily, ErrorKind::InvalidData, &[allow]);
    let options = LoadOptions::new().with_surplus_bytes(SurplusBytes::Allow);
    let handler = HttpHandler::from_url(&server.url(JSON), &client()).unwrap();
    let loaded = handler.load(&options).await.unwrap();
    assert_eq!(loaded.weights.unwrap().data().byte_length(), 4010);
}

#[tokio::test]
async fn too_many_requests_with_retry_after() {
    let begin = Instant::now();
    recovers(|_, _| Reply::new(429, "").with("retry-after", "1")).await;
    assert!(begin.elapsed() >= Duration::from_secs(1), "it was not waited for as long as the server asked");
}

#[tokio::test]
async fn a_long_retry_after_is_cut() {
    let server = Server::start(|_| Reply::new(503, "").with("retry-after", "99999")).await;
    let retry = RetryPolicy::new().with_attempts(2).with_max_retry_after(Duration::from_millis(1));
    let error = load_with(&server.url(JSON), &client().with_retry(retry)).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(99999)));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn too_many_requests_for_ever() {
    let (error, _) = error_of(JSON, |_, _| Reply::new(429, "").with("retry-after", "0")).await;
    assert_says(&error, ErrorKind::RateLimited, &["429"]);
    assert_eq!(error.retry_after(), Some(Duration::ZERO));
}

#[tokio::test]
async fn a_range_that_is_not_satisfiable_starts_again() {
    let requests = recovers_but_first_resume(|_, _| Reply::new(416, "")).await;
    assert_eq!(requests[2].header("range"), None);
}

#[tokio::test]
async fn a_shard_that_changes_between_attempts_starts_again() {
    // The first answer is of other bytes, under another validator.
    let requests = recovers(|_, good| {
        let old = vec![0xff; good.body.len()];
        Reply::ok(old).with("etag", "\"old\"").ending(End::Cut(1234))
    })
    .await;
    assert_eq!((requests[1].header("range"), requests[1].header("if-range")), (Some("bytes=1234-"), Some("\"old\"")));
    assert_eq!(requests.len(), 2, "the 200 that came in place of a part is taken as it is");
}

#[tokio::test]
async fn a_part_with_another_validator_starts_again() {
    let requests = recovers_but_first_resume(|_, good| {
        let headers = good.headers.into_iter().filter(|(name, _)| name != "etag").collect();
        Reply { headers, body: vec![0xff; good.body.len()], ..good }.with("etag", "\"other\"")
    })
    .await;
    assert_eq!(requests[2].header("range"), None);
}

#[tokio::test]
async fn a_part_of_another_range_starts_again() {
    recovers_but_first_resume(|_, good| {
        Reply { headers: Vec::new(), ..good }.with("content-range", "bytes 0-2765/4000")
    })
    .await;
}

#[tokio::test]
async fn a_part_of_another_length_starts_again() {
    recovers_but_first_resume(|_, good| {
        Reply { headers: Vec::new(), ..good }.with("content-range", "bytes 1234-3999/5000")
    })
    .await;
}

/// The first answer is cut, the second one is this; the load recovers.
async fn recovers_but_first_resume(reply: impl Fn(&Request, Reply) -> Reply + Send + Sync + 'static) -> Vec<Request> {
    let artifacts = model_of(1000);
    let server = server_but(WEIGHTS, Files::of_model(&artifacts), move |request, good| match request.earlier {
        0 => good.ending(End::Cut(1234)),
        1 => reply(request, good),
        _ => good,
    })
    .await;
    assert_same_model(&load(&server.url(JSON)).await.unwrap(), &artifacts);
    let requests: Vec<_> = server.requests().into_iter().filter(|request| request.path() == WEIGHTS).collect();
    assert_eq!(requests.len(), 3);
    requests
}

#[tokio::test]
async fn a_part_that_nobody_asked_for() {
    let (error, _) = error_of(WEIGHTS, |_, good| Reply { status: 206, ..good }).await;
    assert_says(&error, ErrorKind::InvalidData, &["which nobody asked for"]);
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn gzip_is_decoded() {
    let (artifacts, files) = (model_of(1000), Files::of_model(&model_of(1000)));
    let server = Server::start(move |request| {
        Reply::ok(gzip(&files.get(request.path()).unwrap())).with("content-encoding", "gzip")
    })
    .await;
    assert_same_model(&load(&server.url(JSON)).await.unwrap(), &artifacts);
}

#[tokio::test]
async fn an_encoding_that_nobody_asked_for() {
    for path in [JSON, WEIGHTS] {
        let (error, _) = error_of(path, |_, good| good.with("content-encoding", "br")).await;
        assert_says(&error, ErrorKind::Unsupported, &["content encoding `br`"]);
    }
}

#[tokio::test]
async fn gzip_that_is_cut_is_resumed_without_it() {
    let (artifacts, files) = (model_of(1000), Files::of_model(&model_of(1000)));
    let server = Server::start(move |request| {
        let good = files.answer(request);
        if request.path() == WEIGHTS && request.header("range").is_none() {
            let body = gzip(&good.body);
            let half = body.len() / 2;
            return Reply { body, ..good }.with("content-encoding", "gzip").ending(End::Cut(half));
        }
        good
    })
    .await;
    assert_same_model(&load(&server.url(JSON)).await.unwrap(), &artifacts);
}

#[tokio::test]
async fn a_gzip_bomb_is_cut_off() {
    let bomb = gzip(&vec![0; 50 << 20]);
    let (error, _) = error_of(WEIGHTS, move |_, _| Reply::ok(bomb.clone()).with("content-encoding", "gzip")).await;
    assert_says(&error, ErrorKind::InvalidData, &["goes on beyond the 4000 bytes"]);
}

#[tokio::test]
async fn chunks_and_closed_connections_end_bodies_too() {
    for end in [End::Chunked, End::Close] {
        let artifacts = model_of(1000);
        let files = Files::of_model(&artifacts);
        let server = Server::start(move |request| files.answer(request).ending(end)).await;
        assert_same_model(&load(&server.url(JSON)).await.unwrap(), &artifacts);
    }
}

#[tokio::test]
async fn a_connection_that_is_refused() {
    let error = load("http://127.0.0.1:1/m/model.json?token=secret").await.unwrap_err();
    assert_says(&error, ErrorKind::Transport, &["cannot connect to the server", "http://127.0.0.1:1/m/model.json`"]);
    assert!(!error.chain().to_string().contains("secret"));
}

#[tokio::test]
async fn hostile_manifests_ask_for_nothing_elsewhere() {
    for path in ["../secret", "/etc/passwd", "//evil/x", "http://evil/x", "a/../../x"] {
        let files = Files::default();
        let json = format!(
            r#"{{"weightsManifest":[{{"paths":["{path}"],"weights":[{{"name":"w","shape":[1],"dtype":"float32"}}]}}]}}"#
        );
        files.put(JSON, json);
        let server = Server::of(files).await;
        assert_eq!(load(&server.url(JSON)).await.unwrap_err().kind(), ErrorKind::InvalidData);
        assert_eq!(server.targets(), [JSON]);
    }
}

#[tokio::test]
async fn progress_counts_no_byte_twice() {
    let heard = Arc::new(Mutex::new(Vec::<Progress>::new()));
    let sink = {
        let heard = Arc::clone(&heard);
        ProgressSink::new(move |progress| heard.lock().unwrap().push(progress))
    };
    let server = server_but(WEIGHTS, Files::of_model(&model_of(1000)), |request, good| match request.earlier {
        0 => Reply { headers: Vec::new(), ..good }.ending(End::Cut(3000)),
        _ => good,
    })
    .await;
    let handler = HttpHandler::from_url(&server.url(JSON), &client()).unwrap();
    handler.load(&LoadOptions::new().with_progress(sink)).await.unwrap();
    let heard = heard.lock().unwrap();
    assert!(heard.is_sorted_by_key(|progress| progress.bytes));
    assert!(heard.iter().all(|progress| progress.total_bytes == 4000 && progress.bytes <= 4000));
    assert_eq!(heard.iter().filter(|progress| progress.phase == Phase::Done).count(), 1);
}

/// A JSON that says how long it is is refused by that; one that does not, when it has gone on for too long.
#[tokio::test]
async fn json_beyond_the_limit() {
    let options = LoadOptions::new().with_limits(Limits::new().with(Limit::JsonBytes, 1000));
    for (end, words) in [(End::Well, "has 5000 bytes"), (End::Chunked, "has at least"), (End::Never, "has at least")] {
        let reply = move |_: &Request, _| Reply::ok(" ".repeat(5000)).ending(end);
        let server = server_but(JSON, Files::of_model(&model_of(1)), reply).await;
        let handler = HttpHandler::from_url(&server.url(JSON), &client()).unwrap();
        let error = handler.load(&options).await.unwrap_err();
        assert_says(
            &error,
            ErrorKind::LimitExceeded,
            &[words, "the limit `json-bytes` of 1000", "--limit json-bytes="],
        );
        assert_eq!(server.requests().len(), 1, "it is asked for again");
    }
}

/// No spec says how long strings are: a limit does.
#[tokio::test]
async fn endless_strings_are_cut_off() {
    let strings = Tensor::string("s", Shape::vector(1).unwrap(), ["abc"]).unwrap();
    let artifacts = samples::with_tensors([strings]);
    for (limit, most) in [(Limit::UnknownBytes, 10_000), (Limit::WeightBytes, 10_004)] {
        let reply = |_: &Request, _| Reply::ok("").ending(End::Never);
        let server = server_but(WEIGHTS, Files::of_model(&artifacts), reply).await;
        let handler = HttpHandler::from_url(&server.url(JSON), &client()).unwrap();
        let options = LoadOptions::new().with_limits(Limits::new().with(limit, most));
        let error = handler.load(&options).await.unwrap_err();
        let told = format!("more than the limit `{limit}` of {most}");
        assert_says(&error, ErrorKind::LimitExceeded, &["goes on beyond the 10004 bytes", &told]);
    }
}
