//! The works: what is measured, with which program, and what is demanded. A further work is an entry here, a criterion group of the
//! same name in the program that it names, and, if TensorFlow.js has a peer, an entry of that name in `tests/interop/lib/works.js`.

use std::fmt;

use anyhow::{Result, ensure};

use super::measurement::Unit;

/// A line of the table.
pub(super) struct Work {
    /// The name of the criterion group, and of the work in TensorFlow.js.
    pub(super) id: &'static str,
    /// What is done, for people.
    pub(super) work: &'static str,
    pub(super) unit: Unit,
    pub(super) source: Source,
    /// What the criterion function `yardstick` does, if the group has one.
    pub(super) yardstick: Option<&'static str>,
    /// Whether TensorFlow.js has a peer.
    pub(super) has_tfjs: bool,
    /// Without any the work is only reported.
    pub(super) demands: &'static [Demand],
}

/// Where the numbers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Times, by criterion: the functions `ours`, `yardstick` and `smaller` of the group.
    Criterion(Program),
    /// Times, by a page that holds both us and TensorFlow.js.
    Page,
    /// Times of processes that talk to the same object store.
    ObjectStore,
    /// A program that does one thing and prints what it took: memory, which only a whole process has a peak of.
    Printed(Program),
}

/// A `[[bench]]` of one of our packages. One that prints is told the id of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Program {
    pub(super) package: &'static str,
    pub(super) bench: &'static str,
    /// Whether it needs the servers of `web.rs`.
    pub(super) web: bool,
}

/// One condition of a target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Demand {
    /// At least so many times as good as the yardstick.
    Yardstick(f64),
    /// At most so many times the cost of the yardstick.
    TimesYardstick(f64),
    /// At least so many times as good as TensorFlow.js.
    Tfjs(f64),
    /// At most this, in the unit of the line.
    AtMost(f64),
    /// At most so many times what `smaller` costs: the cost does not grow with the size, or not faster than it.
    TimesSmaller(f64, &'static str),
}

const CODEC: Program = Program { package: "tfjs-weights", bench: "codec", web: false };
const STREAM_MEMORY: Program = Program { package: "tfjs-weights", bench: "stream_memory", web: false };
const MODEL: Program = Program { package: "tfjs-tests", bench: "model", web: false };
const WEB: Program = Program { package: "tfjs-tests", bench: "web", web: true };

const MEMCPY: Option<&str> = Some("memcpy");

