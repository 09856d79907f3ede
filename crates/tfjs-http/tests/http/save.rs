//! What a save sends, and what it makes of the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tfjs_artifacts::{
    Error, ErrorKind, ModelArtifacts, RawJson, RelPath, SaveResult, Sharding, SurplusBytes, WeightData, Weights,
};
use tfjs_http::{HttpClient, HttpHandler};
use tfjs_router::{Checksums, LoadOptions, Router, SaveHandler as _, SaveOptions};
use tfjs_testkit::{FailingSource, assert_same_model, samples};

use crate::server::{End, Files, Reply, Request, Server};
use crate::{client, load, model_of};

/// A part of a form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) file_name: String,
    pub(crate) content_type: String,
    pub(crate) content: Vec<u8>,
}

/// The parts of a form, read as a server would.
pub(crate) fn parts(request: &Request) -> Vec<Part> {
    let content_type = request.header("content-type").unwrap();
    let boundary = format!("\r\n--{}", content_type.strip_prefix("multipart/form-data; boundary=").unwrap());
    let body = [b"\r\n".as_slice(), &request.body].concat();
    let find = |from: usize| {
        let rest = &body[from..];
        rest.windows(boundary.len()).position(|window| window == boundary.as_bytes()).map(|at| at + from)
    };
    let mut parts = Vec::new();
    let mut at = find(0).unwrap() + boundary.len();
    while body[at..].starts_with(b"\r\n") {
        let end = find(at).unwrap();
        let part = &body[at + 2..end];
        let head_end = part.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = str::from_utf8(&part[..head_end]).unwrap();
        let quoted =
            |key: &str| head.split_once(&format!(" {key}=\"")).unwrap().1.split('"').next().unwrap().to_owned();
        let content_type = head.split_once("Content-Type: ").unwrap().1.lines().next().unwrap();
        parts.push(Part {
            name: quoted("name"),
            file_name: quoted("filename"),
            content_type: content_type.to_owned(),
            content: part[head_end + 4..].to_vec(),
        });
        at = end + boundary.len();
    }
    assert_eq!(&body[at..], b"--\r\n");
    parts
}

async fn save_with(
    url: &str,
    client: &HttpClient,
    artifacts: &ModelArtifacts,
    options: &SaveOptions,
) -> Result<SaveResult, Error> {
    HttpHandler::from_url(url, client)?.save(artifacts, options).await
}

async fn save(url: &str, artifacts: &ModelArtifacts) -> Result<SaveResult, Error> {
    save_with(url, &client(), artifacts, &SaveOptions::new()).await
}

