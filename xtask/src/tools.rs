//! The tools that the tasks need: found, installed where that is possible, or asked for with the exact command.

mod emulators;
pub(crate) mod web;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use xshell::{Shell, cmd};

use crate::project::Project;
pub(crate) use emulators::{debian_cpu, qemu_user, wine};

const CARGO_DENY: &str = "0.20.2";
const CARGO_FUZZ: &str = "0.13.1";
const OLDEST_NODE: u32 = 20;

/// Until it is dropped, no other process installs anything: steps run beside each other, and apt, npm and rustup refuse or spoil what two do at
/// once.
pub(crate) fn alone() -> Result<File> {
    let folder = cargo_home()?.join("tools");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let path = folder.join("installing.lock");
    let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
    file.lock().with_context(|| format!("locking {}", path.display()))?;
    Ok(file)
}

/// A component of the Rust toolchain; `command` is the cargo subcommand that it brings.
pub(crate) fn rust_component(project: &Project, command: &str, component: &str) -> Result<()> {
    let sh = &project.sh;
    if prints_version(sh, &["cargo", command]).is_some() {
        return Ok(());
    }
    let _alone = alone()?;
    println!("`cargo {command}` is not there: adding the component {component}");
    cmd!(sh, "rustup component add {component}")
        .run()
        .with_context(|| format!("`cargo {command}` is needed: run `rustup component add {component}`"))
}

/// The source of the standard library, for compiling it anew.
pub(crate) fn rust_source(project: &Project) -> Result<()> {
    let sh = &project.sh;
    let sysroot = PathBuf::from(cmd!(sh, "rustc --print sysroot").quiet().read()?);
    if sysroot.join("lib/rustlib/src/rust/library/std").is_dir() {
        return Ok(());
    }
    let _alone = alone()?;
    println!("the source of the standard library is not there: adding the component rust-src");
    cmd!(sh, "rustup component add rust-src")
        .run()
        .context("the source of the standard library is needed: run `rustup component add rust-src`")
}

/// cargo-deny at the pinned version: one that is installed already, or one that goes where cargo installs programs, so that
/// the next clone finds it there.
pub(crate) fn cargo_deny(project: &Project) -> Result<PathBuf> {
    let sh = &project.sh;
    let installed = cargo_home()?.join("bin").join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
    for found in [PathBuf::from("cargo-deny"), installed.clone()] {
        if is_usable_cargo_deny(sh, &found) {
            return Ok(found);
        }
    }
    println!("cargo-deny {CARGO_DENY} is not there: installing it as {}", installed.display());
    cargo_install(sh, "cargo-deny", CARGO_DENY, &[])?;
    if !is_usable_cargo_deny(sh, &installed) {
        bail!("{} was installed but does not print version {CARGO_DENY}", installed.display());
    }
    Ok(installed)
}

/// cargo-fuzz at the pinned version, beside what the user has installed.
pub(crate) fn cargo_fuzz(project: &Project) -> Result<PathBuf> {
    let sh = &project.sh;
    let root = cargo_home()?.join("tools").join(format!("cargo-fuzz-{CARGO_FUZZ}"));
    let binary = root.join("bin").join(format!("cargo-fuzz{}", std::env::consts::EXE_SUFFIX));
    if !binary.is_file() {
        println!("cargo-fuzz {CARGO_FUZZ} is not there: installing it into {}", root.display());
        let place = root.display().to_string();
        cargo_install(sh, "cargo-fuzz", CARGO_FUZZ, &["--root", &place])?;
    }
    cmd!(sh, "{binary} --version")
        .quiet()
        .read()
        .with_context(|| format!("{} was installed but does not run", binary.display()))?;
    Ok(binary)
}

/// Installs exactly this version of a program. `arguments` say where, if not where cargo always does.
fn cargo_install(sh: &Shell, program: &str, version: &str, arguments: &[&str]) -> Result<()> {
    let _alone = alone()?;
    // A mirror of the registry may lag behind the lock file that the program was published with.
    if cmd!(sh, "cargo install {program} --version ={version} --force --locked {arguments...}").run().is_ok() {
        return Ok(());
    }
    cmd!(sh, "cargo install {program} --version ={version} --force {arguments...}")
        .run()
        .with_context(|| format!("{program} is needed: run `cargo install {program} --version ={version}`"))
}

/// Where cargo keeps what it installs.
pub(crate) fn cargo_home() -> Result<PathBuf> {
    let home = || std::env::home_dir().map(|home| home.join(".cargo"));
    std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(home)
        .context("neither CARGO_HOME nor a home folder is set")
}

fn is_usable_cargo_deny(sh: &Shell, binary: &Path) -> bool {
    cmd!(sh, "{binary} --version").quiet().ignore_stderr().read().is_ok_and(|printed| printed.ends_with(CARGO_DENY))
}

