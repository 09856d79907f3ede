//! Every step of a save, a removal and a move fails once, or is the last one of the process or of the machine. Whatever is left, a
//! reader finds the old model or the new one, whole; files of others stay; and the next save leaves nothing behind.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tfjs_artifacts::{
    ByteSource, Error, ErrorKind, ModelArtifacts, ModelTopology, RawJson, RelPath, Segment, SurplusBytes, WeightData,
    Weights,
};
use tfjs_router::{
    Durability, LoadHandler as _, LoadOptions, ModelStore as _, RemoveOptions, Resume, Route, Router, SaveHandler as _,
    SaveOptions,
};
use tfjs_testkit::{block_on, samples};

use crate::FsHandler;
use crate::faulty::{FaultyDisk, Plan, Tree, after_power_loss, read_tree, write_tree};
use crate::journal::JOURNAL;

/// A file that nobody may touch.
const NOTES: &str = "notes.txt";

/// A model that is in the same folder.
const NEIGHBOUR: &str = "neighbour.json";

/// What is done, and to what.
struct Scenario {
    name: &'static str,
    /// What is there before.
    before: fn(&Path),
    /// What is done, with this disk under it.
    action: fn(&Path, &FaultyDisk) -> Result<(), Error>,
    /// Where models are, and which each may be: a number, or none.
    places: &'static [(&'static str, &'static [Option<u8>])],
    /// Which each is when the action has succeeded.
    after: &'static [Option<u8>],
}

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "a first save into a folder that is not there",
        before: |_| {},
        action: |folder, disk| save(&folder.join("deep/new"), disk, &model(2, 2), &SaveOptions::new()),
        places: &[("deep/new", &[None, Some(2)])],
        after: &[Some(2)],
    },
    Scenario {
        name: "as many files as before",
        before: |folder| put(folder, &model(1, 2)),
        action: |folder, disk| save(folder, disk, &model(2, 2), &SaveOptions::new()),
        places: &[("", &[Some(1), Some(2)])],
        after: &[Some(2)],
    },
    Scenario {
        name: "more files than before",
        before: |folder| put(folder, &model(1, 1)),
        action: |folder, disk| save(folder, disk, &model(2, 3), &SaveOptions::new()),
        places: &[("", &[Some(1), Some(2)])],
        after: &[Some(2)],
    },
    Scenario {
        name: "fewer files than before",
        before: |folder| put(folder, &model(1, 3)),
        action: |folder, disk| save(folder, disk, &model(2, 1), &SaveOptions::new()),
        places: &[("", &[Some(1), Some(2)])],
        after: &[Some(2)],
    },
    Scenario {
        name: "JSON in place of a binary topology",
        before: |folder| put(folder, &binary(1)),
        action: |folder, disk| save(folder, disk, &model(2, 1), &SaveOptions::new()),
        places: &[("", &[Some(1), Some(2)])],
        after: &[Some(2)],
    },
    Scenario {
        name: "a binary topology in place of JSON",
        before: |folder| put(folder, &model(1, 2)),
        action: |folder, disk| save(folder, disk, &binary(2), &SaveOptions::new()),
        places: &[("", &[Some(1), Some(2)])],
        after: &[Some(2)],
    },
    Scenario {
        name: "weights in a folder below, where there were none",
        before: |folder| put(folder, &model(1, 1)),
        action: |folder, disk| {
            let options = SaveOptions::new().with_weights_file_name(RelPath::parse("below/w.bin").unwrap());
            save(folder, disk, &model(2, 2), &options)
        },
        places: &[("", &[Some(1), Some(2)])],
        after: &[Some(2)],
    },
    Scenario {
        name: "weights from a folder below",
        before: |folder| {
            let options = SaveOptions::new().with_weights_file_name(RelPath::parse("below/w.bin").unwrap());
            block_on(FsHandler::from_path(folder).save(&model(1, 2), &options)).unwrap();
        },
        action: |folder, disk| save(folder, disk, &model(2, 2), &SaveOptions::new()),
        places: &[("", &[Some(1), Some(2)])],
        after: &[Some(2)],
    },
    Scenario {
        name: "a file of its own name",
        before: |folder| put(&folder.join("m.json"), &model(1, 2)),
        action: |folder, disk| save(&folder.join("m.json"), disk, &model(2, 3), &SaveOptions::new()),
        places: &[("m.json", &[Some(1), Some(2)])],
        after: &[Some(2)],
    },
    Scenario {
        name: "a save that continues another one",
        before: |folder| {
            put(folder, &model(1, 2));
            // One file is finished when it dies in the next.
            save(folder, &FaultyDisk::new(Plan::Die { at: 6 }), &versioned(2, 2), &resumable()).unwrap_err();
            let is_guard = |entry: &std::fs::DirEntry| entry.path().extension().is_some_and(|name| name == "save");
            let guard = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()).find(is_guard).unwrap();
            assert_eq!(std::fs::read_to_string(guard.path()).unwrap().lines().count(), 1);
        },
        action: |folder, disk| save(folder, disk, &versioned(2, 2), &resumable()),
        places: &[("", &[Some(1), Some(2)])],
        after: &[Some(2)],
    },
    Scenario {
        name: "a removal",
        before: |folder| put(folder, &model(1, 3)),
        action: remove,
        places: &[("", &[Some(1), None])],
        after: &[None],
    },
    Scenario {
        name: "a removal of a binary topology",
        before: |folder| put(folder, &binary(1)),
        action: remove,
        places: &[("", &[Some(1), None])],
        after: &[None],
    },
    Scenario {
        name: "a move over another model",
        before: |folder| {
            put(&folder.join("source"), &model(2, 2));
            put(&folder.join("destination"), &model(1, 3));
        },
        action: |folder, disk| {
            let urls = ["source", "destination"].map(|name| folder.join(name).to_string_lossy().into_owned());
            block_on(router(disk).move_model(&urls[0], &urls[1], &LoadOptions::new(), &SaveOptions::new())).map(drop)
        },
        places: &[("source", &[Some(2), None]), ("destination", &[Some(1), Some(2)])],
        after: &[None, Some(2)],
    },
];

