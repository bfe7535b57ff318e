//! The charts: bytes of their drawings (`tests/plots/svg/NAME.svg`, written anew with `HANOK_WRITE_CHARTS=1`), and what
//! cannot be drawn.

use std::path::Path;

use hanok_charts::{Language, Style, svg};
use hanok_error::Coded as _;
use hanok_explain::{Explanation, PlotKind, PlotRequest, RowKey, plot};

use crate::file::explanation;

fn flight(number: &str) -> RowKey {
    RowKey::Values(vec![("flight".to_owned(), number.to_owned())])
}

/// Every kind by the name of its file.
fn requests() -> Vec<(&'static str, PlotRequest)> {
    let of = PlotRequest::new;
    let text = |text: &str| Some(text.to_owned());
    vec![
        ("bar", of(PlotKind::Bar)),
        ("cohorts", PlotRequest { cohort: text("airport"), language: Language::Ko, ..of(PlotKind::Bar) }),
        ("beeswarm", of(PlotKind::Beeswarm)),
        ("violin", of(PlotKind::Violin)),
        ("waterfall", PlotRequest { row: Some(flight("8")), ..of(PlotKind::Waterfall) }),
        (
            "force",
            PlotRequest { row: Some(RowKey::Number(5)), language: Language::Ko, ..of(PlotKind::Force) },
        ),
        ("scatter", PlotRequest { feature: text("wind"), ..of(PlotKind::Scatter) }),
        (
            "scatter-by-key",
            PlotRequest { feature: text("departure_hour"), colour: text("airport"), ..of(PlotKind::Scatter) },
        ),
        ("heatmap", of(PlotKind::Heatmap)),
        ("decision", PlotRequest { row: Some(flight("8")), ..of(PlotKind::Decision) }),
        ("interactions", of(PlotKind::Interactions)),
    ]
}

fn drawing(explanation: &Explanation, request: &PlotRequest) -> String {
    let style = Style { width: 480.0, language: request.language, ..Style::default() };
    svg(&plot(explanation, request).unwrap().chart, &style).unwrap()
}

#[test]
fn drawings_are_the_same_bytes_as_before() {
    let temporary = tempfile::tempdir().unwrap();
    let explanation = explanation(temporary.path(), 60, 1);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plots/svg");
    let mut changed = Vec::new();
    for (name, request) in requests() {
        let path = folder.join(format!("{name}.svg"));
        let drawn = drawing(&explanation, &request);
        if std::env::var_os("HANOK_WRITE_CHARTS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, drawn).unwrap();
        } else if std::fs::read_to_string(&path).unwrap_or_default() != drawn {
            changed.push(name);
        }
    }
    assert_eq!(changed, [""; 0], "look at them, then write them anew with HANOK_WRITE_CHARTS=1");
}

#[test]
fn classes_are_series_or_are_chosen() {
    let temporary = tempfile::tempdir().unwrap();
    let explanation = explanation(temporary.path(), 60, 3);
    let plotted = plot(&explanation, &PlotRequest::new(PlotKind::Bar)).unwrap();
    assert!(plotted.chart.title.contains("by class") && plotted.table.num_rows() == 12);
    for (name, request) in requests() {
        let chosen = PlotRequest { class: Some("2".to_owned()), ..request.clone() };
        assert!(drawing(&explanation, &chosen).contains(" 2"), "{name}");
        if name != "bar" {
            let error = plot(&explanation, &request).unwrap_err();
            assert!(error.to_string().contains("--class"), "{name}: {error}");
        }
    }
    let unknown = PlotRequest { class: Some("3".to_owned()), ..PlotRequest::new(PlotKind::Bar) };
    let error = plot(&explanation, &unknown).unwrap_err();
    assert_eq!(error.hint().unwrap(), "it has: 0, 1, 2");
}

#[test]
fn samples_are_said_and_bounded() {
    let temporary = tempfile::tempdir().unwrap();
    let explanation = explanation(temporary.path(), 30_000, 1);
    for (kind, rows) in [(PlotKind::Beeswarm, 10_000), (PlotKind::Heatmap, 2000), (PlotKind::Decision, 300)] {
        let plotted = plot(&explanation, &PlotRequest::new(kind)).unwrap();
        assert_eq!(plotted.table.num_rows(), rows);
        assert_eq!(plotted.chart.sample_of, Some(30_000));
        assert!(drawing(&explanation, &PlotRequest::new(kind)).contains("of 30,000 rows"));
    }
}

#[test]
fn what_an_explanation_does_not_have_is_told() {
    let temporary = tempfile::tempdir().unwrap();
    let explanation = explanation(temporary.path(), 60, 1);
    let wrong = |request: PlotRequest| {
        let error = plot(&explanation, &request).unwrap_err();
        (error.code().to_string(), error.to_string())
    };
    let text = |text: &str| Some(text.to_owned());
    let of = PlotRequest::new;
    for (request, code, message) in [
        (of(PlotKind::Scatter), "HK1708", "--feature"),
        (PlotRequest { feature: text("x"), ..of(PlotKind::Scatter) }, "HK1708", "no feature `x`"),
        (
            PlotRequest { feature: text("wind"), colour: text("y"), ..of(PlotKind::Scatter) },
            "HK1708",
            "no column `y`",
        ),
        (of(PlotKind::Waterfall), "HK1708", "--row"),
        (PlotRequest { row: Some(flight("61")), ..of(PlotKind::Force) }, "HK1704", "0 rows"),
        (PlotRequest { row: Some(RowKey::Number(0)), ..of(PlotKind::Force) }, "HK1704", "0 rows"),
        (PlotRequest { row: Some(flight("1")), ..of(PlotKind::Bar) }, "HK1708", "does not use `--row`"),
        (
            PlotRequest { cohort: text("airport"), ..of(PlotKind::Violin) },
            "HK1708",
            "does not use `--cohort`",
        ),
    ] {
        let (found, text) = wrong(request);
        assert!(found == code && text.contains(message), "{found} {text}");
    }
}
