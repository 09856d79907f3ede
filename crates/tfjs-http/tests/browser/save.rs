//! Uploads.

use std::ops::Range;
use std::pin::pin;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::{Either, select};
use tfjs_artifacts::{ByteSource, Error, ErrorKind};
use tfjs_http::{HttpHandler, RetryPolicy};
use tfjs_router::{SaveHandler as _, SaveOptions};
use tfjs_testkit::{FailingSource, assert_same_model, samples};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_test::wasm_bindgen_test;

use super::server::{Case, SERVER, Seen, unique};
use super::{client, load, model_of, save};

#[wasm_bindgen_test]
async fn a_form_as_tensorflow_js_sends_it() {
    let model = model_of(100_000);
    let url = format!("{SERVER}/{}/model.json", unique());
    let saved = HttpHandler::from_url(&url, &client()).unwrap().save(&model, &SaveOptions::new()).await.unwrap();
    assert_eq!(saved.responses[0].status, 200);
    assert_same_model(&load(&url).await.unwrap(), &model);
}

#[wasm_bindgen_test]
async fn a_form_asks_for_no_permission() {
    let case = Case::new();
    save(&model_of(1000), &case.url("bare"), &client()).await.unwrap();
    let seen = case.seen().await;
    assert_eq!(seen.iter().map(Seen::method).collect::<Vec<_>>(), ["POST"]);
    let content_type = seen[0].header("content-type").unwrap();
    assert!(content_type.starts_with("multipart/form-data; boundary=tfjs-"), "{content_type}");
    assert_eq!(seen[0].header("content-length").unwrap().parse(), Ok(seen[0].received()));
}

#[wasm_bindgen_test]
async fn each_file_for_itself() {
    let case = Case::new();
    let client = client().with_put_per_file();
    save(&samples::many_shards(3), &case.url("files"), &client).await.unwrap();
    assert_same_model(&load(&case.url("files")).await.unwrap(), &samples::many_shards(3));
    let seen = case.seen().await;
    let puts: Vec<_> = seen.iter().filter(|one| one.method() == "PUT").map(|one| one.path().to_owned()).collect();
    assert_eq!(puts.len(), 4);
    assert_eq!(puts[3], "files/model.json");
}

#[wasm_bindgen_test]
async fn a_put_is_tried_again() {
    let case = Case::new();
    save(&model_of(1000), &case.url("busy"), &client().with_put_per_file()).await.unwrap();
    assert_same_model(&load(&case.url("files")).await.unwrap(), &model_of(1000));
}

#[wasm_bindgen_test]
async fn an_upload_that_is_dropped_is_aborted() {
    let case = Case::new();
    let (url, client) = (case.url("crawl"), client());
    let model = samples::from_source(Generated { byte_length: 64 << 20 });
    {
        let saving = pin!(save(&model, &url, &client));
        let begun = pin!(case.wait_for(|seen| seen.received() > 0));
        match select(saving, begun).await {
            Either::Left((saved, _)) => panic!("the save ended: {saved:?}"),
            Either::Right(((), _)) => {}
        }
        let seen = case.seen().await;
        assert!(!seen[0].is_abandoned(), "{seen:?}");
    }
    case.wait_for(Seen::is_abandoned).await;
    let seen = case.seen().await;
    assert!(seen[0].received() < 64 << 20, "{seen:?}");
}

#[wasm_bindgen_test]
async fn redirects_of_uploads_are_refused() {
    for status in [302, 307] {
        let case = Case::new();
        let error = save(&model_of(10), &case.url(&format!("redirect-{status}")), &client()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidUrl);
        assert!(error.chain().to_string().contains("redirects the upload"), "{}", error.chain());
        assert_eq!(case.seen().await.len(), 1);
    }
}

#[wasm_bindgen_test]
async fn weights_that_cannot_be_read_send_nothing() {
    let case = Case::new();
    let broken = samples::from_source(FailingSource::new(vec![0; 4 << 20], 3 << 20));
    let client = client().with_retry(RetryPolicy::none());
    let error = save(&broken, &case.url("files"), &client).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport, "{}", error.chain());
    assert!(!error.chain().to_string().contains("browser"), "{}", error.chain());
    assert_eq!(case.seen().await.len(), 0);
}

#[wasm_bindgen_test]
async fn a_large_upload_is_not_held_in_memory() {
    const LENGTH: u64 = 256 << 20;
    let case = Case::new();
    let before = heap();
    save(&samples::from_source(Generated { byte_length: LENGTH }), &case.url("files"), &client()).await.unwrap();
    let grown = heap() - before;
    assert!(grown < 64 << 20, "{grown} bytes");
    let seen = case.seen().await;
    assert!((LENGTH..LENGTH + 4096).contains(&seen[0].received()), "{seen:?}");
}

/// Bytes of WebAssembly's memory.
fn heap() -> u64 {
    let memory: js_sys::WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
    let buffer: js_sys::ArrayBuffer = memory.buffer().unchecked_into();
    buffer.byte_length().into()
}

/// Zeros that are made when they are read.
#[derive(Debug)]
struct Generated {
    byte_length: u64,
}

#[async_trait(?Send)]
impl ByteSource for Generated {
    fn byte_length(&self) -> u64 {
        self.byte_length
    }

    fn version(&self) -> Option<String> {
        None
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        Ok(vec![0; usize::try_from(range.end - range.start).unwrap()].into())
    }
}
