//! See the module of the same name.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tfjs_fuzz::local_storage_record::check(data));
