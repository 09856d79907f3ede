//! What the browser says of its storage.

use js_sys::Reflect;
use tfjs_artifacts::ErrorKind;
use tfjs_browser_storage::opfs::OpfsHandler;
use tfjs_browser_storage::{request_persistence, storage_status};
use tfjs_router::{ModelStore as _, RemoveOptions, SaveHandler as _, SaveOptions};
use tfjs_testkit::{FailingSource, samples};
use wasm_bindgen_test::wasm_bindgen_test;

const BYTES: usize = 2_000_000;

#[wasm_bindgen_test]
async fn what_is_stored_is_counted() {
    let handler = OpfsHandler::new("counted");
    handler
        .save(&samples::from_source(FailingSource::new(vec![1; BYTES], BYTES as u64)), &SaveOptions::new())
        .await
        .unwrap();
    let status = storage_status().await.unwrap();
    assert!(status.usage.unwrap() >= BYTES as u64, "{status:?}");
    assert!(status.quota.unwrap() > status.usage.unwrap(), "{status:?}");
    assert_eq!(status.available().unwrap(), status.quota.unwrap() - status.usage.unwrap());
    assert!(status.persisted.is_some(), "{status:?}");
    handler.remove(&RemoveOptions::new()).await.unwrap();
}

#[wasm_bindgen_test]
async fn only_pages_ask_for_persistence() {
    let is_page = Reflect::has(&js_sys::global(), &"document".into()).unwrap();
    let answer = request_persistence().await;
    if is_page {
        let granted = answer.unwrap();
        assert_eq!(storage_status().await.unwrap().persisted, Some(granted));
    } else {
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    }
}
