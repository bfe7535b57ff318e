//! The join: pass 1 for every view, then batches of output.

use std::collections::VecDeque;
use std::ops::Range;

use arrow::array::{Array, ArrayRef, UInt32Array, new_null_array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::take;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;

use crate::error::{PitError, Result, convert};
use crate::gather::{converted, gather};
use crate::hash::Seed;
use crate::index::{EntityIndex, check_rows};
use crate::keys::{KeyKind, Keys};
use crate::prepare::{Opened, check_view, entity_column, output_schema, wanted};
use crate::prune::KeyRange;
use crate::rowset::RowSet;
use crate::scan::{Files, Matching};
use crate::spec::{EntityFrame, JoinOptions, View};
use crate::stream;
use crate::time::{Micros, micros};

/// Parts at most, however small the memory budget: each part reads the feature side once more.
const PARTS_MAX: usize = 64;
/// Estimated bytes of the entity index an entity row, its slots for one thread, and a further thread's slots.
const INDEX_ROW_BYTES: usize = 72;
const SLOT_BYTES: usize = 16;
/// Estimated bytes of a value of variable width.
const TEXT_BYTES: usize = 48;

/// What a join did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct JoinStats {
    /// Entity rows, which is output rows.
    pub entity_rows: u64,
    /// Rows of all feature sources, where known beforehand.
    pub feature_rows: u64,
    /// Feature rows whose keys and timestamps were read.
    pub feature_rows_scanned: u64,
    /// Row groups of all feature files.
    pub row_groups: u64,
    /// Row groups whose keys and timestamps were read.
    pub row_groups_scanned: u64,
    /// Parts into which the memory budget split the entity rows.
    pub parts: u64,
}

enum Source {
    Files(Files),
    /// Values copied in pass 1.
    Copied(Vec<ArrayRef>),
}

struct Joining {
    view: View,
    types: Vec<DataType>,
    source: Source,
    /// Of each entity row, the winning feature row (of files) or copied row, + 1; 0: none.
    winners: Vec<u64>,
    /// Values for the entity rows of the current range, and which feature rows they belong to.
    values: Vec<ArrayRef>,
    set: Option<RowSet>,
}

/// The output of a join, batch by batch: entity columns, then features. Batches keep the order of the entity rows and
/// never span two of the entity batches.
pub struct Joined {
    schema: SchemaRef,
    entity: VecDeque<RecordBatch>,
    views: Vec<Joining>,
    options: JoinOptions,
    stats: JoinStats,
    /// Next entity row, and where its batch began.
    row: usize,
    batch_start: usize,
    rows: usize,
    range_rows: usize,
    range: Range<usize>,
    failed: bool,
}

impl std::fmt::Debug for Joined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Joined")
            .field("schema", &self.schema)
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

