//! A web page beside the models.

use std::collections::BTreeMap;

use tfjs_artifacts::RelPath;
use tfjs_fs::FsHandler;
use tfjs_router::{MemoryStore, Router, SaveHandler as _, SaveOptions};
use tfjs_server::axum::http::HeaderValue;
use tfjs_server::{AllowedOrigins, Models, Page, ServeOptions, ServerOptions, Token, axum};
use tfjs_testkit::samples;

use crate::support::{Client, Server, model};

const HTML: &str = "accept: text/html,*/*;q=0.8";

fn page() -> Page {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("js")).unwrap();
    std::fs::write(folder.path().join("index.html"), format!("<!doctype html>{}", " ".repeat(4000))).unwrap();
    std::fs::write(folder.path().join("js").join("app.js"), "export {}").unwrap();
    // In memory from here on.
    Page::read(folder.path()).unwrap()
}

#[tokio::test]
async fn a_browser_is_sent_to_the_page_and_others_get_the_list() {
    let server = Server::with_options(ServerOptions::new().with_page(page())).await;
    let sent = server.request("GET", "/", &[HTML]).await;
    assert_eq!((sent.status, sent.header("location"), sent.header("vary")), (303, Some("./.page/"), Some("accept")));
    assert_eq!(server.get("/").await.body, b"[]\n");

    assert_eq!(server.get("/.page").await.header("location"), Some("./.page/"));
    let html = server.get("/.page/").await;
    assert_eq!((html.status, html.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(html.header("content-security-policy").unwrap().contains("script-src 'self'"));
    assert_eq!(html.header("x-content-type-options"), Some("nosniff"));
    let script = server.get("/.page/js/app.js").await;
    assert_eq!(
        (script.header("content-type"), &script.body[..]),
        (Some("text/javascript; charset=utf-8"), &b"export {}"[..])
    );
    let known = format!("if-none-match: {}", script.header("etag").unwrap());
    assert_eq!(server.request("GET", "/.page/js/app.js", &[&known]).await.status, 304);
    let gzipped = server.request("GET", "/.page/index.html", &["accept-encoding: gzip"]).await;
    assert_eq!(gzipped.header("content-encoding"), Some("gzip"));

    for missing in ["/.page/js", "/.page/js/", "/.page/nothing", "/.page/../Cargo.toml", "/.page/%2e%2e/x", "/.pages"] {
        let status = server.get(missing).await.status;
        assert!(status == 404 || status == 400, "{missing}: {status}");
    }
    assert_eq!(server.upload_with("POST", "/.page/model.json", &[], &model(1, 10)).await.status, 405);
}

async fn nested(nest: impl FnOnce(axum::Router) -> axum::Router) -> Client {
    let store = MemoryStore::new();
    let router = Router::builder().route(store.route()).build().unwrap();
    let models = Models::new(router, "memory://").unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Client(listener.local_addr().unwrap());
    let app = nest(tfjs_server::router(models, ServerOptions::new().with_page(page())));
    tokio::spawn(tfjs_server::serve(listener, app, ServeOptions::new(), std::future::pending()));
    server
}

/// In another router the list has a path of its own, with a slash at its end or without.
#[tokio::test]
async fn a_nested_server_sends_browsers_to_its_own_page() {
    let check = async |server: Client, sent: &[(&str, &str)]| {
        for (path, to) in sent {
            let sent = server.request("GET", path, &[HTML]).await;
            assert_eq!((sent.status, sent.header("location")), (303, Some(*to)), "{path}");
            assert_eq!(server.get("/v1/my%20models/.page/").await.status, 200);
        }
    };
    let without_slash = [
        ("/v1/my%20models", "./my%20models/.page/"),
        ("/v1/my%20models?x=/y", "./my%20models/.page/"),
        ("/v1/my%20models/.page", "./.page/"),
    ];
    let with_slash = [("/v1/my%20models/", "./.page/"), ("/v1/my%20models/?x=y", "./.page/")];
    check(nested(|models| axum::Router::new().nest("/v1/my%20models", models)).await, &without_slash).await;
    check(nested(|models| axum::Router::new().nest("/v1/my%20models/", models)).await, &with_slash).await;
    let both = nested(|models| axum::Router::new().nest_service("/v1/my%20models", models)).await;
    check(both, &without_slash).await;
    check(both, &with_slash).await;
    // Where the page asks for the list.
    assert_eq!(both.get("/v1/my%20models/?broken").await.body, b"{\"models\":[],\"broken\":[]}\n");
}

#[tokio::test]
async fn without_a_page_there_is_the_list() {
    let server = Server::new().await;
    assert_eq!(server.request("GET", "/", &[HTML]).await.body, b"[]\n");
    assert_eq!(server.get("/.page/").await.status, 404);
    assert_eq!(server.get("/.page/server.json").await.status, 404);
}

#[tokio::test]
async fn the_page_asks_for_the_token_and_needs_none() {
    let token = Token::new("correct-horse-battery").unwrap();
    let options = ServerOptions::new().with_token(token).with_protected_reads().with_page(page());
    let server = Server::with_options(options).await;
    assert_eq!(server.get("/.page/index.html").await.status, 200);
    let about = server.get("/.page/server.json").await;
    assert_eq!(about.body, b"{\"readOnly\":false,\"protectsReads\":true,\"needsToken\":true}\n");
    assert_eq!(server.get("/").await.status, 401);
    assert_eq!(server.get("/m/model.json").await.status, 401);
    // A browser is sent to where it is asked for the token.
    assert_eq!(server.request("GET", "/", &[HTML]).await.status, 303);
    // What only looks like the page.
    assert_eq!(server.get("/.page").await.status, 401);
    assert_eq!(server.get("/.pages/x").await.status, 401);
}

/// What the page asks of its own server, whatever other pages may.
#[tokio::test]
async fn the_page_may_use_its_own_server() {
    let list = AllowedOrigins::List(vec![HeaderValue::from_static("https://app.example")]);
    let mut options = ServerOptions::new().with_page(page());
    options.allowed_origins = list.clone();
    let server = Server::with_options(options).await;
    // Module scripts are asked for with an origin.
    assert_eq!(server.request("GET", "/.page/js/app.js", &["origin: http://name.example"]).await.status, 200);
    let put = async |host: &str, origin: &str| {
        let headers = [format!("host: {host}"), format!("origin: http://{origin}"), "if-none-match: *".to_owned()];
        let headers: Vec<_> = headers.iter().map(String::as_str).collect();
        server.request("DELETE", "/nothing", &headers).await.status
    };
    for own in ["192.0.2.2:18099", "127.0.0.1:8080", "[2001:db8::1]:80", "localhost:8080"] {
        assert_ne!(put(own, own).await, 403, "{own}");
    }
    // A name may have been bent to point here, and another address is another page.
    assert_eq!(put("evil.example:8080", "evil.example:8080").await, 403);
    assert_eq!(put("192.0.2.2:18099", "192.0.2.3:18099").await, 403);
    assert_eq!(put("192.0.2.2:18099", "192.0.2.2:80").await, 403);

    let mut options = ServerOptions::new().with_page(page()).with_token(Token::new("correct-horse-battery").unwrap());
    options.allowed_origins = list;
    let server = Server::with_options(options).await;
    let named = ["host: models.example", "origin: http://models.example"];
    assert_eq!(server.request("DELETE", "/nothing", &named).await.status, 401, "the token decides");
}

#[tokio::test]
async fn whoever_asks_hears_of_broken_models() {
    let server = Server::new().await;
    let folder = server.folder().join("half");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("model.json"), "{\"modelTopology\":{},\"weightsManifest\":").unwrap();
    assert_eq!(server.get("/").await.body, b"[]\n");
    let all = String::from_utf8(server.get("/?broken").await.body).unwrap();
    assert!(all.starts_with("{\"models\":[],\"broken\":[{\"name\":\"half\",\"error\":\""), "{all}");
    assert!(!all.contains(server.folder().to_str().unwrap()), "{all}");
}

/// A model that has no name here is not left out without a word.
#[tokio::test]
async fn whoever_asks_hears_of_models_that_cannot_be_served() {
    let server = Server::new().await;
    let folder = server.folder();
    let mut places =
        vec!["good".to_owned(), ".hidden".to_owned(), "upload".to_owned(), String::new(), "other.json".to_owned()];
    places.push("x".repeat(129));
    for place in &places {
        let handler = FsHandler::from_path(folder.join(place));
        let weights = SaveOptions::new().with_weights_file_name(RelPath::parse(&format!("{place}.bin")).unwrap());
        let options = if place == "other.json" { weights } else { SaveOptions::new() };
        handler.save(&samples::filled(1.0), &options).await.unwrap();
    }
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::ffi::OsStrExt as _;
        let odd = folder.join(std::ffi::OsStr::from_bytes(b"odd\xff"));
        FsHandler::from_path(odd).save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap();
    }
    let list = server.get("/").await.json();
    assert_eq!(list.as_array().unwrap().iter().map(|row| &row["name"]).collect::<Vec<_>>(), ["good"]);
    let all = server.get("/?broken").await.json();
    assert_eq!(all["models"], list);
    let found: BTreeMap<_, _> = all["broken"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["name"].as_str().unwrap(), row["error"].as_str().unwrap()))
        .collect();
    let long = "x".repeat(129);
    let mut expected = vec![
        (".hidden", "begins with a dot"),
        ("upload", "is taken by the server itself"),
        ("model.json", "it lies beside the folders of the others"),
        ("other.json", "is that of a file"),
        (long.as_str(), "is longer than 128 bytes"),
    ];
    if cfg!(target_os = "linux") {
        expected.push(("odd\u{fffd}", "is no Unicode"));
    }
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (name, reason) in expected {
        assert!(found[name].contains(reason), "{name}: {found:?}");
        assert!(!found[name].contains(folder.to_str().unwrap()), "{found:?}");
    }
}
