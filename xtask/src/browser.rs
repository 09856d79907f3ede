//! `cargo xtask browser`: the tests that need a browser, in a real Chromium without a window.

mod processes;
pub(crate) mod server;
pub(crate) mod suite;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;
use xshell::Cmd;

use self::processes::Processes;
use self::server::TestServer;
use self::suite::{Place, Suite};
use crate::backends;
use crate::compiler::{Compiler, WASM};
use crate::counted::{self, Count, Limit, Outcome};
use crate::project::Project;
use crate::tools::web::{self, Browser};
use crate::wasm;

/// How long the tests of one file may run, as the test runner sees it.
const PATIENCE: Duration = Duration::from_mins(5);

/// How much longer it may take until the runner itself has ended.
const MORE_PATIENCE: Duration = Duration::from_mins(1);

/// What the test runner prints before each test when it prints consoles.
const INVOKING: &str = "Invoking test: ";

/// Prints the console, on which the tests record.
const CONSOLE: &str = "--nocapture";

/// Which tests to run.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// Only what runs in a page
    #[arg(long, conflicts_with = "worker")]
    window: bool,
    /// Only what runs in a dedicated worker
    #[arg(long)]
    worker: bool,
    /// Passed on to the tests: a part of their names, `--nocapture`
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// What the tests run with.
struct Setting {
    compiler: Compiler,
    /// `wasm-bindgen-test-runner`.
    runner: PathBuf,
    browser: Browser,
    /// Only if a suite asks for it.
    server: Option<TestServer>,
}

/// Runs the tests, and fails if one of them does.
pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    let count = test(project, options)?;
    println!("browser: {count}");
    ensure!(count.failed == 0, "{} of the tests in a browser failed", count.failed);
    Ok(())
}

/// Runs the tests, and tells how many there were.
pub(crate) fn test(project: &Project, options: &Options) -> Result<Count> {
    let suites: Vec<_> = suite::all(project).into_iter().filter(|suite| options.wants(suite.place)).collect();
    ensure!(!suites.is_empty(), "no crate has a {} and tests/window.rs or tests/worker.rs", suite::CAPABILITIES);
    let compiler = Compiler::find(project, WASM)?;
    let runner = web::wasm_bindgen(project)?.join("wasm-bindgen-test-runner");
    let browser = web::browser(project)?;
    println!("browser: {}", browser.describe());
    let server = if suites.iter().any(|suite| suite.needs_server) { Some(TestServer::start(project)?) } else { None };
    let setting = Setting { compiler, runner, browser, server };
    for place in [Place::Window, Place::Worker].into_iter().filter(|place| options.wants(*place)) {
        backends::begin(project, place.source())?;
    }

    let mut count = Count::default();
    for suite in &suites {
        count = count.plus(setting.run(project, suite, options)?);
    }
    // A filter is for looking at one test: the examples have no part in that.
    if options.arguments.is_empty() {
        for package in wasm::ONLY_THERE {
            count = count.plus(setting.examples(project, package)?);
        }
    }
    ensure!(count != Count::default(), "no test has the name {:?}", options.arguments);
    Ok(count)
}

impl Options {
    fn wants(&self, place: Place) -> bool {
        match place {
            Place::Window => !self.worker,
            Place::Worker => !self.window,
        }
    }

    fn with_console(&self) -> Vec<&str> {
        let others = self.arguments.iter().map(String::as_str).filter(|argument| *argument != CONSOLE);
        others.chain([CONSOLE]).collect()
    }
}

