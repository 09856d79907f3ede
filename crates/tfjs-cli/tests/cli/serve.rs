//! `tfjs serve`: what it says, what it refuses, and how it ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use crate::support::{Folder, Run, run, tfjs};

/// A server that runs, and where.
struct Server {
    child: Child,
    address: SocketAddr,
    /// Reads the log as it is written: a pipe that is full would stop the server.
    log: JoinHandle<String>,
}

impl Server {
    fn new(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tfjs"));
        command.arg("serve").arg(folder).args(["--listen", "127.0.0.1:0"]).args(args).envs(env.iter().copied());
        Self::of(command)
    }

    /// The one that a command starts.
    fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            stderr.read_to_string(&mut log).unwrap();
            log
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on http://").and_then(|rest| rest.trim_end().parse().ok());
        Self { child, address: address.unwrap_or_else(|| panic!("{line:?}")), log }
    }

    /// Sends bytes on a new connection; the status and all of the answer.
    fn send(&self, head: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let (head, length) = (head.replace('\n', "\r\n"), body.len());
        let head = format!("{head}\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        (answer.get(9..12).unwrap_or("0").parse().unwrap(), answer)
    }

    fn get(&self, path: &str) -> u16 {
        self.send(&format!("GET {path} HTTP/1.1"), b"").0
    }

    fn upload(&self, path: &str, headers: &str, elements: usize) -> u16 {
        let head = format!("POST {path} HTTP/1.1\ncontent-type: multipart/form-data; boundary=xYz{headers}");
        self.send(&head, &form(elements)).0
    }

    /// The most memory that the process has had, in bytes.
    #[cfg(target_os = "linux")]
    fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Ends it as a service manager does.
    fn end(mut self, signal: &str) -> Run {
        let killed = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        Run { code, stdout: String::new(), stderr: self.log.join().unwrap() }
    }
}

