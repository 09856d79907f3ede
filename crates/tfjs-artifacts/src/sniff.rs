//! What a body probably is when it is not what it should be.

use std::fmt;

use crate::graph_def::number;

/// A well-known kind of content that turns up in place of a model's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sniffed {
    /// An HTML page: an error page or the fallback of a single-page app.
    Html,
    /// A pointer file of git-lfs: the real file was never fetched.
    GitLfsPointer,
    /// A JSON object with an `error` member, as many servers answer.
    JsonError,
    /// The list of models that the server of this workspace answers with at its root.
    ModelList,
    /// A model of Keras in HDF5 (`.h5`).
    Hdf5,
    /// A zip archive, which a model of Keras (`.keras`) is.
    Zip,
    /// A graph of TensorFlow: a SavedModel, or one that is frozen (`.pb`).
    TensorFlow,
    /// A model of TensorFlow Lite (`.tflite`).
    TfLite,
    /// A model in ONNX (`.onnx`).
    Onnx,
}

/// Looks at the first bytes of a file, and says only what is beyond doubt: beginnings so long that no weights have them by
/// chance. For files that are right in every other way.
pub fn sniff_strictly(head: &[u8]) -> Option<Sniffed> {
    sniff(head).filter(|sniffed| match sniffed {
        // `<!doctype html`, not merely `<html`.
        Sniffed::Html => head.trim_ascii_start().starts_with(b"<!"),
        Sniffed::GitLfsPointer => true,
        _ => false,
    })
}

/// Looks at the first bytes of a file that is known to be wrong, for the likely reason; 1024 bytes are enough.
pub fn sniff(head: &[u8]) -> Option<Sniffed> {
    let text = head.trim_ascii_start();
    let starts =
        |prefix: &str| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()));
    if starts("<!doctype html") || starts("<html") || starts("<?xml") || starts("<head") || starts("<body") {
        Some(Sniffed::Html)
    } else if starts("version https://git-lfs") {
        Some(Sniffed::GitLfsPointer)
    } else if starts("{\"error") || starts("{\"message") {
        Some(Sniffed::JsonError)
    } else if starts("[{\"name\":") && begins_with_info(text) {
        Some(Sniffed::ModelList)
    } else {
        None
    }
}

/// Whether the first of a list has what is told of a model.
fn begins_with_info(text: &[u8]) -> bool {
    let first = text.split(|byte| *byte == b'}').next().unwrap_or_default();
    first.windows(INFO.len()).any(|part| part == INFO)
}

const INFO: &[u8] = b"\"modelArtifactsInfo\":{";

/// Looks at the first bytes of a file that should be a `model.json`, for a model that TensorFlow.js cannot read before somebody has
/// converted it; 1024 bytes are enough. No JSON begins like one.
pub fn sniff_model(head: &[u8]) -> Option<Sniffed> {
    if head.starts_with(b"\x89HDF\r\n\x1a\n") {
        Some(Sniffed::Hdf5)
    } else if head.starts_with(b"PK\x03\x04") {
        Some(Sniffed::Zip)
    } else if head.get(4..8) == Some(b"TFL3") {
        Some(Sniffed::TfLite)
    } else if head.starts_with(b"\x08\x01\x12") || begins_with_node(head) {
        // The version of the schema, and then a graph with what belongs to it; or a bare graph.
        Some(Sniffed::TensorFlow)
    } else if matches!(head, [8, 2..0x80, 0x12 | 0x1a | 0x22 | 0x28 | 0x32 | 0x3a | 0x42, ..]) {
        // The version of the format, and then any of the fields that may be first.
        Some(Sniffed::Onnx)
    } else {
        None
    }
}

/// Whether a message of protocol buffers begins with the node of a graph: its name, and then its operation.
fn begins_with_node(head: &[u8]) -> bool {
    let behind_name = || {
        let (_, node) = number(head.strip_prefix(b"\x0a")?).ok()?;
        let (length, name) = number(node.strip_prefix(b"\x0a")?).ok()?;
        name.get(usize::try_from(length).ok()?)
    };
    behind_name() == Some(&0x12)
}

