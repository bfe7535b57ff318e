//! Writing tables without a real row.
//!
//! A table is modelled from all rows of the parent's. How many rows it gets follows from its first foreign key: each new
//! parent has as many children as the counts say. Foreign keys around a circle, a table's own among them, are null.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, UInt32Array, new_null_array};
use arrow::compute::{filter_record_batch, take};
use arrow::datatypes::Field;
use arrow::error::ArrowError;
use hanok_lake::Table;
use hanok_mask::detect::Personal;
use hanok_mask::synthetic::{ChildCounts, Column, Model, Options, Role};
use hanok_mask::treatment::FakeKind;
use hanok_mask::{MaskError, Treatment, apply};
use hanok_types::TableName;

use crate::closure::{pick, rows_of};
use crate::design::{ColumnDesign, TableDesign};
use crate::error::{Result, StagingError};
use crate::keys::{Hasher, KeySet, NONE};
use crate::mask::Counts;
use crate::plan::{Reference, Sample};
use crate::work::{Work, column};

/// Rows that are written together.
const BATCH_ROWS: usize = 64 * 1024;
/// The place of a row that refers to nothing.
const NOBODY: u32 = u32::MAX;

impl Work<'_> {
    /// Writes a synthetic table. Those that it refers to are written before, unless they refer to it.
    pub(crate) async fn synthesize(&mut self, name: &TableName, design: &TableDesign) -> Result<Counts> {
        let Some(opened) = self.snapshot.tables.get(name) else { return Ok(Counts::default()) };
        let failed = |source: MaskError| StagingError::Synthetic { table: name.clone(), source };
        let columns: Vec<&ColumnDesign> =
            design.columns.iter().filter(|column| column.treatment != Treatment::Drop).collect();
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let order = if design.key.is_empty() { &names } else { &design.key };
        let stream = self.session.scan(&opened.table, &names, order, None).await?;
        let original = self.collect(name, stream).await?;
        (self.progress)(name, original.num_rows() as u64);
        let (rows, references) = self.references(name, design, &original).await?;
        let mut modelled = Vec::new();
        for design_of in &columns {
            let values = column(name, &original, design_of)?;
            modelled.push(Column { name: design_of.name.clone(), role: role(design_of, design), values });
        }
        let options = Options { k: self.design.k, ..Options::default() };
        let model = Model::fit(&modelled, &options).map_err(failed)?;
        let given: Vec<(&str, ArrayRef)> =
            references.iter().map(|(column, values)| (column.as_str(), values.clone())).collect();
        let mut sampled = model.sample(rows, self.key, &name.to_string(), &given).map_err(failed)?;
        for (values, column) in sampled.iter_mut().zip(&columns) {
            if column.treatment == Treatment::Null {
                *values = new_null_array(&column.data_type, rows);
            }
        }
        let fields = columns.iter().zip(&sampled);
        let fields =
            fields.map(|(column, values)| Field::new(&column.name, values.data_type().clone(), true));
        let (table, mut writer, schema) = self.begin(name, fields.collect())?;
        let batch = RecordBatch::try_new(schema, sampled).map_err(rows_of(name))?;
        let batch = distinct(&batch, &design.key).map_err(rows_of(name))?;
        for first in (0..batch.num_rows()).step_by(BATCH_ROWS) {
            writer.write(batch.slice(first, BATCH_ROWS.min(batch.num_rows() - first))).await?;
        }
        let roots = self.finish(table, writer).await?;
        Ok(Counts { parent: original.num_rows() as u64, roots, ..Counts::default() })
    }

    /// How many rows a table gets, and its foreign keys.
    async fn references(
        &self,
        name: &TableName,
        design: &TableDesign,
        original: &RecordBatch,
    ) -> Result<(usize, Vec<(String, ArrayRef)>)> {
        let mut rows: Option<usize> = None;
        let mut given: Vec<(String, ArrayRef)> = Vec::new();
        // What more columns refer with says more.
        let mut references: Vec<&Reference> = design.references.iter().collect();
        references.sort_by_key(|reference| std::cmp::Reverse(reference.columns.len()));
        for reference in references {
            if reference.columns.iter().any(|column| given.iter().any(|(known, _)| known == column)) {
                continue;
            }
            let Some(parents) = self.parents(reference).await? else { continue };
            let places = self.places(name, reference, original, parents.num_rows(), rows).await?;
            rows.get_or_insert(places.len());
            for (column, key) in reference.columns.iter().zip(pick(&parents, &reference.key)) {
                let own = design.columns.iter().find(|own| own.name == *column);
                let taken = take(&key, &places, None).map_err(rows_of(name))?;
                let data_type = own.map_or_else(|| taken.data_type().clone(), |own| own.data_type.clone());
                given
                    .push((column.clone(), arrow::compute::cast(&taken, &data_type).map_err(rows_of(name))?));
            }
        }
        let share = match &design.sample {
            Some(Sample::Rate(rate)) => *rate,
            _ => 1.0,
        };
        let rows = rows.unwrap_or_else(|| (original.num_rows() as f64 * share).round() as usize);
        let nowhere = design.references.iter().flat_map(|reference| &reference.columns);
        for column in nowhere {
            if given.iter().all(|(known, _)| known != column)
                && let Some(own) = design.columns.iter().find(|own| own.name == *column)
            {
                given.push((column.clone(), new_null_array(&own.data_type, rows)));
            }
        }
        Ok((rows, given))
    }

    /// The keys that there are to refer to on the branch; `None` when the table is not written yet.
    async fn parents(&self, reference: &Reference) -> Result<Option<RecordBatch>> {
        let is_shared = !self.is_new(&reference.table);
        let table = match is_shared {
            true => self.snapshot.tables.get(&reference.table).map(|opened| &opened.table),
            false => self.made.get(&reference.table),
        };
        let Some(table) = table else { return Ok(None) };
        Ok(Some(self.keys(table, &reference.key).await?))
    }

    fn is_new(&self, name: &TableName) -> bool {
        use crate::design::Fate;
        self.design.tables.get(name).is_some_and(|table| matches!(table.fate, Fate::Mask | Fate::Synthetic))
    }

    async fn keys(&self, table: &Table, columns: &[String]) -> Result<RecordBatch> {
        let stream = self.session.scan(table, columns, columns, None).await?;
        self.collect(table.name(), stream).await
    }

    /// The place among the parents of each row, null for none; as many as `rows` where that is known.
    async fn places(
        &self,
        name: &TableName,
        reference: &Reference,
        original: &RecordBatch,
        parents: usize,
        rows: Option<usize>,
    ) -> Result<UInt32Array> {
        let failed = |source: MaskError| StagingError::Synthetic { table: name.clone(), source };
        let hasher = Hasher::default();
        let hashes = |batch: &RecordBatch, columns: &[String]| -> Result<ArrayRef, ArrowError> {
            let hashes = hasher.rows(&pick(batch, columns))?.into_iter();
            let hashes = hashes.map(|hash| (hash != NONE).then(|| hash.cast_signed()));
            Ok(Arc::new(hashes.collect::<Int64Array>()))
        };
        let Some(opened) = self.snapshot.tables.get(&reference.table) else {
            return Ok(UInt32Array::from(vec![NOBODY; 0]));
        };
        let before = self.keys(&opened.table, &reference.key).await?;
        let children = hashes(original, &reference.columns).map_err(rows_of(name))?;
        let before = hashes(&before, &reference.key).map_err(rows_of(name))?;
        let counts = ChildCounts::fit(&before, &children, self.design.k).map_err(failed)?;
        let domain = format!("{name}.{}", reference.columns.join(","));
        let mut places: Vec<u32> = counts.sample(parents, self.key, &domain).values().to_vec();
        let nulls = children.null_count() as f64 / children.len().max(1) as f64;
        if nulls < 1.0 {
            let whole = (places.len() as f64 / (1.0 - nulls)).round() as usize;
            places.resize(whole.max(places.len()), NOBODY);
        }
        if let Some(rows) = rows {
            if places.is_empty() {
                places.push(NOBODY);
            }
            let plain: ArrayRef = Arc::new(UInt32Array::from(places));
            let mixed =
                apply(&Treatment::Shuffle, self.key, &domain, &plain, None).map_err(failed)?.unwrap_or(plain);
            let mixed = mixed.as_any().downcast_ref::<UInt32Array>().map(|mixed| mixed.values().to_vec());
            let mixed = mixed.unwrap_or_default();
            places = mixed.iter().copied().cycle().take(if mixed.is_empty() { 0 } else { rows }).collect();
        }
        Ok(places.into_iter().map(|place| (place != NOBODY).then_some(place)).collect())
    }
}

