//! Outputs of models.

use hanok_drift::outputs::swap::{Attributions, Inputs, Options as SwapOptions, Segments, Verdict, movers};
use hanok_drift::outputs::{
    self, Difference, Metric, Options, OutputsError, Predictions, Side, calibration, cbpe, chunks,
    differences, performance, scores, shift, swap,
};
use hanok_error::Coded;
use proptest::prelude::*;

use crate::draws::Draws;

fn inputs<'a>(models: [Predictions<'a>; 2], labels: Option<&'a [f64]>) -> Inputs<'a> {
    Inputs { models, labels, segments: &[], attributions: None }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|name| format!("class {name}")).collect()
}

/// Rows with a truth between 0 and 1, labels drawn from it, and two models that see it with some noise.
fn drawn(rows: usize, noise: [f64; 2], seed: u64) -> (Vec<f64>, [Vec<f64>; 2]) {
    let mut draws = Draws(seed);
    let truth = draws.many(rows, Draws::uniform);
    let labels = truth.iter().map(|p| f64::from(u8::from(draws.uniform() < *p))).collect();
    let models = noise.map(|noise| {
        truth.iter().map(|p| (p + noise * draws.normal()).clamp(0.0, 1.0)).collect::<Vec<f64>>()
    });
    (labels, models)
}

fn of(differences: &[Difference], metric: Metric) -> &Difference {
    differences.iter().find(|difference| difference.metric == metric).unwrap()
}

#[test]
fn the_same_model_passes() {
    let (labels, [model, _]) = drawn(2000, [0.1, 0.1], 1);
    let p = Predictions::Probabilities(&model);
    let found = swap(&inputs([p, p], Some(&labels)), &SwapOptions::default()).unwrap();
    assert_eq!(found.verdict, Verdict::Pass, "{:#?}", found.gates);
    assert_eq!((found.disagreement, found.spearman, found.scores.psi), (Some(0.0), Some(1.0), Some(0.0)));
    assert!(found.differences.iter().all(|found| found.difference == Some(0.0) && found.p == Some(1.0)));
    assert!(found.movers.is_empty());
    assert_eq!(found.deltas.unwrap().equal, 1.0);
}

#[test]
fn a_worse_model_fails_and_too_few_rows_say_nothing() {
    let (labels, models) = drawn(3000, [0.05, 1.0], 2);
    let run = |rows: usize| {
        let [first, second] = models.each_ref().map(|model| Predictions::Probabilities(&model[..rows]));
        swap(&inputs([first, second], Some(&labels[..rows])), &SwapOptions::default()).unwrap()
    };
    let found = run(3000);
    assert_eq!(found.verdict, Verdict::Fail);
    assert_eq!(found.gates[0].passed, Some(false), "{:?}", found.gates[0]);
    assert_eq!(of(&found.differences, Metric::Auc).is_better, Some(false));
    assert_eq!(run(20).gates[0].passed, None);
    // Without labels nobody knows that it is worse, but it is another model.
    let [first, second] = models.each_ref().map(|model| Predictions::Probabilities(model));
    let found = swap(&inputs([first, second], None), &SwapOptions::default()).unwrap();
    assert_eq!((found.verdict, found.performance), (Verdict::Review, None));
}

#[test]
fn a_segment_in_which_the_second_model_is_worse_is_found() {
    let (labels, [first, mut second]) = drawn(4000, [0.1, 0.1], 3);
    let mut draws = Draws(4);
    let rows: Vec<u32> = (0..4000).map(|row| if row % 97 == 0 { u32::MAX } else { row % 5 }).collect();
    for (score, segment) in second.iter_mut().zip(&rows) {
        if *segment == 3 {
            *score = draws.uniform();
        }
    }
    let labels_of = names(6);
    let segments = [Segments { column: "city", labels: &labels_of, rows: &rows }];
    let models = [Predictions::Probabilities(&first), Predictions::Probabilities(&second)];
    let found =
        swap(&Inputs { segments: &segments, ..inputs(models, Some(&labels)) }, &SwapOptions::default())
            .unwrap();
    let worse: Vec<&str> = found.segments[0]
        .segments
        .iter()
        .filter(|segment| segment.is_worse)
        .map(|segment| segment.label.as_str())
        .collect();
    assert_eq!(worse, ["class 3"]);
    assert_eq!(found.segments[0].segments.len(), 5);
    assert_eq!(found.segments[0].other_rows, 42);
    let gate = found.gates.iter().find(|gate| gate.name == "segments").unwrap();
    assert_eq!((gate.value, gate.passed), (Some(1.0), Some(false)));
}

