//! How good a window's predictions are, against the reference's.

use hanok_drift::Verdict;
use hanok_drift::outputs::{
    Estimate, Estimated, Metric, Options, OutputsError, Predictions, Regressed, Side, Task, cbpe, chunks,
    dle, performance,
};

use crate::check::Check;
use crate::definition::Performance;
use crate::read::Predicted;

/// Chunks of the reference that an estimate's limits come from, at least.
const CHUNKS_MIN: usize = 5;
/// Standard errors in the half of an interval of 95 %.
const REACH: f64 = 1.959_963_984_540_054;

/// The check of predictions by labels.
pub(crate) const PERFORMANCE: &str = "performance";
/// The check of predictions without labels.
pub(crate) const ESTIMATED: &str = "estimated_performance";
/// What rounding can do to a metric, relative to it.
const ROUNDING: f64 = 1e-9;

/// The reference and a window, row by row.
pub(crate) type Sides = [Predicted; 2];

/// Whether a regression's metric can be told without labels, by what its errors are learnt to be.
pub(crate) fn is_learnt(monitored: &Performance) -> bool {
    monitored.task == Task::Regression && matches!(monitored.metric, Metric::Rmse | Metric::Mae)
}

/// The metric by labels, of the rows that have one, and as it is estimated without: of probabilities by themselves, of numbers by features.
pub(crate) fn checks(
    monitored: &Performance,
    sides: &Sides,
    alpha: f64,
    rows: [u64; 2],
) -> Result<Vec<Check>, OutputsError> {
    let options = Options { threshold: monitored.threshold, ..Options::default() };
    let mut found = vec![realized(monitored, sides, &options, alpha, rows)?];
    if monitored.task == Task::Binary || !sides[0].features.is_empty() {
        found.push(estimated(monitored, sides, &options, rows)?);
    }
    Ok(found)
}

fn predictions(task: Task, values: &[f64]) -> Predictions<'_> {
    match task {
        Task::Regression => Predictions::Numbers(values),
        Task::Binary | Task::Multiclass => Predictions::Probabilities(values),
    }
}

/// Bad when the metric is worse than the reference's by the margin and chance does not explain that: both values are estimates, whose
/// standard errors are those of their intervals.
fn realized(
    monitored: &Performance,
    sides: &Sides,
    options: &Options,
    alpha: f64,
    rows: [u64; 2],
) -> Result<Check, OutputsError> {
    let metric = monitored.metric;
    let measure = |side: &Predicted| -> Result<Option<(f64, f64)>, OutputsError> {
        let all = performance(predictions(monitored.task, &side.predictions), &side.labels, options)?.metrics;
        Ok(all.iter().find(|estimate| estimate.metric == metric).and_then(value_and_error))
    };
    let check = Check {
        measure: Some(metric.name().to_owned()),
        ..Check::bare(Some(monitored.prediction.clone()), PERFORMANCE, Verdict::Undecided, rows)
    };
    let [Some((before, before_error)), Some((now, now_error))] = [measure(&sides[0])?, measure(&sides[1])?]
    else {
        return Ok(check);
    };
    let margin = monitored.margin.unwrap_or_else(|| margin(metric, before));
    let worse = metric.worse_by([before, now]);
    let error = libm::hypot(before_error, now_error);
    // Two-sided.
    let p = if error > 0.0 { libm::erfc(worse.abs() / error / std::f64::consts::SQRT_2) } else { 0.0 };
    let verdict = match worse >= margin {
        true if p <= alpha => Verdict::Drifted,
        true => Verdict::Undecided,
        false => Verdict::Stable,
    };
    Ok(Check {
        value: Some(now),
        beyond_noise: Some(worse),
        threshold: Some(margin),
        p: Some(p),
        p_adjusted: Some(p),
        verdict,
        ..check
    })
}

fn value_and_error(estimate: &Estimate) -> Option<(f64, f64)> {
    let interval = estimate.interval?;
    Some((estimate.value?, (interval.high - interval.low) / (2.0 * REACH)))
}

fn margin(metric: Metric, value: f64) -> f64 {
    match metric {
        Metric::Rmse | Metric::Mae | Metric::Bias | Metric::Mape | Metric::LogLoss => 0.1 * value.abs(),
        _ => 0.05,
    }
}

