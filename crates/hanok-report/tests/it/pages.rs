//! Pages are well-formed, small, and say everything in the reader's language.

use hanok_charts::Language;
use hanok_drift::{Report, Verdict};
use hanok_report::{DriftReport, Side};
use proptest::prelude::*;

use crate::{models, samples};

/// What stands between `<main>` and `</main>`, read as XML.
fn main(page: &str) -> &str {
    let start = page.find("<main>").unwrap();
    let end = page.rfind("</main>").unwrap() + "</main>".len();
    &page[start..end]
}

/// Attributes that are read aloud or shown.
const TOLD: [&str; 2] = ["title", "data-label"];

/// Every text that a reader sees or hears of.
fn texts(page: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(main(page)).unwrap();
    let styled =
        |node: &roxmltree::Node<'_, '_>| node.parent().is_some_and(|parent| parent.has_tag_name("style"));
    let seen = document.descendants().filter(|node| node.is_text() && !styled(node));
    let told =
        document.descendants().flat_map(|node| node.attributes()).filter(|told| TOLD.contains(&told.name()));
    seen.filter_map(|node| node.text().map(str::to_owned))
        .chain(told.map(|told| told.value().to_owned()))
        .collect()
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
fn a_swap_of_classifiers_shows_what_thresholds_do() {
    let report = models::swap(4000, true);
    let page = report.html(Language::En).unwrap();
    assert!(page.len() < 500_000, "{} bytes", page.len());
    for said in [
        "ROC curve",
        "precision over recall",
        "rows with label 1",
        "at thresholds by which they flag about as many rows",
    ] {
        assert!(page.contains(said), "{said}");
    }
    // Of the cuts that flag a tenth of the rows the table says what both models find.
    let tenth = |at: usize| {
        let cuts = &report.swap.performance.as_ref().unwrap()[at].cuts;
        let gap = |cut: &hanok_drift::outputs::Cut| (cut.flagged - 0.1).abs();
        let cut = cuts.iter().min_by(|a, b| gap(a).total_cmp(&gap(b))).unwrap();
        (cut.recall * 1000.0).round() / 10.0
    };
    let row = format!(">{}% → {}%<", tenth(0), tenth(1));
    assert!(page.contains(&row), "{row}");
    // Without labels nothing of it is known.
    assert!(!models::swap(800, false).html(Language::En).unwrap().contains("ROC curve"));
    let numbers = models::measured().html(Language::En).unwrap();
    assert!(numbers.contains("Labels by prediction") && numbers.contains("prediction − label"));
    assert!(models::classes().html(Language::Ko).unwrap().contains("범주별 성능"));
}

#[test]
fn a_page_asks_for_nothing_outside_of_itself() {
    for page in pages(Language::En) {
        assert!(page.contains("default-src 'none'"));
        for asking in [" src=", "url(", "@import", "<link", "<iframe", "href=\"http"] {
            assert!(!page.contains(asking), "{asking}");
        }
        // What is named with `http` are name spaces.
        assert_eq!(
            page.matches("http://").count(),
            page.matches("xmlns=\"http://www.w3.org/2000/svg\"").count()
        );
    }
}

#[test]
fn headings_tables_and_pictures_are_told_to_who_does_not_see_them() {
    for page in pages(Language::En) {
        let document = roxmltree::Document::parse(main(&page)).unwrap();
        let of = |name: &'static str| document.descendants().filter(move |node| node.has_tag_name(name));
        assert_eq!(of("h1").count(), 1);
        for svg in document.descendants().filter(|node| node.tag_name().name() == "svg") {
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
}

/// Latin that a Korean page may have: the samples' own names, and abbreviations that are the same everywhere.
const LATIN: &str = "dep_delay carrier weekend tailnum air_time wind_gust origin weight (kg) <net> seats distance_to_the_nearest_alternative_airport_in_kilometres_by_road \
    Kolmogorov PSI AUC RMSE Brier ROC KS CI ECE nDCG MMD SHA-256 M1 M2 W₁ σ Benjamini–Hochberg UTC hanok Hanok main.raw.flights features.flights version January July \
    Flights: against late_arrival xgboost lightgbm flights.csv.zip feed/july.parquet carrier_risk distance hour cabin_class Float64 Utf8 \
    Go back to late_arrival@3 when by labels of a day is below on two days in row delay minutes punctuality early on time catboost onnx SHAP";

#[test]
fn a_korean_page_has_no_english_words() {
    for page in pages(Language::Ko) {
        assert!(page.contains("<html lang=\"ko\">"));
        for text in texts(&page) {
            let words =
                text.split(|c: char| !(c.is_ascii_alphabetic() || c == '_')).filter(|word| word.len() > 3);
            let foreign: Vec<_> = words.filter(|word| !LATIN.contains(word)).collect();
            assert!(
                foreign.is_empty() || text.contains('…') || text.chars().all(|c| c.is_ascii_hexdigit()),
                "{foreign:?} in {text}"
            );
        }
    }
    let korean = |c: char| ('가'..='힣').contains(&c);
    let names = ["출발", "시각", "승객수", "대한항공", "지연"];
    for page in pages(Language::En) {
        for text in texts(&page).iter().filter(|text| text.contains(korean)) {
            assert!(names.iter().any(|name| text.contains(name)), "{text}");
        }
    }
}

/// Every sort of page.
fn pages(language: Language) -> Vec<String> {
    vec![
        samples::drift(12, 300).html(language).unwrap(),
        samples::monitored(12, 300).html(language).unwrap(),
        models::swap(800, true).html(language).unwrap(),
        models::swap(800, false).html(language).unwrap(),
        models::regressions().html(language).unwrap(),
        models::measured().html(language).unwrap(),
        models::classes().html(language).unwrap(),
    ]
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

#[test]
fn a_monitor_has_its_other_checks_and_its_alarms() {
    let mut report = samples::monitored(12, 300);
    report.report.columns.retain(|column| column.verdict == Verdict::Stable);
    // Nothing but the predictions is bad.
    report.joint = None;
    assert_eq!(report.verdict(), Verdict::Drifted);
    let page = report.html(Language::En).unwrap();
    assert!(
        page.contains("Beside the columns: <code>dep_<wbr/>delay</code> (Performance)."),
        "{}",
        &main(&page)[..900]
    );
    let document = roxmltree::Document::parse(main(&page)).unwrap();
    let section = document.descendants().find(|node| node.attribute("id") == Some("monitor")).unwrap();
    let rows: Vec<String> = section
        .descendants()
        .filter(|node| node.has_tag_name("tr") && node.parent().is_some_and(|up| up.has_tag_name("tbody")))
        .map(|row| {
            let cells = row.children().filter(|cell| cell.is_element());
            let text = |cell: roxmltree::Node<'_, '_>| {
                let texts = cell.descendants().filter(|node| node.is_text());
                texts.filter_map(|node| node.text().map(str::to_owned)).collect::<String>()
            };
            cells.map(text).collect::<Vec<_>>().join(" | ")
        })
        .collect();
    assert_eq!(rows.len(), 7, "{rows:?}");
    assert!(rows[1].starts_with("dep_delay (Performance) | drifted | 0.71 AUC"), "{}", rows[1]);
    assert_eq!(rows[3], "2013-07-31 04:00:00 | on | dep_delay (Performance)");
    assert_eq!(rows[6], "2013-07-03 04:00:00 | over | rows");
    // Its windows have the names that it gives them.
    let all = samples::monitored(12, 300).html(Language::En).unwrap();
    assert!(all.contains("since <span class=\"nb\">2013-07-13 04:00:00</span>"));
    // A report that is no monitor's has no such part.
    assert!(!samples::drift(3, 40).html(Language::En).unwrap().contains("id=\"monitor\""));
    let json: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
    assert_eq!(json["monitored"]["checks"][1]["metric"], "auc");
    assert_eq!(json["monitored"]["alarms"][3]["is_on"], false);
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

    /// The same of models.
    #[test]
    fn every_page_of_models_is_well_formed(
        names in prop::collection::vec("\\PC{0,12}|[<>&\"'\u{0}\u{202e}\u{fffe}가-힣]{0,300}", 6),
        numbers in prop::collection::vec(any::<f64>(), 6),
        korean: bool,
    ) {
        let mut report = models::swap(200, true);
        let swap = &mut report.swap;
        swap.gates[0].value = Some(numbers[0]);
        swap.gates[0].limit = numbers[1];
        swap.gates[1].why.clone_from(&names[0]);
        swap.scores.psi = Some(numbers[2]);
        swap.segments[0].column.clone_from(&names[1]);
        swap.segments[0].segments[0].label.clone_from(&names[2]);
        swap.scores.scores[0].percentiles[3] = numbers[3];
        if let Some(found) = &mut swap.attribution {
            found.features[0].name.clone_from(&names[3]);
            found.features[0].share = [Some(numbers[4]), None];
        }
        let performance = swap.performance.as_mut().unwrap();
        for (at, number) in numbers.iter().enumerate() {
            let cut = &mut performance[at % 2].cuts[at];
            (cut.threshold, cut.recall, cut.flagged) = (*number, numbers[0], numbers[1]);
        }
        swap.movers[0].features = vec![(names[4].clone(), [numbers[5], f64::NAN])];
        report.models[0].name.clone_from(&names[5]);
        report.rollback = names.clone();
        texts(&report.html(if korean { Language::Ko } else { Language::En }).unwrap());
        serde_json::from_str::<serde_json::Value>(&report.json().unwrap()).unwrap();
    }
}
