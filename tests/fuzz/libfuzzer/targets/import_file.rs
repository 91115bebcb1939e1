#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| housekey_fuzz::messages::import_file(data));
