//! A worker has no document to put links into.

use tfjs_artifacts::ErrorKind;
use tfjs_browser_storage::{DownloadsHandler, downloads, missing, routes};
use tfjs_router::{SaveHandler as _, SaveOptions};
use tfjs_testkit::samples;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn downloads_are_refused_and_explained() {
    let handler = DownloadsHandler::new("m").unwrap();
    for handler in [handler.clone(), handler.with_zip()] {
        let error = handler.save(&samples::filled(1.0), &SaveOptions::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let message = "cannot save `downloads://m`: only a page can download, and a worker has no `document`: send the model to \
                       the page, or save to `indexeddb://` or `opfs://`";
        assert_eq!(error.to_string(), message);
    }
    assert!(routes().iter().all(|route| route.scheme() != downloads::SCHEME));
    assert!(missing().iter().any(|(scheme, needs)| *scheme == "downloads" && needs.starts_with("a page")));
}
