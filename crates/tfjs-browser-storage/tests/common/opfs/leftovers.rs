//! Which files stay, and which go.

use std::cell::RefCell;
use std::ops::Range;
use std::pin::pin;
use std::task::Poll;

use futures::FutureExt as _;
use futures::channel::oneshot;
use futures::future::{Either, join, join_all, select};
use js_sys::{Function, Promise};
use tfjs_artifacts::{ByteSource, Bytes, Error, ErrorKind, ModelArtifacts};
use tfjs_browser_storage::opfs::OpfsHandler;
use tfjs_router::{LoadHandler as _, LoadOptions, ModelStore as _, RemoveOptions, SaveHandler as _, SaveOptions};
use tfjs_testkit::{Harness as _, StallingSource, assert_same_model, samples};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{Opfs, eventually, folder_of, handler, models, names, weights_in, write};

async fn save(handler: &OpfsHandler, artifacts: &ModelArtifacts) {
    handler.save(artifacts, &SaveOptions::new()).await.unwrap();
}

async fn load(handler: &OpfsHandler) -> ModelArtifacts {
    handler.load(&LoadOptions::new()).await.unwrap()
}

/// Whether a model has no folder any more.
async fn has_no_folder(url: &str) -> bool {
    !names(&models().await).await.contains(&Opfs::folder_name(url))
}

/// Bytes that are all zero, and cannot be read before they may.
#[derive(Debug)]
pub(super) struct Gated(u64, RefCell<Option<oneshot::Receiver<()>>>);

impl Gated {
    /// So many bytes, and what opens the gate.
    pub(super) fn new(byte_length: u64) -> (Self, oneshot::Sender<()>) {
        let (open, gate) = oneshot::channel();
        (Self(byte_length, RefCell::new(Some(gate))), open)
    }
}

#[async_trait::async_trait(?Send)]
impl ByteSource for Gated {
    fn byte_length(&self) -> u64 {
        self.0
    }

    fn version(&self) -> Option<String> {
        None
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        let gate = self.1.take();
        if let Some(gate) = gate {
            gate.await.unwrap();
        }
        Ok(vec![0; usize::try_from(range.end - range.start).unwrap()].into())
    }
}

/// What a tab left that was killed while it saved goes; what somebody else put there stays.
#[wasm_bindgen_test]
async fn the_next_save_removes_what_killed_saves_left() {
    let url = Opfs::new().url("model");
    let handler = handler(&url);
    save(&handler, &samples::filled(1.0)).await;
    let folder = folder_of(&url).await;
    for name in ["weights-1-dead.bin", "weights-2-dead.bin", "notes.txt", "weights-of-mine.bin"] {
        write(&folder, name, b"left").await;
    }
    save(&handler, &samples::filled(2.0)).await;
    let left = names(&folder).await;
    assert_eq!(left.len(), 4, "{left:?}");
    for kept in ["model", "notes.txt", "weights-of-mine.bin"] {
        assert!(left.iter().any(|name| name == kept), "{left:?}");
    }
    assert_same_model(&load(&handler).await, &samples::filled(2.0));
}

