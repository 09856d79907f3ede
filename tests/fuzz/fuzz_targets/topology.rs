//! See the module `topology`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tfjs_fuzz::topology::json(data));
