//! A web page beside the models.

use tfjs_server::{Page, ServerOptions, Token};

use crate::support::{Server, model};

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

    for missing in ["/.page/js", "/.page/js/", "/.page/nothing", "/.page/../Cargo.toml", "/.page/%2e%2e/x", "/.page"] {
        let status = server.get(missing).await.status;
        assert!(status == 404 || status == 400, "{missing}: {status}");
    }
    assert_eq!(server.upload_with("POST", "/.page/model.json", &[], &model(1, 10)).await.status, 405);
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
    // What only looks like the page.
    assert_eq!(server.get("/.page").await.status, 401);
    assert_eq!(server.get("/.pages/x").await.status, 401);
}
