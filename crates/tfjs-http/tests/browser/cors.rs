//! What a server of another origin allows, and what `fetch` is told.

use std::time::Duration;

use bytes::Bytes;
use tfjs_artifacts::{
    DType, Error, ErrorKind, RelPath, Shape, Shard, SurplusBytes, WeightData, WeightGroup, WeightSpec, Weights,
};
use tfjs_http::{FetchCache, FetchCredentials, FetchMode, HttpClient, RetryPolicy};
use tfjs_router::LoadOptions;
use tfjs_testkit::{assert_same_model, samples};
use wasm_bindgen_test::wasm_bindgen_test;

use super::server::{Case, Seen};
use super::{case_of, client, load, load_with, model_of, save};

fn once() -> HttpClient {
    client().with_retry(RetryPolicy::none())
}

/// The error of an eager load.
async fn failure(url: &str, client: &HttpClient) -> Error {
    load_with(url, client, &LoadOptions::new()).await.unwrap_err()
}

fn page() -> String {
    js_sys::Reflect::get(&js_sys::global(), &"origin".into()).unwrap().as_string().unwrap()
}

#[wasm_bindgen_test]
async fn an_eager_load_asks_for_no_permission() {
    let model = model_of(1000);
    let case = case_of(&model).await;
    assert_same_model(&load(&case.url("bare")).await.unwrap(), &model);
    let seen = case.seen_with("bare").await;
    assert_eq!(seen.iter().map(Seen::method).collect::<Vec<_>>(), ["GET"; 2]);
    assert_eq!(seen[0].header("origin"), Some(&*page()));
    for one in &seen {
        assert_eq!((one.header("range"), one.header("content-type")), (None, None));
    }
}

#[wasm_bindgen_test]
async fn a_lazy_load_reads_ranges_without_permission() {
    let model = model_of(100_000);
    let case = case_of(&model).await;
    let lazy = load_with(&case.url("files"), &client(), &LoadOptions::lazy()).await.unwrap();
    let weights = lazy.weights.as_ref().unwrap().data();
    assert!(!weights.is_in_memory());
    let expected = model.weights.as_ref().unwrap().data();
    for range in [400..800, 4..8, 399_996..400_000, 100_000..300_000] {
        assert_eq!(weights.read(range.clone()).await.unwrap(), expected.read(range).await.unwrap());
    }
    let seen = case.seen_with("files").await;
    let ranges: Vec<_> = seen.iter().filter_map(|one| one.header("range")).collect();
    assert_eq!(ranges, ["bytes=0-0", "bytes=400-799", "bytes=4-7", "bytes=399996-399999", "bytes=100000-299999"]);
    assert!(seen.iter().filter(|one| one.header("range").is_some()).all(|one| one.method() == "GET"));
    // Those before were for storing the files.
    let last_put = seen.iter().rposition(|one| one.method() == "PUT").unwrap();
    assert!(seen[last_put..].iter().all(|one| one.method() != "OPTIONS"), "{seen:#?}");
}

#[wasm_bindgen_test]
async fn lazy_files_do_not_hold_all_connections_that_a_browser_has() {
    const LENGTH: u64 = 300_000;
    let shards = (0..12).map(|index| Shard::new(RelPath::parse(&format!("shard{index}")).unwrap(), LENGTH)).collect();
    let spec = WeightSpec::new("w", Shape::vector(12 * LENGTH).unwrap(), DType::Bool);
    let bytes = WeightData::from(Bytes::from(vec![1; 3_600_000]));
    let weights = Weights::new(vec![WeightGroup::new(vec![spec], shards)], bytes, SurplusBytes::Reject).unwrap();
    let case = Case::new();
    save(&samples::layers_model(weights), &case.url("files"), &client().with_put_per_file()).await.unwrap();

    let client = once().with_idle_timeout(Duration::from_secs(3));
    let lazy = load_with(&case.url("stall-100000"), &client, &LoadOptions::lazy()).await.unwrap();
    let weights = lazy.weights.as_ref().unwrap().data();
    // The second read of a file follows the first, so that its answer is kept for the third, which does not come. A browser has
    // six connections.
    for shard in 0..12 {
        for start in [0, 70_000] {
            let start = shard * LENGTH + start;
            let read = weights.read(start..start + 70_000).await;
            assert_eq!(read.map_err(|error| error.chain().to_string()).unwrap().len(), 70_000, "{shard}");
        }
    }
}

