//! Conditions under which the second model may take the first one's place.

use serde::Serialize;

use super::{Gate, Inputs, Options, SegmentShift, Swap, Verdict};
use crate::outputs::{Calibration, Task};

/// What gates allow.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Limits {
    /// The largest share of rows on which the models disagree. Default 0.05.
    pub disagreement: f64,
    /// The largest population stability index of the predictions. Default 0.25, above which a shift is commonly called major.
    pub psi: f64,
    /// The least rank correlation of the predictions. Default 0.9.
    pub spearman: f64,
    /// The least nDCG of the attributions. Default 0.9, as of Amazon SageMaker Clarify.
    pub ndcg: f64,
    /// By how much the expected calibration error of any class may grow. Default 0.02.
    pub calibration: f64,
    /// By how much the share of rows without a finite prediction may grow. Default 0.
    pub missing: f64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { disagreement: 0.05, psi: 0.25, spearman: 0.9, ndcg: 0.9, calibration: 0.02, missing: 0.0 }
    }
}

pub(super) fn gates(swap: &Swap, inputs: &Inputs, options: &Options) -> Vec<Gate> {
    let mut gates = vec![performance(swap, options)];
    if inputs.labels.is_some() && !swap.segments.is_empty() {
        gates.push(segments(swap));
    }
    if swap.task != Task::Regression {
        gates.push(calibration(swap, options));
    }
    gates.push(missing(swap, options));
    let limits = &options.limits;
    let changed = [
        (
            "disagreement",
            swap.disagreement,
            limits.disagreement,
            false,
            "share of rows on which the models disagree",
        ),
        ("score_psi", swap.scores.psi, limits.psi, false, "population stability index of the predictions"),
        (
            "rank_correlation",
            swap.spearman,
            limits.spearman,
            true,
            "Spearman's correlation of the predictions",
        ),
    ];
    gates.extend(
        changed.map(|(name, value, limit, is_minimum, why)| behaviour(name, value, limit, is_minimum, why)),
    );
    if let Some(found) = &swap.attribution {
        let why = "nDCG of the second model's ranking of features";
        gates.push(behaviour("attribution", found.ndcg, limits.ndcg, true, why));
    }
    gates
}

pub(super) fn verdict(gates: &[Gate]) -> Verdict {
    let of = |gate: &Gate| match gate.passed {
        Some(true) => Verdict::Pass,
        Some(false) if gate.is_harm => Verdict::Fail,
        _ => Verdict::Review,
    };
    gates.iter().map(of).max().unwrap_or(Verdict::Pass)
}

fn behaviour(name: &'static str, value: Option<f64>, limit: f64, is_minimum: bool, why: &str) -> Gate {
    let value = value.filter(|value| !value.is_nan());
    let passed = value.map(|value| if is_minimum { value >= limit } else { value <= limit });
    Gate { name, value, limit, is_minimum, passed, is_harm: false, why: why.to_owned() }
}

/// Passed when the interval leaves no loss beyond the margin, not passed when the loss is beyond it and not by chance.
fn performance(swap: &Swap, options: &Options) -> Gate {
    let metric = swap.metric;
    let found = swap.differences.iter().find(|difference| difference.metric == metric);
    let mut gate = Gate {
        name: "performance",
        value: None,
        limit: options.margin.unwrap_or(0.01),
        is_minimum: false,
        passed: None,
        is_harm: true,
        why: format!("no labels to measure {} by", metric.name()),
    };
    let Some(found) = found else { return gate };
    let [Some(first), Some(second)] = found.values else {
        gate.why = format!("{} is not defined on these rows", metric.name());
        return gate;
    };
    let worse = metric.worse_by([first, second]);
    gate.value = Some(worse);
    gate.limit = options.margin(metric, first);
    // The most that the second may be worse: the end of the interval on that side.
    let most = found.interval.map(|interval| {
        [interval.low, interval.high]
            .map(|end| metric.worse_by([first, first + end]))
            .into_iter()
            .fold(worse, f64::max)
    });
    if most.is_some_and(|most| most <= gate.limit) {
        gate.passed = Some(true);
        gate.why = format!("how much worse the second model's {} is, with its whole interval", metric.name());
    } else if worse > gate.limit && found.p.is_some_and(|p| p <= options.alpha) {
        gate.passed = Some(false);
        gate.why = format!("how much worse the second model's {} is, beyond chance", metric.name());
    } else {
        gate.why = format!(
            "how much worse the second model's {} is; too few rows to say whether that is within the limit",
            metric.name()
        );
    }
    gate
}

fn segments(swap: &Swap) -> Gate {
    let all = || swap.segments.iter().flat_map(|column| &column.segments);
    let worse = all().filter(|segment: &&SegmentShift| segment.is_worse).count();
    let is_known = all().any(|segment| segment.p_adjusted.is_some());
    Gate {
        name: "segments",
        value: is_known.then_some(worse as f64),
        limit: 0.0,
        is_minimum: false,
        passed: is_known.then_some(worse == 0),
        is_harm: true,
        why: format!("segments in which {} is worse beyond the margin and beyond chance", swap.metric.name()),
    }
}

fn calibration(swap: &Swap, options: &Options) -> Gate {
    let grown = |[first, second]: &[Calibration; 2]| second.ece - first.ece;
    let value = swap.calibration.iter().map(grown).reduce(f64::max);
    let limit = options.limits.calibration;
    let why = match value {
        Some(_) => "growth of the expected calibration error",
        None => "no labels to measure calibration by",
    };
    Gate { is_harm: true, ..behaviour("calibration", value, limit, false, why) }
}

fn missing(swap: &Swap, options: &Options) -> Gate {
    let share = |side: usize| {
        let scores = &swap.scores.scores[side];
        (scores.missing + scores.infinite) as f64 / scores.rows.max(1) as f64
    };
    let value = (swap.rows > 0).then(|| share(1) - share(0));
    let why = "growth of the share of rows without a finite prediction";
    Gate { is_harm: true, ..behaviour("missing", value, options.limits.missing, false, why) }
}
