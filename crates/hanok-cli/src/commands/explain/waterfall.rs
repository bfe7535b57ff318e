//! One row's explanation for a terminal: from the base value to the prediction, feature by feature.

use hanok_engine::{Contribution, OutputKind, RowExplanation, RowOutput};

use super::{FEATURES_SHOWN_MAX, explained, model_name};
use crate::console::{Console, Tone};
use crate::render::{Cell, columns, counted, fraction};

/// Cells of a bar's axis.
const WIDTH: usize = 40;
/// Characters of a feature's own value that are shown.
const INPUT_CHARS_MAX: usize = 24;

/// From a number to a place on the axis, in half cells.
pub(super) struct Scale {
    from: f64,
    per_unit: f64,
}

impl Scale {
    pub(super) fn new(from: f64, to: f64) -> Self {
        let span = to - from;
        Self { from, per_unit: if span > 0.0 { (2 * WIDTH) as f64 / span } else { 0.0 } }
    }

    fn place(&self, value: f64) -> usize {
        ((value - self.from) * self.per_unit).round().clamp(0.0, (2 * WIDTH) as f64) as usize
    }

    /// A bar between two numbers, at least half a cell wide.
    pub(super) fn bar(&self, a: f64, b: f64) -> String {
        let (from, to) = (self.place(a.min(b)), self.place(a.max(b)));
        let from = from.min(2 * WIDTH - 1);
        let to = to.max(from + 1);
        let cell = |at: usize| match (from <= 2 * at && 2 * at < to, from <= 2 * at + 1 && 2 * at + 1 < to) {
            (true, true) => '█',
            (true, false) => '▌',
            (false, true) => '▐',
            (false, false) => ' ',
        };
        (0..to.div_ceil(2)).map(cell).collect()
    }
}

/// Decimals that show four digits of the largest number.
pub(super) fn decimals(largest: f64) -> usize {
    if largest > 0.0 && largest.is_finite() {
        (3.0 - largest.log10().floor()).clamp(0.0, 9.0) as usize
    } else {
        0
    }
}

/// The output with the largest sum, of several.
fn chosen(row: &RowExplanation) -> Option<&RowOutput> {
    row.outputs.iter().max_by(|a, b| a.sum.total_cmp(&b.sum))
}

/// Draws the row.
pub(super) fn waterfall(console: &Console, row: &RowExplanation) -> String {
    let Some(output) = chosen(row) else { return String::new() };
    let mut text = format!("{} of {}", explained(row.output), model_name(&row.model));
    if row.outputs.len() > 1 {
        let of = row.outputs.len();
        text.push_str(&format!(", output {} of {of}: the largest (--json has all)", output.name));
    }
    text.push('\n');
    let keys: Vec<String> = row.keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
    if !keys.is_empty() {
        text.push_str(&console.paint(Tone::Faint, &keys.join(", ")));
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&steps(console, row.output, output));
    text
}

fn steps(console: &Console, kind: OutputKind, output: &RowOutput) -> String {
    let (shown, rest) = output.contributions.split_at(output.contributions.len().min(FEATURES_SHOWN_MAX));
    let named = |step: &Contribution| {
        let name = format!("{} = {}", step.feature, shortened(&step.input));
        (name, step.value, step.standard_error)
    };
    let mut steps: Vec<(String, f64, Option<f64>)> = shown.iter().map(named).collect();
    if !rest.is_empty() {
        let sum = rest.iter().map(|step| step.value).sum();
        steps.push((counted(rest.len() as u64, "other feature"), sum, None));
    }
    let mut places = vec![output.base_value];
    for (_, value, _) in &steps {
        places.push(places.last().copied().unwrap_or_default() + value);
    }
    let (least, most) = places.iter().fold((f64::MAX, f64::MIN), |(a, b), at| (a.min(*at), b.max(*at)));
    let scale = Scale::new(least, most);
    let largest = steps.iter().map(|(_, value, _)| value.abs()).chain([least.abs(), most.abs()]);
    let digits = decimals(largest.fold(0.0, f64::max));
    let are_estimates = steps.iter().any(|(_, _, error)| error.is_some());
    let row = |name: Cell, value: String, error: Option<f64>, bar: Cell| {
        let error = error.map(|error| format!("±{error:.digits$}")).unwrap_or_default();
        let error = are_estimates.then(|| Cell::left(error).tone(Tone::Faint));
        [name, Cell::right(value)].into_iter().chain(error).chain([bar]).collect::<Vec<_>>()
    };
    let whole = |name: &str, value: f64, bar: String| {
        let (name, bar) = (Cell::left(name).tone(Tone::Strong), Cell::left(bar).tone(Tone::Faint));
        row(name, format!("{value:.digits$}"), None, bar)
    };
    let mark = |value: f64| scale.bar(value, value);
    let mut rows = vec![whole("base value", output.base_value, mark(output.base_value))];
    for ((name, value, error), between) in steps.into_iter().zip(places.windows(2)) {
        let tone = if value < 0.0 { Tone::Down } else { Tone::Up };
        let bar = Cell::left(scale.bar(between[0], between[1])).tone(tone);
        rows.push(row(Cell::left(format!("  {name}")), format!("{value:+.digits$}"), error, bar));
    }
    rows.push(whole(explained(kind), output.sum, mark(output.sum)));
    if output.prediction.to_bits() != output.sum.to_bits() {
        rows.push(whole("prediction", output.prediction, String::new()));
    }
    columns(console, &rows)
}

fn shortened(input: &str) -> String {
    if input.is_empty() {
        return "missing".to_owned();
    }
    if let Some(number) = input.parse::<f64>().ok().filter(|_| input.contains('.')) {
        return fraction(number);
    }
    let mut text: String = input.chars().take(INPUT_CHARS_MAX).collect();
    if text.len() < input.len() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_where_their_numbers_are() {
        let scale = Scale::new(0.0, 80.0);
        assert_eq!(scale.bar(0.0, 4.0), "██");
        assert_eq!(scale.bar(3.0, 0.0), "█▌");
        assert_eq!(scale.bar(1.0, 4.0), "▐█");
        assert_eq!(scale.bar(2.0, 2.0), " ▌");
        assert_eq!(scale.bar(80.0, 80.0).chars().count(), WIDTH);
        assert_eq!(Scale::new(5.0, 5.0).bar(5.0, 5.0), "▌");
    }

    #[test]
    fn four_digits_of_the_largest_are_shown() {
        assert_eq!([1234.5, 12.0, 0.5, 0.000_12, 0.0].map(decimals), [0, 2, 4, 7, 0]);
    }
}