/// What TensorFlow.js sends for a model of one tensor of ones.
fn form(elements: usize) -> Vec<u8> {
    let part =
        |name: &str| format!("--xYz\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\n\r\n");
    let weights = format!(r#"[{{"name":"w","shape":[{elements}],"dtype":"float32"}}]"#);
    let manifest = format!(r#"[{{"paths":["./model.weights.bin"],"weights":{weights}}}]"#);
    let json = format!(r#"{{"modelTopology":{{"node":[]}},"weightsManifest":{manifest}}}"#);
    let mut form = format!("{}{json}\r\n{}", part("model.json"), part("model.weights.bin")).into_bytes();
    form.resize(form.len() + elements * 4, 1);
    form.extend_from_slice(b"\r\n--xYz--\r\n");
    form
}

#[test]
fn a_model_comes_and_goes() {
    let folder = Folder::new();
    let server = Server::new(folder.path(), &["--log-format", "json"], &[]);
    assert_eq!(server.upload("/upload?name=a&secret=1", "\nx-request-id: id-1", 1000), 200);
    assert_eq!(server.get("/a/model.json"), 200);
    assert_eq!(server.get("/a/model.weights.bin"), 200);
    let url = folder.path().join("a");
    assert_eq!(tfjs(["verify", url.to_str().unwrap()]).code, 0);
    assert_eq!(server.send("DELETE /a HTTP/1.1", b"").0, 200);
    assert!(!url.exists());

    let ended = server.end("-TERM");
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!ended.stderr.contains("secret"));
    let events: Vec<Value> = ended.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 4, "{events:?}");
    let first = &events[0];
    for (key, value) in [
        ("method", json!("POST")),
        ("path", json!("/upload")),
        ("status", json!(200)),
        ("request_id", json!("id-1")),
        ("complete", json!(true)),
    ] {
        assert_eq!(first[key], value, "{key}: {first}");
    }
    assert_eq!(events[2]["bytes"], json!(4000));
    assert!(first["ms"].is_u64());
}

#[test]
fn groups_and_cuts_arrive_if_each_file_is_sent_by_itself() {
    let group = |name: &str| {
        format!(r#"{{"paths":["{name}.bin"],"weights":[{{"name":"{name}","shape":[2],"dtype":"float32"}}]}}"#)
    };
    let files: [(&str, &[u8]); 2] = [("a.bin", &[1; 8]), ("b.bin", &[2; 8])];
    let from = Folder::with_manifest(&format!("[{},{}]", group("a"), group("b")), &files);
    let folder = Folder::new();
    let server = Server::new(folder.path(), &[], &[]);
    let copy = |name: &str, args: &[&str]| {
        let url = format!("http://{}/{name}/model.json", server.address);
        let copied = tfjs([&["cp", from.model().to_str().unwrap(), &url], args].concat());
        assert_eq!(copied.code, 0, "{copied:?}");
        let there = tfjs(["inspect", "--json", folder.path().join(name).to_str().unwrap()]).json();
        let groups = there["groups"].as_array().unwrap().iter();
        groups.map(|group| group["shards"].as_array().unwrap().len()).collect::<Vec<_>>()
    };
    assert_eq!(copy("joined", &[]), [1]);
    assert_eq!(copy("kept", &["--upload", "files"]), [1, 1]);
    assert_eq!(copy("cut", &["--upload", "files", "--shard-size", "4"]), [2, 2]);
    assert_eq!(server.end("-INT").code, 0);
}

#[test]
fn the_address_of_the_server_is_no_model() {
    let folder = Folder::new();
    let server = Server::new(folder.path(), &[], &[]);
    assert_eq!(server.upload("/upload?name=a", "", 1000), 200);
    let (root, a) = (format!("http://{}/", server.address), folder.path().join("a"));
    for (args, words) in [
        (&["inspect", &root][..], "the list of a server's models"),
        (&["cp", a.to_str().unwrap(), &root], "this is the list of the models; upload a model"),
    ] {
        let failed = tfjs(args.iter().copied());
        assert!(failed.code == 1 && failed.stderr.contains(words), "{failed:?}");
    }
    assert_eq!(server.end("-INT").code, 0);
}

/// As `nohup` has it.
#[cfg(target_os = "linux")]
#[test]
fn a_closed_terminal_ends_it_unless_that_is_ignored() {
    let folder = Folder::new();
    let hung_up = Server::new(folder.path(), &[], &[]).end("-HUP");
    assert_eq!(hung_up.code, 0, "{hung_up:?}");
    let mut command = Command::new("sh");
    let script = "trap '' HUP; exec \"$0\" serve \"$1\" --listen 127.0.0.1:0";
    command.args(["-c", script, env!("CARGO_BIN_EXE_tfjs")]).arg(folder.path());
    let server = Server::of(command);
    let hangup = Command::new("kill").args(["-HUP", &server.child.id().to_string()]).status().unwrap();
    assert!(hangup.success());
    assert_eq!(server.get("/healthz"), 200);
    assert_eq!(server.end("-TERM").code, 0);
}

/// Where it listens is told on standard error then; and later nobody reads that either.
#[test]
fn it_goes_on_without_readers() {
    let folder = Folder::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_tfjs"));
    command.arg("serve").arg(folder.path()).args(["--listen", "127.0.0.1:0"]).stdout(writer).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("listening on http://").unwrap_or_else(|| panic!("{line:?}"));
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn it_ends_with_ctrl_c() {
    let folder = Folder::new();
    let ended = Server::new(folder.path(), &[], &[]).end("-INT");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
}

#[test]
fn tokens_come_from_the_environment_or_a_file() {
    let folder = Folder::new();
    let token = folder.path().join("token");
    std::fs::write(&token, "correct-horse-battery\n").unwrap();
    for (args, env) in [
        (["--token-env", "TFJS_TEST_TOKEN"], [("TFJS_TEST_TOKEN", "correct-horse-battery")]),
        (["--token-file", token.to_str().unwrap()], [("TFJS_TEST_TOKEN", "")]),
    ] {
        let args = [args.as_slice(), &["--protect-reads"]].concat();
        let server = Server::new(folder.path(), &args, &env);
        assert_eq!(server.upload("/a", "", 10), 401);
        assert_eq!(server.upload("/a", "\nauthorization: Bearer wrong-horse-battery", 10), 401);
        assert_eq!(server.upload("/a", "\nauthorization: Bearer correct-horse-battery", 10), 200);
        assert_eq!((server.get("/a/model.json"), server.get("/healthz")), (401, 200));
        let ended = server.end("-TERM");
        assert!(!ended.stderr.contains("horse"), "{ended:?}");
    }
}

#[test]
fn what_it_refuses() {
    let folder = Folder::new();
    let path = folder.path().to_str().unwrap();
    let serve = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tfjs"));
        let failed = run(command.arg("serve").args(args).env("TFJS_TEST_SHORT", "1234").env_remove("TFJS_TEST_NONE"));
        assert_eq!(failed.stdout, "");
        (failed.code, failed.stderr)
    };
    let refused = |args: &[&str], words: &str| {
        let (code, stderr) = serve(args);
        assert!(code == 1 && stderr.starts_with("error: ") && stderr.contains(words), "{args:?}: {stderr}");
    };
    refused(&[path, "--listen", "0.0.0.0:0"], "--allow-anonymous-writes");
    refused(&["/no/such/folder"], "does not exist; make it first");
    refused(&[path, "--token-env", "TFJS_TEST_NONE"], "is not set");
    refused(&[path, "--token-env", "TFJS_TEST_SHORT"], "fewer than 8 characters");
    refused(&[path, "--token-file", "/no/such/file"], "cannot read the token");
    refused(&[path, "--protect-reads"], "needs a token");
    refused(&[path, "--listen", "192.0.2.1:1", "--read-only"], "cannot listen on 192.0.2.1:1");
    for wrong in [
        &["--listen", "nowhere"][..],
        &["--listen", "8000"],
        &["--max-upload-size", "0"],
        &["--allow-origin", "example.org"],
        &["--read-only", "--allow-anonymous-writes"],
        &["--token-env", "A", "--token-file", "b"],
    ] {
        let args = [&[path], wrong].concat();
        assert_eq!(serve(&args).0, 2, "{wrong:?}");
    }
}

#[test]
fn the_name_of_a_host_is_looked_up() {
    let folder = Folder::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tfjs"));
    command.arg("serve").arg(folder.path()).args(["--listen", "localhost:0"]);
    let server = Server::of(command);
    assert!(server.address.ip().is_loopback(), "{}", server.address);
    assert_eq!(server.end("-TERM").code, 0);
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_model() {
    let folder = Folder::new();
    let server = Server::new(folder.path(), &[], &[]);
    for name in ["a", "b"] {
        assert_eq!(server.upload(&format!("/{name}"), "", 32 << 20), 200);
        assert_eq!(server.get(&format!("/{name}/model.weights.bin")), 200);
    }
    let peak = server.peak_memory();
    assert!(peak < 48 << 20, "{peak} bytes for a model of 128 MiB");
    assert_eq!(server.end("-TERM").code, 0);
}

/// The tests of tfjs-server have more kinds of harm; here it is the memory of a whole process.
#[cfg(target_os = "linux")]
#[test]
fn hostile_clients_take_little() {
    let folder = Folder::new();
    let models = folder.path().join("models");
    std::fs::create_dir(&models).unwrap();
    let server = Server::new(&models, &["--max-upload-size", "4MiB", "--max-json-size", "64KiB"], &[]);
    assert_eq!(server.upload("/good", "", 1000), 200);
    let before = folder.listing();
    let requests = std::env::var("TFJS_HOSTILE_REQUESTS").ok().and_then(|count| count.parse().ok()).unwrap_or(400);
    let names = ["..", "%2e%2e", "..%2f..%2fx", "%00", "a%5cb", "con", "C:", ".hidden", "m.json"];
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (server, names) = (&server, &names);
            scope.spawn(move || {
                for index in (thread..requests).step_by(8) {
                    let name = names[index % names.len()];
                    match index % 4 {
                        0 => assert!((400..500).contains(&server.upload(&format!("/{name}"), "", 10))),
                        1 => assert!((400..500).contains(&server.get(&format!("/{name}/model.json")))),
                        // Larger than allowed.
                        2 => assert!([0, 409, 413, 503].contains(&server.upload("/evil", "", 2 << 20))),
                        _ => {
                            // Killed half-way.
                            let mut stream = TcpStream::connect(server.address).unwrap();
                            let head =
                                "POST /evil HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=xYz\r\n";
                            let _ = stream.write_all(format!("{head}content-length: 900000\r\n\r\n").as_bytes());
                            let _ = stream.write_all(&form(500_000)[..800_000]);
                        }
                    }
                }
            });
        }
    });
    assert_eq!(server.upload("/good", "", 1000), 200);
    let peak = server.peak_memory();
    assert!(peak < 160 << 20, "{peak} bytes");
    let ended = server.end("-TERM");
    assert_eq!(ended.code, 0);
    assert!(!ended.stderr.contains("panicked"), "{ended:?}");
    assert_eq!(folder.listing(), before);
}
