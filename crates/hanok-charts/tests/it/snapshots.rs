//! The bytes of each kind: `tests/it/svg/NAME.svg`, drawings that can be looked at. Written anew with
//! `HANOK_WRITE_CHARTS=1`.

use std::path::Path;

use hanok_charts::{Style, svg};

use crate::samples::charts;

#[test]
fn drawings_are_the_same_bytes_as_before() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/svg");
    let mut changed = Vec::new();
    for (name, chart) in charts() {
        let path = folder.join(format!("{name}.svg"));
        let drawn = svg(&chart, &Style { width: 480.0, ..Style::default() }).unwrap();
        if std::env::var_os("HANOK_WRITE_CHARTS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, drawn).unwrap();
        } else if std::fs::read_to_string(&path).unwrap_or_default() != drawn {
            changed.push(name);
        }
    }
    assert_eq!(changed, [""; 0], "look at them, then write them anew with HANOK_WRITE_CHARTS=1");
}
