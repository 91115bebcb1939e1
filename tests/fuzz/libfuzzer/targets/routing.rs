#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| housekey_fuzz::places::routing(data));
