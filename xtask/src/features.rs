//! `cargo xtask features`: each published crate with none of its features and with each alone, without a warning, natively and for a
//! browser. A crate is compiled by itself: what the features of another one turn on in a dependency is no help.

use std::fmt;

use anyhow::{Result, bail, ensure};

use crate::compiler::{Compiler, WASM};
use crate::project::{Package, Project};
use crate::wasm;

/// Features that need another one natively, and the one that they get.
const COMPANIONS: [(&str, &str, &str); 2] = [("tfjs-http", "reqwest-client", "rustls"), ("tfjs-io", "http", "rustls")];

/// What says that it needs a feature if it has none, and where.
const REFUSES_NONE: [(&str, Place); 2] = [("tfjs-convert", Place::Native), ("tfjs-http", Place::Native)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Native,
    Browser,
}

/// A crate with some of its features.
struct Subject<'p> {
    package: &'p Package,
    place: Place,
    choice: Choice,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Choice {
    Default,
    None,
    Only(Vec<String>),
}

pub(crate) fn check(project: &Project) -> Result<()> {
    let compilers = [(Place::Native, Compiler::native(project)), (Place::Browser, Compiler::find(project, WASM)?)];
    let (mut checked, mut failed) = (0, Vec::new());
    for (place, compiler) in &compilers {
        for subject in project.published().flat_map(|package| subjects(package, *place)) {
            println!("{subject}");
            checked += 1;
            if let Err(error) = subject.check(project, compiler) {
                println!("error: {error:#}");
                failed.push(subject.to_string());
            }
        }
    }
    if !failed.is_empty() {
        bail!(
            "{} of {checked} choices of features fail: {}: mend them, or say in xtask/src/features.rs what they need",
            failed.len(),
            failed.join("; ")
        );
    }
    println!("features: {checked} choices compile, or say what they need");
    Ok(())
}

fn subjects(package: &Package, place: Place) -> Vec<Subject<'_>> {
    let is_there = match place {
        // Empty there, with any features.
        Place::Native => !wasm::ONLY_THERE.contains(&package.name.as_str()),
        Place::Browser => wasm::IN_A_BROWSER.contains(&package.name.as_str()),
    };
    let choices = if is_there { choices(package, place) } else { Vec::new() };
    choices.into_iter().map(|choice| Subject { package, place, choice }).collect()
}

fn choices(package: &Package, place: Place) -> Vec<Choice> {
    let features: Vec<_> = package.features.keys().filter(|feature| *feature != "default").collect();
    if features.is_empty() {
        return vec![Choice::Default];
    }
    let alone = features.into_iter().map(|feature| Choice::Only(with_companion(&package.name, feature, place)));
    [Choice::Default, Choice::None].into_iter().chain(alone).collect()
}

fn with_companion(package: &str, feature: &str, place: Place) -> Vec<String> {
    let companion = COMPANIONS
        .iter()
        .find(|(of, needing, _)| place == Place::Native && *of == package && *needing == feature)
        .map(|(.., companion)| *companion);
    [feature].into_iter().chain(companion).map(str::to_owned).collect()
}

impl Subject<'_> {
    fn check(&self, project: &Project, compiler: &Compiler) -> Result<()> {
        let cargo = compiler.cargo(project, "clippy")?.args(["--quiet", "--package", &self.package.name]);
        let cargo = cargo.args(self.choice.arguments()).args(["--", "-D", "warnings"]).quiet();
        if !self.must_refuse() {
            return Ok(cargo.run()?);
        }
        let output = cargo.ignore_status().output()?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        let sentence = format!("error: {} needs ", self.package.name);
        ensure!(!output.status.success(), "it compiles, and should say `{sentence}` and what");
        ensure!(complaint.contains(&sentence), "it does not say `{sentence}` and what:\n{complaint}");
        Ok(())
    }

    fn must_refuse(&self) -> bool {
        self.choice == Choice::None && REFUSES_NONE.contains(&(self.package.name.as_str(), self.place))
    }
}

impl Choice {
    fn arguments(&self) -> Vec<String> {
        match self {
            Self::Default => Vec::new(),
            Self::None => vec!["--no-default-features".to_owned()],
            Self::Only(features) => {
                vec!["--no-default-features".to_owned(), "--features".to_owned(), features.join(",")]
            }
        }
    }
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.place == Place::Browser { " in a browser" } else { "" };
        match &self.choice {
            Choice::Default => write!(f, "{}{place}", self.package.name),
            Choice::None => write!(f, "{}{place} without features", self.package.name),
            Choice::Only(features) => write!(f, "{}{place} with {}", self.package.name, features.join(" and ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_another_feature_gets_it_natively() {
        assert_eq!(with_companion("tfjs-io", "http", Place::Native), ["http", "rustls"]);
        assert_eq!(with_companion("tfjs-io", "http", Place::Browser), ["http"]);
        assert_eq!(with_companion("tfjs-io", "fs", Place::Native), ["fs"]);
    }

    #[test]
    fn the_arguments_name_the_features() {
        assert_eq!(Choice::Default.arguments(), Vec::<String>::new());
        let only = Choice::Only(vec!["http".to_owned(), "rustls".to_owned()]);
        assert_eq!(only.arguments().join(" "), "--no-default-features --features http,rustls");
    }
}
