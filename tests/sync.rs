//! Many models to places whose URLs spell names in another way.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::path::Path;

use tfjs_io::{Router, SaveOptions, SyncAction, SyncOptions, default_router};
use tfjs_testkit::{assert_same_model, samples::filled};

/// Names that mean something in a URL, which is another model if it is taken for one.
const NAMES: [&str; 3] = ["c d", "c%20d", "plain"];

async fn put(router: &Router, folder: &Path, name: &str, value: f32) {
    router.save(&filled(value), folder.join(name).to_str().unwrap(), &SaveOptions::new()).await.unwrap();
}

async fn source(router: &Router) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, value) in NAMES.into_iter().zip([1.0, 2.0, 3.0]) {
        put(router, folder.path(), name, value).await;
    }
    folder
}

/// What is done about each model, by name.
async fn sync(router: &Router, from: &str, to: &str) -> Vec<(String, SyncAction)> {
    let options = SyncOptions::new();
    let plan = router.plan_sync(from, to, &options).await.unwrap();
    assert!(plan.errors.is_empty(), "{:?}", plan.errors);
    let failed = router.run_sync(&plan, &options).await;
    assert!(failed.is_empty(), "{failed:?}");
    plan.items.into_iter().map(|item| (item.name, item.action)).collect()
}

fn all(action: SyncAction) -> Vec<(String, SyncAction)> {
    NAMES.map(|name| (name.to_owned(), action)).into()
}

#[tokio::test]
async fn paths_and_file_urls_have_the_same_names() {
    let router = default_router().unwrap();
    let (from, to) = (source(&router).await, tempfile::tempdir().unwrap());
    let [from, to] = [from.path(), to.path()].map(|path| path.to_str().unwrap().to_owned());
    let [from_url, to_url] = [&from, &to].map(|path| format!("file://{path}"));
    assert_eq!(sync(&router, &from, &to_url).await, all(SyncAction::New));
    for (from, to) in [(&from, &to_url), (&from_url, &to), (&from, &to), (&from_url, &to_url)] {
        assert_eq!(sync(&router, from, to).await, all(SyncAction::Unchanged), "{from} {to}");
    }
    for (name, value) in NAMES.into_iter().zip([1.0, 2.0, 3.0]) {
        let copied = router.load(&format!("{to}/{name}"), &tfjs_io::LoadOptions::new()).await.unwrap();
        assert_same_model(&copied, &filled(value));
    }
}

#[tokio::test]
async fn a_server_is_sent_what_it_does_not_have() {
    let router = default_router().unwrap();
    let (from, served) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (name, value) in [("a", 1.0), ("b c", 2.0)] {
        put(&router, from.path(), name, value).await;
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = format!("http://{}/", listener.local_addr().unwrap());
    let app = tfjs_tests::served::app(served.path());
    tokio::spawn(tfjs_server::serve(listener, app, tfjs_server::ServeOptions::new(), std::future::pending()));

    let path = from.path().to_str().unwrap();
    let names = |a, b| vec![("a".to_owned(), a), ("b c".to_owned(), b)];
    assert_eq!(sync(&router, path, &place).await, names(SyncAction::New, SyncAction::New));
    assert_eq!(sync(&router, path, &place).await, names(SyncAction::Unchanged, SyncAction::Unchanged));
    put(&router, from.path(), "b c", 3.0).await;
    assert_eq!(sync(&router, path, &place).await, names(SyncAction::Unchanged, SyncAction::Changed));
    let there = router.load(&format!("{place}b c/model.json"), &tfjs_io::LoadOptions::new()).await.unwrap();
    assert_same_model(&there, &filled(3.0));
}
