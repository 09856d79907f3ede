//! `cargo xtask zoo`: models with every class of layer that TensorFlow.js has, written by it, and read and written by us.
//!
//! The summary of each must be the same text on both sides, and so must that of each published model of layers that TensorFlow.js can load.
//! What we have loaded and saved again, TensorFlow.js must load; it must predict the same, bit for bit, and go on learning the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::json;
use xshell::cmd;

use crate::models;
use crate::oracle::Oracle;
use crate::project::Project;
use crate::tfjs::Tfjs;

/// What the zoo had when it was counted last, a little less: a zoo that shrinks proves less.
const LEAST_MODELS: usize = 200;

/// A model of the zoo, and what TensorFlow.js says of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Specimen {
    name: String,
    path: PathBuf,
    /// Saved with its trainable weights only.
    trainable_path: Option<PathBuf>,
    #[serde(flatten)]
    description: Description,
}

/// What either side says of a model.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Description {
    summary: String,
    trainable: u64,
    non_trainable: u64,
    /// Names and shapes, in the order of the model.
    weights: Vec<String>,
    error: Option<String>,
}

/// What our half is asked; `tests/zoo/main.rs` says what it means.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Job<'a> {
    source: &'a Path,
    destination: Option<PathBuf>,
    trainable_only: bool,
    include_optimizer: bool,
}

/// Two files that TensorFlow.js must find to be one model.
#[derive(Serialize)]
struct Pair<'a> {
    name: &'a str,
    before: &'a Path,
    after: PathBuf,
    /// Whether weights may be missing.
    lenient: bool,
    /// Whether it goes on learning.
    train: bool,
}

#[derive(Deserialize)]
struct Judgement {
    differences: Vec<String>,
    predicted: bool,
    trained: bool,
}

pub(crate) fn run(project: &Project) -> Result<()> {
    let oracle = Oracle::ready(project)?;
    let (tfjs, zoo) = (Tfjs::build(project)?, project.test_program("zoo")?);
    let folder = project.target.join("zoo");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let specimens: Vec<Specimen> = parse(&oracle.zoo(&json!({"op": "write", "folder": folder.join("tfjs")}))?)?;
    let mut differences = Vec::new();
    let ours = describe(project, &zoo, &specimens.iter().map(|one| one.path.as_path()).collect::<Vec<_>>())?;
    for (specimen, ours) in specimens.iter().zip(&ours) {
        differences.extend(compare(&specimen.name, ours, &specimen.description));
    }
    differences.extend(command_agrees(&tfjs, &specimens)?);
    let published = published(project, &oracle, &zoo, &mut differences)?;
    let (predicted, trained) = round_trip(project, &oracle, &zoo, &specimens, &folder.join("ours"), &mut differences)?;
    println!("{} models of the zoo and {published} published ones described", specimens.len());
    println!("{predicted} saved by us predict the same in TensorFlow.js, {trained} learn the same");
    for difference in differences.iter().take(SHOWN) {
        println!("  {difference}");
    }
    ensure!(differences.is_empty(), "{} differences", differences.len());
    ensure!(specimens.len() >= LEAST_MODELS && predicted >= LEAST_MODELS, "there should be {LEAST_MODELS} models");
    ensure!(published > 0 && trained > 0, "nothing was published, or nothing learned");
    fs::remove_dir_all(&folder)?;
    Ok(())
}

/// One broken rule breaks many models alike.
const SHOWN: usize = 10;

fn parse<T: for<'de> Deserialize<'de>>(json: &str) -> Result<T> {
    serde_json::from_str(json).context("zoo.js, or the program zoo, printed something else than its answers")
}