/// Bad when the estimate is beyond the limit, three deviations of the reference's chunks, on the worse side.
fn estimated(
    monitored: &Performance,
    sides: &Sides,
    options: &Options,
    rows: [u64; 2],
) -> Result<Check, OutputsError> {
    let check = Check {
        measure: Some(monitored.metric.name().to_owned()),
        ..Check::bare(Some(monitored.prediction.clone()), ESTIMATED, Verdict::Undecided, rows)
    };
    let all = match estimates(monitored.task, sides, options) {
        // Too few rows with labels to learn from.
        Err(OutputsError::Few { .. }) => return Ok(check),
        all => all?,
    };
    let found = all.metric(monitored.metric);
    let Some((found, estimate)) = found.and_then(|found| Some((found, found.current.first()?.estimate?)))
    else {
        return Ok(check);
    };
    // Chunks of a reference whose errors are all the same have no deviation, and differ in the last bits.
    let is_worse = |limit: f64| monitored.metric.worse_by([limit, estimate]) > ROUNDING * limit.abs();
    let is_more_better = monitored.metric.worse_by([0.0, 1.0]) < 0.0;
    let limit = if is_more_better { found.lower } else { found.upper };
    let verdict = if limit.is_some_and(is_worse) { Verdict::Drifted } else { Verdict::Stable };
    Ok(Check { value: Some(estimate), threshold: limit, verdict, ..check })
}

