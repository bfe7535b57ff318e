//! Profiles: what there is to say of a table, kept without its rows.
//!
//! A [`TableProfile`] takes batches of rows in bounded memory, is saved as a document (docs/profile-format.md), and is merged: profiles of
//! partitions and of windows add up to that of the whole. Counts, histograms, extremes and distinct values add up exactly, moments
//! to rounding, quantiles within their stated error. [`compare_profiles`] compares two as [`crate::compare`] compares tables.
//!
//! A column keeps: of numbers quantiles (KLL), a histogram with fixed edges, distinct values (HyperLogLog), mean and deviation; of
//! times also hours and weekdays; of texts frequent ones, distinct ones, and their lengths, patterns and tokens; of lists lengths
//! and one element each.

mod bytes;
mod compare;
mod distinct;
mod error;
mod format;
mod frequent;
mod grid;
mod numbers;
mod quantiles;
mod ranks;
mod values;

use std::sync::{Mutex, PoisonError};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use hashbrown::{HashMap, HashSet};

pub use compare::compare_profiles;
pub use error::ProfileError;

use crate::column::Kind;
use crate::compare::Profile;
use crate::error::CompareError;
use crate::profile::numbers::{Numbers, Scratch};
use crate::profile::values::Values;

/// Counts are exact as floats.
pub(crate) const ROWS_MAX: u64 = 1 << 53;

/// What there is to say of a table.
#[derive(Clone, Debug)]
pub struct TableProfile {
    rows: u64,
    columns: Vec<ColumnProfile>,
    skipped: Vec<String>,
}

/// What there is to say of a column.
#[derive(Clone, Debug)]
pub struct ColumnProfile {
    name: String,
    data_type: DataType,
    missing: u64,
    values: Values,
}

impl TableProfile {
    /// A profile of no rows. Columns of a type without statistics are left out, see [`TableProfile::skipped`].
    ///
    /// # Errors
    ///
    /// [`CompareError::Ambiguous`] if a name occurs twice.
    pub fn new(schema: &Schema) -> Result<TableProfile, ProfileError> {
        let mut profile = TableProfile { rows: 0, columns: Vec::new(), skipped: Vec::new() };
        let mut names = HashSet::new();
        for field in schema.fields() {
            let name = field.name().clone();
            if !names.insert(field.name()) {
                return Err(CompareError::Ambiguous(name).into());
            }
            match Values::of_type(field.data_type()) {
                Some(values) => {
                    let data_type = field.data_type().clone();
                    profile.columns.push(ColumnProfile { name, data_type, missing: 0, values });
                }
                None => profile.skipped.push(name),
            }
        }
        Ok(profile)
    }

    /// Adds rows, on some threads. What the profile says then depends on the rows and their order, but not on the threads and, but for
    /// texts that are too many to be counted, not on how rows are divided into batches.
    ///
    /// # Errors
    ///
    /// [`ProfileError::Batch`] unless the rows have the profile's columns in the profile's order (those skipped may be there or
    /// not), of the same kinds; after any other error the profile has some of the rows and is of no use.
    pub fn update(&mut self, batch: &RecordBatch, threads: usize) -> Result<(), ProfileError> {
        let rows = self.rows + batch.num_rows() as u64;
        within_limit(rows)?;
        let places = self.places(&batch.schema())?;
        self.each_column(threads, |at, column, scratch| {
            Ok::<_, ProfileError>(column.add(batch.column(places[at]), scratch)?)
        })?;
        self.rows = rows;
        Ok(())
    }

    /// The profile of a table of so many rows whose columns are read one after the other: `read` gives the chunks of the column of that
    /// name, and no more columns are being read than there are threads. It is what [`TableProfile::update`] makes of the rows.
    ///
    /// # Errors
    ///
    /// As [`TableProfile::new`]; [`ProfileError::Batch`] if a column is of another kind than the schema says or does not have
    /// as many rows; whatever `read` says.
    pub fn of_columns<E: From<ProfileError> + Send>(
        schema: &Schema,
        rows: u64,
        read: impl Fn(&str, &mut dyn FnMut(&ArrayRef) -> Result<(), E>) -> Result<(), E> + Sync,
        threads: usize,
    ) -> Result<TableProfile, E> {
        within_limit(rows)?;
        let mut profile = Self::new(schema)?;
        profile.each_column(threads, |at, column, scratch| -> Result<(), E> {
            let name = column.name.clone();
            let expected = column.described();
            let error = |found: String, expected: String| ProfileError::Batch { at, found, expected };
            read(&name, &mut |chunk| {
                if !column.takes(chunk.data_type()) {
                    return Err(error(named(&name, chunk.data_type()), expected.clone()).into());
                }
                Ok(column.add(chunk, scratch).map_err(ProfileError::from)?)
            })?;
            let found = column.values.count() + column.missing;
            match found == rows {
                true => Ok(()),
                false => Err(error(format!("`{name}` of {found} rows"), format!("{rows} rows")).into()),
            }
        })?;
        profile.rows = rows;
        Ok(profile)
    }

