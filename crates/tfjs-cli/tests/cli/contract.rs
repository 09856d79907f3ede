//! The contract of the command line: exit codes, streams, and the shapes of `--json`.

use crate::support::{Folder, tfjs};
use serde_json::json;

/// Two groups; quantized, string and optimizer tensors; a key that nobody knows.
const MODEL: &str = r#"{
  "format": "layers-model", "generatedBy": "test", "convertedBy": null,
  "modelTopology": {"class_name": "Sequential", "config": {"layers": [{}, {}]}},
  "userDefinedMetadata": {"labels": []}, "extra": 1,
  "weightsManifest": [
    {"paths": ["a.bin", "b.bin"], "weights": [
      {"name": "q", "shape": [3], "dtype": "float32", "quantization": {"dtype": "uint8", "min": -1, "scale": 0.1, "original_dtype": "float32"}},
      {"name": "s", "shape": [1], "dtype": "string"}]},
    {"paths": ["c.bin"], "weights": [{"name": "iter", "shape": [], "dtype": "int32", "group": "optimizer"}]}]
}"#;

fn model() -> Folder {
    Folder::with_json(MODEL, &[("a.bin", b"\x00\x30"), ("b.bin", b"\xff\x02\0\0\0hi"), ("c.bin", b"\x07\0\0\0")])
}

#[test]
fn tensors_as_json() {
    let folder = model();
    let tensors = tfjs(["tensors", "--json", folder.model().to_str().unwrap()]).json();
    let expected = json!([
        {
            "name": "q", "dtype": "float32", "shape": [3], "group": null,
            "quantization": {"dtype": "uint8", "min": -1, "scale": 0.1, "original_dtype": "float32"},
            "stored_bytes": 3, "decoded_bytes": 12,
            // Of 000080bf 33337340 0000c441: -1, 3.8, 24.5.
            "sha256": "657a1f885fd2beac139e4404562c9f7581aac6d4a2263ae2dc826a65c9949ebc"
        },
        {
            "name": "s", "dtype": "string", "shape": [1], "group": null, "quantization": null,
            "stored_bytes": 6, "decoded_bytes": 6,
            "sha256": "aa47b6557fb013548a6c39928f2dced68a93bf2ad3b84a4f793b32eb02d339bb"
        },
        {
            "name": "iter", "dtype": "int32", "shape": [], "group": "optimizer", "quantization": null,
            "stored_bytes": 4, "decoded_bytes": 4,
            "sha256": "e8613f5a5bc9f9feeda32a8e7c80b69dd4878e47b6a91723fb15eb84236b6a2b"
        }
    ]);
    assert_eq!(tensors, expected);
}

#[test]
fn inspect_as_json() {
    let folder = model();
    let inspection = tfjs(["inspect", "--json", folder.model().to_str().unwrap()]).json();
    let expect =
        |pointer: &str, value: serde_json::Value| assert_eq!(inspection.pointer(pointer), Some(&value), "{pointer}");
    expect("/format", json!("layers-model"));
    expect("/generatedBy", json!("test"));
    expect("/convertedBy", json!(null));
    expect("/layers", json!(2));
    expect("/nodes", json!(null));
    expect("/tensors", json!(3));
    expect("/optimizerTensors", json!(1));
    expect("/dtypes", json!({"float32": 1, "int32": 1, "string": 1}));
    expect("/quantization", json!({"uint8": 1}));
    expect("/weightDataBytes", json!(13));
    expect("/groups/0/shards/1", json!({"path": "b.bin", "bytes": 7}));
    expect("/metadataKeys", json!(["labels"]));
    expect("/unknownKeys", json!(["extra"]));
}

