//! The files of tests that run in a browser: every crate with a `webdriver.json` has one or both.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::server;
use crate::backends::Source;
use crate::project::{Package, Project};
use crate::tidy::files;

/// What a crate asks of the browser; the test runner looks for this name.
pub(crate) const CAPABILITIES: &str = "webdriver.json";

/// A file of tests.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Suite {
    pub(crate) package: String,
    pub(crate) place: Place,
    pub(super) capabilities: PathBuf,
    /// Whether its tests ask for the address of the test server.
    pub(super) needs_server: bool,
}

/// Where the tests run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Window,
    Worker,
}

/// All of the workspace.
pub(crate) fn all(project: &Project) -> Vec<Suite> {
    project.packages.iter().flat_map(of_package).collect()
}

fn of_package(package: &Package) -> Vec<Suite> {
    let Some(folder) = package.manifest_path.parent() else { return Vec::new() };
    let (tests, capabilities) = (folder.join("tests"), folder.join(CAPABILITIES));
    if !capabilities.is_file() {
        return Vec::new();
    }
    let needs_server = asks_for_server(&tests);
    [Place::Window, Place::Worker]
        .into_iter()
        .filter(|place| tests.join(place.test()).with_extension("rs").is_file())
        .map(|place| Suite { package: package.name.clone(), place, capabilities: capabilities.clone(), needs_server })
        .collect()
}

fn asks_for_server(tests: &Path) -> bool {
    let mentions = |file: &PathBuf| fs::read_to_string(file).is_ok_and(|text| text.contains(server::VARIABLE));
    files::all(tests).is_ok_and(|files| files.iter().any(mentions))
}

impl Place {
    /// Which records its tests make.
    pub(super) fn source(self) -> Source {
        match self {
            Self::Window => Source::Window,
            Self::Worker => Source::Worker,
        }
    }

    /// The name of the test, for cargo.
    pub(crate) fn test(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Worker => "worker",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Window => "in a page",
            Self::Worker => "in a dedicated worker",
        })
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    fn suites(files: &[(&str, &str)]) -> Vec<(Place, bool)> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("tests")).unwrap();
        for (file, text) in files {
            fs::write(folder.path().join(file), text).unwrap();
        }
        let package =
            Package { name: "a".to_owned(), manifest_path: folder.path().join("Cargo.toml"), ..Package::default() };
        of_package(&package).into_iter().map(|suite| (suite.place, suite.needs_server)).collect()
    }

    #[test]
    fn a_crate_with_capabilities_has_suites() {
        assert_eq!(suites(&[("tests/window.rs", ""), ("tests/http.rs", "")]), []);
        assert_eq!(suites(&[("webdriver.json", "{}"), ("tests/window.rs", "")]), [(Place::Window, false)]);
    }

    #[test]
    fn a_crate_whose_tests_name_the_variable_needs_the_server() {
        let files = [("webdriver.json", ""), ("tests/worker.rs", ""), ("tests/all.rs", "env!(\"TFJS_TEST_SERVER\")")];
        assert_eq!(suites(&files), [(Place::Worker, true)]);
    }
}
