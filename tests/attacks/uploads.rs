//! The attacks that are an upload.

use tfjs_io::ErrorKind;

use super::table::{Attack, GOOD, How, WEIGHTS};

const BOUNDARY: &str = "xYz";

#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn attacks() -> Vec<Attack> {
    let attack = |name, rule, says, status, make| Attack {
        name,
        rule,
        kind: ErrorKind::InvalidData,
        says,
        how: How::Upload(make, status),
    };
    let forms = "an upload is a form as RFC 7578 has it";
    let parts = "a part is the JSON or a file that the manifest names, and comes once";
    let names = "a model's name is one segment of a path";
    let limits = "limits hold while the upload arrives";
    vec![
        attack("upload-no-boundary", forms, "boundary", 400, || {
            request("/m", "multipart/form-data", &[], &form(&good()))
        }),
        attack("upload-empty-boundary", forms, "boundary", 400, || {
            request("/m", "multipart/form-data; boundary=", &[], &form(&good()))
        }),
        attack("upload-long-boundary", forms, "boundary", 400, || {
            request("/m", &format!("multipart/form-data; boundary={}", "b".repeat(5000)), &[], &form(&good()))
        }),
        attack("upload-other-boundary", forms, "", 400, || {
            request("/m", "multipart/form-data; boundary=other", &[], &form(&good()))
        }),
        attack("upload-no-form", forms, "multipart", 415, || request("/m", "application/json", &[], GOOD.as_bytes())),
        attack("upload-gzip", forms, "cannot be compressed", 415, || {
            request("/m", TYPE, &["content-encoding: gzip"], &form(&good()))
        }),
        attack("upload-empty", forms, "", 400, || request("/m", TYPE, &[], b"")),
        attack("upload-cut", forms, "", 400, || {
            let form = form(&good());
            request("/m", TYPE, &[], form.get(..form.len() - 12).unwrap_or_default())
        }),
        attack("upload-part-without-name", forms, "", 400, || {
            let body = format!("--{BOUNDARY}\r\nContent-Type: text/plain\r\n\r\nx\r\n--{BOUNDARY}--\r\n");
            request("/m", TYPE, &[], body.as_bytes())
        }),
        attack("upload-header-bomb", limits, "", 400, || {
            let head = "X-A: b\r\n".repeat(100_000);
            let body =
                format!("--{BOUNDARY}\r\n{head}Content-Disposition: form-data; name=\"model.json\"\r\n\r\n{GOOD}");
            request("/m", TYPE, &[], body.as_bytes())
        }),
        attack("upload-header-line-bomb", limits, "", 400, || {
            let name = "n".repeat(1 << 20);
            let body = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\nx");
            request("/m", TYPE, &[], body.as_bytes())
        }),
        attack("upload-many-parts", limits, "parts", 413, || {
            let names: Vec<_> = (0..5000).map(|index| format!("part{index}")).collect();
            request(
                "/m",
                TYPE,
                &[],
                &form(&names.iter().map(|name| (name.as_str(), b"".as_slice())).collect::<Vec<_>>()),
            )
        }),
        attack("upload-json-2-mib", limits, "`json-bytes`", 413, || {
            let json = format!("{{{}", " ".repeat(2 << 20));
            request("/m", TYPE, &[], &form(&[("model.json", json.as_bytes())]))
        }),
        attack("upload-deep-json", limits, "nested deeper than 512", 422, || {
            let json = format!(r#"{{"modelTopology":{}"#, "[".repeat(100_000));
            request("/m", TYPE, &[], &form(&[("model.json", json.as_bytes())]))
        }),
        attack("upload-length-exbibyte", limits, "", 413, || {
            let length = "content-length: 1152921504606846976";
            head("POST", "/m", &[&format!("content-type: {TYPE}"), length]).into_bytes()
        }),
        attack("upload-two-jsons", parts, "`model.json` is unexpected", 400, || {
            let json = ("model.json", GOOD.as_bytes());
            request("/m", TYPE, &[], &form(&[json, json, ("model.weights.bin", &WEIGHTS)]))
        }),
        attack("upload-two-weights", parts, "unexpected", 400, || {
            let weights = ("model.weights.bin", WEIGHTS.as_slice());
            request("/m", TYPE, &[], &form(&[("model.json", GOOD.as_bytes()), weights, weights]))
        }),
        attack("upload-no-json", parts, "no part `model.json`", 400, || {
            request("/m", TYPE, &[], &form(&[("model.weights.bin", &WEIGHTS)]))
        }),
        attack("upload-no-weights", parts, "w.bin", 422, || {
            request("/m", TYPE, &[], &form(&[("model.json", GOOD.as_bytes())]))
        }),
        attack("upload-part-that-climbs", parts, "no part for the weights `w.bin`", 422, || {
            request("/m", TYPE, &[], &form(&[("model.json", GOOD.as_bytes()), ("../../secret.bin", &WEIGHTS)]))
        }),
        attack("upload-part-before-that-climbs", parts, "unexpected", 400, || {
            let secret = ("/etc/passwd", b"x".as_slice());
            request("/m", TYPE, &[], &form(&[secret, ("model.json", GOOD.as_bytes()), ("w.bin", &WEIGHTS)]))
        }),
        attack("upload-weights-short", parts, "", 422, || {
            request("/m", TYPE, &[], &form(&[("model.json", GOOD.as_bytes()), ("model.weights.bin", b"abc")]))
        }),
        attack("upload-weights-long", parts, "", 422, || {
            request("/m", TYPE, &[], &form(&[("model.json", GOOD.as_bytes()), ("model.weights.bin", b"abcde")]))
        }),
        attack("upload-name-climbs", names, "", 400, || request("/%2e%2e", TYPE, &[], &form(&good()))),
        attack("upload-name-slash", names, "", 400, || request("/..%2fsecret", TYPE, &[], &form(&good()))),
        attack("upload-name-backslash", names, "", 400, || request("/..%5csecret", TYPE, &[], &form(&good()))),
        attack("upload-name-nul", names, "", 400, || request("/m%00", TYPE, &[], &form(&good()))),
        attack("upload-name-device", names, "device of Windows", 400, || {
            request("/con.txt", TYPE, &[], &form(&good()))
        }),
        attack("upload-name-drive", names, "", 400, || request("/C%3Ax", TYPE, &[], &form(&good()))),
        attack("upload-name-hidden", names, "begins with a dot", 400, || {
            request("/.hidden", TYPE, &[], &form(&good()))
        }),
        attack("upload-name-long", names, "128 bytes", 400, || {
            request(&format!("/{}", "n".repeat(129)), TYPE, &[], &form(&good()))
        }),
    ]
}

const TYPE: &str = "multipart/form-data; boundary=xYz";

fn good() -> Vec<(&'static str, &'static [u8])> {
    vec![("model.json", GOOD.as_bytes()), ("model.weights.bin", &WEIGHTS)]
}

/// An upload of this JSON and the usual weights.
pub(crate) fn of_json(json: &[u8]) -> Vec<u8> {
    request("/m", TYPE, &[], &form(&[("model.json", json), ("model.weights.bin", &WEIGHTS)]))
}

fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in parts {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"../../{name}\"\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

fn request(path: &str, content_type: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let (kind, length) = (format!("content-type: {content_type}"), format!("content-length: {}", body.len()));
    let headers: Vec<_> = headers.iter().copied().chain([kind.as_str(), length.as_str()]).collect();
    let mut request = head("POST", path, &headers).into_bytes();
    request.extend_from_slice(body);
    request
}

fn head(method: &str, path: &str, headers: &[&str]) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head + "\r\n"
}
