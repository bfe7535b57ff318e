//! The order of worry, and results as JSON.

use hanok_drift::{Shape, Verdict, What};

use crate::draws::{Draws, numbers, words};
use crate::tables::report;

#[test]
fn drift_of_important_columns_comes_first() {
    let mut draws = Draws(1);
    let mut column = |shift: f64| numbers(draws.many(2000, |draws| draws.normal() + shift));
    let reference =
        vec![("much", column(0.0)), ("some", column(0.0)), ("none", column(0.0)), ("kind", column(0.0))];
    let kind = words(&[1; 2000]);
    let current = vec![("much", column(3.0)), ("some", column(1.0)), ("none", column(0.0)), ("kind", kind)];
    let report = report(reference, current);
    let names = |importance: &[(&str, f64)]| {
        let importance: Vec<(String, f64)> =
            importance.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        let ranked = report.ranked(&importance);
        let names = ranked.iter().map(|ranked| report.columns[ranked.column].name.as_str());
        (names.collect::<Vec<_>>(), ranked)
    };
    let (found, ranked) = names(&[]);
    assert_eq!(found, ["kind", "much", "some", "none"]);
    assert_eq!((ranked[0].score, ranked[1].importance), (f64::INFINITY, 1.0));
    let (found, ranked) = names(&[("some", -8.0), ("much", 0.1), ("none", 100.0), ("gone", 3.0)]);
    // A column that has not drifted stays behind those that have; one without importance is the last of its verdict.
    assert_eq!(found, ["some", "much", "kind", "none"]);
    assert_eq!((ranked[2].score, ranked[2].verdict, ranked[0].importance), (0.0, Verdict::Drifted, 0.08));
}

#[test]
fn what_few_rows_do_comes_after_what_all_rows_do() {
    const ROWS: usize = 50_000;
    let mut draws = Draws(3);
    let mut normal = |shift: f64| draws.many(ROWS, |draws| draws.normal() + shift);
    // One value in all of them, in a column that has moved by as little as so many rows can show.
    let mut outlier = normal(0.04);
    outlier[7] = 1e9;
    // 15 % of the values, a little beyond the largest of a uniform reference.
    let grid: Vec<f64> = (0..ROWS).map(|at| at as f64 / ROWS as f64).collect();
    let edge: Vec<f64> =
        grid.iter().map(|value| if *value < 0.15 { 1.0 + 0.01 * value } else { *value }).collect();
    let reference = vec![
        ("outlier", numbers(normal(0.0))),
        ("edge", numbers(grid)),
        ("moved", numbers(normal(0.0))),
        ("same", numbers(normal(0.0))),
    ];
    let current = vec![
        ("outlier", numbers(outlier)),
        ("edge", numbers(edge)),
        ("moved", numbers(normal(1.0))),
        ("same", numbers(normal(0.0))),
    ];
    let report = report(reference, current);
    let ranked = report.ranked(&[]);
    let names: Vec<_> = ranked.iter().map(|ranked| report.columns[ranked.column].name.as_str()).collect();
    assert_eq!(names, ["moved", "edge", "outlier", "same"], "{ranked:?}");
    let verdicts: Vec<_> = ranked.iter().map(|ranked| ranked.verdict).collect();
    assert_eq!(verdicts, [Verdict::Drifted, Verdict::Drifted, Verdict::Drifted, Verdict::Stable]);
    // What was measured is said as it is.
    assert!(ranked[2].effect > 10_000.0 && ranked[2].score < ranked[1].score, "{ranked:?}");
    let range = report.columns[1].aspects.iter().find(|aspect| aspect.what == What::Range).unwrap();
    assert!(range.effect.ratio() > 10.0 && range.weight() < 2.0, "{range:?}");
    // Below its threshold an effect counts as it is, and just beyond it as 1.
    let range_of = |ratio: f64| {
        let mut aspect = range.clone();
        aspect.effect.beyond_noise = ratio * aspect.effect.threshold;
        aspect.weight()
    };
    assert!((range_of(0.5) - 0.5).abs() < 1e-12 && (range_of(100.0) - 10.0).abs() < 1e-9);
    assert_eq!(range_of(2.0), 1.0);
}

#[test]
fn results_are_json_with_names_and_pictures() {
    let mut draws = Draws(2);
    let mut side = |shift: f64| {
        let values = draws.many(500, |draws| draws.normal() + shift);
        vec![
            ("a", numbers(values)),
            ("b", words(&draws.many(500, |draws| (draws.uniform() * 20.0) as usize))),
        ]
    };
    let report = report(side(0.0), side(2.0));
    let json = serde_json::to_value(&report).unwrap();
    let column = &json["columns"][0];
    assert_eq!(
        (&column["verdict"], &column["kinds"][0], &column["types"][0]),
        (&"drifted".into(), &"numbers".into(), &"Float64".into())
    );
    assert_eq!(column["aspects"][1]["statistics"][0]["measure"], "kolmogorov_smirnov");
    let quantiles = report.columns[0].profiles[0].quantiles.unwrap();
    assert!(quantiles.is_sorted() && quantiles[2].abs() < 0.2);
    let edges = column["shape"]["bins"]["edges"].as_array().unwrap();
    assert!((20..=32).contains(&edges.len()), "{edges:?}");
    assert_eq!(json["columns"][1]["shape"]["shares"]["labels"].as_array().unwrap().len(), 12);
    assert!(matches!(report.columns[1].shape, Some(Shape::Shares { .. })));
    assert_eq!(json["options"]["le_cam"], 0.1);
}
