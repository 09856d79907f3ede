//! The programs of docs/guides/browser-app.md, as they stand there: `countTensors` and `keepModel`.
#![expect(unreachable_pub, reason = "they are written for a page, not for the rest of this crate")]

include!(concat!(env!("OUT_DIR"), "/errors.rs"));

mod cancelling {
    use super::exception;

    include!(concat!(env!("OUT_DIR"), "/cancelling.rs"));
}
