//! A save that is interrupted leaves what it has finished, and another one takes it over if it is proven to be the same.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use tfjs_artifacts::{
    ByteSource, Bytes, DType, Error, ErrorKind, ModelArtifacts, RelPath, Segment, Shape, Shard, SurplusBytes,
    WeightData, WeightGroup, WeightSpec, Weights, async_trait,
};
use tfjs_fs::FsHandler;
use tfjs_router::{
    Checksums, Durability, LoadHandler as _, LoadOptions, Phase, ProgressSink, Resume, SaveHandler as _, SaveOptions,
};

const FILES: u8 = 6;
const FILE: u64 = 1000;

/// One file of a source, all of whose bytes are its content; reading can end.
#[derive(Debug)]
struct Source {
    content: u8,
    version: String,
    read: Arc<AtomicU64>,
    is_broken: bool,
}

#[async_trait]
impl ByteSource for Source {
    fn byte_length(&self) -> u64 {
        FILE
    }

    fn version(&self) -> Option<String> {
        Some(self.version.clone())
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        if self.is_broken {
            return Err(Error::new(ErrorKind::Transport, "injected: the source broke"));
        }
        self.read.fetch_add(range.end - range.start, Ordering::Relaxed);
        Ok(vec![self.content; usize::try_from(range.end - range.start).unwrap()].into())
    }
}

/// A model of six files, all of this content and version, of which those from `broken` on cannot be read.
fn model(content: u8, version: &str, broken: u8, read: &Arc<AtomicU64>) -> ModelArtifacts {
    let file = |index: u8| {
        Segment::lazy(Arc::new(Source {
            content: content + index,
            version: format!("{version} of {index}"),
            read: Arc::clone(read),
            is_broken: index >= broken,
        }))
    };
    let length = u64::from(FILES) * FILE;
    let spec = WeightSpec::new("w", Shape::vector(length).unwrap(), DType::Bool);
    let shard = |index| Shard::new(RelPath::parse(&format!("{index}.bin")).unwrap(), FILE);
    let groups = vec![WeightGroup::new(vec![spec], (0..FILES).map(shard).collect())];
    let data = WeightData::from_segments((0..FILES).map(file));
    ModelArtifacts::new().with_weights(Weights::new(groups, data, SurplusBytes::Reject).unwrap())
}

fn resumable() -> SaveOptions {
    SaveOptions::new().with_resume(Resume::from_source("test://source")).with_durability(Durability::Relaxed)
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("m")
    }

    /// Saves; gives how many bytes the source was asked for, and how many were there already.
    fn save(&self, model: &ModelArtifacts, options: &SaveOptions) -> Result<u64, Error> {
        let resumed = Arc::new(Mutex::new(None));
        let done = Arc::clone(&resumed);
        let sink = ProgressSink::new(move |progress| {
            if progress.phase == Phase::Done {
                *done.lock().unwrap() = Some(progress.resumed_bytes);
            }
        });
        let options = options.clone().with_progress(sink);
        block_on(FsHandler::from_path(self.folder()).save(model, &options))?;
        Ok(resumed.lock().unwrap().expect("a save that succeeds says so"))
    }

    /// Interrupts a save after three files.
    fn interrupted(content: u8, version: &str, options: &SaveOptions) -> Self {
        let place = Self::new();
        let error = place.save(&model(content, version, 3, &Arc::default()), options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert_eq!(place.leftovers().len(), 3);
        place
    }

    fn hidden(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.folder()) else { return Vec::new() };
        let hidden = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with('.');
        let mut hidden: Vec<_> = entries.map(|entry| entry.unwrap().path()).filter(hidden).collect();
        hidden.sort();
        hidden
    }

    fn leftovers(&self) -> Vec<PathBuf> {
        self.hidden().into_iter().filter(|path| path.extension().unwrap() == "tmp").collect()
    }

    /// The model is there, all of it from one source, and nothing else.
    fn check(&self, content: u8) {
        assert_eq!(self.hidden(), Vec::<PathBuf>::new());
        let loaded = block_on(FsHandler::from_path(self.folder()).load(&LoadOptions::new())).unwrap();
        let data = loaded.weights.unwrap().data().clone();
        let bytes = block_on(data.read(0..data.byte_length())).unwrap();
        let expected: Vec<_> = (0..FILES).flat_map(|index| vec![content + index; 1000]).collect();
        assert!(bytes == expected, "not the bytes of one source");
    }
}

#[test]
fn what_is_finished_is_not_written_again() {
    let place = Place::interrupted(1, "a", &resumable());
    let read = Arc::default();
    assert_eq!(place.save(&model(1, "a", FILES, &read), &resumable()).unwrap(), 3 * FILE);
    assert_eq!(read.load(Ordering::Relaxed), 3 * FILE);
    place.check(1);
}

#[test]
fn a_save_that_is_interrupted_again_leaves_both_parts() {
    let place = Place::interrupted(1, "a", &resumable());
    place.save(&model(1, "a", 5, &Arc::default()), &resumable()).unwrap_err();
    assert_eq!(place.leftovers().len(), 5);
    let read = Arc::default();
    assert_eq!(place.save(&model(1, "a", FILES, &read), &resumable()).unwrap(), 5 * FILE);
    assert_eq!(read.load(Ordering::Relaxed), FILE);
    place.check(1);
}

#[test]
fn a_source_that_was_changed_is_not_mixed() {
    let place = Place::interrupted(1, "a", &resumable());
    assert_eq!(place.save(&model(50, "b", FILES, &Arc::default()), &resumable()).unwrap(), 0);
    place.check(50);
    // Another source of the same version is another one, too.
    let place = Place::interrupted(1, "a", &resumable());
    let options = resumable().with_resume(Resume::from_source("test://other"));
    assert_eq!(place.save(&model(50, "a", FILES, &Arc::default()), &options).unwrap(), 0);
    place.check(50);
}

