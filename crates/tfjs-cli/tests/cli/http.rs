//! Models on a web server.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use crate::support::{Folder, Run, run, tfjs};

/// Serves a folder to who has the token, and remembers what is sent to it; until the process ends.
fn serve(folder: PathBuf, token: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let sent = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&sent);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(&stream.unwrap(), &folder, token, &log);
        }
    });
    (url, sent)
}

fn answer(mut stream: &TcpStream, folder: &std::path::Path, token: &str, log: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap() == 0 {
            return;
        }
    }
    let head = head.to_ascii_lowercase();
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    let mut body = vec![0; header("content-length").map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap().trim_start_matches('/'));
    let file = std::fs::read(folder.join(path));
    let (status, content) = match (header("authorization") == Some(&format!("bearer {token}")), method, file) {
        (false, ..) => ("401 Unauthorized", Vec::new()),
        (true, "post" | "put", _) => {
            log.lock().unwrap().push(String::from_utf8_lossy(&body).into_owned());
            ("200 OK", b"{\"id\":1}".to_vec())
        }
        (true, _, Ok(content)) => ("200 OK", content),
        _ => ("404 Not Found", Vec::new()),
    };
    let length = content.len();
    let body = if method == "head" { Vec::new() } else { content };
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    // Who reads only the beginning is gone by now.
    let _ = stream.write_all(&[head.as_bytes(), &body].concat());
}

fn model() -> Folder {
    let manifest = r#"[{"paths":["w.bin"],"weights":[{"name":"w","shape":[2],"dtype":"float32"}]}]"#;
    Folder::with_manifest(manifest, &[("w.bin", &[0, 0, 128, 63, 0, 0, 0, 64])])
}

fn with_token(args: &[&str]) -> Run {
    run(Command::new(env!("CARGO_BIN_EXE_tfjs")).args(args).env("MODEL_TOKEN", "abc"))
}

#[test]
fn a_model_on_a_server_is_read_like_one_on_the_disk() {
    let folder = model();
    let (server, _) = serve(folder.model(), "abc");
    let url = format!("{server}/model.json");
    for command in ["inspect", "tensors", "verify"] {
        let there = with_token(&[command, "--json", "--bearer-token-env", "MODEL_TOKEN", &url]);
        let here = tfjs([command, "--json", folder.model().to_str().unwrap()]);
        let without_url = |run: &Run| {
            let mut json = run.json();
            json.as_object_mut().map(|json| json.remove("url"));
            json
        };
        assert_eq!(without_url(&there), without_url(&here));
    }
    let copy = folder.path().join("copy");
    let copied = with_token(&["cp", "--header", "Authorization: Bearer abc", &url, copy.to_str().unwrap()]);
    assert_eq!(copied.code, 0, "{copied:?}");
    assert_eq!(std::fs::read(copy.join("model.weights.bin")).unwrap(), [0, 0, 128, 63, 0, 0, 0, 64]);
}

#[test]
fn a_copy_to_a_server_is_an_upload_whose_answer_is_shown() {
    let folder = model();
    let (server, sent) = serve(folder.model(), "abc");
    let url = format!("{server}/upload");
    let model = folder.model();
    let args = ["cp", "--json", "--bearer-token-env", "MODEL_TOKEN", model.to_str().unwrap(), &url];
    let saved = with_token(&args).json();
    assert_eq!(saved.pointer("/responses/0/body").and_then(|body| body.as_str()), Some("{\"id\":1}"));
    assert_eq!(saved.pointer("/responses/0/status").and_then(serde_json::Value::as_u64), Some(200));
    assert!(sent.lock().unwrap()[0].contains("filename=\"model.weights.bin\""));
}

#[test]
fn a_copy_to_a_server_has_the_form_that_was_asked_for() {
    let folder = model();
    let (server, sent) = serve(folder.model(), "abc");
    let model = folder.model();
    let copy = |path: &str, args: &[&str]| {
        let url = format!("{server}/{path}");
        let common = ["cp", "--bearer-token-env", "MODEL_TOKEN", model.to_str().unwrap(), &url];
        let run = with_token(&[&common, args].concat());
        (run, std::mem::take(&mut *sent.lock().unwrap()))
    };
    let (refused, nothing) = copy("upload", &["--shard-size", "4"]);
    assert!(refused.code == 1 && refused.stderr.contains("`--upload files`") && nothing.is_empty(), "{refused:?}");
    let (copied, forms) = copy("upload", &["--shard-size", "4", "--upload", "files"]);
    assert_eq!((copied.code, forms.len()), (0, 1), "{copied:?}");
    assert!(forms[0].contains("shard1of2") && forms[0].contains("shard2of2"), "{forms:?}");
    let (copied, files) = copy("put/model.json", &["--upload", "put"]);
    assert_eq!((copied.code, files.len()), (0, 2), "{copied:?}");
    assert!(files[1].contains("weightsManifest") && !files[0].contains("weightsManifest"), "{files:?}");
}

