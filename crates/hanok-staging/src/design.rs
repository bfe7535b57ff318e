//! From a plan to what becomes of every table and column; all problems at once.

mod columns;
mod fates;

use std::collections::BTreeMap;

use arrow::datatypes::DataType;
use hanok_mask::Treatment;
use hanok_mask::detect::Personal;
use hanok_types::TableName;

use crate::error::{Problem, Result, StagingError};
use crate::facts::Facts;
use crate::keys::family;
use crate::plan::{Plan, Reference, Sample};
use crate::snapshot::Snapshot;

/// How a table comes to the branch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// Not copied: the branch reads the parent's.
    Share,
    /// Masked rows of a sample.
    Mask,
    /// Rows that are made up.
    Synthetic,
    /// Not on the branch, for a reason.
    Omit(String),
}

/// What becomes of a table.
#[derive(Clone, Debug)]
pub(crate) struct TableDesign {
    pub(crate) fate: Fate,
    pub(crate) key: Vec<String>,
    pub(crate) sample: Option<Sample>,
    /// To tables that are on the branch.
    pub(crate) references: Vec<Reference>,
    pub(crate) quasi_identifiers: Vec<String>,
    /// In the order of the table.
    pub(crate) columns: Vec<ColumnDesign>,
}

/// What becomes of a column.
#[derive(Clone, Debug)]
pub(crate) struct ColumnDesign {
    pub(crate) name: String,
    pub(crate) data_type: DataType,
    pub(crate) treatment: Treatment,
    /// What its values are; see [`hanok_mask::apply`].
    pub(crate) domain: String,
    /// Why it is taken for personal.
    pub(crate) personal: Option<String>,
    /// What it seems to hold.
    pub(crate) kind: Option<Personal>,
    /// Why it is kept.
    pub(crate) reason: Option<String>,
}

/// What becomes of every table.
#[derive(Clone, Debug)]
pub(crate) struct Design {
    pub(crate) tables: BTreeMap<TableName, TableDesign>,
    pub(crate) k: u64,
}

impl Design {
    /// # Errors
    /// [`StagingError::Refused`] with every problem that there is.
    pub(crate) fn new(plan: &Plan, snapshot: &Snapshot, facts: &Facts) -> Result<Self> {
        let mut designer = Designer { plan, snapshot, facts, problems: Vec::new(), tables: BTreeMap::new() };
        designer.fates();
        designer.references();
        designer.columns();
        let Designer { mut problems, tables, .. } = designer;
        if problems.is_empty() {
            return Ok(Self { tables, k: plan.k });
        }
        problems.sort_by(|a, b| (&a.table, &a.column).cmp(&(&b.table, &b.column)));
        problems.dedup();
        Err(StagingError::Refused(problems))
    }

    /// The tables of a fate.
    pub(crate) fn of(&self, fate: &Fate) -> impl Iterator<Item = (&TableName, &TableDesign)> {
        self.tables.iter().filter(move |(_, table)| table.fate == *fate)
    }
}

struct Designer<'a> {
    plan: &'a Plan,
    snapshot: &'a Snapshot,
    facts: &'a Facts,
    problems: Vec<Problem>,
    tables: BTreeMap<TableName, TableDesign>,
}

