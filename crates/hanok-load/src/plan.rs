//! From what is known about the columns to how each is read and where it goes.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use hanok_types::column_name;

use crate::error::ReadError;
use crate::names::{distinct, same};
use crate::options::{Policy, ReadOptions};
use crate::types::{Candidates, ColumnType};

/// The column that the loader adds to every row.
pub(crate) const LOAD_ID_COLUMN: &str = "_hanok_load_id";

/// What becomes of a value that does not fit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Misfit {
    /// The plan was too narrow: look at the rest for types only and start again.
    Widen,
    /// The row goes to the rejects.
    Reject,
    /// The load fails.
    Fail,
}

/// How one column of the files is read.
#[derive(Clone, Debug)]
pub(crate) struct ColumnPlan {
    /// As in the file.
    pub(crate) raw: String,
    /// As in the table.
    pub(crate) name: String,
    /// None: no value fits, only nulls do.
    pub(crate) read: Option<ColumnType>,
    /// Declared types are read by the lenient rules.
    pub(crate) lenient: bool,
    pub(crate) misfit: Misfit,
    /// The type is the existing table's, and what is learned concerns misfits only.
    pub(crate) of_table: bool,
    /// Misfits go here, if they are of this type, before `misfit` is asked.
    pub(crate) variant: Option<(ColumnType, usize)>,
    /// The place in the output; none for columns that the contract keeps out.
    pub(crate) output: Option<usize>,
    /// What the values (for columns of a table's type: the misfits) were so far.
    pub(crate) candidates: Candidates,
}

impl ColumnPlan {
    /// What the values should have been, for reasons.
    pub(crate) fn expected(&self) -> String {
        match self.read {
            Some(read) => read.to_string(),
            None => "column of the table".to_owned(),
        }
    }
}

/// How all columns are read.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) columns: Vec<ColumnPlan>,
    pub(crate) by_raw: HashMap<String, usize>,
    pub(crate) schema: SchemaRef,
}

struct Column {
    raw: String,
    name: String,
    declared: Option<ColumnType>,
    /// The place in the existing schema.
    existing: Option<usize>,
    candidates: Candidates,
}

/// All columns of a source's files, in the order in which they were met.
pub(crate) struct Registry {
    columns: Vec<Column>,
    by_raw: HashMap<String, usize>,
    existing: Option<SchemaRef>,
    options: Arc<ReadOptions>,
}

impl Registry {
    pub(crate) fn new(options: Arc<ReadOptions>, existing: Option<SchemaRef>) -> Self {
        Self { columns: Vec::new(), by_raw: HashMap::new(), existing, options }
    }

    /// The place of a column, new or known.
    pub(crate) fn column(&mut self, raw: &str, file: &str) -> Result<usize, ReadError> {
        if let Some(&at) = self.by_raw.get(raw) {
            return Ok(at);
        }
        let columns_max = self.options.limits.columns_max;
        if self.columns.len() >= columns_max {
            return Err(ReadError::Columns { file: file.to_owned(), columns_max });
        }
        let base = match column_name(raw) {
            name if name.is_empty() => format!("column_{}", self.columns.len() + 1),
            name => name,
        };
        let name = distinct(base, |name| {
            same(name, LOAD_ID_COLUMN) || self.columns.iter().any(|column| same(&column.name, name))
        });
        let declared = self.options.columns.iter();
        let declared =
            declared.filter(|(key, _)| *key == raw || same(key, &name)).map(|(_, &kind)| kind).next();
        let existing = self.existing.as_ref().and_then(|schema| {
            let place =
                |test: &dyn Fn(&str) -> bool| schema.fields().iter().position(|field| test(field.name()));
            place(&|field| field == name).or_else(|| place(&|field| same(field, &name)))
        });
        let name = match (existing, &self.existing) {
            (Some(at), Some(schema)) => schema.field(at).name().clone(),
            _ => name,
        };
        if existing.is_none() && self.existing.is_some() && self.options.contract.columns == Policy::Freeze {
            return Err(ReadError::FrozenColumn { file: file.to_owned(), column: name });
        }
        let at = self.columns.len();
        self.by_raw.insert(raw.to_owned(), at);
        self.columns.push(Column {
            raw: raw.to_owned(),
            name,
            declared,
            existing,
            candidates: Candidates::NEW,
        });
        Ok(at)
    }

