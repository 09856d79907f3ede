//! `cargo xtask guides`: every block of code in docs/guides does what it says. Rust is compiled and run by the documentation tests of
//! `tests`; this runs the rest.

mod blocks;

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use xshell::cmd;

use crate::project::Project;
use crate::tools;
use blocks::{Block, blocks};

const GUIDES: &str = "docs/guides";

/// Where the documentation tests of the guides are listed.
const TESTED_IN: &str = "tests/lib.rs";

/// What the blocks of shell call `tiny`.
const MODEL: &str = "tests/models/tiny";

/// What the guides let servers listen on, and what they get here.
const PORT: &str = "127.0.0.1:8000";

pub(crate) fn run(project: &Project) -> Result<()> {
    let folder = project.root.join(GUIDES);
    let mut files = fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    let listed = fs::read_to_string(project.root.join(TESTED_IN))?;
    let tfjs = project.tfjs()?;
    let (mut run, mut failed) = (0, 0);
    for file in &files {
        let name = file.file_name().context("a guide has a name")?.to_string_lossy();
        match try_guide(project, &tfjs, file, listed.contains(&format!("{GUIDES}/{name}"))) {
            Ok(blocks) => {
                println!("{GUIDES}/{name}: {blocks} blocks");
                run += blocks;
            }
            Err(error) => {
                println!("{GUIDES}/{name}: FAILED: {error:#}");
                failed += 1;
            }
        }
    }
    ensure!(run > 0, "{GUIDES} has no block of code at all");
    ensure!(failed == 0, "{failed} guides do not do what they say");
    println!("guides: {run} blocks in {} files", files.len());
    Ok(())
}

/// Gives the number of its blocks.
fn try_guide(project: &Project, tfjs: &Path, file: &Path, is_listed: bool) -> Result<usize> {
    let text = fs::read_to_string(file)?;
    let blocks = blocks(&text)?;
    ensure!(
        is_listed || !blocks.iter().any(|block| block.language == "rust"),
        "it has examples in Rust that nothing compiles: list it in {TESTED_IN}"
    );
    try_blocks(project, tfjs, &blocks)?;
    Ok(blocks.len())
}

fn try_blocks(project: &Project, tfjs: &Path, blocks: &[Block<'_>]) -> Result<()> {
    let folder = tempfile::tempdir_in(&project.target)?;
    let mut shell = String::new();
    for block in blocks {
        match block.language {
            // The documentation tests have it.
            "rust" | "text" => {}
            "sh" => shell.push_str(block.code),
            "python" => python(project, block, folder.path())?,
            "js" => javascript(project, block, folder.path())?,
            "nginx" => nginx(project, block, folder.path())?,
            "toml" => drop(toml(project, block)?),
            other => bail!("line {}: nothing here tries {other:?}", block.line),
        }
    }
    if shell.is_empty() { Ok(()) } else { run_shell(project, tfjs, &shell, folder.path()) }
}

/// All blocks of a guide in their order, in one shell, whose servers end with it.
fn run_shell(project: &Project, tfjs: &Path, code: &str, folder: &Path) -> Result<()> {
    let sh = &project.sh;
    let model = folder.join("tiny");
    fs::create_dir(&model)?;
    for entry in fs::read_dir(project.root.join(MODEL))? {
        let entry = entry?;
        fs::copy(entry.path(), model.join(entry.file_name()))?;
    }
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let begin = "set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\ncd \"$FOLDER\"";
    let script = format!("{begin}\n{}", code.replace(PORT, &port.to_string()));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let first = tfjs.parent().context("tfjs lies in a folder")?.to_path_buf();
    let path = std::env::join_paths([first].into_iter().chain(std::env::split_paths(&path)))?;
    let output =
        cmd!(sh, "bash -x -c {script}").env("PATH", path).env("FOLDER", folder).quiet().ignore_status().output()?;
    ensure!(
        output.status.success(),
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

fn python(project: &Project, block: &Block<'_>, folder: &Path) -> Result<()> {
    let (sh, file) = (&project.sh, folder.join("guide.py"));
    fs::write(&file, block.code)?;
    cmd!(sh, "python3 -m py_compile {file}").quiet().run().with_context(|| format!("line {}", block.line))
}

fn javascript(project: &Project, block: &Block<'_>, folder: &Path) -> Result<()> {
    let (sh, file) = (&project.sh, folder.join("guide.mjs"));
    fs::write(&file, block.code)?;
    cmd!(sh, "node --check {file}").quiet().run().with_context(|| format!("line {}", block.line))
}

fn nginx(project: &Project, block: &Block<'_>, folder: &Path) -> Result<()> {
    let (sh, file, nginx) = (&project.sh, folder.join("nginx.conf"), tools::nginx(project)?);
    let log = folder.join("nginx.log");
    let around = format!("pid {}/nginx.pid;\nerror_log {};\nevents {{}}\n", folder.display(), log.display());
    fs::write(&file, format!("{around}http {{\naccess_log off;\n{}\n}}\n", block.code))?;
    cmd!(sh, "{nginx} -t -q -c {file} -e {log}").quiet().run().with_context(|| format!("line {}", block.line))
}

fn toml(project: &Project, block: &Block<'_>) -> Result<String> {
    let (sh, code) = (&project.sh, block.code);
    let parse = "import sys, tomllib; tomllib.loads(sys.stdin.read())";
    cmd!(sh, "python3 -c {parse}").stdin(code).quiet().read().with_context(|| format!("line {}", block.line))
}
