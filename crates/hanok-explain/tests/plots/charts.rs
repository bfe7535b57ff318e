//! The charts: bytes of their drawings (`tests/plots/svg/NAME.svg`, written anew with `HANOK_WRITE_CHARTS=1`), and what
//! cannot be drawn.

use std::path::Path;

use hanok_charts::{Language, Plot, Style, svg};
use hanok_error::Coded as _;
use hanok_explain::{Explanation, FeatureOrder, PlotKind, PlotRequest, RowKey, plot};

use crate::file::{FEATURES, explanation, value};

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
        ("heatmap-clustered", PlotRequest { order: FeatureOrder::Clustered, ..of(PlotKind::Heatmap) }),
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
fn features_of_a_heatmap_stand_by_importance_or_by_likeness() {
    let temporary = tempfile::tempdir().unwrap();
    let explanation = explanation(temporary.path(), 60, 1);
    let sum = |of: &dyn Fn(usize) -> f64| (0..60).map(of).sum::<f64>();
    let size = |feature: usize| sum(&|row| value(row, 0, feature).abs());
    let apart = |a: usize, b: usize| sum(&|row| (value(row, 0, a) - value(row, 0, b)).powi(2));
    let lines = |order: FeatureOrder| -> Vec<usize> {
        let plotted =
            plot(&explanation, &PlotRequest { order, ..PlotRequest::new(PlotKind::Heatmap) }).unwrap();
        let Plot::Heatmap(heatmap) = &plotted.chart.plot else { panic!("{:?}", plotted.chart.plot) };
        assert_eq!(heatmap.keep_order, order == FeatureOrder::Clustered);
        let drawn: Vec<&str> = heatmap.features.iter().map(|feature| feature.name.as_str()).collect();
        // The table has the order, too: of the values, and of the features' own.
        let schema = plotted.table.schema();
        let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(columns[..4], ["place", "flight", "airport", "base@0"]);
        assert_eq!(columns[4..8], drawn.iter().map(|name| format!("{name}@0")).collect::<Vec<_>>());
        assert_eq!(columns[8..10], ["raw@0", "prediction@0"]);
        assert_eq!(columns[10..], drawn.iter().map(|name| format!("value_{name}")).collect::<Vec<_>>());
        drawn.iter().map(|name| FEATURES.iter().position(|feature| feature == name).unwrap()).collect()
    };
    let important = lines(FeatureOrder::Importance);
    assert!(important.is_sorted_by(|a, b| size(*a) >= size(*b)), "{important:?}");
    let clustered = lines(FeatureOrder::Clustered);
    // The two that are alike the most are neighbours, the larger one first.
    let pairs = (0..4).flat_map(|a| (0..a).map(move |b| (a, b)));
    let (a, b) = pairs.min_by(|x, y| apart(x.0, x.1).total_cmp(&apart(y.0, y.1))).unwrap();
    let (first, second) = if size(a) > size(b) { (a, b) } else { (b, a) };
    assert!(clustered.windows(2).any(|pair| pair == [first, second]), "{clustered:?}: {first} {second}");
    let mut all = clustered.clone();
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3]);
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
            PlotRequest { order: FeatureOrder::Clustered, ..of(PlotKind::Bar) },
            "HK1708",
            "does not use `--order`",
        ),
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
