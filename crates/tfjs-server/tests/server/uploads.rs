//! What is stored, and what is not.

use serde_json::json;
use tfjs_artifacts::Limit;
use tfjs_server::ServerOptions;
use tokio::io::AsyncWriteExt as _;

use crate::support::{Form, Server, json, model, with_manifest};

#[tokio::test]
async fn what_tensorflow_js_sends_is_stored_and_answered_with_the_save_result() {
    let server = Server::new().await;
    for (method, path, name) in [
        ("POST", "/upload", "model"),
        ("PUT", "/upload?name=my+model", "my model"),
        ("POST", "/a%20b", "a b"),
        ("PUT", "/upload?x=1&name=%E6%A8%A1", "模"),
    ] {
        let answer = server.upload(method, path, &model(7, 1000)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let info = &answer.json()["modelArtifactsInfo"];
        assert_eq!(info["weightDataBytes"], json!(4000));
        assert_eq!(info["modelTopologyType"], json!("JSON"));
        assert_eq!(std::fs::read(server.folder().join(name).join("model.weights.bin")).unwrap(), vec![7; 4000]);
        let url = answer.header("location").unwrap().to_owned();
        assert_eq!(server.get(&url).await.json()["format"], json!("layers-model"), "{url}");
    }
    let names: Vec<_> =
        server.get("/").await.json().as_array().unwrap().iter().map(|row| row["name"].clone()).collect();
    assert_eq!(names, [json!("a b"), json!("model"), json!("my model"), json!("模")]);
}

#[tokio::test]
async fn parts_may_be_called_otherwise_and_come_in_any_order() {
    let server = Server::new().await;
    let manifest = r#"[{"paths":["w/a.bin"],"weights":[{"name":"a","shape":[2],"dtype":"int32"}]},
        {"paths":["w/b.bin"],"weights":[{"name":"b","shape":[3],"dtype":"bool"}]},
        {"paths":["w/none.bin"],"weights":[{"name":"n","shape":[0],"dtype":"bool"}]}]"#;
    let text = with_manifest(manifest);
    let forms = [
        Form::default().part("model_json", text.clone()).part("model_weights_bin", *b"aaaaAAAAbbb"),
        Form::default().part("model.weights.bin", *b"aaaaAAAAbbb").part("model.json", text.clone()),
        Form::default()
            .part("model.json", text.clone())
            .part("w/a.bin", *b"aaaaAAAA")
            .part("./w/b.bin", *b"bbb")
            .part("w/none.bin", *b""),
        Form::default()
            .part("w/b.bin", *b"bbb")
            .part("w/none.bin", *b"")
            .part("model.json", text.clone())
            .part("w/a.bin", *b"aaaaAAAA"),
    ];
    for (index, form) in forms.iter().enumerate() {
        let answer = server.upload("POST", &format!("/m{index}"), form).await;
        assert_eq!(answer.status, 200, "{index}: {answer:?}");
        // Groups stay, under names of the server's own.
        let stored = server.get(&format!("/m{index}/model.json")).await.json();
        let paths: Vec<_> =
            stored["weightsManifest"].as_array().unwrap().iter().map(|group| group["paths"][0].clone()).collect();
        assert_eq!(
            paths,
            [json!("group1-shard1of1.bin"), json!("group2-shard1of1.bin"), json!("group3-shard1of1.bin")]
        );
        assert_eq!(server.get(&format!("/m{index}/group1-shard1of1.bin")).await.body, b"aaaaAAAA");
        assert_eq!(server.get(&format!("/m{index}/group2-shard1of1.bin")).await.body, b"bbb");
    }
}

