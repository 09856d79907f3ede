//! The suite of all backends.

use async_trait::async_trait;
use tfjs_router::Router;
use tfjs_testkit::{Capabilities, Damage, Damaged, Harness};

use super::client;
use super::server::{SERVER, ask, unique};

/// Models of one server, told apart from those of other tests by a word before their names.
struct Web {
    prefix: String,
}

impl Web {
    fn new() -> Self {
        Self { prefix: unique() }
    }
}

#[async_trait(?Send)]
impl Harness for Web {
    fn router(&self) -> Router {
        Router::builder().routes(tfjs_http::routes_with(&client().with_part_per_file())).build().unwrap()
    }

    /// A name is one segment on the server, so what cannot stand in one is replaced.
    fn url(&self, name: &str) -> String {
        format!("{SERVER}/{}~{}/model.json", self.prefix, name.replace('/', "~").replace('%', "$"))
    }

    fn root(&self) -> String {
        SERVER.to_owned()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all().without_management()
    }

    async fn damage(&self, url: &str, damage: Damage) -> Damaged {
        let model = url.strip_prefix(SERVER).unwrap().strip_suffix("/model.json").unwrap().trim_start_matches('/');
        let (damage, text) = match damage {
            Damage::ReplaceJson(text) => ("ReplaceJson".to_owned(), text),
            other => (format!("{other:?}"), ""),
        };
        let wanted = serde_json::json!({ "model": model, "damage": damage, "text": text });
        ask("POST", &format!("{SERVER}/.damage"), Some(&wanted.to_string())).await;
        Damaged::Done
    }
}

mod suite {
    use wasm_bindgen_test::wasm_bindgen_test;

    tfjs_testkit::conformance_suite!(
        backend = "http:// (form uploads)",
        harness = super::Web::new(),
        async_test = wasm_bindgen_test
    );
}
