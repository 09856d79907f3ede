//! `multipart/form-data`, read part by part, chunk by chunk.
//!
//! Chunks are passed on as they came from the connection, neither collected nor copied; what is held back is at most the
//! beginning of a delimiter. The grammar is that of RFC 7578 as clients write it, strictly: nothing before the first
//! delimiter, nothing but line ends behind the last.

use bytes::{Bytes, BytesMut};
use memchr::memmem::Finder;

use super::incoming::Incoming;
use crate::refusal::Refusal;

/// The parts of a body.
#[derive(Debug)]
pub(crate) struct Multipart {
    incoming: Incoming,
    /// Bytes that have come and are not passed on yet.
    buffer: Bytes,
    /// CRLF, two dashes and the boundary.
    delimiter: Finder<'static>,
    place: Place,
    parts: usize,
    max_parts: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before everything.
    Start,
    /// In the content of a part.
    Content,
    /// Behind a delimiter.
    Delimiter,
    /// Behind the last one.
    End,
}

/// The longest head of a part.
const MAX_HEAD_BYTES: usize = 16 << 10;

/// The most line ends behind the last delimiter.
const MAX_EPILOGUE_BYTES: usize = 1 << 10;

impl Multipart {
    /// The parts of a body with this boundary.
    pub(crate) fn new(incoming: Incoming, boundary: &str, max_parts: usize) -> Self {
        let delimiter = Finder::new(&format!("\r\n--{boundary}")).into_owned();
        // The line end that belongs to the first delimiter is left out by everybody.
        Self { incoming, buffer: Bytes::new(), delimiter, place: Place::Start, parts: 0, max_parts }
    }

    /// Goes to the next part and returns its name; `None` behind the last one, when the body has ended as it should.
    ///
    /// What is left of the part before is an error: nothing is skipped.
    pub(crate) async fn next_part(&mut self) -> Result<Option<String>, Refusal> {
        match self.place {
            Place::Start => self.first_delimiter().await?,
            Place::Content => {
                if self.chunk().await?.is_some() {
                    return Err(Refusal::bad_request("a part of the upload has more bytes than it should"));
                }
            }
            Place::Delimiter => {}
            Place::End => return Ok(None),
        }
        self.need(2).await?;
        if self.buffer.starts_with(b"--") {
            self.buffer = self.buffer.slice(2..);
            self.epilogue().await?;
            self.place = Place::End;
            return Ok(None);
        }
        self.parts += 1;
        if self.parts > self.max_parts {
            let message =
                format!("the upload has more than {} parts, which is the limit of this server", self.max_parts);
            return Err(Refusal::too_large(message));
        }
        let name = part_name(&self.head().await?)?;
        self.place = Place::Content;
        Ok(Some(name))
    }

    /// The next bytes of the part, never none; `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Refusal> {
        if self.place != Place::Content {
            return Ok(None);
        }
        loop {
            if let Some(at) = self.delimiter.find(&self.buffer) {
                let content = self.buffer.split_to(at);
                self.buffer = self.buffer.slice(self.delimiter.needle().len()..);
                self.place = Place::Delimiter;
                return Ok((!content.is_empty()).then_some(content));
            }
            let certain = self.buffer.len() - held_back(&self.buffer, self.delimiter.needle());
            if certain > 0 {
                return Ok(Some(self.buffer.split_to(certain)));
            }
            self.more().await?;
        }
    }

    /// The delimiter that begins a body.
    async fn first_delimiter(&mut self) -> Result<(), Refusal> {
        let delimiter = self.delimiter.needle().get(2..).unwrap_or_default().to_vec();
        self.need(delimiter.len()).await?;
        if !self.buffer.starts_with(&delimiter) {
            let message = "the body does not begin with the boundary that the content type names";
            return Err(Refusal::bad_request(message));
        }
        self.buffer = self.buffer.slice(delimiter.len()..);
        Ok(())
    }

    /// The header lines of a part, without the line ends around them.
    async fn head(&mut self) -> Result<Bytes, Refusal> {
        let mut searched = 0usize;
        loop {
            let unseen = self.buffer.get(searched.saturating_sub(3)..).unwrap_or_default();
            if let Some(at) = memchr::memmem::find(unseen, b"\r\n\r\n") {
                let head = self.buffer.split_to(searched.saturating_sub(3) + at);
                self.buffer = self.buffer.slice(4..);
                let head = head.strip_prefix(b"\r\n").map(|rest| head.slice_ref(rest));
                return head
                    .ok_or_else(|| Refusal::bad_request("a part of the upload has no line end before its headers"));
            }
            searched = self.buffer.len();
            if searched > MAX_HEAD_BYTES {
                return Err(Refusal::bad_request("a part of the upload has headers of more than 16 KiB"));
            }
            self.more().await?;
        }
    }

    /// What stands behind the last delimiter.
    async fn epilogue(&mut self) -> Result<(), Refusal> {
        let mut length = 0;
        loop {
            length += self.buffer.len();
            let is_blank = self.buffer.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
            if !is_blank || length > MAX_EPILOGUE_BYTES {
                return Err(Refusal::bad_request("there are bytes behind the last part of the upload"));
            }
            match self.incoming.next().await? {
                Some(bytes) => self.buffer = bytes,
                None => return Ok(()),
            }
        }
    }

    /// Waits until so many bytes are there.
    async fn need(&mut self, bytes: usize) -> Result<(), Refusal> {
        while self.buffer.len() < bytes {
            self.more().await?;
        }
        Ok(())
    }

    /// Waits for more bytes.
    async fn more(&mut self) -> Result<(), Refusal> {
        let Some(bytes) = self.incoming.next().await? else {
            return Err(Refusal::bad_request("the upload ends before its last boundary: a part of it is missing"));
        };
        if self.buffer.is_empty() {
            self.buffer = bytes;
        } else {
            let mut joined = BytesMut::with_capacity(self.buffer.len() + bytes.len());
            joined.extend_from_slice(&self.buffer);
            joined.extend_from_slice(&bytes);
            self.buffer = joined.freeze();
        }
        Ok(())
    }
}

