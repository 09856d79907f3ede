//! The published models that conformance reads: npm packages, pinned by version and checksum, fetched and never committed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use xshell::cmd;

use crate::hex::sha256;
use crate::npm;
use crate::project::Project;
use crate::tools;

/// A model on disk, under the name that the tasks print.
pub(crate) struct Model {
    pub(crate) name: String,
    /// Its model.json, or the bare manifest of an old converter.
    pub(crate) path: PathBuf,
}

struct Package {
    name: &'static str,
    version: &'static str,
    /// Of the tarball.
    sha256: &'static str,
    /// As the package itself states it.
    licence: &'static str,
    models: &'static [(&'static str, &'static str)],
}

const PACKAGES: &[Package] = &[
    Package {
        name: "@vscode/vscode-languagedetection",
        version: "1.0.23",
        sha256: "23a55877f5cf56083d5034e15a56ea7fc8a5ba9c1f287fe631e21842ed916e2e",
        licence: "MIT",
        models: &[("guesslang", "model/model.json")],
    },
    Package {
        name: "@spotify/basic-pitch",
        version: "1.0.1",
        sha256: "8efee25e266e4a06bb2a8f3a86ad934179a2db2845c1544a9b2e43b37a74a874",
        licence: "Apache-2.0",
        models: &[("basic-pitch", "model/model.json")],
    },
    Package {
        name: "@upscalerjs/default-model",
        version: "1.0.0",
        sha256: "4d40035493971cf5a9dac28738dd04c5c13e5b936bf35fa467bb368b99a1d36c",
        licence: "MIT",
        models: &[("default-model", "models/model.json")],
    },
    Package {
        name: "@upscalerjs/esrgan-slim",
        version: "1.0.0",
        sha256: "b53070ff01363e74d33138106dcc72b58d341c9fb7e8fd648554a4e7744142b5",
        licence: "MIT",
        models: &[
            ("esrgan-slim-x2", "models/x2/model.json"),
            ("esrgan-slim-x3", "models/x3/model.json"),
            ("esrgan-slim-x4", "models/x4/model.json"),
            ("esrgan-slim-x8", "models/x8/model.json"),
        ],
    },
    Package {
        name: "@vladmandic/face-api",
        version: "1.7.15",
        sha256: "0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031",
        licence: "MIT",
        models: &[
            ("face-api-age-gender", "model/age_gender_model-weights_manifest.json"),
            ("face-api-expression", "model/face_expression_model-weights_manifest.json"),
            ("face-api-landmark-68", "model/face_landmark_68_model-weights_manifest.json"),
            ("face-api-landmark-68-tiny", "model/face_landmark_68_tiny_model-weights_manifest.json"),
            ("face-api-recognition", "model/face_recognition_model-weights_manifest.json"),
            ("face-api-ssd-mobilenet-v1", "model/ssd_mobilenetv1_model-weights_manifest.json"),
            ("face-api-tiny-detector", "model/tiny_face_detector_model-weights_manifest.json"),
        ],
    },
];

/// `cargo xtask models`.
pub(crate) fn list(project: &Project) -> Result<()> {
    for package in PACKAGES {
        println!("{}@{} ({})", package.name, package.version, package.licence);
        for model in package.fetch(project)? {
            println!("  {:<26} {}", model.name, model.path.display());
        }
    }
    Ok(())
}

/// Every model, fetched if it is not there yet.
pub(crate) fn fetch(project: &Project) -> Result<Vec<Model>> {
    let mut models = Vec::new();
    for package in PACKAGES {
        models.extend(package.fetch(project)?);
    }
    Ok(models)
}

impl Package {
    fn fetch(&self, project: &Project) -> Result<Vec<Model>> {
        let _alone = tools::alone()?;
        let folder = project.target.join("models");
        fs::create_dir_all(&folder)?;
        let name = format!("{}-{}", self.name.trim_start_matches('@').replace('/', "-"), self.version);
        let tarball = folder.join(format!("{name}.tgz"));
        let unpacked = folder.join(&name);

        let is_there = fs::read(&tarball).is_ok_and(|bytes| sha256(&bytes) == self.sha256);
        if !is_there {
            self.download(project, &tarball)?;
        }
        if !is_there || !unpacked.is_dir() {
            unpack(project, &tarball, &unpacked)?;
        }
        self.models.iter().map(|(name, path)| self.model(name, &unpacked.join("package").join(path))).collect()
    }

    /// To a folder of its own first: what stands at `tarball` has always been verified.
    fn download(&self, project: &Project, tarball: &Path) -> Result<()> {
        let folder = tempfile::tempdir_in(&project.target)?;
        let fetched = npm::pack(project, &format!("{}@{}", self.name, self.version), folder.path())?;
        let found = sha256(&fs::read(&fetched)?);
        if found != self.sha256 {
            bail!(
                "{}@{} is not what this workspace was tested with: its sha256 is {found}, {} was expected. \
                 Find out who changed it before the table in xtask/src/models.rs follows",
                self.name,
                self.version,
                self.sha256
            );
        }
        fs::rename(&fetched, tarball).with_context(|| format!("moving the tarball to {}", tarball.display()))
    }

    fn model(&self, name: &str, path: &Path) -> Result<Model> {
        ensure!(
            path.is_file(),
            "{}@{} has no {}: correct the table in xtask/src/models.rs",
            self.name,
            self.version,
            path.display()
        );
        Ok(Model { name: name.to_owned(), path: path.to_path_buf() })
    }
}

/// Whole or not at all: a folder that exists is complete.
fn unpack(project: &Project, tarball: &Path, destination: &Path) -> Result<()> {
    let sh = &project.sh;
    let folder = tempfile::tempdir_in(&project.target)?;
    let temporary = folder.path();
    cmd!(sh, "tar -xzf {tarball} -C {temporary}").quiet().run()?;
    if destination.exists() {
        fs::remove_dir_all(destination)?;
    }
    fs::rename(folder.keep(), destination)
        .with_context(|| format!("moving the unpacked package to {}", destination.display()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::PACKAGES;

    #[test]
    fn there_are_fourteen_models_with_names_of_their_own() {
        let names: BTreeSet<_> = PACKAGES.iter().flat_map(|package| package.models).map(|(name, _)| name).collect();
        assert_eq!(names.len(), 14);
        assert_eq!(PACKAGES.iter().map(|package| package.models.len()).sum::<usize>(), 14);
    }
}
