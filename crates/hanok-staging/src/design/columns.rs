//! What becomes of each column. Columns that refer to each other form a class with one treatment and one domain, so that
//! joins on the masked branch find the same rows.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::DataType;
use hanok_mask::detect::{Evidence, Personal, detect};
use hanok_mask::treatment::{FakeKind, Treatment};
use hanok_types::TableName;

use super::{ColumnDesign, Designer, Fate};
use crate::plan::{Mode, Sample};

/// From this confidence on a column is taken for personal.
const CONFIDENCE_MIN: f64 = 0.5;
/// Columns that Hanok itself adds.
const OWN_PREFIX: &str = "_hanok_";

type Column = (TableName, String);

/// Columns that refer to each other.
#[derive(Default)]
struct Class {
    members: BTreeSet<Column>,
    treatment: Option<Treatment>,
    domain: Option<String>,
    /// A table that is shared is among those referred to.
    is_shared: bool,
}

/// Why a column is taken for personal.
struct Looks {
    why: String,
    kind: Option<Personal>,
    /// A treatment to begin with.
    suggestion: Option<Treatment>,
}

impl Designer<'_> {
    /// Decides for the columns of all tables that come to the branch.
    pub(super) fn columns(&mut self) {
        let (classes, of) = self.classes();
        let names: Vec<TableName> = self.tables.keys().cloned().collect();
        for name in names {
            match self.fate(&name) {
                Some(Fate::Share) => self.check_shared(&name),
                Some(Fate::Mask) => self.mask(&name, &classes, &of),
                Some(Fate::Synthetic) => self.synthetic(&name),
                _ => {}
            }
        }
    }

    /// The classes, and which one a column is in.
    fn classes(&mut self) -> (Vec<Class>, BTreeMap<Column, usize>) {
        let mut classes: Vec<Class> = Vec::new();
        let mut of: BTreeMap<Column, usize> = BTreeMap::new();
        let masked = self.tables.iter().filter(|(_, table)| table.fate == Fate::Mask);
        for (name, table) in masked {
            for reference in &table.references {
                for (column, key) in reference.columns.iter().zip(&reference.key) {
                    let pair = [(name.clone(), column.clone()), (reference.table.clone(), key.clone())];
                    let mut merged = Class::default();
                    for member in pair {
                        match of.get(&member) {
                            Some(at) => merged.members.append(&mut std::mem::take(&mut classes[*at]).members),
                            None => drop(merged.members.insert(member)),
                        }
                    }
                    for member in &merged.members {
                        of.insert(member.clone(), classes.len());
                    }
                    classes.push(merged);
                }
            }
        }
        for class in classes.iter_mut().filter(|class| !class.members.is_empty()) {
            self.settle(class);
        }
        (classes, of)
    }

    /// One treatment and one domain for a class.
    fn settle(&mut self, class: &mut Class) {
        let mut given: Vec<(Column, Treatment)> = Vec::new();
        let mut domains: Vec<(Column, String)> = Vec::new();
        for (table, column) in &class.members {
            if self.fate(table) == Some(&Fate::Share) {
                class.is_shared = true;
            }
            let Some(plan) = self.plan.tables.get(table).and_then(|plan| plan.columns.get(column)) else {
                continue;
            };
            let member = (table.clone(), column.clone());
            if let Some(treatment) = plan.treatment.clone() {
                given.push((member.clone(), treatment));
            }
            domains.extend(plan.domain.clone().map(|domain| (member, domain)));
        }
        if class.is_shared {
            for ((table, column), treatment) in &given {
                if *treatment != Treatment::Keep {
                    let message =
                        format!("cannot be treated with `{treatment}`: it refers to a table that is shared");
                    self.problem(table, Some(column), message);
                }
            }
            class.treatment = Some(Treatment::Keep);
        }
        if let Some((first, rest)) = given.split_first() {
            for ((table, column), treatment) in rest.iter().filter(|(_, treatment)| *treatment != first.1) {
                let ((other, key), wanted) = first;
                let message = format!(
                    "is treated with `{treatment}`, but {other}.{key} with `{wanted}`: joins would not hold"
                );
                self.problem(table, Some(column), message);
            }
            class.treatment.get_or_insert_with(|| first.1.clone());
        }
        if let Some((first, rest)) = domains.split_first() {
            for ((table, column), domain) in rest.iter().filter(|(_, domain)| *domain != first.1) {
                let message =
                    format!("has the domain `{domain}`, and a column that it is joined with `{}`", first.1);
                self.problem(table, Some(column), message);
            }
        }
        class.domain = domains
            .into_iter()
            .next()
            .map(|(_, domain)| domain)
            .or_else(|| class.members.first().map(|(table, column)| format!("{table}.{column}")));
        if let Some(Treatment::Fpe(fpe)) = &class.treatment
            && fpe.digits.is_none()
        {
            self.check_widths(&class.members);
        }
    }

    /// Format-preserving encryption depends on how many digits a type holds.
    fn check_widths(&mut self, members: &BTreeSet<Column>) {
        let mut first: Option<DataType> = None;
        for (table, column) in members {
            let Some(data_type) = self.data_type(table, column).cloned() else { continue };
            let wanted = first.get_or_insert_with(|| data_type.clone());
            if *wanted != data_type {
                let message =
                    format!("is {data_type} and joined with {wanted}: `fpe` needs `digits` to agree");
                self.problem(table, Some(column), message);
            }
        }
    }

    /// Whether a column is taken for personal.
    fn looks_personal(&self, table: &TableName, column: &str) -> Option<Looks> {
        if column.starts_with(OWN_PREFIX) {
            return None;
        }
        let opened = self.snapshot.tables.get(table)?;
        let planned = self.plan.tables.get(table).and_then(|plan| plan.columns.get(column));
        let is_tagged = planned.is_some_and(crate::plan::ColumnPlan::is_personal)
            || self.facts.personal.contains(&(table.clone(), column.to_owned()));
        let guess = detect(column, &opened.look(column)).filter(|guess| guess.confidence >= CONFIDENCE_MIN);
        let data_type = opened.schema.field_with_name(column).ok()?.data_type();
        let kind = guess.as_ref().map(|guess| guess.kind);
        let suggestion = kind.map(Personal::suggestion);
        let suggestion = suggestion.filter(|treatment| treatment.output_type(data_type).is_ok());
        let looks = |why: String| Some(Looks { why, kind, suggestion: suggestion.clone() });
        if is_tagged {
            return looks("is tagged personal".to_owned());
        }
        if let Some(guess) = guess {
            let evidence = match guess.evidence {
                Evidence::Name => "by its name",
                Evidence::Content { .. } => "by its values",
                Evidence::Both => "by its name and values",
            };
            return looks(format!("looks like a {} {evidence}", guess.kind.name()));
        }
        let is_opaque = data_type.is_nested() || matches!(data_type, DataType::Binary);
        if is_opaque { looks("has values that cannot be looked into".to_owned()) } else { None }
    }

    fn untreated(&mut self, table: &TableName, column: &str, looks: &Looks) {
        let Looks { why, suggestion, .. } = looks;
        let example = suggestion.as_ref().map(|treatment| format!(" (for example `{treatment}`)"));
        self.personal(table, column, format!("{why} and has no treatment{}", example.unwrap_or_default()));
    }

    /// A personal column that is kept needs a reason.
    fn kept(&mut self, table: &TableName, column: &str, why: &str) {
        let plan = self.plan.tables.get(table).and_then(|plan| plan.columns.get(column));
        if plan.is_none_or(|plan| plan.reason.is_none()) {
            self.personal(table, column, format!("{why}: to keep it, give a `reason`"));
        }
    }

    fn check_shared(&mut self, name: &TableName) {
        let Some(opened) = self.snapshot.tables.get(name) else { return };
        let plan = self.plan.tables.get(name);
        if plan.is_some_and(|plan| plan.mode == Mode::Share && plan.sample.is_some()) {
            self.problem(name, None, "is shared as a whole, so there is no sample of it");
        }
        for field in opened.schema.fields() {
            let column = field.name();
            if let Some(treatment) =
                self.given(name, column).filter(|treatment| **treatment != Treatment::Keep)
            {
                let message = format!("cannot be treated with `{treatment}` in a table that is shared");
                self.problem(name, Some(column), message);
                continue;
            }
            let Some(looks) = self.looks_personal(name, column) else { continue };
            match self.given(name, column) {
                Some(_) => self.kept(name, column, &looks.why),
                None => self.untreated(name, column, &looks),
            }
        }
    }

    fn mask(&mut self, name: &TableName, classes: &[Class], of: &BTreeMap<Column, usize>) {
        let Some(opened) = self.snapshot.tables.get(name) else { return };
        let mut columns = Vec::new();
        for field in opened.schema.fields() {
            let column = field.name();
            let class = of.get(&(name.clone(), column.clone())).map(|at| &classes[*at]);
            let given = self.given(name, column).cloned();
            let inherited = class.and_then(|class| class.treatment.clone());
            let personal = self.looks_personal(name, column);
            let plan = self.plan.tables.get(name).and_then(|plan| plan.columns.get(column)).cloned();
            if let Some(looks) = &personal {
                match (&given, &inherited) {
                    (Some(Treatment::Keep), _) => self.kept(name, column, &looks.why),
                    (None, None) => self.untreated(name, column, looks),
                    _ => {}
                }
            }
            let treatment = given.or(inherited).unwrap_or(Treatment::Keep);
            if let Err(error) = treatment.output_type(field.data_type()) {
                self.problem(name, Some(column), format!("cannot be treated so: {error}"));
            }
            self.check_key(name, column, &treatment, class.is_some());
            let domain = class.and_then(|class| class.domain.clone());
            let domain = domain.or_else(|| plan.as_ref().and_then(|plan| plan.domain.clone()));
            columns.push(ColumnDesign {
                name: column.clone(),
                data_type: field.data_type().clone(),
                treatment,
                domain: domain.unwrap_or_else(|| format!("{name}.{column}")),
                kind: personal.as_ref().and_then(|looks| looks.kind),
                personal: personal.map(|looks| looks.why),
                reason: plan.and_then(|plan| plan.reason),
            });
        }
        if columns.iter().all(|column| column.treatment == Treatment::Drop) {
            self.problem(name, None, "has no column left; `mode: omit` leaves it out");
        }
        self.check_sample(name);
        if let Some(table) = self.tables.get_mut(name) {
            table.columns = columns;
        }
    }

    /// Keys and what refers to them must stay different, and the same everywhere.
    fn check_key(&mut self, name: &TableName, column: &str, treatment: &Treatment, is_joined: bool) {
        let is_key = self.tables.get(name).is_some_and(|table| table.key.iter().any(|key| key == column));
        let holds = match treatment {
            Treatment::Keep | Treatment::Hash(_) | Treatment::Fpe(_) => true,
            Treatment::Fake(fake) => fake.unique || fake.kind == FakeKind::ResidentNumber,
            _ => false,
        };
        if (is_key || is_joined) && !holds {
            let message =
                format!("is a key: `{treatment}` does not keep it unique; take hash, fpe or a unique fake");
            self.problem(name, Some(column), message);
        }
    }

    fn check_sample(&mut self, name: &TableName) {
        let Some(table) = self.tables.get(name) else { return };
        if table.sample.is_some() && table.key.is_empty() {
            self.problem(name, None, "is sampled and has no `key`");
        }
    }

    fn synthetic(&mut self, name: &TableName) {
        let Some(opened) = self.snapshot.tables.get(name) else { return };
        let sample = self.tables.get(name).and_then(|table| table.sample.as_ref());
        if sample.is_some_and(|sample| !matches!(sample, Sample::Rate(_))) {
            self.problem(name, None, "is synthetic, so its `sample` is a `rate` of rows");
        }
        let mut columns = Vec::new();
        for field in opened.schema.fields() {
            let column = field.name();
            let given = self.given(name, column).cloned();
            let treatment = match given {
                Some(treatment @ (Treatment::Null | Treatment::Drop)) => treatment,
                Some(treatment @ Treatment::Fake(_)) => {
                    if let Err(error) = treatment.output_type(field.data_type()) {
                        self.problem(name, Some(column), format!("cannot be treated so: {error}"));
                    }
                    treatment
                }
                None | Some(Treatment::Synthetic) => Treatment::Synthetic,
                Some(other) => {
                    let message =
                        format!("of a synthetic table takes null, drop, fake or nothing, not `{other}`");
                    self.problem(name, Some(column), message);
                    other
                }
            };
            let personal = self.looks_personal(name, column);
            columns.push(ColumnDesign {
                name: column.clone(),
                data_type: field.data_type().clone(),
                treatment,
                domain: format!("{name}.{column}"),
                kind: personal.as_ref().and_then(|looks| looks.kind),
                personal: personal.map(|looks| looks.why),
                reason: None,
            });
        }
        if let Some(table) = self.tables.get_mut(name) {
            table.columns = columns;
        }
    }
}
