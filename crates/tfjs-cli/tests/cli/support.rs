//! Runs the real `tfjs` on models in temporary folders.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// What a run printed and how it ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `tfjs` with these arguments.
pub(crate) fn tfjs<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Run {
    run(Command::new(env!("CARGO_BIN_EXE_tfjs")).args(args))
}

pub(crate) fn run(command: &mut Command) -> Run {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) }
}

impl Run {
    /// Standard output as one JSON document.
    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// A folder with a `model` in it and room for copies.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("model")).unwrap();
        Self(folder)
    }

    /// A `model.json` with this manifest, in whose folder these files lie.
    pub(crate) fn with_manifest(manifest: &str, files: &[(&str, &[u8])]) -> Self {
        Self::with_json(&format!(r#"{{"modelTopology":{{"node":[]}},"weightsManifest":{manifest}}}"#), files)
    }

    /// This text as `model.json`, in whose folder these files lie.
    pub(crate) fn with_json(json: &str, files: &[(&str, &[u8])]) -> Self {
        let folder = Self::new();
        std::fs::write(folder.model().join("model.json"), json).unwrap();
        for (name, bytes) in files {
            std::fs::write(folder.model().join(name), bytes).unwrap();
        }
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn model(&self) -> PathBuf {
        self.path().join("model")
    }

    /// The names of everything in the folder, with those in its folders.
    pub(crate) fn listing(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![self.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(self.path()).unwrap().display().to_string();
                names.push(name.replace(std::path::MAIN_SEPARATOR, "/"));
                if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        names.sort();
        names
    }
}