fn save(path: &Path, disk: &FaultyDisk, model: &ModelArtifacts, options: &SaveOptions) -> Result<(), Error> {
    block_on(FsHandler::from_path(path).with_disk(disk.clone()).save(model, options)).map(drop)
}

fn remove(folder: &Path, disk: &FaultyDisk) -> Result<(), Error> {
    block_on(FsHandler::from_path(folder).with_disk(disk.clone()).remove(&RemoveOptions::default())).map(drop)
}

fn put(path: &Path, model: &ModelArtifacts) {
    // Nothing is to be learnt from waiting for the disk here.
    let options = SaveOptions::new().with_durability(Durability::Relaxed);
    block_on(FsHandler::from_path(path).save(model, &options)).unwrap();
}

fn router(disk: &FaultyDisk) -> Router {
    let [load, save, store] = [disk.clone(), disk.clone(), disk.clone()];
    let route = Route::new("file")
        .with_plain_paths()
        .with_load(move |source| Ok(Arc::new(FsHandler::from_source(source)?.with_disk(load.clone()))))
        .with_save(move |url| Ok(Arc::new(FsHandler::from_url(url)?.with_disk(save.clone()))))
        .with_store(move |url| Ok(Arc::new(FsHandler::from_url(url)?.with_disk(store.clone()))));
    Router::builder().routes([route]).build().unwrap()
}

fn resumable() -> SaveOptions {
    SaveOptions::new().with_resume(Resume::from_source("test://source"))
}

/// The same as [`model`], but its weights are of a medium that has versions.
fn versioned(number: u8, files: usize) -> ModelArtifacts {
    let artifacts = model(number, files);
    let weights = artifacts.weights.as_ref().unwrap();
    let lazy = weights.shards().map(|shard| Segment::lazy(Arc::new(Versioned { number, length: shard.bytes })));
    let data = WeightData::from_segments(lazy);
    let weights = Weights::new(weights.groups().to_vec(), data, SurplusBytes::Reject).unwrap();
    artifacts.with_weights(weights)
}

#[derive(Debug)]
struct Versioned {
    number: u8,
    length: u64,
}

#[async_trait]
impl ByteSource for Versioned {
    fn byte_length(&self) -> u64 {
        self.length
    }

