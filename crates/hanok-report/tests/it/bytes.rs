//! The bytes of small reports: `tests/it/reports/NAME`, pages that can be looked at. Written anew with `HANOK_WRITE_REPORTS=1`.

use std::path::Path;

use hanok_charts::Language;
use serde_json::Value;

use crate::{models, samples};

#[test]
fn reports_are_the_same_bytes_as_before() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/reports");
    let drift = samples::drift(3, 400);
    let written = [
        ("drift.en.html", drift.html(Language::En).unwrap()),
        ("drift.ko.html", drift.html(Language::Ko).unwrap()),
        ("swap.en.html", models::regressions().html(Language::En).unwrap()),
    ];
    let mut changed = Vec::new();
    for (name, bytes) in written {
        let path = folder.join(name);
        if std::env::var_os("HANOK_WRITE_REPORTS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, bytes).unwrap();
        } else if std::fs::read_to_string(&path).unwrap_or_default() != bytes {
            changed.push(name);
        }
    }
    assert_eq!(changed, [""; 0], "look at them, then write them anew with HANOK_WRITE_REPORTS=1");
}

/// The names of an object's fields, without those that the results of `hanok-drift` bring.
fn fields(json: &str) -> (Value, Vec<String>) {
    let document: Value = serde_json::from_str(json).unwrap();
    let names = document.as_object().unwrap().keys().cloned().collect();
    (document, names)
}

#[test]
fn json_has_the_documented_fields_and_what_the_page_says() {
    let drift = samples::drift(12, 400);
    let (document, names) = fields(&drift.json().unwrap());
    assert_eq!(
        names.join(" "),
        "counts course format importance joint made origins ranked report sides title verdict version"
    );
    assert_eq!(document["format"], "hanok-drift-report");
    assert_eq!(document["verdict"], drift.verdict().name());
    let drifted = drift.report.drifted().count();
    assert!(drifted > 0);
    assert_eq!(document["counts"]["drifted"], drifted);
    assert!(drift.html(Language::En).unwrap().contains(&format!("{drifted} of 12 columns have drifted.")));
    let first = document["ranked"][0]["column"].as_u64().unwrap() as usize;
    assert_eq!(document["report"]["columns"][first]["verdict"], "drifted");
    let (document, names) = fields(&models::swap(300, true).json().unwrap());
    assert_eq!(
        names.join(" "),
        "data estimated format inputs made models movers rollback swap title version"
    );
    assert_eq!(document["inputs"]["format"], "hanok-drift-report");
}
