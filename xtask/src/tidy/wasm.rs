//! What speaks of the browser is compiled for one.

use std::fs;

use anyhow::Result;

use super::{Finding, files};
use crate::project::{Package, Project};
use crate::wasm;

/// Spelt in two halves, so that this file does not speak of it.
const TARGET: &str = concat!("target_arch = ", "\"wasm32\"");

pub(super) fn check(project: &Project) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for package in project.packages.iter().filter(|package| !wasm::knows(&package.name)) {
        findings.extend(check_package(project, package)?);
    }
    Ok(findings)
}

fn check_package(project: &Project, package: &Package) -> Result<Option<Finding>> {
    let Some(folder) = package.manifest_path.parent() else { return Ok(None) };
    for file in files::all(folder)? {
        let is_code = file.extension().is_some_and(|extension| extension == "rs" || extension == "toml");
        // A package may lie inside of another one's folder.
        if !is_code || owner(project, &file) != Some(&package.name) {
            continue;
        }
        if let Some(line) = line_with_target(&fs::read_to_string(&file)?) {
            let path = file.strip_prefix(&project.root)?;
            let what = format!(
                "put {} into IN_A_BROWSER of xtask/src/wasm.rs, or into ELSEWHERE if a browser has no use for it: what this line says is not compiled anywhere",
                package.name
            );
            return Ok(Some(Finding::new(path, line, what)));
        }
    }
    Ok(None)
}

/// The package to which a file belongs: of those above it, the one whose folder is the longest.
fn owner<'p>(project: &'p Project, file: &std::path::Path) -> Option<&'p String> {
    let folder = |package: &Package| package.manifest_path.parent().map(std::path::Path::to_path_buf);
    let above =
        project.packages.iter().filter(|&package| folder(package).is_some_and(|folder| file.starts_with(folder)));
    above.max_by_key(|&package| folder(package).map(|folder| folder.components().count())).map(|package| &package.name)
}

/// From 1.
fn line_with_target(text: &str) -> Option<usize> {
    (1..).zip(text.lines()).find(|(_, line)| line.contains(TARGET)).map(|(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_names_the_target_is_found() {
        assert_eq!(line_with_target("fine\n"), None);
        assert_eq!(line_with_target(&format!("fine\n#[cfg(not({TARGET}))]\n")), Some(2));
        assert_eq!(line_with_target(&format!("[target.'cfg({TARGET})'.dependencies]\n")), Some(1));
    }
}