/// From where nothing can be removed, and to where nothing can be seen.
#[test]
fn what_became_of_a_model_that_cannot_be_moved_is_told() {
    let folder = model();
    let (server, sent) = serve(folder.model(), "abc");
    let (model, copy) = (folder.model(), folder.path().join("copy"));
    let (model, copy) = (model.to_str().unwrap(), copy.to_str().unwrap());
    let mv = |source: &str, destination: &str| {
        let run = with_token(&["mv", "--bearer-token-env", "MODEL_TOKEN", source, destination]);
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run:?}");
        run.stderr
    };
    let told = mv(&format!("{server}/model.json"), copy);
    assert!(told.contains("nothing was copied; copy the model instead"), "{told}");
    assert!(!folder.path().join("copy").exists());
    let told = mv(model, &format!("{server}/upload"));
    assert!(told.contains("the copy was sent, but it cannot be loaded from there; the source stays"), "{told}");
    assert!(told.contains("because: cannot load `http") && sent.lock().unwrap().len() == 1, "{told}");
    assert!(folder.model().join("model.json").exists());
}

#[test]
fn without_credentials_it_says_so() {
    let folder = model();
    let (server, _) = serve(folder.model(), "abc");
    let refused = tfjs(["inspect", &format!("{server}/model.json?key=secret")]);
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""));
    assert!(refused.stderr.contains("401 Unauthorized") && !refused.stderr.contains("secret"), "{refused:?}");
}

#[test]
fn a_secret_of_one_server_does_not_go_to_another() {
    let (from, to) = (model(), Folder::with_manifest("[]", &[]));
    let (source, _) = serve(from.model(), "abc");
    let (destination, sent) = serve(to.model(), "def");
    let urls = [format!("{source}/model.json"), format!("{destination}/upload")];
    let urls = [urls[0].as_str(), urls[1].as_str()];
    let unnamed = with_token(&["cp", "--bearer-token-env", "MODEL_TOKEN", urls[0], urls[1]]);
    assert_eq!(unnamed.code, 2, "{unnamed:?}");
    assert!(unnamed.stderr.contains(&source) && unnamed.stderr.contains(&destination), "{unnamed:?}");
    let token = format!("{source}=MODEL_TOKEN");
    let refused = with_token(&["cp", "--bearer-token-env", &token, urls[0], urls[1]]);
    assert!(refused.code == 1 && refused.stderr.contains("401 Unauthorized"), "{refused:?}");
    let header = format!("{destination}=Authorization: Bearer def");
    let copied = with_token(&["cp", "--bearer-token-env", &token, "--header", &header, urls[0], urls[1]]);
    assert_eq!(copied.code, 0, "{copied:?}");
    assert_eq!(sent.lock().unwrap().len(), 1);
}

/// Nothing would come of them.
#[test]
fn options_for_servers_need_one() {
    let folder = model();
    let (model, copy) = (folder.model(), folder.path().join("copy"));
    let (model, copy) = (model.to_str().unwrap(), copy.to_str().unwrap());
    let server = "http://127.0.0.1:1/upload";
    for (args, words) in [
        (vec!["inspect", "--header", "X: 1", model], "--header: no URL given is at http:// or https://"),
        (vec!["cp", "--bearer-token-env", "MODEL_TOKEN", model, copy], "--bearer-token-env: no URL given"),
        (vec!["cp", "--upload", "files", model, copy], "--upload: DST is neither at http:// nor at https://"),
        (vec!["mv", "--upload", "file", server, copy], "--upload: DST is neither"),
        (vec!["sync", "--upload", "file", model, copy], "--upload: DST is neither"),
        (vec!["convert", "--upload", "put", model, "m.npz"], "--upload: DST is neither"),
        (vec!["cp", "--weights-file-name", "w.bin", model, server], "--weights-file-name: a server names what"),
    ] {
        let run = with_token(&args);
        assert!(run.code == 2 && run.stderr.contains(words), "{run:?}");
    }
    assert_eq!(folder.listing(), ["model", "model/model.json", "model/w.bin"]);
    let (server, sent) = serve(folder.model(), "abc");
    let url = format!("{server}/put/model.json");
    let token = ["--bearer-token-env", "MODEL_TOKEN"];
    let run =
        with_token(&[&["cp", "--upload", "put", "--weights-file-name", "w.bin", model, &url], &token[..]].concat());
    assert!(run.code == 0 && sent.lock().unwrap()[1].contains("w.bin"), "{run:?}");
}

#[test]
fn options_that_make_no_sense_are_usage_errors_and_show_no_secret() {
    for args in [
        ["--header", "secret"],
        ["--header", "na me: secret"],
        ["--header", "x: secret\u{7f}"],
        ["--bearer-token-env", "NO_SUCH_VARIABLE_HERE"],
    ] {
        let run = tfjs(["inspect"].into_iter().chain(args).chain(["http://127.0.0.1:1/model.json"]));
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:?}");
        assert!(run.stderr.contains(args[0]) && !run.stderr.contains("secret"), "{run:?}");
    }
}
