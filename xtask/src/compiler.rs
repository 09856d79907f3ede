//! The compiler for a target: the workspace's own where it has the target or rustup can add it, else Debian's.
//!
//! The environment variable `TFJS_COMPILER` takes one of the two: `rustup` or `debian`.

mod linker;

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::project::Project;
use crate::tools;
pub(crate) use linker::gcc;

pub(crate) const WASM: &str = "wasm32-unknown-unknown";
pub(crate) const WINDOWS: &str = "x86_64-pc-windows-gnu";

const CHOICE: &str = "TFJS_COMPILER";

/// A compiler that has been found, and what cargo must be told to use it.
pub(crate) struct Compiler {
    /// None for the machine itself.
    target: Option<String>,
    way: Way,
    /// Where cargo puts what it makes.
    folder: PathBuf,
    linker: Option<linker::Linker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The toolchain of this workspace, with a standard library that is there or that rustup adds.
    Rustup,
    /// Debian's, which compiles the standard library itself: for machines that cannot reach rustup's server.
    Debian,
}

impl Compiler {
    /// The compiler for this machine itself.
    pub(crate) fn native(project: &Project) -> Self {
        Self { target: None, way: Way::Rustup, folder: project.target.clone(), linker: None }
    }

    /// Finds the compiler for a target, installs it where that is possible, and says which one it took.
    pub(crate) fn find(project: &Project, target: &str) -> Result<Self> {
        Ok(Self { linker: linker::find(project, target)?, ..Self::for_checking(project, target)? })
    }

    /// The same without a linker, which checking needs none of.
    pub(crate) fn for_checking(project: &Project, target: &str) -> Result<Self> {
        let sh = &project.sh;
        let known = cmd!(sh, "rustc --print target-list").quiet().read().context("asking rustc")?;
        ensure!(
            known.lines().any(|known| known == target),
            "rustc knows no target {target}: see `rustc --print target-list`"
        );

        let way = Way::find(project, target)?;
        println!("{target}: compiling with {}", way.describe());
        let folder = match way {
            Way::Rustup => project.target.clone(),
            Way::Debian => project.target.join("debian"),
        };
        Ok(Self { target: Some(target.to_owned()), way, folder, linker: None })
    }

    /// `cargo SUBCOMMAND` for the target, to which more arguments can be added.
    pub(crate) fn cargo<'sh>(&self, project: &'sh Project, subcommand: &str) -> Result<Cmd<'sh>> {
        let sh = &project.sh;
        let command = match self.way {
            Way::Rustup => cmd!(sh, "cargo {subcommand}"),
            Way::Debian => self.debian_cargo(project, subcommand)?,
        };
        let command = match &self.target {
            Some(target) => command.args(["--target", target]),
            None => command,
        };
        Ok(match &self.linker {
            Some(linker) => command.env(&linker.variable, &linker.program),
            None => command,
        })
    }

    fn debian_cargo<'sh>(&self, project: &'sh Project, subcommand: &str) -> Result<Cmd<'sh>> {
        let (sh, folder) = (&project.sh, &self.folder);
        let program = if subcommand == "clippy" { tools::debian_clippy(project)? } else { tools::DEBIAN_CARGO };
        Ok(cmd!(sh, "{program} {subcommand} -Zbuild-std=std,panic_abort,test --target-dir {folder}")
            .env("CARGO", tools::DEBIAN_CARGO)
            .env("RUSTC", tools::DEBIAN_RUSTC)
            .env("RUSTDOC", tools::DEBIAN_RUSTDOC)
            .env("RUSTC_BOOTSTRAP", "1"))
    }

    /// Whether it refuses what is not stable yet, unless a variable says otherwise.
    pub(crate) fn is_stable(&self) -> bool {
        self.way == Way::Rustup
    }

    /// The folder in which cargo leaves what a profile makes, or `doc`.
    pub(crate) fn output(&self, profile: &str) -> PathBuf {
        let folder = self.target.as_ref().map_or_else(|| self.folder.clone(), |target| self.folder.join(target));
        folder.join(profile)
    }
}

impl Way {
    fn find(project: &Project, target: &str) -> Result<Self> {
        let choice = env::var(CHOICE).ok().map(|choice| Self::parse(&choice)).transpose()?;
        if choice != Some(Self::Debian) && rustup_has(&project.sh, target)? {
            return Ok(Self::Rustup);
        }
        ensure!(
            choice != Some(Self::Rustup),
            "{CHOICE} is rustup, but it has no {target}: run `rustup target add {target}`"
        );
        tools::debian_rustc(project)?;
        Ok(Self::Debian)
    }

    fn parse(choice: &str) -> Result<Self> {
        match choice {
            "rustup" => Ok(Self::Rustup),
            "debian" => Ok(Self::Debian),
            other => bail!("{CHOICE} is {other:?}, which is not a way to compile: set it to rustup or debian"),
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Rustup => "the toolchain of this workspace",
            Self::Debian if env::var_os(CHOICE).is_some() => "Debian's rustc-web, as the environment says",
            Self::Debian => "Debian's rustc-web, because rustup cannot add the target here",
        }
    }
}

/// The target that this machine is of.
pub(crate) fn host(project: &Project) -> Result<String> {
    let sh = &project.sh;
    cmd!(sh, "rustc --print host-tuple").quiet().read().context("asking rustc")
}

/// The name of an environment variable in which cargo looks for a setting of the target.
pub(crate) fn variable(target: &str, setting: &str) -> String {
    format!("CARGO_TARGET_{}_{setting}", target.to_uppercase().replace(['-', '.'], "_"))
}

/// Whether the standard library for the target is there, whoever has put it there, or can be added.
fn rustup_has(sh: &Shell, target: &str) -> Result<bool> {
    if has_library(sh, target)? {
        return Ok(true);
    }
    let _alone = tools::alone()?;
    Ok(cmd!(sh, "rustup target add {target}").quiet().ignore_stderr().run().is_ok() && has_library(sh, target)?)
}

fn has_library(sh: &Shell, target: &str) -> Result<bool> {
    let folder = cmd!(sh, "rustc --print target-libdir --target {target}").quiet().read().context("asking rustc")?;
    Ok(Path::new(&folder).is_dir())
}

#[cfg(test)]
mod tests {
    use super::{Way, variable};

    #[test]
    fn the_variable_is_what_cargo_reads() {
        assert_eq!(variable("thumbv8m.main-none-eabi", "LINKER"), "CARGO_TARGET_THUMBV8M_MAIN_NONE_EABI_LINKER");
    }

    #[test]
    fn a_choice_is_one_of_two() {
        assert_eq!(Way::parse("rustup").unwrap(), Way::Rustup);
        assert_eq!(Way::parse("debian").unwrap(), Way::Debian);
        assert!(Way::parse("gcc").unwrap_err().to_string().contains("set it to rustup or debian"));
    }
}
