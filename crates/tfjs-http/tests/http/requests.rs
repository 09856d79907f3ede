//! Which requests are made: URLs, headers, credentials, redirects.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tfjs_artifacts::ErrorKind;
use tfjs_http::{HttpHandler, ShardQuery};
use tfjs_router::{LoadHandler as _, LoadOptions, ModelSource, ModelUrl};
use tfjs_testkit::{assert_same_model, samples};

use crate::server::{Files, Reply, Server};
use crate::{client, load, load_with};

const WEIGHTS: &str = "/m/model.weights.bin";

#[tokio::test]
async fn a_model_and_its_shards() {
    for artifacts in [samples::everything(), samples::many_shards(40), samples::with_tensors([])] {
        let server = Server::of(Files::of_model(&artifacts)).await;
        assert_same_model(&load(&server.url("/m/model.json")).await.unwrap(), &artifacts);
    }
}

#[tokio::test]
async fn the_query_goes_on_to_the_shards_or_not() {
    let server = Server::of(Files::of_model(&samples::filled(1.0))).await;
    let url = server.url("/m/model.json?sig=a/b&x=1");
    load(&url).await.unwrap();
    load_with(&url, &client().with_shard_query(ShardQuery::Drop)).await.unwrap();
    let json = "/m/model.json?sig=a/b&x=1".to_owned();
    assert_eq!(server.targets(), [json.clone(), format!("{WEIGHTS}?sig=a/b&x=1"), json, WEIGHTS.to_owned()]);
}

#[tokio::test]
async fn duplicated_slashes_are_kept() {
    let files = Files::of_model(&samples::filled(1.0));
    let server = Server::start(move |request| {
        let mut request = request.clone();
        request.target = request.target.replace("//", "/");
        files.answer(&request)
    })
    .await;
    load(&server.url("//m//model.json")).await.unwrap();
    assert_eq!(server.targets(), ["//m//model.json", "//m//model.weights.bin"]);
}

/// Only what lies below the folder of the JSON must be of one version with it: other files may be of another model, or on a server
/// that tells no versions.
#[tokio::test]
async fn files_elsewhere_have_versions_of_their_own() {
    let files = Files::of_model(&samples::filled(1.0));
    let server = Server::start(move |request| {
        let folder = request.path().rsplit_once('/').unwrap().0;
        let version = if request.path().ends_with("model.json") { "of the JSON" } else { folder };
        let reply = Reply::ok(files.get(&request.path().replace(folder, "/m")).unwrap());
        if folder == "/without" { reply } else { reply.with("x-model-version", version) }
    })
    .await;
    let with_prefix = |prefix: &str| client().with_weight_path_prefix(&server.url(prefix));
    for prefix in ["/elsewhere/", "/without/", "/m2/"] {
        load_with(&server.url("/m/model.json?q=/m2/"), &with_prefix(prefix)).await.unwrap();
    }
    for client in [client(), with_prefix("/m/"), with_prefix("/m/deeper/")] {
        let error = load_with(&server.url("/m/model.json?q=a/b"), &client).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{}", error.chain());
    }
    assert_eq!(server.requests().len(), 3 * 2 + 3 * 4 * 2, "each is begun anew three times");
}

/// Vectors G: default, prefix, converter, TensorFlow Hub.
#[tokio::test]
async fn vector_g_weight_urls() {
    let files = Files::of_model(&samples::filled(1.0));
    let (json, weights) = (files.get("/m/model.json").unwrap(), files.get(WEIGHTS).unwrap());
    let server = Server::start(move |request| {
        Reply::ok(if request.path().contains("model.json") { json.clone() } else { weights.clone() })
    })
    .await;
    let url = server.url("/p/model.json?x=1");
    let base = server.url("/dir");
    load_with(&url, &client().with_weight_path_prefix(&base)).await.unwrap();
    load_with(&url, &client().with_weight_path_prefix(&format!("{base}/"))).await.unwrap();
    load_with(&url, &client().with_weight_path_prefix("")).await.unwrap();
    let converter = |file: tfjs_http::FileRef| async move { Ok(format!("auth_{}", file.path)) };
    load_with(&url, &client().with_weight_url_converter(converter)).await.unwrap();
    load_with(&server.url("/hub/1"), &client().with_tf_hub()).await.unwrap();
    let shards: Vec<_> = server.targets().into_iter().skip(1).step_by(2).collect();
    let expected = [
        "/dirmodel.weights.bin?x=1",
        "/dir/model.weights.bin?x=1",
        "/p/model.weights.bin?x=1",
        "/p/auth_model.weights.bin",
        "/hub/1/model.weights.bin?tfjs-format=file",
    ];
    assert_eq!(shards, expected);
    assert!(server.targets().contains(&"/hub/1/model.json?tfjs-format=file".to_owned()));
}