    fn version(&self) -> Option<String> {
        Some(self.number.to_string())
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        Ok(vec![self.number; (range.end - range.start).try_into().unwrap()].into())
    }
}

/// A model of which the JSON and every byte say this number.
fn model(number: u8, files: usize) -> ModelArtifacts {
    let artifacts = samples::many_shards(files);
    let weights = artifacts.weights.as_ref().unwrap();
    let bytes = vec![number; weights.data().byte_length().try_into().unwrap()];
    let weights = Weights::new(weights.groups().to_vec(), bytes.into(), SurplusBytes::Reject).unwrap();
    let mut artifacts = artifacts.with_weights(weights);
    artifacts.user_defined_metadata = Some(RawJson::parse(&number.to_string()).unwrap());
    artifacts
}

/// The same with a binary topology, which says it in place of the metadata.
fn binary(number: u8) -> ModelArtifacts {
    let mut artifacts = model(number, 2);
    let mut binary = ModelArtifacts::default();
    binary.weights = artifacts.weights.take();
    binary.model_topology = Some(ModelTopology::GraphDef(vec![0x1a, 0x02, 0x10, number].into()));
    binary
}

/// The number of the model at a path.
///
/// # Panics
/// If there is one that is not whole.
fn number_at(path: &Path) -> Option<u8> {
    let artifacts = match block_on(FsHandler::from_path(path).load(&LoadOptions::new())) {
        Ok(artifacts) => artifacts,
        Err(error) if error.kind() == ErrorKind::NotFound && !error.to_string().contains("weight files") => {
            return None;
        }
        Err(error) => panic!("the model cannot be loaded: {error:?}"),
    };
    let head: u8 = match &artifacts.model_topology {
        Some(ModelTopology::GraphDef(bytes)) => *bytes.last().unwrap(),
        _ => artifacts.user_defined_metadata.unwrap().get().parse().unwrap(),
    };
    let weights = artifacts.weights.unwrap();
    let bytes = block_on(weights.data().read(0..weights.data().byte_length())).unwrap();
    assert!(bytes.iter().all(|byte| *byte == head), "a mixture: {head} with {bytes:?}");
    Some(head)
}

/// A folder in which a scenario begins, again and again.
struct Stand {
    _temporary: tempfile::TempDir,
    folder: PathBuf,
    before: Tree,
    /// What is there after one more save.
    expected: BTreeSet<PathBuf>,
}

