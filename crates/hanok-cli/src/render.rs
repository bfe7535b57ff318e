//! Text for people: numbers, times and aligned columns.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use crate::console::{Console, Tone};

/// Spaces between columns.
const GAP: usize = 2;

/// One cell: its text, its side, its colour.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    right: bool,
    tone: Option<Tone>,
}

impl Cell {
    /// Text, on the left.
    pub(crate) fn left(text: impl Into<String>) -> Self {
        Self { text: text.into(), right: false, tone: None }
    }

    /// A number, on the right.
    pub(crate) fn right(text: impl Into<String>) -> Self {
        Self { right: true, ..Self::left(text) }
    }

    /// In a colour.
    pub(crate) fn tone(mut self, tone: Tone) -> Self {
        self.tone = Some(tone);
        self
    }
}

/// Rows with aligned columns, a line each. The last column is not padded.
pub(crate) fn columns(console: &Console, rows: &[Vec<Cell>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| display_width(&cell.text)).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let missing = widths[column] - display_width(&cell.text);
            let painted = cell.tone.map_or_else(|| cell.text.clone(), |tone| console.paint(tone, &cell.text));
            // Writing into a string does not fail.
            let _ = if cell.right {
                write!(line, "{:missing$}{painted}", "")
            } else if column + 1 < row.len() {
                write!(line, "{painted}{:missing$}", "")
            } else {
                write!(line, "{painted}")
            };
            if column + 1 < row.len() {
                line.push_str(&" ".repeat(GAP));
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// `336776` as `336,776`.
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with its noun: `1 row`, `2 rows`.
pub(crate) fn counted(value: u64, one: &str) -> String {
    if value == 1 { format!("1 {one}") } else { format!("{} {one}s", number(value)) }
}

/// A size: `512 bytes`, `1.4 kB`, `2.0 GB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return counted(bytes, "byte");
    }
    let mut size = bytes as f64 / 1000.0;
    let mut unit = UNITS[0];
    for larger in &UNITS[1..] {
        if size < 999.95 {
            break;
        }
        size /= 1000.0;
        unit = larger;
    }
    format!("{size:.1} {unit}")
}

/// A duration, to the precision that matters to people.
pub(crate) fn duration(seconds: f64) -> String {
    if seconds < 0.995 {
        format!("{seconds:.2} s")
    } else if seconds < 99.95 {
        format!("{seconds:.1} s")
    } else {
        let whole = seconds.round() as u64;
        format!("{}:{:02} min", whole / 60, whole % 60)
    }
}

/// A time, microseconds since 1970-01-01 UTC, to the second.
pub(crate) fn time(us: i64) -> String {
    DateTime::<Utc>::from_timestamp_micros(us)
        .map_or_else(|| us.to_string(), |time| time.format("%Y-%m-%d %H:%M:%S").to_string())
}

/// A JSON value as a person writes it; fractions to six digits.
pub(crate) fn value(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => "null".to_owned(),
        serde_json::Value::Number(number) if number.is_f64() => {
            number.as_f64().map_or_else(|| number.to_string(), fraction)
        }
        other => other.to_string(),
    }
}

/// Six significant digits, without zeros at the end.
pub(crate) fn fraction(value: f64) -> String {
    let magnitude = value.abs().log10().floor();
    if value == 0.0 || !(-6.0..6.0).contains(&magnitude) {
        return value.to_string();
    }
    let digits = format!("{value:.*}", (5.0 - magnitude) as usize);
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.').to_owned() } else { digits }
}

/// Lines of `text`, each moved to the right.
pub(crate) fn indented(text: &str, spaces: usize) -> String {
    text.lines().map(|line| format!("{:spaces$}{line}\n", "")).collect()
}

/// Cells that `text` takes on a terminal: characters of Chinese, Japanese and Korean take two.
fn display_width(text: &str) -> usize {
    let wide = |character: char| {
        matches!(character, '\u{1100}'..='\u{115F}' | '\u{2E80}'..='\u{A4CF}' | '\u{AC00}'..='\u{D7A3}'
            | '\u{F900}'..='\u{FAFF}' | '\u{FE30}'..='\u{FE6F}' | '\u{FF00}'..='\u{FF60}')
    };
    text.chars().map(|character| if wide(character) { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_durations() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(336_776), "336,776");
        assert_eq!(number(1_000_000), "1,000,000");
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(counted(0, "row"), "0 rows");
        assert_eq!(
            [0, 999, 1400, 999_960, 2_000_000_000].map(bytes),
            ["0 bytes", "999 bytes", "1.4 kB", "1.0 MB", "2.0 GB"]
        );
        assert_eq!(duration(0.004), "0.00 s");
        assert_eq!(duration(1.25), "1.2 s");
        assert_eq!(duration(0.999), "1.0 s");
        assert_eq!(duration(125.4), "2:05 min");
        assert_eq!(time(1_356_998_400_000_000), "2013-01-01 00:00:00");
    }

    #[test]
    fn fractions_are_cut_to_what_people_read() {
        for (exact, shown) in [
            (16.771_428_571_428_572, "16.7714"),
            (0.006_607_929_515_418_502, "0.00660793"),
            (-0.5, "-0.5"),
            (123_456.789, "123457"),
            (100_000.0, "100000"),
            (39.0, "39"),
            (0.0, "0"),
            (1e-9, "0.000000001"),
            (1e20, "100000000000000000000"),
        ] {
            assert_eq!(value(&serde_json::json!(exact)), shown);
        }
        assert_eq!(value(&serde_json::json!(1024)), "1024");
    }

    #[test]
    fn columns_line_up() {
        let console = Console::new(false, true);
        let rows = [
            vec![Cell::left("raw.flights"), Cell::right("336,776"), Cell::left("rows")],
            vec![Cell::left("raw.날씨"), Cell::right("5"), Cell::left("rows")],
            vec![Cell::left("raw.x")],
        ];
        assert_eq!(
            columns(&console, &rows),
            "raw.flights  336,776  rows\nraw.날씨           5  rows\nraw.x\n"
        );
    }
}
