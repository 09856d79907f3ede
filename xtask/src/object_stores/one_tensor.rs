//! One tensor of a model in a store: little more than its bytes is read.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::{Result, ensure};
use serde_json::json;

use super::Stores;

const TENSORS: u64 = 16;
const TENSOR_BYTES: u64 = 4_000_000;

pub(super) fn run(stores: &Stores<'_>, folder: &Path) -> Result<()> {
    let source = folder.join("source");
    write(&source)?;
    let source = source.display().to_string();
    let server = stores.s3(&folder.join("objects"))?;
    // Files that begin and end within tensors.
    stores.read(&server, &["cp", "--shard-size", "4MiB", &source, "s3://bucket/m"])?;
    let json = fs::metadata(folder.join("objects/bucket/m/model.json"))?.len();
    let most = TENSOR_BYTES * 11 / 10 + json;
    for name in ["layer0/kernel", "layer9/kernel"] {
        let before = server.counts()?;
        let tensor = stores.read(&server, &["tensors", "s3://bucket/m", "--name", name, "--json"])?;
        let counts = server.counts()?.since(before);
        println!(
            "object-stores: `{name}` of {TENSOR_BYTES} bytes: {} bytes in {} requests (at most {most} bytes)",
            counts.sent_bytes, counts.requests
        );
        ensure!(counts.sent_bytes <= most, "{} bytes were read for `{name}`, {most} are allowed", counts.sent_bytes);
        let expected = stores.read(&server, &["tensors", &source, "--name", name, "--json"])?;
        ensure!(tensor == expected, "`{name}` is another one in the store:\n{tensor}\n{expected}");
    }
    Ok(())
}

/// Tensors that begin with their number.
fn write(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let file = File::create(folder.join("weights.bin"))?;
    file.set_len(TENSORS * TENSOR_BYTES)?;
    let mut weights = Vec::new();
    for i in 0..TENSORS {
        file.write_all_at(&(i + 1).to_le_bytes(), i * TENSOR_BYTES)?;
        weights.push(json!({"name": format!("layer{i}/kernel"), "shape": [TENSOR_BYTES / 4], "dtype": "int32"}));
    }
    let manifest = [json!({"paths": ["weights.bin"], "weights": weights})];
    let model = json!({"modelTopology": {"node": []}, "format": "graph-model", "weightsManifest": manifest});
    Ok(fs::write(folder.join("model.json"), model.to_string())?)
}
