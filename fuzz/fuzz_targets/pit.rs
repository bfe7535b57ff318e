//! The point-in-time join: any rows, stored in any way, give what trying every row gives.
#![no_main]

use hanok_fuzz::{Case, Input, check};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check(&Case::read(&mut Input(bytes))));
