//! A web server that sends whatever it is told, byte by byte.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What is answered to each path; 404 to all others.
#[derive(Debug, Default)]
pub(crate) struct Site {
    answers: BTreeMap<String, Answer>,
}

#[derive(Debug)]
struct Answer {
    /// From the status line on.
    bytes: Vec<u8>,
    /// Whether the last piece of it is sent again and again.
    never_ends: bool,
}

/// A site that is being served, until this is dropped.
pub(crate) struct Served {
    pub(crate) url: String,
    task: JoinHandle<()>,
}

impl Site {
    /// Answers well.
    pub(crate) fn file(&mut self, path: &str, body: impl AsRef<[u8]>) {
        self.answer(path, "HTTP/1.1 200 OK", body);
    }

    /// Answers with this head, to which the length of the body is added unless it says one.
    pub(crate) fn answer(&mut self, path: &str, head: &str, body: impl AsRef<[u8]>) {
        let body = body.as_ref();
        let mut bytes = format!("{head}\r\nconnection: close\r\n").into_bytes();
        if !head.contains("content-length") && !head.contains("transfer-encoding") {
            bytes.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        self.raw(path, bytes);
    }

    /// Answers with these bytes, whatever they are.
    pub(crate) fn raw(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.answers.insert(path.to_owned(), Answer { bytes: bytes.into(), never_ends: false });
    }

    /// Answers with a body that never ends.
    pub(crate) fn endless(&mut self, path: &str) {
        let bytes = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
        self.answers.insert(path.to_owned(), Answer { bytes, never_ends: true });
    }

    pub(crate) async fn serve(self) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers = Arc::new(self.answers);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answers = Arc::clone(&answers);
                tokio::spawn(async move {
                    let mut request = Vec::new();
                    while !request.ends_with(b"\r\n\r\n") {
                        let Ok(byte) = stream.read_u8().await else { return };
                        request.push(byte);
                    }
                    let line = String::from_utf8_lossy(&request).into_owned();
                    let path = line.split(' ').nth(1).unwrap_or_default();
                    let missing =
                        b"HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".as_slice();
                    let answer = answers.get(path);
                    // A client that has heard enough closes the connection.
                    let _ = stream.write_all(answer.map_or(missing, |answer| &answer.bytes)).await;
                    while answer.is_some_and(|answer| answer.never_ends)
                        && stream.write_all(&[b' '; 4096]).await.is_ok()
                    {}
                });
            }
        });
        Served { url, task }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}
