//! `tfjs convert`.

use crate::support::{Folder, Run, tfjs};
use serde_json::json;

/// Text, complex numbers, codes and an unknown key.
fn model() -> Folder {
    let json = r#"{"modelTopology":{"node":[]},"weightsManifest":[{"paths":["a","b"],"weights":[
        {"name":"text","shape":[1],"dtype":"string"},
        {"name":"complex","shape":[1],"dtype":"complex64"},
        {"name":"codes","shape":[2],"dtype":"float32","quantization":{"dtype":"uint8","min":-1.0,"scale":0.5}},
        {"name":"../up","shape":[],"dtype":"int32"}]}],"labels":[1.0]}"#;
    Folder::with_json(json, &[("a", b"\x02\0\0\0hi\0\0\0"), ("b", b"\0\0\0\x80\x3f\x02\x04\x07\0\0\0")])
}

/// Converts between names in the folder.
fn convert(folder: &Folder, source: &str, destination: &str, flags: &[&str]) -> Run {
    let paths = [source, destination].map(|name| folder.path().join(name).display().to_string());
    let paths = paths.each_ref().map(String::as_str);
    tfjs([&["convert"], paths.as_slice(), flags].concat())
}

fn read(folder: &Folder, name: &str) -> Vec<u8> {
    std::fs::read(folder.path().join(name)).unwrap()
}

/// Nothing is written to a folder of that name.
#[cfg(unix)]
#[test]
fn a_path_that_was_meant_as_a_url_is_none() {
    let folder = model();
    let before = folder.listing();
    let here = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tfjs"));
        crate::support::run(command.args(args).current_dir(folder.path()))
    };
    for args in [["cp", "model", "s3:/b/m"], ["mv", "model", "file:/x"], ["convert", "model", "https//h/m.npz"]] {
        let run = here(&args);
        assert!(run.code == 1 && run.stderr.contains("did you mean `"), "{run:?}");
        assert_eq!(folder.listing(), before);
    }
    assert_eq!(here(&["cp", "model", "./s3:/b"]).code, 0);
    assert!(folder.path().join("s3:/b/model.json").is_file());
}

/// As `cp` does; and if nothing can be written there, none is left.
#[test]
fn a_folder_that_is_missing_is_made() {
    let folder = model();
    assert_eq!(convert(&folder, "model", "a/b/m.npz", &[]).code, 0);
    let before = folder.listing();
    assert_eq!(convert(&folder, "no-model", "c/d/m.npz", &[]).code, 1);
    assert_eq!(folder.listing(), before);
}

#[test]
fn other_commands_name_it_for_files_of_tensors() {
    let folder = model();
    let at = |name: &str| folder.path().join(name).display().to_string();
    assert_eq!(convert(&folder, "model", "m.npz", &[]).code, 0);
    let before = folder.listing();
    let (model, file) = (at("model"), at("m.npz"));
    let made = at("new.safetensors");
    for args in [vec!["inspect", &file], vec!["verify", &file], vec!["diff", &model, &file], vec!["cp", &model, &made]]
    {
        let run = tfjs(&args);
        assert!(run.code == 2 && run.stderr.contains("`tfjs convert` reads and writes those"), "{run:?}");
    }
    assert_eq!(folder.listing(), before);
    // A folder may be called like that.
    assert_eq!(tfjs(["cp", &model, &format!("{made}/")]).code, 0);
    assert_eq!(tfjs(["inspect", &made]).code, 0);
}

#[test]
fn there_and_back_is_what_cp_makes() {
    let folder = model();
    let [source, copy] = ["model", "copy"].map(|name| folder.path().join(name).display().to_string());
    assert_eq!(tfjs(["cp", &source, &copy]).code, 0);
    for name in ["m.safetensors", "m.npz"] {
        let run = convert(&folder, "model", name, &[]);
        assert_eq!((run.code, run.stdout.matches("converted").count()), (0, 1), "{run:?}");
        assert!(run.stderr.contains("note: `text`: strings, as uint8"), "{run:?}");
        assert!(run.stderr.contains("note: `codes`: quantized, as its uint8 codes"), "{run:?}");
        assert_eq!(run.stderr.contains("note: `complex`"), name.ends_with("safetensors"), "{run:?}");
        assert_eq!(run.stderr.contains("note: `../up`: is called `tensor-3`"), name.ends_with("npz"), "{run:?}");
        let run = convert(&folder, name, "back", &[]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run:?}");
        for file in ["model.json", "group1-shard1of2.bin", "group1-shard2of2.bin"] {
            assert_eq!(
                read(&folder, &format!("back/{file}")),
                read(&folder, &format!("copy/{file}")),
                "{name}: {file}"
            );
        }
    }
    // From one to the other, too.
    assert_eq!(convert(&folder, "m.npz", "n.safetensors", &[]).code, 0);
    assert_eq!(read(&folder, "n.safetensors"), read(&folder, "m.safetensors"));
}

#[test]
fn what_is_not_the_same_as_json() {
    let folder = model();
    let document = convert(&folder, "model", "m.npz", &["--json", "--dequantize"]).json();
    assert_eq!(document.pointer("/modelArtifactsInfo/weightDataBytes"), Some(&json!(26)));
    let message = "strings, as uint8: each with its length before it";
    let first = json!({"tensor": "text", "kind": "strings", "message": message, "isLost": false});
    assert_eq!(document.pointer("/notes/0"), Some(&first));
    assert_eq!(document.pointer("/notes").and_then(|notes| notes.as_array()).map(Vec::len), Some(2));
}

#[test]
fn weights_of_others_are_converted_on_request_only() {
    let folder = Folder::new();
    let header = r#"{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}"#;
    let bytes = [(header.len() as u64).to_le_bytes().as_slice(), header.as_bytes(), &0.1f64.to_le_bytes()].concat();
    std::fs::write(folder.path().join("a.safetensors"), bytes).unwrap();
    let run = convert(&folder, "a.safetensors", "out", &[]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(run.stderr.contains("`a` F64; on request") && run.stderr.contains("--convert-dtypes"), "{run:?}");
    let run = convert(&folder, "a.safetensors", "out", &["--convert-dtypes"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, "warning: `a`: F64, rounded to float32\n"));
    assert_eq!(read(&folder, "out/model.weights.bin"), 0.1f32.to_le_bytes());
}

#[test]
fn the_extension_says_what_is_to_be_done() {
    let folder = model();
    let run = convert(&folder, "model", "copy", &[]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains(".safetensors or .npz"), "{run:?}");
    let run = tfjs(["convert", "model", "https://example.org/m.npz"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("has to be a file of this machine"), "{run:?}");
    let url = format!("file://{}/m%20n.npz", folder.path().display());
    let run = tfjs(["convert", folder.model().to_str().unwrap(), &url]);
    assert_eq!((run.code, folder.path().join("m n.npz").is_file()), (0, !cfg!(windows)), "{run:?}");
    let run = convert(&folder, "nothing.npz", "out", &[]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:?}");
    assert!(run.stderr.contains("there is no such file"), "{run:?}");
}
