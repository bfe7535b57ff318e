//! Merging a table row by row, where its key tells rows apart.
//!
//! Three sets of rows are read, sorted by key: what the branch's base has in files that the branch took away, what the
//! branch has in files of its own, and what the target has in files that either of them does not share with the base.
//! All other rows are the same on all sides. Of each key there is then at most one row a side: a row that the branch
//! changed is taken when the target's is still that of the base, is no news when the target's is the same, and is a
//! conflict otherwise.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use arrow::array::{Array as _, AsArray as _, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Int64Type, SchemaRef};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use async_trait::async_trait;
use deltalake::kernel::Action;
use futures::TryStreamExt as _;
use futures::stream::BoxStream;
use hanok_types::{Id, TableName};

use super::replay::{Delta, FileKey};
use crate::schema::{evolve, normalize};
use crate::{Lake, LakeError, Table, TableWriter, WriterOptions};

/// The column of [`RowSort`]'s result that says which side a row is of, by its number in the list.
pub const SIDE_COLUMN: &str = "_hanok_side";
/// Columns of Hanok's own, such as the id of the load that brought a row, do not make a row another one.
const OWN_PREFIX: &str = "_hanok_";
/// Keys shown of those in conflict.
const KEYS_SHOWN_MAX: usize = 5;

const BASE: i64 = 0;
const OURS: i64 = 1;
const THEIRS: i64 = 2;

/// Some data files of a table at one version.
#[derive(Clone, Debug)]
pub struct SideRows {
    /// The table, loaded at the version.
    pub table: Table,
    /// The files' paths; deletion vectors count.
    pub paths: Vec<String>,
}

/// Batches as they come.
pub type SortedRows = BoxStream<'static, Result<RecordBatch, LakeError>>;

/// Sorts more rows than fit into memory: what a merge of rows asks of a query engine.
#[async_trait]
pub trait RowSort: Send + Sync {
    /// The rows of all sides with the columns `columns` by name (null where a file has none) and [`SIDE_COLUMN`], an
    /// `int64`; sorted by `key`, and by side within a key.
    async fn sort_rows(
        &self,
        sides: Vec<SideRows>,
        columns: SchemaRef,
        key: &[String],
    ) -> Result<SortedRows, LakeError>;
}

/// Rows that a merge by key brings into the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct RowCounts {
    /// Rows that it did not have.
    pub added: u64,
    /// Rows that become others of the same key.
    pub changed: u64,
    /// Rows that go.
    pub removed: u64,
}

impl RowCounts {
    fn is_zero(self) -> bool {
        self == Self::default()
    }
}

/// What came of comparing rows.
#[derive(Debug, Default)]
pub(super) struct RowOutcome {
    /// What is taken from the branch.
    pub(super) taken: RowCounts,
    /// Rows that both sides changed in the same way.
    pub(super) same: u64,
    /// Rows that both sides changed otherwise.
    pub(super) conflicts: u64,
    /// The first of their keys, and what each side did.
    pub(super) shown: Vec<String>,
    /// Why the key does not tell rows apart.
    pub(super) refused: Option<String>,
}

impl RowOutcome {
    /// The conflicting keys for people.
    pub(super) fn keys(&self) -> String {
        let mut text = self.shown.join("; ");
        let more = self.conflicts - self.shown.len() as u64;
        if more > 0 {
            // Writing into a string does not fail.
            let _ = write!(text, "; and {more} more");
        }
        text
    }
}

/// Merged rows in files that nobody sees yet.
pub(super) struct Written {
    pub(super) outcome: RowOutcome,
    /// What makes them the target's, in the place of the files that they were merged from.
    pub(super) actions: Vec<Action>,
}

/// The rows of one table that a merge has to look at.
pub(super) struct RowPlan {
    key: Vec<String>,
    sides: [SideRows; 3],
    columns: SchemaRef,
    /// Of the target, in the place of which the merged rows come.
    replaced: Vec<Action>,
    /// Whether both sides took a file of the base away.
    pub(super) same_file: bool,
}

/// Where the sides of a table are.
pub(super) struct Place<'a> {
    pub(super) name: &'a TableName,
    pub(super) branch: &'a Lake,
    pub(super) source: Id,
    /// The version of the branch that the target has.
    pub(super) base: u64,
    pub(super) target: &'a Lake,
    pub(super) directory: Id,
    /// The target's version.
    pub(super) before: u64,
}