impl Stand {
    fn new(scenario: &Scenario) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("models");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join(NOTES), "somebody else's").unwrap();
        put(&folder.join(NEIGHBOUR), &model(7, 2));
        (scenario.before)(&folder);
        let before = read_tree(&folder);
        let mut stand = Self { _temporary: temporary, folder, before, expected: BTreeSet::new() };
        stand.expected = stand.files_of_next_save(scenario);
        stand
    }

    /// Whether an interrupted save is there before.
    fn begins_with_leftovers(&self) -> bool {
        self.before.keys().any(|path| path.extension().is_some_and(|extension| extension == "save"))
    }

    /// Runs the scenario with a fault.
    fn run(&self, scenario: &Scenario, plan: Plan) -> (FaultyDisk, Result<(), Error>) {
        write_tree(&self.folder, &self.before);
        let disk = FaultyDisk::new(plan);
        let result = (scenario.action)(&self.folder, &disk);
        (disk, result)
    }

    /// Everything that must be true of what is there now.
    fn check(&self, scenario: &Scenario, what: &str) -> Vec<Option<u8>> {
        let case = || format!("{}: {what}\n{:?}", scenario.name, read_tree(&self.folder).keys().collect::<Vec<_>>());
        let numbers: Vec<_> = scenario.places.iter().map(|(place, _)| number_at(&self.folder.join(place))).collect();
        for ((place, allowed), number) in scenario.places.iter().zip(&numbers) {
            assert!(allowed.contains(number), "{place:?} is {number:?}: {}", case());
        }
        // A move has a whole model at one of the two places.
        assert!(
            numbers.iter().any(Option::is_some) || scenario.places.iter().any(|(_, may)| may.contains(&None)),
            "{}",
            case()
        );
        self.check_others(&case);
        numbers
    }

    fn check_others(&self, case: &dyn Fn() -> String) {
        assert_eq!(number_at(&self.folder.join(NEIGHBOUR)), Some(7), "{}", case());
        assert_eq!(std::fs::read_to_string(self.folder.join(NOTES)).unwrap(), "somebody else's", "{}", case());
    }

    /// The next save into each place leaves what a save into a folder leaves that has not seen all this, and nothing else.
    ///
    /// But for weight files of an old model in `but`, which the system did not let go.
    fn check_next_save(&self, scenario: &Scenario, but: &Tree, what: &str) {
        let mut found = self.files_of_next_save(scenario);
        found.retain(|file| self.expected.contains(file) || !but.contains_key(file));
        assert_eq!(found, self.expected, "{}: {what}", scenario.name);
    }

    /// The next removal of each place leaves no file of it, and none that anybody had begun.
    fn check_next_removal(&self, scenario: &Scenario, what: &str) {
        for (place, _) in scenario.places {
            match block_on(FsHandler::from_path(self.folder.join(place)).remove(&RemoveOptions::new())) {
                Err(error) if error.kind() != ErrorKind::NotFound => panic!("{}: {what}: {error:?}", scenario.name),
                _ => {}
            }
        }
        let is_others = |path: &&PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name == NOTES || name.starts_with("neighbour")
        };
        let others: BTreeSet<_> = self.before.keys().filter(is_others).cloned().collect();
        let found: BTreeSet<_> = read_tree(&self.folder).into_keys().filter(|path| path.is_file()).collect();
        assert_eq!(found, others, "{}: {what}", scenario.name);
    }

    /// Tries everything that a disk may have kept. Gives how much there was.
    fn lose(&self, scenario: &Scenario, disk: &FaultyDisk, seen: &mut BTreeSet<Hidden>, what: &str) -> usize {
        // It is worked out, on one system like on another; and Windows cannot be asked to keep names.
        let lost = if cfg!(windows) { BTreeSet::new() } else { after_power_loss(&self.before, &disk.done()) };
        for state in &lost {
            if seen.insert(without_ids(state)) {
                write_tree(&self.folder, &state.iter().cloned().collect());
                let what = format!("{what}: {state:?}");
                self.check(scenario, &what);
                self.check_next_save(scenario, &self.before, &what);
            }
        }
        lost.len()
    }

    fn files_of_next_save(&self, scenario: &Scenario) -> BTreeSet<PathBuf> {
        for (place, _) in scenario.places {
            put(&self.folder.join(place), &model(3, 2));
        }
        let files = read_tree(&self.folder).into_iter().filter(|(_, content)| content.is_some());
        files.map(|(path, _)| path).collect()
    }
}

/// Tries every step of a scenario; gives how many points there were.
fn try_all(scenario: &Scenario) -> usize {
    let stand = Stand::new(scenario);
    let (recorded, result) = stand.run(scenario, Plan::Record);
    result.unwrap();
    assert_eq!(stand.check(scenario, "nothing went wrong"), scenario.after, "{}", scenario.name);
    let steps = recorded.tried();
    assert!(steps > 4, "{} has only {steps} steps", scenario.name);
    let (mut points, mut seen, nothing) = (0, BTreeSet::new(), Tree::new());
    for at in 0..steps {
        let (failed, result) = stand.run(scenario, Plan::Fail { at });
        let numbers = stand.check(scenario, &format!("step {at} failed, {result:?}"));
        match &result {
            Ok(()) => assert_eq!(numbers, scenario.after, "{}: step {at} failed, and nobody noticed", scenario.name),
            Err(error) => check_failed(scenario, at, &numbers, error),
        }
        // Who continues leaves what the next one may continue.
        if result.is_ok() || !stand.begins_with_leftovers() {
            assert_eq!(leftovers(&stand.folder, &result), BTreeSet::new(), "{}: step {at} failed", scenario.name);
        }
        stand.check_next_save(scenario, &stand.before, &format!("step {at} failed"));

        // And the machine may end when that is done.
        points += stand.lose(scenario, &failed, &mut seen, &format!("the machine ended after step {at} had failed"));

        let (disk, _) = stand.run(scenario, Plan::Die { at });
        stand.check(scenario, &format!("the process ended in step {at}"));
        let left = read_tree(&stand.folder);
        stand.check_next_removal(scenario, &format!("the process ended in step {at}"));
        write_tree(&stand.folder, &left);
        stand.check_next_save(scenario, &nothing, &format!("the process ended in step {at}"));
        points += 2;

        points += stand.lose(scenario, &disk, &mut seen, &format!("the machine ended in step {at}"));
    }
    // What has succeeded stays.
    let lost = if cfg!(windows) { BTreeSet::new() } else { after_power_loss(&stand.before, &recorded.done()) };
    for state in lost {
        write_tree(&stand.folder, &state.into_iter().collect());
        assert_eq!(stand.check(scenario, "the machine ended at the end"), scenario.after, "{}", scenario.name);
        points += 1;
    }
    points
}

