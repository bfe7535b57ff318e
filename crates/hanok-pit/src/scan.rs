//! Pass 1 over Parquet files: keys and timestamps only, into slots; then the winner of every entity row.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::record_batch::RecordBatch;

use crate::error::{PitError, Result};
use crate::files::{OpenFile, Waiter};
use crate::gather::{Wanted, gather};
use crate::index::{EntityIndex, Window};
use crate::kernel::{self, Rows};
use crate::keys::{KeyKind, Keys};
use crate::parallel;
use crate::prune::{KeyRange, key_matters, time_matters};
use crate::rowset::RowSet;
use crate::slots::{Order, Slots};
use crate::spec::{FeatureFile, View};
use crate::table::Scratch;
use crate::time::micros;

/// Rows decoded at a time: two columns of them stay in the second-level cache.
const BATCH_ROWS: usize = 16_384;
/// When more than one row in so many ties, created timestamps are read along instead of looked up afterwards.
const TIES_RARE: usize = 50;

/// What a view needs of each feature row, by name, and how its keys compare.
pub(crate) struct Matching<'a> {
    pub view: &'a View,
    pub kinds: Vec<KeyKind>,
}

impl Matching<'_> {
    /// The order that decides ties at the start of a scan.
    pub(crate) fn order(&self) -> Order {
        match (&self.view.created, self.view.as_known_at) {
            (None, _) => Order::Row,
            (Some(_), true) => Order::Created,
            (Some(_), false) => Order::Deferred,
        }
    }

    /// Offers a batch of feature rows, numbered from `first_row`, to the slots.
    #[expect(clippy::too_many_arguments, reason = "the inner loop's state, owned by three different callers")]
    pub(crate) fn offer(
        &self,
        batch: &RecordBatch,
        first_row: u64,
        place: &str,
        index: &EntityIndex,
        window: Window,
        (slots, scratch): (&mut Slots, &mut Scratch),
        improved: Option<&mut Vec<u32>>,
    ) -> Result<()> {
        let column = |name: &String| -> Result<&ArrayRef> {
            batch.column_by_name(name).ok_or_else(|| PitError::MissingColumn {
                column: name.clone(),
                place: place.to_owned(),
                known: batch.schema_ref().fields().iter().map(|field| field.name().clone()).collect(),
            })
        };
        let keys = self
            .view
            .keys
            .iter()
            .zip(&self.kinds)
            .map(|((_, name), kind)| Keys::new(column(name)?, *kind, name))
            .collect::<Result<Vec<_>>>()?;
        let event = micros(column(&self.view.timestamp)?, &self.view.timestamp, place)?;
        let locations = index.table.locate(&keys, batch.num_rows(), scratch);
        if let Some(nulls) = event.nulls.as_ref().filter(|nulls| nulls.null_count() > 0) {
            for (location, valid) in locations.iter_mut().zip(nulls) {
                *location = if valid { *location } else { 0 };
            }
        }
        let created = match &self.view.created {
            Some(name) if slots.order == Order::Created => Some(micros(column(name)?, name, place)?),
            _ => None,
        };
        let ordered = created.as_ref().map(Slots::created_values);
        // A row is known from the later of its two timestamps; the smallest value stands for a null created one.
        let known = ordered
            .as_ref()
            .filter(|_| self.view.as_known_at)
            .map(|created| created.iter().zip(&event.values).map(|(c, e)| *c.max(e)).collect::<Vec<_>>());
        let rows = Rows {
            locations,
            event: &event.values,
            known: known.as_deref().unwrap_or(&event.values),
            created: ordered.as_deref(),
            first_row,
        };
        kernel::offer(index, window, slots, &rows, improved);
        Ok(())
    }
}

/// The Parquet files of one view.
pub(crate) struct Files {
    pub files: Vec<OpenFile>,
    pub rows: u64,
}

/// What pass 1 read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scanned {
    pub row_groups: usize,
    pub rows: u64,
}

impl Files {
    /// Opens the files, in parallel.
    pub(crate) fn open(files: &[FeatureFile], threads: usize) -> Result<Self> {
        let waiter = Arc::new(Waiter::default());
        if files.iter().any(|file| file.local.is_none()) {
            waiter
                .start()
                .map_err(|source| PitError::Io { path: "the storage's runtime".to_owned(), source })?;
        }
        let numbered: Vec<(usize, &FeatureFile)> = files.iter().enumerate().collect();
        let opened = parallel::run(threads, &numbered, Vec::new, |own, (at, file)| {
            own.push((*at, OpenFile::open(file, &waiter)?));
            Ok(())
        })?;
        let mut opened: Vec<(usize, OpenFile)> = opened.into_iter().flatten().collect();
        opened.sort_by_key(|(at, _)| *at);
        let mut files: Vec<OpenFile> = opened.into_iter().map(|(_, file)| file).collect();
        let mut rows = 0;
        for file in &mut files {
            file.number_rows(rows);
            rows += file.rows();
        }
        Ok(Self { files, rows })
    }

