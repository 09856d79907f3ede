//! A model larger than the memory that a copy may take: from a file to a store, from store to store, from a store to a file, and from a
//! web server to a store.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::Stores;
use crate::services::Service;

const TENSORS: u64 = 300;
const SHARDS_OF_A_TENSOR: u64 = 5;
const LIMIT_KIB: u64 = 96 * 1024;

/// How large a model is. All have 300 tensors in 1500 files.
pub(super) struct Size {
    shard_bytes: u64,
}

/// 6 GiB. The copies need twice as much of disk.
pub(super) const LARGE: Size = Size { shard_bytes: 4_295_000 };
/// 366 MiB.
pub(super) const SMALL: Size = Size { shard_bytes: 256_000 };

pub(super) fn run(stores: &Stores<'_>, folder: &Path, size: &Size) -> Result<()> {
    let (source, copy, objects) = (folder.join("source/m"), folder.join("copy"), folder.join("objects"));
    size.write(&source)?;
    let server = stores.s3(&objects)?;
    let copy_of = |from: &str, to: &str, what: &str, at: &Path| -> Result<()> {
        let (_, took) = stores.measure(&server, &["cp", from, to])?;
        took.at_most(&format!("{what}, {} MiB in 1500 files", size.bytes() >> 20), LIMIT_KIB)?;
        size.check(at).with_context(|| format!("{what}: the copy is not the model"))
    };
    let object = |name: &str| objects.join("bucket").join(name);
    copy_of(&source.display().to_string(), "s3://bucket/a", "file to s3", &object("a"))?;
    copy_of("s3://bucket/a", "s3://bucket/b", "s3 to s3", &object("b"))?;
    stores.read(&server, &["rm", "s3://bucket/a"])?;
    copy_of("s3://bucket/b", &copy.display().to_string(), "s3 to file", &copy)?;
    fs::remove_dir_all(&copy)?;
    stores.read(&server, &["rm", "s3://bucket/b"])?;
    let web = Service::tfjs(stores.tfjs(), &folder.join("source"), &[])?;
    copy_of(&format!("{}/m/model.json", web.url), "s3://bucket/c", "http to s3", &object("c"))
}

impl Size {
    fn bytes(&self) -> u64 {
        TENSORS * SHARDS_OF_A_TENSOR * self.shard_bytes
    }

    /// Sparse files that begin with their number.
    fn write(&self, folder: &Path) -> Result<()> {
        let shards = TENSORS * SHARDS_OF_A_TENSOR;
        let paths: Vec<_> = (1..=shards).map(|i| format!("group1-shard{i}of{shards}.bin")).collect();
        let shape = [SHARDS_OF_A_TENSOR * self.shard_bytes / 4];
        let weights: Vec<_> = (0..TENSORS)
            .map(|i| json!({"name": format!("layer{i}/kernel"), "shape": shape, "dtype": "float32"}))
            .collect();
        fs::create_dir_all(folder)?;
        for (number, path) in (0_u64..).zip(&paths) {
            let mut file = File::create(folder.join(path))?;
            file.set_len(self.shard_bytes)?;
            file.write_all(&number.to_le_bytes())?;
        }
        let manifest = [json!({"paths": paths, "weights": weights})];
        let model = json!({"modelTopology": {"node": []}, "format": "graph-model", "weightsManifest": manifest});
        Ok(fs::write(folder.join("model.json"), model.to_string())?)
    }

    /// All files are there, as long as they were, and in their order.
    fn check(&self, folder: &Path) -> Result<()> {
        let model: Value = serde_json::from_slice(&fs::read(folder.join("model.json"))?)?;
        let paths =
            model.pointer("/weightsManifest/0/paths").and_then(Value::as_array).context("there are no paths")?;
        let shards = TENSORS * SHARDS_OF_A_TENSOR;
        ensure!(paths.len() as u64 == shards, "{} weight files instead of {shards}", paths.len());
        for (number, path) in (0_u64..).zip(paths.iter().filter_map(Value::as_str)) {
            let mut file = File::open(folder.join(path)).with_context(|| format!("opening {path}"))?;
            let length = file.metadata()?.len();
            ensure!(length == self.shard_bytes, "{path} has {length} bytes instead of {}", self.shard_bytes);
            let mut begin = [0; 8];
            file.read_exact(&mut begin)?;
            ensure!(begin == number.to_le_bytes(), "{path} begins with {begin:02x?} instead of its number {number}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_itself_and_another_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let size = Size { shard_bytes: 12 };
        size.write(folder.path()).unwrap();
        size.check(folder.path()).unwrap();
        fs::write(folder.path().join("group1-shard7of1500.bin"), [0; 12]).unwrap();
        assert!(size.check(folder.path()).unwrap_err().to_string().contains("group1-shard7of1500.bin"));
        assert!(LARGE.bytes() >= 6 << 30);
    }
}