    /// Does something to each column, on some threads.
    fn each_column<E: Send>(
        &mut self,
        threads: usize,
        run: impl Fn(usize, &mut ColumnProfile, &mut Scratch) -> Result<(), E> + Sync,
    ) -> Result<(), E> {
        let threads = threads.clamp(1, self.columns.len().max(1));
        let work = Mutex::new(self.columns.iter_mut().enumerate());
        let run = || -> Result<(), E> {
            let mut scratch = Scratch::default();
            loop {
                let next = work.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some((at, column)) = next else { return Ok(()) };
                run(at, column, &mut scratch)?;
            }
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
            let mut outcome = run();
            for other in others {
                let other = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                outcome = outcome.and(other);
            }
            outcome
        })
    }

    /// Adds the rows that another profile has seen. Columns are found by their names.
    ///
    /// # Errors
    ///
    /// [`ProfileError::Merge`] unless both have the same columns of the same kinds (columns that have only nulls so far fit all).
    /// Nothing is merged then.
    pub fn merge(&mut self, other: &TableProfile) -> Result<(), ProfileError> {
        let rows = self.rows + other.rows;
        within_limit(rows)?;
        let error = |column: &str, reason| ProfileError::Merge { column: column.to_owned(), reason };
        let mut twins: HashMap<&str, &ColumnProfile> = other.by_name();
        let mut pairs = Vec::with_capacity(self.columns.len());
        for column in &mut self.columns {
            let twin = twins.remove(column.name.as_str());
            let twin = twin.ok_or_else(|| error(&column.name, "is in one profile only"))?;
            if !column.values.can_merge(&twin.values) {
                return Err(error(&column.name, "has values of another kind in each profile"));
            }
            pairs.push((column, twin));
        }
        if let Some(new) = twins.keys().min() {
            return Err(error(new, "is in one profile only"));
        }
        for (column, twin) in pairs {
            if matches!(column.values, Values::Nothing) {
                column.data_type = twin.data_type.clone();
            }
            column.missing += twin.missing;
            column.values.merge(&twin.values);
        }
        self.rows = rows;
        Ok(())
    }

    /// Rows that it has seen.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Its columns, in the order of the table.
    pub fn columns(&self) -> &[ColumnProfile] {
        &self.columns
    }

    /// A column by its name.
    pub fn column(&self, name: &str) -> Option<&ColumnProfile> {
        self.columns.iter().find(|column| column.name == name)
    }

    fn by_name(&self) -> HashMap<&str, &ColumnProfile> {
        self.columns.iter().map(|column| (column.name.as_str(), column)).collect()
    }

    /// Names of columns of a type without statistics.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// Where a batch has each column.
    fn places(&self, schema: &Schema) -> Result<Vec<usize>, ProfileError> {
        let fields = schema.fields().iter().enumerate();
        let mut fields = fields.filter(|(_, field)| !self.skipped.contains(field.name()));
        let mut places = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            let found = fields.next();
            let is_it = |field: &arrow::datatypes::Field| {
                *field.name() == column.name && column.takes(field.data_type())
            };
            match found {
                Some((place, field)) if is_it(field) => places.push(place),
                _ => {
                    return Err(ProfileError::Batch {
                        at: found.map_or(schema.fields().len(), |(place, _)| place),
                        found: found.map_or_else(
                            || "none".to_owned(),
                            |(_, field)| named(field.name(), field.data_type()),
                        ),
                        expected: column.described(),
                    });
                }
            }
        }
        match fields.next() {
            None => Ok(places),
            Some((at, field)) => Err(ProfileError::Batch {
                at,
                found: named(field.name(), field.data_type()),
                expected: "none".to_owned(),
            }),
        }
    }
}