/// Node.js new enough for the reference, and npm.
pub(crate) fn node(project: &Project) -> Result<()> {
    let sh = &project.sh;
    let install = "install Node.js 20 or newer with npm, for example `apt-get install -y nodejs npm`";
    let version = prints_version(sh, &["node"]).context(install)?;
    if major(&version).is_none_or(|major| major < OLDEST_NODE) {
        bail!("Node.js is {version}, too old: {install}");
    }
    prints_version(sh, &["npm"]).context(install)?;
    Ok(())
}

/// GNU time, which tells the peak memory of a process.
pub(crate) fn gnu_time(project: &Project) -> Result<PathBuf> {
    let sh = &project.sh;
    let time = PathBuf::from("/usr/bin/time");
    if !time.is_file() {
        debian_package(sh, "time")?;
    }
    let version = cmd!(sh, "{time} --version").quiet().output()?;
    let printed = [version.stdout, version.stderr].concat();
    if !String::from_utf8_lossy(&printed).contains("GNU") {
        bail!("{} is not GNU time: run `apt-get install -y time`", time.display());
    }
    Ok(time)
}

/// Valgrind, whose callgrind counts instructions; gives its version, such as `valgrind-3.19.0`.
pub(crate) fn valgrind(project: &Project) -> Result<String> {
    let sh = &project.sh;
    if let Some(version) = prints_version(sh, &["valgrind"]) {
        return Ok(version);
    }
    debian_package(sh, "valgrind")?;
    prints_version(sh, &["valgrind"]).context("valgrind was installed but does not run")
}

/// Debian's compiler for the web. Its programs have the names of the usual ones, so they are always called by their paths.
pub(crate) const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
pub(crate) const DEBIAN_RUSTDOC: &str = "/usr/bin/rustdoc";
pub(crate) const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_CLIPPY: &str = "/usr/bin/cargo-clippy";

