//! A server on a free port, and a client that sends exactly what it is told.

use std::net::SocketAddr;
use std::ops::Deref;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use tfjs_fs::FsHandler;
use tfjs_router::Router;
use tfjs_server::{Models, ServeOptions, ServerOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server of the models of a temporary folder.
pub(crate) struct Server {
    client: Client,
    /// Has the folder `models`, and nothing else.
    outside: TempDir,
    end: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn new() -> Self {
        Self::with(ServerOptions::new(), ServeOptions::new()).await
    }

    pub(crate) async fn with_options(options: ServerOptions) -> Self {
        Self::with(options, ServeOptions::new()).await
    }

    pub(crate) async fn with(options: ServerOptions, serve_options: ServeOptions) -> Self {
        let outside = tempfile::tempdir().unwrap();
        let folder = outside.path().join("models");
        std::fs::create_dir(&folder).unwrap();
        let router = Router::builder().routes(tfjs_fs::routes()).build().unwrap();
        let models = Models::new(router, folder.to_str().unwrap()).unwrap();
        let models = models.with_version_of(|url| FsHandler::from_url(url).ok()?.version());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ended) = oneshot::channel();
        let router = tfjs_server::router(models, options);
        let shutdown = async { drop(ended.await) };
        let task = tokio::spawn(tfjs_server::serve(listener, router, serve_options, shutdown));
        Self { client: Client(address), outside, end: Some(end), task }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.outside.path().join("models")
    }

    /// Everything that is there, beside the folder of the models too.
    pub(crate) fn listing(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![self.outside.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(self.outside.path()).unwrap().display().to_string();
                names.push(name.replace(std::path::MAIN_SEPARATOR, "/"));
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path);
                }
            }
        }
        names.sort();
        names
    }

    /// Says that the server is to end, and waits until it has.
    pub(crate) async fn end(mut self) -> TempDir {
        self.begin_end();
        self.ended().await
    }

    /// Waits until the server has ended.
    pub(crate) async fn ended(self) -> TempDir {
        self.task.await.unwrap();
        self.outside
    }

    pub(crate) fn begin_end(&mut self) {
        let _ = self.end.take().unwrap().send(());
    }
}

/// Somebody who knows the address of a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client(pub(crate) SocketAddr);

impl Deref for Server {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Client {
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.0).await.unwrap()
    }

    /// Sends bytes, and reads all of the answer.
    pub(crate) async fn send(&self, request: &[u8]) -> Answer {
        let mut stream = self.connect().await;
        // The server may answer, and close, before all is sent.
        let _ = stream.write_all(request).await;
        Answer::read(&mut stream).await
    }

    /// A request without a body; `headers` are whole lines.
    pub(crate) async fn request(&self, method: &str, path: &str, headers: &[&str]) -> Answer {
        self.send(&head(method, path, headers)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[]).await
    }

    /// Uploads a form.
    pub(crate) async fn upload(&self, method: &str, path: &str, form: &Form) -> Answer {
        self.upload_with(method, path, &[], form).await
    }

    pub(crate) async fn upload_with(&self, method: &str, path: &str, headers: &[&str], form: &Form) -> Answer {
        let mut request = form.head(method, path, headers);
        request.extend_from_slice(&form.body());
        self.send(&request).await
    }
}

pub(crate) fn head(method: &str, path: &str, headers: &[&str]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|header| header.starts_with("host: ")) {
        head.push_str("host: x\r\n");
    }
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// What a server answers.
#[derive(Debug)]
pub(crate) struct Answer {
    /// 0 if the connection was closed without an answer.
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) async fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        // A connection that is reset has no more to say.
        let read = tokio::time::timeout(Duration::from_mins(1), stream.read_to_end(&mut bytes));
        let _ = read.await.unwrap();
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").map_or(bytes.len(), |end| end + 4);
        let body = bytes.split_off(end);
        let head = String::from_utf8(bytes).unwrap();
        let status = head.get(9..12).map_or(0, |status| status.parse().unwrap());
        Self { status, head, body }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The words of a refusal with this status.
    pub(crate) fn error(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        self.json()["error"].as_str().unwrap().to_owned()
    }
}

/// A form as TensorFlow.js in Node sends it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    parts: Vec<(String, Vec<u8>)>,
}

const BOUNDARY: &str = "----formdata-undici-042093485124";

impl Form {
    pub(crate) fn part(mut self, name: &str, content: impl Into<Vec<u8>>) -> Self {
        self.parts.push((name.to_owned(), content.into()));
        self
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (name, content) in &self.parts {
            let kind = if content.starts_with(b"{") { "application/json" } else { "application/octet-stream" };
            let head = format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        body
    }

    pub(crate) fn content_type() -> String {
        format!("content-type: multipart/form-data; boundary={BOUNDARY}")
    }

    pub(crate) fn head(&self, method: &str, path: &str, headers: &[&str]) -> Vec<u8> {
        let (kind, length) = (Self::content_type(), format!("content-length: {}", self.body().len()));
        let headers: Vec<_> = headers.iter().copied().chain([kind.as_str(), length.as_str()]).collect();
        head(method, path, &headers)
    }
}

/// A model of one tensor, whose bytes are all the same.
pub(crate) fn model(byte: u8, elements: usize) -> Form {
    Form::default().part("model.json", json(elements)).part("model.weights.bin", vec![byte; elements * 4])
}

/// The JSON of a model of one tensor, as TensorFlow.js writes it.
pub(crate) fn json(elements: usize) -> String {
    let weights = format!(r#"[{{"name":"w","shape":[{elements}],"dtype":"float32"}}]"#);
    with_manifest(&format!(r#"[{{"paths":["./model.weights.bin"],"weights":{weights}}}]"#))
}

pub(crate) fn with_manifest(manifest: &str) -> String {
    format!(
        r#"{{"modelTopology":{{"class_name":"Sequential","config":{{}}}},"format":"layers-model","convertedBy":null,"weightsManifest":{manifest}}}"#
    )
}

impl Server {
    /// Waits until nothing but this is there, as it must be soon.
    pub(crate) async fn quiet(&self, expected: &[&str]) {
        for _ in 0..1000 {
            if self.listing() == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(self.listing(), expected);
    }
}
