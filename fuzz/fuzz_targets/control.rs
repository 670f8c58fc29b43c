//! The control of a fuzzing run: a decoder with a fault on purpose, which the fuzzer must find or it does not look.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    assert!(!data.starts_with(b"SEAL"), "found");
});
