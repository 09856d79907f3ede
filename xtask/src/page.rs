//! `cargo xtask page`: the page that manages models, built, served, installed, and tried in a real Chromium.

mod files;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Serialize;
use xshell::cmd;

use crate::counted::{self, Count};
use crate::npm;
use crate::project::Project;
use crate::tools::{self, web};

const PACKAGE: &str = "tfjs-model-manager";

/// The picture in README.md.
const PICTURE: &str = "docs/images/model-manager.png";

/// What to do with it.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Options {
    /// The folder of the models that are served with it; without one, a folder in target/ with a small model
    folder: Option<PathBuf>,
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: String,
    /// Only builds it, into target/page
    #[arg(long)]
    build: bool,
    /// Builds it, and puts it where `tfjs serve --page` of `cargo install` looks for it
    #[arg(long, conflicts_with = "build")]
    install: bool,
    /// Tries every action of it in Chromium
    #[arg(long, conflicts_with_all = ["build", "install", "folder"])]
    check: bool,
    /// Only the checks of this file in tests/model-manager/checks
    #[arg(long, value_name = "NAME", requires = "check")]
    only: Option<String>,
    /// As --check, and makes the picture in the README anew
    #[arg(long, conflicts_with_all = ["build", "install", "folder"])]
    picture: bool,
}

/// What the driver of the checks is told.
#[derive(Serialize)]
struct Configuration {
    chromium: PathBuf,
    /// `node_modules`, with TensorFlow.js, playwright-core and axe-core.
    modules: PathBuf,
    /// The page.
    page: PathBuf,
    tfjs: PathBuf,
    /// With the models of tests/.
    root: PathBuf,
    /// For profiles, downloads, screenshots and served models.
    folder: PathBuf,
    filter: Option<String>,
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    if options.check || options.picture {
        let count = check(project, options.only.as_deref())?;
        ensure!(count.failed == 0, "{} checks of the page failed: see the lines that say FAILED", count.failed);
        return if options.picture { renew_picture(project) } else { Ok(()) };
    }
    let page = files::build(project)?;
    if options.build {
        println!("page: {}", page.display());
        return Ok(());
    }
    if options.install {
        return install(project, &page);
    }
    serve(project, &page, options)
}

/// Builds the page, and tries every action of it; tells how many checks there were.
pub(crate) fn check(project: &Project, filter: Option<&str>) -> Result<Count> {
    let page = files::build(project)?;
    let folder = project.target.join("page-checks");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("{} must go", folder.display()))?;
    }
    let modules = npm::modules(project)?;
    let browser = web::browser(project)?;
    println!("page: {}", browser.describe());
    let configuration = Configuration {
        chromium: browser.chromium,
        modules: modules.clone(),
        page,
        tfjs: project.tfjs()?,
        root: project.root.clone(),
        folder,
        filter: filter.map(str::to_owned),
    };
    let mut command = Command::new("node");
    command.arg(project.root.join("tests").join("model-manager").join("main.js"));
    command.arg(serde_json::to_string(&configuration)?).env("NODE_PATH", modules);
    Ok(counted::run(command)?.judge())
}

fn renew_picture(project: &Project) -> Result<()> {
    let (made, kept) =
        (project.target.join("page-checks").join("screenshots").join("light.png"), project.root.join(PICTURE));
    fs::copy(&made, &kept).with_context(|| format!("copying {} to {}", made.display(), kept.display()))?;
    println!("page: {PICTURE} is new; look at it before you commit it");
    Ok(())
}

fn install(project: &Project, page: &Path) -> Result<()> {
    let root = std::env::var_os("CARGO_INSTALL_ROOT").map_or_else(tools::cargo_home, |root| Ok(PathBuf::from(root)))?;
    let place = root.join("share").join("tfjs").join("page");
    if place.exists() {
        fs::remove_dir_all(&place).with_context(|| format!("{} must go", place.display()))?;
    }
    files::copy(project, page, &place)?;
    println!("page: {}, where `tfjs serve --page` finds it", place.display());
    Ok(())
}

/// Until the user ends it.
fn serve(project: &Project, page: &Path, options: &Options) -> Result<()> {
    let tfjs = project.tfjs()?;
    let sh = &project.sh;
    let folder = options.folder.clone().map_or_else(|| sample(project, &tfjs), Ok)?;
    let listen = &options.listen;
    println!("page: open the address below in a browser; Ctrl-C ends it");
    Ok(cmd!(sh, "{tfjs} serve {folder} --page={page} --listen {listen}").run()?)
}

/// A folder with a small model, for those who have none at hand.
fn sample(project: &Project, tfjs: &Path) -> Result<PathBuf> {
    let folder = project.target.join("page-models");
    if !folder.exists() {
        fs::create_dir_all(&folder)?;
        let (sh, tiny, copy) =
            (&project.sh, project.root.join("tests").join("models").join("tiny"), folder.join("tiny"));
        cmd!(sh, "{tfjs} cp {tiny} {copy}").quiet().ignore_stdout().run()?;
    }
    Ok(folder)
}