#[tokio::test]
async fn a_form_has_two_files_as_tensorflow_js_sends_them() {
    let server =
        Server::start(|_| Reply::ok("{\"id\":7}").with("content-type", "application/json").with("x-id", "7")).await;
    let artifacts = model_of(1000);
    let result = save(&server.url("/upload?folder=x"), &artifacts).await.unwrap();

    let request = &server.requests()[0];
    assert_eq!((&*request.method, &*request.target), ("POST", "/upload?folder=x"));
    assert_eq!(request.header("transfer-encoding"), None, "the length is known");
    let parts = parts(request);
    let names: Vec<_> = parts.iter().map(|part| (&*part.name, &*part.file_name, &*part.content_type)).collect();
    let expected = [
        ("model.json", "model.json", "application/json"),
        ("model.weights.bin", "model.weights.bin", "application/octet-stream"),
    ];
    assert_eq!(names, expected);
    let json = str::from_utf8(&parts[0].content).unwrap();
    assert!(json.contains(r#""weightsManifest":[{"paths":["./model.weights.bin"],"weights":[{"name":"w""#), "{json}");
    assert_eq!(parts[1].content, artifacts.weights.as_ref().unwrap().data().read(0..4000).await.unwrap());

    let response = &result.responses[0];
    assert_eq!((response.status, &*response.body, response.header("x-id")), (200, &b"{\"id\":7}"[..], Some("7")));
    assert_eq!(result.model_artifacts_info.weight_data_bytes, 4000);
}

#[tokio::test]
async fn a_model_without_weights_has_no_part_for_them() {
    let server = Server::start(|_| Reply::new(204, "")).await;
    let artifacts = ModelArtifacts::new().with_topology(RawJson::parse(r#"{"a":1}"#).unwrap());
    save(&server.url("/upload"), &artifacts).await.unwrap();
    let parts = parts(&server.requests()[0]);
    assert_eq!((parts.len(), &*parts[0].content), (1, &br#"{"modelTopology":{"a":1}}"#[..]));
}

#[tokio::test]
async fn several_groups_and_shards_become_one_file() {
    let server = Server::start(|_| Reply::ok("")).await;
    let artifacts = samples::everything();
    save(&server.url("/upload"), &artifacts).await.unwrap();
    let parts = parts(&server.requests()[0]);
    let files = Files::default();
    for part in parts {
        files.put(&format!("/m/{}", part.file_name), part.content);
    }
    let server = Server::of(files).await;
    let loaded = load(&server.url("/m/model.json")).await.unwrap();
    let names = |artifacts: &ModelArtifacts| -> Vec<String> {
        artifacts.weights.as_ref().unwrap().specs().map(|spec| spec.name.clone()).collect()
    };
    assert_eq!(names(&loaded), names(&artifacts));
    let weights = loaded.weights.unwrap();
    assert_eq!((weights.groups().len(), weights.shards().count()), (1, 1));
    assert_eq!(weights.data().read(0..39).await.unwrap(), artifacts.weights.unwrap().data().read(0..39).await.unwrap());
}

#[tokio::test]
async fn method_headers_and_part_names_can_be_chosen() {
    let server = Server::start(|_| Reply::new(201, "")).await;
    let client = client().with_save_method("PUT").unwrap().with_part_names("model_json", "model_weights_bin");
    let client = client.with_bearer_token("t").unwrap();
    let options = SaveOptions::new().with_weights_file_name(RelPath::parse("w.bin").unwrap());
    let result = save_with(&server.url("/upload"), &client, &model_of(10), &options).await.unwrap();
    assert_eq!(result.responses[0].status, 201);
    let request = &server.requests()[0];
    assert_eq!((&*request.method, request.header("authorization")), ("PUT", Some("Bearer t")));
    let parts = parts(request);
    assert_eq!((&*parts[0].name, &*parts[0].file_name), ("model_json", "model.json"));
    assert_eq!((&*parts[1].name, &*parts[1].file_name), ("model_weights_bin", "w.bin"));
    assert!(str::from_utf8(&parts[0].content).unwrap().contains("./w.bin"));
}

#[tokio::test]
async fn what_a_form_cannot_hold_is_said() {
    let server = Server::start(|_| Reply::ok("")).await;
    let options = SaveOptions::new().with_sharding(Sharding::Bytes(7.try_into().unwrap()));
    let error = save_with(&server.url("/"), &client(), &model_of(10), &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let mut binary = model_of(10);
    binary.model_topology = Some(tfjs_artifacts::ModelTopology::GraphDef("pb".into()));
    assert_eq!(save(&server.url("/"), &binary).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn no_weights_are_called_as_the_json() {
    let server = Server::start(|_| Reply::ok("")).await;
    let named = |name: &str| SaveOptions::new().with_weights_file_name(RelPath::parse(name).unwrap());
    let files = client().with_put_per_file();
    for (client, url, name) in [
        (client(), "/upload", "model.json"),
        (client().with_part_per_file(), "/upload", "model.json"),
        (files.clone(), "/m", "model.json"),
        (files.clone(), "/m/a%20b.json?token=secret", "a b.json"),
    ] {
        let error = save_with(&server.url(url), &client, &model_of(10), &named(name)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidUrl);
        assert!(error.to_string().contains(&format!("a weights file cannot be called `{name}`")), "{error}");
    }
    assert!(server.requests().is_empty());
    save_with(&server.url("/m/other.json"), &files, &model_of(10), &named("model.json")).await.unwrap();
    assert_eq!(server.targets(), ["/m/model.json", "/m/other.json"]);
}

#[tokio::test]
async fn statuses_are_errors() {
    for (status, kind) in [
        (400, ErrorKind::Unexpected),
        (401, ErrorKind::Unauthenticated),
        (403, ErrorKind::PermissionDenied),
        (404, ErrorKind::NotFound),
        (413, ErrorKind::LimitExceeded),
        (500, ErrorKind::Transport),
        (507, ErrorKind::StorageFull),
    ] {
        let server = Server::start(move |_| Reply::new(status, "{\"error\": \"no\"}")).await;
        let error = save(&server.url("/upload?token=secret"), &model_of(10)).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains(&status.to_string()) && !error.to_string().contains("secret"), "{error}");
        assert_eq!(server.requests().len(), 1, "a POST that the server may have taken is not sent again");
    }
}

#[tokio::test]
async fn a_post_is_sent_again_only_if_the_server_refused_it() {
    let server = Server::start(|request| match request.earlier {
        0 => Reply::new(429, ""),
        1 => Reply::new(503, "").with("retry-after", "0"),
        _ => Reply::ok(""),
    })
    .await;
    save(&server.url("/upload"), &model_of(1000)).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(parts(&requests[0])[1], parts(&requests[2])[1]);

    let server = Server::start(|request| Reply::new(if request.earlier == 0 { 503 } else { 200 }, "")).await;
    assert_eq!(save(&server.url("/upload"), &model_of(10)).await.unwrap_err().kind(), ErrorKind::Transport);
}

#[tokio::test]
async fn a_put_is_sent_again() {
    let server = Server::start(|request| match request.earlier {
        0 => Reply::new(500, ""),
        1 => Reply::ok("").of_length(9).ending(End::Reset(0)),
        _ => Reply::ok(""),
    })
    .await;
    let client = client().with_save_method("PUT").unwrap();
    save_with(&server.url("/upload"), &client, &model_of(1000), &SaveOptions::new()).await.unwrap();
}

#[tokio::test]
async fn weights_that_cannot_be_read_are_the_error() {
    let server = Server::start(|_| Reply::ok("")).await;
    let broken = samples::from_source(FailingSource::new(vec![0; 9 << 20], 5 << 20));
    let error = save(&server.url("/upload"), &broken).await.unwrap_err();
    assert_eq!(error.message(), "injected: the source broke");
    assert!(server.requests().is_empty(), "no request arrived whole");
}

#[tokio::test]
async fn a_redirect_takes_the_body_along_or_is_refused() {
    for status in [301, 302, 303, 307, 308] {
        let server = Server::start(move |request| match request.path() {
            "/upload" => Reply::redirect(status, "/there"),
            _ => Reply::ok("<html>please log in"),
        })
        .await;
        let saved = save(&server.url("/upload"), &model_of(10)).await;
        let requests = server.requests();
        if status < 304 {
            let error = saved.unwrap_err();
            assert!(error.to_string().contains("would arrive without its body"), "{status}: {error}");
            assert_eq!(requests.len(), 1);
        } else {
            saved.unwrap();
            assert_eq!((&*requests[1].method, requests[1].body.len() > 40), ("POST", true));
        }
    }
}

/// What was moved is not what is there: the server took it and kept what it had.
#[tokio::test]
async fn a_move_removes_nothing_if_another_model_is_at_the_destination() {
    let files = Files::of_model(&model_of(10));
    let server = Server::start(move |request| match &*request.method {
        "POST" => Reply::ok(""),
        _ => files.answer(request),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().to_str().unwrap();
    let router = Router::builder().routes(tfjs_fs::routes()).routes(tfjs_http::routes_with(&client())).build().unwrap();
    router.save(&model_of(1000), source, &SaveOptions::new()).await.unwrap();
    let moved = router.move_model(source, &server.url("/m/model.json"), &LoadOptions::new(), &SaveOptions::new()).await;
    let error = moved.unwrap_err();
    assert!(error.message().contains("does not have the model that was sent"), "{error}");
    assert!(folder.path().join("model.json").exists());
}

#[tokio::test]
async fn checksums_are_written_and_compared() {
    let server = Server::start(|_| Reply::ok("")).await;
    let options = SaveOptions::new().with_checksums(Checksums::Write);
    save_with(&server.url("/upload"), &client(), &model_of(1000), &options).await.unwrap();
    let parts = parts(&server.requests()[0]);
    let files = Files::default();
    for part in parts {
        files.put(&format!("/m/{}", part.file_name), part.content);
    }
    let source = Server::of(files.clone()).await;
    let mut loaded = load(&source.url("/m/model.json")).await.unwrap();
    let weights = loaded.weights.take().unwrap();
    assert!(weights.shards().all(|shard| shard.sha256.is_some()));

    // The same manifest over other bytes.
    let damaged =
        Weights::new(weights.groups().to_vec(), WeightData::from(vec![1; 4000]), SurplusBytes::Reject).unwrap();
    server.forget_requests();
    let error = save(&server.url("/upload"), &loaded.with_weights(damaged)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
    assert!(server.requests().is_empty(), "no request arrived whole");
}

/// A server that keeps what is put.
async fn store(files: &Files) -> Server {
    let files = files.clone();
    Server::start(move |request| {
        if request.method != "PUT" {
            return files.answer(request);
        }
        files.put(request.path(), request.body.clone());
        Reply::new(201, "")
    })
    .await
}

#[tokio::test]
async fn each_file_is_put_with_model_json_last() {
    let files = Files::default();
    let server = store(&files).await;
    let client = client().with_put_per_file();
    for (url, json) in
        [("/models/a", "/models/a/model.json"), ("/models/b/", "/models/b/model.json"), ("/c.json", "/c.json")]
    {
        for artifacts in [samples::everything(), samples::many_shards(20), samples::filled(1.0)] {
            server.forget_requests();
            save_with(&server.url(url), &client, &artifacts, &SaveOptions::new()).await.unwrap();
            assert_eq!(server.targets().last().map(String::as_str), Some(json));
            assert_same_model(&load(&server.url(json)).await.unwrap(), &artifacts);
        }
    }
}

#[tokio::test]
async fn until_model_json_is_put_the_old_model_is_whole() {
    let files = Files::default();
    let server = store(&files).await;
    let client = client().with_put_per_file();
    save_with(&server.url("/m"), &client, &samples::filled(1.0), &SaveOptions::new()).await.unwrap();
    let broken = samples::from_source(FailingSource::new(vec![0; 9 << 20], 5 << 20));
    save_with(&server.url("/m"), &client, &broken, &SaveOptions::new()).await.unwrap_err();
    assert_same_model(&load(&server.url("/m/model.json")).await.unwrap(), &samples::filled(1.0));
}

#[tokio::test]
async fn each_file_can_be_put_to_a_signed_url() {
    let server = Server::start(|_| Reply::ok("")).await;
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let client = client().with_put_per_file().with_weight_url_converter(move |file| {
        counter.fetch_add(1, Ordering::SeqCst);
        assert_eq!(file.file_use, tfjs_http::FileUse::Save);
        async move { Ok(format!("/bucket/{}?signature=1", file.path)) }
    });
    let options = SaveOptions::new().with_weights_file_name(RelPath::parse("w.bin").unwrap());
    save_with(&server.url("/m"), &client, &model_of(10), &options).await.unwrap();
    assert_eq!(server.targets(), ["/bucket/w.bin?signature=1", "/bucket/model.json?signature=1"]);
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_connection_that_is_refused() {
    let error = save("http://127.0.0.1:1/upload", &model_of(10)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.to_string().starts_with("cannot save `http://127.0.0.1:1/upload`"), "{error}");
}

/// What `tfjs-server` calls wrong, with the status that it sends.
#[tokio::test]
async fn what_our_server_calls_wrong_has_a_kind() {
    for (status, name, kind) in [
        (400, "badRequest", ErrorKind::Unexpected),
        (400, "invalidName", ErrorKind::InvalidUrl),
        (401, "unauthenticated", ErrorKind::Unauthenticated),
        (403, "forbidden", ErrorKind::PermissionDenied),
        (404, "notFound", ErrorKind::NotFound),
        (405, "methodNotAllowed", ErrorKind::Unsupported),
        (408, "timeout", ErrorKind::Timeout),
        (409, "conflict", ErrorKind::Conflict),
        (412, "preconditionFailed", ErrorKind::Conflict),
        (413, "tooLarge", ErrorKind::LimitExceeded),
        (415, "unsupportedMediaType", ErrorKind::Unsupported),
        (422, "invalidModel", ErrorKind::InvalidData),
        (500, "internal", ErrorKind::Transport),
        (500, "invalidModel", ErrorKind::InvalidData),
        (500, "tooLarge", ErrorKind::LimitExceeded),
        (501, "internal", ErrorKind::Unsupported),
        (503, "busy", ErrorKind::Transport),
        (504, "internal", ErrorKind::Timeout),
        (507, "storageFull", ErrorKind::StorageFull),
    ] {
        let body = format!(r#"{{"error":"what to do","kind":"{name}"}}"#);
        let server = Server::start(move |_| Reply::new(status, body.clone())).await;
        let error = save(&server.url("/a"), &model_of(10)).await.unwrap_err();
        assert_eq!((error.kind(), status), (kind, status), "{name}");
        assert!(error.message().contains("what to do"), "{error}");
    }
    let foreign = Server::start(|_| Reply::new(400, r#"{"error":"no"}"#)).await;
    let error = save(&foreign.url("/a"), &model_of(10)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unexpected, "nobody knows what another server means");
}
