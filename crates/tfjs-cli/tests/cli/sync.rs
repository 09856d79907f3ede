//! `tfjs sync`.

use std::path::Path;

use crate::support::{Run, tfjs};

fn put(folder: &Path, name: &str, weights: &[u8]) {
    let json = format!(
        r#"{{"modelTopology":{{"node":[]}},"weightsManifest":[{{"paths":["w.bin"],"weights":[{{"name":"w","shape":[{}],"dtype":"bool"}}]}}]}}"#,
        weights.len()
    );
    let folder = folder.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("w.bin"), weights).unwrap();
    std::fs::write(folder.join("model.json"), json).unwrap();
}

struct Places(tempfile::TempDir);

impl Places {
    fn new() -> Self {
        let places = Self(tempfile::tempdir().unwrap());
        for (name, bytes) in [("a", [1; 8]), ("b", [0; 8]), ("c", [1; 8])] {
            put(&places.source(), name, &bytes);
        }
        places
    }

    fn source(&self) -> std::path::PathBuf {
        self.0.path().join("source")
    }

    fn destination(&self) -> std::path::PathBuf {
        self.0.path().join("destination")
    }

    fn sync(&self, args: &[&str]) -> Run {
        let places = [self.source(), self.destination()].map(|path| path.to_str().unwrap().to_owned());
        tfjs(["sync", "--json"].into_iter().chain(args.iter().copied()).chain(places.iter().map(String::as_str)))
    }

    /// What was done, as `name action`; whatever the exit code.
    fn actions(&self, args: &[&str]) -> Vec<String> {
        let run = self.sync(args);
        let printed: serde_json::Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
        let text = |row: &serde_json::Value, key: &str| row.get(key).unwrap().as_str().unwrap().to_owned();
        let rows = printed.get("models").unwrap().as_array().unwrap();
        rows.iter().map(|row| format!("{} {}", text(row, "name"), text(row, "action"))).collect()
    }

    fn weights(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.destination().join(name).join("model.weights.bin")).ok()
    }
}

#[test]
fn only_what_changed_is_copied() {
    let places = Places::new();
    assert_eq!(places.actions(&["--dry-run"]), ["a new", "b new", "c new"]);
    assert!(!places.destination().exists());
    assert_eq!(places.actions(&[]), ["a new", "b new", "c new"]);
    let before = places.destination().join("a/model.json").metadata().unwrap().modified().unwrap();
    assert_eq!(places.actions(&[]), ["a unchanged", "b unchanged", "c unchanged"]);
    assert_eq!(places.destination().join("a/model.json").metadata().unwrap().modified().unwrap(), before);

    put(&places.source(), "b", &[1; 8]);
    put(&places.source(), "c", &[1; 9]);
    put(&places.source(), "d", &[1; 2]);
    assert_eq!(places.actions(&["--jobs", "1"]), ["a unchanged", "b changed", "c changed", "d new"]);
    assert_eq!(places.weights("b").unwrap(), [1; 8]);
    assert_eq!(places.weights("c").unwrap(), [1; 9]);
}

#[test]
fn other_bytes_of_the_same_date_are_found_by_reading_them() {
    let places = Places::new();
    places.sync(&[]).json();
    std::fs::write(places.destination().join("a/model.weights.bin"), [0; 8]).unwrap();
    assert_eq!(places.actions(&[]), ["a unchanged", "b unchanged", "c unchanged"]);
    assert_eq!(places.actions(&["--checksum"]), ["a changed", "b unchanged", "c unchanged"]);
    assert_eq!(places.weights("a").unwrap(), [1; 8]);
}

#[test]
fn weights_that_were_written_alone_are_newer() {
    let places = Places::new();
    places.sync(&[]).json();
    let weights = places.source().join("a/w.bin");
    std::fs::write(&weights, [7; 8]).unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    std::fs::File::options().write(true).open(&weights).unwrap().set_modified(later).unwrap();
    assert_eq!(places.actions(&[]), ["a changed", "b unchanged", "c unchanged"]);
    assert_eq!(places.weights("a").unwrap(), [7; 8]);
}

