//! Groups of rows that are alike in one column.

use std::collections::HashMap;

use arrow::array::{Array, RecordBatch};
use arrow::compute::{SortOptions, sort};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use hanok_charts::number;

use super::{ViewError, floats, input_column, is_ordered, sample};
use crate::explanation::Explanation;

/// Most groups: as many as there are colours that can be told apart.
pub const COHORTS_MAX: usize = 6;
/// Parts of a column of numbers.
const PARTS: usize = 4;
/// Rows that the bounds of these parts are computed of.
const BOUND_ROWS: usize = 100_000;
/// Different values of a column of text that are counted.
const VALUES_MAX: usize = 100_000;

/// Groups of rows: by value of a column of text or of few numbers, by quarters of one of many numbers.
#[derive(Clone, Debug)]
pub struct Cohorts {
    column: String,
    names: Vec<String>,
    groups: Groups,
    missing: String,
}

#[derive(Clone, Debug)]
enum Groups {
    /// By the text of the value; others, if any, are in the last group.
    Values(HashMap<String, usize>),
    /// By the upper bounds of all groups but the last two: what is above them, and rows without a number.
    Bounds(Vec<f64>),
}

/// Names of the groups that no value names.
#[derive(Clone, Debug)]
pub struct Rest<'a> {
    /// Values that are too many to have a group each.
    pub others: &'a str,
    /// No value.
    pub missing: &'a str,
}

impl Cohorts {
    /// The groups of a column of an explanation: of a key, or of a feature's own values. Reads the column once.
    pub fn new(explanation: &Explanation, name: &str, rest: &Rest) -> Result<Self, ViewError> {
        let column = input_column(explanation, name)?.to_owned();
        let mut counts: HashMap<String, u64> = HashMap::new();
        let mut data_type = DataType::Null;
        for batch in explanation.batches(&[&column])? {
            let batch = batch?;
            data_type = batch.column(0).data_type().clone();
            for text in texts(batch.column(0), rest.missing)? {
                *counts.entry(text).or_default() += 1;
            }
            if is_ordered(&data_type) && counts.len() > COHORTS_MAX {
                return Self::quarters(explanation, column, rest);
            }
            if counts.len() > VALUES_MAX {
                return Err(ViewError::Request(format!(
                    "the column `{name}` has more than {VALUES_MAX} different values, too many for cohorts"
                )));
            }
        }
        if counts.is_empty() {
            return Err(ViewError::Request("the explanation has no rows".to_owned()));
        }
        Ok(Self::values(column, counts, &data_type, rest))
    }

    fn values(column: String, counts: HashMap<String, u64>, data_type: &DataType, rest: &Rest) -> Self {
        let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let has_others = counts.len() > COHORTS_MAX;
        if has_others {
            counts.truncate(COHORTS_MAX - 1);
        } else if is_ordered(data_type) {
            let number = |text: &str| text.parse().unwrap_or(f64::INFINITY);
            counts.sort_by(|a, b| number(&a.0).total_cmp(&number(&b.0)).then_with(|| a.0.cmp(&b.0)));
        }
        let mut names: Vec<String> = counts.into_iter().map(|(name, _)| name).collect();
        let groups = names.iter().cloned().enumerate().map(|(at, name)| (name, at)).collect();
        names.extend(has_others.then(|| rest.others.to_owned()));
        Self { column, names, groups: Groups::Values(groups), missing: rest.missing.to_owned() }
    }

    /// Quarters of the rows, by a column's numbers or times.
    fn quarters(explanation: &Explanation, column: String, rest: &Rest) -> Result<Self, ViewError> {
        let rows = sample(explanation, &[&column], BOUND_ROWS)?;
        let options = SortOptions { descending: false, nulls_first: false };
        let sorted = sort(rows.column(0), Some(options))?;
        let known = sorted.len() - sorted.null_count();
        let sorted = RecordBatch::try_from_iter([(column.as_str(), sorted)])?;
        let numbers = floats(&sorted, &column)?;
        let known = numbers.values()[..known].partition_point(|number| !number.is_nan());
        let text = texts(sorted.column(0), rest.missing)?;
        let mut bounds: Vec<(f64, &str)> = (1..PARTS)
            .map(|part| (known * part / PARTS).saturating_sub(1))
            .filter(|at| *at < known)
            .map(|at| (numbers.value(at), text[at].as_str()))
            .collect();
        bounds.dedup_by(|a, b| a.0 <= b.0);
        // What is above the largest would be a group of nobody.
        let largest = known.checked_sub(1).map(|at| numbers.value(at));
        bounds.retain(|(bound, _)| largest.is_some_and(|largest| *bound < largest));
        let mut names = Vec::new();
        let mut below = String::new();
        for (_, bound) in &bounds {
            let bound = short(bound);
            names.push(if below.is_empty() {
                format!("≤ {bound}")
            } else {
                format!("> {below}, ≤ {bound}")
            });
            below = bound;
        }
        names.push(if below.is_empty() { column.clone() } else { format!("> {below}") });
        names.push(rest.missing.to_owned());
        let groups = Groups::Bounds(bounds.into_iter().map(|(bound, _)| bound).collect());
        Ok(Self { column, names, groups, missing: rest.missing.to_owned() })
    }

    /// The column of the file.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// The groups' names. The rows of a group can be none.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Each row's group, as a place in the names. The batch has the column.
    pub fn members(&self, batch: &RecordBatch) -> Result<Vec<usize>, ViewError> {
        let last = self.names.len() - 1;
        match &self.groups {
            Groups::Values(groups) => {
                let at = batch.schema_ref().index_of(&self.column)?;
                let texts = texts(batch.column(at), &self.missing)?;
                Ok(texts.iter().map(|text| groups.get(text).copied().unwrap_or(last)).collect())
            }
            Groups::Bounds(bounds) => {
                let group = |number: &f64| {
                    if number.is_nan() { last } else { bounds.partition_point(|bound| bound < number) }
                };
                Ok(floats(batch, &self.column)?.values().iter().map(group).collect())
            }
        }
    }
}

/// Values as text.
pub(crate) fn texts(array: &dyn Array, missing: &str) -> Result<Vec<String>, ViewError> {
    let options = FormatOptions::new().with_null(missing);
    let formatter = ArrayFormatter::try_new(array, &options)?;
    let is_float = array.data_type().is_floating();
    let text = |row| {
        let text = formatter.value(row).to_string();
        match text.strip_suffix(".0") {
            Some(whole) if is_float => whole.to_owned(),
            _ if is_float && text == "NaN" => missing.to_owned(),
            _ => text,
        }
    };
    Ok((0..array.len()).map(text).collect())
}

/// A number as charts write it, other text as it is: floating point comes with all its digits. Whole numbers can be years,
/// which have no commas.
pub(crate) fn short(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(value) if text.contains(['.', 'e']) && value.is_finite() && value.abs() < 1e15 => {
            if value.fract() == 0.0 { format!("{value:.0}") } else { number(value) }
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_shortened_and_other_text_is_not() {
        let texts =
            ["2013.0", "-7.123456789", "1.5e-9", "2013-01-02T00:00:00.5", "B6", "0.30000001192092896"];
        assert_eq!(texts.map(short), ["2013", "−7.12", "1.5×10⁻⁹", "2013-01-02T00:00:00.5", "B6", "0.3"]);
    }
}