#[test]
fn what_nobody_wants_any_more_is_not_carried_on() {
    let place = Place::interrupted(1, "a", &resumable());
    for version in ["b", "c", "d"] {
        place.save(&model(50, version, 3, &Arc::default()), &resumable()).unwrap_err();
        assert_eq!(place.leftovers().len(), 3, "{version}");
    }
    assert_eq!(place.save(&model(50, "d", FILES, &Arc::default()), &resumable()).unwrap(), 3 * FILE);
    place.check(50);
}

#[test]
fn what_was_damaged_is_written_again() {
    for (damage, kept) in [
        (flip as fn(&Path), 2),
        (|path: &Path| std::fs::write(path, [1; 999]).unwrap(), 2),
        (|path: &Path| std::fs::remove_file(path).unwrap(), 2),
        #[cfg(unix)]
        (
            |path: &Path| {
                let elsewhere = path.with_file_name("elsewhere");
                std::fs::rename(path, &elsewhere).unwrap();
                std::os::unix::fs::symlink(&elsewhere, path).unwrap();
            },
            2,
        ),
    ] {
        let place = Place::interrupted(1, "a", &resumable());
        damage(place.leftovers().first().unwrap());
        assert_eq!(place.save(&model(1, "a", FILES, &Arc::default()), &resumable()).unwrap(), kept * FILE);
        place.check(1);
    }
}

/// Changes a bit, and not the time: the digest alone tells.
fn flip(path: &Path) {
    let modified = std::fs::metadata(path).unwrap().modified().unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(path, bytes).unwrap();
    std::fs::File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
}

/// As from an archive: the same names, bytes and times, so that even the digests agree. Whoever made it knows the key as well. Windows tells
/// such files by the time of their creation, which wine does not keep, so there this cannot be tried.
#[cfg(unix)]
#[test]
fn what_came_from_elsewhere_proves_nothing() {
    let place = Place::interrupted(1, "a", &resumable());
    let other = Place::new();
    std::fs::create_dir(other.folder()).unwrap();
    for path in place.hidden() {
        let copy = other.folder().join(path.file_name().unwrap());
        std::fs::write(&copy, std::fs::read(&path).unwrap()).unwrap();
        let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
        std::fs::File::options().write(true).open(&copy).unwrap().set_modified(modified).unwrap();
    }
    assert_eq!(other.save(&model(1, "a", FILES, &Arc::default()), &resumable()).unwrap(), 0);
    other.check(1);
}

#[test]
fn what_a_guard_says_proves_nothing() {
    let place = Place::interrupted(1, "a", &resumable());
    let guard = place.hidden().into_iter().find(|path| path.extension().unwrap() == "save").unwrap();
    let said = std::fs::read_to_string(&guard).unwrap();
    // The digests of the first two change places, and the last line is cut.
    let mut lines: Vec<Vec<_>> = said.lines().map(|line| line.split(' ').map(str::to_owned).collect()).collect();
    let second = lines[1][2].clone();
    lines[1][2] = std::mem::replace(&mut lines[0][2], second);
    let mut lines: Vec<_> = lines.iter().map(|line| line.join(" ") + "\n").collect();
    lines.last_mut().unwrap().truncate(20);
    std::fs::write(&guard, lines.concat()).unwrap();
    assert_eq!(place.save(&model(1, "a", FILES, &Arc::default()), &resumable()).unwrap(), 0);
    place.check(1);
}

#[test]
fn a_checksum_proves_it_whatever_the_source_is_called() {
    let checksums = |model: ModelArtifacts| {
        let place = Place::new();
        place.save(&model, &SaveOptions::new().with_checksums(Checksums::Write)).unwrap();
        block_on(FsHandler::from_path(place.folder()).load(&LoadOptions::new())).unwrap()
    };
    let place = Place::interrupted(1, "a", &resumable());
    let same = checksums(model(1, "a", FILES, &Arc::default()));
    let options = resumable().with_resume(Resume::new());
    assert_eq!(place.save(&same, &options).unwrap(), 3 * FILE);
    place.check(1);

    let place = Place::interrupted(1, "a", &resumable());
    let other = checksums(model(2, "a", FILES, &Arc::default()));
    // Two of its files are two of those that are there: at other places, and the same bytes.
    assert_eq!(place.save(&other, &options).unwrap(), 2 * FILE);
    place.check(2);
}

#[test]
fn a_save_that_does_not_continue_removes_what_is_left() {
    let place = Place::interrupted(1, "a", &resumable());
    let plain = SaveOptions::new();
    assert_eq!(place.save(&model(1, "a", FILES, &Arc::default()), &plain).unwrap(), 0);
    place.check(1);
    // And leaves nothing itself.
    place.save(&model(9, "a", 3, &Arc::default()), &plain).unwrap_err();
    place.check(1);
}

#[test]
fn the_model_that_is_there_stays_until_the_new_one_is_whole() {
    let place = Place::new();
    place.save(&model(1, "a", FILES, &Arc::default()), &resumable()).unwrap();
    place.save(&model(50, "b", 4, &Arc::default()), &resumable()).unwrap_err();
    assert_eq!(place.leftovers().len(), 4);
    let loaded = block_on(FsHandler::from_path(place.folder()).load(&LoadOptions::new())).unwrap();
    let first = block_on(loaded.weights.unwrap().data().read(0..1)).unwrap();
    assert_eq!(first, [1].as_slice());
    assert_eq!(place.save(&model(50, "b", FILES, &Arc::default()), &resumable()).unwrap(), 4 * FILE);
    place.check(50);
}
