//! SVG and HTML as readers and browsers meet them.

use hanok_charts::{Chart, HOVER_SCRIPT, Language, Style, Theme, html, svg};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::samples::charts;

#[test]
fn a_page_allows_its_own_script_only() {
    let (_, chart) = charts().remove(0);
    let page = html(&chart, &Style::default()).unwrap();
    let hash = base64(&Sha256::digest(HOVER_SCRIPT.as_bytes()));
    assert!(page.contains(&format!("script-src 'sha256-{hash}'")), "HOVER_HASH should be {hash}");
    assert!(page.contains("default-src 'none'"));
    let addresses = page.matches("http").count();
    // The name space of SVG, once for each width, and `http-equiv`.
    assert_eq!(addresses, 3);
}

#[test]
fn a_page_has_a_drawing_for_narrow_screens() {
    let (_, chart) = charts().remove(0);
    let page = html(&chart, &Style { width: 900.0, ..Style::default() }).unwrap();
    assert!(page.contains("viewBox=\"0 0 900 ") && page.contains("viewBox=\"0 0 360 "));
    let narrow = html(&chart, &Style { width: 400.0, ..Style::default() }).unwrap();
    assert_eq!(narrow.matches("<svg").count(), 1);
}

#[test]
fn hostile_names_are_text_and_nothing_else() {
    let name = "</title></script><img src=x onerror=alert(1)>\u{202e}";
    let spec = json!({"title": name, "subtitle": name, "note": name, "plot": {"kind": "bar", "axis": name, "rows": [{"name": name, "values": [1]}]}});
    let chart: Chart = serde_json::from_value(spec).unwrap();
    for text in [svg(&chart, &Style::default()).unwrap(), html(&chart, &Style::default()).unwrap()] {
        assert!(!text.contains("<img") && !text.contains("</script><"));
        assert!(!text.contains('\u{202e}'));
    }
    let text = svg(&chart, &Style::default()).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    let title = document.root_element().first_element_child().unwrap();
    assert_eq!(title.text(), Some("</title></script><img src=x onerror=alert(1)>"));
}

#[test]
fn every_drawing_has_a_role_a_title_and_a_description() {
    for (name, chart) in charts() {
        let text = svg(&chart, &Style::default()).unwrap();
        let document = roxmltree::Document::parse(&text).unwrap();
        let root = document.root_element();
        assert_eq!(root.attribute("role"), Some("img"));
        let parts: Vec<_> = root.children().filter(roxmltree::Node::is_element).take(2).collect();
        assert_eq!([parts[0].tag_name().name(), parts[1].tag_name().name()], ["title", "desc"]);
        assert!(parts[1].text().unwrap().len() > "New York, 2013".len() + 5, "{name}");
    }
}

#[test]
fn colours_follow_the_reader_or_are_fixed() {
    let (_, chart) = charts().remove(0);
    let of = |theme| svg(&chart, &Style { theme, ..Style::default() }).unwrap();
    assert!(of(Theme::Auto).contains("prefers-color-scheme:dark"));
    assert!(!of(Theme::Light).contains("<style") && of(Theme::Light).contains("#ffffff"));
    assert!(!of(Theme::Dark).contains("<style") && !of(Theme::Dark).contains("#ffffff"));
}

#[test]
fn charts_speak_korean() {
    let (_, chart) = charts().remove(2);
    let text = svg(&chart, &Style { language: Language::Ko, ..Style::default() }).unwrap();
    assert!(text.contains("lang=\"ko\"") && text.contains(">낮음<") && text.contains(">결측<"));
}

#[test]
fn a_million_rows_are_a_small_drawing_that_says_so() {
    let values: Vec<f64> = (0..1_000_000).map(|row| (f64::from(row) * 0.618).fract() - 0.5).collect();
    let feature = hanok_charts::Feature { name: "x".to_owned(), inputs: values.clone(), values };
    let plot = hanok_charts::Plot::Beeswarm(hanok_charts::Contributions {
        features: vec![feature],
        rows_max: 20,
        ..Default::default()
    });
    let chart =
        Chart { title: String::new(), subtitle: String::new(), note: String::new(), sample_of: None, plot };
    let text = svg(&chart, &Style::default()).unwrap();
    assert!(text.len() < 400_000, "{}", text.len());
    assert!(text.contains("12,000 of 1,000,000 rows"));
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |bits: u32, place: usize, length: usize| {
        if place <= length { LETTERS[(bits >> (18 - 6 * place) & 63) as usize] as char } else { '=' }
    };
    let group = |part: &[u8]| {
        let bits = part.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - part.len()));
        (0..4).map(|place| letter(bits, place, part.len())).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

#[test]
fn lines_of_a_heatmap_stand_by_size_or_as_they_come() {
    let features = json!([
        {"name": "small", "values": [1, -1]}, {"name": "tiny", "values": [0.1, 0.1]},
        {"name": "large", "values": [3, 3]}, {"name": "middle", "values": [2, -2]},
    ]);
    let lines = |keep_order: bool| -> Vec<String> {
        let plot = json!({"kind": "heatmap", "features": features, "rows_max": 3, "keep_order": keep_order});
        let chart: Chart = serde_json::from_value(json!({"plot": plot})).unwrap();
        let drawing = svg(&chart, &Style::default()).unwrap();
        let document = roxmltree::Document::parse(&drawing).unwrap();
        let texts = document.descendants().filter(|node| node.has_tag_name("text"));
        let texts = texts.filter_map(|node| node.text().map(|text| (node, text)));
        let names = ["small", "tiny", "large", "middle"];
        let mut lines: Vec<(f64, String)> = texts
            .filter(|(_, text)| names.contains(text))
            .map(|(node, text)| (node.attribute("y").unwrap().parse().unwrap(), text.to_owned()))
            .collect();
        lines.sort_by(|a, b| a.0.total_cmp(&b.0));
        lines.into_iter().map(|(_, name)| name).collect()
    };
    assert_eq!(lines(false), ["large", "middle", "small"]);
    assert_eq!(lines(true), ["small", "large", "middle"]);
}