fn named(name: &str, data_type: &DataType) -> String {
    format!("`{name}` of type {data_type}")
}

fn within_limit(rows: u64) -> Result<(), ProfileError> {
    if rows > ROWS_MAX {
        return Err(ProfileError::Limit { what: "the number of rows", found: rows, limit: ROWS_MAX });
    }
    Ok(())
}

impl ColumnProfile {
    /// Whether values of this type can be added.
    fn takes(&self, data_type: &DataType) -> bool {
        let is_kind = Values::of_type(data_type).is_some_and(|values| self.values.can_merge(&values));
        // A column of nothing cannot take values without knowing of which kind.
        is_kind && (matches!(data_type, DataType::Null) || self.kind() != Kind::Nothing)
    }

    fn described(&self) -> String {
        named(&self.name, &self.data_type)
    }

    fn add(&mut self, chunk: &ArrayRef, scratch: &mut Scratch) -> Result<(), CompareError> {
        let before = self.values.count();
        if !matches!(chunk.data_type(), DataType::Null) {
            self.values.add(chunk, scratch)?;
        }
        self.missing += chunk.len() as u64 - (self.values.count() - before);
        Ok(())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of the first rows.
    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// How it is compared.
    pub fn kind(&self) -> Kind {
        self.values.kind()
    }

    /// The same that a comparison says of a side; of texts and lists the range, the quantiles, mean and deviation are of their lengths.
    pub fn profile(&self) -> Profile {
        let rows = self.values.count() + self.missing;
        let mut profile = Profile { rows, missing: self.missing, ..Profile::default() };
        if let Some(numbers) = self.numbers() {
            let numbers = numbers.settled();
            numbers.describe(&mut profile);
        }
        if let Some((distinct, error)) = self.distinct() {
            profile.distinct = Some(distinct.round() as usize);
            profile.distinct_error = error;
        }
        profile
    }

    /// How far the shares of [`Profile::quantiles`] may be from the truth, in 99 of 100 cases; 0 while there are at most 1024 different
    /// values.
    pub fn quantiles_error(&self) -> f64 {
        self.numbers().map_or(0.0, |numbers| numbers.settled().error())
    }

    /// The most frequent texts with how often each was seen at least, the most frequent first; of other kinds none.
    pub fn frequent(&self, limit: usize) -> Vec<(String, u64)> {
        let Values::Texts(texts) = &self.values else { return Vec::new() };
        let mut rows = texts.categories.rows();
        rows.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        rows.truncate(limit);
        rows
    }

    /// How many more of a text there may have been than [`ColumnProfile::frequent`] says; 0 while there are at most 1536 different
    /// texts.
    pub fn frequent_error(&self) -> u64 {
        match &self.values {
            Values::Texts(texts) => texts.categories.error(),
            _ => 0,
        }
    }

    /// The histogram of numbers, times (in seconds), and of the lengths of texts and lists: of each bucket in use, in ascending order,
    /// the smallest and the largest value that belong to it, and its count. Exact, and the same however the profile was merged.
    pub fn histogram(&self) -> Vec<([f64; 2], u64)> {
        self.numbers().map_or_else(Vec::new, |numbers| numbers.settled().grid.runs())
    }

    fn numbers(&self) -> Option<&Numbers> {
        match &self.values {
            Values::Numbers(numbers) => Some(numbers),
            Values::Times(times) => Some(&times.numbers),
            Values::Texts(texts) => Some(&texts.lengths),
            Values::Lists(lists) => Some(&lists.lengths),
            Values::Nothing | Values::Booleans(_) => None,
        }
    }

    fn distinct(&self) -> Option<(f64, f64)> {
        match &self.values {
            Values::Numbers(numbers) => numbers.settled().distinct(),
            Values::Times(times) => times.numbers.settled().distinct(),
            Values::Booleans(counts) => Some((counts.iter().filter(|count| **count > 0).count() as f64, 0.0)),
            Values::Texts(texts) if texts.categories.is_exact() => {
                Some((texts.categories.rows().len() as f64, 0.0))
            }
            Values::Texts(texts) => Some(texts.distinct.estimate()),
            Values::Nothing | Values::Lists(_) => None,
        }
    }
}