/// Of the reference's chunks, as large as the window where there are enough of them, and of the window as one.
fn estimates(task: Task, [reference, current]: &Sides, options: &Options) -> Result<Estimated, OutputsError> {
    let [before, now] = [reference, current].map(|side| side.predictions.len());
    let parts = chunks(before, now.min(before / CHUNKS_MIN).max(1));
    let whole = chunks(now, now);
    if task == Task::Regression {
        let names: Vec<String> = reference.features.first().map_or_else(Vec::new, |batch| {
            batch.schema().fields().iter().map(|field| field.name().clone()).collect()
        });
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let before = Regressed {
            features: &reference.features,
            predictions: &reference.predictions,
            labels: Some(&reference.labels),
            chunks: &parts,
        };
        let now = Regressed {
            features: &current.features,
            predictions: &current.predictions,
            labels: None,
            chunks: &whole,
        };
        return dle(before, now, &names);
    }
    let before = Side {
        predictions: predictions(task, &reference.predictions),
        labels: Some(&reference.labels),
        chunks: &parts,
    };
    let now = Side { predictions: predictions(task, &current.predictions), labels: None, chunks: &whole };
    cbpe(before, now, options)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};

    use super::*;

    /// Rows of a model whose probabilities are true, or of one that is wrong as often as they say that it is right.
    fn side(rows: usize, turned: bool, sharp: f64) -> Predicted {
        let mut state = 3_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1 << 24)
        };
        let mut side = Predicted::default();
        for _ in 0..rows {
            let p = 0.5 + (next() - 0.5) * sharp;
            let label = f64::from(u8::from(next() < p));
            side.predictions.push(p);
            side.labels.push(if turned { 1.0 - label } else { label });
        }
        side
    }

    fn monitored(task: Task, metric: Metric) -> Performance {
        let (prediction, label) = ("p".to_owned(), "y".to_owned());
        Performance { prediction, label, task, metric, margin: None, threshold: 0.5, features: None }
    }

    fn verdicts(performance: &Performance, sides: &Sides) -> Vec<Verdict> {
        checks(performance, sides, 0.05, [1, 1]).unwrap().into_iter().map(|check| check.verdict).collect()
    }

    #[test]
    fn a_model_that_is_wrong_is_found_by_labels_and_one_that_is_unsure_without() {
        let auc = monitored(Task::Binary, Metric::Auc);
        let found = |current: Predicted| verdicts(&auc, &[side(5000, false, 0.9), current]);
        assert_eq!(found(side(1000, false, 0.9)), [Verdict::Stable, Verdict::Stable]);
        // That the same rows come out otherwise is not to be seen in probabilities.
        assert_eq!(found(side(1000, true, 0.9)), [Verdict::Drifted, Verdict::Stable]);
        assert_eq!(found(side(1000, false, 0.3)), [Verdict::Drifted, Verdict::Drifted]);
        // Labels come later.
        let mut unsure = side(1000, false, 0.3);
        unsure.labels.fill(f64::NAN);
        assert_eq!(found(unsure), [Verdict::Undecided, Verdict::Drifted]);
        // Worse by more than the margin, but too few rows to say so.
        let few = Predicted {
            predictions: vec![0.4, 0.45, 0.6, 0.7, 0.55, 0.5],
            labels: vec![0.0, 1.0, 0.0, 1.0, 1.0, 0.0],
            features: Vec::new(),
        };
        assert_eq!(found(few)[0], Verdict::Undecided);
    }

    #[test]
    fn errors_of_a_regression() {
        let rmse = monitored(Task::Regression, Metric::Rmse);
        let off = |by: f64| {
            let mut side = side(500, false, 0.9);
            let label = |(at, value): (usize, &f64)| value + if at % 2 == 0 { by } else { -0.8 * by };
            side.labels = side.predictions.iter().enumerate().map(label).collect();
            side
        };
        assert_eq!(verdicts(&rmse, &[off(1.0), off(1.02)]), [Verdict::Stable]);
        assert_eq!(verdicts(&rmse, &[off(1.0), off(0.5)]), [Verdict::Stable]);
        let found = checks(&rmse, &[off(1.0), off(1.5)], 0.05, [500, 500]).unwrap().remove(0);
        let named = (found.verdict, found.aspect.as_str(), found.measure.as_deref());
        assert_eq!(named, (Verdict::Drifted, "performance", Some("rmse")));
        assert!((found.value.unwrap() / (1.5 * 0.82_f64.sqrt()) - 1.0).abs() < 1e-9);
    }
    /// A regression whose errors are ten times as large in the room `a`, with so many rows of ten there; the time makes them no constants.
    fn regressed(rows: usize, of_a: usize) -> Predicted {
        let mut side = side(rows, false, 0.9);
        let is_a = |row: usize| row % 10 < of_a;
        side.labels = side
            .predictions
            .iter()
            .enumerate()
            .map(|(row, p)| p + (p * 977.0).fract() * if is_a(row) { 1.0 } else { 0.1 })
            .collect();
        let room: ArrayRef =
            Arc::new((0..rows).map(|row| Some(if is_a(row) { "a" } else { "b" })).collect::<StringArray>());
        let size: ArrayRef = Arc::new((0..rows).map(|row| Some((row % 7) as f64)).collect::<Float64Array>());
        side.features = vec![RecordBatch::try_from_iter([("room", room), ("size", size)]).unwrap()];
        side
    }

    #[test]
    fn errors_of_a_regression_are_expected_without_labels() {
        for metric in [Metric::Mae, Metric::Rmse] {
            let monitored = monitored(Task::Regression, metric);
            assert!(is_learnt(&monitored));
            let reference = regressed(4000, 3);
            let found = |mut current: Predicted| {
                let truth = performance(
                    Predictions::Numbers(&current.predictions),
                    &current.labels,
                    &Options::default(),
                );
                let truth = truth
                    .unwrap()
                    .metrics
                    .iter()
                    .find(|found| found.metric == metric)
                    .unwrap()
                    .value
                    .unwrap();
                current.labels.fill(f64::NAN);
                let sides = [regressed(4000, 3), current];
                let mut all = checks(&monitored, &sides, 0.05, [4000, 600]).unwrap();
                let found = all.pop().unwrap();
                assert_eq!((all.len(), all[0].verdict), (1, Verdict::Undecided));
                assert_eq!(
                    (found.aspect.as_str(), found.measure.as_deref()),
                    ("estimated_performance", Some(metric.name()))
                );
                // What hanok-drift says of the same rows, chunks of 600 of the reference and the window as one.
                let [before, now] = &sides;
                let (parts, whole) = (chunks(4000, 600), chunks(600, 600));
                let direct = dle(
                    Regressed {
                        features: &before.features,
                        predictions: &before.predictions,
                        labels: Some(&before.labels),
                        chunks: &parts,
                    },
                    Regressed {
                        features: &now.features,
                        predictions: &now.predictions,
                        labels: None,
                        chunks: &whole,
                    },
                    &["room", "size"],
                )
                .unwrap();
                let direct = direct.metric(metric).unwrap();
                assert_eq!((found.value, found.threshold), (direct.current[0].estimate, direct.upper));
                let off = found.value.unwrap() / truth - 1.0;
                assert!(off.abs() < 0.1, "{}: {off}", metric.name());
                found.verdict
            };
            assert_eq!(found(regressed(600, 3)), Verdict::Stable);
            assert_eq!(found(regressed(600, 9)), Verdict::Drifted);
            // Of another metric nothing is learnt, without features neither, and too few labels are no reason to stop.
            assert!(!is_learnt(&self::monitored(Task::Regression, Metric::R2)));
            let mut few = regressed(4000, 3);
            few.labels[50..].fill(f64::NAN);
            let all = checks(&monitored, &[few, regressed(600, 3)], 0.05, [4000, 600]).unwrap();
            assert_eq!((all.len(), all[1].verdict, all[1].value), (2, Verdict::Undecided, None));
            let bare = |mut side: Predicted| {
                side.features.clear();
                side
            };
            let all =
                checks(&monitored, &[bare(reference), bare(regressed(600, 3))], 0.05, [4000, 600]).unwrap();
            assert_eq!(all.len(), 1);
        }
    }
}
