//! What a run starts: a test runner, the driver that it starts, and the browser that the driver starts. Whoever of them ends first
//! leaves the others behind, so they are found by what all inherit: the folder for their temporary files.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use tempfile::TempDir;

const VARIABLE: &str = "TMPDIR";

/// How often to look for processes that are left, and how long to wait in between.
const ROUNDS: usize = 50;
const PAUSE: Duration = Duration::from_millis(20);

/// The processes of one run; dropping it ends those that are left, and removes their files.
pub(super) struct Processes {
    folder: TempDir,
}

impl Processes {
    pub(super) fn new() -> Result<Self> {
        // Chromium makes sockets there, whose paths must be short: so it does not lie in `target/`.
        Ok(Self { folder: tempfile::Builder::new().prefix("tfjs-browser-").tempdir_in(env::temp_dir())? })
    }

    /// The folder for their temporary files.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes a process, and all that come from it, one of these.
    pub(super) fn mark(&self, command: &mut Command) {
        command.env(VARIABLE, self.folder());
    }

    /// Ends all of them, and those that they start meanwhile.
    pub(super) fn kill(&self) {
        for _ in 0..ROUNDS {
            let ids = self.ids();
            if ids.is_empty() {
                return;
            }
            // One may have ended by itself, which is as good.
            let _ = Command::new("kill").arg("-KILL").args(ids).output();
            thread::sleep(PAUSE);
        }
    }

    /// By Linux's table of processes; where there is none, only what was started directly is ever ended.
    fn ids(&self) -> Vec<String> {
        let mark = [VARIABLE.as_bytes(), b"=", self.folder().as_os_str().as_encoded_bytes()].concat();
        let is_marked = |environment: &[u8]| environment.split(|byte| *byte == 0).any(|variable| variable == mark);
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        processes
            .filter(|process| fs::read(process.path().join("environ")).is_ok_and(|environment| is_marked(&environment)))
            .filter_map(|process| process.file_name().to_str().map(str::to_owned))
            .filter(|name| name.parse::<u32>().is_ok())
            .collect()
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Stdio;

    use super::*;

    #[test]
    fn ends_what_its_processes_have_started_and_nothing_else() {
        let processes = Processes::new().unwrap();
        let mut stranger = Command::new("sleep").arg("60").spawn().unwrap();
        // Its parent is gone at once.
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 &"]).stdout(Stdio::null());
        processes.mark(&mut command);
        assert!(command.status().unwrap().success());
        assert_eq!(processes.ids().len(), 1);

        processes.kill();
        assert_eq!(processes.ids(), Vec::<String>::new());
        assert_eq!(stranger.try_wait().unwrap(), None);
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }
}
