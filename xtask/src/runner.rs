//! What runs the programs of another target on this machine: an emulator of its processor, or of its system.

mod wine;

use std::env;
use std::ffi::OsString;

use anyhow::{Result, bail, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::compiler;
use crate::project::Project;
use crate::tools;

/// A command before which the program stands, and what must be in its environment.
pub(crate) struct Runner {
    words: Vec<String>,
    environment: Vec<(&'static str, OsString)>,
}

/// Which kind of runner a target needs.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// The machine is of the target's kind itself.
    Nothing,
    /// Another processor under the same system: the name that QEMU and Debian give it.
    Qemu { cpu: String },
    /// Windows.
    Wine,
}

impl Runner {
    /// Finds what runs programs for the target, and installs it where that is possible. None if they run here as they are.
    pub(crate) fn find(project: &Project, target: &str) -> Result<Option<Self>> {
        let variable = compiler::variable(target, "RUNNER");
        if let Ok(chosen) = env::var(&variable) {
            let words = chosen.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            ensure!(!words.is_empty(), "{variable} is set, but empty: name the program that runs those for {target}");
            return Ok(Some(Self { words, environment: Vec::new() }));
        }
        match Kind::of(target, &compiler::host(project)?) {
            Some(Kind::Nothing) => Ok(None),
            Some(Kind::Qemu { cpu }) => qemu(project, &cpu).map(Some),
            Some(Kind::Wine) => wine::find(project).map(Some),
            None => bail!("nothing here runs programs for {target}: set {variable} to what does"),
        }
    }

    /// The command, to which the program and its arguments must be added.
    pub(crate) fn command<'sh>(&self, sh: &'sh Shell) -> Cmd<'sh> {
        let words = &self.words;
        let (program, arguments) =
            words.split_first().map_or(("", words.as_slice()), |(program, rest)| (program, rest));
        cmd!(sh, "{program} {arguments...}").envs(self.environment.iter().map(|(name, value)| (name, value)))
    }

    /// Makes `cargo test` and `cargo run` for the target use it.
    pub(crate) fn of_cargo<'sh>(&self, target: &str, cargo: Cmd<'sh>) -> Cmd<'sh> {
        cargo
            .env(compiler::variable(target, "RUNNER"), self.words.join(" "))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
    }
}

impl Kind {
    fn of(target: &str, host: &str) -> Option<Self> {
        let parts: Vec<_> = target.split('-').collect();
        match parts.as_slice() {
            _ if target == host => Some(Self::Nothing),
            [cpu, _, "linux", abi] if abi.starts_with("gnu") && host.contains("-linux-") => {
                Some(Self::Qemu { cpu: (*cpu).to_owned() })
            }
            ["x86_64", "pc", "windows", "gnu"] => Some(Self::Wine),
            _ => None,
        }
    }
}

fn qemu(project: &Project, cpu: &str) -> Result<Runner> {
    let program = tools::qemu_user(project, cpu)?;
    let library = format!("/usr/{cpu}-linux-gnu");
    Ok(Runner { words: vec![program, "-L".to_owned(), library], environment: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "x86_64-unknown-linux-gnu";

    #[test]
    fn each_target_has_its_runner() {
        let kind = |target| Kind::of(target, HERE);
        assert_eq!(kind(HERE), Some(Kind::Nothing));
        assert_eq!(kind("s390x-unknown-linux-gnu"), Some(Kind::Qemu { cpu: "s390x".to_owned() }));
        assert_eq!(kind("x86_64-pc-windows-gnu"), Some(Kind::Wine));
        assert_eq!(kind("aarch64-apple-darwin"), None);
        assert_eq!(kind("wasm32-unknown-unknown"), None);
    }

    #[test]
    fn a_runner_stands_before_the_program() {
        let sh = Shell::new().unwrap();
        let words = ["qemu-s390x", "-L", "/usr/s390x-linux-gnu"].map(str::to_owned).to_vec();
        let runner = Runner { words, environment: Vec::new() };
        assert_eq!(runner.command(&sh).arg("tfjs").to_string(), "qemu-s390x -L /usr/s390x-linux-gnu tfjs");
    }
}
