//! The suite over the origin private file system, and what only that can get wrong.

mod disturbed;
mod leftovers;
mod names;

use std::time::Duration;

use tfjs_browser_storage::opfs;
use tfjs_router::{
    LoadHandler as _, LoadOptions, ModelStore as _, RemoveOptions, Router, SaveHandler as _, SaveOptions,
};
use tfjs_testkit::{Capabilities, Damage, Damaged, Harness};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::{
    File, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions, FileSystemGetFileOptions,
    FileSystemWritableFileStream,
};

use super::generated::{assert_whole, heap_bytes, model};

/// Models whose names begin like no others.
struct Opfs {
    prefix: String,
}

impl Opfs {
    fn new() -> Self {
        Self { prefix: format!("Test {}/", js_sys::Math::random()) }
    }

    fn folder_name(url: &str) -> String {
        let name = url.strip_prefix("opfs://").unwrap();
        let encode = |byte: u8| match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
            other => format!("%{other:02x}"),
        };
        name.bytes().map(encode).collect()
    }
}

async fn models() -> FileSystemDirectoryHandle {
    let navigator = js_sys::Reflect::get(&js_sys::global(), &"navigator".into()).unwrap();
    let storage: web_sys::StorageManager =
        js_sys::Reflect::get(&navigator, &"storage".into()).unwrap().unchecked_into();
    let root: FileSystemDirectoryHandle = JsFuture::from(storage.get_directory()).await.unwrap().unchecked_into();
    folder_in(&root, "tfjs-io").await
}

async fn folder_in(folder: &FileSystemDirectoryHandle, name: &str) -> FileSystemDirectoryHandle {
    let options = FileSystemGetDirectoryOptions::new();
    options.set_create(true);
    JsFuture::from(folder.get_directory_handle_with_options(name, &options)).await.unwrap().unchecked_into()
}

/// The folder of a model, made if it is not there.
async fn folder_of(url: &str) -> FileSystemDirectoryHandle {
    folder_in(&models().await, &Opfs::folder_name(url)).await
}

/// The names in a folder, sorted.
async fn names(folder: &FileSystemDirectoryHandle) -> Vec<String> {
    let keys = folder.keys();
    let mut names = Vec::new();
    loop {
        let next: js_sys::IteratorNext = JsFuture::from(keys.next().unwrap()).await.unwrap().unchecked_into();
        if next.done() {
            names.sort();
            return names;
        }
        names.push(next.value().as_string().unwrap());
    }
}

/// The name of the only weights file.
async fn weights_in(folder: &FileSystemDirectoryHandle) -> String {
    let names = names(folder).await;
    let mut weights = names.iter().filter(|name| name.starts_with("weights-"));
    let (Some(only), None) = (weights.next(), weights.next()) else { panic!("not one weights file: {names:?}") };
    only.clone()
}

async fn read(folder: &FileSystemDirectoryHandle, name: &str) -> Vec<u8> {
    let handle: FileSystemFileHandle = JsFuture::from(folder.get_file_handle(name)).await.unwrap().unchecked_into();
    let file: File = JsFuture::from(handle.get_file()).await.unwrap().unchecked_into();
    js_sys::Uint8Array::new(&JsFuture::from(file.array_buffer()).await.unwrap()).to_vec()
}

async fn write(folder: &FileSystemDirectoryHandle, name: &str, bytes: &[u8]) {
    let options = FileSystemGetFileOptions::new();
    options.set_create(true);
    let handle: FileSystemFileHandle =
        JsFuture::from(folder.get_file_handle_with_options(name, &options)).await.unwrap().unchecked_into();
    let stream: FileSystemWritableFileStream = JsFuture::from(handle.create_writable()).await.unwrap().unchecked_into();
    let bytes = js_sys::Uint8Array::from(bytes);
    JsFuture::from(stream.write_with_js_u8_array(&bytes).unwrap()).await.unwrap();
    JsFuture::from(stream.close()).await.unwrap();
}

