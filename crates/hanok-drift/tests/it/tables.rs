//! Tables of columns, compared.

use arrow::array::{ArrayRef, RecordBatch};
use hanok_drift::{Column, Options, Report, compare};

pub(crate) fn table(columns: Vec<(&str, ArrayRef)>) -> Vec<RecordBatch> {
    vec![RecordBatch::try_from_iter(columns).unwrap()]
}

pub(crate) fn report(reference: Vec<(&str, ArrayRef)>, current: Vec<(&str, ArrayRef)>) -> Report {
    compare(&table(reference), &table(current), &Options::default(), 2).unwrap()
}

/// Compares one column.
pub(crate) fn column(reference: ArrayRef, current: ArrayRef) -> Column {
    report(vec![("c", reference)], vec![("c", current)]).columns.remove(0)
}