impl Place<'_> {
    /// The target as it was before the merge.
    pub(super) async fn target_table(&self) -> Result<Table, LakeError> {
        let mut table = self.target.handle(self.name, self.directory)?;
        table.load_at(self.before).await?;
        Ok(table)
    }

    async fn source_table(&self, version: u64) -> Result<Table, LakeError> {
        let mut table = self.branch.handle(self.name, self.source)?;
        table.load_at(version).await?;
        Ok(table)
    }
}

/// The files of a table as its log tells them apart.
pub(super) async fn file_keys(table: &Table) -> Result<BTreeSet<FileKey>, LakeError> {
    Ok(table.files().await?.into_iter().map(|file| (file.path, file.deletions)).collect())
}

fn paths<'a>(keys: impl Iterator<Item = &'a FileKey>) -> Vec<String> {
    keys.map(|(path, _)| path.clone()).collect()
}

impl RowPlan {
    /// Finds the files whose rows are to be compared, or says why a key does not help.
    pub(super) async fn read(
        place: &Place<'_>,
        key: Vec<String>,
        ours: &Delta,
    ) -> Result<Result<Self, String>, LakeError> {
        let (base, now) = (place.source_table(place.base).await?, place.source_table(ours.version).await?);
        let target = place.target_table().await?;
        let (Some(our_columns), Some(their_columns)) = (now.schema()?, target.schema()?) else {
            return Ok(Err("the table has no columns".to_owned()));
        };
        let columns = match evolve(&place.name.to_string(), &their_columns, &our_columns) {
            Ok(evolution) => evolution.schema,
            Err(error) => return Ok(Err(error.to_string())),
        };
        if let Some(missing) = key.iter().find(|column| their_columns.field_with_name(column).is_err()) {
            return Ok(Err(format!("there is no column `{missing}`")));
        }
        if !target.partition_columns()?.is_empty() {
            return Ok(Err("the table is partitioned, which only other tools write".to_owned()));
        }
        let (at_base, there) = (file_keys(&base).await?, file_keys(&target).await?);
        let looked_at = |file: &FileKey| !at_base.contains(file) || ours.removed.contains_key(file);
        let theirs: BTreeSet<FileKey> = there.iter().filter(|file| looked_at(file)).cloned().collect();
        let their_paths: BTreeSet<&str> = theirs.iter().map(|(path, _)| path.as_str()).collect();
        let replaced = target.remove_actions(&|path| their_paths.contains(path)).await?;
        let same_file = ours.removed.keys().any(|file| !there.contains(file));
        let sides = [
            SideRows { table: base, paths: paths(ours.removed.keys()) },
            SideRows { table: now, paths: paths(ours.added.keys()) },
            SideRows { table: target, paths: paths(theirs.iter()) },
        ];
        Ok(Ok(Self { key, sides, columns, replaced, same_file }))
    }

    /// Compares, and changes nothing.
    pub(super) async fn check(&self, sort: &dyn RowSort) -> Result<RowOutcome, LakeError> {
        self.run(sort, None).await
    }

    /// Whether the branch has columns that the target does not have.
    pub(super) fn grows(&self) -> bool {
        let [.., target] = &self.sides;
        let there = target.table.schema().ok().flatten();
        there.is_none_or(|there| there.fields().len() < self.columns.fields().len())
    }

    /// Writes the merged rows into new files of the target. There are no actions when the branch has no news.
    pub(super) async fn write(&self, sort: &dyn RowSort, target: &Table) -> Result<Written, LakeError> {
        let mut writer = TableWriter::new(target, &self.columns, WriterOptions::default())?;
        let outcome = self.run(sort, Some(&mut writer)).await?;
        let staged = writer.finish().await?;
        if outcome.taken.is_zero() || outcome.conflicts > 0 || outcome.refused.is_some() {
            target.discard(staged).await;
            return Ok(Written { outcome, actions: Vec::new() });
        }
        let adds = staged.adds.into_iter().map(Action::Add);
        let actions = self.replaced.iter().cloned().chain(adds).collect();
        Ok(Written { outcome, actions })
    }