#[wasm_bindgen_test]
async fn a_lazy_load_from_a_server_that_shows_nothing_is_an_eager_one() {
    let model = model_of(1000);
    let case = case_of(&model).await;
    let loaded = load_with(&case.url("bare"), &client(), &LoadOptions::lazy()).await.unwrap();
    assert!(loaded.weights.as_ref().unwrap().data().is_in_memory());
    assert_same_model(&loaded, &model);
}

#[wasm_bindgen_test]
async fn a_server_that_allows_nothing_is_explained() {
    let case = case_of(&model_of(10)).await;
    let error = failure(&case.url("silent"), &once()).await;
    assert_eq!(error.kind(), ErrorKind::Transport);
    let text = error.chain().to_string();
    let server = super::server::SERVER;
    for part in [&*page(), server, "Access-Control-Allow-Origin", "cannot be reached", "TypeError: Failed to fetch"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains("Access-Control-Allow-Headers"), "{text}");
}

#[wasm_bindgen_test]
async fn what_has_to_be_allowed_is_named() {
    let case = case_of(&model_of(10)).await;
    let client = once().with_header("X-Key", "hush").unwrap().with_bearer_token("hush").unwrap();
    let text = failure(&case.url("bare"), &client).await.chain().to_string();
    assert!(text.contains("Access-Control-Allow-Headers: x-key, authorization"), "{text}");
    assert!(!text.contains("hush"), "{text}");
    let text =
        save(&model_of(10), &case.url("bare"), &once().with_put_per_file()).await.unwrap_err().chain().to_string();
    assert!(text.contains("Access-Control-Allow-Methods: PUT"), "{text}");
    let client = once().with_fetch_credentials(FetchCredentials::Include);
    let text = failure(&case.url("files"), &client).await.chain().to_string();
    assert!(text.contains("Access-Control-Allow-Credentials: true"), "{text}");
    let seen = case.seen_with("bare").await;
    assert!(seen.iter().all(|one| one.method() == "OPTIONS"), "{seen:?}");
}

#[wasm_bindgen_test]
async fn a_server_that_is_down_is_explained() {
    // A port that nothing listens on, and that browsers do not refuse by themselves.
    let error = failure("http://127.0.0.1:9/model.json", &once()).await;
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.chain().to_string().contains("cannot be reached"), "{}", error.chain());
}

#[wasm_bindgen_test]
async fn headers_of_the_user_reach_the_server() {
    let case = case_of(&model_of(10)).await;
    let client = client().with_header("X-Key", "k").unwrap().with_bearer_token("t").unwrap();
    load_with(&case.url("files"), &client, &LoadOptions::new()).await.unwrap();
    let seen = case.seen().await;
    let gets: Vec<_> = seen.iter().filter(|one| one.method() == "GET").collect();
    assert_eq!(gets.len(), 2);
    for get in gets {
        assert_eq!((get.header("x-key"), get.header("authorization")), (Some("k"), Some("Bearer t")));
    }
}

