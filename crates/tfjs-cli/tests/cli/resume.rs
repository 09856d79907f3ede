//! `tfjs cp --resume`: real processes, killed half way.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Folder, tfjs};

const FILES: usize = 96;
const FILE: usize = 1 << 18;
const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;

/// A model of 24 MiB in 96 files, each with other bytes.
fn large() -> Folder {
    let names: Vec<_> = (0..FILES).map(|index| format!("{index}.bin")).collect();
    let paths = names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(",");
    let weights: Vec<_> = (0..8)
        .map(|index| format!(r#"{{"name":"w{index}","shape":[{}],"dtype":"int32"}}"#, FILES * FILE / 8 / 4))
        .collect();
    let folder = Folder::with_manifest(&format!(r#"[{{"paths":[{paths}],"weights":[{}]}}]"#, weights.join(",")), &[]);
    for (index, name) in names.iter().enumerate() {
        let bytes: Vec<_> =
            (0..FILE / 4).flat_map(|at| u32::try_from(index * FILE + at).unwrap().to_le_bytes()).collect();
        std::fs::write(folder.model().join(name), bytes).unwrap();
    }
    folder
}

fn spawn(folder: &Folder) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tfjs"));
    command.args(["cp", "--resume", "--json"]).args([folder.model(), folder.path().join("copy")]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn what_is_computed_on_the_way_cannot_be_resumed() {
    let run = tfjs(["cp", "--resume", "--quantize", "uint8", "a", "b"]);
    assert!(run.code == 2 && run.stderr.contains("--resume: what --quantize computes"), "{run:?}");
}

/// How many files are finished, as the guard says.
fn finished(copy: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(copy) else { return 0 };
    let guards =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|name| name == "save"));
    guards.map(|guard| std::fs::read_to_string(guard).unwrap_or_default().lines().count()).sum()
}

/// Ends a copy with a signal when so many files are finished.
fn interrupt(folder: &Folder, files: usize, signal: i32) {
    let mut child = spawn(folder);
    let begin = Instant::now();
    while finished(&folder.path().join("copy")) < files {
        assert!(child.try_wait().unwrap().is_none(), "it was faster than the test");
        assert!(begin.elapsed() < Duration::from_mins(1));
        std::thread::sleep(Duration::from_millis(1));
    }
    let kill = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let status = child.wait().unwrap();
    assert!(status.signal() == Some(signal) || (signal == SIGTERM && status.code() == Some(1)), "{status}");
    assert!(!folder.path().join("copy/model.json").exists());
}

/// Copies; gives what was printed, and how many bytes the process wrote into files.
fn finish(folder: &Folder) -> (serde_json::Value, u64) {
    let mut child = spawn(folder);
    let mut printed = String::new();
    child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    let proc = PathBuf::from(format!("/proc/{}", child.id()));
    // It has ended, but until it is waited for the system knows what it did.
    let has_ended = || std::fs::read_to_string(proc.join("stat")).is_ok_and(|stat| stat.contains(") Z "));
    while proc.exists() && !has_ended() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let io = std::fs::read_to_string(proc.join("io")).unwrap_or_default();
    let written = io.lines().find_map(|line| line.strip_prefix("wchar: ")).and_then(|bytes| bytes.parse().ok());
    assert!(child.wait().unwrap().success());
    (serde_json::from_str(&printed).unwrap(), written.unwrap_or(0))
}

fn resumed(printed: &serde_json::Value) -> usize {
    usize::try_from(printed.get("resumedBytes").unwrap().as_u64().unwrap()).unwrap()
}

/// The digests of all tensors, and nothing hidden beside the model.
fn check(folder: &Folder) {
    let digests = |name: &str| tfjs(["tensors", "--json", folder.path().join(name).to_str().unwrap()]).json();
    assert_eq!(digests("copy"), digests("model"));
    assert!(folder.listing().iter().all(|name| !name.contains("/.")), "{:?}", folder.listing());
}

#[test]
fn killed_half_way_and_run_again() {
    let folder = large();
    let copy = folder.path().join("copy");
    interrupt(&folder, FILES / 2, SIGKILL);
    let inodes = |suffix: &str| -> Vec<_> {
        let entries = std::fs::read_dir(&copy).unwrap().map(|entry| entry.unwrap());
        let wanted = entries.filter(|entry| entry.path().to_str().unwrap().ends_with(suffix));
        wanted
            .map(|entry| entry.metadata().unwrap())
            .filter(|file| file.len() == FILE as u64)
            .map(|file| file.ino())
            .collect()
    };
    let before = inodes(".tmp");
    let (printed, written) = finish(&folder);
    let resumed = resumed(&printed);
    println!("{resumed} bytes were there, {written} were written, of {}", FILES * FILE);
    assert!((FILES / 2 * FILE..FILES * FILE).contains(&resumed), "{resumed}");
    // They are the files that were there, and no copies of them.
    let after = inodes(".bin");
    assert!(before.iter().filter(|inode| after.contains(inode)).count() >= resumed / FILE);
    if cfg!(target_os = "linux") && written > 0 {
        let rest = (FILES * FILE - resumed) as u64;
        assert!((rest..rest + (1 << 20)).contains(&written), "{written} bytes written, {rest} were missing");
    }
    check(&folder);
}

#[test]
fn asked_to_end_and_run_again() {
    let folder = large();
    interrupt(&folder, 8, SIGTERM);
    let (printed, _) = finish(&folder);
    assert!(resumed(&printed) >= 8 * FILE, "{printed}");
    check(&folder);
}

#[test]
fn a_source_that_changed_in_between_is_not_mixed() {
    let folder = large();
    interrupt(&folder, FILES / 2, SIGKILL);
    let changed = folder.model().join("3.bin");
    let mut bytes = std::fs::read(&changed).unwrap();
    bytes.reverse();
    std::fs::write(&changed, bytes).unwrap();
    let (printed, _) = finish(&folder);
    assert!(resumed(&printed) >= (FILES / 2 - 1) * FILE, "{printed}");
    check(&folder);
}

#[test]
fn what_was_damaged_in_between_is_written_again() {
    let folder = large();
    interrupt(&folder, FILES / 2, SIGKILL);
    let copy = folder.path().join("copy");
    let files = std::fs::read_dir(&copy).unwrap().map(|entry| entry.unwrap().path());
    let finished: Vec<_> = files.filter(|path| path.metadata().unwrap().len() == FILE as u64).collect();
    for damaged in finished.iter().step_by(2) {
        let mut bytes = std::fs::read(damaged).unwrap();
        bytes.swap(0, 5);
        *bytes.last_mut().unwrap() ^= 0x40;
        std::fs::write(damaged, bytes).unwrap();
    }
    let (printed, _) = finish(&folder);
    assert!(resumed(&printed) <= finished.len() / 2 * FILE, "{printed}");
    assert!(resumed(&printed) > 0, "{printed}");
    check(&folder);
}