#[tokio::test]
async fn what_can_only_be_stored_when_all_of_it_is_there() {
    let server = Server::new().await;
    let strings = with_manifest(r#"[{"paths":["a","b"],"weights":[{"name":"s","shape":[2],"dtype":"string"}]}]"#);
    let form = Form::default().part("model.json", strings.clone());
    let whole = form.clone().part("a", *b"\x02\0").part("b", *b"\0\0hi\0\0\0\0");
    assert_eq!(server.upload("POST", "/strings", &whole).await.status, 200);
    assert_eq!(server.get("/strings/group1-shard2of2.bin").await.body, b"\0\0hi\0\0\0\0");

    let wrong = form.clone().part("a", *b"\xff\0").part("b", *b"\0\0hi\0\0\0\0");
    assert!(server.upload("POST", "/wrong", &wrong).await.error(422).contains("claims 255 bytes"));
    let joined = form.clone().part("model.weights.bin", *b"\x02\0\0\0hi\0\0\0\0");
    assert!(server.upload("POST", "/wrong", &joined).await.error(422).contains("send each as a part"));
    let missing = form.part("a", *b"\x02\0");
    assert!(server.upload("POST", "/wrong", &missing).await.error(422).contains("no part for the weights `b`"));
    assert!(!server.folder().join("wrong").exists());
}

#[tokio::test]
async fn models_without_weights() {
    let server = Server::new().await;
    let left_behind = with_manifest(r#"[{"paths":["./model.weights.bin"]}]"#);
    let no_tensors = with_manifest(r#"[{"paths":["./model.weights.bin"],"weights":[]}]"#);
    for (name, form) in [
        ("topology", Form::default().part("model.json", left_behind.clone())),
        ("empty", Form::default().part("model.json", no_tensors.clone()).part("model.weights.bin", *b"")),
        ("none", Form::default().part("model.json", no_tensors)),
    ] {
        let answer = server.upload("POST", &format!("/{name}"), &form).await;
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
        assert_eq!(server.get(&format!("/{name}/model.json")).await.status, 200);
    }
    let surplus = Form::default().part("model.json", left_behind).part("model.weights.bin", *b"x");
    assert!(server.upload("POST", "/surplus", &surplus).await.error(422).contains("no tensors for them"));
}

#[tokio::test]
async fn a_failed_upload_leaves_the_old_model() {
    let server = Server::new().await;
    assert_eq!(server.upload("POST", "/m", &model(1, 100_000)).await.status, 200);
    let before = server.listing();
    let text = || Form::default().part("model.json", json(100_000));
    let weights = |length| text().part("model.weights.bin", vec![2; length]);

    let refused = [
        (weights(399_999), 422, "the weights are short"),
        (weights(0), 422, "the weights are short"),
        (weights(400_001), 422, "the weights are long"),
        (weights(400_000).part("extra", *b"x"), 400, "the part `extra` is unexpected"),
        (weights(400_000).part("model.weights.bin", vec![2; 400_000]), 400, "unexpected"),
        (text(), 422, "no part for the weights `model.weights.bin`"),
        (text().part("model.json", json(1)), 400, "unexpected"),
        (Form::default().part("model.weights.bin", *b"x"), 400, "no part `model.json`"),
        (Form::default(), 400, "no part `model.json`"),
        (Form::default().part("model.json", *b"{"), 422, "model.json: "),
        (Form::default().part("model.json", *b"<!doctype html>"), 422, "HTML"),
        (Form::default().part("model.json", with_manifest(r#"[{"paths":["../x"],"weights":[]}]"#)), 422, "climbs"),
        (text().part("other.bin", vec![2; 400_000]), 422, "no part for the weights"),
    ];
    for (form, status, words) in &refused {
        let error = server.upload("PUT", "/m", form).await.error(*status);
        assert!(error.contains(words), "{words}: {error}");
        assert!(!error.contains(server.folder().to_str().unwrap()), "{error}");
    }
    let html = [b"<!doctype html>".to_vec(), vec![b' '; 399_985]].concat();
    let error = server.upload("PUT", "/m", &text().part("model.weights.bin", html)).await.error(422);
    assert!(error.contains("looks like an HTML"), "{error}");

    assert_eq!(server.listing(), before);
    assert_eq!(server.get("/m/model.weights.bin").await.body, vec![1; 400_000]);
}

#[tokio::test]
async fn an_upload_that_breaks_off_anywhere_leaves_nothing() {
    let server = Server::new().await;
    let form = model(3, 2_000_000);
    let (head, body) = (form.head("POST", "/m", &[]), form.body());
    for end in [0, 10, 200, 400, 1000, 5_000_000, body.len() - 40, body.len() - 3] {
        let mut stream = server.connect().await;
        stream.write_all(&head).await.unwrap();
        stream.write_all(&body[..end]).await.unwrap();
        drop(stream);
        server.quiet(&["models"]).await;
    }
    assert_eq!(server.get("/m/model.json").await.status, 404);
}

/// Each byte is once the last one that arrives.
#[tokio::test]
async fn an_upload_that_breaks_off_at_any_byte_leaves_the_previous_model() {
    let server = Server::new().await;
    assert_eq!(server.upload("PUT", "/m", &model(1, 3)).await.status, 200);
    let before = server.listing();
    let form = model(2, 5);
    let (head, body) = (form.head("PUT", "/m", &[]), form.body());
    for end in 0..body.len() {
        let mut stream = server.connect().await;
        stream.write_all(&head).await.unwrap();
        stream.write_all(&body[..end]).await.unwrap();
        drop(stream);
        assert_eq!(server.get("/m/model.weights.bin").await.body, vec![1; 12], "after {end} of {} bytes", body.len());
    }
    server.quiet(&before.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!(server.upload("PUT", "/m", &form).await.status, 200);
    assert_eq!(server.get("/m/model.weights.bin").await.body, vec![2; 20]);
}

#[tokio::test]
async fn limits() {
    let mut options = ServerOptions::new();
    options.max_upload_bytes = 10_000;
    options.upload_limits = options.upload_limits.with(Limit::JsonBytes, 1000);
    options.max_parts = 3;
    let server = Server::with_options(options).await;
    let error = server.upload("POST", "/m", &model(1, 10_000)).await.error(413);
    assert!(error.contains("more than 10000 bytes"), "{error}");
    // Without a length it is found out on the way.
    let mut request = crate::support::head("POST", "/m", &[&Form::content_type(), "transfer-encoding: chunked"]);
    let body = model(1, 10_000).body();
    request.extend_from_slice(format!("{:x}\r\n", body.len()).as_bytes());
    request.extend_from_slice(&body);
    request.extend_from_slice(b"\r\n0\r\n\r\n");
    assert!(server.send(&request).await.error(413).contains("more than 10000 bytes"));
    let long = Form::default().part("model.json", format!("{{{}", " ".repeat(1000)));
    assert!(
        server
            .upload("POST", "/m", &long)
            .await
            .error(413)
            .contains("bytes, more than the limit `json-bytes` of 1000 of this server")
    );
    let many = (0..4).fold(Form::default(), |form, index| form.part(&format!("part{index}"), *b""));
    assert!(server.upload("POST", "/m", &many).await.error(413).contains("more than 3 parts"));
    // Files without a byte count too: each is one to be made.
    let groups: Vec<_> = (0..4)
        .map(|i| format!(r#"{{"paths":["{i}"],"weights":[{{"name":"{i}","shape":[0],"dtype":"bool"}}]}}"#))
        .collect();
    let files = Form::default().part("model.json", with_manifest(&format!("[{}]", groups.join(","))));
    assert!(server.upload("POST", "/m", &files).await.error(413).contains("4 weight files"));
    assert_eq!(server.listing(), ["models"]);
}

/// What an uploaded model claims, and what a served one does, are compared with limits of their own.
#[tokio::test]
async fn limits_of_models() {
    let mut options = ServerOptions::new();
    options.upload_limits = options.upload_limits.with(Limit::NameBytes, 20).with(Limit::DecodedBytes, 4000);
    options.limits = options.limits.with(Limit::DecodedBytes, 400);
    let server = Server::with_options(options).await;
    let error = server.upload("POST", "/m", &model(1, 1001)).await.error(413);
    assert!(
        error.contains("the limit `decoded-bytes` of 4000 of this server") && !error.contains("--limit"),
        "{error}"
    );
    assert_eq!(server.upload("POST", "/m", &model(1, 1000)).await.status, 200);
    assert_eq!(server.get("/m/model.json").await.status, 500, "more than what is served");
    assert_eq!(server.upload("POST", "/m", &model(1, 100)).await.status, 200);
    assert_eq!(server.get("/m/model.json").await.status, 200);
}

/// RFC 9110, 13.1: what is about another model than the one that is there changes nothing.
#[tokio::test]
async fn preconditions() {
    let server = Server::new().await;
    let only_new = &["if-none-match: *"];
    assert_eq!(server.upload_with("PUT", "/m", only_new, &model(1, 10)).await.status, 200);
    assert_eq!(server.upload_with("PUT", "/m", only_new, &model(2, 10)).await.status, 412);
    let etag = format!("if-match: {}", server.get("/m/model.json").await.header("etag").unwrap());
    assert_eq!(server.upload_with("PUT", "/m", &["if-match: \"nope\""], &model(2, 10)).await.status, 412);
    assert_eq!(server.request("DELETE", "/m", &["if-match: \"nope\""]).await.status, 412);
    assert_eq!(server.get("/m/model.weights.bin").await.body, vec![1; 40]);
    assert_eq!(server.upload_with("PUT", "/m", &[&etag], &model(2, 10)).await.status, 200);
    assert_eq!(server.get("/m/model.weights.bin").await.body, vec![2; 40]);
    // One condition is compared weakly, the other strongly.
    let etag = server.get("/m/model.json").await.header("etag").unwrap().to_owned();
    let (unless, only) = (format!("if-none-match: W/{etag}"), format!("if-match: W/{etag}"));
    assert_eq!(server.upload_with("PUT", "/m", &[&unless], &model(5, 10)).await.status, 412);
    assert_eq!(server.upload_with("PUT", "/m", &[&only], &model(5, 10)).await.status, 412);
    assert_eq!(server.upload_with("PUT", "/m", &["if-none-match: W/\"other\""], &model(2, 10)).await.status, 200);
    // Whoever trains it again in the folder changes the model, even if the JSON stays as it is.
    let etag = format!("if-match: {}", server.get("/m/model.json").await.header("etag").unwrap());
    std::fs::write(server.folder().join("m/model.weights.bin"), [3; 40]).unwrap();
    assert_eq!(server.upload_with("PUT", "/m", &[&etag], &model(4, 10)).await.status, 412);
    assert_eq!(server.request("DELETE", "/m", &[&etag]).await.status, 412);
    assert_eq!(server.get("/m/model.weights.bin").await.body, vec![3; 40]);
    // A browser asks for the compressed form, and knows the tag of no other.
    let etag = server.get("/m/model.json").await.header("etag").unwrap().replace('"', "");
    let gzipped = format!("if-match: \"{etag}-gzip\"");
    assert_eq!(server.request("DELETE", "/m", &[&gzipped]).await.status, 200);
}

#[tokio::test]
async fn what_is_no_form_is_refused() {
    let server = Server::new().await;
    let post = async |headers: &[&str]| server.request("POST", "/upload", headers).await;
    assert!(post(&["content-length: 0"]).await.error(415).contains("multipart/form-data"));
    assert_eq!(post(&["content-type: application/json", "content-length: 0"]).await.status, 415);
    assert_eq!(post(&["content-type: multipart/form-data", "content-length: 0"]).await.status, 400);
    let kind = Form::content_type();
    assert_eq!(post(&[&kind, "content-encoding: gzip", "content-length: 0"]).await.status, 415);
    assert!(post(&[&kind, "content-length: 0"]).await.error(400).contains("ends before its last boundary"));
    assert_eq!(server.request("POST", "/upload?name=a&name=b", &[&kind, "content-length: 0"]).await.status, 400);
    assert_eq!(server.request("POST", "/upload?name=..%2Fx", &[&kind, "content-length: 0"]).await.status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_to_one_name_at_a_time_never_mix() {
    let server = std::sync::Arc::new(Server::new().await);
    for _ in 0..5 {
        let uploads = (1..=6u8).map(|byte| {
            let server = std::sync::Arc::clone(&server);
            // Of several lengths: JSON and weights of two uploads do not fit together.
            tokio::spawn(
                async move { server.upload("POST", "/m", &model(byte, 10_000 + usize::from(byte))).await.status },
            )
        });
        for status in futures::future::join_all(uploads).await {
            assert!([200, 409].contains(&status.unwrap()));
        }
        let weights = server.get("/m/model.weights.bin").await.body;
        assert_eq!(weights.len(), 4 * (10_000 + usize::from(weights[0])));
        assert!(weights.iter().all(|&byte| byte == weights[0]));
        assert_eq!(server.listing(), ["models", "models/m", "models/m/model.json", "models/m/model.weights.bin"]);
    }
}

#[tokio::test]
async fn too_many_uploads_are_told_to_come_back() {
    let mut options = ServerOptions::new();
    options.max_uploads = 1;
    let server = Server::with_options(options).await;
    let form = model(1, 1000);
    let mut first = server.connect().await;
    first.write_all(&form.head("POST", "/first", &[])).await.unwrap();
    let answer = loop {
        // Until the first has arrived.
        let answer = server.upload("POST", "/second", &form).await;
        if answer.status != 200 {
            break answer;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("2")));
    first.write_all(&form.body()).await.unwrap();
    assert_eq!(crate::support::Answer::read(&mut first).await.status, 200);
    assert_eq!(server.upload("POST", "/second", &form).await.status, 200);
}

#[tokio::test]
async fn what_is_in_the_way_stays() {
    let server = Server::new().await;
    std::fs::write(server.folder().join("file"), "mine").unwrap();
    std::fs::create_dir_all(server.folder().join("m/model.weights.bin")).unwrap();
    for name in ["file", "m"] {
        let error = server.upload("POST", &format!("/{name}"), &model(1, 10)).await.error(409);
        assert!(error.contains("in the way") && !error.contains(server.folder().to_str().unwrap()), "{error}");
    }
    assert_eq!(server.listing(), ["models", "models/file", "models/m", "models/m/model.weights.bin"]);
}

#[tokio::test]
async fn models_are_removed() {
    let server = Server::new().await;
    assert_eq!(server.upload("POST", "/m", &model(1, 10)).await.status, 200);
    let removed = server.request("DELETE", "/m", &[]).await;
    assert_eq!((removed.status, &removed.json()["weightDataBytes"]), (200, &json!(40)));
    assert_eq!(server.request("DELETE", "/m", &[]).await.status, 404);
    assert_eq!(server.get("/m/model.json").await.status, 404);
    assert_eq!(server.listing(), ["models"]);
}
