//! What only Windows has: drives, shares, files that others keep open, read-only files, links that need a privilege.
#![cfg(windows)]
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs::File;
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use tfjs_artifacts::{Error, ErrorKind, ModelArtifacts};
use tfjs_fs::FsHandler;
use tfjs_router::{
    LoadHandler as _, LoadOptions, ModelStore as _, ModelUrl, RemoveOptions, Router, SaveHandler as _, SaveOptions,
};
use tfjs_testkit::{assert_same_model, block_on, samples};

fn save(artifacts: &ModelArtifacts, path: &Path) -> Result<(), Error> {
    block_on(FsHandler::from_path(path).save(artifacts, &SaveOptions::new())).map(|_| ())
}

fn load(path: &Path) -> ModelArtifacts {
    block_on(FsHandler::from_path(path).load(&LoadOptions::new())).unwrap()
}

fn router() -> Router {
    Router::builder().routes(tfjs_fs::routes()).build().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

/// One model, by every spelling of its path.
#[test]
fn spellings() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my 100% model");
    let text = path.display().to_string();
    let slashes = text.replace('\\', "/");
    let encoded = slashes.replace('%', "%25").replace(' ', "%20");
    let verbatim = path.parent().unwrap().canonicalize().unwrap().join("my 100% model").display().to_string();
    assert!(verbatim.starts_with(r"\\?\"), "{verbatim}");
    let spellings = [
        text.clone(),
        slashes.clone(),
        verbatim.clone(),
        format!("{slashes}/"),
        format!("file:///{encoded}"),
        format!("file:///{encoded}/"),
        format!("file://{encoded}"),
        format!("FILE://localhost/{encoded}"),
        format!("file://{}", text.replace('%', "%25")),
        format!("file:///{encoded}/model.json"),
        format!("file:////?/{encoded}"),
        slashes.to_uppercase(),
    ];
    for (value, url) in (0..=u8::MAX).zip(&spellings) {
        let model = samples::filled(value.into());
        block_on(router().save(&model, url, &SaveOptions::new())).unwrap();
        for url in &spellings {
            assert_same_model(&block_on(router().load(&url[..], &LoadOptions::new())).unwrap(), &model);
            let error =
                block_on(router().copy_model(url, &text, &LoadOptions::new(), &SaveOptions::new())).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{url}: {error}");
        }
    }
    assert_eq!(names(folder.path()), ["my 100% model"]);
    for url in [text.as_str(), &verbatim] {
        let above = url.strip_suffix(r"\my 100% model").unwrap();
        let store = FsHandler::from_url(&ModelUrl::parse(above).unwrap()).unwrap();
        let listed: Vec<_> = block_on(store.list().try_collect()).unwrap();
        let [listed] = listed.as_slice() else { panic!("{listed:?}") };
        block_on(router().load(&listed.url.to_string()[..], &LoadOptions::new())).unwrap();
    }
}

#[test]
fn what_is_no_file_is_refused_by_urls_and_by_paths() {
    let artifacts = samples::filled(1.0);
    for path in
        ["C:x", r"\\.\COM1", r"\\?\GLOBALROOT\x", "nul", r"C:\models\con\m", "aux.json", "m.json:s", r"C:\m.", "m?"]
    {
        for error in [
            save(&artifacts, Path::new(path)).unwrap_err(),
            block_on(FsHandler::from_path(path).load(&LoadOptions::new())).unwrap_err(),
            block_on(FsHandler::from_path(path).remove(&RemoveOptions::new())).unwrap_err(),
            block_on(FsHandler::from_path(path).list().try_collect::<Vec<_>>()).unwrap_err(),
            block_on(FsHandler::from_pair(path, path).load(&LoadOptions::new())).unwrap_err(),
            block_on(router().load(path, &LoadOptions::new())).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{path}: {error}");
            assert!(error.to_string().contains("on Windows "), "{error}");
        }
    }
}

/// No such server answers here; what is tested is that the path is a share's, not a folder's.
#[test]
fn a_share_that_is_not_there_is_not_found() {
    for url in [r"\\localhost\no-such-share\m", "file:////localhost/no-such-share/m"] {
        let error = block_on(router().load(url, &LoadOptions::new())).unwrap_err();
        assert_ne!(error.kind(), ErrorKind::InvalidUrl, "{error}");
        let location = error.location().unwrap().as_str().to_owned();
        assert!(location.starts_with(r"\\localhost\"), "{location}");
    }
}

fn two_files(folder: &Path) -> [PathBuf; 2] {
    ["model.weights.bin", "model.json"].map(|name| folder.join(name))
}

/// Whichever of its files somebody has open without sharing its deletion, the model that was there stays whole.
#[test]
fn a_file_that_another_program_keeps_open_fails_the_save_and_harms_nothing() {
    const FILE_SHARE_READ: u32 = 1;
    let folder = tempfile::tempdir().unwrap();
    save(&samples::filled(1.0), folder.path()).unwrap();
    for file in two_files(folder.path()) {
        let open = File::options().read(true).share_mode(FILE_SHARE_READ).open(&file).unwrap();
        let error = save(&samples::filled(2.0), folder.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert!(error.to_string().contains("another program has the file open"), "{error}");
        assert_eq!(Path::new(error.location().unwrap().as_str()), file);
        assert_same_model(&load(folder.path()), &samples::filled(1.0));
        assert_eq!(names(folder.path()), ["model.json", "model.weights.bin"]);
        drop(open);
    }
    save(&samples::filled(2.0), folder.path()).unwrap();
    assert_same_model(&load(folder.path()), &samples::filled(2.0));
}

/// A file that is open nowhere but for reading with all sharing, as by this library and Rust's own: Windows replaces it (POSIX
/// renames, NTFS since Windows 10 1607), other file systems refuse. Never a mixture.
#[test]
fn a_file_that_is_open_for_reading_is_replaced_or_the_model_stays_whole() {
    let folder = tempfile::tempdir().unwrap();
    save(&samples::filled(1.0), folder.path()).unwrap();
    let mut there = samples::filled(1.0);
    for file in two_files(folder.path()) {
        let open = File::open(&file).unwrap();
        match save(&samples::filled(2.0), folder.path()) {
            Ok(()) => there = samples::filled(2.0),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
        }
        assert_same_model(&load(folder.path()), &there);
        drop(open);
        assert_eq!(names(folder.path()), ["model.json", "model.weights.bin"]);
    }
}

/// A virus scanner looks at a new file for an instant.
#[test]
fn an_instant_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    save(&samples::filled(1.0), folder.path()).unwrap();
    let open = File::options().read(true).share_mode(0).open(folder.path().join("model.weights.bin")).unwrap();
    let begin = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(700));
            drop(open);
        });
        // Whose files cannot be looked at is replaced all the same; the renames wait.
        save(&samples::filled(2.0), folder.path()).unwrap();
    });
    assert!(begin.elapsed() >= Duration::from_millis(600), "{:?}", begin.elapsed());
    assert_same_model(&load(folder.path()), &samples::filled(2.0));
}

