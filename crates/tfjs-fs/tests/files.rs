//! What only a file system has: files that change, grow beyond all measure, and are written by several at once.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::path::Path;
use std::time::{Duration, SystemTime};

use tfjs_artifacts::{ErrorKind, Limit, ModelArtifacts, SurplusBytes, Weights};
use tfjs_fs::FsHandler;
use tfjs_router::{Checkpoints, LoadHandler as _, LoadOptions, RemoveOptions, Router, SaveHandler as _, SaveOptions};
use tfjs_testkit::{block_on, samples};

fn save(artifacts: &ModelArtifacts, path: &Path) {
    block_on(FsHandler::from_path(path).save(artifacts, &SaveOptions::new())).unwrap();
}

fn load(path: &Path, options: &LoadOptions) -> ModelArtifacts {
    block_on(FsHandler::from_path(path).load(options)).unwrap()
}

/// As many bytes at the same place, written later: only the time stamp tells.
#[test]
fn a_lazy_file_that_is_rewritten_is_an_error_not_other_weights() {
    let folder = tempfile::tempdir().unwrap();
    save(&samples::filled(1.0), folder.path());
    let lazy = load(folder.path(), &LoadOptions::lazy()).weights.unwrap();
    block_on(lazy.data().read(0..4)).unwrap();

    let file = folder.path().join("model.weights.bin");
    let bytes = vec![7; std::fs::metadata(&file).unwrap().len().try_into().unwrap()];
    std::fs::write(&file, bytes).unwrap();
    let later = SystemTime::now() + Duration::from_secs(2);
    std::fs::File::options().write(true).open(&file).unwrap().set_modified(later).unwrap();
    let error = block_on(lazy.data().read(0..4)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    // A model of other files.
    std::fs::remove_file(&file).unwrap();
    let error = block_on(lazy.data().read(0..4)).unwrap_err();
    assert!(error.kind() == ErrorKind::Conflict && error.to_string().contains("load it again"), "{error}");
}

#[test]
fn checkpoints_are_found_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let router = Router::builder().routes(tfjs_fs::routes()).build().unwrap();
    let path = folder.path().join("run").to_str().unwrap().replace('\\', "/");
    let url = format!("file:///{}", path.trim_start_matches('/'));
    for place in [path.clone(), url] {
        let checkpoints = Checkpoints::new(router.clone(), &place, 2.try_into().unwrap());
        block_on(checkpoints.save(&samples::filled(1.0), &SaveOptions::new())).unwrap();
        let last = block_on(checkpoints.save(&samples::filled(2.0), &SaveOptions::new())).unwrap().number;
        block_on(router.remove_model(&format!("{path}/latest"), &RemoveOptions::new())).unwrap();
        let found = block_on(checkpoints.load_latest(&LoadOptions::new())).unwrap();
        assert_eq!(found.0, last, "{place}");
    }
}

/// A newer one that is damaged is not gone on from, nor replaced; what is wrong with others is nothing to it.
#[test]
fn checkpoints_are_found_among_what_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    for damaged in ["checkpoint-000009", "other"] {
        std::fs::create_dir(folder.path().join(damaged)).unwrap();
        std::fs::write(folder.path().join(damaged).join("model.json"), "[1").unwrap();
    }
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::ffi::OsStrExt as _;

        let unnamed = folder.path().join(std::ffi::OsStr::from_bytes(b"\xff"));
        save(&samples::filled(1.0), &unnamed);
    }
    let router = Router::builder().routes(tfjs_fs::routes()).build().unwrap();
    let checkpoints = Checkpoints::new(router, place, 2.try_into().unwrap());
    let nothing = block_on(checkpoints.load_latest(&LoadOptions::new())).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::NotFound, "{nothing}");
    assert_eq!(block_on(checkpoints.save(&samples::filled(2.0), &SaveOptions::new())).unwrap().number, 10);
    assert_eq!(block_on(checkpoints.load_latest(&LoadOptions::new())).unwrap().0, 10);
}

#[test]
fn a_json_file_beyond_the_limit_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("model.json");
    std::fs::File::create(&json).unwrap().set_len(Limit::JsonBytes.default_value() + 1).unwrap();
    let error = block_on(FsHandler::from_path(&json).load(&LoadOptions::new())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
}