/// How many bytes at the end may be the beginning of a delimiter.
fn held_back(buffer: &[u8], delimiter: &[u8]) -> usize {
    let tail = buffer.len().saturating_sub(delimiter.len() - 1);
    let tail = buffer.get(tail..).unwrap_or_default();
    let starts = memchr::memchr_iter(b'\r', tail).filter_map(|at| tail.get(at..));
    starts.filter(|rest| delimiter.starts_with(rest)).map(<[u8]>::len).max().unwrap_or(0)
}

/// The name in the headers of a part.
fn part_name(head: &[u8]) -> Result<String, Refusal> {
    let text = std::str::from_utf8(head)
        .map_err(|_| Refusal::bad_request("a part of the upload has headers that are not UTF-8"))?;
    let mut name = None;
    for line in text.split("\r\n") {
        let Some((header, value)) = line.split_once(':') else {
            return Err(Refusal::bad_request("a part of the upload has a header without a colon"));
        };
        if header.eq_ignore_ascii_case("content-disposition") {
            name = parameter(value, "form-data", "name");
        } else if header.eq_ignore_ascii_case("content-transfer-encoding") {
            let is_plain = ["binary", "8bit", "7bit"].iter().any(|plain| value.trim().eq_ignore_ascii_case(plain));
            if !is_plain {
                return Err(Refusal::bad_request(
                    "a part of the upload has a content-transfer-encoding; send it as it is",
                ));
            }
        }
    }
    name.ok_or_else(|| {
        Refusal::bad_request("a part of the upload has no `content-disposition: form-data; name=\"...\"`")
    })
}

