//! See the function of the same name.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tfjs_fuzz::tensor_files::npz(data));