impl fmt::Display for Sniffed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (found, convertible) = match self {
            Self::Html => return f.write_str("looks like an HTML or XML page, not weights or JSON; check the address"),
            Self::GitLfsPointer => return f.write_str("is a git-lfs pointer; run `git lfs pull` where it came from"),
            Self::JsonError => return f.write_str("looks like a server's JSON error message"),
            Self::ModelList => {
                return f.write_str(
                    "is the list of a server's models, not one of them; add its name, as in `/my-model/model.json`",
                );
            }
            Self::Hdf5 => ("is an HDF5 file, as a Keras model (.h5) is", "it"),
            Self::Zip => {
                ("is a zip archive, as a Keras model (.keras) is; unpack it if there is a model.json in it, or", "it")
            }
            Self::TensorFlow => ("is a SavedModel or a frozen graph of TensorFlow (.pb)", "it"),
            Self::TfLite => ("is a TensorFlow Lite model (.tflite)", "the model that it was made from"),
            Self::Onnx => ("is an ONNX model (.onnx)", "the TensorFlow or Keras model that it was made from"),
        };
        let and = if found.ends_with(" or") { "" } else { ";" };
        write!(
            f,
            "{found}{and} convert {convertible} with tensorflowjs_converter, and take the model.json and the .bin files that it writes"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_impostors() {
        assert_eq!(sniff(b"\n <!DOCTYPE html><html>"), Some(Sniffed::Html));
        assert_eq!(sniff(b"<html lang=en>"), Some(Sniffed::Html));
        assert_eq!(sniff(b"version https://git-lfs.github.com/spec/v1\n"), Some(Sniffed::GitLfsPointer));
        assert_eq!(sniff(b"{\"error\": 404}"), Some(Sniffed::JsonError));
        let list = br#"[{"name":"a","url":"/a/model.json","modelArtifactsInfo":{"dateSaved":"2026-01-01T00:00:00Z"}}]"#;
        assert_eq!(sniff(list), Some(Sniffed::ModelList));
        assert_eq!(sniff(br#"[{"name":"a group","paths":[],"weights":[]}]"#), None);
    }

    #[test]
    fn only_long_beginnings_are_beyond_doubt() {
        assert_eq!(sniff_strictly(b"<!doctype HTML>"), Some(Sniffed::Html));
        assert_eq!(sniff_strictly(b"version https://git-lfs.github.com"), Some(Sniffed::GitLfsPointer));
        assert_eq!(sniff_strictly(b"<html>"), None);
        assert_eq!(sniff_strictly(b"{\"error\":1}"), None);
    }

    #[test]
    fn models_that_have_to_be_converted() {
        let tflite = b"\x1c\0\0\0TFL3\x14\0\x20\0";
        // A node `x` with the operation `Add`, in a graph.
        let graph = b"\x0a\x08\x0a\x01x\x12\x03Add";
        for (head, expected, convert) in [
            (&b"\x89HDF\r\n\x1a\n\0"[..], Sniffed::Hdf5, "; convert it with tensorflowjs_converter"),
            (b"PK\x03\x04\x14\0", Sniffed::Zip, " or convert it with tensorflowjs_converter"),
            (tflite, Sniffed::TfLite, "; convert the model that it was made from with tensorflowjs_converter"),
            (b"\x08\x01\x12\xff\x01", Sniffed::TensorFlow, "; convert it with tensorflowjs_converter"),
            (graph, Sniffed::TensorFlow, "(.pb); convert it"),
            (
                b"\x08\x07\x12\x07pytorch",
                Sniffed::Onnx,
                "; convert the TensorFlow or Keras model that it was made from",
            ),
            (b"\x08\x08:\x10", Sniffed::Onnx, "(.onnx); "),
        ] {
            assert_eq!(sniff_model(head), Some(expected), "{head:?}");
            let words = expected.to_string();
            assert!(
                words.contains(convert) && words.ends_with("the model.json and the .bin files that it writes"),
                "{words}"
            );
        }
        for other in [&b""[..], b"{\"node\": []}", b"\n\n\n\n\n", b"\n\n[1]", b"\x08\x01", b"\x0a\xff\xff", b"PK"] {
            assert_eq!(sniff_model(other), None, "{other:?}");
        }
    }

    #[test]
    fn weights_are_nothing_special() {
        assert_eq!(sniff(b""), None);
        assert_eq!(sniff(b"<"), None);
        assert_eq!(sniff(&[0x3c, 0x00, 0x80, 0x3f]), None);
    }
}
