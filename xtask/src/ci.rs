//! `cargo xtask ci`: every step, all of them even after a failure, and one summary line at the end. All steps run two at a time where there
//! are two processors; steps that are named run one after the other.

mod lanes;
mod processor;

use std::fmt;
use std::num::NonZero;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::{Args, ValueEnum};
use xshell::cmd;

use crate::counted::{self, Count};
use crate::project::Project;
use crate::{
    api, azurite, backends, browser, conformance, cross, differential, disk, examples, features, fuzz, graphs, guides,
    instructions, interop_browser, memory, minimal_versions, object_stores, package, page, size, soak, tensor_files,
    tidy, toolchain, tools, wasm, zoo,
};

/// A step of CI, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    /// Formatting, by rustfmt
    Fmt,
    /// The house rules
    Tidy,
    /// Lints, by clippy
    Clippy,
    /// Every crate without its features, and with each alone
    Features,
    /// The crates compile with the oldest Rust that they declare
    Msrv,
    /// Licences, sources and doubled dependencies, by cargo-deny
    Deny,
    /// Unit, integration and documentation tests
    Test,
    /// The documentation builds without a warning
    Doc,
    /// The public items of the crates are those that docs/api keeps
    Api,
    /// The examples do what they show
    Examples,
    /// The guides do what they say
    Guides,
    /// Every crate can be packaged, and the command can be installed
    Package,
    /// The crates compile with the oldest versions of their dependencies
    MinimalVersions,
    /// What runs in a browser compiles for one, without a warning
    Wasm,
    /// The tests that need a browser, in Chromium
    Browser,
    /// What a page has to download is small
    Size,
    /// The page that manages models does what it offers, in Chromium
    Page,
    /// The loops over weights need no more instructions than before
    Instructions,
    /// Hostile files, servers and uploads are refused
    Attacks,
    /// Processes that are killed while they save leave a whole model
    Soak,
    /// Inputs that nobody would write by hand, ten seconds for each parser
    Fuzz,
    /// The same tests on other processors and on Windows, and the same digests
    Cross,
    /// The real TensorFlow.js agrees, reading and writing
    Conformance,
    /// The real TensorFlow.js agrees about graphs
    Graphs,
    /// The Python packages of safetensors and NumPy agree, reading and writing
    TensorFiles,
    /// The real TensorFlow.js agrees about random models, whole and damaged
    Differential,
    /// The real TensorFlow.js agrees about models with every class of layer
    Zoo,
    /// The real TensorFlow.js agrees, in one page of a browser
    Interop,
    /// The command keeps models in an emulator of Azure Blob Storage, and the suite of every backend runs there
    Azurite,
    /// The tables of what each backend can do are what the suites have shown
    Backends,
    /// The command keeps models in object stores: killed, counted and measured
    ObjectStores,
    /// A model of 5 GiB is copied in 64 MiB of memory
    Memory,
}

#[derive(Clone, Copy)]
struct Report {
    step: Step,
    /// Every test counts, and every other step counts as one.
    count: Count,
    time: Duration,
    /// How long processors have worked for it. None if this system does not tell.
    processor: Option<Duration>,
}

/// What all steps build and fetch, and as much again as some of them need while they run.
const DISK: u64 = 24 * disk::GIB;

/// What says that the steps are a part of a run of all: it is `ci` that says it to itself.
const PART: &str = "--part";

/// No more, even of many processors: most steps take all of them.
const LANES: usize = 2;

/// Which steps.
#[derive(Args)]
pub(crate) struct Options {
    /// Only these, one after the other
    #[arg(value_enum)]
    steps: Vec<Step>,
    /// Keeps what has been recorded, and prints no table
    #[arg(long, hide = true, requires = "steps")]
    part: bool,
}

