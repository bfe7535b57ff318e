//! What a project says of its tables beside the plan.

use std::collections::{BTreeMap, BTreeSet};

use hanok_types::TableName;

use crate::plan::Reference;

/// What is known of a project's tables from its models and their YAML.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The tables and views that models write, with those that they read.
    pub derived: BTreeMap<TableName, Vec<TableName>>,
    /// Foreign keys: the `relationships` tests.
    pub references: Vec<(TableName, Reference)>,
    /// Columns that are tagged as personal.
    pub personal: BTreeSet<(TableName, String)>,
    /// Tables that hold what could not be loaded into another one, in its original text.
    pub rejects: BTreeMap<TableName, TableName>,
}

impl Facts {
    /// The first of the tables that `name` is made of, directly or not, of which `is` holds.
    pub(crate) fn origin(&self, name: &TableName, is: impl Fn(&TableName) -> bool) -> Option<TableName> {
        let mut seen = BTreeSet::new();
        let mut open = vec![name];
        while let Some(at) = open.pop() {
            let below = self.derived.get(at).into_iter().flatten().chain(self.rejects.get(at));
            for parent in below {
                if is(parent) {
                    return Some(parent.clone());
                }
                if seen.insert(parent) {
                    open.push(parent);
                }
            }
        }
        None
    }

    /// Whether it is made of other tables.
    pub(crate) fn is_derived(&self, name: &TableName) -> bool {
        self.derived.contains_key(name) || self.rejects.contains_key(name)
    }
}