#[test]
fn cp_as_json_is_the_save_result() {
    let folder = model();
    let copy = folder.path().join("copy.json");
    let saved = tfjs(["cp", "--json", folder.model().to_str().unwrap(), copy.to_str().unwrap()]).json();
    let info = saved.pointer("/modelArtifactsInfo").unwrap();
    let keys: Vec<_> = info.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["dateSaved", "modelTopologyBytes", "modelTopologyType", "weightDataBytes", "weightSpecsBytes"]);
    assert_eq!(info.pointer("/modelTopologyType"), Some(&json!("JSON")));
    assert_eq!(info.pointer("/weightDataBytes"), Some(&json!(13)));
    // Cuts and groups are kept, under names that cannot clash with another model of the folder.
    let listing = folder.listing();
    for name in ["copy.json", "copy.group1-shard1of2.bin", "copy.group1-shard2of2.bin", "copy.group2-shard1of1.bin"] {
        assert!(listing.iter().any(|listed| listed == name), "{name} is not in {listing:?}");
    }
}

#[test]
fn cp_names_the_weights_file() {
    let folder = Folder::with_manifest(r#"[{"paths":["x"],"weights":[]}]"#, &[("x", b"")]);
    let (source, copy) = (folder.model(), folder.path().join("copy"));
    let args = ["cp", "--weights-file-name", "my weights.bin", source.to_str().unwrap(), copy.to_str().unwrap()];
    assert_eq!(tfjs(args).code, 0);
    assert!(copy.join("my weights.bin").is_file());
    for bad in ["model.json", "Model.JSON"] {
        let run = tfjs(["cp", "--weights-file-name", bad, source.to_str().unwrap(), copy.to_str().unwrap()]);
        assert_eq!(run.code, 1, "{run:?}");
    }
    let run = tfjs(["cp", "--weights-file-name", "../x", source.to_str().unwrap(), copy.to_str().unwrap()]);
    assert_eq!(run.code, 2, "{run:?}");
}

#[test]
fn ls_mv_and_rm() {
    let folder = model();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    assert_eq!(tfjs(["mv", &at("model"), &at("deep/er/moved")]).code, 0);
    assert!(!folder.model().exists());
    let listed = tfjs(["ls", "--json", &at("deep/er")]).json();
    assert_eq!(listed.pointer("/0/url"), Some(&json!(at("deep/er/moved"))));
    assert_eq!(listed.pointer("/0/modelArtifactsInfo/weightDataBytes"), Some(&json!(13)));
    std::fs::write(folder.path().join("deep/er/moved/notes.txt"), "mine").unwrap();
    assert_eq!(tfjs(["rm", "--json", &at("deep/er/moved")]).json().pointer("/weightDataBytes"), Some(&json!(13)));
    // Only the model's own files are gone.
    assert_eq!(folder.listing(), ["deep", "deep/er", "deep/er/moved", "deep/er/moved/notes.txt"]);
    assert_eq!(tfjs(["rm", &at("deep/er/moved")]).code, 1);
}

#[test]
fn ls_tells_of_broken_models_and_lists_the_others() {
    let folder = model();
    std::fs::create_dir(folder.path().join("broken")).unwrap();
    std::fs::write(folder.path().join("broken/model.json"), "{").unwrap();
    std::fs::write(folder.path().join("package.json"), "{\"name\":\"x\"}").unwrap();
    let run = tfjs(["ls", folder.path().to_str().unwrap()]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("broken/model.json"), "{run:?}");
    assert!(run.stdout.trim_end().ends_with("model") && run.stdout.lines().count() == 1, "{run:?}");
}

#[test]
fn a_shard_that_two_models_share_stays() {
    let folder = model();
    let model = folder.model();
    std::fs::copy(model.join("model.json"), model.join("other.json")).unwrap();
    assert_eq!(tfjs(["rm", model.join("other.json").to_str().unwrap()]).code, 0);
    assert_eq!(tfjs(["verify", model.to_str().unwrap()]).code, 0);
}

/// Also when it lies in a folder of its own.
#[test]
fn a_shared_shard_in_a_subfolder_stays() {
    let json = MODEL.replace("\"c.bin\"", "\"deep/er/c.bin\"");
    let folder = Folder::with_json(&json, &[("a.bin", b"\x00\x30"), ("b.bin", b"\xff\x02\0\0\0hi")]);
    let model = folder.model();
    std::fs::create_dir_all(model.join("deep/er")).unwrap();
    std::fs::write(model.join("deep/er/c.bin"), b"\x07\0\0\0").unwrap();
    std::fs::write(model.join("other.json"), &json).unwrap();
    let other = model.join("other.json");
    // Replaced by another model, then removed: what the first model needs stays each time.
    let tiny = Folder::with_manifest("[]", &[]);
    assert_eq!(tfjs(["cp", tiny.model().to_str().unwrap(), other.to_str().unwrap()]).code, 0);
    assert_eq!(tfjs(["verify", model.to_str().unwrap()]).code, 0);
    std::fs::write(&other, &json).unwrap();
    assert_eq!(tfjs(["rm", other.to_str().unwrap()]).code, 0);
    assert_eq!(tfjs(["verify", model.to_str().unwrap()]).code, 0);
    // The last one takes everything along, empty folders too.
    assert_eq!(tfjs(["rm", model.to_str().unwrap()]).code, 0);
    assert_eq!(folder.listing(), [""; 0]);
}

#[test]
fn mv_with_surplus_bytes() {
    let folder = Folder::with_manifest(r#"[{"paths":["w"],"weights":[]}]"#, &[("w", b"surplus")]);
    let (source, moved) = (folder.model(), folder.path().join("moved"));
    let args = ["mv", "--allow-surplus", source.to_str().unwrap(), moved.to_str().unwrap()];
    assert_eq!(tfjs(args).code, 0);
    assert_eq!(std::fs::read(moved.join("model.weights.bin")).unwrap(), b"surplus");
    assert!(!source.exists());
}

#[test]
fn verify_prints_one_line_per_finding() {
    let manifest = r#"[{"paths":["w"],"weights":[{"name":"a","shape":[],"dtype":"uint8"},{"name":"b","shape":[],"dtype":"uint16"}]}]"#;
    let folder = Folder::with_manifest(manifest, &[("w", &[0; 3])]);
    let run = tfjs(["verify", folder.model().to_str().unwrap()]);
    assert_eq!(run.code, 1);
    let lines: Vec<_> = run.stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "error: cannot decode: unsupported dtype in weight `a`: `uint8`",
            "error: cannot decode: unsupported dtype in weight `b`: `uint16`"
        ]
    );
    let good = model();
    let run = tfjs(["verify", good.model().to_str().unwrap()]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "ok: 3 tensors, 13 B of weights\n"));
}