/// The boundary that a content type names.
///
/// # Errors
/// 415 when it is no multipart form, 400 when there is no boundary that RFC 2046 allows.
pub(crate) fn boundary(content_type: Option<&str>) -> Result<String, Refusal> {
    let is_form = |text: &&str| is_of_type(text, "multipart/form-data");
    let Some(text) = content_type.filter(is_form) else {
        let message = "an upload is multipart/form-data with the parts `model.json` and `model.weights.bin`, as TensorFlow.js sends it";
        return Err(Refusal::new(axum::http::StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    };
    let boundary = parameter(text, "multipart/form-data", "boundary");
    let is_allowed = |c: u8| c.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&c);
    boundary
        .filter(|boundary| {
            (1..=70).contains(&boundary.len()) && boundary.bytes().all(is_allowed) && !boundary.ends_with(' ')
        })
        .ok_or_else(|| Refusal::bad_request("the content type has no boundary of 1 to 70 characters"))
}

/// Whether a header's value is of this type, whatever its parameters.
fn is_of_type(value: &str, kind: &str) -> bool {
    value.split(';').next().is_some_and(|found| found.trim().eq_ignore_ascii_case(kind))
}

/// A parameter of a header's value, if that is of this kind: `kind; name=token` or `kind; name="quoted \"text\""`.
fn parameter(value: &str, kind: &str, name: &str) -> Option<String> {
    let (found, mut rest) = value.split_once(';')?;
    if !found.trim().eq_ignore_ascii_case(kind) {
        return None;
    }
    loop {
        let (key, after) = rest.split_once('=')?;
        let (value, after) = if let Some(quoted) = after.trim_start().strip_prefix('"') {
            unquote(quoted)?
        } else {
            let (token, after) = after.split_at(after.find(';').unwrap_or(after.len()));
            (token.trim().to_owned(), after)
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = after.trim_start().strip_prefix(';')?;
    }
}

/// A text up to its closing quote, and what follows.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((text, quoted.get(at + 1..)?)),
            // Browsers write `%22` for a quote; curl writes `\"`.
            '\\' => text.push(chars.next()?.1),
            c => text.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ServerOptions;
    use axum::body::Body;
    use futures::stream;

    type Parts = Vec<(String, Vec<u8>)>;

    /// The parts of a body that comes in chunks of `size` bytes.
    async fn parts(body: &[u8], size: usize) -> Result<Parts, Refusal> {
        let chunks: Vec<_> =
            body.chunks(size).map(|chunk| Ok::<_, std::io::Error>(Bytes::copy_from_slice(chunk))).collect();
        let incoming = Incoming::new(Body::from_stream(stream::iter(chunks)), &ServerOptions::new());
        let mut multipart = Multipart::new(incoming, "XyZ", 3);
        let mut parts = Vec::new();
        while let Some(name) = multipart.next_part().await? {
            let mut content = Vec::new();
            while let Some(chunk) = multipart.chunk().await? {
                assert!(!chunk.is_empty());
                content.extend_from_slice(&chunk);
            }
            parts.push((name, content));
        }
        Ok(parts)
    }

    async fn message(body: &[u8]) -> String {
        parts(body, 7).await.unwrap_err().message
    }

    const HEAD: &str = "Content-Disposition: form-data; name=\"a\"; filename=\"a\"\r\nContent-Type: x/y\r\n\r\n";

    #[tokio::test]
    async fn however_the_bytes_arrive() {
        // Contents that look like delimiters, and nearly are.
        let contents: [&[u8]; 3] = [b"\r\n--XyZ", b"\r\r\n\r\n--Xy\r\n--\r", b""];
        let contents: Vec<Vec<u8>> =
            contents.iter().map(|content| content.iter().copied().filter(|byte| *byte != b'Z').collect()).collect();
        let mut body = Vec::new();
        for content in &contents {
            body.extend_from_slice(format!("--XyZ\r\n{HEAD}").as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--XyZ--\r\n");
        for size in 1..=body.len() {
            let found = parts(&body, size).await.unwrap();
            assert_eq!(
                found,
                contents.iter().map(|content| ("a".to_owned(), content.clone())).collect::<Vec<_>>(),
                "{size}"
            );
        }
    }

    #[tokio::test]
    async fn every_truncation_is_found() {
        let body = format!("--XyZ\r\n{HEAD}content\r\n--XyZ--");
        assert!(parts(body.as_bytes(), 5).await.is_ok());
        for end in 0..body.len() {
            assert!(parts(&body.as_bytes()[..end], 5).await.is_err(), "{end}");
        }
    }

    #[tokio::test]
    async fn bad_bodies() {
        assert!(message(b"preamble\r\n--XyZ--").await.contains("does not begin with the boundary"));
        assert!(
            message(format!("--XyZ\r\n{HEAD}x\r\n--XyZ--surplus").as_bytes()).await.contains("behind the last part")
        );
        assert!(
            message(format!("--XyZ\r\n{HEAD}x\r\n--XyZ--{}", "\r\n".repeat(600)).as_bytes()).await.contains("behind")
        );
        assert!(message(b"--XyZ\r\n\r\nx\r\n--XyZ--").await.contains("no line end before"));
        assert!(message(b"--XyZ\r\nX: y\r\n\r\nx\r\n--XyZ--").await.contains("no `content-disposition"));
        assert!(message(format!("--XyZ\r\nX: {}", "y".repeat(20_000)).as_bytes()).await.contains("16 KiB"));
        assert!(message(b"--XyZ\r\n\xff: x\r\n\r\nx\r\n--XyZ--").await.contains("not UTF-8"));
        assert!(message(format!("--XyZ\r\n{HEAD}x\r\n").repeat(4).as_bytes()).await.contains("more than 3 parts"));
        let encoded = "--XyZ\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n--XyZ--";
        assert!(message(encoded.as_bytes()).await.contains("content-transfer-encoding"));
    }

    #[test]
    fn boundaries() {
        let found = |text| boundary(Some(text)).map_err(|refusal| refusal.status.as_u16());
        assert_eq!(
            found("multipart/form-data; boundary=----formdata-undici-0123").unwrap(),
            "----formdata-undici-0123"
        );
        assert_eq!(found("Multipart/Form-Data;charset=x; Boundary=\"a b\"").unwrap(), "a b");
        assert_eq!(found("application/json"), Err(415));
        assert_eq!(found("multipart/mixed; boundary=x"), Err(415));
        for bad in ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"\r\n\""] {
            assert_eq!(found(bad), Err(400), "{bad}");
        }
        assert_eq!(found(&format!("multipart/form-data; boundary={}", "x".repeat(71))), Err(400));
        assert_eq!(boundary(None).unwrap_err().status.as_u16(), 415);
    }

    #[test]
    fn part_names() {
        let name = |value: &str| parameter(value, "form-data", "name");
        assert_eq!(name(" form-data; name=\"model.json\"; filename=\"x\"").as_deref(), Some("model.json"));
        assert_eq!(name("form-data; filename=\"a;name=b\"; name=c").as_deref(), Some("c"));
        assert_eq!(name("form-data; name=\"a\\\"b\"").as_deref(), Some("a\"b"));
        assert_eq!(name("form-data; name=\"a"), None);
        assert_eq!(name("attachment; name=a"), None);
    }
}
