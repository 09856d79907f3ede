//! Words and numbers for people: names that would make lines of their own, and one of something.

use crate::support::{Folder, tfjs};

const FORGED: &str = r"x\nok: forged\u001b[2J";

#[test]
fn one_thing_is_one_thing() {
    let manifest = r#"[{"paths":["w"],"weights":[{"name":"w","shape":[],"dtype":"bool"}]}]"#;
    let folder = Folder::with_manifest(manifest, &[("w", &[1])]);
    let at = |name: &str| folder.path().join(name).display().to_string();
    assert_eq!(tfjs(["verify", &at("model")]).stdout.lines().last(), Some("ok: 1 tensor, 1 B of weights"));
    let inspection = tfjs(["inspect", &at("model")]).stdout;
    assert!(inspection.contains("1 with 1 element\n") && inspection.contains("1 tensor, 1 B in w\n"), "{inspection}");
    for unchanged in [0, 1] {
        let sync = tfjs(["sync", &at("model"), &at("copies")]);
        assert!(sync.stdout.ends_with(&format!("{unchanged} of 1 model is unchanged\n")), "{sync:?}");
    }
}

/// A model whose layer, tensors, keys and folder are called like that.
fn forged(units: u64) -> Folder {
    let json = r#"{"format":"layers-model","generatedBy":"FORGED","modelTopology":{"class_name":"Sequential","config":{"name":"s","layers":[
        {"class_name":"Dense","config":{"name":"FORGED","units":UNITS,"FORGED":UNITS,"batch_input_shape":[null,1]}}]}},
        "weightsManifest":[{"paths":["w"],"weights":[
        {"name":"FORGED/kernel","shape":[1,UNITS],"dtype":"float32"},{"name":"FORGED/bias","shape":[UNITS],"dtype":"float32"}]}],
        "userDefinedMetadata":{"FORGED":UNITS},"FORGED":UNITS}"#;
    let json = json.replace("FORGED", FORGED).replace("UNITS", &units.to_string());
    Folder::with_json(&json, &[("w", &vec![0; usize::try_from(8 * units).unwrap()])])
}

#[test]
fn names_are_parts_of_lines() {
    let (one, other) = (forged(1), forged(2));
    let [one, other] = [&one, &other].map(|folder| folder.model().display().to_string());
    for command in ["summary", "inspect", "tensors", "verify", "graph"] {
        let run = tfjs([command, &one]);
        assert_eq!(run.code, 0, "{run:?}");
        no_line_is_forged(&run.stdout);
        assert_eq!(command == "verify", !run.stdout.contains("forged"), "{run:?}");
    }
    let diff = tfjs(["diff", &one, &other]);
    assert_eq!((diff.code, diff.stdout.lines().count()), (1, 6), "{diff:?}");
    no_line_is_forged(&diff.stdout);
    assert!(diff.stdout.contains(r"weight `x\nok: forged\u{1b}[2J/bias`: "), "{diff:?}");
    let summary = tfjs(["summary", "--json", &one]).json();
    assert!(summary.get("summary").unwrap().as_str().unwrap().contains("x\nok: forged\u{1b}[2J (Dense)"), "{summary}");
}

#[cfg(unix)]
#[test]
fn folders_of_models_are_parts_of_lines() {
    let folder = forged(1);
    std::fs::rename(folder.model(), folder.path().join("x\nok: forged\u{1b}[2J")).unwrap();
    let ls = tfjs(["ls", folder.path().to_str().unwrap()]);
    assert_eq!((ls.code, ls.stdout.lines().count()), (0, 1), "{ls:?}");
    no_line_is_forged(&ls.stdout);
}

#[track_caller]
fn no_line_is_forged(text: &str) {
    assert!(!text.lines().any(|line| line.starts_with("ok: forged")) && !text.contains('\u{1b}'), "{text:?}");
}
