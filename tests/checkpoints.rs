//! Checkpoints on a disk, with a reader that never waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tfjs_io::{Checkpoints, ErrorKind, LoadOptions, SaveOptions, default_router};
use tfjs_testkit::{assert_same_model, samples::filled};

/// A checkpoint holds its own number, so a reader sees whether it was given another one, or parts of two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_always_finds_a_whole_one_that_is_not_older() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("run").display().to_string();
    let checkpoints = Checkpoints::new(default_router().unwrap(), &place, 2.try_into().unwrap());
    let is_over = Arc::new(AtomicBool::new(false));
    let (reader, reader_is_over) = (checkpoints.clone(), Arc::clone(&is_over));
    let reading = tokio::spawn(async move {
        let (mut last, mut count) = (0, 0);
        while !reader_is_over.load(Ordering::Relaxed) {
            match reader.load_latest(&LoadOptions::new()).await {
                Ok((number, artifacts)) => {
                    assert!(number >= last, "{number} came after {last}");
                    assert_same_model(&artifacts, &filled(f32::from(u16::try_from(number).unwrap())));
                    (last, count) = (number, count + 1);
                }
                Err(error) => assert_eq!((error.kind(), last), (ErrorKind::NotFound, 0), "{error}"),
            }
        }
        count
    });
    for number in 1..=30u16 {
        let saved = checkpoints.save(&filled(f32::from(number)), &SaveOptions::new()).await.unwrap();
        assert_eq!(saved.number, u64::from(number));
        assert!(saved.left.is_empty(), "{:?}", saved.left);
    }
    is_over.store(true, Ordering::Relaxed);
    assert!(reading.await.unwrap() > 0);
    let mut names: Vec<_> =
        std::fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["checkpoint-000029", "checkpoint-000030", "latest"]);
}