/// All of them, in the order of the table. Where memory is copied, 64 MiB are: more than the caches hold.
const WORKS: &[Work] = &[
    Work {
        id: "views-64m",
        work: "decode float32, aligned, in memory: 200 tensors, 64 MiB",
        unit: Unit::Milliseconds,
        source: Source::Criterion(CODEC),
        yardstick: MEMCPY,
        has_tfjs: true,
        demands: &[Demand::Tfjs(1000.0)],
    },
    Work {
        id: "views-1g",
        work: "decode float32, aligned, in memory: 200 tensors, 1 GiB",
        unit: Unit::Milliseconds,
        source: Source::Criterion(CODEC),
        yardstick: MEMCPY,
        has_tfjs: true,
        demands: &[Demand::TimesSmaller(1.25, "64 MiB")],
    },
    Work {
        id: "float32-unaligned",
        work: "decode float32, unaligned, into a warm buffer",
        unit: Unit::GigabytesPerSecond,
        source: Source::Criterion(CODEC),
        yardstick: MEMCPY,
        has_tfjs: true,
        demands: &[Demand::Yardstick(0.8)],
    },
    Work {
        id: "uint8",
        work: "decode uint8 to float32, into a warm buffer",
        unit: Unit::GigabytesPerSecond,
        source: Source::Criterion(CODEC),
        yardstick: MEMCPY,
        has_tfjs: true,
        demands: &[Demand::Yardstick(0.8), Demand::Tfjs(5.0)],
    },
    Work {
        id: "uint16",
        work: "decode uint16 to float32, into a warm buffer",
        unit: Unit::GigabytesPerSecond,
        source: Source::Criterion(CODEC),
        yardstick: MEMCPY,
        has_tfjs: true,
        demands: &[Demand::Yardstick(0.8), Demand::Tfjs(5.0)],
    },
    Work {
        id: "float16",
        work: "decode float16 to float32, into a warm buffer",
        unit: Unit::GigabytesPerSecond,
        source: Source::Criterion(CODEC),
        yardstick: MEMCPY,
        has_tfjs: true,
        demands: &[Demand::Yardstick(0.9), Demand::Tfjs(8.0)],
    },
    Work {
        id: "encode",
        work: "encode float32 into a writer",
        unit: Unit::GigabytesPerSecond,
        source: Source::Criterion(CODEC),
        yardstick: MEMCPY,
        has_tfjs: true,
        demands: &[Demand::Yardstick(0.9), Demand::Tfjs(5.0)],
    },
    Work {
        id: "quantize-uint8",
        work: "quantize float32 to uint8, into a warm buffer",
        unit: Unit::GigabytesPerSecond,
        source: Source::Criterion(CODEC),
        yardstick: MEMCPY,
        has_tfjs: false,
        demands: &[Demand::Yardstick(0.5)],
    },
    Work {
        id: "quantize-uint16",
        work: "quantize float32 to uint16, into a warm buffer",
        unit: Unit::GigabytesPerSecond,
        source: Source::Criterion(CODEC),
        yardstick: MEMCPY,
        has_tfjs: false,
        demands: &[Demand::Yardstick(0.5)],
    },
    Work {
        id: "quantize-float16",
        work: "quantize float32 to float16, into a warm buffer",
        unit: Unit::GigabytesPerSecond,
        source: Source::Criterion(CODEC),
        yardstick: MEMCPY,
        has_tfjs: false,
        demands: &[Demand::Yardstick(0.5)],
    },
    Work {
        id: "parse",
        work: "parse a model.json of 0.9 MB, 1000 weights",
        unit: Unit::Milliseconds,
        source: Source::Criterion(MODEL),
        yardstick: Some("serde_json, IgnoredAny"),
        has_tfjs: true,
        demands: &[Demand::TimesYardstick(3.0)],
    },
    Work {
        id: "load-eager",
        work: "load 256 MiB from a warm file, eager",
        unit: Unit::GigabytesPerSecond,
        source: Source::Criterion(MODEL),
        yardstick: Some("std::fs::read"),
        has_tfjs: true,
        demands: &[Demand::Yardstick(0.9)],
    },
    Work {
        id: "load-lazy",
        work: "load 256 MiB from a warm file, lazy",
        unit: Unit::Milliseconds,
        source: Source::Criterion(MODEL),
        yardstick: Some("std::fs::read"),
        has_tfjs: false,
        demands: &[Demand::AtMost(5.0)],
    },
    Work {
        id: "open-layers-model",
        work: "open a model of 400 layers and 90 MB to its layers, weights matched, lazy",
        unit: Unit::Milliseconds,
        source: Source::Criterion(MODEL),
        yardstick: None,
        has_tfjs: true,
        demands: &[Demand::Tfjs(20.0)],
    },
    Work {
        id: "open-layers-model-eager",
        work: "the same, with all weights in memory",
        unit: Unit::Milliseconds,
        source: Source::Criterion(MODEL),
        yardstick: None,
        has_tfjs: true,
        demands: &[],
    },
    Work {
        id: "save",
        work: "save 256 MiB to a file",
        unit: Unit::GigabytesPerSecond,
        source: Source::Criterion(MODEL),
        yardstick: Some("write and fsync"),
        has_tfjs: true,
        demands: &[Demand::Yardstick(0.9)],
    },
    Work {
        id: "convert",
        work: "convert 256 MiB on disk to a .safetensors file",
        unit: Unit::GigabytesPerSecond,
        source: Source::Criterion(MODEL),
        yardstick: Some("std::fs::copy and fsync"),
        has_tfjs: false,
        demands: &[Demand::Yardstick(0.8)],
    },
    Work {
        id: "load-http",
        work: "load 256 MiB in 64 shards over HTTP from loopback",
        unit: Unit::GigabytesPerSecond,
        source: Source::Criterion(WEB),
        yardstick: Some("curl --parallel"),
        has_tfjs: true,
        demands: &[Demand::Yardstick(0.9)],
    },
    Work {
        id: "load-http-memory",
        work: "peak memory of loading 256 MiB in 64 shards over HTTP",
        unit: Unit::Mebibytes,
        source: Source::Printed(WEB),
        yardstick: Some("the weights"),
        has_tfjs: false,
        // The model and 32 MiB.
        demands: &[Demand::AtMost(288.0)],
    },
    Work {
        id: "upload-http",
        work: "upload 256 MiB from a file over HTTP to `tfjs serve`",
        unit: Unit::GigabytesPerSecond,
        source: Source::Criterion(WEB),
        yardstick: Some("curl -F"),
        has_tfjs: true,
        demands: &[Demand::Yardstick(0.8)],
    },
    Work {
        id: "upload-http-memory",
        work: "peak memory of uploading 256 MiB from a file over HTTP",
        unit: Unit::Mebibytes,
        source: Source::Printed(WEB),
        yardstick: None,
        has_tfjs: false,
        demands: &[Demand::AtMost(32.0)],
    },
    Work {
        id: "serve-http",
        work: "download 256 MiB in 64 shards from `tfjs serve`, by curl --parallel",
        unit: Unit::GigabytesPerSecond,
        source: Source::Criterion(WEB),
        yardstick: Some("nginx"),
        has_tfjs: false,
        demands: &[],
    },
    Work {
        id: "serve-http-memory",
        work: "peak memory of `tfjs serve` that receives 256 MiB",
        unit: Unit::Mebibytes,
        source: Source::Printed(WEB),
        yardstick: None,
        has_tfjs: false,
        demands: &[Demand::AtMost(32.0)],
    },
    Work {
        id: "object-store-download",
        work: "download 512 MiB in 64 shards from s3:// on loopback",
        unit: Unit::GigabytesPerSecond,
        source: Source::ObjectStore,
        yardstick: Some("aws s3 cp"),
        has_tfjs: false,
        demands: &[Demand::Yardstick(1.0)],
    },
    Work {
        id: "object-store-upload",
        work: "upload 512 MiB in 64 shards to s3:// on loopback",
        unit: Unit::GigabytesPerSecond,
        source: Source::ObjectStore,
        yardstick: Some("aws s3 cp"),
        has_tfjs: false,
        demands: &[Demand::Yardstick(1.0)],
    },
    Work {
        id: "object-store-tensor",
        work: "one tensor of 8 MiB out of these 512, from s3://",
        unit: Unit::Milliseconds,
        source: Source::ObjectStore,
        yardstick: Some("the download of all"),
        has_tfjs: false,
        demands: &[Demand::Yardstick(5.0)],
    },
    Work {
        id: "stream",
        work: "decode a stream of float32 in chunks of 64 KiB",
        unit: Unit::GigabytesPerSecond,
        source: Source::Criterion(CODEC),
        yardstick: Some("the whole buffer"),
        has_tfjs: true,
        demands: &[Demand::Yardstick(0.7)],
    },
    Work {
        id: "stream-memory",
        work: "peak memory of decoding a stream, tensors of 16 MiB",
        unit: Unit::Mebibytes,
        source: Source::Printed(STREAM_MEMORY),
        yardstick: Some("one tensor and one chunk"),
        has_tfjs: false,
        // What the allocator adds, and the rounding to pages.
        demands: &[Demand::TimesYardstick(1.05)],
    },
    Work {
        id: "scalars",
        work: "decode 100 000 scalars",
        unit: Unit::NanosecondsPerTensor,
        source: Source::Criterion(CODEC),
        yardstick: None,
        has_tfjs: true,
        demands: &[Demand::AtMost(200.0), Demand::TimesSmaller(1.5, "10 000")],
    },
    in_chromium(
        "browser-float32",
        "in Chromium: decode float32, unaligned, 16 tensors, 64 MiB",
        Unit::GigabytesPerSecond,
        &[Demand::Tfjs(1.0)],
    ),
    in_chromium(
        "browser-uint8",
        "in Chromium: decode uint8 to float32, 64 MiB of values",
        Unit::GigabytesPerSecond,
        &[Demand::Tfjs(2.0)],
    ),
    in_chromium(
        "browser-uint16",
        "in Chromium: decode uint16 to float32, 64 MiB of values",
        Unit::GigabytesPerSecond,
        &[Demand::Tfjs(2.0)],
    ),
    in_chromium(
        "browser-float16",
        "in Chromium: decode float16 to float32, 64 MiB of values",
        Unit::GigabytesPerSecond,
        &[Demand::Tfjs(2.0)],
    ),
    in_chromium("browser-strings", "in Chromium: decode 200 000 strings", Unit::Milliseconds, &[Demand::Tfjs(2.0)]),
    in_chromium(
        "browser-save",
        "in Chromium: save 25 tensors of 4 MB to IndexedDB, as `model.save` does, until they are stored",
        Unit::GigabytesPerSecond,
        &[Demand::Tfjs(1.0)],
    ),
    in_chromium(
        "browser-save-buffer",
        "in Chromium: save 100 MB that are one buffer already; ours copies it out of WebAssembly",
        Unit::GigabytesPerSecond,
        &[],
    ),
    in_chromium(
        "browser-save-strict",
        "in Chromium: the same, but ours waits for the disk (`Durability::Strict`)",
        Unit::GigabytesPerSecond,
        &[],
    ),
    in_chromium(
        "browser-save-promised",
        "in Chromium: the same against TensorFlow.js's promise, which does not wait until it is stored",
        Unit::GigabytesPerSecond,
        &[],
    ),
    in_chromium(
        "browser-load",
        "in Chromium: load 100 MB from IndexedDB eagerly, which copies them to WebAssembly; TensorFlow.js does not",
        Unit::GigabytesPerSecond,
        &[],
    ),
    in_chromium(
        "browser-load-lazy",
        "in Chromium: load 100 MB from IndexedDB lazily, into the memory of the browser on both sides",
        Unit::GigabytesPerSecond,
        &[Demand::Tfjs(1.0)],
    ),
    in_chromium(
        "browser-load-decoded",
        "in Chromium: load 100 MB from IndexedDB until all tensors can be used",
        Unit::GigabytesPerSecond,
        &[Demand::Tfjs(1.0)],
    ),
];

