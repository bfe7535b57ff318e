//! The parser of `POST /get-online-features`: any bytes are a request or a coded error.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| hanok_serve::fuzz_request(body));