/// A tab that was killed before it had written its first record has left no model.
#[wasm_bindgen_test]
async fn half_of_a_first_save_is_no_model() {
    let harness = Opfs::new();
    let url = harness.url("model");
    let (folder, handler) = (folder_of(&url).await, handler(&url));
    write(&folder, "weights-1-dead.bin", b"left").await;
    write(&folder, "model", b"").await;
    assert_eq!(handler.load(&LoadOptions::new()).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(futures::StreamExt::count(harness.router().list_models(&harness.root())).await, 0);
    assert_eq!(handler.remove(&RemoveOptions::new()).await.unwrap_err().kind(), ErrorKind::NotFound);
    // But its files are not for ever: any removal takes them along.
    eventually(async || has_no_folder(&url).await).await;
}

/// Another worker writes: as long as it lives its file stays, and when it is killed the next save removes it.
#[wasm_bindgen_test]
async fn a_file_goes_only_when_the_worker_that_writes_it_has_gone() {
    let url = Opfs::new().url("model");
    let handler = handler(&url);
    save(&handler, &samples::filled(1.0)).await;
    let (folder, name) = (Opfs::folder_name(&url), "weights-1-dead.bin");
    let script = format!(
        "navigator.locks.request('tfjs-io/opfs/{folder}/{name}', async () => {{
            let folder = await navigator.storage.getDirectory();
            for (const name of ['tfjs-io', '{folder}']) folder = await folder.getDirectoryHandle(name);
            const stream = await (await folder.getFileHandle('{name}', {{create: true}})).createWritable();
            await stream.write('half');
            postMessage('writes');
            await new Promise(() => {{}});
        }});"
    );
    let start = Function::new_with_args(
        "script",
        "const worker = new Worker(URL.createObjectURL(new Blob([script])));
        return new Promise(resolve => worker.onmessage = () => resolve(() => worker.terminate()));",
    );
    let started: Promise = start.call1(&wasm_bindgen::JsValue::UNDEFINED, &script.into()).unwrap().unchecked_into();
    let terminate: Function = JsFuture::from(started).await.unwrap().unchecked_into();

    let folder = folder_of(&url).await;
    save(&handler, &samples::filled(2.0)).await;
    assert!(names(&folder).await.iter().any(|there| there == name));
    terminate.call0(&wasm_bindgen::JsValue::UNDEFINED).unwrap();
    // The browser takes its time to notice.
    eventually(async || {
        save(&handler, &samples::filled(3.0)).await;
        names(&folder).await.len() == 2
    })
    .await;
    assert_same_model(&load(&handler).await, &samples::filled(3.0));
}

/// A save that goes on while others begin and end is harmed by none of them.
#[wasm_bindgen_test]
async fn a_slow_save_outlives_quick_ones_and_a_removal() {
    let url = Opfs::new().url("model");
    let handler = handler(&url);
    let (source, open) = Gated::new(3 << 20);
    let slow = samples::from_source(source);
    let quick = async {
        for value in [1.0, 2.0] {
            save(&handler, &samples::filled(value)).await;
            assert_same_model(&load(&handler).await, &samples::filled(value));
        }
        handler.remove(&RemoveOptions::new()).await.unwrap();
        assert_eq!(handler.load(&LoadOptions::new()).await.unwrap_err().kind(), ErrorKind::NotFound);
        save(&handler, &samples::filled(3.0)).await;
        open.send(()).unwrap();
    };
    join(save(&handler, &slow), quick).await;
    let loaded = load(&handler).await;
    assert_eq!(loaded.weights.unwrap().data().byte_length(), 3 << 20);
    let folder = folder_of(&url).await;
    eventually(async || names(&folder).await.len() == 2).await;
}

/// Every load finds a whole model, the old one or the new one, while it is replaced.
#[wasm_bindgen_test]
async fn loads_between_saves_find_whole_models() {
    let url = Opfs::new().url("model");
    let (saver, loader) = (handler(&url), handler(&url));
    save(&saver, &samples::filled(0.0)).await;
    let done = std::cell::Cell::new(false);
    let saves = async {
        for value in 1u8..20 {
            save(&saver, &samples::filled(f32::from(value))).await;
        }
        done.set(true);
    };
    let loads = async {
        let mut count = 0;
        while !done.get() {
            let loaded = load(&loader).await;
            let bytes = loaded.weights.unwrap().data().read(0..4000).await.unwrap();
            assert!(bytes.chunks(4).all(|value| value == &bytes[..4]), "a mixture of two models");
            count += 1;
        }
        count
    };
    let ((), count) = join(saves, loads).await;
    assert!(count > 0);
}

