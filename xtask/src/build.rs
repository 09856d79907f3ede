//! `cargo xtask build`: the crates, for this machine or another target.

use anyhow::Result;
use clap::Args;

use crate::compiler::{self, Compiler, WASM};
use crate::dist;
use crate::project::Project;
use crate::wasm;

/// What to build, and for what.
#[derive(Args)]
pub(crate) struct Options {
    /// As rustc spells it, such as wasm32-unknown-unknown; this machine if there is none
    #[arg(long)]
    target: Option<String>,
    /// Optimized
    #[arg(long)]
    release: bool,
    /// The `tfjs` command as it is given to others: tried, and put into target/dist with its checksum
    #[arg(long, conflicts_with_all = ["release", "package"])]
    dist: bool,
    /// Only these; else all, or those that run in a browser
    #[arg(short, long)]
    package: Vec<String>,
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    let compiler = match &options.target {
        Some(target) => Compiler::find(project, target)?,
        None => Compiler::native(project),
    };
    if options.dist {
        let target = options.target.clone().map_or_else(|| compiler::host(project), Ok)?;
        return dist::make(project, &compiler, &target).map(drop);
    }
    let cargo = compiler.cargo(project, "build")?.args(packages(options)).args(options.release.then_some("--release"));
    Ok(cargo.run()?)
}

fn packages(options: &Options) -> Vec<String> {
    let name = |package: &str| ["--package".to_owned(), package.to_owned()];
    match options.target.as_deref() {
        _ if !options.package.is_empty() => options.package.iter().flat_map(|package| name(package)).collect(),
        None => vec!["--workspace".to_owned()],
        Some(WASM) => wasm::IN_A_BROWSER.into_iter().flat_map(name).collect(),
        // The crates without the tasks and tests, which are for the developer's machine.
        Some(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(target: Option<&str>, package: &[&str]) -> String {
        let package = package.iter().map(|&package| package.to_owned()).collect();
        packages(&Options { target: target.map(str::to_owned), release: false, dist: false, package }).join(" ")
    }

    #[test]
    fn what_is_named_is_built_alone() {
        assert_eq!(chosen(Some(WASM), &["tfjs-io", "tfjs-http"]), "--package tfjs-io --package tfjs-http");
    }

    #[test]
    fn a_browser_gets_what_runs_there() {
        assert!(chosen(Some(WASM), &[]).contains("tfjs-browser-storage"));
        assert!(!chosen(Some(WASM), &[]).contains("tfjs-fs"));
    }
}
