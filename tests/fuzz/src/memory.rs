//! How much memory a call has asked for: not more than a small multiple of what it was given.

use std::alloc::System;

use cap::Cap;

#[global_allocator]
static ALLOCATED: Cap<System> = Cap::new(System, usize::MAX);

/// What a call may take whatever its input: the decoder of streams asks for tensors of up to 64 MiB at once.
const FREE: u64 = 80 << 20;

/// What it may take for each byte: specs, names, texts of errors, and copies of them all.
const PER_BYTE: u64 = 4096;

/// Runs a function and panics if all that it has asked for is more than its input of so many bytes explains.
pub fn bounded<T>(input: usize, function: impl FnOnce() -> T) -> T {
    let before = ALLOCATED.total_allocated() as u64;
    let result = function();
    let taken = ALLOCATED.total_allocated() as u64 - before;
    let allowed = FREE + PER_BYTE * input as u64;
    assert!(taken <= allowed, "{input} bytes made it ask for {taken} bytes of memory, more than {allowed}");
    result
}