    async fn run(
        &self,
        sort: &dyn RowSort,
        mut writer: Option<&mut TableWriter>,
    ) -> Result<RowOutcome, LakeError> {
        let table = self.sides[0].table.name().to_string();
        let failed = |source| LakeError::Convert { table: table.clone(), source };
        let mut rows = sort.sort_rows(self.sides.to_vec(), self.columns.clone(), &self.key).await?;
        let mut merger = Merger::new(self.columns.clone(), &self.key).map_err(failed)?;
        while let Some(batch) = rows.try_next().await? {
            let merged = merger.push(batch).map_err(failed)?;
            if merger.outcome.refused.is_some() {
                return Ok(merger.outcome);
            }
            if let (Some(writer), Some(merged)) = (writer.as_deref_mut(), merged) {
                writer.write(merged).await?;
            }
        }
        let merged = merger.finish().map_err(failed)?;
        if let (Some(writer), Some(merged)) = (writer, merged) {
            writer.write(merged).await?;
        }
        Ok(merger.outcome)
    }
}

/// Merges sorted rows, batch by batch.
struct Merger {
    columns: SchemaRef,
    key: Vec<String>,
    keys: Converter,
    values: Converter,
    /// The rows of the last key, which may go on in the next batch.
    open: Option<RecordBatch>,
    outcome: RowOutcome,
}

/// Some columns of a batch as rows that can be compared.
struct Converter {
    columns: Vec<usize>,
    converter: RowConverter,
}

impl Converter {
    fn new(schema: &SchemaRef, columns: Vec<usize>) -> Result<Self, ArrowError> {
        let fields = columns.iter().map(|&at| SortField::new(schema.field(at).data_type().clone()));
        Ok(Self { converter: RowConverter::new(fields.collect())?, columns })
    }

    fn rows(&self, batch: &RecordBatch) -> Result<Rows, ArrowError> {
        let columns: Vec<_> = self.columns.iter().map(|&at| batch.column(at).clone()).collect();
        self.converter.convert_columns(&columns)
    }
}