fn ask(project: &Project, zoo: &Path, jobs: &[Job<'_>]) -> Result<Vec<Description>> {
    let sh = &project.sh;
    let answers: Vec<Description> = parse(&cmd!(sh, "{zoo}").quiet().stdin(serde_json::to_string(jobs)?).read()?)?;
    ensure!(answers.len() == jobs.len(), "zoo gave {} answers to {} jobs", answers.len(), jobs.len());
    Ok(answers)
}

fn describe(project: &Project, zoo: &Path, paths: &[&Path]) -> Result<Vec<Description>> {
    let job = |&source| Job { source, destination: None, trainable_only: false, include_optimizer: false };
    ask(project, zoo, &paths.iter().map(job).collect::<Vec<_>>())
}

fn compare(name: &str, ours: &Description, theirs: &Description) -> Option<String> {
    if let Some(error) = &ours.error {
        return Some(format!("{name}: we cannot load it: {error}"));
    }
    if (ours.trainable, ours.non_trainable) != (theirs.trainable, theirs.non_trainable) {
        let (ours, theirs) = ((ours.trainable, ours.non_trainable), (theirs.trainable, theirs.non_trainable));
        return Some(format!("{name}: {ours:?} parameters, trainable and not, and not {theirs:?}"));
    }
    if ours.weights != theirs.weights {
        let mut pairs = ours.weights.iter().zip(&theirs.weights);
        let (our, their) = pairs.find(|(our, their)| our != their).unzip();
        return Some(format!("{name}: the weights are others, or in another order: {our:?} and not {their:?}"));
    }
    if ours.summary == theirs.summary {
        return None;
    }
    let mut lines = ours.summary.lines().zip(theirs.summary.lines());
    let (our, their) = lines.find(|(our, their)| our != their).unwrap_or(("a text of another length", ""));
    Some(format!("{name}: the summary has\n    {our}\n  and not\n    {their}"))
}

/// `tfjs summary` prints the same, and nothing else; in as many threads as there are processors.
fn command_agrees(tfjs: &Tfjs<'_>, specimens: &[Specimen]) -> Result<Vec<String>> {
    let binary = tfjs.binary();
    let print = |one: &Specimen| -> Result<Option<String>> {
        let output = std::process::Command::new(binary).arg("summary").arg(&one.path).output()?;
        let is_same = output.status.success() && output.stdout == one.description.summary.as_bytes();
        Ok((!is_same).then(|| format!("{}: `tfjs summary` prints something else", one.name)))
    };
    let chunk = specimens.len().div_ceil(thread::available_parallelism().map_or(1, usize::from)).max(1);
    let printed = thread::scope(|scope| {
        let threads = specimens.chunks(chunk).map(|chunk| scope.spawn(|| chunk.iter().map(print).collect::<Vec<_>>()));
        let threads: Vec<_> = threads.collect();
        threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| anyhow::anyhow!("a thread panicked")))
            .collect::<Result<Vec<_>>>()
    })?;
    let printed = printed.into_iter().flatten().collect::<Result<Vec<_>>>()?;
    ensure!(printed.len() == specimens.len(), "not every model was printed");
    Ok(printed.into_iter().flatten().collect())
}

/// The published models of layers that TensorFlow.js can load; gives how many there are.
fn published(project: &Project, oracle: &Oracle<'_>, zoo: &Path, differences: &mut Vec<String>) -> Result<usize> {
    let models: Vec<_> = models::fetch(project)?.into_iter().filter(|model| is_of_layers(&model.path)).collect();
    let paths: Vec<_> = models.iter().map(|model| model.path.as_path()).collect();
    let theirs: Vec<Description> = parse(&oracle.zoo(&json!({"op": "summaries", "paths": paths}))?)?;
    let ours = describe(project, zoo, &paths)?;
    let mut loadable = 0;
    for ((model, ours), theirs) in models.iter().zip(&ours).zip(&theirs) {
        if let Some(error) = &theirs.error {
            let error = error.lines().next().unwrap_or_default();
            println!("{}: TensorFlow.js cannot load it: {error}", model.name);
            if let Some(error) = &ours.error {
                bail!("{}: neither can we, though a layer that nobody knows is no reason: {error}", model.name);
            }
            continue;
        }
        loadable += 1;
        differences.extend(compare(&model.name, ours, theirs));
    }
    Ok(loadable)
}

fn is_of_layers(model: &Path) -> bool {
    let json = fs::read(model).ok().and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok());
    json.is_some_and(|json| json.get("format").and_then(serde_json::Value::as_str) == Some("layers-model"))
}

/// Saves each model by us, and lets TensorFlow.js compare; gives how many predict, and how many learn.
fn round_trip(
    project: &Project,
    oracle: &Oracle<'_>,
    zoo: &Path,
    specimens: &[Specimen],
    folder: &Path,
    differences: &mut Vec<String>,
) -> Result<(usize, usize)> {
    let (mut jobs, mut pairs) = (Vec::new(), Vec::new());
    for Specimen { name, path, trainable_path, .. } in specimens {
        let train = trainable_path.is_some();
        let mut add = |before, trainable_only: bool| {
            let destination = folder.join(if trainable_only { format!("{name}-trainable") } else { name.clone() });
            let after = destination.join("model.json");
            let include_optimizer = train && !trainable_only;
            jobs.push(Job { source: path, destination: Some(destination), trainable_only, include_optimizer });
            pairs.push(Pair { name, before, after, lenient: trainable_only, train: include_optimizer });
        };
        add(path, false);
        if let Some(trainable) = trainable_path {
            add(trainable, true);
        }
    }
    let saved = ask(project, zoo, &jobs)?;
    if let Some((pair, error)) = pairs.iter().zip(&saved).find_map(|(pair, saved)| Some((pair, saved.error.as_ref()?)))
    {
        bail!("{} could not be saved: {error}", pair.name);
    }
    let judgements: Vec<Judgement> = parse(&oracle.zoo(&json!({"op": "compare", "pairs": pairs}))?)?;
    ensure!(judgements.len() == pairs.len(), "{} of {} pairs were judged", judgements.len(), pairs.len());
    for (pair, judgement) in pairs.iter().zip(&judgements) {
        differences.extend(
            judgement.differences.iter().map(|what| format!("{}: saved by us it differs in {what}", pair.name)),
        );
    }
    let count = |of: fn(&Judgement) -> bool| judgements.iter().filter(|judgement| of(judgement)).count();
    Ok((count(|judgement| judgement.predicted), count(|judgement| judgement.trained)))
}
