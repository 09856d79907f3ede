//! `cargo xtask object-stores`: the command with models in object stores on the loopback address. Processes that save are killed, bytes and
//! requests are counted, and memory is measured.

mod copies;
mod killed;
mod listing;
mod one_tensor;
mod server;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::counted::Count;
use crate::project::Project;
pub(crate) use server::{Profile, Server, Stores};

/// All of it, as `ci` does it. Each part counts as one.
pub(crate) fn run(project: &Project) -> Result<Count> {
    let stores = Stores::ready(project, Profile::Debug)?;
    let folder = project.target.join("object-stores");
    in_folder(&folder, || {
        killed::run(&stores, &folder.join("killed"))?;
        one_tensor::run(&stores, &folder.join("one-tensor"))?;
        listing::run(&stores, &folder.join("listing"))?;
        copies::run(&stores, &folder.join("copies"), &copies::SMALL)
    })?;
    Ok(Count { passed: 4, failed: 0 })
}

/// Models that are larger than what the copies may take, to and from a store: 6 GiB.
pub(crate) fn large(project: &Project) -> Result<()> {
    let stores = Stores::ready(project, Profile::Release)?;
    let folder = project.target.join("object-stores-large");
    in_folder(&folder, || copies::run(&stores, &folder, &copies::LARGE))
}

/// A folder that is new before and gone afterwards.
pub(crate) fn in_folder<T>(folder: &Path, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let remove = || -> Result<()> {
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("{} must go, it may be large", folder.display()))?;
        }
        Ok(())
    };
    remove()?;
    fs::create_dir_all(folder)?;
    let done = work();
    remove()?;
    done
}
