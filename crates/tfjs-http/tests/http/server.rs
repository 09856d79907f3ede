//! A web server on loopback that does what it is told, also what no server should.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tfjs_artifacts::{ModelArtifacts, ShardLayout, ShardNames, Sharding, encode_model_json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What a client sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// How often this target was asked for before with this method.
    pub(crate) earlier: usize,
}

impl Request {
    /// A header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    /// `bytes=a-b`, the end exclusive.
    pub(crate) fn range(&self, length: usize) -> Option<(usize, usize)> {
        let (start, end) = self.header("range")?.strip_prefix("bytes=")?.split_once('-')?;
        let end = if end.is_empty() { length } else { (end.parse::<usize>().unwrap() + 1).min(length) };
        Some((start.parse().unwrap(), end))
    }
}

/// What the server sends.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// In place of the length of the body.
    pub(crate) content_length: Option<u64>,
    pub(crate) end: End,
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// As it should.
    Well,
    /// The connection is closed after so many bytes.
    Cut(usize),
    /// The connection is reset after so many bytes.
    Reset(usize),
    /// Nothing more comes after so many bytes.
    Stall(usize),
    /// It never does; no length is told.
    Never,
    /// As it should, but no length is told.
    Close,
    /// As it should, in chunks.
    Chunked,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), content_length: None, end: End::Well }
    }

    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200, body)
    }

    pub(crate) fn redirect(status: u16, to: &str) -> Self {
        Self::new(status, "moved").with("location", to)
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn ending(mut self, end: End) -> Self {
        self.end = end;
        self
    }

    pub(crate) fn of_length(mut self, content_length: u64) -> Self {
        self.content_length = Some(content_length);
        self
    }
}

/// Answers a request.
pub(crate) trait Answer: Fn(&Request) -> Reply + Send + Sync + 'static {}
impl<F: Fn(&Request) -> Reply + Send + Sync + 'static> Answer for F {}

/// A server at work; dropping it ends it.
pub(crate) struct Server {
    port: u16,
    log: Arc<Log>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Log {
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
    answering: AtomicUsize,
    most_answering: AtomicUsize,
    /// How long each answer takes.
    delay: Duration,
}

impl Server {
    pub(crate) async fn start(answer: impl Answer) -> Self {
        Self::start_slow(Duration::ZERO, answer).await
    }

    pub(crate) async fn start_slow(delay: Duration, answer: impl Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let log = Arc::new(Log { delay, ..Log::default() });
        let (shared, answer) = (Arc::clone(&log), Arc::new(answer));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, answer) = (Arc::clone(&shared), Arc::clone(&answer));
                tokio::spawn(async move {
                    log.connections.fetch_add(1, Ordering::SeqCst);
                    // A client that goes away is none of our business.
                    let _ = converse(stream, &log, &*answer).await;
                    log.connections.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { port, log, task }
    }

    /// A server of these files, which knows ranges and validators.
    pub(crate) async fn of(files: Files) -> Self {
        Self::start(move |request| files.answer(request)).await
    }

    pub(crate) fn url(&self, target: &str) -> String {
        format!("http://127.0.0.1:{}{target}", self.port)
    }

    /// The same place by another name: another origin.
    pub(crate) fn url_elsewhere(&self, target: &str) -> String {
        format!("http://localhost:{}{target}", self.port)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.log.requests.lock().unwrap().clone()
    }

    pub(crate) fn forget_requests(&self) {
        self.log.requests.lock().unwrap().clear();
    }

    pub(crate) fn targets(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.target).collect()
    }

