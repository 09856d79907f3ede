//! `cargo xtask conformance`: the real TensorFlow.js judges what we read and what we write.
//!
//! *Reading*: every tensor that `tfjs tensors` decodes has the name, dtype, shape and digest that TensorFlow.js finds in the same file.
//! *Writing*: what `tfjs cp` wrote, TensorFlow.js loads with the same tensors, and nothing else in it was lost, gained or changed.
//! *The web*: what others serve we load, what TensorFlow.js uploads we serve, what we upload others receive.
//! The first two over the published models, over the goldens, and over variants of some of them that are cut into odd shards and groups.

pub(crate) mod subjects;
mod tally;
mod web;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use crate::comparison::{self, Comparison};
use crate::goldens;
use crate::oracle::{Answer, Job, Oracle};
use crate::project::Project;
use crate::tfjs::Tfjs;
use subjects::Subject;
use tally::Tally;

pub(crate) fn run(project: &Project) -> Result<()> {
    goldens::check(project)?;
    let oracle = Oracle::ready(project)?;
    let tfjs = Tfjs::build(project)?;
    let folder = project.target.join("conformance");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let subjects = subjects::all(project, &oracle, &tfjs, &folder)?;

    let mut tally = Tally::default();
    println!("\nreading: what TensorFlow.js decodes, `tfjs tensors` decodes");
    read(&oracle, &tfjs, &subjects, &mut tally)?;
    println!("\nwriting: what `tfjs cp` wrote, TensorFlow.js loads");
    write(&oracle, &tfjs, &subjects, &folder.join("copies"), &mut tally)?;

    web::run(project, &oracle, &tfjs, &subjects, &folder.join("web"))?;
    println!("\n{tally}");
    ensure!(tally.is_clean(), "TensorFlow.js disagrees: see the lines that say DIFFERS");
    Ok(())
}

fn read(oracle: &Oracle<'_>, tfjs: &Tfjs<'_>, subjects: &[Subject], tally: &mut Tally) -> Result<()> {
    let jobs: Vec<_> = subjects.iter().map(|subject| Job::Digest { path: subject.path.clone() }).collect();
    for (subject, answer) in subjects.iter().zip(oracle.ask(&jobs)?) {
        let comparison = match (tfjs.tensors(&subject.path), answer.error) {
            (_, Some(error)) => Comparison::failed("TensorFlow.js could not load it", &error),
            (Err(error), _) => Comparison::failed("`tfjs tensors` failed", &error.to_string()),
            (Ok(ours), None) => comparison::tensors(&ours, &answer.tensors),
        };
        tally.add_read(subject, &comparison);
    }
    Ok(())
}

fn write(oracle: &Oracle<'_>, tfjs: &Tfjs<'_>, subjects: &[Subject], folder: &Path, tally: &mut Tally) -> Result<()> {
    let copies: Vec<_> = subjects.iter().map(|subject| folder.join(subject.folder_name())).collect();
    let written: Vec<_> =
        subjects.iter().zip(&copies).map(|(subject, copy)| tfjs.copy(&subject.path, copy, &[])).collect();
    let questions =
        subjects.iter().zip(&copies).flat_map(|(subject, copy)| questions(&subject.path, &copy.join("model.json")));
    let answers = oracle.ask(&questions.collect::<Vec<_>>())?;

    for ((subject, written), answers) in subjects.iter().zip(written).zip(answers.chunks_exact(3)) {
        let comparison = match written {
            Err(error) => Comparison::failed("`tfjs cp` failed", &error.to_string()),
            Ok(info) => judge_copy(answers, &info),
        };
        tally.add_written(subject, &comparison);
    }
    Ok(())
}

/// What must be known to judge one copy; `judge_copy` takes the answers in this order.
fn questions(source: &Path, copy: &Path) -> [Job; 3] {
    let (source, copy): (PathBuf, PathBuf) = (source.into(), copy.into());
    [Job::Digest { path: source.clone() }, Job::Info { path: source.clone() }, Job::Reload { source, copy }]
}

fn judge_copy(answers: &[Answer], reported: &crate::oracle::Info) -> Comparison {
    if let Some(error) = answers.iter().find_map(|answer| answer.error.as_ref()) {
        return Comparison::failed("TensorFlow.js could not load it", error);
    }
    let [source, info, copy] = answers else {
        return Comparison::failed("the oracle", "gave too few answers");
    };
    let mut comparison = comparison::tensors(&copy.tensors, &source.tensors);
    match &copy.differences {
        Some(differences) => comparison.differences.extend(differences.iter().cloned()),
        None => comparison.differences.push("the oracle did not say what differs in the copy".to_owned()),
    }
    if info.info.as_ref() != Some(reported) {
        comparison.differences.push(format!("`tfjs cp` reports {reported:?}, TensorFlow.js {:?}", info.info));
    }
    comparison
}
