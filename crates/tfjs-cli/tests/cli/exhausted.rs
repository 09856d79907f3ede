//! A disk that is full, a process that may open no more files, a folder that may not be written: the old model stays, and nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Folder, Run, run, tfjs};

/// A model whose weights are this byte, in three files of 2000 bytes.
fn model(byte: u8) -> Folder {
    let weight = |name: &str| {
        format!(r#"{{"paths":["{name}"],"weights":[{{"name":"{name}","shape":[500],"dtype":"float32"}}]}}"#)
    };
    let manifest = format!("[{}]", ["a", "b", "c"].map(weight).join(","));
    let bytes = vec![byte; 2000];
    Folder::with_manifest(&manifest, &[("a", &bytes), ("b", &bytes), ("c", &bytes)])
}

/// A folder in which there is the model of 1, and the model of 2 that shall take its place.
struct Place {
    old: Folder,
    new: Folder,
    before: Vec<String>,
}

impl Place {
    fn new() -> Self {
        let (old, new) = (model(1), model(2));
        // As a save leaves it.
        let saved = old.path().join("saved");
        let run = tfjs(["cp".as_ref(), old.model().as_os_str(), saved.as_os_str()]);
        assert_eq!(run.code, 0, "{run:?}");
        let before = old.listing();
        Self { old, new, before }
    }

    fn saved(&self) -> PathBuf {
        self.old.path().join("saved")
    }

    /// Copies the new model over the old one, after these commands of the shell.
    fn copy_after(&self, commands: &str) -> Run {
        let script = format!("{commands}; exec \"$0\" cp \"$1\" \"$2\"");
        let mut command = Command::new("sh");
        run(command.args(["-c", &script, env!("CARGO_BIN_EXE_tfjs")]).arg(self.new.model()).arg(self.saved()))
    }

    /// The byte of which all weights are.
    fn byte(&self) -> u8 {
        let run = tfjs(["verify".as_ref(), self.saved().as_os_str()]);
        assert_eq!(run.code, 0, "{run:?}");
        let files: Vec<_> = self.weight_files().iter().flat_map(|file| std::fs::read(file).unwrap()).collect();
        let first = *files.first().unwrap();
        assert!(files.iter().all(|byte| *byte == first), "a mixture");
        first
    }

    fn weight_files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.saved()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "bin")).collect()
    }

    /// A failure is told, and changes nothing.
    fn check_failed(&self, run: &Run, words: &str) {
        assert_eq!(run.code, 1, "{run:?}");
        assert!(run.stderr.contains(words), "{words}: {run:?}");
        assert_eq!(self.old.listing(), self.before, "{run:?}");
        assert_eq!(self.byte(), 1, "{run:?}");
    }
}

/// The system refuses to make a file larger than so many blocks, at one of the files, or at none.
#[test]
fn a_full_disk_leaves_the_old_model() {
    let place = Place::new();
    for blocks in 0..4 {
        place.check_failed(&place.copy_after(&format!("trap '' XFSZ; ulimit -f {blocks}")), "no room left");
    }
    // Without the trap, the process is killed, as it can be at any time.
    let killed = place.copy_after("ulimit -f 2");
    assert_ne!(killed.code, 0, "{killed:?}");
    assert_eq!(place.byte(), 1);
    assert_eq!(place.copy_after("true").code, 0);
    assert_eq!((place.byte(), place.old.listing()), (2, place.before.clone()));
}

#[test]
fn a_process_that_may_open_no_more_files_leaves_the_old_model() {
    let place = Place::new();
    let mut failed = 0;
    for files in 3..40 {
        let run = place.copy_after(&format!("ulimit -n {files}"));
        if run.code == 0 {
            break;
        }
        assert_eq!(place.old.listing(), place.before, "{files}: {run:?}");
        assert_eq!(place.byte(), 1, "{files}: {run:?}");
        failed += 1;
    }
    assert!(failed > 0, "no limit was too low");
    assert_eq!(place.byte(), 2);
    assert_eq!(place.old.listing(), place.before);
}

#[test]
fn a_folder_that_may_not_be_written_keeps_its_model() {
    let place = Place::new();
    // Others may read the models, and run the command; nobody may write into the folder.
    let command = place.old.path().join("tfjs");
    std::fs::copy(env!("CARGO_BIN_EXE_tfjs"), &command).unwrap();
    for folder in [place.old.path(), &place.old.model(), place.new.path(), &place.new.model()] {
        set_mode(folder, 0o755);
    }
    set_mode(&place.saved(), 0o555);
    let before = place.old.listing();
    let run = run(as_anybody(&command).arg("cp").arg(place.new.model()).arg(place.saved()));
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stderr.contains("refused access"), "{run:?}");
    assert_eq!((place.old.listing(), place.byte()), (before, 1));
    set_mode(&place.saved(), 0o755);
}

/// For the superuser, every folder may be written.
fn as_anybody(program: &Path) -> Command {
    let id = Command::new("id").arg("-u").output().unwrap();
    if id.stdout != b"0\n" {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
    command
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
