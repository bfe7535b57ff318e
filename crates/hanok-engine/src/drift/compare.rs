//! Both sides' columns compared, each when a thread gets to it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, AsArray as _, UInt32Array};
use arrow::compute::{cast, take};
use arrow::datatypes::DataType;
use hanok_drift::{Column, Options, Pair, Report, Verdict, compare_columns};
use serde::Serialize;

use super::DriftError;
use super::columns::{Columns, whole};
use crate::EngineError;

/// Bytes that comparing takes for each row of a column, beside the column itself: its values as sorted numbers, and room to sort.
const ROW_BYTES: u64 = 40;
/// Different values of a column of segments; more are no segments.
const VALUES_MAX: usize = 100_000;

/// What columns of the lake's own begin with: the load of a row always differs.
const OWN_PREFIX: &str = "_hanok_";

/// Whether a column is compared that nobody named.
pub(super) fn is_data(name: &str) -> bool {
    !name.starts_with(OWN_PREFIX)
}

/// The segments of a table, compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Segments {
    /// The column whose values they are.
    pub column: String,
    /// The most frequent ones, those that drifted most first.
    pub segments: Vec<Segment>,
    /// How many values there are beyond these.
    pub others: u64,
}

/// The rows with one value of a column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Segment {
    /// The value.
    pub value: String,
    /// Rows of each side.
    pub rows: [u64; 2],
    /// The other columns; p-values are adjusted for those of all segments.
    pub columns: Vec<Column>,
    /// The worst of them.
    pub verdict: Verdict,
}

/// The names of what is compared, and what only one side has.
pub(super) struct Names {
    pub(super) common: Vec<String>,
    only: [Vec<String>; 2],
    skipped: Vec<String>,
}

impl Names {
    /// The columns that both sides have: all, or those of `wanted`, in the reference's order.
    pub(super) fn new(sides: [&Columns; 2], wanted: &[String]) -> Result<Self, EngineError> {
        let names = sides.map(|side| {
            let all = side.schema.fields().iter().map(|field| field.name().clone());
            all.filter(|name| is_data(name) || wanted.contains(name)).collect::<Vec<String>>()
        });
        for side in &names {
            let mut sorted: Vec<&String> = side.iter().collect();
            sorted.sort_unstable();
            if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(hanok_drift::CompareError::Ambiguous(pair[0].clone()).into());
            }
        }
        let both: Vec<&String> = names[0].iter().filter(|name| names[1].contains(name)).collect();
        if let Some(name) = wanted.iter().find(|name| !both.contains(name)) {
            let known = both.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(DriftError::Column { name: name.clone(), known }.into());
        }
        let is_wanted = |name: &String| wanted.is_empty() || wanted.contains(name);
        let only = |at: usize| match wanted.is_empty() {
            true => names[at].iter().filter(|name| !names[1 - at].contains(name)).cloned().collect(),
            false => Vec::new(),
        };
        let has_statistics = |name: &String| {
            sides.iter().all(|side| {
                side.schema
                    .field_with_name(name)
                    .is_ok_and(|field| hanok_drift::Kind::of(field.data_type()).is_some())
            })
        };
        let only = [only(0), only(1)];
        let (common, skipped): (Vec<String>, Vec<String>) =
            both.into_iter().filter(|name| is_wanted(name)).cloned().partition(has_statistics);
        if common.is_empty() {
            return Err(hanok_drift::CompareError::NothingInCommon.into());
        }
        Ok(Self { common, only, skipped })
    }
}

/// Threads that have room in memory to compare a column each, `threads` at most.
///
/// # Errors
/// [`DriftError::Memory`] without room for one.
pub(super) fn threads_with_room(
    sides: [&Columns; 2],
    threads: usize,
    memory_bytes: u64,
) -> Result<usize, EngineError> {
    let one: u64 = sides.iter().map(|side| side.bytes_of_largest() + side.rows * ROW_BYTES).sum();
    let free = memory_bytes.saturating_sub(sides.iter().map(|side| side.bytes_held()).sum());
    match usize::try_from(free / one.max(1)).unwrap_or(usize::MAX) {
        0 => {
            let rows = sides[0].rows + sides[1].rows;
            let what = format!("a column of {rows} rows on both sides");
            Err(DriftError::Memory { what, limit_mb: memory_bytes >> 20 }.into())
        }
        room => Ok(threads.clamp(1, room)),
    }
}