#[tokio::test]
async fn two_urls_are_a_topology_and_a_base_of_weights() {
    let files = Files::of_model(&samples::filled(1.0));
    files.put("/w/model.weights.bin", files.get(WEIGHTS).unwrap());
    files.remove(WEIGHTS);
    let server = Server::of(files).await;
    let url = |target| ModelUrl::parse(&server.url(target)).unwrap();
    let source = ModelSource::Pair { topology: url("/m/model.json"), weights: url("/w/base?k=v") };
    let loaded = HttpHandler::new(&source, &client()).unwrap().load(&LoadOptions::new()).await.unwrap();
    assert_same_model(&loaded, &samples::filled(1.0));
    assert_eq!(server.targets(), ["/m/model.json", "/w/model.weights.bin?k=v"]);
}

#[tokio::test]
async fn a_graph_def_has_its_manifest_beside_it() {
    let files = Files::default();
    files.put("/m/model.pb", "pb");
    let manifest = r#"[{"paths": ["w"], "weights": [{"name": "w", "shape": [1], "dtype": "float32"}]}]"#;
    files.put("/m/weights_manifest.json", manifest);
    files.put("/m/w", [0; 4]);
    let server = Server::of(files).await;
    let loaded = load(&server.url("/m/model.pb")).await.unwrap();
    assert!(matches!(loaded.model_topology, Some(tfjs_artifacts::ModelTopology::GraphDef(bytes)) if bytes == "pb"));
}

#[tokio::test]
async fn headers_reach_every_request() {
    let server = Server::of(Files::of_model(&samples::filled(1.0))).await;
    let client = client().with_header("X-Key", "k").unwrap().with_bearer_token("t").unwrap();
    load_with(&server.url("/m/model.json"), &client).await.unwrap();
    for request in server.requests() {
        assert_eq!((request.header("x-key"), request.header("authorization")), (Some("k"), Some("Bearer t")));
        assert_eq!(request.header("range"), None, "an eager load is a simple request");
    }
}

