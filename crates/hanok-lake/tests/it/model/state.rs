//! What the model knows of branches and tables.

use std::collections::{BTreeMap, BTreeSet};

use hanok_catalog::BranchKind;
use hanok_types::TableName;

/// The values of a table's rows; no value is ever written twice.
pub(super) type Rows = BTreeSet<i64>;
pub(super) type Tables = BTreeMap<TableName, Rows>;

/// Rows, distinct values, their sum.
pub(super) fn digest(rows: &Rows) -> (i64, i64, i64) {
    (rows.len() as i64, rows.len() as i64, rows.iter().sum())
}

/// What happened to a table, as far as it decides whether a merge must succeed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Touch {
    Appended,
    Other,
}

/// Where a branch and its parent were last the same.
#[derive(Clone, Default)]
pub(super) struct Base {
    pub(super) ours: Option<Rows>,
    pub(super) theirs: Option<Rows>,
    /// Positions in both sides' `touches`.
    pub(super) touches: (usize, usize),
}

#[derive(Clone)]
pub(super) struct Modelled {
    pub(super) parent: Option<String>,
    pub(super) kind: BranchKind,
    pub(super) tables: Tables,
    pub(super) at_fork: Tables,
    /// All that happened here, table by table.
    pub(super) touches: Vec<(TableName, Touch)>,
    /// By table, since the last merge; of others `at_fork`.
    pub(super) bases: BTreeMap<TableName, Base>,
    /// The parent's `touches` at the fork.
    pub(super) forked_at: usize,
}

impl Modelled {
    pub(super) fn new(parent: Option<String>, kind: BranchKind, tables: Tables, forked_at: usize) -> Self {
        let (touches, bases) = (Vec::new(), BTreeMap::new());
        Self { parent, kind, at_fork: tables.clone(), tables, touches, bases, forked_at }
    }

    pub(super) fn base(&self, table: &TableName) -> Base {
        let at_fork = || self.at_fork.get(table).cloned();
        self.bases.get(table).cloned().unwrap_or_else(|| Base {
            ours: at_fork(),
            theirs: at_fork(),
            touches: (0, self.forked_at),
        })
    }

    pub(super) fn touched(&self, table: &TableName, since: usize) -> Option<Touch> {
        let touches = self.touches.get(since..).unwrap_or_default();
        touches.iter().filter(|(name, _)| name == table).map(|(_, touch)| *touch).max()
    }
}

/// The rows that only one side took away or added are gone or there; the same for the table as a whole.
pub(super) fn three_way(base: &Base, ours: Option<&Rows>, theirs: Option<&Rows>) -> Option<Rows> {
    let (Some(our_base), Some(our), Some(their)) = (&base.ours, ours, theirs) else {
        return if ours == base.ours.as_ref() { theirs.cloned() } else { ours.cloned() };
    };
    let kept = their.iter().filter(|row| our.contains(row) || !our_base.contains(row));
    Some(kept.chain(our.difference(our_base)).copied().collect())
}