#[test]
fn exit_codes_and_streams() {
    let usage = tfjs(["cp", "only-one"]);
    assert_eq!((usage.code, usage.stdout.as_str()), (2, ""));
    assert_eq!(tfjs(["no-such-command"]).code, 2);
    assert_eq!(tfjs(["--help"]).code, 0);
    assert_eq!(tfjs(["--version"]).stdout, format!("tfjs {}\n", env!("CARGO_PKG_VERSION")));
    let missing = tfjs(["tensors", "--json", "/no/such/model"]);
    assert_eq!((missing.code, missing.stdout.as_str()), (1, ""));
    assert!(missing.stderr.starts_with("error: cannot load `/no/such/model`: there is no such file or folder\n"));
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = tfjs(["completions", shell]);
        assert!(run.code == 0 && run.stdout.contains("tfjs"), "{shell}");
    }
}

#[test]
fn plain_paths_urls_folders_and_files_are_one_model() {
    let folder = model();
    let path = folder.model().to_str().unwrap().to_owned();
    let spellings = [
        path.clone(),
        format!("{path}/"),
        format!("{path}/model.json"),
        format!("file://{path}"),
        format!("FILE://{path}/model.json"),
    ];
    let digests = spellings.map(|url| tfjs(["tensors", "--json", &url]).stdout);
    assert!(digests.windows(2).all(|pair| pair[0] == pair[1]));
    let run = tfjs(["inspect", &format!("{path}/a.bin")]);
    assert_eq!(run.code, 1, "{run:?}");
}