#[test]
fn movers_have_their_reasons() {
    let (first, second) = ([0.1, f64::NAN, 0.9, 0.4], [0.2, 0.5, 0.1, 0.4]);
    let models = [Predictions::Probabilities(&first), Predictions::Probabilities(&second)];
    assert_eq!(movers(models, 1).unwrap(), [2]);
    let features = ["age".to_owned(), "income".to_owned()];
    let attributions =
        Attributions { rows: &[2], features: [&features, &features[..1]], values: [&[1.0, 0.5], &[-1.5]] };
    let all = Inputs { attributions: Some(attributions), ..inputs(models, Some(&[0.0, 1.0, 1.0, 1.0])) };
    let found = swap(&all, &SwapOptions::default()).unwrap();
    assert_eq!((found.rows, found.paired, found.labelled), (4, 3, 3));
    assert_eq!(found.movers.iter().map(|mover| mover.row).collect::<Vec<_>>(), [2, 0]);
    let mover = &found.movers[0];
    assert_eq!(mover.features, [("age".to_owned(), [1.0, -1.5]), ("income".to_owned(), [0.5, 0.0])]);
    assert_eq!(mover.classes, Some(["1".to_owned(), "0".to_owned()]));
    assert_eq!((mover.label, mover.predictions), (Some(1.0), [0.9, 0.1]));
    assert_eq!(found.gates.iter().find(|gate| gate.name == "missing").unwrap().value, Some(-0.25));
}

#[test]
fn equally_good_models_differ_as_often_as_the_level_says() {
    let mut alarms = [0, 0, 0];
    let runs = 400;
    for run in 0..runs {
        let (labels, models) = drawn(300, [0.3, 0.3], 100 + run);
        let models = models.each_ref().map(|model| Predictions::Probabilities(model));
        let found = differences(models, &labels, &Options::default()).unwrap();
        for (alarms, metric) in alarms.iter_mut().zip([Metric::Auc, Metric::LogLoss, Metric::Accuracy]) {
            *alarms += usize::from(of(&found, metric).p.unwrap() <= 0.05);
        }
    }
    let rates = alarms.map(|count| count as f64 / runs as f64);
    // Three deviations around 0.05; an exact test may be below.
    assert!(rates[..2].iter().all(|rate| (0.017..0.083).contains(rate)) && rates[2] < 0.083, "{rates:?}");
}

#[test]
fn one_row_one_class_and_constant_scores_are_no_errors() {
    let found = performance(Predictions::Probabilities(&[0.7]), &[1.0], &Options::default()).unwrap();
    let value = |metric: Metric| found.metrics.iter().find(|found| found.metric == metric).unwrap();
    assert_eq!(value(Metric::Auc).value, None);
    assert_eq!((value(Metric::Accuracy).value, value(Metric::LogLoss).interval), (Some(1.0), None));
    assert_eq!(value(Metric::Specificity).value, None);

    let constant = [0.3; 10];
    let labels = [0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0];
    let found = performance(Predictions::Probabilities(&constant), &labels, &Options::default()).unwrap();
    assert_eq!(found.metrics[0].value, Some(0.5));
    assert_eq!(found.cuts.len(), 1);
    assert_eq!(found.metrics.iter().find(|found| found.metric == Metric::Precision).unwrap().value, None);
    let found = performance(Predictions::Numbers(&[1.0, 2.0]), &[3.0, 3.0], &Options::default()).unwrap();
    assert_eq!(found.metrics.iter().find(|found| found.metric == Metric::R2).unwrap().value, None);

    let nothing = performance(Predictions::Numbers(&[f64::NAN]), &[3.0], &Options::default()).unwrap();
    assert_eq!((nothing.rows, nothing.left_out, nothing.metrics[0].value), (0, 1, None));
    assert!(calibration(Predictions::Probabilities(&[f64::NAN]), &[1.0]).unwrap().is_empty());
    assert_eq!(scores(Predictions::Numbers(&[])).mean, None);
    assert_eq!(shift(Predictions::Numbers(&[1.0]), Predictions::Numbers(&[])).unwrap().psi, None);
}

