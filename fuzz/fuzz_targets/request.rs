//! The parsers of `POST /get-online-features` and of requests to models: any bytes are a request or a coded error.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    hanok_serve::fuzz_request(body);
    hanok_serve::fuzz_model_request(body);
});
