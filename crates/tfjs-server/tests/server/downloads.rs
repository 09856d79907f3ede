//! What is answered to who asks for files.

use std::io::Read as _;

use serde_json::json;
use tfjs_artifacts::{ModelArtifacts, ModelJson, Shape};
use tfjs_fs::FsHandler;
use tfjs_router::{MemoryStore, Router, SaveHandler as _, SaveOptions};
use tfjs_server::{Models, ServeOptions, ServerOptions};
use tfjs_testkit::samples;
use tfjs_weights::Tensor;

use crate::support::{Client, Server, model};

async fn with_model() -> Server {
    let server = Server::new().await;
    assert_eq!(server.upload("POST", "/m", &model(9, 1_000_000)).await.status, 200);
    server
}

const WEIGHTS: &str = "/m/model.weights.bin";

#[tokio::test]
async fn whole_files_and_their_heads() {
    let server = with_model().await;
    let answer = server.get(WEIGHTS).await;
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("4000000")));
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    assert_eq!(answer.header("accept-ranges"), Some("bytes"));
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.body, vec![9; 4_000_000]);
    let head = server.request("HEAD", WEIGHTS, &[]).await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("4000000"), 0));
    assert_eq!(head.header("etag"), answer.header("etag"));
    let json = server.get("/m/model.json").await;
    assert_eq!(json.header("content-type"), Some("application/json"));
    assert!(ModelJson::parse(&json.body).is_ok());
    assert_eq!(server.get("/healthz").await.body, b"ok\n");
}

#[tokio::test]
async fn ranges() {
    let server = Server::new().await;
    let ones = (0..10).map(|index| index % 2 == 0).collect::<Vec<_>>();
    let artifacts = samples::with_tensors([Tensor::bool("b", Shape::vector(10).unwrap(), ones).unwrap()]);
    FsHandler::from_path(server.folder().join("m")).save(&artifacts, &SaveOptions::new()).await.unwrap();
    let range = async |range: &str, headers: &[&str]| {
        let range = format!("range: {range}");
        let headers: Vec<_> = [range.as_str()].into_iter().chain(headers.iter().copied()).collect();
        server.request("GET", WEIGHTS, &headers).await
    };
    for (asked, part, bytes) in [
        ("bytes=0-0", "bytes 0-0/10", &b"\x01"[..]),
        ("bytes=3-4", "bytes 3-4/10", b"\0\x01"),
        ("bytes=-3", "bytes 7-9/10", b"\0\x01\0"),
        ("bytes=8-", "bytes 8-9/10", b"\x01\0"),
        ("bytes=8-99", "bytes 8-9/10", b"\x01\0"),
    ] {
        let answer = range(asked, &[]).await;
        assert_eq!((answer.status, answer.header("content-range")), (206, Some(part)), "{asked}");
        assert_eq!(answer.header("content-length"), Some(bytes.len().to_string().as_str()));
        assert_eq!(answer.body, bytes, "{asked}");
    }
    let none = range("bytes=10-", &[]).await;
    assert_eq!((none.status, none.header("content-range")), (416, Some("bytes */10")));
    assert_eq!(range("bytes=0-1,3-4", &[]).await.status, 200);
    let etag = server.get(WEIGHTS).await.header("etag").unwrap().to_owned();
    assert_eq!(range("bytes=0-0", &[&format!("if-range: {etag}")]).await.status, 206);
    assert_eq!(range("bytes=0-0", &["if-range: \"other\""]).await.status, 200);
    assert_eq!(range("bytes=0-0", &["if-range: Wed, 21 Oct 2015 07:28:00 GMT"]).await.status, 200);
    assert_eq!(server.request("HEAD", WEIGHTS, &["range: bytes=0-0"]).await.status, 200);
}

#[tokio::test]
async fn etags_tell_what_the_client_has() {
    let server = with_model().await;
    for path in [WEIGHTS, "/m/model.json"] {
        let etag = server.get(path).await.header("etag").unwrap().to_owned();
        let again = server.request("GET", path, &[&format!("if-none-match: \"x\", {etag}")]).await;
        assert_eq!((again.status, again.header("etag"), again.body.len()), (304, Some(etag.as_str()), 0), "{path}");
        assert_eq!(server.request("HEAD", path, &["if-none-match: *"]).await.status, 304);
        // The same weights in another upload are other files; the JSON may well be the same.
        assert_eq!(server.upload("POST", "/m", &model(8, 1_000_000)).await.status, 200);
        assert_ne!(server.get(path).await.header("etag"), Some(etag.as_str()), "{path}");
        assert_eq!(server.upload("POST", "/m", &model(9, 1_000_000)).await.status, 200);
    }
}

