//! Clients that mean harm, while others go on working.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tfjs_artifacts::Limit;
use tfjs_server::{ServeOptions, ServerOptions};
use tokio::io::AsyncWriteExt as _;

use crate::support::{Answer, Client, Form, Server, head, json, model, with_manifest};

/// How many hostile requests; set `TFJS_HOSTILE_REQUESTS` for more.
fn requests() -> usize {
    std::env::var("TFJS_HOSTILE_REQUESTS").ok().and_then(|count| count.parse().ok()).unwrap_or(1500)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_clients() {
    let (mut options, mut serve) = (ServerOptions::new(), ServeOptions::new());
    options.max_upload_bytes = 1 << 20;
    options.upload_limits = options.upload_limits.with(Limit::JsonBytes, 64 << 10);
    options.idle_timeout = Duration::from_secs(5);
    serve.header_timeout = Duration::from_secs(2);
    let server = Server::with(options, serve).await;
    assert_eq!(server.upload("POST", "/good", &model(1, 20_000)).await.status, 200);

    let done = Arc::new(AtomicBool::new(false));
    let good = tokio::spawn(good_client(*server, Arc::clone(&done)));
    // Connections that never finish their heads stay open meanwhile.
    let mut lorises = Vec::new();
    for _ in 0..32 {
        let mut stream = server.connect().await;
        stream.write_all(b"GET /good/model.json HTTP/1.1\r\nx-slow: ").await.unwrap();
        lorises.push(stream);
    }
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..requests() {
        if tasks.len() >= 16 {
            tasks.join_next().await.unwrap().unwrap();
        }
        tasks.spawn(hostile_client(*server, index));
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    done.store(true, Ordering::Relaxed);
    let uploads = good.await.unwrap();
    assert!(uploads > 0);
    drop(lorises);

    let left = ["models", "models/good", "models/good/model.json", "models/good/model.weights.bin"];
    server.quiet(&left).await;
    assert_eq!(server.get("/").await.json().as_array().unwrap().len(), 1);
    drop(server.end().await);
}

/// Uploads and loads all the time, and always gets what it should. Returns how often.
async fn good_client(client: Client, done: Arc<AtomicBool>) -> usize {
    let mut uploads = 0;
    while !done.load(Ordering::Relaxed) || uploads == 0 {
        let byte = u8::try_from(uploads % 200).unwrap() + 1;
        loop {
            let answer = client.upload("POST", "/good", &model(byte, 20_000)).await;
            if answer.status == 200 {
                break;
            }
            assert_eq!(answer.status, 503, "{answer:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(client.get("/good/model.json").await.status, 200);
        assert_eq!(client.get("/good/model.weights.bin").await.body, vec![byte; 80_000]);
        uploads += 1;
    }
    uploads
}

/// Every kind of harm in turn; the server answers as it should, or closes the connection.
async fn hostile_client(client: Client, index: usize) {
    let names = names();
    let name = &names[(index / KINDS) % names.len()];
    let is_refused = |answer: &Answer| {
        let is_refused = answer.status == 0 || (400..600).contains(&answer.status) && answer.status != 500;
        assert!(is_refused, "{answer:?}");
    };
    match index % KINDS {
        0 => is_refused(&client.get(&format!("/{name}/model.json")).await),
        1 => is_refused(&client.get(&format!("/good/{name}")).await),
        2 => is_refused(&client.upload("PUT", &format!("/{name}"), &model(9, 10)).await),
        3 => is_refused(&client.upload("POST", &format!("/upload?name={name}"), &model(9, 10)).await),
        4 => is_refused(&client.request("DELETE", &format!("/{name}"), &[]).await),
        5 => is_refused(&client.upload("POST", "/evil", &model(9, 400_000)).await),
        6 => {
            // Endless, of unknown length.
            let mut stream = client.connect().await;
            let _ =
                stream.write_all(&head("POST", "/evil", &[&Form::content_type(), "transfer-encoding: chunked"])).await;
            let mut begin = model(9, 10).body();
            begin.truncate(200);
            begin.resize(1 << 16, b' ');
            for _ in 0..40 {
                let chunk = [format!("{:x}\r\n", begin.len()).as_bytes(), &begin, b"\r\n"].concat();
                if stream.write_all(&chunk).await.is_err() {
                    break;
                }
            }
            is_refused(&Answer::read(&mut stream).await);
        }
        7 => {
            // Killed half-way.
            let form = model(9, 20_000);
            let mut stream = client.connect().await;
            let _ = stream.write_all(&form.head("POST", "/evil", &[])).await;
            let body = form.body();
            let _ = stream.write_all(&body[..(index * 7919) % body.len()]).await;
        }
        8 => {
            let bad = manifests();
            let form = Form::default()
                .part("model.json", with_manifest(&bad[(index / KINDS) % bad.len()]))
                .part("model.weights.bin", *b"abcd");
            is_refused(&client.upload("POST", "/evil", &form).await);
        }
        9 => {
            let nested = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
            let form = Form::default().part("model.json", format!("{{\"modelTopology\":{nested}}}"));
            is_refused(&client.upload("POST", "/evil", &form).await);
        }
        10 => {
            let form =
                Form::default().part(&format!("../{index}"), *b"x").part("model.json", json(1)).part("..\\x", *b"x");
            is_refused(&client.upload("POST", "/evil", &form).await);
        }
        11 => is_refused(&client.send(garbage(index)).await),
        _ => {
            // Many parts without anything in them.
            let form = (0..2000).fold(Form::default(), |form, part| form.part(&part.to_string(), *b""));
            is_refused(&client.upload("POST", "/evil", &form).await);
        }
    }
}

const KINDS: usize = 13;

/// Names that lead elsewhere, and those that nearly do.
fn names() -> Vec<String> {
    let mut names: Vec<String> = [
        "..",
        ".",
        "%2e%2e",
        "%2E%2E%2F",
        "..%2f..%2fetc",
        "..%5c..%5cwindows",
        "%00",
        "a%00b",
        "%2fetc%2fpasswd",
        "....//",
        "..;",
        "..;/",
        "%c0%ae%c0%ae",
        "%ff",
        "%252e%252e",
        "a%0d%0aset-cookie:x",
        "con",
        "nul.txt",
        "C:",
        "c%3a",
        "a%7cb",
        "%20",
        "a%20",
        ".hidden",
        "~",
        "healthz%2f..",
        "upload%00",
        "%e2%80%ae",
        "*",
        "%3f",
        "m.json",
        "x.pb",
        "%2e",
        "../../../../etc/passwd",
        "..%c0%af",
        "%u002e",
        "\u{7f}",
    ]
    .map(str::to_owned)
    .to_vec();
    names.retain(|name| name != "~" && name != "..;" && name != "%u002e");
    names.push("x".repeat(129));
    names.push("x".repeat(20_000));
    names
}

/// Weights that are not there, or far too large.
fn manifests() -> Vec<String> {
    let one = |paths: &str, shape: &str, dtype: &str| {
        format!(r#"[{{"paths":{paths},"weights":[{{"name":"w","shape":{shape},"dtype":"{dtype}"}}]}}]"#)
    };
    vec![
        one(r#"["../../evil.bin"]"#, "[1]", "float32"),
        one(r#"["/etc/passwd"]"#, "[1]", "float32"),
        one(r#"["C:\\evil"]"#, "[1]", "float32"),
        one(r#"["a\u0000b"]"#, "[1]", "float32"),
        one(r#"["w"]"#, "[9007199254740991]", "complex64"),
        one(r#"["w"]"#, "[4294967296,4294967296]", "float32"),
        one(r#"["w"]"#, "[-1]", "float32"),
        one(r#"["w"]"#, "[1e400]", "float32"),
        one(r#"["w"]"#, "[100000000]", "string"),
        one(r#"["w","w"]"#, "[1]", "float32"),
        one("[]", "[1]", "float32"),
        one(r#"["w"]"#, "[2]", "float32"),
    ]
}

/// What is no HTTP, or nearly none.
fn garbage(index: usize) -> &'static [u8] {
    const ALL: [&[u8]; 9] = [
        b"\r\n\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /evil HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /evil HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"POST /evil HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=x\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        b"GET /good/\xff\xfe HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\n\r\n",
    ];
    ALL[(index / KINDS) % ALL.len()]
}
