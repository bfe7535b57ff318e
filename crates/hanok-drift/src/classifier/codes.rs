//! Columns as small codes.

use arrow::array::{Array, ArrayRef, RecordBatch, StringViewArray, UInt64Array};
use arrow::compute::{cast, take};
use arrow::datatypes::DataType;

use super::ClassifierError;
use crate::categories::Places;
use crate::column::{self, Kind};
use crate::error::CompareError;

/// Codes of a column: 0 for missing, others for bins or categories. As many as a word has bits.
pub(super) const CODES: usize = 64;
/// Codes of values.
const VALUES: usize = CODES - 1;

/// Sampled rows of both sides, column after column, the reference's rows first.
pub(super) struct Codes {
    pub(super) names: Vec<String>,
    pub(super) of: Vec<Vec<u8>>,
    /// Codes without an order.
    pub(super) is_category: Vec<bool>,
    pub(super) is_current: Vec<bool>,
}

impl Codes {
    /// Some rows of each side, ascending, of those named columns that have codes.
    pub(super) fn new(
        sides: [&[RecordBatch]; 2],
        names: &[&str],
        rows: [Vec<usize>; 2],
    ) -> Result<Codes, ClassifierError> {
        let mut codes = Codes {
            names: Vec::new(),
            of: Vec::new(),
            is_category: Vec::new(),
            is_current: [false, true]
                .into_iter()
                .zip(&rows)
                .flat_map(|(is_current, rows)| std::iter::repeat_n(is_current, rows.len()))
                .collect(),
        };
        for name in names {
            let mut chunks = Vec::new();
            for (side, rows) in sides.iter().zip(&rows) {
                chunks.extend(picked(side, name, rows)?);
            }
            let kinds: Vec<Option<Kind>> = chunks.iter().map(|chunk| Kind::of(chunk.data_type())).collect();
            let is_category = match kinds.first() {
                Some(first) if kinds.iter().any(|kind| kind != first) => continue,
                Some(Some(Kind::Numbers)) => false,
                Some(Some(Kind::Booleans | Kind::Texts)) => true,
                _ => continue,
            };
            codes.names.push((*name).to_owned());
            codes.is_category.push(is_category);
            codes.of.push(if is_category { categories(&chunks)? } else { numbers(&chunks)? });
        }
        if codes.of.is_empty() { Err(ClassifierError::NoColumns) } else { Ok(codes) }
    }
}

/// The chosen rows of a column.
fn picked(batches: &[RecordBatch], name: &str, rows: &[usize]) -> Result<Vec<ArrayRef>, ClassifierError> {
    let (mut start, mut next) = (0, 0);
    let mut chunks = Vec::new();
    for batch in batches {
        let end = start + batch.num_rows();
        let count = rows[next..].partition_point(|row| *row < end);
        let places: UInt64Array = rows[next..next + count].iter().map(|row| (row - start) as u64).collect();
        let column =
            batch.column_by_name(name).ok_or_else(|| ClassifierError::NoColumn((*name).to_owned()))?;
        chunks.push(take(column, &places, None).map_err(CompareError::from)?);
        (start, next) = (end, next + count);
    }
    Ok(chunks)
}

/// Values by bins of about as many rows each, few values by a bin each.
fn numbers(chunks: &[ArrayRef]) -> Result<Vec<u8>, CompareError> {
    let mut values = Vec::new();
    for chunk in chunks {
        values.extend(column::numbers(chunk)?.iter().map(|value| value.unwrap_or(f64::NAN)));
    }
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let cuts = cuts(&sorted);
    let code = |value: &f64| {
        if value.is_nan() { 0 } else { 1 + cuts.partition_point(|cut| cut < value) as u8 }
    };
    Ok(values.iter().map(code).collect())
}

/// The largest value of each bin but the last.
fn cuts(sorted: &[f64]) -> Vec<f64> {
    let mut distinct = sorted.to_vec();
    distinct.dedup();
    if distinct.len() > VALUES {
        distinct = (1..=VALUES).map(|bin| sorted[bin * sorted.len() / VALUES - 1]).collect();
        distinct.dedup();
    }
    distinct.pop();
    distinct
}

/// Categories, the most frequent one first; what is left for the last code counts together.
fn categories(chunks: &[ArrayRef]) -> Result<Vec<u8>, CompareError> {
    let as_texts = |chunk: &ArrayRef| {
        let is_boolean = chunk.data_type() == &DataType::Boolean;
        Ok::<_, CompareError>(if is_boolean { cast(chunk, &DataType::Utf8)? } else { chunk.clone() })
    };
    let chunks = chunks.iter().map(as_texts).collect::<Result<Vec<_>, _>>()?;
    let texts: Vec<StringViewArray> = column::texts(&chunks)?;
    let mut places = Places::default();
    let mut of_row: Vec<Option<u32>> = Vec::new();
    for chunk in &texts {
        let start = of_row.len();
        of_row.resize(start + chunk.len(), None);
        places.each(chunk, usize::MAX, |row, place| of_row[start + row] = Some(place));
    }
    let mut counts = vec![0_u64; places.names.len()];
    of_row.iter().flatten().for_each(|place| counts[*place as usize] += 1);
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by(|a, b| counts[*b].cmp(&counts[*a]).then(places.names[*a].cmp(places.names[*b])));
    let mut codes = vec![0_u8; order.len()];
    for (at, place) in order.into_iter().enumerate() {
        codes[place] = 1 + at.min(VALUES - 1) as u8;
    }
    Ok(of_row.into_iter().map(|place| place.map_or(0, |place| codes[place as usize])).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{BooleanArray, Float64Array, StringArray};

    use super::*;

    #[test]
    fn values_have_the_order_of_their_codes_and_missing_ones_a_code_of_their_own() {
        let few = Arc::new(Float64Array::from(vec![
            Some(5.0),
            None,
            Some(f64::NAN),
            Some(-1.0),
            Some(f64::INFINITY),
        ]));
        assert_eq!(numbers(&[few as ArrayRef]).unwrap(), [2, 0, 0, 1, 3]);
        let many = Arc::new(Float64Array::from_iter_values((0..1000).rev().map(f64::from)));
        let found = numbers(&[many as ArrayRef]).unwrap();
        assert!(found.is_sorted_by(|a, b| a >= b) && found[0] == 63 && found[999] == 1);
        let largest = (1..=63).map(|code| found.iter().filter(|other| **other == code).count()).max();
        assert_eq!(largest, Some(16));
    }

    #[test]
    fn categories_are_numbered_by_frequency() {
        let words = |values: Vec<Option<&str>>| Arc::new(StringArray::from(values)) as ArrayRef;
        let chunks = [words(vec![Some("b"), Some("가"), None]), words(vec![Some("b"), Some("a")])];
        assert_eq!(categories(&chunks).unwrap(), [1, 3, 0, 1, 2]);
        let booleans = Arc::new(BooleanArray::from(vec![true, true, false])) as ArrayRef;
        assert_eq!(categories(&[booleans]).unwrap(), [1, 1, 2]);
        let many = (0..200).map(|at| Some(format!("{at}"))).collect::<StringArray>();
        assert_eq!(categories(&[Arc::new(many) as ArrayRef]).unwrap().iter().max(), Some(&63));
    }
}
