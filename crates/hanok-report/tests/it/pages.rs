//! Pages are well-formed, small, and say everything in the reader's language.

use hanok_charts::Language;
use hanok_drift::{Report, Verdict};
use hanok_report::{DriftReport, Side};
use proptest::prelude::*;

use crate::samples;

/// What stands between `<main>` and `</main>`, read as XML.
fn main(page: &str) -> &str {
    let start = page.find("<main>").unwrap();
    let end = page.rfind("</main>").unwrap() + "</main>".len();
    &page[start..end]
}

/// Every text that a reader sees or hears of.
fn texts(page: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(main(page)).unwrap();
    let styled = |node: &roxmltree::Node<'_, '_>| node.parent().is_some_and(|parent| parent.has_tag_name("style"));
    let seen = document.descendants().filter(|node| node.is_text() && !styled(node));
    seen.filter_map(|node| node.text().map(str::to_owned)).collect()
}

#[test]
fn a_report_of_thirty_columns_is_small_and_one_of_many_is_bounded() {
    let thirty = samples::drift(30, 2000).html(Language::En).unwrap();
    assert!(thirty.len() < 500_000, "{} bytes", thirty.len());
    let many = samples::drift(300, 200).html(Language::Ko).unwrap();
    assert!(many.len() < 800_000, "{} bytes", many.len());
    assert_eq!(many.matches("<article").count(), 30);
}

#[test]
fn a_page_asks_for_nothing_outside_of_itself() {
    for page in [samples::drift(12, 300).html(Language::En).unwrap()] {
        assert!(page.contains("default-src 'none'"));
        for asking in [" src=", "url(", "@import", "<link", "<iframe", "href=\"http"] {
            assert!(!page.contains(asking), "{asking}");
        }
        // What is named with `http` are name spaces.
        assert_eq!(page.matches("http://").count(), page.matches("xmlns=\"http://www.w3.org/2000/svg\"").count());
    }
}

#[test]
fn headings_tables_and_pictures_are_told_to_who_does_not_see_them() {
    let page = samples::drift(12, 300).html(Language::En).unwrap();
    let document = roxmltree::Document::parse(main(&page)).unwrap();
    let of = |name: &'static str| document.descendants().filter(move |node| node.has_tag_name(name));
    assert_eq!(of("h1").count(), 1);
    let svgs = || document.descendants().filter(|node| node.tag_name().name() == "svg");
    assert!(svgs().count() > 12);
    for svg in svgs() {
        let title = svg.children().find(roxmltree::Node::is_element).unwrap();
        assert!(title.tag_name().name() == "title" && title.text().is_some_and(|text| !text.is_empty()));
    }
    for table in of("table") {
        assert!(table.descendants().any(|node| node.attribute("scope") == Some("col")));
    }
    let ids: Vec<_> = document.descendants().filter_map(|node| node.attribute("id")).collect();
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), ids.len());
    for link in of("a") {
        let target = link.attribute("href").unwrap().strip_prefix('#').unwrap();
        assert!(ids.contains(&target), "{target}");
    }
}

/// English words that a Korean page may have: names of the sample's data and what has no Korean name.
const LATIN: [&str; 0] = [];

#[test]
fn a_korean_page_has_no_english_words() {
    let page = samples::drift(12, 300).html(Language::Ko).unwrap();
    let english = samples::drift(12, 300).html(Language::En).unwrap();
    assert!(page.contains("<html lang=\"ko\">"));
    // Whole English sentences of the other page do not occur, nor any run of two lower-case English words.
    let known: Vec<String> = samples::drift(12, 300).report.columns.iter().map(|column| column.name.clone()).collect();
    for text in texts(&page) {
        let plain = known.iter().fold(text.clone(), |text, name| text.replace(name.as_str(), ""));
        let words: Vec<&str> = plain.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| word.len() > 3).collect();
        let foreign: Vec<_> = words.into_iter().filter(|word| word.chars().all(|c| c.is_ascii_lowercase())).filter(|word| !LATIN.contains(word)).collect();
        assert!(foreign.len() < 2 || text.contains("hanok") || text.contains("main.raw"), "{text}");
    }
    assert!(!texts(&english).iter().any(|text| text.contains('열') && !text.contains("출발") && !text.contains("승객")));
}

fn empty(title: &str, name: &str) -> DriftReport {
    let side = || Side { name: name.to_owned(), ..Side::default() };
    let report = Report {
        columns: Vec::new(),
        vanished: vec![name.to_owned()],
        new: Vec::new(),
        skipped: vec![name.to_owned()],
        options: hanok_drift::Options::default(),
    };
    DriftReport::new(title, [side(), side()], report)
}

#[test]
fn what_is_undecided_is_said_first_when_nothing_drifted() {
    let mut report = samples::drift(12, 30);
    report.report.columns.retain(|column| column.verdict != Verdict::Drifted);
    assert!(report.report.columns.iter().any(|column| column.verdict == Verdict::Undecided));
    let page = report.html(Language::En).unwrap();
    assert!(page.contains("too few rows to tell"), "{}", &main(&page)[..600]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Names of any characters, numbers of any kind.
    #[test]
    fn every_page_is_well_formed(
        names in prop::collection::vec("\\PC{0,12}|[<>&\"'\u{0}\u{1}\u{7f}\u{202e}\u{fffe}가-힣]{0,300}", 12),
        numbers in prop::collection::vec(any::<f64>(), 12),
        korean: bool,
    ) {
        let language = if korean { Language::Ko } else { Language::En };
        let mut report = samples::drift(12, 40);
        for ((column, name), number) in report.report.columns.iter_mut().zip(&names).zip(&numbers) {
            column.name.clone_from(name);
            column.profiles[0].mean = Some(*number);
            column.profiles[1].range = Some([*number, f64::NAN]);
            for aspect in &mut column.aspects {
                aspect.effect.value = *number;
                aspect.effect.detectable = *number;
                aspect.p_adjusted = *number;
            }
        }
        report.title.clone_from(&names[0]);
        report.sides[0].name.clone_from(&names[1]);
        report.sides[1].hash = Some(names[2].clone());
        report.origins[0].source.clone_from(&names[3]);
        let page = report.html(language).unwrap();
        texts(&page);
        let json: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
        prop_assert_eq!(&json["title"], &serde_json::Value::from(names[0].as_str()));
        let empty = empty(&names[0], &names[1]).html(language).unwrap();
        texts(&empty);
    }
}