#[tokio::test]
async fn a_hook_can_refresh_a_token() {
    let files = Files::of_model(&samples::filled(1.0));
    let server = Server::start(move |request| match request.header("authorization") {
        Some("Bearer 2" | "Bearer 3") => files.answer(request),
        _ => Reply::new(503, "").with("retry-after", "0"),
    })
    .await;
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let client = client().with_request_hook(move |_| {
        let call = counter.fetch_add(1, Ordering::SeqCst) + 1;
        async move { Ok(vec![("Authorization".to_owned(), format!("Bearer {call}"))]) }
    });
    load_with(&server.url("/m/model.json"), &client).await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn user_info_becomes_a_header_and_never_a_message() {
    let server = Server::start(|_| Reply::new(401, "no")).await;
    let url = server.url("/m/model.json?token=secret").replace("http://", "http://user:secret@");
    let error = load(&url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(!error.chain().to_string().contains("secret") && !format!("{error:?}").contains("secret"), "{error:?}");
    assert_eq!(server.requests()[0].header("authorization"), Some("Basic dXNlcjpzZWNyZXQ="));
}

#[test]
fn nothing_shows_a_secret_when_it_is_debugged() {
    let client = client().with_bearer_token("secret").unwrap().with_header("x-key", "secret").unwrap();
    let handler = HttpHandler::from_url("https://user:secret@host/m.json?token=secret", &client).unwrap();
    let cached = tfjs_http::cached(handler.clone(), tfjs_fs::FsHandler::from_path("x"));
    assert!(!format!("{client:?} {handler:?} {cached:?}").contains("secret"), "{handler:?}");
}

#[tokio::test]
async fn a_redirect_to_another_origin_gets_no_credentials() {
    let elsewhere = Server::of(Files::of_model(&samples::filled(1.0))).await;
    let there = elsewhere.url("");
    let server = Server::start(move |request| Reply::redirect(302, &format!("{there}{}", request.target))).await;
    let client = client().with_bearer_token("secret").unwrap().with_header("X-Api-Key", "secret").unwrap();
    let client = client.with_header("Cookie", "secret").unwrap().with_public_header("X-Public", "yes").unwrap();
    let client = client.with_request_hook(async |_| Ok(vec![("X-Hook".to_owned(), "secret".to_owned())]));
    load_with(&server.url("/m/model.json"), &client).await.unwrap();
    for request in server.requests() {
        assert_eq!(request.header("authorization"), Some("Bearer secret"));
    }
    for request in elsewhere.requests() {
        assert!(!format!("{request:?}").contains("secret"), "{request:?}");
        assert_eq!(request.header("x-public"), Some("yes"));
    }
}

#[tokio::test]
async fn an_origin_that_is_named_gets_credentials() {
    let elsewhere = Server::of(Files::of_model(&samples::filled(1.0))).await;
    let there = elsewhere.url("");
    let server = Server::start(move |request| Reply::redirect(307, &format!("{there}{}", request.target))).await;
    let client = client().with_bearer_token("t").unwrap().with_credentials_for(&elsewhere.url("/any")).unwrap();
    load_with(&server.url("/m/model.json"), &client).await.unwrap();
    assert!(elsewhere.requests().iter().all(|request| request.header("authorization") == Some("Bearer t")));
}

#[tokio::test]
async fn a_header_for_one_origin_goes_to_no_other() {
    let [one, other] = [
        Server::of(Files::of_model(&samples::filled(1.0))).await,
        Server::of(Files::of_model(&samples::filled(1.0))).await,
    ];
    let client = client().with_header_for(&one.url("/any"), "authorization", "Bearer one").unwrap();
    let client = client.with_bearer_token("both").unwrap().with_header("x-key", "both").unwrap();
    let client = client.with_header_for(&other.url(""), "x-key", "other").unwrap();
    for server in [&one, &other] {
        load_with(&server.url("/m/model.json"), &client).await.unwrap();
    }
    let sent = |server: &Server, name| server.requests()[0].header(name).map(str::to_owned);
    assert_eq!(sent(&one, "authorization").as_deref(), Some("Bearer one"));
    assert_eq!(sent(&one, "x-key").as_deref(), Some("both"));
    assert_eq!(sent(&other, "authorization").as_deref(), Some("Bearer both"));
    assert_eq!(sent(&other, "x-key").as_deref(), Some("other"));
}

#[tokio::test]
async fn a_header_for_an_origin_that_gets_no_credentials_stays_here() {
    let elsewhere = Server::of(Files::of_model(&samples::filled(1.0))).await;
    let there = elsewhere.url("");
    let server = Server::start(move |request| Reply::redirect(307, &format!("{there}{}", request.target))).await;
    let client = client().with_header_for(&elsewhere.url("/"), "x-key", "secret").unwrap();
    load_with(&server.url("/m/model.json"), &client).await.unwrap();
    assert!(!format!("{:?} {:?}", server.requests(), elsewhere.requests()).contains("secret"));
}

#[tokio::test]
async fn who_comes_back_from_another_origin_is_not_trusted_again() {
    let files = Files::of_model(&samples::filled(1.0));
    let server = Server::start(move |request| match request.header("host") {
        Some(host) if host.starts_with("localhost") => {
            Reply::redirect(302, &format!("http://{}/back", host.replace("localhost", "127.0.0.1")))
        }
        Some(host) if request.path() == "/m/model.json" => {
            Reply::redirect(302, &format!("http://{}/away", host.replace("127.0.0.1", "localhost")))
        }
        _ => Reply::ok(files.get("/m/model.json").unwrap()),
    })
    .await;
    let client = client().with_bearer_token("secret").unwrap();
    let _ = load_with(&server.url("/m/model.json"), &client).await;
    let requests = server.requests();
    let back = requests.iter().find(|request| request.path() == "/back").unwrap();
    assert_eq!(back.header("authorization"), None);
}

#[tokio::test]
async fn a_converter_that_leads_elsewhere_gets_no_credentials() {
    let files = Files::of_model(&samples::filled(1.0));
    let server = Server::of(files).await;
    let signed = format!("{}?signature=1", server.url_elsewhere(WEIGHTS));
    let client = client().with_bearer_token("secret").unwrap().with_weight_url_converter(move |_| {
        let signed = signed.clone();
        async move { Ok(signed) }
    });
    load_with(&server.url("/m/model.json"), &client).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests[0].header("authorization"), Some("Bearer secret"));
    assert_eq!((requests[1].header("authorization"), &*requests[1].target), (None, "/m/model.weights.bin?signature=1"));
}

#[tokio::test]
async fn redirects_have_an_end() {
    let server = Server::start(|request| Reply::redirect(302, &format!("{}x", request.target))).await;
    let client = client().with_retry(tfjs_http::RetryPolicy::none());
    let error = load_with(&server.url("/m"), &client).await.unwrap_err();
    assert!(error.to_string().contains("redirects more than 10 times"), "{error}");
    assert_eq!(server.requests().len(), 11);
}

#[tokio::test]
async fn a_redirect_to_something_else_is_refused() {
    for to in ["file:///etc/passwd", "ftp://host/", "data:,x"] {
        let server = Server::start(move |_| Reply::redirect(302, to)).await;
        assert_eq!(load(&server.url("/m")).await.unwrap_err().kind(), ErrorKind::InvalidUrl);
    }
}

#[tokio::test]
async fn no_more_files_at_once_than_allowed() {
    for limit in [1, 3] {
        let files = Files::of_model(&samples::many_shards(24));
        let server = Server::start_slow(Duration::from_millis(5), move |request| files.answer(request)).await;
        let client = client().with_concurrency(NonZeroUsize::new(limit).unwrap());
        load_with(&server.url("/m/model.json"), &client).await.unwrap();
        assert!((1..=limit).contains(&server.most_at_once()), "{} at once", server.most_at_once());
        assert_eq!(server.requests().len(), 25);
    }
}

#[test]
fn without_a_runtime_is_an_error_and_no_panic() {
    for client in [client(), client().with_total_timeout(Duration::from_mins(1))] {
        let error = tfjs_testkit::block_on(load_with("http://127.0.0.1:1/m/model.json", &client)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("Tokio runtime"), "{error}");
    }
}
