//! The bytes of small reports: `tests/it/reports/NAME`, pages that can be looked at. Written anew with `HANOK_WRITE_REPORTS=1`.

use std::path::Path;

use hanok_charts::Language;

use crate::{models, samples};

#[test]
fn reports_are_the_same_bytes_as_before() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/reports");
    let (swap, regressions) = (models::swap(600, true), models::regressions());
    let drift = samples::drift(6, 400);
    let written = [
        ("drift.en.html", drift.html(Language::En).unwrap()),
        ("drift.ko.html", drift.html(Language::Ko).unwrap()),
        ("drift.json", drift.json().unwrap()),
        ("swap.en.html", swap.html(Language::En).unwrap()),
        ("swap.ko.html", swap.html(Language::Ko).unwrap()),
        ("regressions.en.html", regressions.html(Language::En).unwrap()),
        ("regressions.json", regressions.json().unwrap()),
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
