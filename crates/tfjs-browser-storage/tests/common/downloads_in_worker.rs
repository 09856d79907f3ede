//! A worker has no document to put links into.

use tfjs_artifacts::ErrorKind;
use tfjs_browser_storage::{DownloadsHandler, downloads, missing, routes};
use tfjs_router::{LoadOptions, RemoveOptions, Router, SaveHandler as _, SaveOptions};
use tfjs_testkit::{Ability, Outcome, record_ability, samples};
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

    let router = Router::builder().routes(routes()).build().unwrap();
    let loaded = router.load("downloads://m", &LoadOptions::new()).await;
    assert_eq!(loaded.unwrap_err().kind(), ErrorKind::Unsupported);
    let removed = router.remove_model("downloads://m", &RemoveOptions::new()).await;
    assert_eq!(removed.unwrap_err().kind(), ErrorKind::Unsupported);
    for ability in [Ability::Load, Ability::Save, Ability::Manage] {
        record_ability("downloads://", ability, Outcome::Refused("only a page can download"));
    }
}
