//! The models that are compared: published ones, goldens, and variants of some of both that the reference cut into odd shards.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::compare;
use crate::models::{self, Model};
use crate::oracle::{Job, Oracle};
use crate::project::Project;

/// What kind of model it is; each is summed up in a line of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Published by others.
    Model,
    /// In the repository, written by TensorFlow.js.
    Golden,
    /// One of the above, cut anew into several groups and small shards.
    Resharded,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Model, Self::Golden, Self::Resharded];

    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Model => "models",
            Self::Golden => "goldens",
            Self::Resharded => "re-sharded",
        }
    }
}

pub(super) struct Subject {
    pub(super) kind: Kind,
    pub(super) name: String,
    /// Its model.json, or the bare manifest of an old converter.
    pub(super) path: PathBuf,
}

impl Subject {
    /// A folder's name that no other subject has.
    pub(super) fn folder_name(&self) -> String {
        format!("{}-{}", self.kind.plural(), self.name)
    }
}

/// Which subjects are cut anew, into how many groups and into shards of which sizes, in turn. Sizes that are odd cut elements in two.
const VARIANTS: [(&str, usize, &[usize]); 6] = [
    ("guesslang", 3, &[7, 1000, 4097]),
    ("esrgan-slim-x2", 2, &[4097, 7, 1001]),
    ("face-api-tiny-detector", 2, &[1000, 13, 777]),
    ("all-dtypes", 3, &[7, 1, 13]),
    ("quantized", 2, &[1, 7, 3, 31]),
    ("trained-layers", 3, &[5, 11]),
];

pub(super) fn all(project: &Project, oracle: &Oracle<'_>, folder: &Path) -> Result<Vec<Subject>> {
    let mut subjects: Vec<_> = models::fetch(project)?
        .into_iter()
        .map(|Model { name, path }| Subject { kind: Kind::Model, name, path })
        .collect();
    subjects.extend(goldens(project)?);
    let variants = reshard(oracle, &subjects, &folder.join("resharded"))?;
    subjects.extend(variants);
    Ok(subjects)
}

/// Every folder of tests/goldens and tests/models.
fn goldens(project: &Project) -> Result<Vec<Subject>> {
    let mut goldens = Vec::new();
    for parent in ["goldens", "models"] {
        for folder in project.sh.read_dir(project.root.join("tests").join(parent))? {
            let name = folder.file_name().context("a golden is a folder with a name")?.to_string_lossy().into_owned();
            let path = folder.join("model.json");
            if !path.is_file() {
                bail!("{} has no model.json: run `cargo xtask goldens`", folder.display());
            }
            goldens.push(Subject { kind: Kind::Golden, name, path });
        }
    }
    Ok(goldens)
}

/// The reference itself writes the variants, and must find the same tensors in them as in their sources.
fn reshard(oracle: &Oracle<'_>, subjects: &[Subject], folder: &Path) -> Result<Vec<Subject>> {
    let mut jobs = Vec::new();
    for (name, groups, shard_bytes) in VARIANTS {
        let source = &subjects
            .iter()
            .find(|subject| subject.name == name)
            .with_context(|| format!("there is no model {name} to cut"))?
            .path;
        jobs.push(Job::Digest { path: source.clone() });
        jobs.push(Job::Reshard {
            source: source.clone(),
            destination: folder.join(name),
            groups,
            shard_bytes: shard_bytes.to_vec(),
        });
    }
    let answers = oracle.ask(&jobs)?;
    for ((name, ..), answers) in VARIANTS.iter().zip(answers.chunks_exact(2)) {
        let [source, variant] = answers else { bail!("the oracle gave too few answers") };
        if let Some(error) = source.error.as_ref().or(variant.error.as_ref()) {
            bail!("{name} could not be cut anew: {error}");
        }
        let comparison = compare::tensors(&variant.tensors, &source.tensors);
        if !comparison.is_clean() {
            bail!("tests/interop/lib/reshard.js is wrong, it changed {name}: {}", comparison.differences.join("; "));
        }
    }
    Ok(VARIANTS.iter().map(|(name, ..)| variant(name, folder)).collect())
}

fn variant(name: &str, folder: &Path) -> Subject {
    Subject { kind: Kind::Resharded, name: name.to_owned(), path: folder.join(name).join("model.json") }
}
