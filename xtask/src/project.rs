//! Where the workspace lies, and the shell in which its tasks run.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use xshell::{Shell, cmd};

/// Programs that are there for tests, and that tasks run.
const TEST_PROGRAMS: [&str; 3] = ["object-store-server", "soak", "zoo"];

/// The workspace and a shell whose current directory is its root.
pub(crate) struct Project {
    pub(crate) sh: Shell,
    pub(crate) root: PathBuf,
    /// Cargo's target directory, wherever the user has put it.
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
}

/// A workspace member as `cargo metadata` tells it.
#[derive(Default, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    /// Each with what it turns on.
    pub(crate) features: BTreeMap<String, Vec<String>>,
    pub(crate) targets: Vec<Target>,
    /// The registries that may have it; none at all for what is never published.
    pub(crate) publish: Option<Vec<String>>,
    /// The oldest Rust that it says it needs.
    pub(crate) rust_version: Option<String>,
}

/// What cargo makes of a package: a library, a program, a test.
#[derive(Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
    pub(crate) src_path: PathBuf,
    /// Whether `cargo test` runs it without being asked for it.
    pub(crate) test: bool,
}

#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// None for a normal dependency, else `dev` or `build`.
    pub(crate) kind: Option<String>,
    /// Some for a dependency inside the workspace.
    pub(crate) path: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
}

impl Project {
    pub(crate) fn find() -> Result<Self> {
        // Cargo's word comes first: a checkout that was moved together with its target/ has another path compiled in.
        let xtask = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&xtask).parent().context("xtask lies in the root of a workspace")?.to_path_buf();
        let sh = Shell::new()?;
        sh.change_dir(&root);
        let json = cmd!(sh, "cargo metadata --format-version 1 --no-deps").quiet().read()?;
        let metadata: Metadata =
            serde_json::from_str(&json).context("`cargo metadata` printed something else than its JSON")?;
        Ok(Self { sh, root, target: metadata.target_directory, packages: metadata.packages })
    }

    /// The members that are published.
    pub(crate) fn published(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.publish.as_deref() != Some(&[]))
    }

    /// The version of a member of the workspace.
    pub(crate) fn version(&self, package: &str) -> Result<&str> {
        let member = self.packages.iter().find(|member| member.name == package);
        Ok(&member.with_context(|| format!("the workspace has no {package}"))?.version)
    }

    /// The version of a dependency that Cargo.lock names.
    pub(crate) fn locked_version(&self, package: &str) -> Result<String> {
        let lock = self.root.join("Cargo.lock");
        let text = fs::read_to_string(&lock).with_context(|| format!("reading {}", lock.display()))?;
        locked_version(&text, package).with_context(|| format!("{} has no {package}", lock.display()))
    }

    /// The `tfjs` command in its release profile, built if it is not up to date.
    pub(crate) fn tfjs(&self) -> Result<PathBuf> {
        let sh = &self.sh;
        cmd!(sh, "cargo build --release --package tfjs-cli").run()?;
        let binary = self.target.join("release").join(format!("tfjs{}", env::consts::EXE_SUFFIX));
        anyhow::ensure!(
            binary.is_file(),
            "package tfjs-cli was built but there is no {}: name its binary `tfjs`",
            binary.display()
        );
        Ok(binary)
    }
}

impl Project {
    /// A program of the tests, built if it is not up to date.
    pub(crate) fn test_program(&self, name: &str) -> Result<PathBuf> {
        let sh = &self.sh;
        // All of them with the examples, as `cargo test` builds them: alone they would lack the features that only tests turn on in what
        // they are made of, and all of that would be built once more.
        let programs = TEST_PROGRAMS.iter().flat_map(|program| ["--bin", program]);
        cmd!(sh, "cargo build --workspace --all-features --examples {programs...}").run()?;
        let binary = self.target.join("debug").join(format!("{name}{}", env::consts::EXE_SUFFIX));
        anyhow::ensure!(binary.is_file(), "the tests were built but there is no {}", binary.display());
        Ok(binary)
    }
}

impl Package {
    /// The name of its library, as code spells it.
    pub(crate) fn library(&self) -> Option<&str> {
        let library = self.targets.iter().find(|target| target.kind.iter().any(|kind| kind == "lib"))?;
        Some(&library.name)
    }
}

fn locked_version(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let version = lock.lines().skip_while(|line| *line != name).nth(1)?;
    Some(version.strip_prefix("version = \"")?.trim_end_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_stands_below_the_whole_name() {
        let lock =
            "[[package]]\nname = \"a-b\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"a\"\nversion = \"2.1.0\"\n";
        assert_eq!(locked_version(lock, "a").as_deref(), Some("2.1.0"));
        assert_eq!(locked_version(lock, "b"), None);
    }
}
