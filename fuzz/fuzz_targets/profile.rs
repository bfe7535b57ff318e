//! The reader of saved profiles: any bytes are a profile or a coded error, and a profile that was read can be merged, compared and
//! written again.
//!
//! The first byte chooses: a whole document, or the binary parts of a column's state, which are given here without their base64, so that the
//! fuzzer need not find it.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hanok_drift::Options;
use hanok_drift::profile::{TableProfile, compare_profiles};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let document = match choice % 4 {
        0 => bytes.to_vec(),
        1 => numbers(bytes),
        2 => texts(bytes),
        _ => lists(bytes),
    };
    let Ok(read) = TableProfile::from_json(&document) else { return };
    let written = read.to_json().expect("what was read is written");
    let again = TableProfile::from_json(&written).expect("what was written is read");
    let mut twice = read.clone();
    if twice.merge(&again).is_ok() {
        assert!(compare_profiles(&read, &twice, &Options::default()).is_ok() || read.columns().is_empty());
    }
});

/// Parts of the input, each after its length in two bytes.
struct Parts<'a>(&'a [u8]);

impl Parts<'_> {
    fn next(&mut self) -> String {
        let Some((length, rest)) = self.0.split_first_chunk::<2>() else { return String::new() };
        let (part, rest) = rest.split_at(usize::from(u16::from_le_bytes(*length)).min(rest.len()));
        self.0 = rest;
        STANDARD.encode(part)
    }

    fn count(&mut self) -> u64 {
        let Some((count, rest)) = self.0.split_first_chunk::<8>() else { return 0 };
        self.0 = rest;
        u64::from_le_bytes(*count)
    }

    fn state(&mut self, has_distinct: bool) -> String {
        let [kll, histogram, moments] = [self.next(), self.next(), self.next()];
        // All registers in one byte: 4096 of them are more than the fuzzer's inputs.
        let hll = if has_distinct { format!(r#","hll":"{}""#, STANDARD.encode(empty_registers())) } else { String::new() };
        format!(r#"{{"kll":"{kll}","histogram":"{histogram}","moments":"{moments}"{hll}}}"#)
    }
}

fn empty_registers() -> Vec<u8> {
    let mut bytes = vec![10, 1, 7, 12, 0, 16, 0, 10];
    for number in [0.0, 4096.0, 0.0] {
        bytes.extend(f64::to_le_bytes(number));
    }
    bytes.extend(4096_u32.to_le_bytes());
    bytes.extend([0; 4 + 4096]);
    bytes
}

fn document(data_type: &str, rows: u64, state: &str) -> Vec<u8> {
    let column = format!(r#"{{"name":"c","type":"{data_type}","missing":0,"state":{state}}}"#);
    format!(r#"{{"format":"hanok-profile","version":1,"rows":{rows},"columns":[{column}],"skipped":[]}}"#).into_bytes()
}

fn numbers(bytes: &[u8]) -> Vec<u8> {
    let mut parts = Parts(bytes);
    let rows = parts.count();
    document("Float64", rows, &format!(r#"{{"numbers":{}}}"#, parts.state(true)))
}

fn texts(bytes: &[u8]) -> Vec<u8> {
    let mut parts = Parts(bytes);
    let rows = parts.count();
    let (frequent, patterns, lengths) = (parts.next(), parts.next(), parts.state(false));
    let hll = STANDARD.encode(empty_registers());
    let tokens = format!("[{rows}{}]", ",0".repeat(63));
    let state = format!(
        r#"{{"texts":{{"frequent":"{frequent}","hll":"{hll}","lengths":{lengths},"patterns":"{patterns}","tokens":{tokens}}}}}"#
    );
    document("Utf8", rows, &state)
}

fn lists(bytes: &[u8]) -> Vec<u8> {
    let mut parts = Parts(bytes);
    let (rows, missing) = (parts.count(), parts.count());
    let (lengths, elements) = (parts.state(false), parts.state(true));
    let state = format!(r#"{{"lists":{{"lengths":{lengths},"missing":{missing},"elements":{{"numbers":{elements}}}}}}}"#);
    document("List(Float64)", rows, &state)
}
