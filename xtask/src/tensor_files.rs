//! `cargo xtask tensor-files`: what `tfjs convert` writes, the Python packages of safetensors and NumPy read, and the other way round.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;
use xshell::cmd;

use crate::comparison;
use crate::conformance::subjects;
use crate::oracle::Tensor;
use crate::project::Project;
use crate::tfjs::Tfjs;
use crate::tools;

const EXTENSIONS: [&str; 2] = ["safetensors", "npz"];

/// A question; `tests/interop/tensor_files.py` says what each means.
#[derive(Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Job {
    Digest { path: PathBuf },
    Rewrite { path: PathBuf, to: PathBuf },
    Foreign { to: PathBuf },
}

/// What was made of a model: with its values, as it is, and what Python made of the latter.
struct Files {
    name: String,
    tensors: Vec<Tensor>,
    copy: PathBuf,
    values: PathBuf,
    whole: PathBuf,
    rewritten: PathBuf,
}

pub(crate) fn run(project: &Project) -> Result<()> {
    let python = tools::tensor_files(project)?;
    let tfjs = Tfjs::build(project)?;
    let folder = project.target.join("tensor-files");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let foreign = folder.join("foreign");
    fs::create_dir_all(&foreign)?;
    let files = written(project, &tfjs, &folder)?;

    let read = files.iter().map(|file| Job::Digest { path: file.values.clone() });
    let digests: Vec<Vec<Tensor>> = ask(project, &python, &read.collect::<Vec<_>>())?;
    let mut tensors = 0;
    for (file, digests) in files.iter().zip(&digests) {
        tensors += same(&file.name, digests, &file.tensors)?;
    }
    println!("tensor files: Python reads {tensors} tensors of {} files as they are", files.len());

    let rewrite = |file: &Files| Job::Rewrite { path: file.whole.clone(), to: file.rewritten.clone() };
    let _counts: Vec<usize> = ask(project, &python, &files.iter().map(rewrite).collect::<Vec<_>>())?;
    for file in &files {
        for source in [&file.whole, &file.rewritten] {
            let back = folder.join("back");
            let _gone = fs::remove_dir_all(&back);
            tfjs.convert(source, &back, &[])?;
            same_folder(&file.name, &back, &file.copy)?;
        }
    }
    println!("tensor files: {} files, and what Python made of them, are the models again, byte for byte", files.len());

    let theirs: Vec<BTreeMap<String, Vec<Tensor>>> = ask(project, &python, &[Job::Foreign { to: foreign.clone() }])?;
    for (name, expected) in theirs.iter().flatten() {
        let model = folder.join("model");
        let _gone = fs::remove_dir_all(&model);
        tfjs.convert(&foreign.join(name), &model, &["--convert-dtypes"])?;
        let count = same(name, &tfjs.tensors(&model)?, expected)?;
        println!("tensor files: {name} of Python has the same {count} tensors");
    }
    fs::remove_dir_all(&folder).context("what was written has to go")
}

/// Every model and golden, in both formats.
fn written(project: &Project, tfjs: &Tfjs<'_>, folder: &Path) -> Result<Vec<Files>> {
    let mut files = Vec::new();
    for subject in subjects::sources(project)? {
        let tensors = tfjs.tensors(&subject.path)?;
        let copy = folder.join(format!("{}-copy", subject.name));
        tfjs.copy(&subject.path, &copy, &[])?;
        for extension in EXTENSIONS {
            let path = |what: &str| folder.join(format!("{}-{what}.{extension}", subject.name));
            let (values, whole, rewritten) = (path("values"), path("whole"), path("rewritten"));
            tfjs.convert(&subject.path, &values, &["--dequantize"])?;
            tfjs.convert(&subject.path, &whole, &[])?;
            let name = format!("{} as {extension}", subject.name);
            files.push(Files { name, tensors: tensors.clone(), copy: copy.clone(), values, whole, rewritten });
        }
    }
    Ok(files)
}

/// By name, since each format has an order of its own. Strings and complex numbers have another type there, and the same bytes.
fn same(name: &str, found: &[Tensor], expected: &[Tensor]) -> Result<usize> {
    let by_name = |tensors: &[Tensor]| {
        let mut tensors = tensors.to_vec();
        tensors.sort_by(|one, other| one.name.cmp(&other.name));
        tensors
    };
    let mut found = found.to_vec();
    for tensor in &mut found {
        // A name that the file cannot have is told by the tensor's number.
        let is_known = expected.iter().any(|expected| expected.name == tensor.name);
        let number = tensor.name.strip_prefix("tensor-").and_then(|number| number.parse::<usize>().ok());
        if let Some(renamed) = number.and_then(|number| expected.get(number)).filter(|_| !is_known) {
            tensor.name.clone_from(&renamed.name);
        }
    }
    let (mut found, expected) = (by_name(&found), by_name(expected));
    for (found, expected) in found.iter_mut().zip(&expected) {
        let is_pairs = expected.dtype == "complex64" && found.shape.split_last() == Some((&2, &expected.shape));
        let is_bytes = found.dtype == "uint8" && matches!(expected.dtype.as_str(), "string" | "bool");
        if is_pairs || is_bytes {
            found.dtype.clone_from(&expected.dtype);
            found.shape.clone_from(&expected.shape);
        }
    }
    let comparison = comparison::tensors(&found, &expected);
    ensure!(comparison.is_clean(), "{name}: {}", comparison.differences.join("\n"));
    Ok(comparison.equal)
}

/// The same files with the same bytes, but for the dates of nothing: there are none in a model.
fn same_folder(name: &str, found: &Path, expected: &Path) -> Result<()> {
    let names = |folder: &Path| -> Result<Vec<_>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
            names.push(entry?.file_name());
        }
        names.sort();
        Ok(names)
    };
    let (there, wanted) = (names(found)?, names(expected)?);
    ensure!(there == wanted, "{name}: there are {there:?}, not {wanted:?}");
    for file in wanted {
        let is_same = fs::read(found.join(&file))? == fs::read(expected.join(&file))?;
        ensure!(is_same, "{name}: {} is another one", file.display());
    }
    Ok(())
}

/// One answer for each job, in order, from one process.
fn ask<T: DeserializeOwned>(project: &Project, python: &Path, jobs: &[Job]) -> Result<Vec<T>> {
    let sh = &project.sh;
    let script = project.root.join("tests").join("interop").join("tensor_files.py");
    let printed = cmd!(sh, "{python} {script}").quiet().stdin(serde_json::to_string(jobs)?).read()?;
    let answers: Vec<T> = serde_json::from_str(&printed).context("tensor_files.py printed something else")?;
    ensure!(answers.len() == jobs.len(), "Python gave {} answers to {} jobs", answers.len(), jobs.len());
    Ok(answers)
}
