//! Writing the kept rows of a table, masked.

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{Field, SchemaRef};
use hanok_mask::{MaskError, Masker, RowIds, Treatment};
use hanok_types::TableName;

use crate::closure::{Closure, Why, pick, rows_of};
use crate::design::{ColumnDesign, TableDesign};
use crate::error::{Result, StagingError};
use crate::work::{Work, column};

/// Rows that are written together where a table was treated as a whole.
const BATCH_ROWS: usize = 64 * 1024;

/// Rows of a table, by why they are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Counts {
    /// Rows of the parent.
    pub(crate) parent: u64,
    pub(crate) roots: u64,
    pub(crate) children: u64,
    pub(crate) referenced: u64,
}

impl Counts {
    pub(crate) fn kept(&self) -> u64 {
        self.roots + self.children + self.referenced
    }

    /// Counts the rows of a batch and says which are kept.
    fn add(&mut self, why: &[Option<Why>]) -> BooleanArray {
        self.parent += why.len() as u64;
        for kept in why.iter().flatten() {
            match kept {
                Why::Root => self.roots += 1,
                Why::Child => self.children += 1,
                Why::Referenced => self.referenced += 1,
            }
        }
        why.iter().map(|why| Some(why.is_some())).collect()
    }
}

/// Counts the rows that would be kept.
pub(crate) async fn count(
    session: &hanok_query::Session,
    name: &TableName,
    table: &hanok_lake::Table,
    closure: &Closure<'_>,
) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut stream = session.scan(table, &closure.columns(name), &[], None).await?;
    while let Some(batch) = stream.next().await? {
        let _ = counts.add(&closure.why(name, &batch)?);
    }
    Ok(counts)
}

/// The treatments of a table's columns, ready.
struct Columns<'a> {
    name: &'a TableName,
    design: Vec<(&'a ColumnDesign, Masker)>,
    schema: SchemaRef,
    /// What a row is about, when a treatment asks.
    subject: Vec<String>,
}

impl Work<'_> {
    /// Writes the kept rows of a table, masked.
    pub(crate) async fn mask(
        &mut self,
        name: &TableName,
        design: &TableDesign,
        closure: &Closure<'_>,
    ) -> Result<Counts> {
        let Some(opened) = self.snapshot.tables.get(name) else { return Ok(Counts::default()) };
        let columns: Vec<&ColumnDesign> =
            design.columns.iter().filter(|column| column.treatment != Treatment::Drop).collect();
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let mut fields = Vec::new();
        for column in &columns {
            let data_type = column.treatment.output_type(&column.data_type).map_err(failed(name, column))?;
            fields.extend(data_type.map(|data_type| Field::new(&column.name, data_type, true)));
        }
        let (table, mut writer, schema) = self.begin(name, fields)?;
        let masker = |column: &ColumnDesign| Masker::new(&column.treatment, self.key, &column.domain);
        let maskers = columns.iter().map(|column| (*column, masker(column))).collect();
        let mut columns = Columns { name, design: maskers, schema, subject: self.subject(design) };
        let as_a_whole = design.columns.iter().any(|column| column.treatment.needs_column());
        // Rows of a file come in no certain order, and an order is what these treatments depend on.
        let order = match (as_a_whole, design.key.is_empty()) {
            (false, _) => Vec::new(),
            (true, false) => design.key.clone(),
            (true, true) => names.clone(),
        };
        let mut counts = Counts::default();
        let (mut held, mut bytes) = (Vec::new(), 0);
        let mut stream = self.session.scan(&opened.table, &names, &order, None).await?;
        let read = stream.schema();
        while let Some(batch) = stream.next().await? {
            let kept = counts.add(&closure.why(name, &batch)?);
            let batch = filter_record_batch(&batch, &kept).map_err(rows_of(name))?;
            (self.progress)(name, counts.parent);
            if batch.num_rows() == 0 {
                continue;
            }
            if as_a_whole {
                bytes += batch.get_array_memory_size();
                if bytes > self.bytes_max {
                    return Err(self.too_large(name));
                }
                held.push(batch);
            } else {
                writer.write(columns.treat(self, &batch)?).await?;
            }
        }
        if as_a_whole {
            let whole = concat_batches(&read, &std::mem::take(&mut held)).map_err(rows_of(name))?;
            let whole = columns.treat(self, &whole)?;
            for first in (0..whole.num_rows()).step_by(BATCH_ROWS) {
                writer.write(whole.slice(first, BATCH_ROWS.min(whole.num_rows() - first))).await?;
            }
        }
        self.finish(table, writer).await?;
        Ok(counts)
    }

    /// The columns that say what a row is about: what refers to the table that the sample begins with, else the key.
    /// Noise moves all dates of one subject by as much.
    fn subject(&self, design: &TableDesign) -> Vec<String> {
        if design.columns.iter().all(|column| !matches!(column.treatment, Treatment::Noise(_))) {
            return Vec::new();
        }
        let is_root =
            |name: &TableName| self.design.tables.get(name).is_some_and(|table| table.sample.is_some());
        if design.sample.is_some() {
            return design.key.clone();
        }
        let to_root = design.references.iter().find(|reference| is_root(&reference.table));
        to_root.map_or_else(|| design.key.clone(), |reference| reference.columns.clone())
    }
}

impl Columns<'_> {
    fn treat(&mut self, work: &Work<'_>, batch: &RecordBatch) -> Result<RecordBatch> {
        let name = self.name;
        let ids = match self.subject.as_slice() {
            [] => None,
            subject => {
                let failed =
                    |source| StagingError::Mask { table: name.clone(), column: subject.join(", "), source };
                Some(RowIds::new(work.key, &pick(batch, subject)).map_err(failed)?)
            }
        };
        let mut treated: Vec<ArrayRef> = Vec::with_capacity(self.design.len());
        for (design, masker) in &mut self.design {
            let values = column(name, batch, design)?;
            treated.extend(masker.apply(&values, ids.as_ref()).map_err(failed(name, design))?);
        }
        RecordBatch::try_new(self.schema.clone(), treated).map_err(rows_of(name))
    }
}

fn failed<'a>(name: &'a TableName, column: &'a ColumnDesign) -> impl Fn(MaskError) -> StagingError + 'a {
    move |source| StagingError::Mask { table: name.clone(), column: column.name.clone(), source }
}