#[test]
fn what_does_not_fit_has_a_code() {
    let code = |error: OutputsError| error.code().0;
    let options = Options::default();
    let p = Predictions::Probabilities(&[0.5, 0.6]);
    assert_eq!(code(performance(p, &[1.0], &options).unwrap_err()), "HK1820");
    assert_eq!(code(performance(p, &[1.0, 2.0], &options).unwrap_err()), "HK1822");
    assert_eq!(
        code(performance(Predictions::Probabilities(&[1.5]), &[1.0], &options).unwrap_err()),
        "HK1821"
    );
    assert_eq!(code(performance(p, &[1.0, 0.0], &Options { level: 1.0, ..options }).unwrap_err()), "HK1804");
    let two = names(2);
    let classes = Predictions::Classes { names: &two, values: &[0.5, 0.5] };
    assert_eq!(code(performance(classes, &[2.0], &options).unwrap_err()), "HK1822");
    assert_eq!(code(shift(classes, p).unwrap_err()), "HK1824");
    let other = ["a".to_owned(), "b".to_owned()];
    let other = Predictions::Classes { names: &other, values: &[0.5, 0.5] };
    assert_eq!(code(shift(classes, other).unwrap_err()), "HK1824");
    let one = Predictions::Classes { names: &two[..1], values: &[0.5] };
    assert_eq!(code(shift(one, one).unwrap_err()), "HK1821");
    let ragged = Predictions::Classes { names: &two, values: &[0.5] };
    assert_eq!(code(shift(ragged, ragged).unwrap_err()), "HK1820");

    let run = |inputs: Inputs| code(swap(&inputs, &SwapOptions::default()).unwrap_err());
    assert_eq!(run(inputs([p, Predictions::Probabilities(&[0.5])], None)), "HK1820");
    let segments = |labels, rows| [Segments { column: "c", labels, rows }];
    assert_eq!(run(Inputs { segments: &segments(&two, &[0]), ..inputs([p, p], None) }), "HK1820");
    assert_eq!(run(Inputs { segments: &segments(&two, &[0, 2]), ..inputs([p, p], None) }), "HK1820");
    let attributions =
        |rows, values| Some(Attributions { rows, features: [&two, &two], values: [values, values] });
    assert_eq!(run(Inputs { attributions: attributions(&[0], &[1.0]), ..inputs([p, p], None) }), "HK1820");
    assert_eq!(
        run(Inputs { attributions: attributions(&[7], &[1.0, 2.0]), ..inputs([p, p], None) }),
        "HK1820"
    );
    let wrong = SwapOptions { metric: Some(Metric::Rmse), ..SwapOptions::default() };
    assert_eq!(code(swap(&inputs([p, p], None), &wrong).unwrap_err()), "HK1804");

    let side = |labels| Side { predictions: p, labels, chunks: &[] };
    assert_eq!(code(cbpe(side(None), side(None), &options).unwrap_err()), "HK1823");
    let numbers = Side { predictions: Predictions::Numbers(&[1.0]), labels: Some(&[1.0]), chunks: &[] };
    assert_eq!(code(cbpe(numbers, numbers, &options).unwrap_err()), "HK1821");
    let beyond = [0..3];
    let beyond = Side { chunks: &beyond, ..side(Some(&[1.0, 0.0])) };
    assert_eq!(code(cbpe(beyond, beyond, &options).unwrap_err()), "HK1820");
}

#[test]
fn estimates_follow_probabilities_that_come_true() {
    let (labels, [model, _]) = drawn(20_000, [0.0, 0.0], 5);
    // Twice as sure as it should be, which calibration mends.
    let sure: Vec<f64> = model.iter().map(|p| (2.0 * p - 0.5).clamp(0.0, 1.0)).collect();
    let parts = [chunks(10_000, 1000), chunks(10_000, 1000)];
    let side = |at: usize| Side {
        predictions: Predictions::Probabilities(&sure[at * 10_000..(at + 1) * 10_000]),
        labels: Some(&labels[at * 10_000..(at + 1) * 10_000]),
        chunks: &parts[at],
    };
    let found = cbpe(side(0), side(1), &Options::default()).unwrap();
    assert_eq!(found.calibrated, [true]);
    for metric in &found.metrics {
        for chunk in &metric.current {
            let (estimate, realized) = (chunk.estimate.unwrap(), chunk.realized.unwrap());
            let error = chunk.sampling_error.unwrap();
            assert!((estimate - realized).abs() < 4.5 * error, "{metric:?}");
        }
    }
    // The same without labels now: nothing that was estimated changes.
    let without = cbpe(side(0), Side { labels: None, ..side(1) }, &Options::default()).unwrap();
    let estimates = |found: &outputs::Estimated| {
        found.metric(Metric::Auc).unwrap().current.iter().map(|chunk| chunk.estimate).collect::<Vec<_>>()
    };
    assert_eq!(estimates(&found), estimates(&without));
    assert!(without.metrics.iter().flat_map(|metric| &metric.current).all(|chunk| chunk.realized.is_none()));
}