impl Merger {
    /// For rows of `columns`, among which `key` is.
    fn new(columns: SchemaRef, key: &[String]) -> Result<Self, ArrowError> {
        let at = key.iter().map(|name| columns.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let fields = columns.fields().iter().enumerate();
        let values = fields.filter(|(_, field)| !field.name().starts_with(OWN_PREFIX)).map(|(at, _)| at);
        Ok(Self {
            keys: Converter::new(&columns, at)?,
            values: Converter::new(&columns, values.collect())?,
            key: key.to_vec(),
            columns,
            open: None,
            outcome: RowOutcome::default(),
        })
    }

    /// Takes the next rows, and returns those that the target has after the merge, as far as they are known.
    fn push(&mut self, batch: RecordBatch) -> Result<Option<RecordBatch>, ArrowError> {
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        let batch = match self.open.take() {
            Some(open) => concat_batches(&batch.schema(), [&open, &batch])?,
            None => batch,
        };
        self.merge(&batch, false)
    }

    fn finish(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        match self.open.take() {
            Some(open) => self.merge(&open, true),
            None => Ok(None),
        }
    }

    fn merge(&mut self, batch: &RecordBatch, last: bool) -> Result<Option<RecordBatch>, ArrowError> {
        let side = batch.schema().index_of(SIDE_COLUMN)?;
        let sides = batch.column(side).as_primitive_opt::<Int64Type>().cloned();
        let sides = sides.ok_or_else(|| ArrowError::SchemaError(format!("`{SIDE_COLUMN}` is no int64")))?;
        let wanted = self.columns.fields().iter().map(|field| batch.schema().index_of(field.name()));
        let rows = normalize(&batch.project(&wanted.collect::<Result<Vec<_>, _>>()?)?, &self.columns)?;
        let (keys, values) = (self.keys.rows(&rows)?, self.values.rows(&rows)?);
        let mut kept = Vec::new();
        let mut begin = 0;
        while begin < rows.num_rows() && self.outcome.refused.is_none() {
            let same = (begin + 1..rows.num_rows()).take_while(|&at| keys.row(at) == keys.row(begin));
            let end = begin + 1 + same.count();
            if end == rows.num_rows() && !last {
                break;
            }
            self.one_key(&rows, sides.values(), &values, begin..end, &mut kept)?;
            begin = end;
        }
        if begin < rows.num_rows() && !last {
            // A key has one row a side; one with more is refused before it fills the memory.
            let open = batch.slice(begin, rows.num_rows() - begin);
            if open.num_rows() > 3 {
                self.one_key(&rows, sides.values(), &values, begin..rows.num_rows(), &mut kept)?;
            }
            self.open = Some(open);
        }
        Ok(Some(take_record_batch(&rows, &UInt32Array::from(kept))?))
    }

    /// Decides on the rows of one key.
    fn one_key(
        &mut self,
        rows: &RecordBatch,
        sides: &[i64],
        values: &Rows,
        range: std::ops::Range<usize>,
        kept: &mut Vec<u32>,
    ) -> Result<(), ArrowError> {
        let first = range.start;
        if self.keys.columns.iter().any(|&at| rows.column(at).is_null(first)) {
            self.outcome.refused = Some("a row has no value in it".to_owned());
            return Ok(());
        }
        let mut found: [Option<usize>; 3] = [None; 3];
        for at in range {
            let side = usize::try_from(sides[at]).ok().and_then(|side| found.get_mut(side));
            if let Some(taken) = side.and_then(|place| place.replace(at)) {
                let whose =
                    ["where both sides began", "on the branch", "in the target"][sides[taken] as usize];
                self.outcome.refused = Some(format!("{whose}, rows share {}", self.shown(rows, taken)?));
                return Ok(());
            }
        }
        let [base, ours, theirs] = [BASE, OURS, THEIRS].map(|side| found[side as usize]);
        let same = |a: Option<usize>, b: Option<usize>| match (a, b) {
            (Some(a), Some(b)) => values.row(a) == values.row(b),
            (None, None) => true,
            _ => false,
        };
        let result = if same(base, ours) {
            theirs
        } else if same(ours, theirs) {
            self.outcome.same += 1;
            theirs
        } else if same(base, theirs) {
            match (theirs, ours) {
                (None, _) => self.outcome.taken.added += 1,
                (Some(_), Some(_)) => self.outcome.taken.changed += 1,
                (Some(_), None) => self.outcome.taken.removed += 1,
            }
            ours
        } else {
            self.outcome.conflicts += 1;
            if self.outcome.shown.len() < KEYS_SHOWN_MAX {
                let did = |now: Option<usize>| match (base, now) {
                    (None, _) => "added",
                    (Some(_), Some(_)) => "changed",
                    (Some(_), None) => "deleted",
                };
                let key = self.shown(rows, first)?;
                self.outcome.shown.push(format!("{key} ({} here, {} there)", did(ours), did(theirs)));
            }
            theirs
        };
        // A batch has fewer rows than that.
        kept.extend(result.and_then(|at| u32::try_from(at).ok()));
        Ok(())
    }

    fn shown(&self, rows: &RecordBatch, at: usize) -> Result<String, ArrowError> {
        let options = FormatOptions::default();
        let parts = self.key.iter().zip(&self.keys.columns).map(|(name, &column)| {
            let value = ArrayFormatter::try_new(rows.column(column), &options)?.value(at).to_string();
            Ok(format!("{name}={value}"))
        });
        Ok(parts.collect::<Result<Vec<_>, ArrowError>>()?.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};
    use proptest::prelude::*;

    use super::*;

    /// Key, side, value, load id.
    type Row = (Option<i64>, i64, Option<i64>, u8);
    /// Key → value; the load id that goes with it does not count.
    type Rowset = BTreeMap<i64, (Option<i64>, u8)>;

    fn columns() -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("k", DataType::Int64, true),
            Field::new("v", DataType::Int64, true),
            Field::new("_hanok_load_id", DataType::Utf8, true),
        ]))
    }

    fn batches(mut rows: Vec<Row>, size: usize) -> Vec<RecordBatch> {
        rows.sort_by_key(|row| (row.0, row.1));
        let batch = |rows: &[Row]| {
            let number = |of: fn(&Row) -> Option<i64>| -> ArrayRef {
                Arc::new(rows.iter().map(of).collect::<Int64Array>())
            };
            let load: ArrayRef =
                Arc::new(rows.iter().map(|row| Some(row.3.to_string())).collect::<StringArray>());
            let columns = [
                ("k", number(|row| row.0)),
                ("v", number(|row| row.2)),
                ("_hanok_load_id", load),
                (SIDE_COLUMN, number(|row| Some(row.1))),
            ];
            RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)))
                .unwrap()
        };
        rows.chunks(size.max(1)).map(batch).collect()
    }

    fn run(batches: Vec<RecordBatch>) -> (Rowset, RowOutcome) {
        let mut merger = Merger::new(columns(), &["k".to_owned()]).unwrap();
        let mut merged: Vec<RecordBatch> =
            batches.into_iter().filter_map(|batch| merger.push(batch).unwrap()).collect();
        merged.extend(merger.finish().unwrap());
        let mut rows = Rowset::new();
        for batch in merged {
            let number = |at: usize, row: usize| {
                let column = batch.column(at).as_primitive::<Int64Type>();
                column.is_valid(row).then(|| column.value(row))
            };
            for row in 0..batch.num_rows() {
                let load = batch.column(2).as_string::<i32>().value(row).parse().unwrap();
                assert!(rows.insert(number(0, row).unwrap(), (number(1, row), load)).is_none());
            }
        }
        (rows, merger.outcome)
    }

    fn rowset() -> impl Strategy<Value = Rowset> {
        // Few keys and values, so that sides meet.
        proptest::collection::btree_map(0_i64..12, (proptest::option::of(0_i64..3), 0_u8..2), 0..12)
    }

    proptest! {
        #[test]
        fn rows_are_merged_as_one_by_one(base in rowset(), ours in rowset(), theirs in rowset(), size in 1_usize..9) {
            let side = |rows: &Rowset, side| -> Vec<_> {
                rows.iter().map(move |(key, (value, load))| (Some(*key), side, *value, *load)).collect()
            };
            let all = [side(&base, BASE), side(&ours, OURS), side(&theirs, THEIRS)].concat();
            let (found, outcome) = run(batches(all, size));
            let (mut expected, mut counts) = (theirs.clone(), RowCounts::default());
            let (mut same, mut conflicts) = (0, 0);
            for key in 0..12 {
                let value = |rows: &Rowset| rows.get(&key).map(|row| row.0);
                let (was, our, their) = (value(&base), value(&ours), value(&theirs));
                if was == our {
                    continue;
                }
                if our == their {
                    same += 1;
                } else if was != their {
                    conflicts += 1;
                } else if let Some(row) = ours.get(&key) {
                    let before = expected.insert(key, *row);
                    *(if before.is_some() { &mut counts.changed } else { &mut counts.added }) += 1;
                } else {
                    expected.remove(&key);
                    counts.removed += 1;
                }
            }
            prop_assert_eq!(found, expected);
            prop_assert_eq!(outcome.taken, counts);
            prop_assert_eq!((outcome.same, outcome.conflicts), (same, conflicts));
            prop_assert_eq!(outcome.shown.len() as u64, conflicts.min(KEYS_SHOWN_MAX as u64));
        }
    }

    #[test]
    fn a_key_that_does_not_tell_rows_apart_is_refused() {
        let refused = |rows: Vec<Row>| [1, 2, 3, 9].map(|size| run(batches(rows.clone(), size)).1.refused);
        let twice = vec![(Some(1), BASE, None, 0), (Some(2), OURS, None, 0), (Some(2), OURS, Some(1), 0)];
        for reason in refused(twice) {
            assert_eq!(reason.as_deref(), Some("on the branch, rows share k=2"));
        }
        let often = (0..20).map(|value| (Some(7), THEIRS, Some(value), 0)).collect();
        assert!(refused(often).iter().all(Option::is_some));
        for reason in refused(vec![(None, OURS, Some(1), 0), (Some(1), OURS, None, 0)]) {
            assert_eq!(reason.as_deref(), Some("a row has no value in it"));
        }
    }

    #[test]
    fn keys_in_conflict_are_told_and_counted() {
        let rows = |side, value| (0..9).map(move |key| (Some(key), side, Some(value), 0));
        let mut all: Vec<_> = rows(BASE, 0).chain(rows(OURS, 1)).chain(rows(THEIRS, 2)).collect();
        all.retain(|row| *row != (Some(1), THEIRS, Some(2), 0));
        let outcome = run(batches(all, 4)).1;
        assert_eq!(outcome.conflicts, 9);
        let told = "k=0 (changed here, changed there); k=1 (changed here, deleted there); ";
        assert!(
            outcome.keys().starts_with(told) && outcome.keys().ends_with("; and 4 more"),
            "{}",
            outcome.keys()
        );
    }
}
