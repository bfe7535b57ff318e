//! Where a branch and the one that it is merged into were last the same.

use std::collections::BTreeMap;

use hanok_catalog::{Fork, MergeBase, TableKind};
use hanok_types::{Id, TableName};

use crate::{Lake, LakeError};

/// What a name stands for on one side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Absent,
    View(String),
    Table(Id, u64),
}

/// What a name stood for on both sides when they were last the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Base {
    pub(super) ours: State,
    pub(super) theirs: State,
    /// Whether a merge made it so, and not the fork.
    pub(super) merged: bool,
    /// A branch between both that was merged into the target when it had more than the branch knows: some of what the
    /// branch has is in the target, and no version says how much.
    pub(super) unknown: Option<String>,
}

/// The bases of a merge, by name.
pub(super) type Bases = BTreeMap<TableName, Base>;

/// By name, for a branch and one of those that it descends from: by the last merge of both, by the last merge of a
/// branch between them of which the branch has all, or by the forks.
///
/// Nothing of it changes while a merge has the lock, so a merge reads it once.
pub(super) async fn bases(branch: &Lake, target: &str) -> Result<Bases, LakeError> {
    let catalog = branch.catalog();
    let mut chain = catalog.branch_chain(branch.branch_id()).await?;
    let depth = chain.iter().position(|member| member.id == target);
    chain.truncate(depth.ok_or_else(|| LakeError::BranchGone { branch: branch.branch().name.clone() })?);
    let mut forks = Vec::with_capacity(chain.len());
    for member in &chain {
        let states = catalog.forks(&member.id).await?.into_iter();
        forks.push(states.map(|fork| (fork.record.name.clone(), state(fork))).collect());
    }
    let mut bases = Bases::new();
    // From the target down to the branch: each one's fork, and what of it has been merged.
    for (at, member) in chain.iter().enumerate().rev() {
        let below: &[Forks] = &forks[..at];
        if at + 1 == chain.len() {
            bases.extend(forks[at].iter().map(|(name, state)| (name.clone(), Base::of(state))));
        } else {
            for (name, base) in &mut bases {
                base.narrow(forks[at].get(name));
            }
        }
        for (name, merged) in catalog.merge_bases(&member.id, target).await? {
            let merged = Base::of_merge(merged);
            let seen = below.iter().all(|forks| merged.is_seen(forks.get(&name)));
            let base = match (seen, below.last()) {
                (false, Some(child)) => Base {
                    ours: child.get(&name).cloned().unwrap_or_default(),
                    unknown: Some(member.name.clone()),
                    ..merged
                },
                _ => merged,
            };
            bases.insert(name, base);
        }
    }
    Ok(bases)
}

/// What a branch saw when it was forked.
type Forks = BTreeMap<TableName, State>;

fn state(fork: Fork) -> State {
    match fork.record.kind {
        TableKind::View { sql } => State::View(sql),
        TableKind::Table { directory } => State::Table(directory, fork.version.unwrap_or_default()),
    }
}

impl Base {
    fn of(state: &State) -> Self {
        Self { ours: state.clone(), theirs: state.clone(), ..Self::default() }
    }

    fn of_merge(merged: MergeBase) -> Self {
        let base = match merged {
            MergeBase::Table { source, source_version, directory, version } => Self {
                ours: State::Table(source, source_version),
                theirs: State::Table(directory, version),
                ..Self::default()
            },
            MergeBase::View { sql } => Self::of(&State::View(sql)),
            MergeBase::Absent => Self::default(),
        };
        Self { merged: true, ..base }
    }

    /// Takes in what a branch below saw when it was forked: it may have begun before its parent's own base.
    fn narrow(&mut self, below: Option<&State>) {
        match (&self.ours, below) {
            (State::Table(directory, version), Some(State::Table(seen, limit)))
                if directory == seen && limit < version =>
            {
                let narrowed = State::Table(*directory, *limit);
                if !self.merged {
                    self.theirs = narrowed.clone();
                }
                self.ours = narrowed;
            }
            (_, None) => *self = Self { unknown: self.unknown.take(), ..Self::default() },
            _ => {}
        }
    }

    /// Whether a branch that saw this when it was forked saw all that the merge took.
    fn is_seen(&self, fork: Option<&State>) -> bool {
        match (&self.ours, fork) {
            (State::Table(source, version), Some(State::Table(directory, seen))) => {
                source == directory && version <= seen
            }
            (state, fork) => *state == fork.cloned().unwrap_or_default(),
        }
    }
}
