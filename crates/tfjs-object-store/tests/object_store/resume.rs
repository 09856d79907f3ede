//! A save that is interrupted leaves the objects that it has sent, and another one lets the store copy those that are proven.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutOptions};
use tfjs_artifacts::{
    ByteSource, DType, Error, ErrorKind, ModelArtifacts, RelPath, Segment, Shape, Shard, SurplusBytes, WeightData,
    WeightGroup, WeightSpec, Weights, async_trait,
};
use tfjs_router::{Phase, ProgressSink, Resume, SaveHandler as _, SaveOptions};

use crate::{KEY, handler, is_weights, keys, load, memory, save};

const FILES: u8 = 6;
const FILE: u64 = 1000;
/// Sent in parts.
const LARGE: u64 = 9 << 20;

/// One file of a source, all of whose bytes are its content; reading can end.
#[derive(Debug)]
struct Source {
    length: u64,
    content: u8,
    version: Option<String>,
    read: Arc<AtomicU64>,
    is_broken: bool,
}

#[async_trait]
impl ByteSource for Source {
    fn byte_length(&self) -> u64 {
        self.length
    }

    fn version(&self) -> Option<String> {
        self.version.clone()
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        if self.is_broken {
            return Err(Error::new(ErrorKind::Transport, "injected: the source broke"));
        }
        self.read.fetch_add(range.end - range.start, Ordering::Relaxed);
        Ok(vec![self.content; usize::try_from(range.end - range.start).unwrap()].into())
    }
}

/// A model of files of this length, of which those from `broken` on cannot be read.
fn model_of(length: u64, content: u8, version: Option<&str>, broken: u8, read: &Arc<AtomicU64>) -> ModelArtifacts {
    let file = |index: u8| {
        Segment::lazy(Arc::new(Source {
            length,
            content: content + index,
            version: version.map(|version| format!("{version} of {index}")),
            read: Arc::clone(read),
            is_broken: index >= broken,
        }))
    };
    let spec = WeightSpec::new("w", Shape::vector(u64::from(FILES) * length).unwrap(), DType::Bool);
    let shard = |index| Shard::new(RelPath::parse(&format!("{index}.bin")).unwrap(), length);
    let groups = vec![WeightGroup::new(vec![spec], (0..FILES).map(shard).collect())];
    let data = WeightData::from_segments((0..FILES).map(file));
    ModelArtifacts::new().with_weights(Weights::new(groups, data, SurplusBytes::Reject).unwrap())
}

fn model(content: u8, version: &str, broken: u8, read: &Arc<AtomicU64>) -> ModelArtifacts {
    model_of(FILE, content, Some(version), broken, read)
}

/// Saves; gives how many bytes were there already.
async fn resume(store: &Arc<dyn ObjectStore>, model: &ModelArtifacts) -> Result<u64, Error> {
    let resumed = Arc::new(Mutex::new(None));
    let done = Arc::clone(&resumed);
    let sink = ProgressSink::new(move |progress| {
        if progress.phase == Phase::Done {
            *done.lock().unwrap() = Some(progress.resumed_bytes);
        }
    });
    let options = SaveOptions::new().with_resume(Resume::from_source("test://source")).with_progress(sink);
    handler(store, KEY).save(model, &options).await?;
    Ok(resumed.lock().unwrap().unwrap())
}

async fn weights(store: &Arc<dyn ObjectStore>) -> Vec<Path> {
    let keys = keys(store).await.into_iter().filter(|key| is_weights(key));
    keys.map(|key| Path::parse(key).unwrap()).collect()
}