impl Designer<'_> {
    fn problem(&mut self, table: &TableName, column: Option<&str>, message: impl Into<String>) {
        let column = column.map(str::to_owned);
        self.problems.push(Problem {
            table: table.clone(),
            column,
            message: message.into(),
            is_personal: false,
        });
    }

    fn personal(&mut self, table: &TableName, column: &str, message: String) {
        let column = Some(column.to_owned());
        self.problems.push(Problem { table: table.clone(), column, message, is_personal: true });
    }

    fn fate(&self, table: &TableName) -> Option<&Fate> {
        self.tables.get(table).map(|table| &table.fate)
    }

    fn data_type(&self, table: &TableName, column: &str) -> Option<&DataType> {
        let field = self.snapshot.tables.get(table)?.schema.field_with_name(column).ok()?;
        Some(field.data_type())
    }

    /// The treatment that the plan gives a column.
    fn given(&self, table: &TableName, column: &str) -> Option<&Treatment> {
        self.plan.tables.get(table)?.columns.get(column)?.treatment.as_ref()
    }

    /// Gives every new table its key and the references that the plan and the project say.
    fn references(&mut self) {
        let names: Vec<TableName> = self.tables.keys().cloned().collect();
        for name in names {
            let planned = self.plan.tables.get(&name);
            self.check_names(&name);
            let opened = self.snapshot.tables.get(&name);
            let key = planned.map(|plan| plan.key.clone()).filter(|key| !key.is_empty());
            let key = key.or_else(|| opened.map(|opened| opened.key.clone())).unwrap_or_default();
            let mut references = Vec::new();
            for reference in planned.iter().flat_map(|plan| &plan.references) {
                if self.holds(&name, reference, true) && !references.contains(reference) {
                    references.push(reference.clone());
                }
            }
            let facts = self.facts;
            for (_, reference) in facts.references.iter().filter(|(from, _)| *from == name) {
                if self.holds(&name, reference, false) && !references.contains(reference) {
                    references.push(reference.clone());
                }
            }
            let table = self.tables.get_mut(&name);
            if let Some(table) = table {
                table.key = key;
                table.sample = planned.and_then(|plan| plan.sample.clone());
                table.quasi_identifiers =
                    planned.map(|plan| plan.quasi_identifiers.clone()).unwrap_or_default();
                table.references = references;
            }
        }
    }

    /// Columns that the plan names must be there.
    fn check_names(&mut self, name: &TableName) {
        let (Some(plan), Some(opened)) = (self.plan.tables.get(name), self.snapshot.tables.get(name)) else {
            return;
        };
        let named = plan.columns.keys().chain(&plan.key).chain(&plan.quasi_identifiers);
        let indexed = plan.indexes.iter().flat_map(|index| &index.0);
        let missing: Vec<&String> = named.chain(indexed).filter(|column| !opened.has(column)).collect();
        for column in missing {
            self.problem(name, Some(column), "does not exist");
        }
    }

    /// Whether a reference is one of the branch. Those of the plan must be; a project's tests are about more tables.
    fn holds(&mut self, name: &TableName, reference: &Reference, is_planned: bool) -> bool {
        let before = self.problems.len();
        let fate = self.fate(name).cloned();
        let target = self.fate(&reference.table).cloned();
        let complaint = |designer: &mut Self, column: Option<&str>, message: String| {
            if is_planned {
                designer.problem(name, column, message);
            }
            false
        };
        if !matches!(fate, Some(Fate::Mask | Fate::Synthetic)) {
            return false;
        }
        let Some(target) = target else {
            return complaint(self, None, format!("refers to {}, which is not a table", reference.table));
        };
        for (column, key) in reference.columns.iter().zip(&reference.key) {
            let Some(own) = self.data_type(name, column).cloned() else {
                return complaint(self, Some(column), "does not exist".to_owned());
            };
            let Some(other) = self.data_type(&reference.table, key).cloned() else {
                let message = format!("refers to {}.{key}, which does not exist", reference.table);
                return complaint(self, Some(column), message);
            };
            if family(&own) != family(&other) {
                let message = format!("is {own} and refers to {}.{key}, which is {other}", reference.table);
                return complaint(self, Some(column), message);
            }
            if matches!(self.given(name, column), Some(Treatment::Null | Treatment::Drop)) {
                return false;
            }
        }
        if fate == Some(Fate::Mask) && target == Fate::Synthetic {
            let message =
                format!("refers to {}, which is synthetic: real rows have no made-up ones", reference.table);
            self.problem(name, None, message);
        }
        !matches!(target, Fate::Omit(_)) && self.problems.len() == before
    }
}
