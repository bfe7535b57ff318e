//! Sources that yield batches: one pass, in which the values of rows that are the best of their slot so far are copied.

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::DataType;

use crate::error::{PitError, Result, convert};
use crate::gather::{converted, join_pieces};
use crate::index::EntityIndex;
use crate::scan::{Matching, Scanned};
use crate::slots::Slots;
use crate::spec::BatchSource;
use crate::table::Scratch;

/// Copied rows that may go stale before they are dropped, as a multiple of the rows still in use; and a floor.
const STALE_FACTOR: usize = 1;
const STALE_ROWS_MIN: usize = 65_536;

/// Values copied so far: pieces in order of copying, and for each slot the copied row + 1.
struct Copied {
    pieces: Vec<Vec<ArrayRef>>,
    row_of: Vec<u32>,
    rows: usize,
    used: usize,
}

impl Copied {
    /// Keeps only rows that slots point to.
    fn compact(&mut self, types: &[DataType], names: &[&str]) -> Result<()> {
        let mut rows: Vec<u32> = Vec::with_capacity(self.used);
        for row in self.row_of.iter_mut().filter(|row| **row != 0) {
            rows.push(*row - 1);
            *row = rows.len() as u32;
        }
        self.rows = rows.len();
        let rows = UInt32Array::from(rows);
        for ((pieces, data_type), name) in self.pieces.iter_mut().zip(types).zip(names) {
            let all = join_pieces(pieces, data_type, name)?;
            *pieces = vec![take(&all, &rows, None).map_err(convert(name))?];
        }
        Ok(())
    }
}

/// Finds the winners of the indexed entity rows, copying values: `winners[entity row]` = row of the yielded columns +
/// `base` + 1. `types` are the types of the view's values.
pub(crate) fn find_winners(
    source: &dyn BatchSource,
    matching: &Matching<'_>,
    types: &[DataType],
    index: &EntityIndex,
    base: u64,
    winners: &mut [u64],
) -> Result<(Vec<ArrayRef>, Scanned)> {
    let view = matching.view;
    let names: Vec<&str> = view.values.iter().map(|value| value.source.as_str()).collect();
    let mut scanned = Scanned::default();
    let Some(window) = index.window(view.ttl_us.filter(|ttl| *ttl > 0)) else {
        return Ok((
            names.iter().zip(types).map(|(n, t)| join_pieces(&[], t, n)).collect::<Result<_>>()?,
            scanned,
        ));
    };
    let mut slots = Slots::new(index.slots(), matching.order());
    slots.read_created_along();
    let mut scratch = Scratch::default();
    let mut copied =
        Copied { pieces: vec![Vec::new(); names.len()], row_of: vec![0; index.slots()], rows: 0, used: 0 };
    let mut improved = Vec::new();
    let mut first_row = 0_u64;
    for batch in source.open()? {
        let batch = batch?;
        let place = format!("the source of `{}`", view.name);
        improved.clear();
        let state = (&mut slots, &mut scratch);
        matching.offer(&batch, first_row, &place, index, window, state, Some(&mut improved))?;
        improved.sort_unstable();
        improved.dedup();
        let rows: UInt32Array = improved
            .iter()
            .map(|slot| (slots.best[*slot as usize].row - 1 - first_row) as u32)
            .collect::<Vec<_>>()
            .into();
        for ((pieces, name), data_type) in copied.pieces.iter_mut().zip(&names).zip(types) {
            let column = batch.column_by_name(name).ok_or_else(|| PitError::MissingColumn {
                column: (*name).to_owned(),
                place: place.clone(),
                known: batch.schema_ref().fields().iter().map(|field| field.name().clone()).collect(),
            })?;
            let values = take(column, &rows, None).map_err(convert(name))?;
            pieces.push(converted(&values, data_type, name)?);
        }
        if copied.rows + improved.len() >= u32::MAX as usize {
            let count = (copied.rows + improved.len()) as u64;
            return Err(PitError::Limit { what: "copied feature rows", count, max: u64::from(u32::MAX) });
        }
        for slot in &improved {
            copied.rows += 1;
            let row_of = &mut copied.row_of[*slot as usize];
            copied.used += usize::from(*row_of == 0);
            *row_of = copied.rows as u32;
        }
        first_row += batch.num_rows() as u64;
        if copied.rows - copied.used > (copied.used * STALE_FACTOR).max(STALE_ROWS_MIN) {
            copied.compact(types, &names)?;
        }
    }
    scanned.rows = first_row;
    slots.carry_forward(index, window, view.as_known_at, |slot, winner| {
        if let Some(winner) = winner {
            winners[index.rows[slot] as usize] = base + u64::from(copied.row_of[winner]);
        }
    });
    let columns = copied.pieces.iter().zip(types).zip(&names);
    Ok((columns.map(|((pieces, t), name)| join_pieces(pieces, t, name)).collect::<Result<_>>()?, scanned))
}
