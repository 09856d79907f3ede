//! Names that are no files, or two names for one file, on some system.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::path::{Path, PathBuf};

use tfjs_artifacts::{Error, ErrorKind, ModelArtifacts, RelPath};
use tfjs_fs::FsHandler;
use tfjs_router::{
    LoadHandler as _, LoadOptions, ModelStore as _, RemoveOptions, Router, SaveHandler as _, SaveOptions,
};
use tfjs_testkit::{assert_same_model, block_on, samples};

fn save(artifacts: &ModelArtifacts, path: &Path) -> Result<(), Error> {
    block_on(FsHandler::from_path(path).save(artifacts, &SaveOptions::new())).map(|_| ())
}

fn load(path: &Path) -> Result<ModelArtifacts, Error> {
    block_on(FsHandler::from_path(path).load(&LoadOptions::new()))
}

fn router() -> Router {
    Router::builder().routes(tfjs_fs::routes()).build().unwrap()
}

/// Whether the file system of the temporary folder takes upper and lower case for the same: by looking, not by the system's name.
fn folds_case(folder: &Path) -> bool {
    let probe = folder.join("PROBE");
    std::fs::write(&probe, "").unwrap();
    let folds = folder.join("probe").exists();
    std::fs::remove_file(probe).unwrap();
    folds
}

/// Two tensors of four bytes in two files whose names differ in case.
fn two_cases(folder: &Path) -> PathBuf {
    let json = folder.join("model.json");
    let weight = |name| {
        format!(
            r#"{{"name":"{name}","shape":[4],"dtype":"uint8","quantization":{{"dtype":"uint8","scale":1,"min":0}}}}"#
        )
    };
    let weight = |name| weight(name).replace(r#""dtype":"uint8","q"#, r#""dtype":"float32","q"#);
    let text = format!(
        r#"{{"modelTopology":{{}},"weightsManifest":[{{"paths":["W/A.bin","W/a.bin"],"weights":[{},{}]}}]}}"#,
        weight("one"),
        weight("two")
    );
    std::fs::write(&json, text).unwrap();
    std::fs::create_dir(folder.join("W")).unwrap();
    for (name, byte) in [("W/A.bin", 1), ("W/a.bin", 2)] {
        std::fs::write(folder.join(name), [byte; 4]).unwrap();
    }
    json
}

#[test]
fn two_names_that_are_one_file_here_are_an_error_not_the_same_bytes_twice() {
    let folder = tempfile::tempdir().unwrap();
    let folds = folds_case(folder.path());
    let json = two_cases(folder.path());
    match load(&json) {
        Ok(loaded) => {
            assert!(!folds);
            assert_eq!(
                block_on(loaded.weights.unwrap().data().read(0..8)).unwrap(),
                [1, 1, 1, 1, 2, 2, 2, 2].as_slice()
            );
        }
        Err(error) => {
            assert!(folds, "{error}");
            assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
            assert!(error.to_string().contains("`W/A.bin`") && error.to_string().contains("`W/a.bin`"), "{error}");
        }
    }
}

/// Links are two names on purpose: stores that keep files by their digests have them.
#[test]
fn two_links_to_one_file_are_two_files() {
    let folder = tempfile::tempdir().unwrap();
    let json = two_cases(folder.path());
    let text = std::fs::read_to_string(&json).unwrap();
    std::fs::write(&json, text.replace("W/a.bin", "W/b.bin")).unwrap();
    std::fs::hard_link(folder.path().join("W/A.bin"), folder.path().join("W/b.bin")).unwrap();
    let loaded = load(&json).unwrap().weights.unwrap();
    let bytes = block_on(loaded.data().read(0..8)).unwrap();
    assert_eq!(bytes[..4], bytes[4..]);
}

/// The file that the old model calls `Other.weights.bin` is the new one's `other.weights.bin` where case does not count: it must not
/// be removed as a left-over.
#[test]
fn a_model_saved_over_itself_in_another_case_keeps_its_weights() {
    let folder = tempfile::tempdir().unwrap();
    let folds = folds_case(folder.path());
    let [upper, lower] = ["Other.json", "other.json"].map(|name| folder.path().join(name));
    save(&samples::filled(1.0), &upper).unwrap();
    save(&samples::filled(2.0), &lower).unwrap();
    assert_same_model(&load(&lower).unwrap(), &samples::filled(2.0));
    let upper = load(&upper).unwrap();
    assert_same_model(&upper, &samples::filled(if folds { 2.0 } else { 1.0 }));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), if folds { 2 } else { 4 });
}