/// Joins every view to the entity rows: for each entity row and view, the feature row with the same keys and the newest
/// event timestamp at or before the entity's and not older than the ttl; ties go to the newest created timestamp (null
/// is oldest), then to the later row. Exactly one output row an entity row, in order; nulls where nothing matches.
///
/// Finds all winners before it returns; values are read as the output is consumed. Blocks: on an asynchronous runtime,
/// call it where blocking is allowed.
pub fn join(entity: EntityFrame, views: Vec<View>, options: &JoinOptions) -> Result<Joined, PitError> {
    let rows = entity.batches.iter().map(RecordBatch::num_rows).sum();
    check_rows(rows)?;
    let threads = options.threads.max(1);
    let mut opened = Vec::new();
    let mut kinds = Vec::new();
    let mut types = Vec::new();
    for view in &views {
        let source = Opened::open(&view.source, threads)?;
        let (own_kinds, own_types) = check_view(&entity, view, &source)?;
        opened.push(source);
        kinds.push(own_kinds);
        types.push(own_types);
    }
    let schema = output_schema(&entity, &views, &types)?;
    let mut stats = JoinStats { entity_rows: rows as u64, ..JoinStats::default() };

    let times = micros(&entity_column(&entity, &entity.timestamp)?, &entity.timestamp, "the entity rows")?;
    let mut joining: Vec<Option<Joining>> = views.iter().map(|_| None).collect();
    let mut sources: Vec<Option<Opened>> = opened.into_iter().map(Some).collect();
    while let Some(first) = sources.iter().position(Option::is_some) {
        // All views with the same keys on the entity side share one index.
        let columns = |view: &View| view.keys.iter().map(|(column, _)| column.clone()).collect::<Vec<_>>();
        let own = columns(&views[first]);
        let mut group = Vec::new();
        for at in first..views.len() {
            if kinds[at] == kinds[first]
                && columns(&views[at]) == own
                && let Some(source) = sources[at].take()
            {
                let matching = Matching { view: &views[at], kinds: kinds[at].clone() };
                group.push((at, GroupView { matching, types: &types[at], source }));
            }
        }
        let keys: Vec<Keys> = own
            .iter()
            .zip(&kinds[first])
            .map(|(column, kind)| Keys::new(&entity_column(&entity, column)?, *kind, column))
            .collect::<Result<_>>()?;
        let (places, group): (Vec<usize>, Vec<GroupView<'_>>) = group.into_iter().unzip();
        let found = join_group(&keys, &kinds[first], &times, group, rows, options, &mut stats)?;
        for (at, (source, winners)) in places.into_iter().zip(found) {
            let (view, types) = (views[at].clone(), types[at].clone());
            joining[at] = Some(Joining { view, types, source, winners, values: Vec::new(), set: None });
        }
    }
    let views: Vec<Joining> = joining.into_iter().flatten().collect();
    let range_rows = range_rows(&views, rows, options);
    let mut options = options.clone();
    options.batch_rows_max = options.batch_rows_max.max(1);
    Ok(Joined {
        schema,
        entity: entity.batches.into(),
        views,
        options,
        stats,
        row: 0,
        batch_start: 0,
        rows,
        range_rows,
        range: 0..0,
        failed: false,
    })
}

/// The schema of the output of [`join`], for a plan that is not run yet. Opens the feature files.
pub(crate) fn joined_schema(
    entity: &EntityFrame,
    views: &[View],
    options: &JoinOptions,
) -> Result<SchemaRef> {
    let mut types = Vec::new();
    for view in views {
        let source = Opened::open(&view.source, options.threads.max(1))?;
        types.push(check_view(entity, view, &source)?.1);
    }
    output_schema(entity, views, &types)
}

/// A view of a group that shares one entity index.
struct GroupView<'a> {
    matching: Matching<'a>,
    types: &'a [DataType],
    source: Opened,
}

/// Pass 1 for the views that share keys, in as many parts as the memory budget asks for.
fn join_group(
    keys: &[Keys],
    kinds: &[KeyKind],
    times: &Micros,
    group: Vec<GroupView<'_>>,
    rows: usize,
    options: &JoinOptions,
    stats: &mut JoinStats,
) -> Result<Vec<(Source, Vec<u64>)>> {
    let threads = options.threads.max(1);
    let splittable = group.iter().all(|view| match &view.source {
        Opened::Files(_) => true,
        Opened::Batches(batches) => batches.rereadable(),
    });
    let row_bytes =
        INDEX_ROW_BYTES + SLOT_BYTES * threads + TEXT_BYTES * keys.iter().filter(|k| k.is_bytes()).count();
    let parts = match options.memory_max_bytes {
        Some(max) if splittable && !keys.is_empty() => {
            (rows * row_bytes).div_ceil((max / 2).max(1)).clamp(1, PARTS_MAX)
        }
        _ => 1,
    };
    stats.parts = stats.parts.max(parts as u64);
    let seed = Seed::random();
    let part_of: Vec<u8> = if parts == 1 {
        Vec::new()
    } else {
        let key_hash = |row: usize| keys.iter().fold(0, |hash, keys| keys.hash(row, seed, hash));
        let null = |row: usize| keys.iter().any(|keys| keys.is_null(row));
        (0..rows)
            .map(|row| if null(row) { 0 } else { (key_hash(row) >> 40) as usize % parts })
            .map(|p| p as u8)
            .collect()
    };
    let ranges: Vec<Option<KeyRange>> =
        keys.iter().zip(kinds).map(|(keys, kind)| KeyRange::of(keys, *kind)).collect();
    let mut found: Vec<(Vec<u64>, Vec<Vec<ArrayRef>>)> =
        group.iter().map(|_| (vec![0; rows], Vec::new())).collect();
    for part in 0..parts {
        let own = (0..rows as u32).filter(|row| parts == 1 || part_of[*row as usize] as usize == part);
        let index = EntityIndex::build(keys, times, own, seed)?;
        for (view, (winners, copied)) in group.iter().zip(&mut found) {
            let scanned = match &view.source {
                Opened::Files(files) => {
                    files.find_winners(&view.matching, &ranges, &index, threads, winners)?
                }
                Opened::Batches(source) => {
                    let base = copied
                        .iter()
                        .map(|columns: &Vec<ArrayRef>| columns.first().map_or(0, |c| c.len()))
                        .sum::<usize>();
                    let (columns, scanned) = stream::find_winners(
                        source.as_ref(),
                        &view.matching,
                        view.types,
                        &index,
                        base as u64,
                        winners,
                    )?;
                    copied.push(columns);
                    scanned
                }
            };
            stats.feature_rows_scanned += scanned.rows;
            stats.row_groups_scanned += scanned.row_groups as u64;
        }
    }
    let ended = group.into_iter().zip(found).map(|(view, (winners, copied))| {
        let source = match view.source {
            Opened::Files(files) => {
                stats.feature_rows += files.rows;
                stats.row_groups +=
                    files.files.iter().map(|f| f.metadata.num_row_groups() as u64).sum::<u64>();
                Source::Files(files)
            }
            Opened::Batches(_) => {
                let values = &view.matching.view.values;
                let join = |at: usize| {
                    let pieces: Vec<ArrayRef> = copied.iter().map(|columns| columns[at].clone()).collect();
                    crate::gather::join_pieces(&pieces, &view.types[at], &values[at].source)
                };
                Source::Copied((0..values.len()).map(join).collect::<Result<_>>()?)
            }
        };
        Ok((source, winners))
    });
    ended.collect()
}

