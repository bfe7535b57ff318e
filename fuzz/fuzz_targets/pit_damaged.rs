//! The point-in-time join over damaged files: an answer or an error.
#![no_main]

use hanok_fuzz::{Case, Damage, Input, run_damaged};

libfuzzer_sys::fuzz_target!(
    // libFuzzer's own hook ends the process at any panic, also at those that the join takes as errors.
    init: std::panic::set_hook(Box::new(|_| ())),
    |bytes: &[u8]| {
        let mut input = Input(bytes);
        let damage = Damage::read(&mut input);
        run_damaged(&Case::read(&mut input), &damage);
    }
);
