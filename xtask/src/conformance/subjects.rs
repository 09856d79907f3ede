//! The models that are compared: published ones, goldens, and variants of some of both that the reference cut into odd shards.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::comparison;
use crate::models::{self, Model};
use crate::oracle::{Job, Oracle};
use crate::project::Project;
use crate::tfjs::Tfjs;

/// What kind of model it is; each is summed up in a line of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Published by others.
    Model,
    /// In the repository, written by TensorFlow.js.
    Golden,
    /// One of the above, cut anew by TensorFlow.js into several groups and small shards.
    Resharded,
    /// One of the first two, cut anew and quantized by us.
    Ours,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Model, Self::Golden, Self::Resharded, Self::Ours];

    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Model => "models",
            Self::Golden => "goldens",
            Self::Resharded => "re-sharded",
            Self::Ours => "made by us",
        }
    }
}

pub(crate) struct Subject {
    pub(super) kind: Kind,
    pub(crate) name: String,
    /// Its model.json, or the bare manifest of an old converter.
    pub(crate) path: PathBuf,
}

impl Subject {
    /// A folder's name that no other subject has.
    pub(super) fn folder_name(&self) -> String {
        format!("{}-{}", self.kind.plural(), self.name).replace(' ', "-")
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

/// What we make of which models: TensorFlow.js must read it, and find the values that we say are in it.
const OURS: [(&str, &str, &[&str]); 5] = [
    ("esrgan-slim-x2", "uint8", &["--quantize", "uint8", "--shard-size", "4097", "--checksums"]),
    (
        "esrgan-slim-x3",
        "uint16",
        &["--quantize", "uint16=*kernel", "--quantize", "float16=*bias", "--shard-size", "1001"],
    ),
    ("basic-pitch", "float16", &["--quantize", "float16", "--checksums"]),
    ("guesslang", "cut", &["--shard-size", "65537", "--checksums"]),
    ("multi-group", "single", &["--shard-size", "single"]),
];

pub(super) fn all(project: &Project, oracle: &Oracle<'_>, tfjs: &Tfjs<'_>, folder: &Path) -> Result<Vec<Subject>> {
    let mut subjects = sources(project)?;
    let variants = reshard(oracle, &subjects, &folder.join("resharded"))?;
    let ours = make(tfjs, &subjects, &folder.join("ours"))?;
    subjects.extend(variants);
    subjects.extend(ours);
    Ok(subjects)
}

/// The published models, and the goldens.
pub(crate) fn sources(project: &Project) -> Result<Vec<Subject>> {
    let mut subjects: Vec<_> = models::fetch(project)?
        .into_iter()
        .map(|Model { name, path }| Subject { kind: Kind::Model, name, path })
        .collect();
    subjects.extend(goldens(project)?);
    Ok(subjects)
}

fn make(tfjs: &Tfjs<'_>, subjects: &[Subject], folder: &Path) -> Result<Vec<Subject>> {
    let mut made = Vec::new();
    for (source, how, options) in OURS {
        let name = format!("{source}-{how}");
        let destination = folder.join(&name);
        tfjs.copy(&find(subjects, source)?.path, &destination, options)
            .with_context(|| format!("{source} could not be made into {name}"))?;
        made.push(Subject { kind: Kind::Ours, name, path: destination.join("model.json") });
    }
    Ok(made)
}

fn find<'s>(subjects: &'s [Subject], name: &str) -> Result<&'s Subject> {
    subjects.iter().find(|subject| subject.name == name).with_context(|| format!("there is no model {name}"))
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
        let source = &find(subjects, name)?.path;
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
        let comparison = comparison::tensors(&variant.tensors, &source.tensors);
        if !comparison.is_clean() {
            bail!("tests/interop/lib/reshard.js is wrong, it changed {name}: {}", comparison.differences.join("; "));
        }
    }
    Ok(VARIANTS.iter().map(|(name, ..)| variant(name, folder)).collect())
}

fn variant(name: &str, folder: &Path) -> Subject {
    Subject { kind: Kind::Resharded, name: name.to_owned(), path: folder.join(name).join("model.json") }
}