/// Debian's compiler that has a standard library in source, for targets that rustup cannot add.
pub(crate) fn debian_rustc(project: &Project) -> Result<()> {
    const SOURCES: &str = "/usr/lib/rustlib/src/rust/library";
    const LINKER: &str = "/usr/bin/rust-lld";
    let needed = [DEBIAN_RUSTC, DEBIAN_RUSTDOC, DEBIAN_CARGO, SOURCES, LINKER];
    let missing = || needed.into_iter().find(|path| !Path::new(path).exists());
    if missing().is_some() {
        debian_packages(&project.sh, &["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "lld-22"])?;
    }
    match missing() {
        Some(path) => bail!("rustc-web was installed, but {path} is not there"),
        None => Ok(()),
    }
}

/// Clippy for it. It finds the compiler that belongs to it by itself.
pub(crate) fn debian_clippy(project: &Project) -> Result<&'static str> {
    if !Path::new(DEBIAN_CLIPPY).exists() {
        debian_packages(&project.sh, &["rust-web-clippy"])?;
    }
    if !Path::new(DEBIAN_CLIPPY).exists() {
        bail!("rust-web-clippy was installed, but {DEBIAN_CLIPPY} is not there");
    }
    Ok(DEBIAN_CLIPPY)
}

/// nginx, the web server.
pub(crate) fn nginx(project: &Project) -> Result<PathBuf> {
    let sh = &project.sh;
    // Debian puts it where only root's PATH looks.
    let candidates = ["nginx", "/usr/sbin/nginx"];
    let found = || candidates.into_iter().find(|nginx| cmd!(sh, "{nginx} -v").quiet().ignore_stderr().run().is_ok());
    if found().is_none() {
        debian_package(sh, "nginx")?;
    }
    found().map(PathBuf::from).context("nginx was installed but does not run")
}

/// curl, the command.
pub(crate) fn curl(project: &Project) -> Result<()> {
    let sh = &project.sh;
    if prints_version(sh, &["curl"]).is_none() {
        debian_package(sh, "curl")?;
    }
    prints_version(sh, &["curl"]).map(drop).context("curl was installed but does not run")
}

/// A compiler of C++, under the name that build scripts look for.
pub(crate) fn cxx(project: &Project) -> Result<()> {
    let sh = &project.sh;
    if prints_version(sh, &["c++"]).is_none() {
        debian_package(sh, "g++")?;
    }
    prints_version(sh, &["c++"]).map(drop).context("g++ was installed, but there is no c++ on the PATH")
}

/// Python 3.
pub(crate) fn python(project: &Project) -> Result<()> {
    prints_version(&project.sh, &["python3"])
        .map(drop)
        .context("install Python 3, for example `apt-get install -y python3 python3-venv`")
}

const FLASK: &str = "3.1.2";

/// A Python that has Flask, of a virtual environment in `target/`.
pub(crate) fn flask(project: &Project) -> Result<PathBuf> {
    python_with(project, "flask", &[("flask", FLASK)])
}

const SAFETENSORS: &str = "0.8.0";
/// The last that runs with the Python of Debian 12.
const NUMPY: &str = "2.4.6";

/// A Python that has safetensors and NumPy, of a virtual environment in `target/`.
pub(crate) fn tensor_files(project: &Project) -> Result<PathBuf> {
    python_with(project, "tensor-files-python", &[("safetensors", SAFETENSORS), ("numpy", NUMPY)])
}

/// A Python that has these versions of packages, of a virtual environment of this name in `target/`.
fn python_with(project: &Project, name: &str, packages: &[(&str, &str)]) -> Result<PathBuf> {
    python(project)?;
    let sh = &project.sh;
    let environment = project.target.join(name);
    let python = environment.join("bin").join("python3");
    let names: Vec<_> = packages.iter().map(|(package, _)| format!("{package:?}")).collect();
    let versions: Vec<_> = packages.iter().map(|(_, version)| *version).collect();
    let print = format!("import importlib.metadata as m; print(*map(m.version, [{}]))", names.join(", "));
    let is_there = || {
        let printed = cmd!(sh, "{python} -c {print}").quiet().ignore_stderr().read();
        printed.is_ok_and(|printed| printed == versions.join(" "))
    };
    let pinned: Vec<_> = packages.iter().map(|(package, version)| format!("{package}=={version}")).collect();
    let wanted = pinned.join(" and ");
    let _alone = alone()?;
    if !is_there() {
        println!("{wanted}: not there, installing into {}", environment.display());
        cmd!(sh, "python3 -m venv {environment}")
            .run()
            .context("a virtual environment is needed: install python3-venv")?;
        cmd!(sh, "{python} -m pip install --quiet {pinned...}").run().with_context(|| format!("{wanted} needed"))?;
    }
    if !is_there() {
        bail!("{wanted} installed into {}, but cannot be imported", environment.display());
    }
    Ok(python)
}

const AWSCLI: &str = "1.46.3";

/// Amazon's command, `aws`, of a virtual environment in `target/`.
pub(crate) fn aws(project: &Project) -> Result<PathBuf> {
    python(project)?;
    let sh = &project.sh;
    let environment = project.target.join("awscli");
    let (python, aws) = (environment.join("bin").join("python3"), environment.join("bin").join("aws"));
    let is_there = || {
        cmd!(sh, "{aws} --version")
            .quiet()
            .read()
            .is_ok_and(|version| version.starts_with(&format!("aws-cli/{AWSCLI} ")))
    };
    if !is_there() {
        // What is printed may belong to a task that prints JSON.
        eprintln!("awscli {AWSCLI} is not there: installing it into {}", environment.display());
        cmd!(sh, "python3 -m venv {environment}")
            .read()
            .context("a virtual environment is needed: install python3-venv")?;
        cmd!(sh, "{python} -m pip install --quiet awscli=={AWSCLI}").read().context("awscli is needed")?;
    }
    if !is_there() {
        bail!("awscli was installed into {} but does not run", environment.display());
    }
    Ok(aws)
}

fn debian_package(sh: &Shell, package: &str) -> Result<()> {
    apt_install(sh, package, &[package])
}

/// Without what they recommend, such as a whole desktop beside a browser.
pub(crate) fn debian_packages(sh: &Shell, packages: &[&str]) -> Result<()> {
    apt_install(sh, &packages.join(", "), &[&["--no-install-recommends"], packages].concat())
}

fn apt_install(sh: &Shell, what: &str, arguments: &[&str]) -> Result<()> {
    let command = format!("apt-get install -y {}", arguments.join(" "));
    let is_root = cmd!(sh, "id -u").quiet().read().is_ok_and(|id| id == "0");
    if !is_root {
        bail!("{what} must be installed: run `{command}` as root");
    }
    let _alone = alone()?;
    println!("{what}: installing from Debian");
    // A fresh image has no package lists yet.
    if cmd!(sh, "apt-get install -y {arguments...}").run().is_err() {
        cmd!(sh, "apt-get update").run().with_context(|| format!("{what} must be installed: run `{command}`"))?;
        cmd!(sh, "apt-get install -y {arguments...}")
            .run()
            .with_context(|| format!("{what} must be installed: run `{command}`"))?;
    }
    Ok(())
}

/// What `COMMAND --version` prints, if there is such a command.
fn prints_version(sh: &Shell, command: &[&str]) -> Option<String> {
    let (program, arguments) = command.split_first()?;
    cmd!(sh, "{program} {arguments...} --version").quiet().ignore_stderr().read().ok()
}

/// 20 of `v20.20.2`.
fn major(version: &str) -> Option<u32> {
    version.trim_start_matches('v').split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn major_version_of_what_node_prints() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("nonsense"), None);
    }
}
