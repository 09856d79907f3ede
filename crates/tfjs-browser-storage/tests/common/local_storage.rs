//! The suite over localStorage, and how it is damaged.

use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tfjs_browser_storage::local_storage;
use tfjs_router::Router;
use tfjs_testkit::{Capabilities, Damage, Damaged, Harness};
use web_sys::Storage;

/// Names that begin with a number of their own. What an earlier behaviour left goes first: there is little room.
pub(crate) struct Place {
    prefix: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        storage().clear().unwrap();
        Self { prefix: format!("suite {}/", NEXT.fetch_add(1, Ordering::Relaxed)) }
    }
}

pub(crate) fn storage() -> Storage {
    web_sys::window().unwrap().local_storage().unwrap().unwrap()
}

pub(crate) fn key(url: &str, part: &str) -> String {
    format!("tensorflowjs_models/{}/{part}", url.strip_prefix("localstorage://").unwrap())
}

#[async_trait::async_trait(?Send)]
impl Harness for Place {
    fn router(&self) -> Router {
        Router::builder().route(local_storage::route()).build().unwrap()
    }

    fn url(&self, name: &str) -> String {
        format!("{}{name}", self.root())
    }

    fn root(&self) -> String {
        format!("localstorage://{}", self.prefix)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all().without_lazy_loading().without_large_models()
    }

    async fn damage(&self, url: &str, damage: Damage) -> Damaged {
        let storage = storage();
        let (data, metadata) = (key(url, "weight_data"), key(url, "model_metadata"));
        let get = |key: &str| storage.get_item(key).unwrap().unwrap();
        let weights = || STANDARD.decode(get(&data)).unwrap();
        let set_weights = |bytes: &[u8]| storage.set_item(&data, &STANDARD.encode(bytes)).unwrap();
        match damage {
            Damage::ShortenWeights => set_weights(weights().split_last().unwrap().1),
            Damage::LengthenWeights => set_weights(&[weights(), vec![0]].concat()),
            Damage::ChangeWeights => {
                let mut bytes = weights();
                *bytes.last_mut().unwrap() ^= 1;
                set_weights(&bytes);
            }
            Damage::RemoveWeights => storage.remove_item(&data).unwrap(),
            Damage::WeightsAreHtml => {
                let mut page = b"<!DOCTYPE html>".to_vec();
                page.resize(weights().len(), b' ');
                set_weights(&page);
            }
            Damage::ReplaceJson(text) => {
                let extra = format!(r#"{{"tfjsIo":{{"shardBytes":[8],"modelJson":{text}}}}}"#);
                storage.set_item(&metadata, &extra).unwrap();
            }
            Damage::TruncateJson => {
                let text = get(&metadata);
                storage.set_item(&metadata, text.split_at(text.len() / 2).0).unwrap();
            }
            other => panic!("no such damage here: {other:?}"),
        }
        Damaged::Done
    }
}
