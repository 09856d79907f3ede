//! Answers that come in pieces, break off, stall, or are something else.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::{Either, select};
use tfjs_artifacts::ErrorKind;
use tfjs_http::RetryPolicy;
use tfjs_router::{LoadOptions, Progress, ProgressSink};
use tfjs_testkit::assert_same_model;
use wasm_bindgen_test::wasm_bindgen_test;
use web_time::Instant;

use super::{case_of, client, load, load_with, model_of};

#[wasm_bindgen_test]
async fn bodies_are_used_as_they_arrive() {
    let case = case_of(&model_of(10_000)).await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let sink = {
        let (heard, start) = (Arc::clone(&heard), Instant::now());
        ProgressSink::new(move |progress: Progress| heard.lock().unwrap().push((progress.bytes, start.elapsed())))
    };
    load_with(&case.url("slow"), &client(), &LoadOptions::new().with_progress(sink)).await.unwrap();
    let heard = heard.lock().unwrap();
    assert!(heard.is_sorted(), "{heard:?}");
    let (first, last) = (heard.iter().find(|(bytes, _)| *bytes > 0).unwrap(), heard.last().unwrap());
    assert!(first.0 <= 20_000 && last.0 == 40_000, "{heard:?}");
    // The server pauses three times for 150 ms between the pieces.
    assert!(last.1 >= first.1 + Duration::from_millis(150), "{heard:?}");
}