/// Entity rows whose values are held at a time.
fn range_rows(views: &[Joining], rows: usize, options: &JoinOptions) -> usize {
    let Some(max) = options.memory_max_bytes else { return rows };
    let width = |data_type: &DataType| data_type.primitive_width().unwrap_or(TEXT_BYTES);
    let row_bytes: usize = views.iter().flat_map(|view| &view.types).map(width).sum();
    (max / 2 / row_bytes.max(1)).max(rows.div_ceil(PARTS_MAX)).clamp(1, rows.max(1))
}

impl Joined {
    /// The output's schema.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// What the join did so far.
    pub fn stats(&self) -> JoinStats {
        self.stats
    }

    fn load_range(&mut self) -> Result<()> {
        self.range = self.row..self.rows.min(self.row + self.range_rows);
        let threads = self.options.threads.max(1);
        for view in &mut self.views {
            let Source::Files(files) = &view.source else { continue };
            (view.values, view.set) = (Vec::new(), None);
            let winners = &view.winners[self.range.clone()];
            let set = RowSet::new(files.rows, winners.iter().filter(|row| **row != 0).map(|row| row - 1));
            view.values = gather(files, &set, &wanted(&view.view, &view.types), threads)?;
            view.set = Some(set);
        }
        Ok(())
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        while let Some(batch) = self.entity.front() {
            let within = self.row - self.batch_start;
            if within < batch.num_rows() {
                break;
            }
            self.batch_start += batch.num_rows();
            self.entity.pop_front();
        }
        if self.entity.is_empty() {
            return Ok(None);
        }
        if self.row >= self.range.end {
            self.load_range()?;
        }
        let Some(batch) = self.entity.front() else { return Ok(None) };
        let within = self.row - self.batch_start;
        let len = (batch.num_rows() - within).min(self.options.batch_rows_max).min(self.range.end - self.row);
        let mut columns: Vec<ArrayRef> =
            batch.columns().iter().map(|column| column.slice(within, len)).collect();
        for view in &self.views {
            let winners = &view.winners[self.row..self.row + len];
            view.push_columns(winners, &mut columns)?;
        }
        self.row += len;
        let out = RecordBatch::try_new_with_options(
            self.schema.clone(),
            columns,
            &arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(len)),
        );
        out.map(Some).map_err(convert("*"))
    }
}

impl Joining {
    fn push_columns(&self, winners: &[u64], columns: &mut Vec<ArrayRef>) -> Result<()> {
        let values = match &self.source {
            Source::Files(_) => &self.values,
            Source::Copied(values) => values,
        };
        let position = |row: &u64| match (&self.set, *row) {
            (_, 0) => 0,
            (Some(set), row) => set.position(row - 1),
            (None, row) => (row - 1) as u32,
        };
        let places: Vec<u32> = winners.iter().map(position).collect();
        let valid = BooleanBuffer::collect_bool(winners.len(), |at| winners[at] != 0);
        let places =
            UInt32Array::new(places.into(), Some(NullBuffer::new(valid)).filter(|n| n.null_count() > 0));
        for ((value, values), data_type) in self.view.values.iter().zip(values).zip(&self.types) {
            let column = if places.null_count() == winners.len() {
                new_null_array(data_type, winners.len())
            } else {
                take(values, &places, None).map_err(convert(&value.output))?
            };
            columns.push(converted(&column, data_type, &value.output)?);
        }
        Ok(())
    }
}

impl Iterator for Joined {
    type Item = Result<RecordBatch, PitError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.next_batch();
        self.failed = next.is_err();
        next.transpose()
    }
}
