//! Saved profiles that are damaged: an error or a profile, whatever the bytes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hanok_drift::Options;
use hanok_drift::profile::{TableProfile, compare_profiles};
use hanok_error::Coded;
use proptest::prelude::*;
use serde_json::Value;

use crate::draws::Draws;
use crate::profiles::{profile, rows};

fn saved(seed: u64) -> Vec<u8> {
    // Some columns are exact, some are not.
    profile(&[rows(&mut Draws(seed), 3000, 0.0)]).to_json().unwrap()
}

/// What is read can be used.
fn survives(json: &[u8]) {
    match TableProfile::from_json(json) {
        Err(error) => assert!(error.code().to_string().starts_with("HK183"), "{error}"),
        Ok(read) => {
            let again = TableProfile::from_json(&read.to_json().unwrap()).unwrap();
            let mut twice = read.clone();
            if twice.merge(&again).is_ok() {
                compare_profiles(&read, &twice, &Options::default()).unwrap();
            }
        }
    }
}

/// The strings below a value, in a fixed order.
fn texts<'a>(value: &'a mut Value, out: &mut Vec<&'a mut String>) {
    match value {
        Value::String(text) => out.push(text),
        Value::Array(values) => values.iter_mut().for_each(|value| texts(value, out)),
        Value::Object(values) => values.iter_mut().for_each(|(_, value)| texts(value, out)),
        _ => {}
    }
}

/// The counts below a value.
fn counts<'a>(value: &'a mut Value, out: &mut Vec<&'a mut Value>) {
    match value {
        Value::Number(_) => out.push(value),
        Value::Array(values) => values.iter_mut().for_each(|value| counts(value, out)),
        Value::Object(values) => values.iter_mut().for_each(|(_, value)| counts(value, out)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn documents_that_are_cut_or_changed(at in any::<prop::sample::Index>(), byte: u8, is_cut: bool) {
        let mut json = saved(1);
        let at = at.index(json.len());
        if is_cut {
            json.truncate(at);
        } else {
            json[at] = byte;
        }
        survives(&json);
    }

    #[test]
    fn sketches_that_are_changed(part in any::<prop::sample::Index>(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), cut in prop::option::of(any::<prop::sample::Index>())) {
        let mut document: Value = serde_json::from_slice(&saved(2)).unwrap();
        let mut parts = Vec::new();
        for column in document["columns"].as_array_mut().unwrap() {
            texts(&mut column["state"], &mut parts);
        }
        let at = part.index(parts.len());
        let mut bytes = STANDARD.decode(parts[at].as_str()).unwrap();
        if bytes.is_empty() {
            return Ok(());
        }
        for (at, byte) in changes {
            // Most of what matters is at the beginning.
            let at = if byte % 2 == 0 { at.index(bytes.len()) } else { at.index(bytes.len().min(40)) };
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        *parts[at] = STANDARD.encode(bytes);
        survives(&serde_json::to_vec(&document).unwrap());
    }

    #[test]
    fn counts_that_are_changed(part in any::<prop::sample::Index>(), number in prop::sample::select(vec![0, 1, 1 << 31, 1 << 53, u64::MAX])) {
        let mut document: Value = serde_json::from_slice(&saved(3)).unwrap();
        let mut parts = Vec::new();
        counts(&mut document, &mut parts);
        let at = part.index(parts.len());
        *parts[at] = number.into();
        survives(&serde_json::to_vec(&document).unwrap());
    }
}

#[test]
fn every_part_must_agree_with_the_others() {
    let document: Value = serde_json::from_slice(&saved(4)).unwrap();
    let columns = document["columns"].as_array().unwrap();
    let code = |document: &Value| {
        let json = serde_json::to_vec(document).unwrap();
        TableProfile::from_json(&json).map_or_else(|error| error.code().to_string(), |_| "read".to_owned())
    };
    assert_eq!(code(&document), "read");
    let change = |path: &str, value: Value| {
        let mut document = document.clone();
        *document.pointer_mut(path).unwrap() = value;
        code(&document)
    };
    assert_eq!(change("/version", 2.into()), "HK1831");
    assert_eq!(change("/format", "other".into()), "HK1830");
    assert_eq!(change("/rows", 2999.into()), "HK1830");
    assert_eq!(change("/rows", u64::MAX.into()), "HK1832");
    assert_eq!(change("/columns/1/name", columns[0]["name"].clone()), "HK1830");
    assert_eq!(change("/columns/0/type", "Utf8".into()), "HK1830");
    assert_eq!(change("/columns/0/type", "List(".repeat(100_000).into()), "HK1830");
    assert_eq!(change("/columns/0/missing", 1.into()), "HK1830");
    // What is there for readers is not looked at.
    assert_eq!(change("/columns/0/summary", Value::Null), "read");
    // A sketch of one column in another.
    for part in ["kll", "histogram", "moments"] {
        let path = |column: usize| format!("/columns/{column}/state/numbers/{part}");
        let other = document.pointer(&path(3)).unwrap().clone();
        assert_eq!(change(&path(2), other), if part == "moments" { "read" } else { "HK1830" }, "{part}");
    }
    for json in [&b""[..], b"{}", b"[]", b"null", b"{\"format\":\"hanok-profile\",\"version\":1}", &[0xff; 9]]
    {
        assert_eq!(TableProfile::from_json(json).unwrap_err().code().to_string(), "HK1830");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(TableProfile::from_json(deep.as_bytes()).unwrap_err().code().to_string(), "HK1830");
}