fn probability() -> impl Strategy<Value = f64> {
    prop_oneof![6 => 0.0_f64..=1.0, 2 => Just(0.0), 2 => Just(1.0), 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)]
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => -3.0_f64..3.0,
        1 => prop::sample::select(vec![0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, 5e-324]),
    ]
}

fn every_share_is_one(found: &outputs::Swap) -> bool {
    let is_share = |value: Option<f64>| value.is_none_or(|value| (-1e-9..=1.0 + 1e-9).contains(&value));
    let p = |difference: &Difference| is_share(difference.p);
    let segments = || found.segments.iter().flat_map(|column| &column.segments);
    is_share(found.disagreement)
        && found.spearman.is_none_or(|value| (-1.0..=1.0).contains(&value))
        && found.differences.iter().all(p)
        && segments()
            .all(|segment| segment.performance.as_ref().is_none_or(p) && is_share(segment.p_adjusted))
        && found.calibration.iter().flatten().all(|side| is_share(Some(side.ece)) && is_share(Some(side.mce)))
}

proptest! {
    #[test]
    fn nothing_panics_and_everything_is_written(
        rows in prop::collection::vec((number(), number(), prop::array::uniform6(probability()), 0_u32..4, 0_u8..4), 0..40),
    ) {
        let values = |of: fn(&(f64, f64, [f64; 6], u32, u8)) -> f64| rows.iter().map(of).collect::<Vec<f64>>();
        let label = |most: u8| {
            rows.iter().map(|row| if row.4 > most { f64::NAN } else { f64::from(row.4) }).collect::<Vec<f64>>()
        };
        let segment: Vec<u32> = rows.iter().map(|row| if row.3 == 3 { u32::MAX } else { row.3 }).collect();
        let classes = [0, 3].map(|at| rows.iter().flat_map(|row| row.2[at..at + 3].to_vec()).collect::<Vec<f64>>());
        let (three, finite) = (names(3), values(|row| if row.0.is_finite() { row.0 } else { f64::NAN }));
        let features = names(1);
        let explained: Vec<u32> = (0..rows.len() as u32).collect();
        let shap = [values(|row| row.0), values(|row| row.1)];
        let numbers = [values(|row| row.0), values(|row| row.1)];
        let binary = [values(|row| row.2[0]), values(|row| row.2[1])];
        let options = SwapOptions { segment_rows_min: 1, ..SwapOptions::default() };
        let tasks = [
            (numbers.each_ref().map(|side| Predictions::Numbers(side)), finite),
            (binary.each_ref().map(|side| Predictions::Probabilities(side)), label(1)),
            (classes.each_ref().map(|values| Predictions::Classes { names: &three, values }), label(2)),
        ];
        for (models, labels) in tasks {
            let segments = [Segments { column: "s", labels: &three, rows: &segment }];
            let attributions = Attributions { rows: &explained, features: [&features, &features], values: shap.each_ref().map(|side| side.as_slice()) };
            let all = Inputs { models, labels: Some(&labels), segments: &segments, attributions: Some(attributions) };
            let found = swap(&all, &options).unwrap();
            prop_assert!(every_share_is_one(&found), "{found:#?}");
            prop_assert!(!serde_json::to_string(&found).unwrap().is_empty());
            let parts = chunks(rows.len(), 7);
            let side = |model: usize| Side { predictions: models[model], labels: Some(&labels), chunks: &parts };
            if let Ok(found) = cbpe(side(0), side(1), &Options::default()) {
                prop_assert!(!serde_json::to_string(&found).unwrap().is_empty());
            }
        }
    }
}