    pub(crate) fn connections(&self) -> usize {
        self.log.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn most_at_once(&self) -> usize {
        self.log.most_answering.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn converse(stream: TcpStream, log: &Log, answer: &impl Answer) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    loop {
        let Some(mut request) = receive(&mut stream).await? else { return Ok(()) };
        let earlier = |other: &&Request| other.target == request.target && other.method == request.method;
        {
            let mut requests = log.requests.lock().unwrap();
            request.earlier = requests.iter().filter(earlier).count();
            requests.push(request.clone());
        }
        let now = log.answering.fetch_add(1, Ordering::SeqCst) + 1;
        log.most_answering.fetch_max(now, Ordering::SeqCst);
        if !log.delay.is_zero() {
            tokio::time::sleep(log.delay).await;
        }
        let reply = answer(&request);
        let sent = send(&mut stream, &request, reply).await;
        log.answering.fetch_sub(1, Ordering::SeqCst);
        if !sent? {
            return Ok(());
        }
    }
}

async fn receive(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    let mut headers = Vec::new();
    loop {
        line.clear();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request { method, target, headers, body: Vec::new(), earlier: 0 };
    let length: usize = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    request.body = vec![0; length];
    stream.read_exact(&mut request.body).await?;
    Ok(Some(request))
}

/// Whether the connection can go on.
async fn send(stream: &mut BufReader<TcpStream>, request: &Request, reply: Reply) -> io::Result<bool> {
    let mut head = format!("HTTP/1.1 {} Whatever\r\n", reply.status);
    for (name, value) in &reply.headers {
        head = format!("{head}{name}: {value}\r\n");
    }
    match reply.end {
        End::Never | End::Close => head += "connection: close\r\n",
        End::Chunked => head += "transfer-encoding: chunked\r\n",
        _ => {
            let length = reply.content_length.unwrap_or(reply.body.len() as u64);
            head = format!("{head}content-length: {length}\r\n");
        }
    }
    head += "\r\n";
    stream.write_all(head.as_bytes()).await?;
    if request.method == "HEAD" || reply.status == 304 {
        stream.flush().await?;
        return Ok(!matches!(reply.end, End::Never | End::Close));
    }
    let until = |length: usize| reply.body.get(..length).unwrap_or(&reply.body);
    match reply.end {
        End::Well => stream.write_all(&reply.body).await?,
        End::Close => {
            stream.write_all(&reply.body).await?;
            stream.shutdown().await?;
            return Ok(false);
        }
        End::Chunked => {
            for chunk in reply.body.chunks(1000) {
                stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await?;
                stream.write_all(chunk).await?;
                stream.write_all(b"\r\n").await?;
            }
            stream.write_all(b"0\r\n\r\n").await?;
        }
        End::Cut(length) => {
            stream.write_all(until(length)).await?;
            stream.shutdown().await?;
            return Ok(false);
        }
        End::Reset(length) => {
            stream.write_all(until(length)).await?;
            stream.flush().await?;
            // The client has what came before.
            tokio::time::sleep(Duration::from_millis(50)).await;
            stream.get_ref().set_zero_linger()?;
            return Ok(false);
        }
        End::Stall(length) => {
            stream.write_all(until(length)).await?;
            stream.flush().await?;
            // Until the client goes away.
            let _ = stream.read_u8().await;
            return Ok(false);
        }
        End::Never => loop {
            stream.write_all(&[7; 4096]).await?;
        },
    }
    stream.flush().await?;
    Ok(reply.content_length.is_none_or(|length| length == reply.body.len() as u64))
}

/// Files by their paths, to be changed at any time.
#[derive(Clone, Default)]
pub(crate) struct Files(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl Files {
    /// A model under `/m/model.json`, its weights in files of so many bytes.
    pub(crate) fn of_model(artifacts: &ModelArtifacts) -> Self {
        let files = Self::default();
        let mut layout = None;
        if let Some(weights) = &artifacts.weights {
            let names = ShardNames::for_model("model").unwrap();
            let planned = ShardLayout::new(weights, &names, Sharding::Keep).unwrap();
            for shard in planned.shards() {
                let bytes = tfjs_testkit::block_on(weights.data().read(shard.range.clone())).unwrap();
                files.put(&format!("/m/{}", shard.path), bytes.to_vec());
            }
            layout = Some(planned);
        }
        files.put("/m/model.json", encode_model_json(artifacts, layout.as_ref()).unwrap());
        files
    }

    pub(crate) fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.0.lock().unwrap().insert(path.to_owned(), bytes.into());
    }

    pub(crate) fn get(&self, path: &str) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(path).cloned()
    }

    pub(crate) fn remove(&self, path: &str) {
        self.0.lock().unwrap().remove(path);
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.0.lock().unwrap().keys().cloned().collect()
    }

    /// What a good server answers.
    pub(crate) fn answer(&self, request: &Request) -> Reply {
        let Some(bytes) = self.get(request.path()) else {
            return Reply::new(404, "<!DOCTYPE html><p>not here").with("content-type", "text/html");
        };
        let etag = etag(&bytes);
        let fresh = Reply::ok(bytes.clone()).with("etag", &etag).with("accept-ranges", "bytes");
        if request.header("if-none-match") == Some(&etag) {
            return Reply { body: Vec::new(), status: 304, ..fresh };
        }
        let is_same = request.header("if-range").is_none_or(|validator| validator == etag);
        match request.range(bytes.len()).filter(|_| is_same) {
            None => fresh,
            Some((start, _)) if start >= bytes.len() => {
                Reply::new(416, "").with("content-range", &format!("bytes */{}", bytes.len()))
            }
            Some((start, end)) => Reply::new(206, &bytes[start..end])
                .with("etag", &etag)
                .with("content-range", &format!("bytes {start}-{}/{}", end - 1, bytes.len())),
        }
    }

    /// What a server without ranges and validators answers.
    pub(crate) fn answer_plainly(&self, request: &Request) -> Reply {
        match self.get(request.path()) {
            Some(bytes) => Reply::ok(bytes),
            None => Reply::new(404, "not here"),
        }
    }
}

/// A strong validator.
pub(crate) fn etag(bytes: &[u8]) -> String {
    let sum =
        bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    format!("\"{sum:x}\"")
}