/// How a column is modelled. A value that belongs to a person is never taken from the original, however often it is there.
fn role(column: &ColumnDesign, table: &TableDesign) -> Role {
    let is_text = column.data_type == arrow::datatypes::DataType::Utf8;
    let is_integer = column.data_type.is_integer();
    if let Treatment::Fake(fake) = &column.treatment {
        return Role::Fake(fake.kind);
    }
    if table.references.iter().any(|reference| reference.columns.contains(&column.name)) {
        return Role::Reference;
    }
    if table.key == [column.name.as_str()] && (is_text || is_integer) {
        return Role::Identity;
    }
    if column.personal.is_none() {
        return Role::Value;
    }
    if is_text {
        return match column.kind.map(Personal::suggestion) {
            Some(Treatment::Fake(fake)) => Role::Fake(fake.kind),
            _ if column.kind == Some(Personal::PersonNumber) => Role::Fake(FakeKind::StudentNumber),
            _ if matches!(column.kind, Some(Personal::Sensitive | Personal::PostalCode)) => Role::Value,
            _ => Role::Fake(FakeKind::Text),
        };
    }
    match column.kind {
        Some(Personal::Birth | Personal::Sensitive | Personal::PostalCode) | None => Role::Value,
        Some(_) if is_integer => Role::Identity,
        Some(_) => Role::Value,
    }
}

/// The rows without those whose key was there before.
fn distinct(batch: &RecordBatch, key: &[String]) -> Result<RecordBatch, ArrowError> {
    if key.is_empty() {
        return Ok(batch.clone());
    }
    let mut seen = KeySet::default();
    let hashes = Hasher::default().rows(&pick(batch, key))?;
    let keep: BooleanArray = hashes.into_iter().map(|hash| Some(seen.insert(hash))).collect();
    filter_record_batch(batch, &keep)
}
