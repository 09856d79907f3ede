//! The suite over IndexedDB, and how its records are damaged.

use std::sync::atomic::{AtomicU32, Ordering};

use js_sys::{Function, Promise};
use tfjs_browser_storage::indexed_db;
use tfjs_router::Router;
use tfjs_testkit::{Capabilities, Damage, Damaged, Harness};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;

/// Names that begin with a number of their own.
pub(crate) struct Place {
    prefix: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self { prefix: format!("suite {}/", NEXT.fetch_add(1, Ordering::Relaxed)) }
    }
}

/// Runs the body of a function of `record` over the record of this model, and puts what is left of it.
pub(crate) async fn change(url: &str, body: &str) {
    let name = url.strip_prefix("indexeddb://").unwrap();
    let change = Function::new_with_args("record", &format!("{body}; return record;"));
    let edit = Function::new_with_args("name, change", include_str!("raw_record.js"));
    let done: Promise = edit.call2(&js_sys::global(), &name.into(), &change).unwrap().unchecked_into();
    JsFuture::from(done).await.unwrap();
}

#[async_trait::async_trait(?Send)]
impl Harness for Place {
    fn router(&self) -> Router {
        Router::builder().route(indexed_db::route()).build().unwrap()
    }

    fn url(&self, name: &str) -> String {
        format!("{}{name}", self.root())
    }

    fn root(&self) -> String {
        format!("indexeddb://{}", self.prefix)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    async fn damage(&self, url: &str, damage: Damage) -> Damaged {
        const BYTES: &str = "const model = record.modelArtifacts; const bytes = new Uint8Array(model.weightData)";
        let resize = |length: &str| {
            format!(
                "{BYTES}; const other = new Uint8Array({length}); other.set(bytes.subarray(0, other.length)); model.weightData = other.buffer"
            )
        };
        let body = match damage {
            Damage::ShortenWeights => resize("bytes.length - 1"),
            Damage::LengthenWeights => resize("bytes.length + 1"),
            Damage::ChangeWeights => format!("{BYTES}; bytes[bytes.length - 1] ^= 1"),
            Damage::RemoveWeights => "delete record.modelArtifacts.weightData".to_owned(),
            Damage::WeightsAreHtml => {
                format!("{BYTES}; bytes.set(new TextEncoder().encode('<!DOCTYPE html>'.slice(0, bytes.length)))")
            }
            Damage::ReplaceJson(text) => {
                let extra = format!(r#"{{"shardBytes":[8],"modelJson":{text}}}"#);
                format!("record.modelArtifacts.tfjsIo = {}", js_string(&extra))
            }
            Damage::TruncateJson => r#"record.modelArtifacts.tfjsIo = '{"shardBytes":[8],"model'"#.to_owned(),
            other => panic!("no such damage here: {other:?}"),
        };
        change(url, &body).await;
        Damaged::Done
    }
}

fn js_string(text: &str) -> String {
    js_sys::JSON::stringify(&text.into()).unwrap().into()
}
