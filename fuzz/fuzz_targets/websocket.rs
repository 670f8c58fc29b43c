#![no_main]

// Decoding whole and byte by byte must agree.
libfuzzer_sys::fuzz_target!(|data: &[u8]| assert!(relay_net::websocket::fuzz_decode(data)));
