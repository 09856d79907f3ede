//! What the tests of the whole workspace share. The examples of the README are compiled and run as tests of this crate.
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a panic is how a test fails")]

pub mod served;

use std::path::PathBuf;

use sha2::{Digest as _, Sha256};
use tfjs_io::{ModelArtifacts, decode_weights};

/// The README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

/// The page about security, whose example compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../docs/security.md")]
pub struct Security;

/// The guides, whose examples in Rust compile and run. What else they have, `cargo xtask guides` runs.
#[cfg(doctest)]
pub mod guides {
    /// Getting started.
    #[doc = include_str!("../docs/guides/getting-started.md")]
    pub struct GettingStarted;
    /// Files.
    #[doc = include_str!("../docs/guides/files.md")]
    pub struct Files;
    /// HTTP.
    #[doc = include_str!("../docs/guides/http.md")]
    pub struct Http;
    /// The browser's stores.
    #[doc = include_str!("../docs/guides/browser.md")]
    pub struct Browser;
    /// A program in a page.
    #[doc = include_str!("../docs/guides/browser-app.md")]
    pub struct BrowserApp;
    /// Object stores.
    #[doc = include_str!("../docs/guides/object-stores.md")]
    pub struct ObjectStores;
    /// A handler of one's own.
    #[doc = include_str!("../docs/guides/custom-handler.md")]
    pub struct CustomHandler;
    /// Big models.
    #[doc = include_str!("../docs/guides/big-models.md")]
    pub struct BigModels;
    /// Models as objects.
    #[doc = include_str!("../docs/guides/models.md")]
    pub struct Models;
    /// Operations.
    #[doc = include_str!("../docs/guides/operations.md")]
    pub struct Operations;
}

/// The folders of the goldens: models written by TensorFlow.js, with what it read from them.
pub fn goldens() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("goldens");
    let mut goldens: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    goldens.sort();
    assert!(goldens.len() >= 6, "{goldens:?}");
    goldens
}

/// Name, dtype, shape and digest of every tensor, as `digests.json` of a golden has them.
pub async fn digests(artifacts: &ModelArtifacts) -> Vec<serde_json::Value> {
    let tensors = decode_weights(artifacts.weights.as_ref().unwrap()).await.unwrap();
    let digest = |tensor: tfjs_io::Tensor| {
        let (name, dtype) = (tensor.name().to_owned(), tensor.dtype().to_string());
        let shape = tensor.shape().dims().to_vec();
        let bytes = Sha256::digest(tensor.into_le_bytes());
        let sha256 = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        serde_json::json!({ "name": name, "dtype": dtype, "shape": shape, "sha256": sha256 })
    };
    tensors.into_iter().map(digest).collect()
}
