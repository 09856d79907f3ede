//! Object stores, reached as the environment says.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc;

use crate::support::run;

const MODEL: &str = r#"{"format": "graph-model", "modelTopology": {"node": []}}"#;

/// Answers every request with a model, and tells the lines of each.
fn store() -> (String, mpsc::Receiver<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (requests, told) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
            let length = MODEL.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nETag: \"1\"\r\nConnection: close\r\n\
                 Last-Modified: Fri, 27 Nov 2026 00:00:00 GMT\r\n\r\n{MODEL}"
            );
            stream.write_all(answer.as_bytes()).unwrap();
            let _nobody_asks = requests.send(head);
        }
    });
    (endpoint, told)
}

#[test]
fn credentials_and_endpoint_are_those_of_the_environment() {
    let (endpoint, requests) = store();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tfjs"));
    command.args(["inspect", "--json", "s3://bucket/models/m"]);
    command.envs([("AWS_ENDPOINT_URL", endpoint.as_str()), ("AWS_ALLOW_HTTP", "true"), ("AWS_REGION", "somewhere")]);
    command.envs([("AWS_ACCESS_KEY_ID", "some-key"), ("AWS_SECRET_ACCESS_KEY", "some-secret")]);
    let inspected = run(&mut command).json();
    assert_eq!(inspected.get("format").and_then(|format| format.as_str()), Some("graph-model"), "{inspected}");
    let head = requests.recv().unwrap();
    assert!(head.iter().any(|line| line.starts_with("GET /bucket/models/m/model.json ")), "{head:?}");
    let signed = |line: &String| line.contains("Credential=some-key/") && line.contains("/somewhere/s3/");
    assert!(head.iter().any(signed), "{head:?}");
    assert!(!head.concat().contains("some-secret"));
}

#[test]
fn credentials_in_a_url_are_refused_and_not_repeated() {
    for command in ["inspect", "rm", "ls"] {
        let refused = crate::support::tfjs([command, "s3://key:some-secret@bucket/m"]);
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.stderr.contains("credentials come from elsewhere"), "{refused:?}");
        assert!(!refused.stderr.contains("some-secret"), "{refused:?}");
    }
}
