//! WebAssembly as pages load it: what cargo has built, with the scripts around it, and made small.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use xshell::cmd;

use crate::compiler::{Compiler, WASM};
use crate::npm;
use crate::project::Project;
use crate::tools::web;

/// What browsers have had for years, and the compiler uses.
const WEB_FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-simd",
];

/// `-Os` packs better than `-Oz`, whose code is shorter but repeats itself less. A page needs nothing of what the last two take out.
const WEB_OPTIONS: [&str; 4] = ["-Os", "--converge", "--strip-producers", "--strip-target-features"];

/// Builds a package in a profile of the workspace's Cargo.toml, and gives what cargo made.
pub(crate) fn build(project: &Project, package: &str, profile: &str) -> Result<PathBuf> {
    let compiler = Compiler::find(project, WASM)?;
    compiler.cargo(project, "build")?.args(["--package", package, "--profile", profile]).run()?;
    let module = compiler.output(profile).join(format!("{}.wasm", package.replace('-', "_")));
    ensure!(module.is_file(), "{package} was built, but there is no {}", module.display());
    Ok(module)
}

/// Writes `NAME.js` and `NAME_bg.wasm` into a folder, as a page imports them.
pub(crate) fn bind(project: &Project, module: &Path, folder: &Path, name: &str) -> Result<PathBuf> {
    let bindgen = web::wasm_bindgen(project)?.join("wasm-bindgen");
    let sh = &project.sh;
    cmd!(sh, "{bindgen} {module} --target web --no-typescript --out-dir {folder} --out-name {name}").quiet().run()?;
    Ok(folder.join(format!("{name}_bg.wasm")))
}

/// Makes a module as small as it gets, with binaryen from npm: Debian's version 108 exports the wrong table of modules that have
/// two, and then a page does not start.
pub(crate) fn optimize(project: &Project, module: &Path, optimized: &Path) -> Result<()> {
    let wasm_opt = npm::modules(project)?.join("binaryen").join("bin").join("wasm-opt");
    let sh = &project.sh;
    Ok(cmd!(sh, "node {wasm_opt} {WEB_FEATURES...} {WEB_OPTIONS...} {module} -o {optimized}").quiet().run()?)
}
