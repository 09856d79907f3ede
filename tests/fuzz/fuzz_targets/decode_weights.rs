//! See the module of the same name.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tfjs_fuzz::decode_weights::check(data));