#[wasm_bindgen_test]
async fn a_load_is_of_one_version_of_the_model() {
    let case = case_of(&model_of(100)).await;
    for options in [LoadOptions::new(), LoadOptions::lazy()] {
        load_with(&case.url("replaced-0"), &client(), &options).await.unwrap();
    }
    load(&case.url("replaced-1")).await.unwrap();
    let files: Vec<_> = case.seen_with("replaced-1").await.iter().map(|one| one.path().to_owned()).collect();
    let each = ["replaced-1/model.json", "replaced-1/w.bin"];
    assert_eq!(files, [each, each].concat());
    for options in [LoadOptions::new(), LoadOptions::lazy()] {
        let error = load_with(&case.url("replaced-99"), &client(), &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{}", error.chain());
    }
}

#[wasm_bindgen_test]
async fn a_load_that_is_dropped_aborts_its_requests() {
    let case = case_of(&model_of(10_000)).await;
    let fault = "stall-10000";
    let url = case.url(fault);
    {
        let loading = pin!(load(&url));
        let asked = pin!(case.wait_for(|seen| seen.path() == "stall-10000/w.bin"));
        match select(loading, asked).await {
            Either::Left((loaded, _)) => panic!("the load ended: {loaded:?}"),
            Either::Right(((), _)) => {}
        }
        let seen = case.seen_with(fault).await;
        assert!(seen.iter().all(|one| !one.is_abandoned()), "{seen:?}");
    }
    case.wait_for(|seen| seen.path() == "stall-10000/w.bin" && seen.is_abandoned()).await;
}

#[wasm_bindgen_test]
async fn a_lazy_read_that_is_dropped_aborts_its_request() {
    let case = case_of(&model_of(100_000)).await;
    let lazy = load_with(&case.url("stall-1000"), &client(), &LoadOptions::lazy()).await.unwrap();
    let weights = lazy.weights.as_ref().unwrap().data();
    {
        let reading = pin!(weights.read(4..400_000));
        let asked = pin!(case.wait_for(|seen| seen.header("range") == Some("bytes=4-399999")));
        assert!(matches!(select(reading, asked).await, Either::Right(_)));
    }
    case.wait_for(|seen| seen.header("range") == Some("bytes=4-399999") && seen.is_abandoned()).await;
}

#[wasm_bindgen_test]
async fn a_stalled_file_is_let_go_after_the_idle_timeout() {
    let case = case_of(&model_of(10_000)).await;
    let client = client().with_idle_timeout(Duration::from_millis(200)).with_retry(RetryPolicy::none());
    let error = load_with(&case.url("stall-10000"), &client, &LoadOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{}", error.chain());
    assert!(
        error.chain().to_string().contains("w.bin") && error.chain().to_string().contains("200ms"),
        "{}",
        error.chain()
    );
    case.wait_for(|seen| seen.path() == "stall-10000/w.bin" && seen.is_abandoned()).await;
}

#[wasm_bindgen_test]
async fn who_is_silent_twice_is_not_asked_again() {
    let case = case_of(&model_of(10_000)).await;
    let client = client().with_idle_timeout(Duration::from_millis(200));
    let error = load_with(&case.url("stall-0"), &client, &LoadOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{}", error.chain());
    // A page that shows an error shows its message.
    assert_eq!(error.message(), "shard `w.bin` cannot be read: nothing came from the server for 200ms (attempt 2)");
    let asked = case.seen_with("stall-0").await;
    assert_eq!(asked.iter().filter(|one| one.path() == "stall-0/w.bin").count(), 2);
}

#[wasm_bindgen_test]
async fn what_fails_for_now_is_tried_again() {
    let model = model_of(1000);
    let case = case_of(&model).await;
    assert_same_model(&load(&case.url("busy")).await.unwrap(), &model);
    let seen = case.seen_with("busy").await;
    assert_eq!(seen.iter().filter(|one| one.path() == "busy/w.bin").count(), 2);
}

#[wasm_bindgen_test]
async fn what_breaks_off_goes_on_where_it_was() {
    let model = model_of(10_000);
    let case = case_of(&model).await;
    assert_same_model(&load(&case.url("cut-30000")).await.unwrap(), &model);
    let seen = case.seen_with("cut-30000").await;
    let ranges: Vec<_> =
        seen.iter().filter(|one| one.path().ends_with("w.bin")).map(|one| one.header("range")).collect();
    assert_eq!(ranges, [None, Some("bytes=30000-")]);
    // It would have to be allowed.
    assert!(seen.iter().all(|one| one.method() == "GET" && one.header("if-range").is_none()), "{seen:?}");
}

#[wasm_bindgen_test]
async fn a_body_that_always_breaks_off_is_an_error() {
    let case = case_of(&model_of(10_000)).await;
    let client = client().with_retry(RetryPolicy::none());
    let error = load_with(&case.url("cut-30000"), &client, &LoadOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport, "{}", error.chain());
    assert!(error.chain().to_string().contains("the connection broke"), "{}", error.chain());
}

#[wasm_bindgen_test]
async fn a_missing_file_is_named() {
    let case = case_of(&model_of(1000)).await;
    for options in [LoadOptions::new(), LoadOptions::lazy()] {
        let error = load_with(&case.url("missing"), &client(), &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.message().contains("shard `w.bin` was answered with 404 Not Found"), "{}", error.chain());
    }
}

#[wasm_bindgen_test]
async fn a_page_in_place_of_weights_is_told_apart() {
    let case = case_of(&model_of(1000)).await;
    let error = load(&case.url("html")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(
        error.chain().to_string().contains("w.bin") && error.chain().to_string().contains("HTML"),
        "{}",
        error.chain()
    );
}

#[wasm_bindgen_test]
async fn a_page_of_untold_length_is_told_apart_before_it_is_read() {
    let case = case_of(&model_of(1000)).await;
    let error = load_with(&case.url("page"), &client(), &LoadOptions::lazy()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{}", error.chain());
    assert!(error.message().contains("shard `w.bin` looks like an HTML"), "{}", error.chain());
}

#[wasm_bindgen_test]
async fn a_short_file_is_told_with_both_numbers() {
    let case = case_of(&model_of(1000)).await;
    let error = load(&case.url("short-3999")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(
        error.chain().to_string().contains("`w.bin` has 3999 bytes") && error.chain().to_string().contains("4000"),
        "{}",
        error.chain()
    );
}

#[wasm_bindgen_test]
async fn encoded_bodies_are_decoded_though_their_length_is_another() {
    let model = model_of(10_000);
    let case = case_of(&model).await;
    assert_same_model(&load(&case.url("gzip")).await.unwrap(), &model);
    // Without an encoding nothing would have been shown.
    let seen = case.seen_with("gzip").await;
    let accepted = seen.iter().find(|one| one.path().ends_with("w.bin")).unwrap().header("accept-encoding");
    assert!(accepted.unwrap().contains("gzip"), "{accepted:?}");
}

/// Chromium asks for ranges as they are, and shows no answer that is compressed nevertheless.
#[wasm_bindgen_test]
async fn encoded_bodies_are_read_whole_where_ranges_have_no_answer() {
    let model = model_of(10_000);
    let case = case_of(&model).await;
    let lazy = load_with(&case.url("encoded"), &client(), &LoadOptions::lazy()).await.unwrap();
    assert!(lazy.weights.as_ref().unwrap().data().is_in_memory());
    assert_same_model(&lazy, &model);
    let seen = case.seen_with("encoded").await;
    let of_weights = seen.iter().filter(|one| one.path().ends_with("w.bin"));
    let asked: Vec<_> = of_weights.map(|one| (one.method(), one.header("range"))).collect();
    let (range, head) = (("GET", Some("bytes=0-0")), ("HEAD", None));
    assert_eq!(asked, [range, head, range, ("GET", None)]);
}