/// Compares all rows.
pub(super) fn compare_all(
    sides: [&Columns; 2],
    names: &Names,
    options: &Options,
    threads: usize,
    begun: &(dyn Fn() + Sync),
) -> Result<Report, EngineError> {
    let read = |at: usize| {
        begun();
        pair(sides, &names.common[at])
    };
    let mut report = compare_columns::<EngineError>(names.common.len(), read, options, threads)?;
    let [vanished, new] = names.only.clone();
    (report.vanished, report.new, report.skipped) = (vanished, new, names.skipped.clone());
    Ok(report)
}

/// A column of both sides.
pub(super) fn pair(sides: [&Columns; 2], name: &str) -> Result<Pair, EngineError> {
    Ok(Pair { name: name.to_owned(), reference: sides[0].column(name)?, current: sides[1].column(name)? })
}

/// Compares the rows of each of the most frequent values of a column by themselves.
pub(super) fn compare_segments(
    sides: [&Columns; 2],
    names: &Names,
    by: &str,
    segments_max: usize,
    options: &Options,
    threads: usize,
) -> Result<Segments, EngineError> {
    let (values, others) = values_of(sides, by, segments_max)?;
    let names: Vec<&String> = names.common.iter().filter(|name| *name != by).collect();
    let (columns, segments) = (names.len(), values.len());
    // Segments of a column come one after the other, so that each column is read once.
    let cache: Vec<Mutex<Cached>> =
        (0..columns).map(|_| Mutex::new(Cached { left: segments, sides: None })).collect();
    let read = |at: usize| {
        let name = names[at / segments];
        let whole = Cached::take(&cache[at / segments], || whole_pair(sides, name))?;
        let rows = &values[at % segments].rows;
        let part = |side: usize| {
            take(&whole[side], &rows[side], None)
                .map(|part| vec![part])
                .map_err(|error| EngineError::Blocks(error.to_string()))
        };
        Ok::<_, EngineError>(Pair { name: name.clone(), reference: part(0)?, current: part(1)? })
    };
    let report = compare_columns(columns * segments, read, options, threads)?;
    let mut by_segment: Vec<Vec<Column>> = values.iter().map(|_| Vec::with_capacity(columns)).collect();
    for (at, column) in report.columns.into_iter().enumerate() {
        by_segment[at % segments].push(column);
    }
    let mut found: Vec<Segment> = values
        .into_iter()
        .zip(by_segment)
        .map(|(value, columns)| Segment {
            verdict: columns.iter().map(|column| column.verdict).max().unwrap_or(Verdict::Undecided),
            rows: [0, 1].map(|side: usize| value.rows[side].len() as u64),
            value: value.text,
            columns,
        })
        .collect();
    // Equal ones stay in the order of their frequency.
    found.sort_by_key(|segment| {
        let drifted = segment.columns.iter().filter(|column| column.verdict == Verdict::Drifted).count();
        (std::cmp::Reverse(segment.verdict), std::cmp::Reverse(drifted))
    });
    Ok(Segments { column: by.to_owned(), segments: found, others })
}

/// A column of both sides in one piece each, as long as segments of it are wanted.
struct Cached {
    left: usize,
    sides: Option<Arc<[ArrayRef; 2]>>,
}

impl Cached {
    fn take(
        cached: &Mutex<Self>,
        read: impl FnOnce() -> Result<[ArrayRef; 2], EngineError>,
    ) -> Result<Arc<[ArrayRef; 2]>, EngineError> {
        // A read that panicked has left nothing.
        let mut cached = cached.lock().unwrap_or_else(PoisonError::into_inner);
        let sides = match cached.sides.take() {
            Some(sides) => sides,
            None => Arc::new(read()?),
        };
        cached.left -= 1;
        if cached.left > 0 {
            cached.sides = Some(sides.clone());
        }
        Ok(sides)
    }
}

fn whole_pair(sides: [&Columns; 2], name: &str) -> Result<[ArrayRef; 2], EngineError> {
    let one = |side: &Columns| {
        let field =
            side.schema.field_with_name(name).map_err(|error| EngineError::Blocks(error.to_string()))?;
        whole(&side.column(name)?, field)
    };
    Ok([one(sides[0])?, one(sides[1])?])
}

