//! What `cargo xtask zoo` asks of us: loads models of layers, and saves them again.
//!
//! Reads a JSON array of jobs on stdin: `{"source": PATH, "lenient": bool, "destination": PATH?, "trainableOnly": bool, "includeOptimizer":
//! bool}`. Writes an array of answers on stdout: `{"summary": TEXT, "trainable": N, "nonTrainable": N, "weights": [NAME and SHAPE, ..]}`, or
//! `{"error": TEXT}`.
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::io;

use serde::{Deserialize, Serialize};
use tfjs_io::{Error, LayersModelOptions, SaveConfig, WeightMatching, load_layers_model, save_layers_model};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Job {
    source: String,
    #[serde(default)]
    lenient: bool,
    destination: Option<String>,
    #[serde(default)]
    trainable_only: bool,
    #[serde(default)]
    include_optimizer: bool,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Answer {
    summary: String,
    trainable: u64,
    non_trainable: u64,
    weights: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let jobs: Vec<Job> = serde_json::from_reader(io::stdin())?;
    let mut answers = Vec::with_capacity(jobs.len());
    for job in jobs {
        let answer = run(&job).await;
        answers.push(answer.unwrap_or_else(|error| Answer { error: Some(error.to_string()), ..Answer::default() }));
    }
    println!("{}", serde_json::to_string(&answers)?);
    Ok(())
}

async fn run(job: &Job) -> Result<Answer, Error> {
    let matching = if job.lenient { WeightMatching::lenient() } else { WeightMatching::strict() };
    let model = load_layers_model(&job.source, &LayersModelOptions::new().with_matching(matching)).await?;
    if let Some(destination) = &job.destination {
        let config = SaveConfig::new().trainable_only(job.trainable_only).include_optimizer(job.include_optimizer);
        save_layers_model(&model, destination, config).await?;
    }
    let params = model.count_params();
    let weights = model.weights().map(|weight| format!("{}{}", weight.name(), weight.shape())).collect();
    Ok(Answer {
        weights,
        summary: model.summary(),
        trainable: params.trainable,
        non_trainable: params.non_trainable,
        error: None,
    })
}
