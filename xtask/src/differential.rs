//! `cargo xtask differential`: random models, whole and damaged, read by TensorFlow.js and by us.
//!
//! A whole model must have the same tensors on both sides. Of a damaged one we may think otherwise than TensorFlow.js, but only in the
//! ways that [`classes`] lists; each is explained in docs/compatibility.md. Where both load, the values must agree.

mod classes;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Deserialize;

use crate::comparison;
use crate::oracle::{Oracle, Tensor};
use crate::project::Project;
use crate::tfjs::Tfjs;
use classes::Class;

/// Which models.
#[derive(Args)]
pub(crate) struct Options {
    /// How many, a third of them whole
    #[arg(long, default_value_t = 3000)]
    cases: usize,
    /// Other models for another number
    #[arg(long, default_value_t = 1)]
    seed: u32,
}

impl Options {
    /// Those of `ci`.
    pub(crate) fn few() -> Self {
        Self { cases: 600, seed: 1 }
    }
}

/// A model and what TensorFlow.js makes of it.
#[derive(Deserialize)]
struct Case {
    path: PathBuf,
    /// None if it is whole.
    damage: Option<String>,
    #[serde(default)]
    tensors: Vec<Tensor>,
    /// The complex64 tensors that have a NaN in them.
    #[serde(default)]
    nan: Vec<String>,
    error: Option<String>,
}

enum Verdict {
    /// The same tensors.
    Same(usize),
    BothRefuse,
    Known(&'static Class),
    /// A difference that nobody has explained.
    Unexplained(String),
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    let oracle = Oracle::ready(project)?;
    let tfjs = Tfjs::build(project)?;
    let folder = project.target.join("differential");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let request = serde_json::json!({"folder": folder, "cases": options.cases, "seed": options.seed});
    let answers = oracle.differential(&request.to_string())?;
    let cases: Vec<Case> =
        serde_json::from_str(&answers).context("differential.js printed something else than its answers")?;
    let verdicts = judge_all(tfjs.binary(), &cases)?;
    report(&cases, &verdicts)
}

/// In as many threads as there are processors: a process for each model takes its time.
fn judge_all(tfjs: &Path, cases: &[Case]) -> Result<Vec<Verdict>> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let chunk = cases.len().div_ceil(threads).max(1);
    let judged: Vec<Result<Vec<Verdict>>> = thread::scope(|scope| {
        let judges: Vec<_> = cases
            .chunks(chunk)
            .map(|cases| scope.spawn(move || cases.iter().map(|case| judge(tfjs, case)).collect()))
            .collect();
        judges.into_iter().map(|judge| judge.join().unwrap_or_else(|_| Ok(Vec::new()))).collect()
    });
    let verdicts: Vec<_> = judged.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
    ensure!(verdicts.len() == cases.len(), "{} of {} models were judged", verdicts.len(), cases.len());
    Ok(verdicts)
}

fn judge(tfjs: &Path, case: &Case) -> Result<Verdict> {
    let output = Command::new(tfjs).args(["tensors", "--json"]).arg(&case.path).output()?;
    let complaint = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let ours: Result<Vec<Tensor>, String> = match output.status.code() {
        Some(0) => Ok(serde_json::from_slice(&output.stdout).context("`tfjs tensors --json` printed no tensors")?),
        Some(1) => Err(complaint),
        _ => return Ok(Verdict::Unexplained(format!("`tfjs` ended with {}: {complaint}", output.status))),
    };
    let is_whole = case.damage.is_none();
    Ok(match (&case.error, ours) {
        (Some(error), _) if is_whole => Verdict::Unexplained(format!("TensorFlow.js refuses a whole model: {error}")),
        (None, Err(complaint)) if is_whole => Verdict::Unexplained(format!("we refuse a whole model: {complaint}")),
        (Some(_), Err(_)) => Verdict::BothRefuse,
        (None, Err(complaint)) => classes::of_refusal(&complaint)
            .map_or_else(|| Verdict::Unexplained(format!("only we refuse it: {complaint}")), Verdict::Known),
        (Some(error), Ok(_)) => Verdict::Unexplained(format!("only TensorFlow.js refuses it: {error}")),
        (None, Ok(tensors)) => compare(&tensors, case),
    })
}

fn compare(ours: &[Tensor], case: &Case) -> Verdict {
    // There is nothing to compare in a model without tensors, which is no difference here.
    if ours.is_empty() && case.tensors.is_empty() {
        return Verdict::Same(0);
    }
    let comparison = comparison::tensors(ours, &case.tensors);
    let is_nan = |(ours, theirs): (&Tensor, &Tensor)| {
        let with_their_bits = Tensor { sha256: theirs.sha256.clone(), ..ours.clone() };
        ours == theirs || (with_their_bits == *theirs && case.nan.contains(&ours.name))
    };
    if comparison.is_clean() {
        Verdict::Same(comparison.equal)
    } else if ours.len() == case.tensors.len() && ours.iter().zip(&case.tensors).all(is_nan) {
        Verdict::Known(&classes::NAN)
    } else {
        Verdict::Unexplained(format!("both load it, but: {}", comparison.differences.join("; ")))
    }
}

/// One broken rule breaks hundreds of models alike.
const SHOWN: usize = 10;

fn report(cases: &[Case], verdicts: &[Verdict]) -> Result<()> {
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut same, mut tensors, mut whole, mut both, mut unexplained) = (0, 0, 0, 0, Vec::new());
    for (case, verdict) in cases.iter().zip(verdicts) {
        match verdict {
            Verdict::Same(equal) => {
                same += 1;
                tensors += equal;
                whole += usize::from(case.damage.is_none());
            }
            Verdict::BothRefuse => both += 1,
            Verdict::Known(class) => {
                *known.entry(class.name).or_default() += 1;
                // A whole model is refused by nobody: what is known of it is a NaN.
                whole += usize::from(case.damage.is_none());
            }
            Verdict::Unexplained(why) => unexplained.push((case, why)),
        }
    }
    println!("{:>6} models, {same} the same on both sides ({whole} whole), {tensors} tensors", cases.len());
    println!("{both:>6} refused by both");
    for (class, count) in &known {
        println!("{count:>6} {class}");
    }
    println!("{:>6} differ otherwise", unexplained.len());
    for (case, why) in unexplained.iter().take(SHOWN) {
        let damage = case.damage.as_deref().unwrap_or("whole");
        println!("  {} ({damage}): {}", case.path.display(), why.chars().take(600).collect::<String>());
    }
    let wholes = cases.iter().filter(|case| case.damage.is_none()).count();
    ensure!(
        unexplained.is_empty(),
        "{} models differ in a way that docs/compatibility.md does not know",
        unexplained.len()
    );
    ensure!(tensors > 0 && whole == wholes, "{whole} of {wholes} whole models were compared");
    Ok(())
}