    /// Finds the winners of the indexed entity rows: `winners[entity row]` = feature row + 1. Rows without one stay.
    pub(crate) fn find_winners(
        &self,
        matching: &Matching<'_>,
        ranges: &[Option<KeyRange>],
        index: &EntityIndex,
        threads: usize,
        winners: &mut [u64],
    ) -> Result<Scanned> {
        let view = matching.view;
        let Some(window) = index.window(view.ttl_us.filter(|ttl| *ttl > 0)) else {
            return Ok(Scanned::default());
        };
        let mut tasks = Vec::new();
        let mut scanned = Scanned::default();
        for file in &self.files {
            let time = file.column(&view.timestamp)?;
            let keys: Vec<usize> =
                view.keys.iter().map(|(_, name)| file.column(name)).collect::<Result<_>>()?;
            let reader = Arc::new(file.key_schema(&keys)?);
            for group in 0..file.metadata.num_row_groups() {
                let keys_matter = keys.iter().zip(ranges).all(|(column, range)| {
                    range.as_ref().is_none_or(|range| key_matters(file, group, *column, range))
                });
                if keys_matter && time_matters(file, group, time, window) {
                    scanned.row_groups += 1;
                    scanned.rows += file.metadata.row_group(group).num_rows() as u64;
                    tasks.push((file, group, Arc::clone(&reader)));
                }
            }
        }
        let state = || (Slots::new(index.slots(), matching.order()), Scratch::default());
        let states = parallel::run(threads, &tasks, state, |(slots, scratch), (file, group, reader)| {
            let mut columns: Vec<usize> =
                view.keys.iter().map(|(_, name)| file.column(name)).collect::<Result<_>>()?;
            columns.push(file.column(&view.timestamp)?);
            if let Some(created) = view.created.as_ref().filter(|_| slots.order == Order::Created) {
                columns.push(file.column(created)?);
            }
            let ties_before = slots.ties.len();
            let mut row = file.first_row_of(*group);
            file.guarded(|| {
                for batch in file.read(reader, *group, &columns, BATCH_ROWS)? {
                    let batch = batch.map_err(|error| file.broken(error.into()))?;
                    matching.offer(&batch, row, &file.path, index, window, (slots, scratch), None)?;
                    row += batch.num_rows() as u64;
                }
                Ok(())
            })?;
            if (slots.ties.len() - ties_before) as u64 * TIES_RARE as u64 > row - file.first_row_of(*group) {
                slots.read_created_along();
            }
            Ok(())
        })?;
        let mut states = states.into_iter().map(|(slots, _)| slots);
        let Some(mut slots) = states.next() else { return Ok(scanned) };
        for other in states {
            slots.merge(other);
        }
        self.settle_ties(matching, index, window, threads, &mut slots)?;
        slots.carry_forward(index, window, view.as_known_at, |slot, winner| {
            if let Some(winner) = winner {
                winners[index.rows[slot] as usize] = slots.best[winner].row;
            }
        });
        Ok(scanned)
    }

    /// Reads the created timestamps of rows whose order matters and is not known yet.
    fn settle_ties(
        &self,
        matching: &Matching<'_>,
        index: &EntityIndex,
        window: Window,
        threads: usize,
        slots: &mut Slots,
    ) -> Result<()> {
        let mut ties = std::mem::take(&mut slots.ties);
        let Some(created) = matching.view.created.as_ref().filter(|_| !ties.is_empty()) else {
            return Ok(());
        };
        let mut used = vec![false; index.slots()];
        slots.carry_forward(index, window, matching.view.as_known_at, |_, winner| {
            if let Some(winner) = winner {
                used[winner] = true;
            }
        });
        ties.retain(|tie| {
            let best = slots.best[tie.slot as usize];
            used[tie.slot as usize] && best.event == tie.event && best.row != tie.row
        });
        if ties.is_empty() {
            return Ok(());
        }
        let rows =
            ties.iter().flat_map(|tie| [tie.row, slots.best[tie.slot as usize].row]).map(|row| row - 1);
        let set = RowSet::new(self.rows, rows);
        let wanted = [Wanted { source: created, target: None }];
        let array = gather(self, &set, &wanted, threads)?.remove(0);
        let values = Slots::created_values(&micros(&array, created, "the feature files")?);
        slots.settle(&ties, |row| values[set.position(row - 1) as usize]);
        Ok(())
    }
}
