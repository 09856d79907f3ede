//! Which suites make a column, and which columns a scheme. What is in the cells is not said here.

use super::Place::{self, Native, Page, Worker};

/// One column of `docs/backends.md`; its suites have all to show the same.
pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) suites: &'static [Suite],
}

/// An expansion of `conformance_suite!`: the name of its backend, and where it has to run.
pub(super) struct Suite {
    pub(super) backend: &'static str,
    pub(super) places: &'static [Place],
}

/// One row of the tables of schemes.
pub(super) struct Scheme {
    pub(super) title: &'static str,
    pub(super) proof: Proof,
}

/// What fills a row.
pub(super) enum Proof {
    /// What these columns show, all of them the same; the scheme is wherever one of them is.
    Columns(&'static [&'static str]),
    /// What tests of its own have recorded, in each of these places.
    Abilities { backend: &'static str, places: &'static [Place] },
}

const fn suite(backend: &'static str, places: &'static [Place]) -> Suite {
    Suite { backend, places }
}

/// All columns, from left to right.
pub(super) const COLUMNS: &[Column] = &[
    Column {
        title: "`file://`",
        suites: &[
            suite("file:// (folders)", &[Native]),
            suite("file:// (JSON files)", &[Native]),
            suite("file:// (without a runtime)", &[Native]),
        ],
    },
    Column { title: "`memory://`", suites: &[suite("memory://", &[Native, Page, Worker])] },
    Column { title: "`http://`, form uploads", suites: &[suite("http:// (form uploads)", &[Native, Page, Worker])] },
    Column { title: "`http://`, a `PUT` per file", suites: &[suite("http:// (a PUT for each file)", &[Native])] },
    Column { title: "`localstorage://`", suites: &[suite("localstorage://", &[Page])] },
    Column {
        title: "`indexeddb://`",
        suites: &[
            suite("indexeddb:// (records of TensorFlow.js)", &[Page, Worker]),
            suite("indexeddb:// (chunks)", &[Page, Worker]),
        ],
    },
    Column { title: "`opfs://`", suites: &[suite("opfs://", &[Page, Worker])] },
    Column { title: "`s3://`", suites: &[suite("s3://", &[Native])] },
    Column { title: "`gs://`", suites: &[suite("gs://", &[Native])] },
    Column { title: "`az://`", suites: &[suite("az://", &[Native])] },
    Column {
        title: "any `ObjectStore`",
        suites: &[
            suite("any ObjectStore (folders)", &[Native]),
            suite("any ObjectStore (JSON objects)", &[Native]),
            suite("any ObjectStore (without a runtime)", &[Native]),
        ],
    },
];

/// All schemes, from top to bottom.
pub(super) const SCHEMES: &[Scheme] = &[
    Scheme { title: "`file://` and plain paths", proof: Proof::Columns(&["`file://`"]) },
    Scheme { title: "`memory://`, in a router of your own", proof: Proof::Columns(&["`memory://`"]) },
    Scheme {
        title: "`http://`, `https://`",
        proof: Proof::Columns(&["`http://`, form uploads", "`http://`, a `PUT` per file"]),
    },
    Scheme { title: "`localstorage://`", proof: Proof::Columns(&["`localstorage://`"]) },
    Scheme { title: "`indexeddb://`", proof: Proof::Columns(&["`indexeddb://`"]) },
    Scheme { title: "`opfs://`", proof: Proof::Columns(&["`opfs://`"]) },
    Scheme { title: "`downloads://`", proof: Proof::Abilities { backend: "downloads://", places: &[Page, Worker] } },
    Scheme {
        title: "files that the user picked (`browser_files`)",
        proof: Proof::Abilities { backend: "browser_files", places: &[Page, Worker] },
    },
    Scheme { title: "`s3://`, with the feature `s3`", proof: Proof::Columns(&["`s3://`"]) },
    Scheme { title: "`gs://`, with the feature `gcs`", proof: Proof::Columns(&["`gs://`"]) },
    Scheme { title: "`az://`, with the feature `azure`", proof: Proof::Columns(&["`az://`"]) },
    Scheme {
        title: "any `ObjectStore`, under a scheme that you choose (`tfjs-object-store`)",
        proof: Proof::Columns(&["any `ObjectStore`"]),
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_column_belongs_to_one_scheme_and_every_suite_to_one_column() {
        let columns: Vec<_> = COLUMNS.iter().map(|column| column.title).collect();
        let named = SCHEMES.iter().flat_map(|scheme| match scheme.proof {
            Proof::Columns(columns) => columns,
            Proof::Abilities { .. } => &[],
        });
        assert_eq!(named.copied().collect::<Vec<_>>(), columns);
        let suites: Vec<_> = COLUMNS.iter().flat_map(|column| column.suites).map(|suite| suite.backend).collect();
        assert_eq!(suites.iter().collect::<BTreeSet<_>>().len(), suites.len());
    }
}