/// A segment's value and where its rows are.
struct Value {
    text: String,
    rows: [UInt32Array; 2],
}

/// The most frequent values of a column, in the order of their frequency, and how many others there are.
fn values_of(sides: [&Columns; 2], by: &str, segments_max: usize) -> Result<(Vec<Value>, u64), EngineError> {
    let refused = |reason: String| DriftError::Segments { column: by.to_owned(), reason };
    let mut places: HashMap<String, [Vec<u32>; 2]> = HashMap::new();
    for (side, columns) in sides.into_iter().enumerate() {
        let field =
            columns.schema.field_with_name(by).map_err(|_| refused("a side does not have it".to_owned()))?;
        let is_fit = match field.data_type() {
            DataType::Dictionary(_, values) => values.is_string(),
            kind => {
                kind.is_string() || kind.is_integer() || matches!(kind, DataType::Boolean | DataType::Date32)
            }
        };
        if !is_fit {
            return Err(refused(format!("it is of type {}", field.data_type())).into());
        }
        let values = whole(&columns.column(by)?, field)?;
        let texts =
            cast(&values, &DataType::Utf8View).map_err(|error| EngineError::Blocks(error.to_string()))?;
        for (row, text) in texts.as_string_view().iter().enumerate() {
            let Some(text) = text else { continue };
            let row = u32::try_from(row).map_err(|_| refused("there are too many rows".to_owned()))?;
            if let Some(rows) = places.get_mut(text) {
                rows[side].push(row);
                continue;
            }
            if places.len() == VALUES_MAX {
                return Err(refused(format!("it has more than {VALUES_MAX} different values")).into());
            }
            places.entry(text.to_owned()).or_default()[side].push(row);
        }
    }
    let mut values: Vec<(String, [Vec<u32>; 2])> = places.into_iter().collect();
    if values.is_empty() {
        return Err(refused("it has no values".to_owned()).into());
    }
    values.sort_by(|(a_text, a), (b_text, b)| {
        let rows = |rows: &[Vec<u32>; 2]| rows[0].len() + rows[1].len();
        rows(b).cmp(&rows(a)).then(a_text.cmp(b_text))
    });
    let others = values.len().saturating_sub(segments_max) as u64;
    values.truncate(segments_max);
    let value = |(text, rows): (String, [Vec<u32>; 2])| Value { text, rows: rows.map(UInt32Array::from) };
    Ok((values.into_iter().map(value).collect(), others))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, RecordBatch, StringArray};

    use super::*;

    fn columns(rows: i64, word: &str) -> Columns {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
        let words: ArrayRef =
            Arc::new(StringArray::from_iter_values((0..rows).map(|at| if at % 4 == 0 { word } else { "b" })));
        let batch = RecordBatch::try_from_iter([("n", numbers), ("w", words)]).unwrap();
        Columns::of_batches(batch.schema(), vec![batch])
    }

    #[test]
    fn more_rows_than_memory_are_refused_and_some_take_fewer_threads() {
        let (reference, current) = (columns(10_000, "a"), columns(10_000, "a"));
        let sides = [&reference, &current];
        let held = reference.bytes_held() + current.bytes_held();
        let one = 20_000 * ROW_BYTES;
        assert_eq!(threads_with_room(sides, 8, held + 3 * one).unwrap(), 3);
        assert_eq!(threads_with_room(sides, 2, held + 100 * one).unwrap(), 2);
        let refused = threads_with_room(sides, 2, held + one / 2).unwrap_err();
        assert_eq!(hanok_error::Coded::code(&refused).0, "HK1842");
    }

    #[test]
    fn segments_are_the_most_frequent_values() {
        let (reference, current) = (columns(400, "a"), columns(400, "c"));
        let sides = [&reference, &current];
        let names = Names::new(sides, &[]).unwrap();
        let found = compare_segments(sides, &names, "w", 2, &Options::default(), 2).unwrap();
        let rows: Vec<_> = found.segments.iter().map(|one| (one.value.as_str(), one.rows)).collect();
        assert_eq!((rows, found.others), (vec![("b", [300, 300]), ("a", [100, 0])], 1));
        assert_eq!(found.segments[0].columns.len(), 1);
        assert!(compare_segments(sides, &names, "x", 2, &Options::default(), 2).is_err());
        assert!(Names::new(sides, &["x".to_owned()]).is_err());
    }
}
