//! The suite over IndexedDB, and how its records are damaged.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use js_sys::{Function, Promise};
use tfjs_browser_storage::{IndexedDbHandler, indexed_db};
use tfjs_router::{ModelUrl, Route, Router};
use tfjs_testkit::{Capabilities, Damage, Damaged, Harness};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;

/// Names that begin with a number of their own.
pub(crate) struct Place {
    prefix: String,
    /// Whether the weights are in records of their own.
    is_chunked: bool,
}

impl Place {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self { prefix: format!("suite {}/", NEXT.fetch_add(1, Ordering::Relaxed)), is_chunked: false }
    }

    pub(crate) fn chunked() -> Self {
        Self { is_chunked: true, ..Self::new() }
    }
}

/// As `indexeddb://`, but every weight counts as too large for the record of its model.
fn chunked_route() -> Route {
    let handler = |url: &ModelUrl| Ok(Arc::new(IndexedDbHandler::from_url(url)?.with_largest_record(0)));
    let route = indexed_db::route().with_save(move |url| handler(url));
    route.with_load(move |source| handler(source.url()))
}

/// Runs the body of a function of `record` and `store` over the record of this model, and puts what is left of it.
pub(crate) async fn change(url: &str, body: &str) {
    let name = url.strip_prefix("indexeddb://").unwrap();
    let change = Function::new_with_args("record, store", &format!("{body}; return record;"));
    let edit = Function::new_with_args("name, change", include_str!("raw_record.js"));
    let done: Promise = edit.call2(&js_sys::global(), &name.into(), &change).unwrap().unchecked_into();
    JsFuture::from(done).await.unwrap();
}

#[async_trait::async_trait(?Send)]
impl Harness for Place {
    fn router(&self) -> Router {
        let route = if self.is_chunked { chunked_route() } else { indexed_db::route() };
        Router::builder().route(route).build().unwrap()
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
            Damage::ReplaceJson(text) => {
                let extra = format!(r#"{{"shardBytes":[8],"modelJson":{text}}}"#);
                format!("(record.tfjsIo ??= {{}}).stored = {}", js_string(&extra))
            }
            Damage::TruncateJson => r#"(record.tfjsIo ??= {}).stored = '{"shardBytes":[8],"model'"#.to_owned(),
            damage if self.is_chunked => in_chunk(damage),
            Damage::ShortenWeights => resize("bytes.length - 1"),
            Damage::LengthenWeights => resize("bytes.length + 1"),
            Damage::ChangeWeights => format!("{BYTES}; bytes[bytes.length - 1] ^= 1"),
            Damage::RemoveWeights => "delete record.modelArtifacts.weightData".to_owned(),
            Damage::WeightsAreHtml => {
                format!("{BYTES}; bytes.set(new TextEncoder().encode('<!DOCTYPE html>'.slice(0, bytes.length)))")
            }
            other => panic!("no such damage here: {other:?}"),
        };
        change(url, &body).await;
        Damaged::Done
    }
}

/// The same damages, to the one chunk of the weights.
fn in_chunk(damage: Damage) -> String {
    let change = match damage {
        Damage::RemoveWeights => return "store.delete(['tfjs-io', record.tfjsIo.chunks, 0])".to_owned(),
        Damage::ShortenWeights => "chunk.bytes = chunk.bytes.slice(1)",
        Damage::LengthenWeights => {
            "const longer = new Uint8Array(bytes.length + 1); longer.set(bytes); chunk.bytes = longer.buffer"
        }
        Damage::ChangeWeights => "bytes[bytes.length - 1] ^= 1",
        Damage::WeightsAreHtml => "bytes.set(new TextEncoder().encode('<!DOCTYPE html>'.slice(0, bytes.length)))",
        other => panic!("no such damage here: {other:?}"),
    };
    format!(
        "const get = store.get(['tfjs-io', record.tfjsIo.chunks, 0]);
         get.onsuccess = () => {{
           const chunk = get.result;
           const bytes = new Uint8Array(chunk.bytes);
           {change};
           store.put(chunk);
         }}"
    )
}

fn js_string(text: &str) -> String {
    js_sys::JSON::stringify(&text.into()).unwrap().into()
}
