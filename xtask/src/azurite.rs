//! `cargo xtask azurite`: the suite of every backend, and the command, with models in Azure Blob Storage, as Azurite emulates it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use xshell::{Cmd, cmd};

use crate::backends::{self, Source};
use crate::counted::{self, Count};
use crate::npm;
use crate::project::Project;
use crate::services::Service;

/// Sent in parts: more than an object may have that is sent as one.
const LARGE: usize = 20 << 20;

/// All of it, or an error.
pub(crate) fn judge(project: &Project) -> Result<()> {
    let count = run(project)?;
    ensure!(count.failed == 0, "{count}");
    Ok(())
}

/// Each behaviour counts as one, and so does the command.
pub(crate) fn run(project: &Project) -> Result<Count> {
    let folder = folder(project);
    let azurite = start(project)?;
    let url = &azurite.url;
    let large = folder.join("large");
    write_large(&large)?;
    let tfjs = Stored { project, tfjs: project.tfjs()?, url };
    for (name, model) in [("tiny", project.root.join("tests/models/tiny")), ("large", large)] {
        tfjs.there_and_back(name, &model, &folder.join("back"))?;
    }
    println!("azurite: two models were copied there, replaced, read, listed, moved and removed");
    let behaviours = suite(project, url)?;
    Ok(behaviours.plus(Count { passed: 1, failed: 0 }))
}

/// The suite of every backend alone.
pub(crate) fn behaviours(project: &Project) -> Result<Count> {
    suite(project, &start(project)?.url)
}

fn folder(project: &Project) -> PathBuf {
    project.target.join("azurite")
}

/// The emulator, with one empty container.
fn start(project: &Project) -> Result<Service> {
    let scripts = project.root.join("tests/object-stores");
    let folder = folder(project);
    let modules = npm::install(project, &scripts, &folder)?;
    let azurite = Service::azurite(&modules.join("azurite/dist/src/blob/main.js"), &folder)?;
    let (sh, url, script) = (&project.sh, &azurite.url, scripts.join("container.js"));
    cmd!(sh, "node {script} {url} container").run()?;
    Ok(azurite)
}

/// The behaviours that every backend shows (`tfjs-testkit`).
fn suite(project: &Project, url: &str) -> Result<Count> {
    let sh = &project.sh;
    // The whole workspace, because then nothing is built that the other tests have not been built with.
    let cargo = cmd!(sh, "cargo test --workspace --all-features --test azurite");
    println!("$ {cargo}");
    let (variable, records) = backends::environment(project, Source::Azurite)?;
    Ok(counted::run(cargo.envs(environment(url)).env(variable, records).into())?.judge())
}

/// What the SDK reads.
fn environment(url: &str) -> [(&'static str, &str); 3] {
    [("AZURE_STORAGE_USE_EMULATOR", "true"), ("AZURITE_BLOB_STORAGE_URL", url), ("AZURE_ALLOW_HTTP", "true")]
}

/// The command and the store.
struct Stored<'p> {
    project: &'p Project,
    tfjs: PathBuf,
    url: &'p str,
}

impl Stored<'_> {
    fn there_and_back(&self, name: &str, model: &Path, back: &Path) -> Result<()> {
        let (stored, moved) = (format!("az://container/models/{name}"), format!("az://container/moved/{name}.json"));
        let _gone = fs::remove_dir_all(back);
        let model = model.display().to_string();
        let tensors = self.read(&["tensors", "--json", &model])?;
        for _ in 0..2 {
            self.read(&["cp", &model, &stored])?;
            ensure!(self.read(&["tensors", "--json", &stored])? == tensors, "{stored} has not the tensors of {model}");
        }
        self.read(&["mv", &stored, &moved])?;
        let listed = self.read(&["ls", "az://container"])?;
        ensure!(listed.lines().count() == 1 && listed.contains(&moved), "not what was moved is listed: {listed}");
        let copy = back.display().to_string();
        self.read(&["cp", &moved, &copy])?;
        ensure!(self.read(&["tensors", "--json", &copy])? == tensors, "{moved} has not the tensors of {model}");
        self.read(&["rm", &moved])?;
        ensure!(self.read(&["ls", "az://container"])?.is_empty(), "{moved} is listed though it was removed");
        Ok(())
    }

    fn read(&self, arguments: &[&str]) -> Result<String> {
        Ok(self.command(arguments).read()?)
    }

    fn command(&self, arguments: &[&str]) -> Cmd<'_> {
        let (sh, tfjs) = (&self.project.sh, &self.tfjs);
        cmd!(sh, "{tfjs} {arguments...}").envs(environment(self.url))
    }
}

/// A model whose bytes are no two alike within a part.
fn write_large(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let bytes: Vec<u8> = (0..u32::try_from(LARGE / 4)?).flat_map(u32::to_le_bytes).collect();
    fs::write(folder.join("model.weights.bin"), bytes)?;
    let specs = format!(r#"[{{"name": "w", "shape": [{}], "dtype": "int32"}}]"#, LARGE / 4);
    let manifest = format!(r#"[{{"paths": ["model.weights.bin"], "weights": {specs}}}]"#);
    fs::write(folder.join("model.json"), format!(r#"{{"modelTopology": {{}}, "weightsManifest": {manifest}}}"#))?;
    Ok(())
}
