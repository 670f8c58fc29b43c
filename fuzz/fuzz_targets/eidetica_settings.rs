#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| assert!(relay_compat::eidetica::fuzz_settings(data)));
