//! Our side: what a program does that loads or uploads a model.

use std::env;

use serde::Deserialize;
use tfjs_io::{LoadOptions, load_with, save};
use tokio::runtime::Runtime;

pub(crate) const MODEL_BYTES: usize = 256 << 20;

/// What xtask tells of the servers; see `xtask/src/bench/web.rs`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Web {
    pub(crate) nginx: String,
    pub(crate) tfjs: String,
    pub(crate) files: Vec<String>,
    pub(crate) single: String,
    pub(crate) upload: String,
    pub(crate) tfjs_process: u32,
}

impl Web {
    pub(crate) fn told() -> Self {
        let Ok(told) = env::var("TFJS_BENCH_WEB") else { panic!("run `cargo xtask bench http`, which starts servers") };
        serde_json::from_str(&told).unwrap()
    }
}

/// Eager: every byte is in memory.
pub(crate) fn load(url: &str) {
    let artifacts = Runtime::new().unwrap().block_on(load_with(url, &LoadOptions::new())).unwrap();
    assert_eq!(artifacts.weights.unwrap().data().byte_length(), MODEL_BYTES as u64);
}

/// Lazy: the weights are read from disk while they are sent.
pub(crate) fn upload(folder: &str, url: &str) {
    Runtime::new().unwrap().block_on(async {
        let artifacts = load_with(folder, &LoadOptions::lazy()).await.unwrap();
        save(&artifacts, url).await.unwrap();
    });
}