/// See [`without_ids`].
type Hidden = Vec<(String, Option<String>)>;

/// A state but for the IDs of saves, which are others each time: what has been tried needs not be tried again.
fn without_ids(state: &[(PathBuf, Option<Vec<u8>>)]) -> Hidden {
    let hide = |text: &str| {
        let mut parts = text.split(".tfjs-");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |hidden, part| {
            hidden + ".tfjs-" + part.trim_start_matches(|c: char| c.is_ascii_alphanumeric())
        })
    };
    let hide_in = |bytes: &Vec<u8>| hide(&String::from_utf8_lossy(bytes));
    state.iter().map(|(path, content)| (hide(&path.to_string_lossy()), content.as_ref().map(hide_in))).collect()
}

/// A save that fails leaves the old model, or says that it has not.
fn check_failed(scenario: &Scenario, at: usize, numbers: &[Option<u8>], error: &Error) {
    let old: Vec<_> = scenario.places.iter().map(|(_, allowed)| allowed[0]).collect();
    let says_so = ["the new model is complete", "everything is done", "the model is removed", "source"];
    let text = format!("{error:?} {error}");
    assert!(
        numbers == old || says_so.iter().any(|said| text.contains(said)),
        "{}: step {at} failed, and {numbers:?} is there: {text}",
        scenario.name
    );
}

/// What a failed save may not leave behind: a process that lives cleans up.
fn leftovers(folder: &Path, result: &Result<(), Error>) -> BTreeSet<PathBuf> {
    let are_needed = result.as_ref().is_err_and(|error| error.to_string().contains("the new model is complete"));
    let is_ours = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".tfjs-"));
    let found: Vec<_> = read_tree(folder).into_keys().filter(|path| is_ours(path)).collect();
    // One file may stay if its own removal is what failed.
    if are_needed || found.len() <= 1 { BTreeSet::new() } else { found.into_iter().collect() }
}

/// One test for each scenario, so that they run at the same time.
macro_rules! scenarios {
    ($($test:ident)*) => {
        const TESTS: &[&str] = &[$(stringify!($test)),*];

        $(#[test]
        fn $test() {
            let scenario = scenario(stringify!($test));
            println!("injection points tried: {}", try_all(scenario));
        })*
    };
}

scenarios! {
    a_first_save_into_a_folder_that_is_not_there
    as_many_files_as_before
    more_files_than_before
    fewer_files_than_before
    json_in_place_of_a_binary_topology
    a_binary_topology_in_place_of_json
    weights_in_a_folder_below_where_there_were_none
    weights_from_a_folder_below
    a_file_of_its_own_name
    a_save_that_continues_another_one
    a_removal
    a_removal_of_a_binary_topology
    a_move_over_another_model
}

/// By the name of its test.
fn scenario(test: &str) -> &'static Scenario {
    SCENARIOS.iter().find(|scenario| test_name(scenario) == test).unwrap()
}

fn test_name(scenario: &Scenario) -> String {
    scenario.name.to_lowercase().replace(' ', "_").replace(',', "")
}

#[test]
fn every_scenario_has_a_test() {
    assert!(SCENARIOS.iter().map(test_name).eq(TESTS.iter().copied()));
}

