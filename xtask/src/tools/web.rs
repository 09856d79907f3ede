//! The tools for what runs in a browser: wasm-bindgen of the version that the workspace is locked to, and Chromium with its
//! driver.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use xshell::{Shell, cmd};

use super::{cargo_home, cargo_install, debian_packages};
use crate::project::Project;

/// The programs of wasm-bindgen-cli that we use.
const PROGRAMS: [&str; 2] = ["wasm-bindgen", "wasm-bindgen-test-runner"];

/// The folder of the programs of wasm-bindgen-cli, of the version in Cargo.lock: they understand no other one. Those of the user are
/// taken if they have it; otherwise they are installed beside, not over them.
pub(crate) fn wasm_bindgen(project: &Project) -> Result<PathBuf> {
    let sh = &project.sh;
    let version = project.locked_version("wasm-bindgen")?;
    let root = cargo_home()?.join("tools").join(format!("wasm-bindgen-cli-{version}"));
    let ours = root.join("bin");
    let users = env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let are_usable = |folder: &PathBuf| PROGRAMS.iter().all(|program| is_version(sh, &folder.join(program), &version));
    if let Some(found) = users.into_iter().chain([ours.clone()]).find(are_usable) {
        return Ok(found);
    }
    println!("wasm-bindgen-cli {version} is not there: installing it into {}", root.display());
    let place = root.display().to_string();
    cargo_install(sh, "wasm-bindgen-cli", &version, &["--root", &place])?;
    ensure!(are_usable(&ours), "{} was installed but does not print version {version}", ours.display());
    Ok(ours)
}

fn is_version(sh: &Shell, program: &Path, version: &str) -> bool {
    program.is_file()
        && cmd!(sh, "{program} --version")
            .quiet()
            .ignore_stderr()
            .read()
            .is_ok_and(|printed| printed.split_whitespace().nth(1) == Some(version))
}

/// A browser and the driver that belongs to it.
pub(crate) struct Browser {
    pub(crate) chromium: PathBuf,
    pub(crate) chromedriver: PathBuf,
    version: String,
}

impl Browser {
    pub(crate) fn describe(&self) -> String {
        format!("{}, {}", self.version, self.chromium.display())
    }
}

/// Chromium and a driver of the same version: the driver would refuse another one, later and in less clear words.
pub(crate) fn browser(project: &Project) -> Result<Browser> {
    let sh = &project.sh;
    let chosen = env::var_os("CHROMEDRIVER").map(PathBuf::from);
    let found = || {
        let chromium = ["chromium", "google-chrome"].into_iter().find_map(on_path)?;
        Some((chromium, chosen.clone().or_else(|| on_path("chromedriver"))?))
    };
    if found().is_none() {
        debian_packages(sh, &["chromium", "chromium-driver"])?;
    }
    let (chromium, chromedriver) = found().context("Chromium was installed, but is not on the PATH")?;
    let version = |program: &Path| -> Result<String> {
        let printed = cmd!(sh, "{program} --version").quiet().ignore_stderr().read();
        printed.with_context(|| format!("{} does not run", program.display()))
    };
    let versions = [version(&chromium)?, version(&chromedriver)?];
    match versions.each_ref().map(|printed| major(printed)) {
        [Some(browser), Some(driver)] if browser == driver => {}
        _ => bail!(
            "{} is {:?} and {} is {:?}: install both from one place, such as Debian's chromium and chromium-driver",
            chromium.display(),
            versions[0],
            chromedriver.display(),
            versions[1]
        ),
    }
    let [version, _] = versions;
    Ok(Browser { chromium, chromedriver, version })
}

fn on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// 156 of `Chromium 156.0.8078.79 built on Debian`.
fn major(printed: &str) -> Option<u32> {
    printed.split_whitespace().find_map(|word| word.split_once('.')?.0.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn major_versions_of_browser_and_driver() {
        assert_eq!(major("Chromium 156.0.8078.79 built on Debian GNU/Linux 12 (bookworm)"), Some(156));
        assert_eq!(major("ChromeDriver 156.0.8078.79 (b1e6c2-refs/branch-heads/8078@{#79})"), Some(156));
        assert_eq!(major("Google Chrome 149.0.7827.155"), Some(149));
        assert_eq!(major("no number"), None);
    }
}