async fn remove(folder: &FileSystemDirectoryHandle, name: &str) {
    JsFuture::from(folder.remove_entry(name)).await.unwrap();
}

#[async_trait::async_trait(?Send)]
impl Harness for Opfs {
    fn router(&self) -> Router {
        Router::builder().route(opfs::route()).build().unwrap()
    }

    fn url(&self, name: &str) -> String {
        format!("opfs://{}{name}", self.prefix)
    }

    fn root(&self) -> String {
        self.url("")
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    async fn damage(&self, url: &str, damage: Damage) -> Damaged {
        let folder = folder_of(url).await;
        let weights = weights_in(&folder).await;
        let mut bytes = read(&folder, &weights).await;
        let record = String::from_utf8(read(&folder, "model").await).unwrap();
        match damage {
            Damage::ShortenWeights => bytes.truncate(bytes.len() - 1),
            Damage::LengthenWeights => bytes.push(0),
            Damage::ChangeWeights => *bytes.last_mut().unwrap() ^= 1,
            Damage::RemoveWeights => {
                remove(&folder, &weights).await;
                return Damaged::Done;
            }
            Damage::WeightsAreHtml => {
                let page = b"<!DOCTYPE html>";
                bytes = page.iter().copied().chain(std::iter::repeat(0)).take(bytes.len()).collect();
            }
            Damage::ReplaceJson(text) => {
                let (before, _) = record.split_once("\"modelJson\":").unwrap();
                write(&folder, "model", format!("{before}\"modelJson\":{text}}}}}").as_bytes()).await;
                return Damaged::Done;
            }
            Damage::TruncateJson => {
                write(&folder, "model", record.as_bytes().split_at(record.len() / 2).0).await;
                return Damaged::Done;
            }
            other => panic!("no such damage here: {other:?}"),
        }
        write(&folder, &weights, &bytes).await;
        Damaged::Done
    }
}

/// The handler of a URL.
fn handler(url: &str) -> opfs::OpfsHandler {
    opfs::OpfsHandler::from_url(&url.parse().unwrap()).unwrap()
}

/// Waits for what happens in the background.
async fn eventually(mut happened: impl AsyncFnMut() -> bool) {
    for _ in 0..200 {
        if happened().await {
            return;
        }
        gloo_timers::future::sleep(Duration::from_millis(25)).await;
    }
    panic!("it did not happen within five seconds");
}

mod suite {
    use wasm_bindgen_test::wasm_bindgen_test;
    tfjs_testkit::conformance_suite!(backend = "opfs://", harness = super::Opfs::new(), async_test = wasm_bindgen_test);
}

#[wasm_bindgen_test]
async fn patience_may_be_endless() {
    let patient = tfjs_browser_storage::OpfsHandler::new("patient").with_patience(Duration::MAX);
    let model = tfjs_testkit::samples::filled(1.0);
    patient.save(&model, &SaveOptions::new()).await.unwrap();
    tfjs_testkit::assert_same_model(&patient.load(&LoadOptions::new()).await.unwrap(), &model);
}

#[wasm_bindgen_test]
async fn a_large_model_does_not_go_through_the_heap() {
    passes_through(256 << 20).await;
}

/// Saves a model with so many bytes of weights, and reads it back lazily.
pub(crate) async fn passes_through(byte_length: u64) {
    const MAY_GROW: u64 = 16 << 20;
    let handler = handler(&Opfs::new().url("large"));
    let before = heap_bytes();
    handler.save(&model(byte_length), &SaveOptions::new()).await.unwrap();
    assert_whole(&handler.load(&LoadOptions::lazy()).await.unwrap(), byte_length).await;
    let grown = heap_bytes() - before;
    assert!(grown <= MAY_GROW, "the memory of WebAssembly grew by {grown} bytes");
    handler.remove(&RemoveOptions::new()).await.unwrap();
}
