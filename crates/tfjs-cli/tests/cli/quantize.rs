//! `tfjs cp --quantize` and `tfjs mv --quantize`.

use crate::support::{Folder, Run, tfjs};
use serde_json::json;

/// Two float32 weights in two files, an int32 weight in a group of its own.
fn model() -> Folder {
    let manifest = r#"[
        {"paths":["a","b"],"weights":[
            {"name":"conv/kernel","shape":[3],"dtype":"float32"},{"name":"conv/bias","shape":[2],"dtype":"float32"}]},
        {"paths":["c"],"weights":[{"name":"step","shape":[],"dtype":"int32"}]}]"#;
    let bytes = [0f32, -0.1, 1.2, 1.0, 70000.0].map(f32::to_le_bytes).concat();
    let (a, b) = bytes.split_at(7);
    Folder::with_manifest(manifest, &[("a", a), ("b", b), ("c", &[7, 0, 0, 0])])
}

/// Copies or moves the model to `copy`.
fn quantize(folder: &Folder, command_and_flags: &[&str]) -> Run {
    let (source, copy) = (folder.model(), folder.path().join("copy"));
    let paths = [source.to_str().unwrap(), copy.to_str().unwrap()];
    let (command, flags) = command_and_flags.split_at(1);
    tfjs([command, &paths, flags].concat())
}

/// Codes and metadata are those of vectors I.
#[test]
fn cp_quantizes_as_the_converter_does() {
    let folder = model();
    let run = quantize(&folder, &["cp", "--json", "--quantize", "uint8=*/kernel", "--quantize", "float16"]);
    let mut document = run.json();
    assert_eq!(run.stderr, "warning: weight `conv/bias` has numbers that became infinite as float16\n");
    let keys: Vec<_> = document.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["modelArtifactsInfo", "quantization"]);
    assert_eq!(document.pointer("/modelArtifactsInfo/weightDataBytes"), Some(&json!(11)));
    // As text, since the parser of this test may be wrong in the last digit.
    for number in [r#""min": -0.10196078817049663,"#, r#""scale": 0.0050980394085248315,"#] {
        assert!(run.stdout.contains(number), "{run:?}");
    }
    let mut take = |pointer| document.pointer_mut(pointer).unwrap().take().as_f64().unwrap();
    take("/quantization/0/min");
    take("/quantization/0/scale");
    assert!((0.0019..0.002).contains(&take("/quantization/0/maxAbsoluteError")));
    assert!((0.019..0.02).contains(&take("/quantization/0/maxRelativeError")));
    let expected = json!([
        {
            "name": "conv/kernel", "dtype": "uint8", "min": null, "scale": null,
            "maxAbsoluteError": null, "maxRelativeError": null
        },
        // 70000 is too large for float16: the error is infinite, and JSON has no such number.
        {
            "name": "conv/bias", "dtype": "float16", "min": null, "scale": null,
            "maxAbsoluteError": null, "maxRelativeError": null
        }
    ]);
    assert_eq!(document.pointer("/quantization"), Some(&expected));

    let copy = folder.path().join("copy");
    assert_eq!(std::fs::read(copy.join("group1-shard1of1.bin")).unwrap(), b"\x14\x00\xff\x00\x3c\x00\x7c");
    assert_eq!(std::fs::read(copy.join("group2-shard1of1.bin")).unwrap(), b"\x07\x00\x00\x00");
    let text = std::fs::read_to_string(copy.join("model.json")).unwrap();
    for quantization in [
        r#""quantization":{"dtype":"uint8","min":-0.10196078817049663,"scale":0.0050980394085248315,"original_dtype":"float32"}}"#,
        r#""quantization":{"dtype":"float16","original_dtype":"float32"}}"#,
    ] {
        assert!(text.contains(quantization), "{text}");
    }
    assert_eq!(tfjs(["verify", copy.to_str().unwrap()]).code, 0);
}

#[test]
fn people_get_a_table() {
    let folder = model();
    let run = quantize(&folder, &["cp", "--quantize", "uint8=conv/kernel", "--quantize", "float16"]);
    let lines: Vec<_> = run.stderr.lines().collect();
    assert_eq!(
        lines,
        [
            "warning: weight `conv/bias` has numbers that became infinite as float16",
            "weight       quantized to  min        scale     largest error  largest relative error",
            "conv/kernel  uint8         -1.020e-1  5.098e-3  1.961e-3       1.961e-2",
            "conv/bias    float16       -          -         inf            inf",
        ]
    );
    assert_eq!((run.code, run.stdout.lines().count()), (0, 1));
    assert!(run.stdout.starts_with("copied ") && run.stdout.ends_with(" (11 B of weights)\n"), "{run:?}");
}

#[test]
fn without_a_match_nothing_changes() {
    let folder = model();
    let run = quantize(&folder, &["cp", "--quantize", "uint8=nothing*"]);
    let told = "warning: no float32 weight matches --quantize uint8=nothing*\nnothing was quantized\n";
    assert_eq!((run.code, run.stderr.as_str()), (0, told));
    let copy = folder.path().join("copy");
    assert_eq!(
        std::fs::read(copy.join("group1-shard1of2.bin")).unwrap(),
        std::fs::read(folder.model().join("a")).unwrap()
    );
    let json = quantize(&folder, &["cp", "--json", "--quantize", "uint8=nothing*"]).json();
    assert_eq!(json.pointer("/quantization"), Some(&json!([])));
}

