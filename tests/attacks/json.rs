//! The attacks that are a `model.json`, beside the weight file `w.bin` of four bytes `ff`. The files are in `corpus`.

use tfjs_io::ErrorKind;

use super::table::{Attack, How};

macro_rules! attacks {
    ($($how:ident $name:literal, $rule:literal, $kind:ident, $says:literal;)+) => {
        [$(Attack {
            name: $name,
            rule: $rule,
            kind: ErrorKind::$kind,
            says: $says,
            how: How::$how(include_bytes!(concat!("corpus/", $name, ".json"))),
        }),+]
    };
}

/// `Json` is refused by every loader and by the server; `Read` by whoever reads it, while storing it harms nobody.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn attacks() -> impl IntoIterator<Item = Attack> {
    attacks! {
        Json "path-parent", "a path cannot leave the folder of the model", InvalidData, "climbs with `..`";
        Json "path-parent-inside", "a path cannot leave the folder of the model", InvalidData, "climbs with `..`";
        Json "path-parent-alone", "a path cannot leave the folder of the model", InvalidData, "climbs with `..`";
        Json "path-dot-slash-parent", "a path cannot leave the folder of the model", InvalidData, "climbs with `..`";
        Json "path-absolute", "a path cannot leave the folder of the model", InvalidData, "is absolute";
        Json "path-double-slash", "a path cannot leave the folder of the model", InvalidData, "is absolute";
        Json "path-dot-slash-absolute", "a path cannot leave the folder of the model", InvalidData, "is absolute";
        Json "path-drive", "a path cannot leave the folder of the model", InvalidData, "has a colon";
        Json "path-drive-relative", "a path cannot leave the folder of the model", InvalidData, "has a colon";
        Json "path-unc", "a path cannot leave the folder of the model", InvalidData, "has a backslash";
        Json "path-verbatim", "a path cannot leave the folder of the model", InvalidData, "has a backslash";
        Json "path-backslash", "a path cannot leave the folder of the model", InvalidData, "has a backslash";
        Json "path-nul", "a path cannot leave the folder of the model", InvalidData, "has a control character";
        Json "path-newline", "a path cannot leave the folder of the model", InvalidData, "has a control character";
        Json "path-other-host", "a path cannot leave the folder of the model", InvalidData, "has a colon";
        Json "path-file-url", "a path cannot leave the folder of the model", InvalidData, "has a colon";
        Json "path-data-url", "a path cannot leave the folder of the model", InvalidData, "has a colon";
        Json "path-stream", "a path cannot leave the folder of the model", InvalidData, "has a colon";
        Json "path-empty", "a path cannot leave the folder of the model", InvalidData, "is empty";
        Json "path-empty-segment", "a path cannot leave the folder of the model", InvalidData, "has an empty segment";
        Json "path-dot-segment", "a path cannot leave the folder of the model", InvalidData, "has a `.` segment";
        Read "path-percent-dots", "a percent sign is a letter of a name, in URLs too", NotFound, "%2";
        Read "path-percent-slash", "a percent sign is a letter of a name, in URLs too", NotFound, "%2";
        Read "path-query", "a question mark is a letter of a name", InvalidData, "ends with a dot";
        Json "json-empty", "the text is one JSON value", InvalidData, "the file is empty";
        Json "json-blank", "the text is one JSON value", InvalidData, "the file is empty";
        Json "json-bom", "the text is one JSON value", InvalidData, "byte order mark";
        Json "json-utf16-le", "the text is one JSON value", InvalidData, "not UTF-8";
        Json "json-utf16-be", "the text is one JSON value", InvalidData, "not UTF-8";
        Json "json-utf16-no-bom", "the text is one JSON value", InvalidData, "not valid JSON";
        Json "json-latin1", "the text is one JSON value", InvalidData, "not UTF-8";
        Json "json-overlong", "the text is one JSON value", InvalidData, "not UTF-8";
        Json "json-trailing", "the text is one JSON value", InvalidData, "trailing characters";
        Json "json-trailing-nul", "the text is one JSON value", InvalidData, "trailing characters";
        Json "json-cut", "the text is one JSON value", InvalidData, "EOF";
        Json "json-html", "the text is one JSON value", InvalidData, "HTML or XML page";
        Json "json-lfs", "the text is one JSON value", InvalidData, "git-lfs pointer";
        Json "json-gzip", "the text is one JSON value", InvalidData, "not UTF-8";
        Json "json-nan", "the text is one JSON value", InvalidData, "not valid JSON";
        Json "json-infinity", "the text is one JSON value", InvalidData, "not valid JSON";
        Json "json-comment", "the text is one JSON value", InvalidData, "not valid JSON";
        Json "json-hex-number", "the text is one JSON value", InvalidData, "not valid JSON";
        Json "json-null", "the text is one JSON value", InvalidData, "expected an object";
        Json "json-number", "the text is one JSON value", InvalidData, "expected an object";
        Json "json-nothing", "the text is one JSON value", InvalidData, "neither `modelTopology` nor `weightsManifest`";
        Json "json-null-topology", "the text is one JSON value", InvalidData, "neither `modelTopology` nor `weightsManifest`";
        Json "json-lone-surrogate", "names are Unicode text", InvalidData, "lone surrogate";
        Json "json-lone-surrogate-key", "names are Unicode text", InvalidData, "lone surrogate";
        Json "json-two-manifests", "of two equal keys none counts", InvalidData, "`weightsManifest` twice";
        Json "json-two-manifests-escaped", "of two equal keys none counts", InvalidData, "`weightsManifest` twice";
        Json "json-two-topologies", "of two equal keys none counts", InvalidData, "`modelTopology` twice";
        Json "json-proto-twice", "of two equal keys none counts", InvalidData, "`__proto__` twice";
        Json "json-two-paths", "of two equal keys none counts", InvalidData, "`paths` twice";
        Json "json-two-names", "of two equal keys none counts", InvalidData, "`name` twice";
        Json "json-two-scales", "of two equal keys none counts", InvalidData, "`scale` twice";
        Json "json-manifest-object", "values have the types of the format", InvalidData, "an array of groups";
        Json "json-group-number", "values have the types of the format", InvalidData, "an object";
        Json "json-paths-string", "values have the types of the format", InvalidData, "an array of strings";
        Json "json-paths-numbers", "values have the types of the format", InvalidData, "a string";
        Json "json-paths-missing", "values have the types of the format", InvalidData, "has no `paths`";
        Json "spec-negative", "a shape is integers from 0 whose product can be counted", InvalidData, "`-1`";
        Json "spec-fractional", "a shape is integers from 0 whose product can be counted", InvalidData, "`1.5`";
        Json "spec-huge", "a shape is integers from 0 whose product can be counted", InvalidData, "2^53 - 1";
        Json "spec-huge-exponent", "a shape is integers from 0 whose product can be counted", InvalidData, "`1e400`";
        Json "spec-huge-digits", "a shape is integers from 0 whose product can be counted", InvalidData, "not an integer from 0";
        Json "spec-wraps-u64", "a shape is integers from 0 whose product can be counted", InvalidData, "more than 2^53 - 1 elements";
        Json "spec-wraps-u32", "a shape is integers from 0 whose product can be counted", InvalidData, "more than 2^53 - 1 elements";
        Json "spec-text-shape", "a shape is integers from 0 whose product can be counted", InvalidData, "expected an array of integers";
        Json "spec-null-shape", "a shape is integers from 0 whose product can be counted", InvalidData, "expected an array of integers";
        Json "spec-nested-shape", "a shape is integers from 0 whose product can be counted", InvalidData, "`[1]`";
        Json "spec-rank-1000", "limits hold before anything is allocated", LimitExceeded, "`rank` of 254";
        Json "spec-petabytes", "limits hold before anything is allocated", LimitExceeded, "`weight-bytes`";
        Json "spec-strings-2-40", "limits hold before anything is allocated", LimitExceeded, "`string-elements`";
        Json "spec-sum-wraps", "limits hold before anything is allocated", LimitExceeded, "`weight-bytes`";
        Json "spec-no-dtype", "a spec has what it takes to decode it", InvalidData, "has no `dtype`";
        Json "spec-no-shape", "a spec has what it takes to decode it", InvalidData, "has no `shape`";
        Json "spec-no-name", "a spec has what it takes to decode it", InvalidData, "has no `name`";
        Json "spec-dtype-number", "a spec has what it takes to decode it", InvalidData, "a string";
        Json "spec-weights-number", "a spec has what it takes to decode it", InvalidData, "an object";
        Json "spec-quantization-null", "a spec has what it takes to decode it", InvalidData, "an object";
        Json "spec-quantization-no-dtype", "a spec has what it takes to decode it", InvalidData, "has no `dtype`";
        Read "spec-dtype-unknown", "a spec has what it takes to decode it", Unsupported, "float65";
        Read "spec-quantization-unknown", "a spec has what it takes to decode it", Unsupported, "uint3";
        Read "spec-float16-int32", "a spec has what it takes to decode it", Unsupported, "float16 which only supports";
        Read "spec-scale-text", "a spec has what it takes to decode it", InvalidData, "not a number";
        Read "spec-min-text", "a spec has what it takes to decode it", InvalidData, "not a number";
        Read "spec-scale-missing", "a spec has what it takes to decode it", InvalidData, "metadata min and scale";
        Read "spec-scale-infinite", "a spec has what it takes to decode it", InvalidData, "not a number";
        Read "spec-min-infinite", "a spec has what it takes to decode it", InvalidData, "not a number";
        Json "spec-two-tensors", "names are unique in the model", InvalidData, "two tensors are named `a`";
        Json "spec-two-proto", "names are unique in the model", InvalidData, "two tensors are named `__proto__`";
        Json "spec-too-short", "specs and bytes fit together", InvalidData, "4 bytes";
        Json "spec-too-long", "specs and bytes fit together", InvalidData, "3";
        Json "spec-string-past-end", "specs and bytes fit together", InvalidData, "claims 4294967295 bytes";
        Json "spec-more-strings", "specs and bytes fit together", InvalidData, "need";
        Json "shard-twice", "a file is named once", InvalidData, "is named twice";
        Json "shard-twice-spelled", "a file is named once", InvalidData, "is named twice";
        Json "shard-in-two-groups", "a file is named once", InvalidData, "is named twice";
        Read "shard-missing", "all files are there", NotFound, "x.bin";
        Json "checksum-wrong", "checksums are compared", InvalidData, "SHA-256";
        Json "checksum-damaged", "checksums are compared", InvalidData, "64 hex digits";
        Json "checksum-count", "checksums are compared", InvalidData, "2 checksums for 1 files";
    }
}
