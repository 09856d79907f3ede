//! What bad input gets: an error that names the file, the tensor and the numbers; exit code 1; nothing written.

use crate::support::{Folder, run, tfjs};

/// A manifest of one shard `w.bin` with a float32 `a` of two and an int32 scalar `b`: 12 bytes.
const MANIFEST: &str = r#"[{"paths":["w.bin"],"weights":[{"name":"a","shape":[2],"dtype":"float32"},{"name":"b","shape":[],"dtype":"int32"}]}]"#;

/// One weight of this JSON in the shard `w.bin`.
fn one(weight: &str) -> String {
    format!(r#"[{{"paths":["w.bin"],"weights":[{weight}]}}]"#)
}

/// `tensors`, `cp` and `verify` fail with all of these words, and nothing appears.
#[track_caller]
fn refused(folder: &Folder, words: &[&str]) {
    let before = folder.listing();
    let model = folder.model();
    let (source, copy) = (model.to_str().unwrap(), folder.path().join("copy/deep"));
    let runs =
        [tfjs(["tensors", "--json", source]), tfjs(["cp", source, copy.to_str().unwrap()]), tfjs(["verify", source])];
    for run in runs {
        assert_eq!(run.code, 1, "{run:?}");
        let told = run.stdout.clone() + &run.stderr;
        for word in words {
            assert!(told.contains(word), "`{word}` is not in {run:?}");
        }
        assert!(!told.contains("panicked"), "{run:?}");
    }
    assert_eq!(folder.listing(), before, "something was written");
}

/// `tensors` and `verify` fail with all of these words, but `inspect` and `cp` work.
#[track_caller]
fn undecodable(weight: &str, bytes: &[u8], words: &[&str]) {
    let folder = Folder::with_manifest(&one(weight), &[("w.bin", bytes)]);
    let model = folder.model();
    let (source, copy) = (model.to_str().unwrap(), folder.path().join("copy"));
    for run in [tfjs(["tensors", "--json", source]), tfjs(["verify", source])] {
        assert_eq!(run.code, 1, "{run:?}");
        for word in words {
            assert!((run.stdout.clone() + &run.stderr).contains(word), "`{word}` is not in {run:?}");
        }
    }
    assert_eq!(tfjs(["inspect", source]).code, 0);
    assert_eq!(tfjs(["cp", source, copy.to_str().unwrap()]).code, 0);
    assert_eq!(std::fs::read(copy.join("model.weights.bin")).unwrap(), bytes);
}

#[test]
fn missing_shard() {
    refused(&Folder::with_manifest(MANIFEST, &[]), &["model.json", "`w.bin`", "do not exist"]);
}

#[test]
fn truncated_shard() {
    let words = ["`w.bin` holds 11 bytes", "need 12", "tensor `b`", "model.json"];
    refused(&Folder::with_manifest(MANIFEST, &[("w.bin", &[0; 11])]), &words);
}

#[test]
fn surplus_in_a_shard() {
    let folder = Folder::with_manifest(MANIFEST, &[("w.bin", &[0; 13])]);
    refused(&folder, &["`w.bin` holds 13 bytes", "take 12", "model.json", "`--allow-surplus`"]);
    let source = folder.model();
    assert_eq!(tfjs(["tensors", "--json", "--allow-surplus", source.to_str().unwrap()]).code, 0);
}

#[test]
fn empty_shard() {
    let words = ["`w.bin` holds 0 bytes", "need 12", "tensor `a`"];
    refused(&Folder::with_manifest(MANIFEST, &[("w.bin", b"")]), &words);
}

#[test]
fn html_in_place_of_a_shard() {
    let page: &[u8] = b"<!DOCTYPE html><title>404</title>";
    refused(&Folder::with_manifest(MANIFEST, &[("w.bin", page)]), &["`w.bin`", "HTML"]);
    // Also when it is exactly as long as the weights should be.
    let of_33 = one(r#"{"name":"a","shape":[33],"dtype":"bool"}"#);
    refused(&Folder::with_manifest(&of_33, &[("w.bin", page)]), &["`w.bin`", "HTML"]);
}

#[test]
fn git_lfs_pointer_in_place_of_a_shard() {
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n";
    refused(&Folder::with_manifest(MANIFEST, &[("w.bin", pointer)]), &["`w.bin`", "git-lfs", "git lfs pull"]);
}

#[test]
fn html_or_git_lfs_pointer_in_place_of_the_json() {
    refused(&Folder::with_json("<html>", &[]), &["model.json", "HTML"]);
    refused(&Folder::with_json("version https://git-lfs.github.com/spec/v1\n", &[]), &["model.json", "git-lfs"]);
}

#[test]
fn models_of_other_kinds_are_told_with_what_to_do() {
    let folder = Folder::new();
    let advice = "with tensorflowjs_converter, and take the model.json and the .bin files that it writes";
    let others: [(&str, &[u8], &str); 6] = [
        ("model.h5", b"\x89HDF\r\n\x1a\n", "a Keras model (.h5)"),
        ("model.keras", b"PK\x03\x04", "a Keras model (.keras)"),
        ("saved_model.pb", b"\x08\x01\x12\x02", "a SavedModel or a frozen graph of TensorFlow"),
        ("frozen.pb", b"\x0a\x08\x0a\x01x\x12\x03Add", "a SavedModel or a frozen graph of TensorFlow"),
        ("model.tflite", b"\x1c\0\0\0TFL3", "a TensorFlow Lite model"),
        ("model.onnx", b"\x08\x07\x12\x07pytorch", "an ONNX model"),
    ];
    for (name, head, kind) in others {
        let file = folder.path().join(name);
        std::fs::write(&file, [head, &[0xff; 2000]].concat()).unwrap();
        for limit in ["json-bytes=64MiB", "json-bytes=100"] {
            // The second is for files that are larger than any JSON.
            let run = tfjs(["inspect", "--limit", limit, file.to_str().unwrap()]);
            assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:?}");
            for words in [name, kind, advice] {
                assert!(run.stderr.contains(words), "`{words}` is not in {run:?}");
            }
        }
    }
    // The folder of a SavedModel.
    let run = tfjs(["inspect", folder.path().to_str().unwrap()]);
    assert!(run.stderr.contains("`saved_model.pb` is a SavedModel") && run.stderr.contains(advice), "{run:?}");
}

#[test]
fn truncated_json() {
    let words = ["model.json", "not valid JSON at line 1, column 25"];
    refused(&Folder::with_json(r#"{"modelTopology":{"node":"#, &[]), &words);
}

#[test]
fn json_with_a_byte_order_mark() {
    refused(&Folder::with_json("\u{feff}{}", &[]), &["model.json", "byte order mark"]);
}

#[test]
fn empty_object_and_empty_file() {
    refused(&Folder::with_json("{}", &[]), &["model.json", "neither `modelTopology` nor `weightsManifest`"]);
    refused(&Folder::with_json("", &[]), &["model.json", "empty"]);
}

#[test]
fn bad_shapes() {
    for (shape, word) in
        [("[-1]", "`-1`"), ("[1.5]", "`1.5`"), ("[4294967296,4294967296]", "2^53"), ("[1e400]", "`1e400`")]
    {
        let manifest = one(&format!(r#"{{"name":"big","shape":{shape},"dtype":"float32"}}"#));
        refused(&Folder::with_manifest(&manifest, &[("w.bin", &[0; 4])]), &["model.json", "tensor `big`", word]);
    }
    // Possible in itself, but there are not so many bytes: nothing is allocated for it.
    let manifest = one(r#"{"name":"big","shape":[1099511627776],"dtype":"complex64"}"#);
    let words =
        ["8796093022208 bytes of weights", "the limit `weight-bytes` of 1099511627776", "--limit weight-bytes="];
    refused(&Folder::with_manifest(&manifest, &[("w.bin", &[0; 4])]), &words);
    let manifest = one(r#"{"name":"big","shape":[1073741824],"dtype":"complex64"}"#);
    let words = ["holds 4 bytes", "need 8589934592", "tensor `big`"];
    refused(&Folder::with_manifest(&manifest, &[("w.bin", &[0; 4])]), &words);
}

#[test]
fn duplicate_tensor_names() {
    let manifest = MANIFEST.replace("\"b\"", "\"a\"");
    refused(&Folder::with_manifest(&manifest, &[("w.bin", &[0; 12])]), &["two tensors are named `a`", "model.json"]);
}

#[test]
fn unknown_dtype() {
    let weight = r#"{"name":"odd","shape":[2],"dtype":"int64"}"#;
    undecodable(weight, &[0; 16], &["unsupported dtype in weight `odd`: `int64`"]);
}

#[test]
fn quantization_without_min_or_scale() {
    for quantization in [r#"{"dtype":"uint8","min":0}"#, r#"{"dtype":"uint8","scale":1}"#] {
        let weight = format!(r#"{{"name":"q","shape":[2],"dtype":"float32","quantization":{quantization}}}"#);
        undecodable(&weight, &[0; 2], &["weight `q`", "uint8", "min and scale"]);
    }
}

#[test]
fn float16_on_int32() {
    let weight = r#"{"name":"h","shape":[2],"dtype":"int32","quantization":{"dtype":"float16"}}"#;
    undecodable(weight, &[0; 4], &["weight `h`", "float16", "float32 not `int32`"]);
}

#[test]
fn shard_paths_that_lead_outside() {
    for (path, reason) in [
        ("../x", "climbs"),
        ("/etc/passwd", "absolute"),
        (r"C:\\x", "backslash"),
        (r"a\\..\\b", "backslash"),
        ("", "empty"),
        ("w.bin/../../x", "climbs"),
        ("file:///etc/passwd", "colon"),
    ] {
        let manifest = MANIFEST.replace("w.bin", path);
        let folder = Folder::with_manifest(&manifest, &[]);
        std::fs::write(folder.path().join("x"), [0; 12]).unwrap();
        refused(&folder, &["model.json", "weightsManifest[0].paths[0]", reason]);
    }
}

#[test]
fn folder_in_place_of_a_shard() {
    let folder = Folder::with_manifest(MANIFEST, &[]);
    std::fs::create_dir(folder.model().join("w.bin")).unwrap();
    refused(&folder, &["w.bin", "it is a folder"]);
}

#[test]
fn string_that_points_past_the_end() {
    let manifest = one(r#"{"name":"s","shape":[2],"dtype":"string"}"#);
    let bytes = b"\x01\0\0\0a\xff\xff\xff\x7fxy";
    let words = ["string 1 of tensor `s`", "2147483647 bytes", "2 left"];
    refused(&Folder::with_manifest(&manifest, &[("w.bin", bytes)]), &words);
}

#[test]
fn json_nested_ten_thousand_deep() {
    let deep = format!("{{\"modelTopology\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    refused(&Folder::with_json(&deep, &[]), &["model.json", "deeper than 512 levels"]);
}

#[test]
fn nothing_there() {
    let folder = Folder::new();
    std::fs::remove_dir(folder.model()).unwrap();
    refused(&folder, &["model`", "there is no such file or folder"]);
    let folder = Folder::new();
    refused(&folder, &["the folder has no model.json"]);
}

/// Root may read everything, so this also takes a file that nobody can read.
#[cfg(unix)]
#[test]
fn unreadable_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::with_manifest(MANIFEST, &[("w.bin", &[0; 12])]);
    let json = folder.model().join("model.json");
    if std::fs::metadata("/proc/self/mem").is_ok() {
        // Opening works, reading does not.
        std::fs::remove_file(&json).unwrap();
        std::os::unix::fs::symlink("/proc/self/mem", &json).unwrap();
        refused(&folder, &["model.json"]);
        std::fs::remove_file(&json).unwrap();
        std::fs::write(&json, MANIFEST).unwrap();
    }
    std::fs::set_permissions(&json, PermissionsExt::from_mode(0o000)).unwrap();
    if std::fs::read(&json).is_err() {
        refused(&folder, &["model.json", "refused access"]);
    }
    // Neither file nor folder.
    std::fs::remove_file(&json).unwrap();
    assert!(run(std::process::Command::new("mkfifo").arg(&json)).code == 0, "mkfifo");
    refused(&folder, &["neither a file nor a folder"]);
}

#[test]
fn destination_that_is_a_file() {
    let folder = Folder::with_manifest(MANIFEST, &[("w.bin", &[0; 12])]);
    let file = folder.path().join("file");
    std::fs::write(&file, "mine").unwrap();
    let before = folder.listing();
    let source = folder.model();
    for destination in [file.clone(), file.join("below"), file.join("below.json")] {
        let run = tfjs(["cp", source.to_str().unwrap(), destination.to_str().unwrap()]);
        assert_eq!(run.code, 1, "{run:?}");
        assert!(run.stderr.contains("file"), "{run:?}");
    }
    assert_eq!(folder.listing(), before);
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
}

#[test]
fn destination_that_is_the_source() {
    let folder = Folder::with_manifest(MANIFEST, &[("w.bin", &[0; 12])]);
    let source = folder.model();
    let json = format!("file://{}/../model/model.json", source.display());
    for command in ["cp", "mv"] {
        let run = tfjs([command, source.to_str().unwrap(), &json]);
        assert_eq!(run.code, 1, "{run:?}");
        assert!(run.stderr.contains("the same model"), "{run:?}");
    }
    assert_eq!(tfjs(["verify", source.to_str().unwrap()]).code, 0);
}

/// Sparse, so that the length is real: an error, not an abort.
#[cfg(target_os = "linux")]
#[test]
fn a_tensor_larger_than_any_memory() {
    let bytes = 1u64 << 46;
    let manifest = one(&format!(r#"{{"name":"big","shape":[{bytes}],"dtype":"bool"}}"#));
    let folder = Folder::with_manifest(&manifest, &[("w.bin", b"")]);
    let file = std::fs::File::options().write(true).open(folder.model().join("w.bin")).unwrap();
    if file.set_len(bytes).is_err() {
        // A file system without files of 64 TiB: as large as it has them.
        file.set_len(1 << 43).unwrap();
        let smaller = manifest.replace(&bytes.to_string(), &(1u64 << 43).to_string());
        let json = format!(r#"{{"modelTopology":{{}},"weightsManifest":{smaller}}}"#);
        std::fs::write(folder.model().join("model.json"), json).unwrap();
    }
    let run = tfjs(["tensors", "--json", "--limit", "none", folder.model().to_str().unwrap()]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stderr.contains("`big`") && run.stderr.contains("memory"), "{run:?}");
}

#[test]
fn destination_with_the_extension_of_a_graph_def() {
    let folder = Folder::with_manifest(MANIFEST, &[("w.bin", &[0; 12])]);
    let run = tfjs(["cp", folder.model().to_str().unwrap(), folder.path().join("x.pb").to_str().unwrap()]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("a model is saved as a folder"), "{run:?}");
}

#[test]
fn unknown_scheme() {
    let run = tfjs(["inspect", "flie:///x"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("there is no scheme `flie`; this router has `file`, `http`, `https`"), "{run:?}");
    assert!(run.stderr.contains("; did you mean `file`?"), "{run:?}");
}

/// A name cannot fake a line of the output, nor break the table.
#[test]
fn names_cannot_forge_output() {
    let name = format!("x\\nok: 6 tensors\\u202e{}", "n".repeat(70_000));
    let manifest = one(&format!(r#"{{"name":"{name}","shape":[2],"dtype":"int16"}}"#));
    let folder = Folder::with_manifest(&manifest, &[("w.bin", &[0; 4])]);
    for command in ["tensors", "verify"] {
        let run = tfjs([command, folder.model().to_str().unwrap()]);
        assert!(run.code <= 1, "{command}");
        assert!(run.stdout.lines().count() == 1 && !run.stdout.contains('\u{202e}'), "{command}");
    }
}

/// Megabytes of names and a hundred thousand lost tensors stay in memory and time.
#[test]
fn a_long_name_is_not_repeated_for_each_tensor() {
    let lost = r#"{"name":"@","shape":[0],"dtype":"float32"},"#;
    let mut weights = format!(r#"{{"name":"{}","shape":[1],"dtype":"?"}},"#, "n".repeat(1 << 20));
    for index in 0..20_000 {
        weights.push_str(&lost.replace('@', &index.to_string()));
    }
    weights.push_str(r#"{"name":"last","shape":[1],"dtype":"?"}"#);
    let folder = Folder::with_manifest(&one(&weights), &[("w.bin", &[0; 4])]);
    let limited = |command: &str| {
        let copy = folder.path().join("copy");
        if !cfg!(unix) {
            // There is no such limit, but the same answer.
            let copy = (command == "cp").then_some(copy);
            return tfjs([command.into(), folder.model().into()].into_iter().chain(copy.map(std::ffi::OsString::from)));
        }
        let script =
            format!("ulimit -v 1000000; exec \"$0\" {command} \"$1\" {}", if command == "cp" { "\"$2\"" } else { "" });
        run(std::process::Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_tfjs")])
            .arg(folder.model())
            .arg(copy))
    };
    assert_eq!(limited("cp").code, 0);
    assert_eq!(limited("verify").code, 1);
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let manifest = one(r#"{"name":"\u001b[31mred","shape":[3],"dtype":"int16"}"#);
    let folder = Folder::with_manifest(&manifest, &[("w.bin", &[0; 6])]);
    let source = folder.model();
    for command in ["tensors", "inspect", "verify"] {
        let run = tfjs([command, source.to_str().unwrap()]);
        assert!(!(run.stdout + &run.stderr).contains('\u{1b}'), "{command}");
    }
}
