//! Links inside of a model's folder.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use futures::executor::block_on;
use tfjs_artifacts::{Error, ErrorKind, RelPath};
use tfjs_fs::FsHandler;
use tfjs_router::{
    Links, LoadHandler as _, LoadOptions, ModelStore as _, RemoveOptions, SaveHandler as _, SaveOptions,
};
use tfjs_testkit::samples;

const FOLLOW: Links = Links::Follow;

/// A folder with a model in `model`.
fn saved() -> tempfile::TempDir {
    let outside = tempfile::tempdir().unwrap();
    save(&outside.path().join("model"), &SaveOptions::new()).unwrap();
    outside
}

fn save(path: &Path, options: &SaveOptions) -> Result<(), Error> {
    block_on(FsHandler::from_path(path).save(&samples::filled(1.0), options)).map(drop)
}

fn load(path: &Path, links: Links) -> Result<(), Error> {
    block_on(FsHandler::from_path(path).load(&LoadOptions::new().with_links(links))).map(drop)
}

fn remove(path: &Path, links: Links) -> Result<(), Error> {
    block_on(FsHandler::from_path(path).remove(&RemoveOptions::new().with_links(links))).map(drop)
}

/// Puts a file of the model elsewhere, and a link in its place.
fn move_out(outside: &Path, name: &str) {
    fs::rename(outside.join("model").join(name), outside.join(name)).unwrap();
    symlink(outside.join(name), outside.join("model").join(name)).unwrap();
}

#[track_caller]
fn refused(done: Result<(), Error>) {
    let error = done.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    assert!(text.contains("leads out of the model's folder") && text.contains("--follow-links"), "{text}");
}

#[test]
fn a_file_that_lies_elsewhere() {
    for name in ["model.weights.bin", "model.json"] {
        let outside = saved();
        let model = outside.path().join("model");
        move_out(outside.path(), name);
        let bytes = fs::read(outside.path().join(name)).unwrap();
        refused(load(&model, Links::StayInside));
        refused(load(&model.join("model.json"), Links::StayInside));
        refused(save(&model, &SaveOptions::new()));
        refused(remove(&model, Links::StayInside));
        load(&model, FOLLOW).unwrap();
        // A link is replaced, and not what it leads to.
        save(&model, &SaveOptions::new().with_links(FOLLOW)).unwrap();
        load(&model, Links::StayInside).unwrap();
        assert_eq!(fs::read(outside.path().join(name)).unwrap(), bytes);
        remove(&model, Links::StayInside).unwrap();
        assert!(outside.path().join(name).exists() && !model.exists());
    }
}

#[test]
fn a_folder_that_lies_elsewhere() {
    let outside = saved();
    let model = outside.path().join("model");
    fs::create_dir(outside.path().join("other")).unwrap();
    symlink("../other", model.join("weights")).unwrap();
    let options = SaveOptions::new().with_weights_file_name(RelPath::parse("weights/w.bin").unwrap());
    refused(save(&model, &options));
    assert_eq!(fs::read_dir(outside.path().join("other")).unwrap().count(), 0);
    save(&model, &options.with_links(FOLLOW)).unwrap();
    refused(load(&model, Links::StayInside));
    load(&model, FOLLOW).unwrap();
    remove(&model, FOLLOW).unwrap();
    assert!(outside.path().join("other/w.bin").exists(), "what a link leads to stays");
}

#[test]
fn a_link_to_nothing_outside() {
    let outside = saved();
    let model = outside.path().join("model");
    symlink(outside.path().join("nothing"), model.join("new.bin")).unwrap();
    let options = SaveOptions::new().with_weights_file_name(RelPath::parse("new.bin").unwrap());
    refused(save(&model, &options));
    assert!(!outside.path().join("nothing").exists());
}

#[test]
fn links_that_stay_inside_and_links_to_the_folder() {
    let outside = saved();
    let model = outside.path().join("model");
    fs::create_dir(model.join("blobs")).unwrap();
    fs::rename(model.join("model.weights.bin"), model.join("blobs/x")).unwrap();
    symlink("blobs/x", model.join("model.weights.bin")).unwrap();
    symlink(&model, outside.path().join("way")).unwrap();
    symlink("way", outside.path().join("longer")).unwrap();
    for path in ["model", "way", "longer", "longer/model.json"] {
        load(&outside.path().join(path), Links::StayInside).unwrap();
    }
    save(&outside.path().join("longer"), &SaveOptions::new()).unwrap();
    load(&model, Links::StayInside).unwrap();
}