/// Models of one value in several files each; whatever is found in the end is of one value.
#[test]
fn saves_of_several_threads_do_not_mix() {
    fn sample(value: u8) -> ModelArtifacts {
        let artifacts = samples::many_shards(6);
        let weights = artifacts.weights.as_ref().unwrap();
        let bytes = vec![value; weights.data().byte_length().try_into().unwrap()];
        let weights = Weights::new(weights.groups().to_vec(), bytes.into(), SurplusBytes::Reject).unwrap();
        artifacts.with_weights(weights)
    }
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..20 {
        std::thread::scope(|scope| {
            for value in 1..=4 {
                let path = folder.path();
                scope.spawn(move || save(&sample(value), path));
            }
        });
        let weights = load(folder.path(), &LoadOptions::new()).weights.unwrap();
        let bytes = block_on(weights.data().read(0..weights.data().byte_length())).unwrap();
        assert!(bytes.iter().all(|byte| *byte == bytes[0]), "a mixture: {bytes:?}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 7);
}

/// What is at the source when it would be removed is not what was copied.
#[test]
fn a_source_that_changes_during_a_move_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (source, moved) = (folder.path().join("source"), folder.path().join("moved"));
    save(&samples::filled(1.0), &source);
    let router = Router::builder().routes(tfjs_fs::routes()).build().unwrap();
    // Progress is told between the copy and the removal.
    let saving = {
        let source = source.clone();
        SaveOptions::new().with_progress(tfjs_router::ProgressSink::new(move |progress| {
            if progress.phase == tfjs_router::Phase::Done {
                let (source, newer) = (source.clone(), samples::filled(2.0));
                std::thread::spawn(move || save(&newer, &source)).join().unwrap();
            }
        }))
    };
    let urls = [&source, &moved].map(|path| path.display().to_string());
    let error = block_on(router.move_model(&urls[0], &urls[1], &LoadOptions::new(), &saving)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    tfjs_testkit::assert_same_model(&load(&source, &LoadOptions::new()), &samples::filled(2.0));
    tfjs_testkit::assert_same_model(&load(&moved, &LoadOptions::new()), &samples::filled(1.0));
}

/// A model may have its weights in a folder below its own. A model that is saved into that folder for the first time must not
/// take their place.
#[test]
fn weights_of_a_model_in_the_folder_above_are_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    save(&samples::filled(1.0), folder.path());
    let below = folder.path().join("n");
    std::fs::create_dir(&below).unwrap();
    std::fs::rename(folder.path().join("model.weights.bin"), below.join("model.weights.bin")).unwrap();
    let json = folder.path().join("model.json");
    let text = std::fs::read_to_string(&json).unwrap();
    std::fs::write(&json, text.replace("model.weights.bin", "n/model.weights.bin")).unwrap();
    let before = load(folder.path(), &LoadOptions::new());

    let saved = block_on(FsHandler::from_path(&below).save(&samples::filled(2.0), &SaveOptions::new()));
    assert_eq!(saved.unwrap_err().kind(), ErrorKind::AlreadyExists);
    tfjs_testkit::assert_same_model(&load(folder.path(), &LoadOptions::new()), &before);
}

/// A list of renames can come with a model, like any other file.
#[test]
fn a_list_of_a_stranger_touches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let trace = r#"{"bytes":4,"modified":1}"#;
    let lists = [
        format!(r#"{{"version":1,"renames":[],"hidden":[],"removed":[{{"name":"thesis.txt","trace":{trace}}}]}}"#),
        format!(r#"{{"version":1,"renames":[],"hidden":[{{"name":"thesis.txt","trace":{trace}}}],"removed":[]}}"#),
        format!(
            r#"{{"version":1,"renames":[{{"from":".tfjs-0123456789ab-0.tmp","new":{trace},"to":"thesis.txt","old":{trace}}}],"hidden":[],"removed":[]}}"#
        ),
        format!(
            r#"{{"version":1,"renames":[{{"from":"hook","new":{trace},"to":".git/hooks/pre-commit","old":null}}],"hidden":[],"removed":[]}}"#
        ),
    ];
    for list in lists {
        std::fs::write(path("thesis.txt"), "mine").unwrap();
        std::fs::write(path("hook"), "evil").unwrap();
        std::fs::write(path(".tfjs-0123456789ab-0.tmp"), "evil").unwrap();
        std::fs::write(path(".tfjs-journal"), &list).unwrap();
        // It may be refused, or found to be outdated.
        let _saved = block_on(FsHandler::from_path(folder.path()).save(&samples::filled(1.0), &SaveOptions::new()));
        assert_eq!(std::fs::read_to_string(path("thesis.txt")).unwrap(), "mine", "{list}");
        assert!(!path(".git").exists(), "{list}");
    }
}

/// Opening a named pipe would wait for somebody who writes.
#[cfg(unix)]
#[test]
fn what_only_looks_like_a_file_of_a_save_hangs_nobody() {
    let folder = tempfile::tempdir().unwrap();
    for (name, is_ignored) in [(".tfjs-0123456789ab.save", true), (".tfjs-journal", false)] {
        let pipe = folder.path().join(name);
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let saved = block_on(FsHandler::from_path(folder.path()).save(&samples::filled(1.0), &SaveOptions::new()));
        assert_eq!(saved.is_ok(), is_ignored, "{name}");
        std::fs::remove_file(&pipe).unwrap();
    }
    tfjs_testkit::assert_same_model(&load(folder.path(), &LoadOptions::new()), &samples::filled(1.0));
}

/// More saves at once than there are threads for blocking calls.
#[test]
fn who_waits_for_the_lock_does_not_starve_who_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let saves = (0..8_u8).map(|value| {
            let handler = FsHandler::from_path(folder.path());
            tokio::spawn(async move { handler.save(&samples::filled(f32::from(value)), &SaveOptions::new()).await })
        });
        for saved in saves.collect::<Vec<_>>() {
            saved.await.unwrap().unwrap();
        }
    });
}