/// Whoever asks whether the model is what it was asks about all of it.
#[tokio::test]
async fn the_tag_of_the_json_changes_with_any_file() {
    let server = Server::new().await;
    let folder = server.folder().join("m");
    FsHandler::from_path(&folder).save(&samples::many_shards(3), &SaveOptions::new()).await.unwrap();
    let shard = "/m/group1-shard2of3.bin";
    let (mut text, mut known) = (None, Vec::new());
    let mut is_new = async || {
        let json = server.get("/m/model.json").await;
        // The text never changes.
        assert_eq!(text.get_or_insert_with(|| json.body.clone()), &json.body);
        for path in ["/m/model.json", shard] {
            let etag = server.request("HEAD", path, &[]).await.header("etag").unwrap().to_owned();
            assert!(!known.contains(&etag), "{path}");
            let condition = format!("if-none-match: {etag}");
            assert_eq!(server.request("GET", path, &[&condition]).await.status, 304, "{path}");
            known.push(etag);
        }
        // Nothing that was said before is said again, be it of the model or of the file.
        let old = format!("if-none-match: {}", known[..known.len() - 2].join(", "));
        for path in ["/m/model.json", shard] {
            assert_eq!(server.request("GET", path, &[&old]).await.status, 200, "{path}");
        }
    };
    is_new().await;
    let file = folder.join("group1-shard2of3.bin");
    let bytes = std::fs::read(&file).unwrap();
    // In place, by a file that takes its name, and all of the model by somebody else.
    std::fs::write(&file, vec![7; bytes.len()]).unwrap();
    is_new().await;
    std::fs::write(folder.join("new"), &bytes).unwrap();
    std::fs::rename(folder.join("new"), &file).unwrap();
    is_new().await;
    FsHandler::from_path(&folder).save(&samples::many_shards(3), &SaveOptions::new()).await.unwrap();
    is_new().await;
    // A model that has lost a file is none, whatever was known of it.
    std::fs::remove_file(&file).unwrap();
    for method in ["GET", "HEAD"] {
        let known = format!("if-none-match: {}", known.join(", "));
        assert_eq!(server.request(method, "/m/model.json", &[&known]).await.status, 404, "{method}");
    }
}

/// Of weights in memory without checksums nobody can tell whether they are others.
#[tokio::test]
async fn a_model_of_which_nobody_can_tell_has_no_tag() {
    let store = MemoryStore::new();
    let router = Router::builder().route(store.route()).build().unwrap();
    router.save(&samples::filled(1.0), "memory://m", &SaveOptions::new()).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Client(listener.local_addr().unwrap());
    let app = tfjs_server::router(Models::new(router, "memory://").unwrap(), ServerOptions::new());
    tokio::spawn(tfjs_server::serve(listener, app, ServeOptions::new(), std::future::pending()));
    let told = async || {
        let json = server.get("/m/model.json").await;
        assert_eq!(json.status, 200);
        ["etag", "x-model-version"].map(|name| json.header(name).is_some())
    };
    assert_eq!(told().await, [false; 2]);
    // It is there all the same, and uploads have checksums.
    assert_eq!(server.upload_with("PUT", "/m", &["if-none-match: *"], &model(1, 10)).await.status, 412);
    assert_eq!(server.upload_with("PUT", "/m", &["if-match: \"a\""], &model(1, 10)).await.status, 412);
    assert_eq!(server.upload_with("PUT", "/m", &["if-match: *"], &model(1, 10)).await.status, 200);
    assert_eq!(told().await, [true; 2]);
}