#[wasm_bindgen_test]
async fn cookies_go_only_where_they_are_to() {
    let case = case_of(&model_of(10)).await;
    let url = case.url("cookie");
    let with = |credentials| client().with_fetch_credentials(credentials);
    // The first sets the cookie; the page has another origin.
    for credentials in
        [FetchCredentials::Include, FetchCredentials::Include, FetchCredentials::SameOrigin, FetchCredentials::Omit]
    {
        load_with(&url, &with(credentials), &LoadOptions::new()).await.unwrap();
    }
    let seen = case.seen_with("cookie").await;
    let cookies: Vec<_> =
        seen.iter().filter(|one| one.path().ends_with("w.bin")).map(|one| one.header("cookie")).collect();
    assert_eq!(cookies, [Some("tfjs-test=1"), Some("tfjs-test=1"), None, None]);
}

#[wasm_bindgen_test]
async fn the_mode_reaches_fetch() {
    let case = case_of(&model_of(10)).await;
    save(&model_of(10), &case.url("bare"), &client()).await.unwrap();
    // The server takes it, and the page is not shown that.
    let no_cors = client().with_fetch_mode(FetchMode::NoCors);
    let error = save(&model_of(10), &case.url("silent"), &no_cors).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{}", error.chain());
    assert!(error.chain().to_string().contains("no-cors"), "{}", error.chain());
    let mut seen = case.seen().await;
    seen.retain(|one| one.method() == "POST");
    let modes = |fault: &str| {
        let of_fault = seen.iter().filter(|one| one.path().starts_with(fault));
        of_fault.map(|one| one.header("sec-fetch-mode").unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(modes("bare"), ["cors"]);
    assert_eq!(modes("silent"), ["no-cors"]);
}

#[wasm_bindgen_test]
async fn the_cache_reaches_fetch() {
    let case = case_of(&model_of(10)).await;
    let load = async |cache| {
        load_with(&case.url("files"), &once().with_fetch_cache(cache), &LoadOptions::new()).await.map(|_| ())
    };
    let asked = async || {
        let seen = case.seen().await;
        let gets = seen.iter().filter(|one| one.method() == "GET" && one.path().ends_with("w.bin"));
        gets.map(|one| (one.header("cache-control").is_some(), one.header("if-none-match").is_some()))
            .collect::<Vec<_>>()
    };
    load(FetchCache::Default).await.unwrap();
    assert_eq!(asked().await, [(false, false)]);
    // What has been stored is used, or asked about, or not.
    load(FetchCache::ForceCache).await.unwrap();
    assert_eq!(asked().await.len(), 1);
    load(FetchCache::NoCache).await.unwrap();
    assert_eq!(asked().await[1..], [(true, true)]);
    load(FetchCache::NoStore).await.unwrap();
    load(FetchCache::Reload).await.unwrap();
    assert_eq!(asked().await[2..], [(true, false), (true, false)]);
    // It is for the page's own origin.
    let error = load(FetchCache::OnlyIfCached).await.unwrap_err();
    assert!(error.chain().to_string().contains("OnlyIfCached"), "{}", error.chain());
    assert_eq!(asked().await.len(), 4);
}

#[wasm_bindgen_test]
async fn redirects_of_loads_are_followed() {
    let model = model_of(1000);
    for status in [301, 302, 303, 307, 308] {
        let case = case_of(&model).await;
        assert_same_model(&load(&case.url(&format!("redirect-{status}"))).await.unwrap(), &model);
    }
}

#[wasm_bindgen_test]
async fn ranges_in_the_browsers_cache_do_not_spoil_a_later_load() {
    let case = case_of(&model_of(1000)).await;
    // Not where it is put to: that makes the browser forget the file.
    let lazy = load_with(&case.url("slow"), &client(), &LoadOptions::lazy()).await.unwrap();
    lazy.weights.as_ref().unwrap().data().read(0..4000).await.unwrap();
    let mut values: Vec<f32> = vec![0.5; 1000];
    values[999] = 1.0;
    let shape = Shape::vector(1000).unwrap();
    let other = samples::with_tensors([tfjs_weights::Tensor::float32("w", shape, values).unwrap()]);
    super::store(&case, &other).await;
    assert_same_model(&load(&case.url("slow")).await.unwrap(), &other);
}