    /// Takes in what was learned about a column.
    pub(crate) fn learn(&mut self, at: usize, candidates: Candidates) {
        self.columns[at].candidates.merge(candidates);
    }

    /// Takes in what all values of a column are that was not known before. Of a column of the table's only those that do not fit matter,
    /// and these are learned once it is read by the table's type.
    pub(crate) fn learn_new(&mut self, at: usize, candidates: Candidates) {
        if self.columns[at].existing.is_none() {
            self.learn(at, candidates);
        }
    }

    /// A column's integers were seen not to survive as floats.
    pub(crate) fn forbid_float(&mut self, at: usize) {
        self.columns[at].candidates.forbid_float();
    }

    /// The plan for what is known now.
    pub(crate) fn plan(&self) -> Result<Plan, ReadError> {
        let mut fields: Vec<Arc<Field>> = match &self.existing {
            Some(schema) => {
                schema.fields().iter().map(|f| Arc::new(f.as_ref().clone().with_nullable(true))).collect()
            }
            None => Vec::new(),
        };
        let mut columns: Vec<ColumnPlan> = self
            .columns
            .iter()
            .map(|column| self.main_column(column, &mut fields))
            .collect::<Result<_, _>>()?;
        for (plan, column) in columns.iter_mut().zip(&self.columns) {
            let kind = match (column.existing, plan.misfit) {
                (Some(_), Misfit::Widen) => column.candidates.narrowest(),
                _ => None,
            };
            if let Some(kind) = kind {
                plan.variant = Some((kind, self.variant_place(&plan.name, kind, &mut fields)));
            }
        }
        let by_raw = self.by_raw.clone();
        Ok(Plan { columns, by_raw, schema: Arc::new(Schema::new(fields)) })
    }

    fn main_column(&self, column: &Column, fields: &mut Vec<Arc<Field>>) -> Result<ColumnPlan, ReadError> {
        let mut plan = ColumnPlan {
            raw: column.raw.clone(),
            name: column.name.clone(),
            read: None,
            lenient: false,
            misfit: Misfit::Widen,
            of_table: column.existing.is_some(),
            variant: None,
            output: column.existing,
            candidates: column.candidates,
        };
        if let (Some(at), Some(schema)) = (column.existing, &self.existing) {
            let data_type = schema.field(at).data_type();
            let kind = ColumnType::from_arrow(data_type);
            plan.misfit = match self.options.contract.types {
                Policy::Evolve => Misfit::Widen,
                Policy::Freeze => Misfit::Fail,
                Policy::DiscardRow => Misfit::Reject,
            };
            match (column.declared, kind) {
                (Some(declared), Some(kind)) if declared.widens_to(kind) => {
                    (plan.read, plan.lenient, plan.misfit) = (Some(declared), true, Misfit::Reject);
                }
                (Some(declared), _) if self.options.contract.types == Policy::Freeze => {
                    return Err(ReadError::FrozenType {
                        file: String::from("the source definition"),
                        line: 0,
                        column: column.name.clone(),
                        expected: data_type.to_string(),
                        value: format!("declared as {declared}"),
                    });
                }
                (Some(_), _) => {}
                (None, kind) => plan.read = kind,
            }
        } else if self.existing.is_some() && self.options.contract.columns == Policy::DiscardRow {
            plan.misfit = Misfit::Reject;
        } else {
            if let Some(declared) = column.declared {
                (plan.read, plan.lenient, plan.misfit) = (Some(declared), true, Misfit::Reject);
            } else {
                plan.read = column.candidates.narrowest();
            }
            let data_type = plan.read.map_or(DataType::Utf8, ColumnType::arrow);
            plan.output = Some(fields.len());
            fields.push(Arc::new(Field::new(&column.name, data_type, true)));
        }
        Ok(plan)
    }

    /// The place of `name__v_kind`, made if the table does not have it.
    fn variant_place(&self, name: &str, kind: ColumnType, fields: &mut Vec<Arc<Field>>) -> usize {
        let base = format!("{name}__v_{kind}");
        let known =
            fields.iter().position(|field| same(field.name(), &base) && *field.data_type() == kind.arrow());
        let ours = self.columns.iter().any(|column| same(&column.name, &base));
        if let (Some(at), false) = (known, ours) {
            return at;
        }
        let name = distinct(base, |name| fields.iter().any(|field| same(field.name(), name)));
        fields.push(Arc::new(Field::new(name, kind.arrow(), true)));
        fields.len() - 1
    }
}