/// Readers and writers at once: each load is an error that says that the model changes, or one of the models, never a mixture.
#[test]
fn loads_during_saves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    save(&samples::filled(0.0), path).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || (1..=10_u8).for_each(|value| save(&samples::filled(value.into()), path).unwrap()));
        scope.spawn(move || {
            for _ in 0..50 {
                let loaded = block_on(FsHandler::from_path(path).load(&LoadOptions::new()));
                if let Err(error) = loaded {
                    assert!(matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound), "{error:?}");
                }
            }
        });
    });
    assert_same_model(&load(path), &samples::filled(10.0));
    assert_eq!(names(path), ["model.json", "model.weights.bin"]);
}

#[test]
fn a_file_that_is_open_cannot_be_removed_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("m");
    save(&samples::filled(1.0), &model).unwrap();
    let open = File::options().read(true).share_mode(1).open(model.join("model.json")).unwrap();
    let error = block_on(FsHandler::from_path(&model).remove(&RemoveOptions::new())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert_same_model(&load(&model), &samples::filled(1.0));
    drop(open);
    block_on(FsHandler::from_path(&model).remove(&RemoveOptions::new())).unwrap();
    // With its folder: the lock, which is a file in it, is gone by then.
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_read_only_file_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    save(&samples::filled(1.0), folder.path()).unwrap();
    for file in two_files(folder.path()) {
        let writable = std::fs::metadata(&file).unwrap().permissions();
        let mut read_only = writable.clone();
        read_only.set_readonly(true);
        std::fs::set_permissions(&file, read_only).unwrap();
        let error = save(&samples::filled(2.0), folder.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert!(error.to_string().contains("the file is read-only; make it writable"), "{error}");
        assert_same_model(&load(folder.path()), &samples::filled(1.0));
        std::fs::set_permissions(&file, writable).unwrap();
    }
    save(&samples::filled(2.0), folder.path()).unwrap();
}

/// A save puts its file in the place of a link, as on Unix. Links need a privilege; a system may refuse them, or (Wine) only say that
/// it made one.
#[test]
fn a_link_is_replaced_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("m");
    save(&samples::filled(1.0), &model).unwrap();
    let elsewhere = folder.path().join("elsewhere.bin");
    let weights = model.join("model.weights.bin");
    std::fs::rename(&weights, &elsewhere).unwrap();
    let made = std::os::windows::fs::symlink_file(&elsewhere, &weights);
    if std::fs::symlink_metadata(&weights).is_ok_and(|metadata| metadata.is_symlink()) {
        assert_same_model(&load(&model), &samples::filled(1.0));
    } else {
        const ERROR_PRIVILEGE_NOT_HELD: i32 = 1314;
        assert!(
            made.as_ref().map_or_else(|error| error.raw_os_error() == Some(ERROR_PRIVILEGE_NOT_HELD), |()| true),
            "{made:?}"
        );
        let error = block_on(FsHandler::from_path(&model).load(&LoadOptions::new())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
    let before = std::fs::read(&elsewhere).unwrap();
    save(&samples::filled(2.0), &model).unwrap();
    assert_same_model(&load(&model), &samples::filled(2.0));
    assert_eq!(std::fs::read(&elsewhere).unwrap(), before);
}

/// A junction is a link to a folder that needs no privilege. Wine has none, and says so.
#[test]
fn a_junction_is_followed_and_never_removed() {
    let folder = tempfile::tempdir().unwrap();
    let [target, link] = ["target", "link"].map(|name| folder.path().join(name));
    std::fs::create_dir(&target).unwrap();
    std::fs::write(target.join("notes.txt"), "the user's").unwrap();
    let made =
        std::process::Command::new("cmd").arg("/c").arg("mklink").arg("/J").arg(&link).arg(&target).output().unwrap();
    if !link.exists() {
        assert!(!made.stderr.is_empty() || !made.stdout.is_empty(), "{made:?}");
        // What was to be a link is a folder to be made, then.
        save(&samples::filled(1.0), &link).unwrap();
        assert_eq!(names(&target), ["notes.txt"]);
        return;
    }
    save(&samples::filled(1.0), &link).unwrap();
    assert_eq!(names(&target), ["model.json", "model.weights.bin", "notes.txt"]);
    let copied = block_on(router().copy_model(
        link.to_str().unwrap(),
        target.to_str().unwrap(),
        &LoadOptions::new(),
        &SaveOptions::new(),
    ));
    assert_eq!(copied.unwrap_err().kind(), ErrorKind::InvalidUrl);
    block_on(FsHandler::from_path(&link).remove(&RemoveOptions::new())).unwrap();
    assert_eq!(names(&target), ["notes.txt"]);
    assert!(link.exists());
    // A junction where a file must be written is in the way, as a folder is.
    std::fs::rename(&link, target.join("model.json")).unwrap();
    assert_eq!(save(&samples::filled(1.0), &target).unwrap_err().kind(), ErrorKind::AlreadyExists);
}

/// New files are ordinary ones: neither temporary nor hidden, and writable.
#[test]
fn attributes() {
    use std::os::windows::fs::MetadataExt as _;
    const READONLY_HIDDEN_SYSTEM_TEMPORARY: u32 = 0x1 | 0x2 | 0x4 | 0x100;
    let folder = tempfile::tempdir().unwrap();
    save(&samples::filled(1.0), folder.path()).unwrap();
    for file in two_files(folder.path()) {
        let attributes = std::fs::metadata(&file).unwrap().file_attributes();
        assert_eq!(attributes & READONLY_HIDDEN_SYSTEM_TEMPORARY, 0, "{file:?}: {attributes:x}");
    }
}
