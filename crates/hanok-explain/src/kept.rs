//! Rows that are kept of many, by a rank: those of the lowest ranks.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch, RecordBatchOptions, UInt64Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;

/// The rows with the lowest ranks of all that have been seen; equal ranks in the order of the rows. Twice as many are in
/// memory at most, and those of one block.
#[derive(Debug)]
pub(crate) struct Kept {
    rows_max: usize,
    /// Rank and number, counted from 0, of each row of `rows`.
    ranks: Vec<(f64, u64)>,
    rows: RecordBatch,
    seen: u64,
    /// No later row of this rank or a higher one is kept.
    bar: f64,
}

impl Kept {
    pub(crate) fn new(rows_max: usize, schema: SchemaRef) -> Self {
        let rows = RecordBatch::new_empty(schema);
        Self { rows_max, ranks: Vec::new(), rows, seen: 0, bar: f64::INFINITY }
    }

    /// Looks at a block, whose rows have these ranks; a row whose rank is not below infinity is never kept.
    pub(crate) fn look(&mut self, block: &RecordBatch, ranks: impl Fn(u64) -> f64) -> Result<(), ArrowError> {
        let mut taken = Vec::new();
        for at in 0..block.num_rows() as u64 {
            let rank = ranks(at);
            if self.rows_max > 0 && rank < self.bar {
                taken.push(at);
                self.ranks.push((rank, self.seen + at));
            }
        }
        self.seen += block.num_rows() as u64;
        if taken.is_empty() {
            return Ok(());
        }
        let block = without_others(&take_record_batch(block, &UInt64Array::from(taken))?)?;
        self.rows = concat_batches(&block.schema(), [&self.rows, &block])?;
        if self.ranks.len() > self.rows_max.saturating_mul(2) {
            self.cut()?;
        }
        Ok(())
    }

    /// Leaves as many as are wanted, sorted by rank.
    fn cut(&mut self) -> Result<(), ArrowError> {
        let mut order: Vec<usize> = (0..self.ranks.len()).collect();
        let key = |at: &usize| self.ranks[*at];
        order.sort_by(|a, b| key(a).0.total_cmp(&key(b).0).then(key(a).1.cmp(&key(b).1)));
        order.truncate(self.rows_max);
        self.reorder(&order)?;
        if self.ranks.len() == self.rows_max {
            self.bar = self.ranks.last().map_or(self.bar, |last| last.0);
        }
        Ok(())
    }

    fn reorder(&mut self, order: &[usize]) -> Result<(), ArrowError> {
        self.ranks = order.iter().map(|at| self.ranks[*at]).collect();
        let places = UInt64Array::from_iter_values(order.iter().map(|at| *at as u64));
        self.rows = without_others(&take_record_batch(&self.rows, &places)?)?;
        Ok(())
    }

    /// The rows and their numbers, counted from 0, the lowest rank first.
    pub(crate) fn by_rank(mut self) -> Result<(RecordBatch, Vec<u64>), ArrowError> {
        self.cut()?;
        Ok((self.rows, self.ranks.into_iter().map(|(_, row)| row).collect()))
    }

    /// The same in the order in which they were seen.
    pub(crate) fn by_row(mut self) -> Result<(RecordBatch, Vec<u64>), ArrowError> {
        self.cut()?;
        let mut order: Vec<usize> = (0..self.ranks.len()).collect();
        order.sort_unstable_by_key(|at| self.ranks[*at].1);
        self.reorder(&order)?;
        Ok((self.rows, self.ranks.into_iter().map(|(_, row)| row).collect()))
    }
}

/// Views of texts hold on to those of all rows that were in memory with theirs: some rows of each block would be all blocks.
fn without_others(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let column = |column: &ArrayRef| -> ArrayRef {
        match column.data_type() {
            DataType::Utf8View => Arc::new(column.as_string_view().gc()),
            DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
            _ => column.clone(),
        }
    };
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(rows.schema(), rows.columns().iter().map(column).collect(), &options)
}

/// A number in [0, 1) that looks random and is the same for a row of a seed every time: the ranks of a sample. The
/// finalizer of SplitMix64 (Steele, Lea and Flood 2014).
pub(crate) fn drawn(seed: u64, row: u64) -> f64 {
    let mut z = seed ^ row.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use arrow::array::StringViewArray;
    use arrow::datatypes::UInt64Type;
    use proptest::prelude::*;

    use super::*;

    fn block(numbers: std::ops::Range<u64>) -> RecordBatch {
        let column: ArrayRef = Arc::new(UInt64Array::from_iter_values(numbers));
        RecordBatch::try_from_iter([("row", column)]).unwrap()
    }

    proptest! {
        #[test]
        fn the_lowest_of_all_are_kept_whatever_the_blocks(
            ranks in prop::collection::vec(prop_oneof![(0..9).prop_map(f64::from), Just(f64::INFINITY), Just(f64::NAN)], 0..60),
            size in 1_usize..20,
            most in 0_usize..12,
        ) {
            let mut kept = Kept::new(most, block(0..0).schema());
            for begin in (0..ranks.len()).step_by(size) {
                let end = (begin + size).min(ranks.len());
                kept.look(&block(begin as u64..end as u64), |at| ranks[begin + at as usize]).unwrap();
            }
            let mut expected: Vec<usize> = (0..ranks.len()).filter(|at| ranks[*at] < f64::INFINITY).collect();
            expected.sort_by(|a, b| ranks[*a].total_cmp(&ranks[*b]));
            expected.truncate(most);
            let (rows, numbers) = kept.by_rank().unwrap();
            prop_assert_eq!(rows.column(0).as_primitive::<UInt64Type>().values().to_vec(), numbers.clone());
            prop_assert_eq!(numbers, expected.into_iter().map(|at| at as u64).collect::<Vec<_>>());
        }
    }

    #[test]
    fn texts_of_rows_that_are_not_kept_are_let_go() {
        let block = |number: u64| {
            let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values(
                (0..1000).map(|row| format!("a text that no view holds, {number} {row}")),
            ));
            RecordBatch::try_from_iter([("text", texts)]).unwrap()
        };
        let mut kept = Kept::new(20, block(0).schema());
        for number in 0..200 {
            kept.look(&block(number), |row| drawn(number, row)).unwrap();
        }
        let held = kept.rows.get_array_memory_size();
        assert!(held < 20_000, "{held}");
        let (rows, numbers) = kept.by_row().unwrap();
        let text = format!("a text that no view holds, {} {}", numbers[7] / 1000, numbers[7] % 1000);
        assert_eq!(rows.column(0).as_string_view().value(7), text);
    }

    #[test]
    fn a_draw_is_even_and_its_own_for_a_seed() {
        let mean = |seed| (0..10_000).map(|row| drawn(seed, row)).sum::<f64>() / 10_000.0;
        assert!((mean(0) - 0.5).abs() < 0.02 && (mean(7) - 0.5).abs() < 0.02);
        assert!((0..100).any(|row| drawn(0, row) > drawn(0, row + 1)));
        assert!((drawn(0, 5) - drawn(1, 5)).abs() > 1e-6);
    }
}
