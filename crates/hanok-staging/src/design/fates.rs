//! Which tables are shared, masked, made up or left out.

use hanok_types::TableName;

use super::{Designer, Fate, TableDesign};
use crate::plan::{Mode, PlanMode};

impl Designer<'_> {
    /// Decides for all tables: those that the plan names, those that refer to them, and those that are made of them.
    pub(super) fn fates(&mut self) {
        let snapshot = self.snapshot;
        for name in self.plan.tables.keys().filter(|name| !snapshot.tables.contains_key(*name)) {
            let is_view = snapshot.views.iter().any(|view| view.name == *name);
            let message = if is_view { "is a view; views stay as they are" } else { "does not exist" };
            self.problems.push(crate::error::Problem {
                table: name.clone(),
                column: None,
                message: message.to_owned(),
                is_personal: false,
            });
        }
        for name in snapshot.tables.keys() {
            let fate = match (self.plan.tables.get(name).map(|plan| plan.mode), self.plan.mode) {
                (Some(Mode::Mask), _) => Fate::Mask,
                (Some(Mode::Synthetic), _) => Fate::Synthetic,
                (Some(Mode::Omit), _) => Fate::Omit("the plan says so".to_owned()),
                (None, PlanMode::Synthetic) if !self.facts.is_derived(name) => Fate::Synthetic,
                (Some(Mode::Share) | None, _) => Fate::Share,
            };
            self.put(name, fate);
        }
        self.followers();
        self.derived();
    }

    fn put(&mut self, name: &TableName, fate: Fate) {
        let table = TableDesign {
            fate,
            key: Vec::new(),
            sample: None,
            references: Vec::new(),
            quasi_identifiers: Vec::new(),
            columns: Vec::new(),
        };
        self.tables.insert(name.clone(), table);
    }

    /// A table that refers to one that is not shared holds its keys, and cannot be shared either.
    fn followers(&mut self) {
        // Each round gives a table another fate, so there are not more rounds than tables.
        for _ in 0..=self.tables.len() {
            let facts = self.facts;
            let planned = self.plan.tables.iter();
            let planned = planned.flat_map(|(name, plan)| plan.references.iter().map(move |to| (name, to)));
            let known = facts.references.iter().map(|(name, to)| (name, to));
            let next = planned.chain(known).find_map(|(name, reference)| {
                let is_shared = self.fate(name) == Some(&Fate::Share) && !facts.is_derived(name);
                let target = self.fate(&reference.table)?;
                (is_shared && matches!(target, Fate::Mask | Fate::Synthetic))
                    .then(|| (name.clone(), reference.table.clone(), target.clone()))
            });
            let Some((name, target, fate)) = next else { return };
            if self.plan.tables.contains_key(&name) {
                let message = format!("cannot be shared: it refers to {target}, which is not");
                self.problem(&name, None, message);
            }
            self.put(&name, fate);
        }
    }

    /// What is made of tables that are not shared would show their originals.
    fn derived(&mut self) {
        let names: Vec<TableName> = self.tables.keys().cloned().collect();
        let is_shared =
            |designer: &Self, name: &TableName| designer.fate(name).is_none_or(|fate| *fate == Fate::Share);
        for name in names.iter().filter(|name| !self.plan.tables.contains_key(*name)) {
            let Some(origin) = self.facts.origin(name, |parent| !is_shared(self, parent)) else { continue };
            let reason = match self.facts.rejects.contains_key(name) {
                true => format!("rejected rows of {origin}"),
                false => format!("built from {origin}; `hanok build` makes it on the branch"),
            };
            self.put(name, Fate::Omit(reason));
        }
    }
}