/// A work of a page that holds both us and TensorFlow.js.
const fn in_chromium(id: &'static str, work: &'static str, unit: Unit, demands: &'static [Demand]) -> Work {
    Work { id, work, unit, source: Source::Page, yardstick: None, has_tfjs: true, demands }
}

/// Every work, in the order of the table.
pub(super) fn all() -> impl Iterator<Item = &'static Work> {
    WORKS.iter()
}

/// The works whose id or description contains the text; the empty one selects all.
pub(super) fn containing(text: &str) -> Result<Vec<&'static Work>> {
    let found: Vec<_> = WORKS.iter().filter(|work| work.id.contains(text) || work.work.contains(text)).collect();
    ensure!(
        !found.is_empty(),
        "no work contains `{text}`; there are {}",
        WORKS.iter().map(|work| work.id).collect::<Vec<_>>().join(", ")
    );
    Ok(found)
}

impl Work {
    /// Whether it needs the servers of `web.rs`.
    pub(super) fn is_web(&self) -> bool {
        matches!(self.source, Source::Criterion(program) | Source::Printed(program) if program.web)
    }

    /// Whether a page of a browser measures it.
    pub(super) fn is_page(&self) -> bool {
        self.source == Source::Page
    }

    /// Whether `object_store.rs` measures it.
    pub(super) fn is_object_store(&self) -> bool {
        self.source == Source::ObjectStore
    }

