//! `cargo xtask backends`: the tables of what each backend can do, made of what the runs of the suite have asserted.
//!
//! A test records at its end what it has seen (`record.rs` of tfjs-testkit). Whoever runs such tests keeps their records in
//! `target/backends`; here they become `docs/backends.md` and the tables of schemes, or are compared with what is committed.

mod columns;
mod difference;
mod matrix;
mod native;
mod records;
mod render;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use xshell::cmd;

use self::matrix::Matrix;
use self::records::Record;
use crate::counted;
use crate::project::Project;
use crate::{azurite, browser};

/// Names the folder where natively run tests record; what it is called in tfjs-testkit.
const VARIABLE: &str = "TFJS_TESTKIT_RECORDS";

/// What a record on a browser's console begins with; also there.
const PREFIX: &str = "tfjs-testkit record: ";

/// What has the table of schemes, beside `docs/backends.md`.
const WITH_SCHEMES: [&str; 2] = ["README.md", "crates/tfjs-io/README.md"];

const DOCUMENT: &str = "docs/backends.md";

/// A run of tests that records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Native,
    Azurite,
    Window,
    Worker,
}

/// Where a suite ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Native,
    Page,
    Worker,
}

/// Runs all suites, whatever has been run before, and compares with what is committed, or writes it.
pub(crate) fn run(project: &Project, write: bool) -> Result<()> {
    clear(project)?;
    settle(project, write)
}

/// As [`run`], but suites that have run since the records were cleared do not run again.
pub(crate) fn check(project: &Project) -> Result<()> {
    settle(project, false)
}

/// Forgets what earlier runs have recorded.
pub(crate) fn clear(project: &Project) -> Result<()> {
    remove(&folder(project))
}

/// An empty folder for the records of a run that now begins.
pub(crate) fn begin(project: &Project, source: Source) -> Result<PathBuf> {
    let folder = folder_of(project, source);
    remove(&folder)?;
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    Ok(folder)
}

/// The variable, and the folder it names, for tests that run natively.
pub(crate) fn environment(project: &Project, source: Source) -> Result<(&'static str, PathBuf)> {
    Ok((VARIABLE, begin(project, source)?))
}

/// What a line of a browser's console records, if it does.
pub(crate) fn heard(line: &str) -> Option<&str> {
    line.strip_prefix(PREFIX)
}

/// Where the records of a run are.
pub(crate) fn folder_of(project: &Project, source: Source) -> PathBuf {
    folder(project).join(source.name())
}

fn folder(project: &Project) -> PathBuf {
    project.target.join("backends")
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    Ok(())
}

fn settle(project: &Project, write: bool) -> Result<()> {
    run_missing(project)?;
    let matrix = Matrix::new(&collect(project)?)?;
    let mut differences = String::new();
    for (path, wanted) in wanted(project, &matrix)? {
        let there = fs::read_to_string(project.root.join(path)).unwrap_or_default();
        if there == wanted {
            continue;
        }
        if write {
            fs::write(project.root.join(path), wanted).with_context(|| format!("writing {path}"))?;
            println!("backends: wrote {path}");
        } else {
            let difference = difference::of(&there, &wanted);
            differences.extend(["--- ", path, "\n+++ what the suites have shown\n", &difference]);
        }
    }
    if !differences.is_empty() {
        print!("{differences}");
        bail!(
            "the tables are not what the suites have shown: mend what has changed, or run `cargo xtask backends --write` and \
             look at the difference"
        );
    }
    println!("backends: {}", matrix.summary());
    Ok(())
}

/// Runs what has not recorded anything yet.
fn run_missing(project: &Project) -> Result<()> {
    let lacks = |source: Source| !folder_of(project, source).is_dir();
    if lacks(Source::Native) {
        run_natively(project)?;
    }
    if lacks(Source::Window) || lacks(Source::Worker) {
        browser::run(project, &browser::Options::default())?;
    }
    if lacks(Source::Azurite) {
        let count = azurite::behaviours(project)?;
        ensure!(count.failed == 0, "azurite: {count}");
    }
    Ok(())
}

fn run_natively(project: &Project) -> Result<()> {
    let sh = &project.sh;
    let tests = native::tests(project)?;
    let tests = tests.iter().flat_map(|test| ["--test", test]);
    // The whole workspace, because then nothing is built that the other tests have not been built with.
    let cargo = cmd!(sh, "cargo test --workspace --all-features --no-fail-fast {tests...}");
    println!("$ {cargo}");
    let (variable, folder) = environment(project, Source::Native)?;
    let count = counted::run(cargo.env(variable, folder).into())?.judge();
    ensure!(count.failed == 0, "{count}");
    Ok(())
}

fn collect(project: &Project) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    for source in Source::ALL {
        let folder = folder_of(project, source);
        for entry in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
            let path = entry?.path();
            let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            records.extend(records::parse(&text, source.place()).with_context(|| format!("{}", path.display()))?);
        }
    }
    Ok(records)
}

/// What the files should be.
fn wanted(project: &Project, matrix: &Matrix) -> Result<Vec<(&'static str, String)>> {
    let mut files = vec![(DOCUMENT, render::document(matrix))];
    for path in WITH_SCHEMES {
        let text = fs::read_to_string(project.root.join(path)).with_context(|| format!("reading {path}"))?;
        files.push((path, render::replaced(&text, &render::schemes(matrix)).with_context(|| path.to_owned())?));
    }
    Ok(files)
}

impl Source {
    const ALL: [Self; 4] = [Self::Native, Self::Azurite, Self::Window, Self::Worker];

    fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Azurite => "azurite",
            Self::Window => "window",
            Self::Worker => "worker",
        }
    }

    fn place(self) -> Place {
        match self {
            Self::Native | Self::Azurite => Place::Native,
            Self::Window => Place::Page,
            Self::Worker => Place::Worker,
        }
    }
}

impl Place {
    /// For a table.
    fn words(self) -> &'static str {
        match self {
            Self::Native => "natively",
            Self::Page => "in a page",
            Self::Worker => "in workers",
        }
    }
}