/// Each pattern must be good for something; what is for the rest may find none.
#[test]
fn each_pattern_that_quantizes_nothing_is_told() {
    let folder = model();
    let rules = ["uint8=*/kernel", "uint16=conv/*s", "uint8=kernel*", "float16=step", "float16"];
    let flags: Vec<_> = rules.iter().flat_map(|rule| ["--quantize", *rule]).collect();
    let run = quantize(&folder, &[&["cp", "--json"], &flags[..]].concat());
    let warning = |rule: &str| format!("warning: no float32 weight matches --quantize {rule}\n");
    assert_eq!((run.code, run.stderr), (0, warning("uint8=kernel*") + &warning("float16=step")));

    let once = folder.path().join("copy");
    let twice = folder.path().join("twice");
    let run = tfjs(["cp", "--quantize", "uint8", once.to_str().unwrap(), twice.to_str().unwrap()]);
    let told =
        "warning: what --quantize uint8 is for, such as `conv/kernel`, is quantized already\nnothing was quantized\n";
    assert_eq!((run.code, run.stderr.as_str()), (0, told));
}

#[test]
fn mv_quantizes_too() {
    let folder = model();
    let run = quantize(&folder, &["mv", "--quantize", "uint16=*kernel", "--shard-size", "4"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(!folder.model().exists());
    let copy = folder.path().join("copy");
    let first = |shard: u8| std::fs::read(copy.join(format!("group1-shard{shard}of4.bin"))).unwrap();
    assert_eq!([first(1), first(2)].concat(), b"\xb1\x13\x00\x00\xff\xff\x00\x00");
}

#[test]
fn onto_itself_is_refused() {
    let folder = model();
    let path = folder.model();
    for command in ["cp", "mv"] {
        let run = tfjs([command, "--quantize", "uint8", path.to_str().unwrap(), path.to_str().unwrap()]);
        assert_eq!(run.code, 1);
        assert!(run.stderr.contains("source and destination are the same model"), "{run:?}");
    }
    assert_eq!(folder.listing(), ["model", "model/a", "model/b", "model/c", "model/model.json"]);
}

/// A model that is damaged must not get checksums that say it is sound; a sound one keeps having some.
#[test]
fn checksums_are_compared_and_made_anew() {
    let folder = model();
    let summed = folder.path().join("summed");
    let (source, summed) = (folder.model(), summed.to_str().unwrap().to_owned());
    assert_eq!(tfjs(["cp", "--checksums", source.to_str().unwrap(), &summed]).code, 0);
    let copy = folder.path().join("copy");
    assert_eq!(tfjs(["cp", "--quantize", "uint8", &summed, copy.to_str().unwrap()]).code, 0);
    assert!(std::fs::read_to_string(copy.join("model.json")).unwrap().contains("sha256"));
    assert_eq!(tfjs(["verify", copy.to_str().unwrap()]).code, 0);

    std::fs::write(folder.path().join("summed/group1-shard1of2.bin"), [1; 7]).unwrap();
    let other = folder.path().join("other");
    let run = tfjs(["cp", "--quantize", "uint8", &summed, other.to_str().unwrap()]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("`group1-shard1of2.bin` has the SHA-256"), "{run:?}");
    assert!(!other.exists());
}

#[test]
fn what_cannot_be_quantized_writes_nothing() {
    let manifest = r#"[{"paths":["w"],"weights":[{"name":"w","shape":[2],"dtype":"float32"}]}]"#;
    let folder = Folder::with_manifest(manifest, &[("w", &[1f32, f32::NAN].map(f32::to_le_bytes).concat())]);
    let run = quantize(&folder, &["cp", "--quantize", "uint8"]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("weight `w` has infinite values or NaN, which uint8 cannot hold; float16 can"),
        "{run:?}"
    );
    let run = quantize(&folder, &["cp", "--quantize", "uint8=w", "--quantize", "uint16=?"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("weight `w` matches two rules, `uint8=w` and `uint16=?`"), "{run:?}");
    assert!(!folder.path().join("copy").exists());
    assert_eq!(quantize(&folder, &["cp", "--quantize", "float16"]).code, 0);
}

#[test]
fn help_tells_what_becomes_of_the_files() {
    let help = tfjs(["cp", "--help"]).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("Without --shard-size, the files of each group that has such weights become one"), "{help}");
}

#[test]
fn bad_values_are_bad_usage() {
    let folder = model();
    for (flags, message) in [
        (&["cp", "--quantize", "int8"][..], "`int8` is no quantization: write uint8, uint16 or float16"),
        (&["mv", "--quantize", "uint8="], "`uint8=` names no weights"),
        (&["cp", "--quantize"], "a value is required for '--quantize <DTYPE[=GLOB]>'"),
        (&["mv", "--quantize", "uint8", "--quantize", "float16"], "both uint8 and float16 are to be used for all"),
        (&["mv", "--quantize", "uint8", "--quantize", "float16"], "Usage: tfjs mv [OPTIONS] <SRC> <DST>"),
        (&["cp", "--quantize", "uint8", "--quantize", "float16"], "Usage: tfjs cp [OPTIONS] <SRC> <DST>"),
    ] {
        let run = quantize(&folder, flags);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:?}");
        assert!(run.stderr.contains(message), "{run:?}");
    }
    assert!(folder.model().exists() && !folder.path().join("copy").exists());
}
