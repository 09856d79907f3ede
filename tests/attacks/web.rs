//! The attacks that are a web server.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use tfjs_io::{ErrorKind, Limit, Limits};

use super::table::{Attack, GOOD, How, WEIGHTS};
use crate::site::Site;

const JSON: &str = "/m/model.json";
const BIN: &str = "/m/w.bin";
const HTML: &str = "<!doctype html><html><body>no such page</body></html>";

#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn attacks() -> Vec<Attack> {
    let attack = |name, rule, kind, says, make| Attack { name, rule, kind, says, how: How::Web(make) };
    let statuses = "a status is believed";
    let lengths = "a body is as long as its specs and its head say";
    let ends = "a body that does not end is cut off";
    let hops = "a redirect leads to another page of the web, and not for ever";
    let codings = "an encoding is what was asked for, and ends";
    vec![
        attack("web-json-404-page", statuses, ErrorKind::NotFound, "404", |site| {
            site.answer(JSON, "HTTP/1.1 404 Not Found\r\ncontent-type: text/html", HTML);
            Limits::new()
        }),
        attack("web-json-html", statuses, ErrorKind::InvalidData, "HTML or XML page", |site| {
            site.answer(JSON, "HTTP/1.1 200 OK\r\ncontent-type: application/json", HTML);
            Limits::new()
        }),
        attack("web-shard-404-page", statuses, ErrorKind::NotFound, "404", |site| {
            good(site).answer(BIN, "HTTP/1.1 404 Not Found\r\ncontent-type: text/html", HTML);
            Limits::new()
        }),
        attack("web-shard-html", lengths, ErrorKind::InvalidData, "HTML or XML page", |site| {
            good(site).file(BIN, HTML);
            Limits::new()
        }),
        attack("web-shard-401", statuses, ErrorKind::Unauthenticated, "401", |site| {
            good(site).answer(BIN, "HTTP/1.1 401 Unauthorized", WEIGHTS);
            Limits::new()
        }),
        attack("web-shard-500", statuses, ErrorKind::Transport, "500", |site| {
            good(site).answer(BIN, "HTTP/1.1 500 Oops", WEIGHTS);
            Limits::new()
        }),
        attack("web-shard-part", statuses, ErrorKind::InvalidData, "which nobody asked for", |site| {
            good(site).answer(BIN, "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 0-3/4", WEIGHTS);
            Limits::new()
        }),
        attack("web-shard-short", lengths, ErrorKind::InvalidData, "3 bytes", |site| {
            good(site).file(BIN, "abc");
            Limits::new()
        }),
        attack("web-shard-long", lengths, ErrorKind::InvalidData, "has 5 bytes", |site| {
            good(site).file(BIN, "abcde");
            Limits::new()
        }),
        attack("web-length-too-large", lengths, ErrorKind::Transport, "4 bytes", |site| {
            good(site).answer(BIN, "HTTP/1.1 200 OK\r\ncontent-length: 4", "abc");
            Limits::new()
        }),
        attack("web-length-exbibyte", lengths, ErrorKind::InvalidData, "1152921504606846976 bytes", |site| {
            good(site).answer(BIN, "HTTP/1.1 200 OK\r\ncontent-length: 1152921504606846976", "abcd");
            Limits::new()
        }),
        attack("web-length-garbage", lengths, ErrorKind::Transport, "", |site| {
            good(site).answer(BIN, "HTTP/1.1 200 OK\r\ncontent-length: -1", WEIGHTS);
            Limits::new()
        }),
        attack("web-length-twice", lengths, ErrorKind::Transport, "", |site| {
            good(site).answer(BIN, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 3", WEIGHTS);
            Limits::new()
        }),
        attack("web-chunk-too-large", lengths, ErrorKind::Transport, "", |site| {
            good(site).answer(BIN, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked", "ffffffffffffffff\r\nabcd");
            Limits::new()
        }),
        attack("web-shard-endless", ends, ErrorKind::InvalidData, "goes on beyond the 4 bytes", |site| {
            good(site).endless(BIN);
            Limits::new()
        }),
        attack("web-strings-endless", ends, ErrorKind::LimitExceeded, "`unknown-bytes`", |site| {
            site.file(JSON, GOOD.replace("float32", "string"));
            site.endless(BIN);
            Limits::new().with(Limit::UnknownBytes, 1 << 20)
        }),
        attack("web-json-endless", ends, ErrorKind::LimitExceeded, "`json-bytes`", |site| {
            site.endless(JSON);
            Limits::new().with(Limit::JsonBytes, 1 << 20)
        }),
        attack("web-json-length", ends, ErrorKind::LimitExceeded, "has 10737418240 bytes", |site| {
            site.answer(JSON, "HTTP/1.1 200 OK\r\ncontent-length: 10737418240", GOOD);
            Limits::new()
        }),
        attack("web-shard-gzip-bomb", codings, ErrorKind::InvalidData, "goes on beyond the 4 bytes", |site| {
            good(site).answer(BIN, "HTTP/1.1 200 OK\r\ncontent-encoding: gzip", bomb());
            Limits::new()
        }),
        attack("web-json-gzip-bomb", codings, ErrorKind::LimitExceeded, "`json-bytes`", |site| {
            site.answer(JSON, "HTTP/1.1 200 OK\r\ncontent-encoding: gzip", bomb());
            Limits::new().with(Limit::JsonBytes, 1 << 20)
        }),
        attack("web-gzip-garbage", codings, ErrorKind::Transport, "", |site| {
            good(site).answer(BIN, "HTTP/1.1 200 OK\r\ncontent-encoding: gzip", "no gzip at all");
            Limits::new()
        }),
        attack("web-encoding-unknown", codings, ErrorKind::Unsupported, "zstd", |site| {
            good(site).answer(BIN, "HTTP/1.1 200 OK\r\ncontent-encoding: zstd", WEIGHTS);
            Limits::new()
        }),
        attack("web-redirects-for-ever", hops, ErrorKind::Transport, "redirects more than 10 times", |site| {
            good(site).answer(BIN, "HTTP/1.1 302 Found\r\nlocation: /m/w.bin", "");
            Limits::new()
        }),
        attack("web-redirect-to-a-file", hops, ErrorKind::InvalidUrl, "neither http nor https", |site| {
            good(site).answer(BIN, "HTTP/1.1 302 Found\r\nlocation: file:///etc/passwd", "");
            Limits::new()
        }),
        attack("web-redirect-to-data", hops, ErrorKind::InvalidUrl, "neither http nor https", |site| {
            good(site).answer(BIN, "HTTP/1.1 302 Found\r\nlocation: data:,abcd", "");
            Limits::new()
        }),
        attack("web-redirect-to-nowhere", hops, ErrorKind::InvalidUrl, "no URL", |site| {
            good(site).answer(BIN, "HTTP/1.1 302 Found\r\nlocation: http://[", "");
            Limits::new()
        }),
        attack("web-redirect-json-to-another-host", hops, ErrorKind::Transport, "", |site| {
            // Nobody listens there; what is sent along to another host is tested with the client.
            site.answer(JSON, "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/model.json", "");
            Limits::new()
        }),
        attack("web-no-http", "an answer is one of HTTP", ErrorKind::Transport, "", |site| {
            good(site).raw(BIN, "SSH-2.0-OpenSSH_9.9\r\n");
            Limits::new()
        }),
        attack("web-head-endless", "an answer is one of HTTP", ErrorKind::Transport, "", |site| {
            good(site).raw(BIN, format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\nabcd", "y".repeat(1 << 20)));
            Limits::new()
        }),
    ]
}

/// A model that is as it should be.
fn good(site: &mut Site) -> &mut Site {
    site.file(JSON, GOOD);
    site.file(BIN, WEIGHTS);
    site
}

/// 64 MiB of blanks in 64 KiB.
fn bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..64 {
        encoder.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    encoder.finish().unwrap()
}