#[tokio::test]
async fn every_file_says_which_version_of_the_model_it_is_of() {
    let server = with_model().await;
    let version = async |method: &str, path: &str, headers: &[&str], status: u16| {
        let answer = server.request(method, path, headers).await;
        assert_eq!(answer.status, status, "{method} {path} {headers:?}");
        answer.header("x-model-version").unwrap().to_owned()
    };
    let all = async || {
        let json = version("GET", "/m/model.json", &[], 200).await;
        for (method, path, headers, status) in [
            ("GET", "/m/model.json", ["accept-encoding: gzip"], 200),
            ("GET", "/m/model.json", ["if-none-match: *"], 304),
            ("GET", WEIGHTS, ["accept: */*"], 200),
            ("HEAD", WEIGHTS, ["accept: */*"], 200),
            ("GET", WEIGHTS, ["range: bytes=0-9"], 206),
            ("GET", WEIGHTS, ["range: bytes=99999999-"], 416),
            ("GET", "/m/of-another-version", ["accept: */*"], 404),
        ] {
            assert_eq!(version(method, path, &headers, status).await, json, "{method} {path} {headers:?}");
        }
        json
    };
    let first = all().await;
    assert_eq!(first.len(), 64);
    // Other weights, whose JSON differs in the checksum; and the first ones again.
    assert_eq!(server.upload("POST", "/m", &model(8, 1_000_000)).await.status, 200);
    assert_ne!(all().await, first);
    assert_eq!(server.upload("POST", "/m", &model(9, 1_000_000)).await.status, 200);
    assert_eq!(all().await, first, "checksums say that all of it is the same, here and on any other server");

    // Without checksums the files are asked.
    let save = async || {
        FsHandler::from_path(server.folder().join("m")).save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap();
        let version = all().await;
        assert_eq!(all().await, version);
        version
    };
    assert_ne!(save().await, save().await);
    let exposed = server.get("/m/model.json").await.header("access-control-expose-headers").unwrap().to_owned();
    assert!(exposed.contains("x-model-version"), "{exposed}");
}

/// RFC 9110, 13.1.1 and 13.2.2: what is wanted of other bytes only is not answered with these, and not with "you have it" either.
#[tokio::test]
async fn a_file_that_is_not_the_one_that_is_asked_for_is_refused() {
    let server = with_model().await;
    for method in ["GET", "HEAD"] {
        for path in [WEIGHTS, "/m/model.json"] {
            let etag = server.get(path).await.header("etag").unwrap().to_owned();
            let status = async |headers: &[&str]| server.request(method, path, headers).await.status;
            let (right, weak) = (format!("if-match: \"x\", {etag}"), format!("if-match: W/{etag}"));
            let known = format!("if-none-match: {etag}");
            assert_eq!(status(&[&right]).await, 200, "{method} {path}");
            assert_eq!(status(&["if-match: *"]).await, 200, "{method} {path}");
            for wrong in ["if-match: \"x\"", &weak, "if-match:"] {
                assert_eq!(status(&[wrong]).await, 412, "{method} {path} {wrong}");
                assert_eq!(status(&[wrong, &known]).await, 412, "{method} {path} {wrong}");
                assert_eq!(status(&[wrong, "range: bytes=0-0"]).await, 412, "{method} {path} {wrong}");
            }
            assert_eq!(status(&[&right, &known]).await, 304, "{method} {path}");
        }
    }
    let error = server.request("GET", WEIGHTS, &["if-match: \"x\""]).await;
    assert_eq!(error.json()["kind"], json!("preconditionFailed"));
    let etag = server.get(WEIGHTS).await.header("etag").unwrap().to_owned();
    let right = format!("if-match: {etag}");
    assert_eq!(server.request("GET", WEIGHTS, &[&right, "range: bytes=0-0"]).await.status, 206);
    std::fs::write(server.folder().join("m/model.weights.bin"), vec![5; 4_000_000]).unwrap();
    assert_eq!(server.request("HEAD", WEIGHTS, &[&right]).await.status, 412);
    // A part of the plain form is none of the compressed one.
    let many = samples::many_shards(100);
    FsHandler::from_path(server.folder().join("n")).save(&many, &SaveOptions::new()).await.unwrap();
    let gzip = "accept-encoding: gzip";
    let gzipped = server.request("GET", "/n/model.json", &[gzip]).await;
    let right = format!("if-match: {}", gzipped.header("etag").unwrap());
    assert_eq!(server.request("GET", "/n/model.json", &[gzip, &right]).await.status, 200);
    assert_eq!(server.request("GET", "/n/model.json", &[gzip, &right, "range: bytes=0-0"]).await.status, 412);
}