#[test]
fn a_removal_ends_what_an_interrupted_one_has_begun() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("model");
    let options = SaveOptions::new().with_weights_file_name(RelPath::parse("deep/below/w.bin").unwrap());
    let (mut at, mut ended) = (0, 0);
    loop {
        block_on(FsHandler::from_path(&folder).save(&model(1, 3), &options)).unwrap();
        let begun = remove(&folder, &FaultyDisk::new(Plan::Die { at }));
        let is_hidden = number_at(&folder).is_none();
        match block_on(FsHandler::from_path(&folder).remove(&RemoveOptions::new())) {
            Ok(_) => {
                assert!(!folder.exists(), "step {at}: {:?}", read_tree(&folder).keys());
                ended += usize::from(is_hidden);
            }
            // Nothing was left of the model but folders, and perhaps the file that says that somebody is at work.
            Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "step {at}: {error}"),
        }
        let left: Vec<_> = read_tree(temporary.path()).into_keys().filter(|path| path.is_file()).collect();
        assert_eq!(left, [""; 0].map(PathBuf::from), "step {at}");
        if begun.is_ok() {
            break;
        }
        at += 1;
    }
    assert!(ended > 2, "{ended} of {at}");
}

/// Neither what another save has finished, nor the removal of another model.
#[test]
fn a_removal_of_nothing_ends_nothing_of_others() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let [one, two] = ["one.json", "two.json"].map(|name| folder.join(name));
    let gone = |path: &Path| block_on(FsHandler::from_path(path).remove(&RemoveOptions::new())).unwrap_err().kind();
    put(&one, &model(1, 2));
    save(&two, &FaultyDisk::new(Plan::Die { at: 6 }), &versioned(2, 2), &resumable()).unwrap_err();
    let before = read_tree(folder);
    assert!(before.keys().any(|path| path.extension().is_some_and(|name| name == "save")));
    assert_eq!(gone(&folder.join("three.json")), ErrorKind::NotFound);
    assert_eq!(read_tree(folder), before);

    // Until its list is there and nothing more.
    write_tree(folder, &Tree::new());
    put(&one, &model(1, 2));
    put(&two, &model(2, 2));
    let hidden = (0..40).find(|at| {
        let _ = remove(&one, &FaultyDisk::new(Plan::Die { at: *at }));
        folder.join(JOURNAL).exists()
    });
    assert!(hidden.is_some() && number_at(&one).is_none());
    assert_eq!(gone(folder), ErrorKind::NotFound);
    assert_eq!((number_at(&one), number_at(&two)), (None, Some(2)));
}

/// Whoever finishes what another one left may be killed, too.
#[test]
fn an_interruption_may_be_interrupted() {
    let scenario = scenario("more_files_than_before");
    let stand = Stand::new(scenario);
    let (recorded, _) = stand.run(scenario, Plan::Record);
    let mut left = BTreeSet::new();
    for at in 0..recorded.tried() {
        let _ = stand.run(scenario, Plan::Die { at });
        left.insert(read_tree(&stand.folder).into_iter().collect::<Vec<_>>());
    }
    let mut trees: Vec<Tree> = left.into_iter().map(|tree| tree.into_iter().collect()).collect();
    if cfg!(windows) {
        // Without a list there is nothing to finish. One tree like that is nearly as good as another, all are tried elsewhere, and wine is
        // slow.
        trees.retain(|tree| tree.contains_key(&stand.folder.join(JOURNAL)));
        trees = trees.into_iter().step_by(4).collect();
    }
    let mut points = 0;
    for tree in trees {
        let mut at = 0;
        loop {
            write_tree(&stand.folder, &tree);
            let was = number_at(&stand.folder);
            let disk = FaultyDisk::new(Plan::Die { at });
            let result = save(&stand.folder, &disk, &model(4, 2), &SaveOptions::new());
            let is = number_at(&stand.folder);
            assert!(is == was || is == Some(4), "{was:?} became {is:?} in step {at} of {:?}", tree.keys());
            put(&stand.folder, &model(3, 2));
            assert_eq!(number_at(&stand.folder), Some(3));
            points += 1;
            if result.is_ok() {
                break;
            }
            at += 1;
        }
    }
    println!("injection points tried: {points}");
}
