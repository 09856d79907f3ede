//! Standard output that takes nothing.

use std::process::{Command, Stdio};

use crate::support::{Folder, Run};

const LAYERS: &str = r#"{"format":"layers-model","modelTopology":{"class_name":"Sequential","config":{"name":"s","layers":[
        {"class_name":"Dense","config":{"name":"d","units":1,"batch_input_shape":[null,3]}}]}},
    "weightsManifest":[{"paths":["w"],"weights":[
        {"name":"d/kernel","shape":[3,1],"dtype":"float32"},{"name":"d/bias","shape":[1],"dtype":"float32"}]}]}"#;

fn layers() -> Folder {
    Folder::with_json(LAYERS, &[("w", &[0; 16])])
}

/// The reader has gone before anything was written.
fn unread(folder: &Folder, args: &str) -> Run {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    run_into(folder, args, writer.into())
}

fn run_into(folder: &Folder, args: &str, stdout: Stdio) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tfjs"));
    let child = command.args(args.split(' ')).current_dir(folder.path()).stdout(stdout).stderr(Stdio::piped());
    let output = child.spawn().unwrap().wait_with_output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::new(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_reader_that_has_gone_was_not_told_and_needs_no_explanation() {
    let folder = layers();
    let other = folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("model.json"), LAYERS.replace("d/bias", "d/other")).unwrap();
    std::fs::write(other.join("w"), [0; 16]).unwrap();
    for args in [
        "ls",
        "ls --json",
        "inspect model",
        "tensors model",
        "tensors --json model",
        "summary model",
        "verify model",
        "graph model",
        "diff model other",
        "diff --json model model",
        "sync --dry-run model copies",
        "completions bash",
    ] {
        let run = unread(&folder, args);
        assert_eq!((run.code, run.stderr.as_str()), (1, ""), "{args}");
    }
    // There is nothing to say.
    assert_eq!(unread(&folder, "diff model model").code, 0);
}

/// What is done is done, and told where somebody may read it.
#[test]
fn what_was_done_is_told_on_standard_error() {
    for (args, done) in DONE {
        let folder = layers();
        let run = unread(&folder, args);
        assert_eq!((run.code, run.stderr), (1, format!("{done}\n")), "{args}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_standard_output_that_is_full_is_named() {
    for (args, done) in DONE {
        let folder = layers();
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let run = run_into(&folder, args, full.into());
        let expected =
            format!("error: cannot write to standard output: No space left on device (os error 28)\n{done}\n");
        assert_eq!((run.code, run.stderr), (1, expected), "{args}");
    }
}

const DONE: [(&str, &str); 6] = [
    ("mv model new", "the model was moved to new all the same"),
    ("cp model new", "the model was copied to new all the same"),
    ("cp --json model new", "the model was copied to new all the same"),
    ("convert model new.npz", "the model was converted to new.npz all the same"),
    ("rm model", "the model at model was removed all the same"),
    ("sync model copies", "copied or removed all the same: 1 of 1"),
];
