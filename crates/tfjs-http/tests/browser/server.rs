//! What the tests say to the server, and what it tells them.

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{RequestInit, Response};

/// Where the server listens, on another port than the page.
pub(crate) const SERVER: &str = env!(
    "TFJS_TEST_SERVER",
    "these tests need a server: set TFJS_TEST_SERVER to the URL that `cargo run -p tfjs-tests --bin damageable-server` prints"
);

/// A place of the server that nobody else has.
pub(crate) struct Case {
    name: String,
}

/// A request that the server has seen.
#[derive(Debug)]
pub(crate) struct Seen(serde_json::Value);

impl Case {
    pub(crate) fn new() -> Self {
        Self { name: unique() }
    }

    /// The model of this case as it is served with this fault.
    pub(crate) fn url(&self, fault: &str) -> String {
        format!("{SERVER}/.fault/{}/{fault}/model.json", self.name)
    }

    /// The requests so far.
    pub(crate) async fn seen(&self) -> Vec<Seen> {
        let text = ask("GET", &format!("{SERVER}/.seen/{}", self.name), None).await;
        let seen: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        seen.into_iter().map(Seen).collect()
    }

    /// The requests below this fault.
    pub(crate) async fn seen_with(&self, fault: &str) -> Vec<Seen> {
        let mut seen = self.seen().await;
        seen.retain(|one| one.path().starts_with(&format!("{fault}/")));
        seen
    }

    /// Waits until the server has seen what is wanted.
    pub(crate) async fn wait_for(&self, wanted: impl Fn(&Seen) -> bool) {
        for _ in 0..200 {
            if self.seen().await.iter().any(&wanted) {
                return;
            }
            gloo_timers::future::TimeoutFuture::new(20).await;
        }
        panic!("the server has not seen it: {:#?}", self.seen().await);
    }
}

impl Seen {
    pub(crate) fn method(&self) -> &str {
        self.0["method"].as_str().unwrap()
    }

    /// The fault and the path.
    pub(crate) fn path(&self) -> &str {
        self.0["path"].as_str().unwrap()
    }

    /// A header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.0["headers"][name].as_str()
    }

    /// Bytes of its body that have arrived.
    pub(crate) fn received(&self) -> u64 {
        self.0["received"].as_u64().unwrap()
    }

    /// Whether it was let go before its end.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.0["is_abandoned"].as_bool().unwrap()
    }
}

/// A name that nobody else has.
pub(crate) fn unique() -> String {
    format!("case-{}", js_sys::Math::random().to_bits())
}

/// Asks the server without the code that is tested.
pub(crate) async fn ask(method: &str, url: &str, body: Option<&str>) -> String {
    let init = RequestInit::new();
    init.set_method(method);
    if let Some(body) = body {
        init.set_body(&JsValue::from_str(body));
    }
    let global = js_sys::global();
    let fetch: Function = Reflect::get(&global, &"fetch".into()).unwrap().unchecked_into();
    let promise: Promise = fetch.call2(&global, &url.into(), &init).unwrap().unchecked_into();
    let response: Response = JsFuture::from(promise).await.unwrap().unchecked_into();
    assert_eq!(response.status(), 200, "{method} {url}");
    JsFuture::from(response.text().unwrap()).await.unwrap().as_string().unwrap()
}
