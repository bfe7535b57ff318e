//! Two models on the same rows, by labels.

use serde::Serialize;

use super::measured::{Measured, around, standard_error};
use super::model::Model;
use super::rows::{Rows, check_labels, same_task};
use super::{Interval, Method, Metric, Options, OutputsError, Predictions};
use crate::special::normal_sf;

/// Rows on which only one model is right, up to which McNemar's test is exact.
const DISCORDANT_MAX: f64 = 10_000.0;

/// A metric of two models on the same rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// What was measured.
    pub metric: Metric,
    /// Its values of the first and of the second model, on the rows that both have a prediction for.
    pub values: [Option<f64>; 2],
    /// The second less the first.
    pub difference: Option<f64>,
    /// Confidence interval of the difference, which knows that both saw the same rows.
    pub interval: Option<Interval>,
    /// The probability of a difference as large between models that are equally good; two-sided.
    pub p: Option<f64>,
    /// What interval and p come from.
    pub method: Method,
    /// Whether the second model is better (`true`) or worse; `None` when the difference is 0 or not known.
    pub is_better: Option<bool>,
}

/// Every metric of two models on the rows that both have a prediction for, and how sure it is that they differ.
pub fn differences(
    models: [Predictions; 2],
    labels: &[f64],
    options: &Options,
) -> Result<Vec<Difference>, OutputsError> {
    options.checked()?;
    same_task(models)?;
    check_labels(&models[0], labels)?;
    check_labels(&models[1], labels)?;
    let rows = Rows::new(models, Some(labels));
    let pair = [0, 1].map(|side| Model::new(&rows, side, options));
    Ok(compare(&pair, options, |_, _| {}))
}

/// All differences of two models' metrics. `look` gets to see each metric of both: what it has of every row is let go before the next.
pub(super) fn compare(
    models: &[Model; 2],
    options: &Options,
    mut look: impl FnMut(Metric, &[Option<Measured>; 2]),
) -> Vec<Difference> {
    let one = |metric: &Metric| {
        let measured = models.each_ref().map(|model| model.measure(*metric));
        look(*metric, &measured);
        difference(*metric, models, measured.each_ref(), options)
    };
    Metric::of(models[0].task()).iter().map(one).collect()
}

/// One metric of both models.
pub(super) fn difference(
    metric: Metric,
    models: &[Model; 2],
    measured: [&Option<Measured>; 2],
    options: &Options,
) -> Difference {
    let mut found = Difference {
        metric,
        values: measured.map(|measured| measured.as_ref().map(|measured| measured.value)),
        difference: None,
        interval: None,
        p: None,
        method: models[0].method(metric),
        is_better: None,
    };
    let [Some(first), Some(second)] = measured else { return found };
    let difference = second.value - first.value;
    let worse = metric.worse_by([first.value, second.value]);
    found.difference = Some(difference);
    found.is_better = (worse != 0.0).then_some(worse < 0.0);
    let influences = first.influence.iter().zip(&second.influence);
    if let Some(error) = standard_error(influences.map(|(first, second)| second - first)) {
        found.interval = Some(around(difference, error, options.level));
        found.p = Some(if difference == 0.0 { 1.0 } else { 2.0 * normal_sf(difference.abs() / error) });
    }
    if metric == Metric::Accuracy {
        found.method = Method::Mcnemar;
        found.p = Some(mcnemar(models[0].right_unlike(&models[1])));
    }
    found
}

/// McNemar's test: of the rows on which one model only is right, each is as likely to be by either. Exact by the binomial distribution, and
/// of very many rows by its normal limit with a half for continuity.
fn mcnemar([only_first, only_second]: [f64; 2]) -> f64 {
    let (few, all) = (only_first.min(only_second), only_first + only_second);
    if all > DISCORDANT_MAX {
        return (2.0 * normal_sf((0.5 * all - few - 0.5) / (0.5 * libm::sqrt(all)))).min(1.0);
    }
    let of = |count: f64| {
        libm::lgamma(all + 1.0)
            - libm::lgamma(count + 1.0)
            - libm::lgamma(all - count + 1.0)
            - all * std::f64::consts::LN_2
    };
    let below: f64 = (0..=few as usize).map(|count| libm::exp(of(count as f64))).sum();
    (2.0 * below).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mcnemar_is_the_binomial_test() {
        // scipy.stats.binomtest
        for (only, expected) in
            [([3.0, 9.0], 0.145_996_093_75), ([0.0, 0.0], 1.0), ([5.0, 5.0], 1.0), ([0.0, 8.0], 0.007_812_5)]
        {
            assert!((mcnemar(only) - expected).abs() < 1e-12, "{only:?}: {}", mcnemar(only));
        }
        let (exact, normal) = (mcnemar([4850.0, 5150.0]), mcnemar([4850.0, 5151.0]));
        assert!((exact / normal - 1.0).abs() < 0.05, "{exact} {normal}");
    }
}
