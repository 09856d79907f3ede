//! `cargo xtask examples`: the programs in crates/tfjs-io/examples, run. Each fails if what it shows does not work.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use xshell::cmd;

use crate::object_stores::{Profile, Server, Stores, in_folder};
use crate::project::Project;

const FOLDER: &str = "crates/tfjs-io/examples";

/// The one that needs a server.
const FROM_A_STORE: &str = "s3_to_disk";

/// What it copies.
const MODEL: &str = "tests/models/tiny";

pub(crate) fn run(project: &Project) -> Result<()> {
    let sh = &project.sh;
    // As the tests are built, so that nothing is built twice.
    cmd!(sh, "cargo build --workspace --all-features --examples").run()?;
    let mut names = Vec::new();
    for entry in fs::read_dir(project.root.join(FOLDER))? {
        let path = entry?.path();
        names.push(path.file_stem().context("an example has a name")?.to_string_lossy().into_owned());
    }
    names.sort();
    ensure!(!names.is_empty(), "{FOLDER} has no examples");
    for name in &names {
        println!("\n--- {name}");
        if name == FROM_A_STORE { from_a_store(project, name)? } else { succeed(&mut program(project, name))? }
    }
    println!("examples: {} ran", names.len());
    Ok(())
}

fn program(project: &Project, name: &str) -> Command {
    let file = project.target.join("debug/examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    Command::new(file)
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("starting {}", command.get_program().display()))?;
    ensure!(status.success(), "{} failed: {status}", command.get_program().display());
    Ok(())
}

/// Puts a model into a store, and lets the example bring it back.
fn from_a_store(project: &Project, name: &str) -> Result<()> {
    let stores = Stores::ready(project, Profile::Debug)?;
    in_folder(&project.target.join("examples"), || {
        let folder = project.target.join("examples");
        let server = stores.s3(&folder.join("objects"))?;
        let model = project.root.join(MODEL).display().to_string();
        stores.read(&server, &["cp", &model, "s3://bucket/tiny"])?;
        let copy = folder.join("copy");
        succeed(program(project, name).arg("s3://bucket/tiny").arg(&copy).envs(server.environment()))?;
        is_whole(&stores, &server, &copy)
    })
}

fn is_whole(stores: &Stores<'_>, server: &Server, copy: &Path) -> Result<()> {
    stores.read(server, &["verify", &copy.display().to_string()]).map(drop)
}