    /// The conditions as one text, empty if there are none.
    pub(super) fn target(&self) -> String {
        self.demands.iter().map(|demand| Clause(self, *demand).to_string()).collect::<Vec<_>>().join("; ")
    }
}

/// A demand in the words of its work.
struct Clause<'w>(&'w Work, Demand);

impl fmt::Display for Clause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(work, demand) = self;
        let yardstick = work.yardstick.unwrap_or("yardstick");
        match demand {
            Demand::Yardstick(times) => write!(f, ">= {times} x {yardstick}"),
            Demand::TimesYardstick(times) => write!(f, "takes <= {times} x {yardstick}"),
            Demand::Tfjs(times) => write!(f, ">= {times} x TensorFlow.js"),
            Demand::AtMost(value) => write!(f, "<= {value} {}", work.unit.name()),
            Demand::TimesSmaller(times, smaller) => write!(f, "takes <= {times} x what {smaller} does"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_are_folder_names() {
        for (i, work) in WORKS.iter().enumerate() {
            assert!(WORKS[..i].iter().all(|other| other.id != work.id), "{}", work.id);
            assert!(work.id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{}", work.id);
        }
    }

    #[test]
    fn a_demand_has_the_peer_that_it_compares_with() {
        for work in WORKS {
            let is_compared = work.yardstick.is_some() || work.has_tfjs;
            assert!(is_compared || !work.demands.is_empty(), "a number alone says nothing: {}", work.id);
            for demand in work.demands {
                let has_peer = match demand {
                    Demand::Yardstick(_) | Demand::TimesYardstick(_) => work.yardstick.is_some(),
                    Demand::Tfjs(_) => work.has_tfjs,
                    Demand::AtMost(_) | Demand::TimesSmaller(..) => true,
                };
                assert!(has_peer, "{}: {demand:?}", work.id);
            }
        }
    }

    #[test]
    fn the_filter_looks_at_both_names() {
        let ids = |text| containing(text).unwrap().iter().map(|work| work.id).collect::<Vec<_>>();
        assert_eq!(ids("views-"), ["views-64m", "views-1g"]);
        assert_eq!(ids("256 MiB to a file"), ["save"]);
        assert_eq!(
            ids("-http"),
            ["load-http", "load-http-memory", "upload-http", "upload-http-memory", "serve-http", "serve-http-memory"]
        );
        assert_eq!(ids("").len(), WORKS.len());
        assert!(containing("nothing").is_err());
    }

    #[test]
    fn a_target_reads_as_text() {
        let target = |id| WORKS.iter().find(|work| work.id == id).unwrap().target();
        assert_eq!(target("uint8"), ">= 0.8 x memcpy; >= 5 x TensorFlow.js");
        assert_eq!(target("parse"), "takes <= 3 x serde_json, IgnoredAny");
        assert_eq!(target("scalars"), "<= 200 ns/tensor; takes <= 1.5 x what 10 000 does");
        assert_eq!(target("serve-http"), "", "it is only reported");
    }
}