/// A save that ends after three files.
async fn interrupted(store: &Arc<dyn ObjectStore>, content: u8, version: &str) {
    let error = resume(store, &model(content, version, 3, &Arc::default())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(!keys(store).await.iter().any(|key| key.ends_with("model.json")));
}

/// The model is there, all of it from one source.
async fn check(store: &Arc<dyn ObjectStore>, length: u64, content: u8) {
    let data = load(store, KEY).await.unwrap().weights.unwrap().data().clone();
    let mut at = 0;
    let mut pieces = data.stream(usize::try_from(length).unwrap());
    while let Some(piece) = pieces.try_next().await.unwrap() {
        let expected = content + u8::try_from(at / length).unwrap();
        assert!(piece.iter().all(|byte| *byte == expected), "other bytes at {at}");
        at += piece.len() as u64;
    }
    assert_eq!(at, u64::from(FILES) * length);
}

#[tokio::test]
async fn what_has_been_sent_is_not_sent_again() {
    sends_once(memory()).await;
}

#[cfg(feature = "s3")]
#[tokio::test]
async fn over_the_protocol_of_s3_too() {
    let server = crate::server::Server::start();
    sends_once(server.store()).await;
}

async fn sends_once(store: Arc<dyn ObjectStore>) {
    interrupted(&store, 1, "a").await;
    let sent = weights(&store).await.len() as u64;
    assert_eq!(sent, 3);
    let read = Arc::default();
    assert_eq!(resume(&store, &model(1, "a", FILES, &read)).await.unwrap(), sent * FILE);
    assert_eq!(read.load(Ordering::Relaxed), (u64::from(FILES) - sent) * FILE);
    check(&store, FILE, 1).await;
    // What is there for a day longer harms nobody; a model that is copied again is not sent either.
    let read = Arc::default();
    assert_eq!(resume(&store, &model(1, "a", FILES, &read)).await.unwrap(), u64::from(FILES) * FILE);
    assert_eq!(read.load(Ordering::Relaxed), 0);
    check(&store, FILE, 1).await;
}

#[tokio::test]
async fn what_was_sent_in_parts_is_not_sent_again() {
    let store = memory();
    let large = |broken, read: &Arc<AtomicU64>| model_of(LARGE, 1, Some("a"), broken, read);
    resume(&store, &large(4, &Arc::default())).await.unwrap_err();
    let read = Arc::default();
    assert_eq!(resume(&store, &large(FILES, &read)).await.unwrap(), 4 * LARGE);
    assert_eq!(read.load(Ordering::Relaxed), 2 * LARGE);
    check(&store, LARGE, 1).await;
}

#[tokio::test]
async fn a_source_that_was_changed_is_not_mixed() {
    let store = memory();
    interrupted(&store, 1, "a").await;
    assert_eq!(resume(&store, &model(50, "b", FILES, &Arc::default())).await.unwrap(), 0);
    check(&store, FILE, 50).await;
    let unknown = model_of(FILE, 80, None, FILES, &Arc::default());
    assert_eq!(resume(&store, &unknown).await.unwrap(), 0, "a source without versions proves nothing");
    check(&store, FILE, 80).await;
}

#[tokio::test]
async fn what_somebody_else_has_put_there_is_not_trusted() {
    for is_shorter in [false, true] {
        let store = memory();
        interrupted(&store, 1, "a").await;
        let sent = weights(&store).await;
        let first = sent.first().unwrap();
        if is_shorter {
            // With what proves it, but not of its length.
            let attributes = store.get(first).await.unwrap().attributes;
            let options = PutOptions { attributes, ..PutOptions::default() };
            store.put_opts(first, vec![9; 999].into(), options).await.unwrap();
        } else {
            store.put(first, vec![9; 1000].into()).await.unwrap();
        }
        let again = resume(&store, &model(1, "a", FILES, &Arc::default())).await.unwrap();
        assert_eq!(again, (sent.len() as u64 - 1) * FILE);
        check(&store, FILE, 1).await;
    }
}

#[tokio::test]
async fn the_model_that_is_there_stays_until_the_new_one_is_whole() {
    let store = memory();
    resume(&store, &model(1, "a", FILES, &Arc::default())).await.unwrap();
    resume(&store, &model(50, "b", 4, &Arc::default())).await.unwrap_err();
    check(&store, FILE, 1).await;
    assert!(resume(&store, &model(50, "b", FILES, &Arc::default())).await.unwrap() > 0);
    check(&store, FILE, 50).await;
}

#[tokio::test]
async fn a_damaged_source_with_checksums_leaves_nothing_that_could_be_taken_over() {
    let store = memory();
    let sound = model(1, "a", FILES, &Arc::default());
    let options = SaveOptions::new().with_checksums(tfjs_router::Checksums::Write);
    handler(&store, "other").save(&sound, &options).await.unwrap();
    let sums = load(&store, "other").await.unwrap();
    let groups = sums.weights.unwrap().groups().to_vec();
    let with_sums = |model: ModelArtifacts| {
        let data = model.weights.as_ref().unwrap().data().clone();
        model.with_weights(Weights::new(groups.clone(), data, SurplusBytes::Reject).unwrap())
    };
    // The same versions, and other bytes: read wrongly.
    let damaged = with_sums(model(2, "a", FILES, &Arc::default()));
    assert_eq!(resume(&store, &damaged).await.unwrap_err().kind(), ErrorKind::InvalidData);
    let read = Arc::default();
    assert_eq!(resume(&store, &with_sums(model(1, "a", FILES, &read))).await.unwrap(), 0);
    check(&store, FILE, 1).await;
}

#[tokio::test]
async fn a_store_without_metadata_starts_over() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap());
    interrupted(&store, 1, "a").await;
    assert_eq!(resume(&store, &model(1, "a", FILES, &Arc::default())).await.unwrap(), 0);
    check(&store, FILE, 1).await;
    let large = |broken| model_of(LARGE, 1, Some("a"), broken, &Arc::default());
    resume(&store, &large(4)).await.unwrap_err();
    assert_eq!(resume(&store, &large(FILES)).await.unwrap(), 0);
    check(&store, LARGE, 1).await;
}

#[tokio::test]
async fn a_save_that_does_not_continue_sends_everything() {
    let store = memory();
    interrupted(&store, 1, "a").await;
    let read = Arc::default();
    save(&store, KEY, &model(1, "a", FILES, &read)).await.unwrap();
    assert_eq!(read.load(Ordering::Relaxed), u64::from(FILES) * FILE);
    check(&store, FILE, 1).await;
}
