//! npm, for what it is used for: published models, the real TensorFlow.js, and an emulator of a store.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use xshell::cmd;

use crate::hex::sha256;
use crate::project::Project;
use crate::tools;

/// Downloads the tarball of one package, `NAME@VERSION`, into `folder`.
pub(crate) fn pack(project: &Project, package: &str, folder: &Path) -> Result<PathBuf> {
    tools::node(project)?;
    let sh = &project.sh;
    let printed = cmd!(sh, "npm pack {package} --pack-destination {folder} --loglevel error")
        .read()
        .with_context(|| format!("{package} could not be fetched: try `npm pack {package}` by hand"))?;
    let file = printed.lines().last().context("`npm pack` did not print the name of its file")?;
    let tarball = folder.join(file);
    ensure!(
        tarball.is_file(),
        "`npm pack {package}` said that it wrote {}, but there is no such file",
        tarball.display()
    );
    Ok(tarball)
}

/// The `node_modules` folder with what `tests/interop/package-lock.json` names: TensorFlow.js, and the tools of pages.
pub(crate) fn modules(project: &Project) -> Result<PathBuf> {
    install(project, &project.root.join("tests").join("interop"), &project.target.join("interop"))
}

/// Installs what `source/package-lock.json` says into `folder`, once for each state of the lock; gives the `node_modules` folder.
pub(crate) fn install(project: &Project, source: &Path, folder: &Path) -> Result<PathBuf> {
    tools::node(project)?;
    let _alone = tools::alone()?;
    let modules = folder.join("node_modules");
    let stamp = folder.join("installed");
    let lock = fs::read(source.join("package-lock.json"))?;
    let wanted = sha256(&lock);
    if modules.is_dir() && fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(modules);
    }
    fs::create_dir_all(folder)?;
    fs::write(folder.join("package-lock.json"), lock)?;
    fs::copy(source.join("package.json"), folder.join("package.json"))?;

    let sh = &project.sh;
    let _folder = sh.push_dir(folder);
    // Without scripts: tfjs-node's would download a native library that nothing here uses.
    // What it prints is of no use, and stdout may belong to a task that prints JSON.
    cmd!(sh, "npm ci --ignore-scripts --no-audit --no-fund --loglevel error").read().with_context(|| {
        format!(
            "what the package-lock.json names could not be installed: try `npm ci --ignore-scripts` in {}",
            folder.display()
        )
    })?;
    fs::write(&stamp, wanted)?;
    Ok(modules)
}
