//! `cargo xtask minimal-versions`: the published crates compile with the oldest versions of their dependencies that Cargo.toml allows,
//! natively and for a browser.
//!
//! Cargo finds these versions with what is not stable yet, in a copy of the workspace: its Cargo.lock stays as it is.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::cmd;

use crate::compiler::{Compiler, WASM};
use crate::project::Project;
use crate::tidy::files;
use crate::wasm;

pub(crate) fn check(project: &Project) -> Result<()> {
    let copy = copy(project)?;
    let sh = &project.sh;
    let _there = sh.push_dir(&copy);
    cmd!(sh, "cargo generate-lockfile -Zdirect-minimal-versions")
        .env("RUSTC_BOOTSTRAP", "1")
        .run()
        .context("a version in Cargo.toml is older than what another dependency demands: raise it to that")?;
    // In the same folder as always: what is of the same version is there already.
    let _target = sh.push_env("CARGO_TARGET_DIR", &project.target);
    let check = |compiler: &Compiler, names: Vec<&str>| -> Result<()> {
        let named = names.iter().flat_map(|name| ["--package", name]);
        let cargo = compiler.cargo(project, "check")?.args(["--locked", "--all-features"]).args(named);
        cargo.run().context("a version in Cargo.toml is older than what the code uses: raise it, see the errors above")
    };
    check(&Compiler::native(project), project.published().map(|package| package.name.as_str()).collect())?;
    check(&Compiler::for_checking(project, WASM)?, wasm::IN_A_BROWSER.to_vec())?;
    println!("minimal-versions: what is published compiles with the oldest versions that Cargo.toml allows");
    Ok(())
}

/// The workspace without its Cargo.lock, in `target/minimal-versions`.
fn copy(project: &Project) -> Result<PathBuf> {
    let folder = project.target.join("minimal-versions");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    for file in files::all(&project.root)? {
        let path = file.strip_prefix(&project.root)?;
        if path.as_os_str() == "Cargo.lock" {
            continue;
        }
        let copy = folder.join(path);
        fs::create_dir_all(copy.parent().context("a file lies in a folder")?)?;
        copy_file(&file, &copy).with_context(|| format!("copying {} to {}", file.display(), copy.display()))?;
    }
    Ok(folder)
}

/// With its date, so that cargo compiles again only what has changed.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    File::options().write(true).open(to)?.set_modified(fs::metadata(from)?.modified()?)
}