/// Runs the steps, or all of them if none is named. The last line on stdout is `N passed, M failed`.
pub(crate) fn run(project: &Project, options: &Options) -> ExitCode {
    // What serves the next build of the same crate takes a third of the target folder, and there is no next one.
    project.sh.set_var("CARGO_INCREMENTAL", "0");
    let total = reports(project, options).map_or_else(
        |error| {
            println!("error: {error:#}");
            Count { passed: 0, failed: 1 }
        },
        |reports| reports.iter().fold(Count::default(), |total, report| total.plus(report.count)),
    );
    println!("{total}");
    if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn reports(project: &Project, options: &Options) -> Result<Vec<Report>> {
    if options.part {
        let reports = one_by_one(project, &options.steps);
        for report in &reports {
            println!("{}", processor::line(report.processor));
        }
        return Ok(reports);
    }
    let start = Instant::now();
    prepare(project, options.steps.is_empty())?;
    let lanes = thread::available_parallelism().map_or(1, NonZero::get).min(LANES);
    let reports = match options.steps.as_slice() {
        [] if lanes > 1 => lanes::run(&project.target, lanes)?,
        [] => one_by_one(project, Step::value_variants()),
        named => one_by_one(project, named),
    };
    print_table(project, &reports, start.elapsed());
    Ok(reports)
}

fn one_by_one(project: &Project, steps: &[Step]) -> Vec<Report> {
    steps.iter().map(|step| report(project, *step)).collect()
}

fn print_table(project: &Project, reports: &[Report], time: Duration) {
    println!("\n{:<16} {:<8} {:>8} {:>10}", "step", "result", "seconds", "processor");
    for report in reports {
        println!("{report}");
    }
    println!("{:<16} {:<8} {:>8.1}", "all", "", time.as_secs_f64());
    if let Ok(taken) = disk::taken(project, &project.target) {
        println!("{}: {:.1} GiB", project.target.display(), disk::gib(taken));
    }
}

/// Room for all steps, and no records of suites that ran some other time.
fn prepare(project: &Project, all: bool) -> Result<()> {
    if all {
        disk::demand(project, DISK)?;
    }
    backends::clear(project)
}

fn report(project: &Project, step: Step) -> Report {
    println!("\n=== {}", step.name());
    let (start, before) = (Instant::now(), processor::of_children());
    let count = step.run(project).unwrap_or_else(|error| {
        println!("error: {error:#}");
        Count { passed: 0, failed: 1 }
    });
    let processor = processor::of_children().zip(before).map(|(after, before)| after.saturating_sub(before));
    Report { step, count, time: start.elapsed(), processor }
}

impl Step {
    fn run(self, project: &Project) -> Result<Count> {
        match self {
            Self::Fmt => fmt(project)?,
            Self::Tidy => tidy::run(project)?,
            Self::Clippy => clippy(project)?,
            Self::Features => features::check(project)?,
            Self::Msrv => toolchain::check(project)?,
            Self::Deny => deny(project)?,
            Self::Test => return test(project),
            Self::Doc => doc(project)?,
            Self::Api => api::run(project, api::Options::default())?,
            Self::Examples => examples::run(project)?,
            Self::Guides => guides::run(project)?,
            Self::Package => package::run(project, package::Options::default())?,
            Self::MinimalVersions => minimal_versions::check(project)?,
            Self::Instructions => instructions::check(project)?,
            Self::Conformance => conformance::run(project)?,
            Self::Attacks => return attacks(project),
            Self::Soak => return soak::short(project),
            Self::Fuzz => fuzz::run(project, &fuzz::Options::default())?,
            Self::Graphs => graphs::run(project)?,
            Self::TensorFiles => tensor_files::run(project)?,
            Self::Differential => differential::run(project, &differential::Options::few())?,
            Self::Zoo => zoo::run(project)?,
            Self::Cross => return cross::others(project),
            Self::Azurite => return azurite::run(project),
            Self::Backends => backends::check(project)?,
            Self::ObjectStores => return object_stores::run(project),
            Self::Memory => memory::file_to_file(project)?,
            Self::Wasm => wasm::check(project)?,
            Self::Browser => return browser::test(project, &browser::Options::default()),
            Self::Interop => return interop_browser::check(project, &interop_browser::Options::default()),
            Self::Page => return page::check(project, None),
            Self::Size => size::check(project, size::Options::all())?,
        }
        Ok(Count { passed: 1, failed: 0 })
    }

    /// Whether it compiles, or runs tests of many threads, for most of its time. Others wait, or have one thread.
    fn takes_all_processors(self) -> bool {
        matches!(
            self,
            Self::Fmt
                | Self::Tidy
                | Self::Clippy
                | Self::Features
                | Self::Msrv
                | Self::Deny
                | Self::Test
                | Self::Doc
                | Self::Api
                | Self::Package
                | Self::MinimalVersions
                | Self::Wasm
                | Self::Cross
        )
    }

    /// What must have ended before: whose records it reads, or who builds what it runs.
    fn after(self) -> &'static [Self] {
        match self {
            Self::Backends => &[Self::Test, Self::Browser, Self::Azurite],
            Self::Examples | Self::Attacks | Self::Soak | Self::Zoo | Self::Azurite | Self::ObjectStores => {
                &[Self::Test]
            }
            _ => &[],
        }
    }

    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

fn fmt(project: &Project) -> Result<()> {
    tools::rust_component(project, "fmt", "rustfmt")?;
    let sh = &project.sh;
    Ok(cmd!(sh, "cargo fmt --all --check").run()?)
}

fn clippy(project: &Project) -> Result<()> {
    tools::rust_component(project, "clippy", "clippy")?;
    let sh = &project.sh;
    cmd!(sh, "cargo clippy --workspace --all-targets --all-features -- -D warnings").run()?;
    // It is not among all targets, as it needs a server.
    Ok(cmd!(sh, "cargo clippy --workspace --all-features --test azurite -- -D warnings").run()?)
}

fn test(project: &Project) -> Result<Count> {
    let sh = &project.sh;
    let cargo = cmd!(sh, "cargo test --workspace --all-features --no-fail-fast");
    println!("$ {cargo}");
    let (variable, folder) = backends::environment(project, backends::Source::Native)?;
    Ok(counted::run(cargo.env(variable, folder).into())?.judge())
}

/// A part of the tests again, to see how many attacks there were.
fn attacks(project: &Project) -> Result<Count> {
    let sh = &project.sh;
    let cargo = cmd!(sh, "cargo test --workspace --all-features --test attacks -- --nocapture");
    println!("$ {cargo}");
    Ok(counted::run(cargo.into())?.judge())
}

fn deny(project: &Project) -> Result<()> {
    let cargo_deny = tools::cargo_deny(project)?;
    let sh = &project.sh;
    Ok(cmd!(sh, "{cargo_deny} check bans licenses sources").run()?)
}

/// Twice: as users see it, where a link to a private item is dead, and as we read it, private items included.
fn doc(project: &Project) -> Result<()> {
    let sh = &project.sh;
    let _flags = sh.push_env("RUSTDOCFLAGS", "-Dwarnings");
    cmd!(sh, "cargo doc --workspace --no-deps --all-features").run()?;
    Ok(cmd!(sh, "cargo doc --workspace --no-deps --all-features --document-private-items").run()?)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let result = if self.count.failed == 0 { "passed" } else { "FAILED" };
        write!(f, "{:<16} {result:<8} {:>8.1}", self.step.name(), self.time.as_secs_f64())?;
        match self.processor {
            Some(processor) => write!(f, " {:>10.1}", processor.as_secs_f64())?,
            None => write!(f, " {:>10}", "-")?,
        }
        if matches!(
            self.step,
            Step::Test
                | Step::Browser
                | Step::Cross
                | Step::Soak
                | Step::Attacks
                | Step::Azurite
                | Step::ObjectStores
                | Step::Page
        ) {
            write!(f, "   {}", self.count)
        } else {
            Ok(())
        }
    }
}