/// The other model calls its weights as a save into the folder would, but for the case.
#[test]
fn weights_of_another_model_are_safe_in_another_case_too() {
    let folder = tempfile::tempdir().unwrap();
    let folds = folds_case(folder.path());
    let other = folder.path().join("other.json");
    save(&samples::filled(1.0), &other).unwrap();
    std::fs::rename(folder.path().join("other.weights.bin"), folder.path().join("MODEL.Weights.bin")).unwrap();
    let text = std::fs::read_to_string(&other).unwrap().replace("other.weights.bin", "MODEL.Weights.bin");
    std::fs::write(&other, text).unwrap();
    let saved = save(&samples::filled(2.0), folder.path());
    assert_eq!(saved.is_err(), folds, "{saved:?}");
    if let Err(error) = saved {
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    }
    assert_same_model(&load(&other).unwrap(), &samples::filled(1.0));
}

#[test]
fn two_cases_of_one_path_are_one_place_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let folds = folds_case(folder.path());
    save(&samples::filled(1.0), &folder.path().join("Model")).unwrap();
    let url = |name: &str| folder.path().join(name).display().to_string();
    let copied = block_on(router().copy_model(&url("Model"), &url("mODEL"), &LoadOptions::new(), &SaveOptions::new()));
    assert_eq!(copied.is_err(), folds, "{copied:?}");
    assert_same_model(&load(&folder.path().join("Model")).unwrap(), &samples::filled(1.0));
}

/// The same on every system, for the model will be copied to another.
#[test]
fn a_save_makes_no_file_that_some_system_cannot_have() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["con.json", "NUL.v1.json", "com1.json", "what?.json", "a*b.json", "a|b.json", "lpt².json"] {
        let error = save(&samples::filled(1.0), &folder.path().join(name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{name}: {error}");
    }
    for name in ["nul.bin", "w/con", "w.bin.", "w.bin:s", "w\".bin"] {
        RelPath::parse(name).unwrap_err();
    }
    let query = SaveOptions::new().with_weights_file_name(RelPath::parse("w.bin?v=1").unwrap());
    let error = block_on(FsHandler::from_path(folder.path()).save(&samples::filled(1.0), &query)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// A query in a manifest is a name here. On Windows no file can have it, which is an error that names it.
#[test]
fn a_name_with_a_query_loads_where_it_exists() {
    let folder = tempfile::tempdir().unwrap();
    save(&samples::filled(1.0), folder.path()).unwrap();
    let json = folder.path().join("model.json");
    let text = std::fs::read_to_string(&json).unwrap().replace("model.weights.bin", "w?v=1");
    std::fs::write(&json, text).unwrap();
    let renamed = std::fs::rename(folder.path().join("model.weights.bin"), folder.path().join("w?v=1"));
    match load(folder.path()) {
        Ok(loaded) => {
            renamed.unwrap();
            assert_same_model(&loaded, &samples::filled(1.0));
        }
        Err(error) => {
            renamed.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{error}");
            assert!(error.to_string().contains("w?v=1") && error.to_string().contains("does not allow"), "{error}");
        }
    }
}

/// More than the 260 characters that Windows once allowed, in folders of allowed names.
#[test]
fn long_paths() {
    let folder = tempfile::tempdir().unwrap();
    let mut path = folder.path().to_path_buf();
    for part in 0..12 {
        path.push(format!("a folder with a rather long name {part}"));
    }
    assert!(path.as_os_str().len() > 300);
    for _ in 0..2 {
        save(&samples::many_shards(3), &path).unwrap();
        assert_same_model(&load(&path).unwrap(), &samples::many_shards(3));
    }
    let named = path.join("other.json");
    save(&samples::everything(), &named).unwrap();
    assert_same_model(&load(&named).unwrap(), &samples::everything());
    let url = format!("file://{}", path.display().to_string().replace(' ', "%20"));
    let moved = format!("{url}/moved");
    block_on(router().move_model(&url[..], &moved, &LoadOptions::new(), &SaveOptions::new())).unwrap();
    assert_same_model(&block_on(router().load(&moved[..], &LoadOptions::new())).unwrap(), &samples::many_shards(3));
    block_on(FsHandler::from_path(path.join("moved")).remove(&RemoveOptions::new())).unwrap();
    assert!(!path.join("moved").exists());
}

/// Other systems have no such names.
#[cfg(target_os = "linux")]
#[test]
fn a_model_whose_name_is_no_unicode_is_not_left_out_without_a_word() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    use futures::StreamExt as _;

    let folder = tempfile::tempdir().unwrap();
    save(&samples::filled(1.0), &folder.path().join("a")).unwrap();
    std::fs::rename(folder.path().join("a"), folder.path().join(OsStr::from_bytes(b"a\xff"))).unwrap();
    save(&samples::filled(2.0), &folder.path().join("b")).unwrap();
    std::fs::create_dir(folder.path().join(OsStr::from_bytes(b"no model\xff"))).unwrap();
    let listed: Vec<_> = block_on(router().list_models(folder.path().to_str().unwrap()).collect());
    let [Ok(model), Err(error)] = listed.as_slice() else { panic!("{listed:?}") };
    assert!(model.url.to_string().ends_with("/b"), "{model:?}");
    assert!(error.kind() == ErrorKind::InvalidUrl && error.to_string().contains("no Unicode"), "{error}");
}
