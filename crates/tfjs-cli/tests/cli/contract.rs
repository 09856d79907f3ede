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
fn one_tensor_by_its_name() {
    let folder = model();
    let model = folder.model();
    let model = model.to_str().unwrap();
    let all = tfjs(["tensors", "--json", model]).json();
    for (index, name) in ["q", "s", "iter"].into_iter().enumerate() {
        assert_eq!(tfjs(["tensors", "--json", "--name", name, model]).json(), json!([all[index]]));
    }
    let row = tfjs(["tensors", "--name", "iter", model]);
    assert!(row.stdout.contains("iter") && row.stdout.lines().count() == 1, "{}", row.stdout);
    let missing = tfjs(["tensors", "--name", "r", model]);
    assert_eq!(missing.code, 1);
    assert!(missing.stderr.contains("no tensor `r`") && missing.stderr.contains("tfjs tensors"), "{}", missing.stderr);
}

#[test]
fn one_tensor_with_the_checksums_of_its_files() {
    let folder = model();
    let [source, copy] = ["model", "copy"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    assert_eq!(tfjs(["cp", "--checksums", &source, &copy]).code, 0);
    let one = |name: &str, args: &[&str]| tfjs([&["tensors", "--json", "--name", name, &copy], args].concat());
    assert_eq!(one("q", &["--check"]).json(), one("q", &[]).json());
    // A bit of another tensor of the same file; the tensor itself is what it was.
    std::fs::write(folder.path().join("copy/group1-shard2of2.bin"), b"\xff\x02\0\0\0ho").unwrap();
    assert_eq!(one("q", &[]).code, 0, "without --check nothing else is read");
    let damaged = one("q", &["--check"]);
    assert!(
        damaged.code == 1 && damaged.stdout.is_empty() && damaged.stderr.contains("has the SHA-256"),
        "{damaged:?}"
    );
    // The file of the other group is whole.
    assert_eq!(one("iter", &["--check"]).code, 0);

    let without = tfjs(["tensors", "--name", "q", "--check", &source]);
    assert!(without.code == 0 && without.stderr.contains("no checksum to compare with"), "{without:?}");
    assert_eq!(tfjs(["tensors", "--check", &source]).code, 2);
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
fn what_the_web_could_not_give_is_no_name_of_a_weights_file() {
    let folder = Folder::with_manifest(
        r#"[{"paths":["100%.bin"],"weights":[{"name":"a","shape":[],"dtype":"bool"}]}]"#,
        &[("100%.bin", b"\x01")],
    );
    let at = |name: &str| folder.path().join(name).display().to_string();
    for name in ["a#1.bin", "100%.bin", "a.bin?v=1"] {
        let run = tfjs(["cp", "--weights-file-name", name, &at("model"), &at("copy")]);
        assert!(run.code == 2 && run.stderr.contains("TensorFlow.js could not fetch the file from the web"), "{run:?}");
    }
    // Such a name is read; and what a model is called is its user's business.
    assert_eq!(tfjs(["cp", &at("model"), &at("#1")]).code, 0);
    assert_eq!(tfjs(["cp", &at("model"), &at("a#1.json")]).code, 0);
    assert!(folder.path().join("a=231.weights.bin").is_file());
}

#[test]
fn cp_cuts_anew_and_writes_checksums() {
    let folder = model();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let digests = |name: &str| tfjs(["tensors", "--json", &at(name)]).json();
    let shards = |name: &str| {
        let inspection = tfjs(["inspect", "--json", &at(name)]).json();
        inspection.pointer("/groups/0/shards").unwrap().as_array().unwrap().len()
    };
    for (size, count) in [("2", 5), ("1KiB", 1), ("single", 1)] {
        assert_eq!(tfjs(["cp", "--shard-size", size, "--checksums", &at("model"), &at(size)]).code, 0);
        assert_eq!(shards(size), count, "{size}");
        assert_eq!(digests(size), digests("model"));
    }
    let changed = folder.path().join("2/group1-shard1of5.bin");
    std::fs::write(changed, b"\x00\x31").unwrap();
    for command in ["verify", "tensors"] {
        let run = tfjs([command, "--json", &at("2")]);
        assert_eq!(run.code, 1);
        assert!((run.stdout + &run.stderr).contains("shard `group1-shard1of5.bin` has the SHA-256"));
    }
    // Which model it is that is damaged, not only which file.
    let json = folder.path().join("2").join("model.json");
    let cannot = format!("cannot read `{}`: shard `group1-shard1of5.bin` has the SHA-256", json.display());
    for run in [
        tfjs(["cp", &at("2"), &at("copy")]),
        tfjs(["mv", &at("2"), &at("copy")]),
        tfjs(["cp", "--quantize", "uint8", &at("2"), &at("copy")]),
        tfjs(["tensors", "--json", &at("2")]),
    ] {
        assert!(run.code == 1 && run.stderr.contains(&cannot), "{run:?}");
    }
    assert!(!folder.path().join("copy").exists());
    for bad in ["0", "-1", "4 parsecs", "99999999999GiB", ""] {
        assert_eq!(tfjs(["cp", "--shard-size", bad, &at("model"), &at("bad")]).code, 2, "{bad}");
    }
}

/// Somebody else's `sha256` gives way to ours; a list of ours that is damaged does not count as theirs.
#[test]
fn cp_writes_checksums_over_what_is_there() {
    let weights = r#"{"name":"w","shape":[2],"dtype":"bool"}"#;
    let manifest = |sha256: &str| format!(r#"[{{"paths":["a","b"],"weights":[{weights}],"sha256":{sha256}}}]"#);
    let files: [(&str, &[u8]); 2] = [("a", b"\x00"), ("b", b"\x01")];
    let folder = Folder::with_manifest(&manifest(r#"["xyz"]"#), &files);
    let copy = folder.path().join("copy");
    let (source, copy) = (folder.model(), copy.to_str().unwrap());
    assert_eq!(tfjs(["cp", "--checksums", source.to_str().unwrap(), copy]).code, 0);
    assert_eq!(tfjs(["verify", copy]).code, 0);

    let damaged = manifest(&format!(r#"["{}","{}"]"#, "0".repeat(64), "0".repeat(63)));
    let folder = Folder::with_manifest(&damaged, &files);
    let run = tfjs(["verify", folder.model().to_str().unwrap()]);
    assert!(run.code == 1 && run.stdout.contains("weightsManifest[0].sha256[1] should be a SHA-256 digest"), "{run:?}");
}

#[test]
fn weights_that_cannot_be_cut_like_that() {
    let manifest = r#"[{"paths":["w"],"weights":[{"name":"w","shape":[1000001],"dtype":"bool"}]}]"#;
    let folder = Folder::with_manifest(manifest, &[("w", &vec![0; 1_000_001])]);
    let copy = folder.path().join("copy");
    let run = tfjs(["cp", "--shard-size", "1", folder.model().to_str().unwrap(), copy.to_str().unwrap()]);
    let cannot =
        format!("cannot save `{}`: the weights cannot be cut or named like that", copy.join("model.json").display());
    assert!(run.code == 1 && run.stderr.contains(&cannot), "{run:?}");
    assert!(run.stderr.contains("would make 1000001 files"), "{run:?}");
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
    // What is behind the tensors may be somebody else's.
    let surplus = Folder::with_manifest(r#"[{"paths":["w"],"weights":[]}]"#, &[("w", b"surplus")]);
    let refused = tfjs(["rm", surplus.model().to_str().unwrap()]);
    let first = format!("error: cannot remove `{}`: the model is not whole", surplus.model().display());
    assert!(refused.code == 1 && refused.stderr.starts_with(&first), "{refused:?}");
    assert_eq!(tfjs(["rm", "--allow-surplus", surplus.model().to_str().unwrap()]).code, 0);
    assert_eq!(surplus.listing(), [""; 0]);
}

#[test]
fn ls_tells_of_broken_models_and_lists_the_others() {
    let folder = model();
    std::fs::create_dir(folder.path().join("broken")).unwrap();
    std::fs::write(folder.path().join("broken/model.json"), "{").unwrap();
    std::fs::write(folder.path().join("package.json"), "{\"name\":\"x\"}").unwrap();
    let run = tfjs(["ls", folder.path().to_str().unwrap()]);
    assert_eq!(run.code, 1);
    let broken = std::path::Path::new("broken").join("model.json").display().to_string();
    assert!(run.stderr.contains(&broken), "{run:?}");
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

/// A manifest that merely names files does not get them removed: neither by `rm` nor by a model that replaces it.
#[test]
fn files_that_a_manifest_merely_names_stay() {
    let manifest = r#"[{"paths":["thesis.docx"],"weights":[]}]"#;
    let folder = Folder::with_manifest(manifest, &[("thesis.docx", b"all of it")]);
    let (path, good) = (folder.model(), model());
    assert_eq!(tfjs(["rm", path.to_str().unwrap()]).code, 1);
    assert_eq!(tfjs(["cp", good.model().to_str().unwrap(), path.to_str().unwrap()]).code, 0);
    assert_eq!(std::fs::read(path.join("thesis.docx")).unwrap(), b"all of it");
}

/// No save writes over a file of another model, of its own source, or of the user's.
#[test]
fn files_of_others_are_not_replaced() {
    let folder = model();
    let path = folder.model();
    let at = |name: &str| path.join(name).to_str().unwrap().to_owned();
    for (shard, copy) in [("a.bin", "x.group1-shard2of2.bin"), ("b.bin", "x.group1-shard1of2.bin")] {
        std::fs::rename(at(shard), at(copy)).unwrap();
    }
    let json = MODEL.replace("a.bin", "x.group1-shard2of2.bin").replace("b.bin", "x.group1-shard1of2.bin");
    std::fs::write(at("model.json"), json).unwrap();
    let before = (folder.listing(), tfjs(["tensors", "--json", &at("")]).json());

    // A copy beside its source, whose names are those of the source's files in another order.
    let run = tfjs(["cp", &at(""), &at("x.json")]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stderr.contains("it is a weight file of the model"), "{run:?}");
    // A name of a file that is no weight file, and one that is a folder.
    std::fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    let into = folder.path().join("new.json");
    let args = ["cp", "--weights-file-name", "notes.group1-shard1of2.bin", &at(""), into.to_str().unwrap()];
    std::fs::write(folder.path().join("notes.group1-shard1of2.group1-shard1of2.bin"), "mine").unwrap();
    assert_eq!(tfjs(args).code, 1);
    std::fs::create_dir(folder.path().join("new.group1-shard2of2.bin")).unwrap();
    let run = tfjs(["cp", &at(""), into.to_str().unwrap()]);
    assert!(run.code == 1 && run.stderr.contains("it is a folder"), "{run:?}");
    assert!(!folder.path().join("new.group1-shard1of2.bin").exists());

    assert_eq!(tfjs(["tensors", "--json", &at("")]).json(), before.1);
    assert!(before.0.iter().all(|name| folder.listing().contains(name)));
}

/// A model in the folder above may use the weights of one below.
#[test]
fn weights_that_a_model_above_uses_stay() {
    let folder = model();
    let above = MODEL.replace("a.bin", "model/a.bin").replace("b.bin", "model/b.bin").replace("c.bin", "model/c.bin");
    std::fs::write(folder.path().join("model.json"), above).unwrap();
    assert_eq!(tfjs(["rm", folder.model().to_str().unwrap()]).code, 0);
    assert_eq!(tfjs(["verify", folder.path().to_str().unwrap()]).code, 0);
}

/// Where it cannot be told what a neighbour uses, nothing is removed.
#[test]
fn weights_that_a_broken_neighbour_may_use_stay() {
    let folder = model();
    let path = folder.model();
    std::fs::rename(path.join("model.json"), path.join("mine.json")).unwrap();
    std::fs::write(path.join("model.json"), &MODEL[..100]).unwrap();
    assert_eq!(tfjs(["rm", path.join("mine.json").to_str().unwrap()]).code, 0);
    assert!(path.join("a.bin").exists());
}

/// A link out of the folder is followed if that was said, to read and not to remove.
#[cfg(unix)]
#[test]
fn nothing_outside_is_removed() {
    let json = MODEL.replace("c.bin", "out/c.bin");
    let folder = Folder::with_json(&json, &[("a.bin", b"\x00\x30"), ("b.bin", b"\xff\x02\0\0\0hi")]);
    let outside = folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("c.bin"), b"\x07\0\0\0").unwrap();
    std::os::unix::fs::symlink(&outside, folder.model().join("out")).unwrap();
    let (model, copy) = (folder.model(), folder.path().join("copy"));
    let (model, copy) = (model.to_str().unwrap(), copy.to_str().unwrap());
    for command in [vec!["verify", model], vec!["cp", model, copy], vec!["mv", model, copy], vec!["rm", model]] {
        let run = tfjs(&command);
        assert_eq!(run.code, 1, "{run:?}");
        assert!((run.stdout.clone() + &run.stderr).contains("`--follow-links`"), "{run:?}");
    }
    assert_eq!(tfjs(["verify", model, "--follow-links"]).code, 0);
    assert_eq!(tfjs(["cp", model, copy, "--follow-links"]).code, 0);
    assert_eq!(tfjs(["rm", model, "--follow-links"]).code, 0);
    assert!(outside.join("c.bin").exists());
}

/// The new model is as readable as the one that it replaces.
#[cfg(unix)]
#[test]
fn permissions_of_a_replaced_model_stay() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, other) = (model(), model());
    let copy = folder.path().join("copy");
    assert_eq!(tfjs(["cp", folder.model().to_str().unwrap(), copy.to_str().unwrap()]).code, 0);
    let json = copy.join("model.json");
    std::fs::set_permissions(&json, PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(tfjs(["cp", other.model().to_str().unwrap(), copy.to_str().unwrap()]).code, 0);
    assert_eq!(std::fs::metadata(&json).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_manifest_of_a_graph_def_is_not_listed_apart() {
    let folder = Folder::new();
    let manifest = r#"[{"paths":["w"],"weights":[{"name":"w","shape":[],"dtype":"bool"}]}]"#;
    for (name, bytes) in [("tensorflowjs_model.pb", "pb"), ("weights_manifest.json", manifest), ("w", "\0")] {
        std::fs::write(folder.model().join(name), bytes).unwrap();
    }
    let listed = tfjs(["ls", "--json", folder.model().to_str().unwrap()]).json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let url = listed.pointer("/0/url").unwrap().as_str().unwrap().to_owned();
    assert!(url.ends_with("tensorflowjs_model.pb"));
    assert_eq!(tfjs(["rm", &url]).code, 0);
    assert_eq!(folder.listing(), ["model"]);
}

/// Interrupted, a copy takes back what it has begun.
#[cfg(unix)]
#[test]
fn an_interrupted_copy_leaves_nothing() {
    an_interrupted_copy("-TERM");
}

/// A terminal was closed.
#[cfg(target_os = "linux")]
#[test]
fn a_copy_that_is_hung_up_leaves_nothing() {
    an_interrupted_copy("-HUP");
}

#[cfg(unix)]
fn an_interrupted_copy(signal: &str) {
    use std::process::{Command, Stdio};
    let manifest = format!(r#"[{{"paths":["w"],"weights":[{{"name":"w","shape":[{}],"dtype":"bool"}}]}}]"#, 4u64 << 30);
    let folder = Folder::with_manifest(&manifest, &[("w", b"")]);
    std::fs::File::options().write(true).open(folder.model().join("w")).unwrap().set_len(4 << 30).unwrap();
    let before = folder.listing();
    let copy = folder.path().join("new/copy");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tfjs"));
    let mut child = command.arg("cp").arg(folder.model()).arg(&copy).stderr(Stdio::null()).spawn().unwrap();
    while !copy.is_dir() || std::fs::read_dir(&copy).unwrap().count() == 0 {
        assert!(child.try_wait().unwrap().is_none(), "the copy ended before it could be interrupted");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert!(Command::new("kill").arg(signal).arg(child.id().to_string()).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(folder.listing(), before);
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
    let copy = good.path().join("copy");
    let path = copy.to_str().unwrap();
    assert_eq!(tfjs(["cp", "--checksums", good.model().to_str().unwrap(), path]).code, 0);
    std::fs::write(copy.join("group1-shard1of2.bin"), b"\x00\x31").unwrap();
    std::fs::write(copy.join("group2-shard1of1.bin"), b"\x08\0\0\0").unwrap();
    let run = tfjs(["verify", path]);
    let errors: Vec<_> = run.stdout.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!((run.code, errors.len()), (1, 2), "{run:?}");
    for (line, name) in errors.iter().zip(["group1-shard1of2.bin", "group2-shard1of1.bin"]) {
        assert!(line.starts_with(&format!("error: shard `{name}` has the SHA-256 ")), "{run:?}");
    }
    let report = tfjs(["verify", "--json", path]).stdout;
    assert_eq!(report.matches("has the SHA-256").count(), 2, "{report}");
    let run = tfjs(["verify", good.model().to_str().unwrap()]);
    // Its layers are none.
    let (warning, ok) = run.stdout.split_once('\n').unwrap();
    assert!(warning.starts_with("warning: the weights were not compared with the layers: "), "{run:?}");
    assert_eq!((run.code, ok), (0, "ok: 3 tensors, 13 B of weights\n"));
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
fn a_manual_page_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man/man1");
    let run = tfjs(["man", pages.to_str().unwrap()]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{run:?}");
    for page in ["tfjs.1", "tfjs-cp.1", "tfjs-sync.1"] {
        let text = std::fs::read_to_string(pages.join(page)).unwrap();
        assert!(text.contains(".SH DESCRIPTION"), "{page}: {text}");
    }
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

/// What an error says about a limit is what helps.
#[test]
fn limits_can_be_raised() {
    let folder = model();
    let source = folder.model();
    let source = source.to_str().unwrap();
    for command in ["inspect", "tensors", "verify"] {
        assert_eq!(tfjs([command, source, "--limit", "tensors=1"]).code, 1, "{command}");
        assert_eq!(tfjs([command, source, "--limit", "tensors=1", "--limit", "none"]).code, 0, "{command}");
    }
    let run = tfjs(["inspect", source, "--limit", "tensors=1"]);
    assert!(run.stderr.contains("or `--limit tensors=3`"), "{run:?}");
    assert_eq!(tfjs(["inspect", source, "--limit", "tensors=3"]).code, 0);
    let copy = folder.path().join("copy");
    let copy = copy.to_str().unwrap();
    assert_eq!(tfjs(["cp", source, copy, "--limit", "json-bytes=10"]).code, 1);
    assert_eq!(tfjs(["cp", source, copy]).code, 0);
    assert_eq!(tfjs(["rm", copy, "--limit", "json-bytes=10"]).code, 1);
    assert_eq!(tfjs(["rm", copy, "--limit", "json-bytes=1MiB"]).code, 0);
    let run = tfjs(["inspect", source, "--limit", "tensor=2"]);
    assert_eq!(
        (run.code, run.stderr.contains("there is no limit `tensor`; there are json-bytes")),
        (2, true),
        "{run:?}"
    );
}
