//! Rules for taking a swap back, made of what the comparison found.

use hanok_charts::number;
use hanok_drift::outputs::swap::Swap;

use super::metric;
use crate::figures::share;
use crate::words::Words;

/// By how much the share of positives may be another one than was forecast.
const FORECAST_MARGIN: f64 = 0.05;
/// Rows without a prediction that are a fault in any case.
const MISSING_MARGIN: f64 = 0.01;

/// When the second model, once in use, should give its place back: a plain sentence each.
pub(super) fn rollback(swap: &Swap, words: Words) -> Vec<String> {
    let rules = [worse(swap, words), forecast(swap, words), Some(missing(swap, words))];
    rules.into_iter().flatten().collect()
}

/// The metric is beyond what the gate allows of M1's.
fn worse(swap: &Swap, words: Words) -> Option<String> {
    let found = swap.differences.iter().find(|found| found.metric == swap.metric)?;
    let gate = swap.gates.iter().find(|gate| gate.name == "performance")?;
    let first = found.values[0]?;
    let name = metric(swap.metric, words);
    let is_loss = swap.metric.worse_by([0.0, 1.0]) > 0.0;
    let limit = if is_loss { first + gate.limit } else { first - gate.limit };
    let limit = number(limit);
    Some(if is_loss {
        words.choose(
            format!("Go back when the {name} of newly labelled rows rises above {limit}, M1's value and the margin."),
            format!("새로 라벨이 붙은 행의 {name} 값이 {limit}(M1의 값에 허용폭을 더한 값)보다 커지면 되돌립니다."),
        )
    } else {
        words.choose(
            format!("Go back when the {name} of newly labelled rows falls below {limit}, M1's value less the margin."),
            format!("새로 라벨이 붙은 행의 {name} 값이 {limit}(M1의 값에서 허용폭을 뺀 값)보다 작아지면 되돌립니다."),
        )
    })
}

/// How many rows will count as positive, and how far that may be off.
fn forecast(swap: &Swap, words: Words) -> Option<String> {
    swap.threshold?;
    let counts = &swap.flips.as_ref()?.counts;
    let all: u64 = counts.iter().flatten().sum();
    let by_second: u64 = counts.iter().map(|row| row.get(1).copied().unwrap_or(0)).sum();
    let by_first: u64 = counts.get(1)?.iter().sum();
    if all == 0 {
        return None;
    }
    let [first, second] = [by_first, by_second].map(|rows| rows as f64 / all as f64);
    let (low, high) =
        (share((second - FORECAST_MARGIN).max(0.0)), share((second + FORECAST_MARGIN).min(1.0)));
    let (first, second) = (share(first), share(second));
    Some(words.choose(
        format!(
            "Expect {second} of rows to be positive (M1: {first}); look closer when a day's share leaves {low} to {high}."
        ),
        format!("양성으로 예측되는 행은 {second}로 예상됩니다(M1: {first}). 하루 비율이 {low}~{high}를 벗어나면 확인합니다."),
    ))
}

/// Rows without a prediction.
fn missing(swap: &Swap, words: Words) -> String {
    let scores = &swap.scores.scores[1];
    let found = (scores.missing + scores.infinite) as f64 / scores.rows.max(1) as f64;
    let limit = share((found + MISSING_MARGIN).min(1.0));
    words.choose(
        format!("Go back when more than {limit} of a day's rows get no finite prediction."),
        format!("하루 행의 {limit}를 넘는 행에 유한한 예측값이 없으면 되돌립니다."),
    )
}
