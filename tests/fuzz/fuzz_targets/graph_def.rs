//! See the module `topology`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tfjs_fuzz::topology::graph_def(data));
