//! `cargo xtask size`: how much a page has to download for a program with the library in it, by what is compiled in.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use clap::Args;
use xshell::{Cmd, cmd};

use crate::bundle;
use crate::compiler::{Compiler, WASM};
use crate::project::Project;
use crate::tools;

const PACKAGE: &str = "tfjs-wasm-size";

/// Of the workspace's Cargo.toml.
const PROFILE: &str = "wasm-size";

/// How many bytes the program with everything may have, packed as a web server sends it. See "The size of a page" in docs/performance.md.
const LARGEST: usize = 250_000;

/// What makes a program smaller, and stable Rust does not have yet: a standard library that is compiled for size, panics without
/// words, and no `Debug`, which is for programmers and not for pages. Errors keep their words.
const SMALLEST_FLAGS: &str = "-Zunstable-options -Cpanic=immediate-abort -Zfmt-debug=none";
const SMALLEST_STD: [&str; 2] = ["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"];

/// How it is compiled.
#[derive(Args, Clone, Copy, Default)]
pub(crate) struct Options {
    /// With everything, and with what stable Rust does not have yet
    #[arg(long)]
    smallest: bool,
    /// Only with everything, as CI does: that is what has a limit
    #[arg(long)]
    all: bool,
}

impl Options {
    /// What has a limit.
    pub(crate) fn all() -> Self {
        Self { all: true, ..Self::default() }
    }
}

/// A choice of features, and its name in the table.
struct Set {
    name: String,
    features: Vec<String>,
}

/// Of a program, in bytes.
struct Size {
    /// As a page runs it.
    raw: usize,
    /// As a web server sends it.
    packed: usize,
    /// The JavaScript around it, also as it is sent.
    script: usize,
}

pub(crate) fn check(project: &Project, options: Options) -> Result<()> {
    let mut sets = sets(project)?;
    if options.all || options.smallest {
        // The last one has everything.
        sets.drain(..sets.len().saturating_sub(1));
    }
    if options.smallest {
        tools::rust_source(project)?;
    }
    let compiler = Compiler::find(project, WASM)?;
    let mut lines = Vec::new();
    let mut largest = 0;
    for set in &sets {
        let cargo = compiler.cargo(project, "build")?;
        let cargo = if options.smallest { smallest(cargo) } else { cargo };
        cargo
            .args(["--package", PACKAGE, "--profile", PROFILE, "--no-default-features"])
            .args(["--features", &set.features.join(",")])
            .run()?;
        let size = measure(project, &compiler.output(PROFILE), set)?;
        lines.push(format!("{:<18} {} {} {}", set.name, kb(size.raw), kb(size.packed), kb(size.script)));
        largest = largest.max(size.packed);
    }
    println!("\n{:<18} {:>12} {:>12} {:>12}", "features", "wasm", "gzipped", "JS, gzipped");
    for line in &lines {
        println!("{line}");
    }
    ensure!(
        largest <= LARGEST,
        "{largest} bytes are too much to download (at most {LARGEST}): see what has grown, for example with twiggy"
    );
    println!("the largest has {largest} bytes (at most {LARGEST})");
    Ok(())
}

/// None of the features, each, and all.
fn sets(project: &Project) -> Result<Vec<Set>> {
    let package = project.packages.iter().find(|package| package.name == PACKAGE);
    let package = package.with_context(|| format!("the workspace has no {PACKAGE}"))?;
    let all: Vec<_> = package.features.keys().filter(|feature| *feature != "default").cloned().collect();
    let each = all.iter().map(|feature| Set { name: feature.clone(), features: vec![feature.clone()] });
    let none = Set { name: "none".to_owned(), features: Vec::new() };
    Ok([none].into_iter().chain(each).chain([Set { name: "all".to_owned(), features: all.clone() }]).collect())
}

/// Lets a stable compiler take what is not stable.
fn smallest(cargo: Cmd<'_>) -> Cmd<'_> {
    cargo.args(SMALLEST_STD).env("RUSTFLAGS", SMALLEST_FLAGS).env("RUSTC_BOOTSTRAP", "1")
}

/// Finishes what cargo has left in a folder as one does for a page.
fn measure(project: &Project, folder: &Path, set: &Set) -> Result<Size> {
    let name = PACKAGE.replace('-', "_");
    let built = folder.join(format!("{name}.wasm"));
    let folder = project.target.join("size").join(&set.name);
    let bound = bundle::bind(project, &built, &folder, &name)?;
    let optimized = folder.join("optimized.wasm");
    bundle::optimize(project, &bound, &optimized)?;
    let raw = fs::metadata(&optimized)?.len();
    Ok(Size {
        raw: usize::try_from(raw)?,
        packed: packed(project, &optimized)?,
        script: packed(project, &folder.join(format!("{name}.js")))?,
    })
}

/// How many bytes of a file are left when it is packed. Without its name and date, it is the same number every time.
fn packed(project: &Project, file: &Path) -> Result<usize> {
    let sh = &project.sh;
    Ok(cmd!(sh, "gzip -9 --no-name --stdout {file}").quiet().output()?.stdout.len())
}

/// A thousand bytes, as the figures of downloads are.
fn kb(bytes: usize) -> String {
    format!("{:>6}.{} kB  ", bytes / 1000, bytes % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::kb;

    #[test]
    fn sizes_are_in_thousands_of_bytes() {
        assert_eq!(kb(249_999).trim(), "249.9 kB");
        assert_eq!(kb(42).trim(), "0.0 kB");
    }
}
