#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealrelay_fuzz::proto::roster_chain(data));
