#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| assert!(relay_compat::gun::fuzz_message(data)));