#[tokio::test]
async fn json_is_compressed_for_who_takes_it() {
    let server = Server::new().await;
    let many = samples::many_shards(100);
    FsHandler::from_path(server.folder().join("m")).save(&many, &SaveOptions::new()).await.unwrap();
    let plain = server.get("/m/model.json").await;
    let gzip = server.request("GET", "/m/model.json", &["accept-encoding: br, gzip"]).await;
    assert_eq!((plain.header("content-encoding"), gzip.header("content-encoding")), (None, Some("gzip")));
    assert_eq!((plain.header("vary"), gzip.header("vary")), (Some("accept-encoding"), Some("accept-encoding")));
    assert_ne!(plain.header("etag"), gzip.header("etag"));
    assert_eq!(gzip.header("content-length"), Some(gzip.body.len().to_string().as_str()));
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(gzip.body.as_slice()).read_to_end(&mut text).unwrap();
    assert_eq!(text, plain.body);
    assert!(gzip.body.len() * 2 < plain.body.len());
    let shard = server.request("GET", "/m/group1-shard1of100.bin", &["accept-encoding: gzip"]).await;
    assert_eq!((shard.header("content-encoding"), shard.body.len()), (None, 7));
}

#[tokio::test]
async fn every_layout_that_loads_is_served_under_its_own_names() {
    let server = Server::new().await;
    let folder = server.folder();
    let write = |path: &str, bytes: &[u8]| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    // Windows has no `?` in names.
    let (odd, encoded) = if cfg!(windows) { ("w0#x=1", "w0%23x=1") } else { ("w0?x=1", "w0%3Fx=1") };
    let manifest = r#"[{"paths":["w/deep er/a.bin","ODD"],"weights":[{"name":"a","shape":[2],"dtype":"int32"}]}]"#;
    let manifest = manifest.replace("ODD", odd);
    write("nested/model.json", format!(r#"{{"weightsManifest":{manifest}}}"#).as_bytes());
    write("nested/w/deep er/a.bin", b"abc");
    write(&format!("nested/{odd}"), b"defgh");
    write("bare/model.json", manifest.as_bytes());
    write("bare/w/deep er/a.bin", b"abc");
    write(&format!("bare/{odd}"), b"defgh");
    for name in ["nested", "bare"] {
        assert_eq!(server.get(&format!("/{name}/w/deep%20er/a.bin")).await.body, b"abc", "{name}");
        assert_eq!(server.get(&format!("/{name}/{encoded}")).await.body, b"defgh", "{name}");
        let json = server.get(&format!("/{name}/model.json")).await.json();
        assert_eq!(json["weightsManifest"][0]["paths"], json!(["w/deep er/a.bin", odd]));
    }
    write("old/tensorflowjs_model.pb", b"\x0a\x03abc");
    write("old/weights_manifest.json", br#"[{"paths":["a"],"weights":[{"name":"a","shape":[1],"dtype":"bool"}]}]"#);
    write("old/a", b"x");
    assert_eq!(server.get("/old/tensorflowjs_model.pb").await.body, b"\x0a\x03abc");
    assert_eq!(server.get("/old/weights_manifest.json").await.json()[0]["paths"], json!(["a"]));
    assert_eq!(server.get("/old/a").await.body, b"x");
    assert_eq!(server.get("/old/model.json").await.status, 404);

    // Files that the manifest does not name are nobody's.
    write("nested/secret", b"x");
    for path in ["/nested/secret", "/nested/w", "/nested/w/", "/nested/w/deep%20er/../../secret", "/nested", "/nested/"]
    {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_model_that_changes_under_the_server_is_seen() {
    let server = with_model().await;
    assert_eq!(server.get(WEIGHTS).await.body.len(), 4_000_000);
    let folder = server.folder().join("m");
    // Weights alone, in place; then all of it; then nothing.
    std::fs::write(folder.join("model.weights.bin"), vec![5; 4_000_000]).unwrap();
    assert_eq!(server.get(WEIGHTS).await.body, vec![5; 4_000_000]);
    FsHandler::from_path(&folder).save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap();
    assert_eq!(server.get(WEIGHTS).await.body.len(), 4000);
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(server.get(WEIGHTS).await.status, 404);
    assert_eq!(server.get("/m/model.json").await.status, 404);
}

#[tokio::test]
async fn broken_models_hide_no_others() {
    let server = with_model().await;
    std::fs::create_dir(server.folder().join("broken")).unwrap();
    std::fs::write(server.folder().join("broken/model.json"), "{").unwrap();
    let list = server.get("/").await.json();
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(list[0]["url"], json!("/m/model.json"));
    let error = server.get("/broken/model.json").await.error(500);
    assert!(!error.contains(server.folder().to_str().unwrap()), "{error}");
}

/// Any backend will do, also one that cannot tell versions.
#[tokio::test]
async fn models_in_memory_below_another_path() {
    let store = MemoryStore::new();
    let router = Router::builder().route(store.route()).build().unwrap();
    let everything: ModelArtifacts = samples::everything();
    router.save(&everything, "memory://shop/all", &SaveOptions::new()).await.unwrap();
    for other in ["memory://shopping", "memory://shop/a/b"] {
        router.save(&everything, other, &SaveOptions::new()).await.unwrap();
    }
    let models = Models::new(router, "memory://shop").unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = axum::Router::new().nest("/v1/models", tfjs_server::router(models, ServerOptions::new()));
    tokio::spawn(tfjs_server::serve(listener, app, ServeOptions::new(), std::future::pending()));
    let server = Client(address);
    assert_eq!(server.get("/v1/models").await.json()[0]["url"], json!("/v1/models/all/model.json"));
    let broken = server.get("/v1/models?broken").await.json()["broken"].clone();
    assert_eq!(
        broken,
        json!([{ "name": "a/b", "error": "the model name `a/b` has a slash or backslash; choose another one" }])
    );
    assert_eq!(server.get("/v1/models/all/model.json").await.status, 200);
    let shard = server.get("/v1/models/all/c/d.bin").await;
    assert_eq!(shard.status, 404, "the store has names of its own");
    assert_eq!(server.get("/v1/models/all/group3-shard1of1.bin").await.body, 7i32.to_le_bytes());
    let uploaded = server.upload("POST", "/v1/models/upload?name=new", &model(1, 10)).await;
    assert_eq!((uploaded.status, uploaded.header("location")), (200, Some("/v1/models/new/model.json")));
    assert_eq!(server.get("/v1/models/new/model.weights.bin").await.body, vec![1; 40]);
}

/// What a refusal says to ask for instead is there.
#[tokio::test]
async fn refusals_name_paths_below_the_prefix() {
    let served = async |nest: fn(axum::Router) -> axum::Router| {
        let store = MemoryStore::new();
        let router = Router::builder().route(store.route()).build().unwrap();
        router.save(&samples::everything(), "memory://my model", &SaveOptions::new()).await.unwrap();
        let models = Models::new(router, "memory://").unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Client(listener.local_addr().unwrap());
        let app = nest(tfjs_server::router(models, ServerOptions::new()));
        tokio::spawn(tfjs_server::serve(listener, app, ServeOptions::new(), std::future::pending()));
        server
    };
    let services = served(|models| axum::Router::new().nest_service("/v1/ro", models)).await;
    assert_eq!(services.get("/v1/ro/").await.json(), services.get("/v1/ro").await.json());
    let nested = served(|models| axum::Router::new().nest("/v1/ro", models)).await;
    for (server, prefix) in [(services, "/v1/ro"), (nested, "/v1/ro"), (served(|models| models).await, "")] {
        let model = format!("{prefix}/my%20model/model.json");
        let hint = format!("a model is loaded from its model.json: `{model}`");
        assert_eq!(server.get(&format!("{prefix}/my%20model")).await.error(404), hint);
        assert_eq!(server.get(&model).await.status, 200);
        let list = if prefix.is_empty() { "/" } else { prefix };
        let hint = format!("there is nothing here; models are listed at `{list}`");
        for missing in [".page", ".page/", ".page/x", ".x/"] {
            assert_eq!(server.get(&format!("{prefix}/{missing}")).await.error(404), hint, "{missing}");
        }
        assert_eq!(server.get(list).await.json()[0]["url"], json!(model));
        let hint = format!("upload a model as multipart/form-data to `{prefix}/{{name}}`");
        let refused = server.request("DELETE", list, &[]).await.error(405);
        assert_eq!(refused, format!("this is the list of the models; {hint}"));
        let refused = server.request("PUT", &format!("{prefix}/m/model.weights.bin"), &[]).await.error(405);
        assert_eq!(refused, format!("files cannot be written one by one; {hint}"));
    }
}