/// A lazy model is read to its end although it was replaced or removed; then its weights go.
#[wasm_bindgen_test]
async fn a_lazy_reader_survives_an_overwrite_and_a_removal() {
    let url = Opfs::new().url("model");
    let handler = handler(&url);
    let bytes = async |model: &ModelArtifacts| model.weights.as_ref().unwrap().data().read(0..4).await.unwrap();

    save(&handler, &samples::filled(1.0)).await;
    let first = handler.load(&LoadOptions::lazy()).await.unwrap();
    save(&handler, &samples::filled(2.0)).await;
    let second = handler.load(&LoadOptions::lazy()).await.unwrap();
    handler.remove(&RemoveOptions::new()).await.unwrap();
    assert_eq!(handler.load(&LoadOptions::new()).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(bytes(&first).await, 1f32.to_le_bytes().as_slice());
    assert_eq!(bytes(&second).await, 2f32.to_le_bytes().as_slice());

    let folder = folder_of(&url).await;
    assert_eq!(names(&folder).await.len(), 2);
    drop(first);
    eventually(async || names(&folder).await.len() == 1).await;
    assert_eq!(bytes(&second).await, 2f32.to_le_bytes().as_slice());
    drop(second);
    eventually(async || has_no_folder(&url).await).await;
}

/// Who removed the weights by hand is told.
#[wasm_bindgen_test]
async fn a_lazy_reader_whose_file_was_taken_away_says_so() {
    let url = Opfs::new().url("model");
    let handler = handler(&url);
    save(&handler, &samples::filled(1.0)).await;
    let lazy = handler.load(&LoadOptions::lazy()).await.unwrap();
    let folder = folder_of(&url).await;
    super::remove(&folder, &weights_in(&folder).await).await;
    let error = lazy.weights.unwrap().data().read(0..4).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
    assert!(error.to_string().contains("opfs://"), "{error}");
}

/// A save that is given up leaves nothing behind where nothing was.
#[wasm_bindgen_test]
async fn a_dropped_save_leaves_no_file() {
    let url = Opfs::new().url("model");
    let handler = handler(&url);
    let source = StallingSource::new(vec![0; 5 << 20], 3 << 20);
    let stalling = samples::from_source(source.clone());
    {
        let options = SaveOptions::new();
        let saving = handler.save(&stalling, &options);
        match select(saving, pin!(source.stalled())).await {
            Either::Left((result, _)) => panic!("the save ended: {result:?}"),
            Either::Right(((), saving)) => drop(saving),
        }
    }
    eventually(async || has_no_folder(&url).await).await;
}

/// Whenever a save is given up, there is the old model or the new one, whole, and one weights file.
#[wasm_bindgen_test]
async fn a_save_may_be_dropped_at_any_moment() {
    let url = Opfs::new().url("model");
    let handler = handler(&url);
    let (old, new) = (samples::filled(1.0), samples::filled(2.0));
    let folder = folder_of(&url).await;
    for steps in 0.. {
        save(&handler, &old).await;
        let saved = {
            let options = SaveOptions::new();
            first_steps(handler.save(&new, &options), steps).await
        };
        eventually(async || names(&folder).await.len() == 2).await;
        let loaded = load(&handler).await;
        let value = loaded.weights.as_ref().unwrap().data().read(0..4).await.unwrap();
        assert_same_model(&loaded, if value == 1f32.to_le_bytes().as_slice() { &old } else { &new });
        if let Some(saved) = saved {
            saved.unwrap();
            assert!(steps > 5, "the save has only {steps} steps");
            return;
        }
    }
}

/// What a future gives, unless it has to wait more often than this.
async fn first_steps<T>(mut future: impl Future<Output = T> + Unpin, mut steps: usize) -> Option<T> {
    std::future::poll_fn(|context| match future.poll_unpin(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending if steps == 0 => Poll::Ready(None),
        Poll::Pending => {
            steps -= 1;
            Poll::Pending
        }
    })
    .await
}

/// Many saves at once leave one of the models, whole, and nothing else.
#[wasm_bindgen_test]
async fn many_saves_at_once_leave_one_model() {
    let url = Opfs::new().url("model");
    let handler = handler(&url);
    for _ in 0..4 {
        let saves = (1u8..=12).map(|value| {
            let handler = handler.clone();
            async move { save(&handler, &samples::filled(f32::from(value))).await }
        });
        join_all(saves).await;
        let loaded = load(&handler).await;
        let bytes = loaded.weights.unwrap().data().read(0..4000).await.unwrap();
        assert!(bytes.chunks(4).all(|value| value == &bytes[..4]), "a mixture of two models");
        let folder = folder_of(&url).await;
        eventually(async || names(&folder).await.len() == 2).await;
    }
}
