#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| housekey_fuzz::helper::native_messages(data));
