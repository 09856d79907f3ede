//! `cargo xtask package`: every crate as it would be published, and the command as `cargo install` gives it.

mod installed;

use anyhow::{Result, ensure};
use clap::Args;
use xshell::cmd;

use crate::project::Project;

/// How much is done with the packages.
#[derive(Args, Clone, Copy, Default)]
pub(crate) struct Options {
    /// Also build each from nothing but its package and those of the others, which takes minutes
    #[arg(long)]
    verify: bool,
}

pub(crate) fn run(project: &Project, options: Options) -> Result<()> {
    packages(project, options)?;
    installed::try_out(project)
}

/// Makes the packages, in `target/package`.
fn packages(project: &Project, options: Options) -> Result<()> {
    let sh = &project.sh;
    let published: Vec<_> = project.published().collect();
    ensure!(!published.is_empty(), "the workspace publishes nothing");

    let named = published.iter().flat_map(|member| ["--package", &member.name]);
    let verify = (!options.verify).then_some("--no-verify");
    cmd!(sh, "cargo package --allow-dirty {verify...} {named...}").run()?;

    let folder = project.target.join("package");
    for member in &published {
        let file = folder.join(format!("{}-{}.crate", member.name, member.version));
        let listed = cmd!(sh, "tar --list --gzip --file {file}").quiet().read()?;
        let readme = format!("{}-{}/README.md", member.name, member.version);
        ensure!(listed.lines().any(|line| line == readme), "{} has no README.md", file.display());
    }
    println!("package: {} crates", published.len());
    Ok(())
}