#[test]
fn what_is_gone_goes_only_if_that_is_said() {
    let places = Places::new();
    places.sync(&[]).json();
    std::fs::remove_dir_all(places.source().join("b")).unwrap();
    assert_eq!(places.actions(&[]), ["a unchanged", "c unchanged"]);
    assert_eq!(places.actions(&["--delete", "--dry-run"]), ["a unchanged", "c unchanged", "b delete"]);
    assert!(places.weights("b").is_some());
    assert_eq!(places.actions(&["--delete"]), ["a unchanged", "c unchanged", "b delete"]);
    assert!(!places.destination().join("b").exists());

    for name in ["a", "c"] {
        std::fs::remove_dir_all(places.source().join(name)).unwrap();
    }
    let refused = places.sync(&["--delete"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("has no models") && places.weights("a").is_some(), "{refused:?}");
    assert_eq!(places.actions(&["--delete", "--force"]), ["a delete", "c delete"]);
    assert!(places.weights("a").is_none());
    assert_eq!(tfjs(["sync", "--force", "a", "b"]).code, 2);
}

#[test]
fn a_broken_model_stops_no_other_and_nothing_is_removed() {
    let places = Places::new();
    put(&places.destination(), "z", &[1; 4]);
    std::fs::write(places.source().join("b/w.bin"), [1; 3]).unwrap();
    let run = places.sync(&["--delete"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stderr.contains("w.bin") && run.stderr.contains("nothing was removed"), "{run:?}");
    assert!(places.weights("a").is_some() && places.weights("c").is_some());
    assert!(places.weights("b").is_none());
    assert!(places.destination().join("z/model.json").exists());
    // One that is broken at the destination is replaced.
    put(&places.source(), "b", &[1; 8]);
    std::fs::write(places.destination().join("a/model.weights.bin"), [1; 3]).unwrap();
    assert_eq!(places.actions(&[]), ["a changed", "b new", "c unchanged"]);
    assert_eq!(places.weights("a").unwrap(), [1; 8]);
}

#[test]
fn places_inside_of_each_other_are_refused() {
    let places = Places::new();
    let source = places.source();
    let in_a_circle = source.join("not there/../../").join(source.file_name().unwrap());
    for (from, to) in [
        (source.clone(), source.join("below")),
        (source.clone(), in_a_circle.join("below")),
        (source.clone(), in_a_circle),
        (source.join("a"), source.clone()),
        (source.clone(), source),
    ] {
        let run = tfjs(["sync", from.to_str().unwrap(), to.to_str().unwrap()]);
        assert_eq!(run.code, 1, "{run:?}");
        assert!(run.stderr.contains("inside the other"), "{run:?}");
    }
}

#[test]
fn models_that_are_json_files_are_found_again() {
    let places = Places::new();
    let source = places.source();
    for name in ["a", "b"] {
        let [from, to] = [name.to_owned(), format!("{name}.json")].map(|name| source.join(name).display().to_string());
        assert_eq!(tfjs(["cp", from.as_str(), to.as_str()]).code, 0);
        std::fs::remove_dir_all(from).unwrap();
    }
    assert_eq!(places.actions(&[]), ["a.json new", "b.json new", "c new"]);
    let again = places.sync(&["--delete"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(places.actions(&[]), ["a.json unchanged", "b.json unchanged", "c unchanged"]);
}

#[test]
fn what_a_listing_leaves_out_is_not_gone() {
    let places = Places::new();
    let [from, to] = [places.source().join("a"), places.source().join("x.json")].map(|path| path.display().to_string());
    assert_eq!(tfjs(["cp", from.as_str(), to.as_str()]).code, 0);
    places.sync(&[]).json();
    // Just another JSON file, by its look.
    std::fs::write(places.source().join("x.json"), "{").unwrap();
    std::fs::remove_dir_all(places.source().join("b")).unwrap();
    let run = places.sync(&["--delete"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stderr.contains("x.json") && run.stderr.contains("nothing was removed"), "{run:?}");
    assert!(places.weights("b").is_some() && places.destination().join("x.json").exists());
    std::fs::remove_file(places.source().join("x.json")).unwrap();
    assert_eq!(places.actions(&["--delete"]), ["a unchanged", "c unchanged", "b delete", "x.json delete"]);
}