impl Setting {
    fn run(&self, project: &Project, suite: &Suite, options: &Options) -> Result<Count> {
        println!("\n{}, {}", suite.package, suite.place);
        // The time that compiling takes is nobody's fault.
        if self.cargo_test(project, suite)?.arg("--no-run").run().is_err() {
            return Ok(Count { passed: 0, failed: 1 });
        }
        let processes = Processes::new()?;
        let capabilities = processes.folder().join(suite::CAPABILITIES);
        fs::write(&capabilities, with_browser(&suite.capabilities, &self.browser.chromium)?)?;

        let cargo = self
            .cargo_test(project, suite)?
            .arg("--")
            .args(options.with_console())
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", &self.runner)
            .env("CHROMEDRIVER", &self.browser.chromedriver)
            .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", capabilities)
            .env("WASM_BINDGEN_TEST_TIMEOUT", PATIENCE.as_secs().to_string());
        let mut command = Command::from(cargo);
        processes.mark(&mut command);
        let limit = Limit { time: PATIENCE + MORE_PATIENCE, end: &|| processes.kill() };
        let mut records = Records::new(project, suite)?;
        let outcome = counted::run_within(command, &limit, |line| records.take(line))?;
        let found_nothing = outcome == Outcome { count: Count::default(), succeeded: true };
        Ok(if found_nothing && !options.arguments.is_empty() { Count::default() } else { outcome.judge() })
    }

    /// `cargo test` of one suite, with what it is compiled with.
    fn cargo_test<'sh>(&self, project: &'sh Project, suite: &Suite) -> Result<Cmd<'sh>> {
        let cargo = self.compiler.cargo(project, "test")?;
        let cargo = cargo.args(["--package", &suite.package, "--test", suite.place.test()]);
        Ok(match &self.server {
            Some(server) => cargo.env(server::VARIABLE, server.url()),
            None => cargo,
        })
    }

    /// The examples in the documentation of a crate. They are compiled only, as most wait for a user, and those that compile are not
    /// counted: together they are one program, in which the runner sees no test.
    fn examples(&self, project: &Project, package: &str) -> Result<Count> {
        println!("\n{package}, examples");
        let cargo = self.compiler.cargo(project, "test")?.args(["--package", package, "--doc"]);
        let cargo = cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", &self.runner);
        let outcome = counted::run(cargo.into())?;
        Ok(if outcome.succeeded { outcome.count } else { outcome.judge() })
    }
}

/// What tests record on the console (see [`backends`]).
struct Records(File);

impl Records {
    fn new(project: &Project, suite: &Suite) -> Result<Self> {
        let path = backends::folder_of(project, suite.place.source()).join(&suite.package).with_extension("jsonl");
        Ok(Self(File::create(&path).with_context(|| format!("creating {}", path.display()))?))
    }

    /// Whether a line is for nobody's eyes.
    fn take(&mut self, line: &str) -> Result<bool> {
        if let Some(record) = backends::heard(line) {
            writeln!(self.0, "{record}").context("recording")?;
            return Ok(true);
        }
        Ok(line.starts_with(INVOKING))
    }
}

/// The capabilities that a crate asks for, of the Chromium that was found.
fn with_browser(capabilities: &Path, chromium: &Path) -> Result<String> {
    let text = fs::read_to_string(capabilities)?;
    let mut json: Value = serde_json::from_str(&text).with_context(|| format!("reading {}", capabilities.display()))?;
    let options = json
        .get_mut("goog:chromeOptions")
        .and_then(Value::as_object_mut)
        .with_context(|| format!("{} has no goog:chromeOptions", capabilities.display()))?;
    options.insert("binary".to_owned(), Value::from(chromium.display().to_string()));
    Ok(json.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_that_was_found_is_the_one_that_runs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("webdriver.json");
        fs::write(&path, r#"{"goog:chromeOptions":{"args":["--headless=new"]}}"#).unwrap();
        let json = with_browser(&path, Path::new("/usr/bin/chromium")).unwrap();
        assert_eq!(json, r#"{"goog:chromeOptions":{"args":["--headless=new"],"binary":"/usr/bin/chromium"}}"#);

        fs::write(&path, "{}").unwrap();
        assert!(with_browser(&path, Path::new("/usr/bin/chromium")).is_err());
    }

    #[test]
    fn both_places_unless_one_is_named() {
        let wants = |window, worker| {
            let options = Options { window, worker, arguments: Vec::new() };
            [Place::Window, Place::Worker].map(|place| options.wants(place))
        };
        assert_eq!(wants(false, false), [true, true]);
        assert_eq!(wants(true, false), [true, false]);
        assert_eq!(wants(false, true), [false, true]);
    }
}
