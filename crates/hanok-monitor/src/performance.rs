//! How good a window's predictions are, against the reference's.

use hanok_drift::Verdict;
use hanok_drift::outputs::{
    Estimate, Metric, Options, OutputsError, Predictions, Side, Task, cbpe, chunks, performance,
};

use crate::check::Check;
use crate::definition::Performance;

/// Chunks of the reference that an estimate's limits come from, at least.
const CHUNKS_MIN: usize = 5;
/// Standard errors in the half of an interval of 95 %.
const REACH: f64 = 1.959_963_984_540_054;

/// Predictions and labels of the reference and of a window, row by row.
pub(crate) type Sides = [[Vec<f64>; 2]; 2];

/// The metric by labels, of the rows that have one, and of probabilities also as it is estimated without.
pub(crate) fn checks(
    monitored: &Performance,
    sides: &Sides,
    alpha: f64,
    rows: [u64; 2],
) -> Result<Vec<Check>, OutputsError> {
    let options = Options { threshold: monitored.threshold, ..Options::default() };
    let mut found = vec![realized(monitored, sides, &options, alpha, rows)?];
    if monitored.task == Task::Binary {
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
    let measure = |side: &[Vec<f64>; 2]| -> Result<Option<(f64, f64)>, OutputsError> {
        let all = performance(predictions(monitored.task, &side[0]), &side[1], options)?.metrics;
        Ok(all.iter().find(|estimate| estimate.metric == metric).and_then(value_and_error))
    };
    let check = Check {
        measure: Some(metric.name().to_owned()),
        ..Check::bare(Some(monitored.prediction.clone()), "performance", Verdict::Undecided, rows)
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
    let [reference, current] = sides;
    let size = current[0].len().min(reference[0].len() / CHUNKS_MIN).max(1);
    let (parts, whole) = (chunks(reference[0].len(), size), chunks(current[0].len(), current[0].len()));
    let before = Side {
        predictions: predictions(monitored.task, &reference[0]),
        labels: Some(&reference[1]),
        chunks: &parts,
    };
    let now = Side { predictions: predictions(monitored.task, &current[0]), labels: None, chunks: &whole };
    let all = cbpe(before, now, options)?;
    let check = Check {
        measure: Some(monitored.metric.name().to_owned()),
        ..Check::bare(Some(monitored.prediction.clone()), "estimated_performance", Verdict::Undecided, rows)
    };
    let found = all.metric(monitored.metric);
    let Some((found, estimate)) = found.and_then(|found| Some((found, found.current.first()?.estimate?)))
    else {
        return Ok(check);
    };
    let is_worse = |limit: f64| monitored.metric.worse_by([limit, estimate]) > 0.0;
    let is_more_better = monitored.metric.worse_by([0.0, 1.0]) < 0.0;
    let limit = if is_more_better { found.lower } else { found.upper };
    let verdict = if limit.is_some_and(is_worse) { Verdict::Drifted } else { Verdict::Stable };
    Ok(Check { value: Some(estimate), threshold: limit, verdict, ..check })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of a model whose probabilities are true, or of one that is wrong as often as they say that it is right.
    fn side(rows: usize, turned: bool, sharp: f64) -> [Vec<f64>; 2] {
        let mut state = 3_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state >> 8) / f64::from(1 << 24)
        };
        let mut side = [Vec::new(), Vec::new()];
        for _ in 0..rows {
            let p = 0.5 + (next() - 0.5) * sharp;
            let label = f64::from(u8::from(next() < p));
            side[0].push(p);
            side[1].push(if turned { 1.0 - label } else { label });
        }
        side
    }

    fn monitored(task: Task, metric: Metric) -> Performance {
        let (prediction, label) = ("p".to_owned(), "y".to_owned());
        Performance { prediction, label, task, metric, margin: None, threshold: 0.5 }
    }

    fn verdicts(performance: &Performance, sides: &Sides) -> Vec<Verdict> {
        checks(performance, sides, 0.05, [1, 1]).unwrap().into_iter().map(|check| check.verdict).collect()
    }

    #[test]
    fn a_model_that_is_wrong_is_found_by_labels_and_one_that_is_unsure_without() {
        let auc = monitored(Task::Binary, Metric::Auc);
        let good = side(5000, false, 0.9);
        let found = |current: [Vec<f64>; 2]| verdicts(&auc, &[good.clone(), current]);
        assert_eq!(found(side(1000, false, 0.9)), [Verdict::Stable, Verdict::Stable]);
        // That the same rows come out otherwise is not to be seen in probabilities.
        assert_eq!(found(side(1000, true, 0.9)), [Verdict::Drifted, Verdict::Stable]);
        let mut unsure = side(1000, false, 0.3);
        assert_eq!(found(unsure.clone()), [Verdict::Drifted, Verdict::Drifted]);
        // Labels come later.
        unsure[1].fill(f64::NAN);
        assert_eq!(found(unsure), [Verdict::Undecided, Verdict::Drifted]);
        // Worse by more than the margin, but too few rows to say so.
        let few = [vec![0.4, 0.45, 0.6, 0.7, 0.55, 0.5], vec![0.0, 1.0, 0.0, 1.0, 1.0, 0.0]];
        assert_eq!(found(few)[0], Verdict::Undecided);
    }

    #[test]
    fn errors_of_a_regression() {
        let rmse = monitored(Task::Regression, Metric::Rmse);
        let off = |by: f64| {
            let [values, _] = side(500, false, 0.9);
            let label = |(at, value): (usize, &f64)| value + if at % 2 == 0 { by } else { -0.8 * by };
            let labels = values.iter().enumerate().map(label).collect();
            [values, labels]
        };
        assert_eq!(verdicts(&rmse, &[off(1.0), off(1.02)]), [Verdict::Stable]);
        assert_eq!(verdicts(&rmse, &[off(1.0), off(0.5)]), [Verdict::Stable]);
        let found = checks(&rmse, &[off(1.0), off(1.5)], 0.05, [500, 500]).unwrap().remove(0);
        let named = (found.verdict, found.aspect.as_str(), found.measure.as_deref());
        assert_eq!(named, (Verdict::Drifted, "performance", Some("rmse")));
        assert!((found.value.unwrap() / (1.5 * 0.82_f64.sqrt()) - 1.0).abs() < 1e-9);
    }
}
