//! Slow clients, and the end of the server.

use std::time::Duration;

use tfjs_server::{ServeOptions, ServerOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Answer, Form, Server, head, model};

fn impatient() -> (ServerOptions, ServeOptions) {
    let (mut options, mut serve) = (ServerOptions::new(), ServeOptions::new());
    options.idle_timeout = Duration::from_millis(300);
    serve.header_timeout = Duration::from_millis(300);
    serve.write_timeout = Duration::from_millis(300);
    (options, serve)
}

#[tokio::test]
async fn clients_that_say_nothing_are_left() {
    let (options, serve) = impatient();
    let server = Server::with(options, serve).await;
    // Nothing; half a head; a head without a body; half a body.
    let form = model(1, 1000);
    let mut half = form.head("POST", "/m", &[]);
    half.extend_from_slice(&form.body()[..2000]);
    for begin in [&b""[..], b"GET / HTTP/1.1\r\nhost: ", &form.head("POST", "/m", &[]), &half] {
        let mut stream = server.connect().await;
        stream.write_all(begin).await.unwrap();
        let answer = Answer::read(&mut stream).await;
        assert!([0, 408].contains(&answer.status), "{answer:?}");
    }
    assert_eq!(server.listing(), ["models"]);
    assert_eq!(server.upload("POST", "/m", &form).await.status, 200);
}

#[tokio::test]
async fn drops_do_not_make_an_upload() {
    let (mut options, serve) = impatient();
    options.min_upload_rate = 1_000_000;
    let server = Server::with(options, serve).await;
    let form = model(1, 1_000_000);
    let mut stream = server.connect().await;
    stream.write_all(&form.head("POST", "/m", &[])).await.unwrap();
    // Never silent for long, and never enough.
    for byte in form.body() {
        if stream.write_all(&[byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut answer = [0; 12];
        if let Ok(Ok(12)) = tokio::time::timeout(Duration::from_millis(1), stream.read(&mut answer)).await {
            assert_eq!(&answer, b"HTTP/1.1 408");
            break;
        }
    }
    assert_eq!(server.listing(), ["models"]);
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_left() {
    let (options, serve) = impatient();
    let server = Server::with(options, serve).await;
    assert_eq!(server.upload("POST", "/m", &model(1, 8_000_000)).await.status, 200);
    let mut stream = server.connect().await;
    stream.write_all(&head("GET", "/m/model.weights.bin", &[])).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut bytes = Vec::new();
    // What the system's buffers held.
    let _ = stream.read_to_end(&mut bytes).await;
    assert!(bytes.len() < 32_000_000, "{}", bytes.len());
}

#[tokio::test]
async fn connections_that_are_too_many_wait() {
    let mut serve = ServeOptions::new();
    serve.max_connections = 2;
    let server = Server::with(ServerOptions::new(), serve).await;
    let (first, second) = (server.connect().await, server.connect().await);
    let waits = tokio::time::timeout(Duration::from_millis(200), server.get("/healthz")).await;
    assert!(waits.is_err());
    drop((first, second));
    assert_eq!(server.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn long_heads_are_refused() {
    let server = Server::new().await;
    let long = format!("x: {}", "y".repeat(200_000));
    assert_eq!(server.request("GET", "/", &[&long]).await.status, 431);
    assert_eq!(server.get(&format!("/{}", "y".repeat(70_000))).await.status, 414);
}

#[tokio::test]
async fn requests_end_before_the_server_does() {
    let mut server = Server::new().await;
    let form = model(1, 1_000_000);
    let (mut upload, mut idle) = (server.connect().await, server.connect().await);
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(idle.read(&mut [0; 1000]).await.unwrap() > 0);
    let body = form.body();
    upload.write_all(&form.head("POST", "/m", &[])).await.unwrap();
    upload.write_all(&body[..3_000_000]).await.unwrap();
    while server.listing() == ["models"] {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.begin_end();
    // A connection without a request ends at once.
    assert_eq!(idle.read_to_end(&mut Vec::new()).await.unwrap(), 0);
    upload.write_all(&body[3_000_000..]).await.unwrap();
    assert_eq!(Answer::read(&mut upload).await.status, 200);
    let folder = server.ended().await;
    assert!(folder.path().join("models/m/model.json").exists());
}

#[tokio::test]
async fn what_does_not_end_in_time_is_cut_off_and_leaves_nothing() {
    let mut serve = ServeOptions::new();
    serve.shutdown_timeout = Duration::from_millis(100);
    let mut server = Server::with(ServerOptions::new(), serve).await;
    let form = model(1, 1_000_000);
    let mut upload = server.connect().await;
    upload.write_all(&form.head("POST", "/m", &[])).await.unwrap();
    upload.write_all(&form.body()[..1_000_000]).await.unwrap();
    while server.listing() == ["models"] {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.begin_end();
    server.quiet(&["models"]).await;
    let _folder = server.ended().await;
    assert_eq!(Answer::read(&mut upload).await.status, 0);
}

#[tokio::test]
async fn chunked_uploads_and_connections_that_go_on() {
    let server = Server::new().await;
    let mut stream = server.connect().await;
    for name in ["a", "b"] {
        let head = format!(
            "POST /{name} HTTP/1.1\r\nhost: x\r\n{}\r\ntransfer-encoding: chunked\r\n\r\n",
            Form::content_type()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        for chunk in model(4, 5000).body().chunks(777) {
            stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await.unwrap();
            stream.write_all(chunk).await.unwrap();
            stream.write_all(b"\r\n").await.unwrap();
        }
        stream.write_all(b"0\r\n\r\n").await.unwrap();
        let mut answer = vec![0; 4000];
        let length = stream.read(&mut answer).await.unwrap();
        assert!(answer[..length].starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
        assert_eq!(server.get(&format!("/{name}/model.weights.bin")).await.body, vec![4; 20_000]);
    }
}
