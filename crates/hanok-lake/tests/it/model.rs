//! Random sequences of operations over several branches and tables, against a model in memory: after each of them the
//! lake is what the model says. Where a call of the storage fails, it is what the model said before, or says after.
//!
//! `HANOK_MODEL_SEQUENCES` sets how many sequences of each kind run, `HANOK_MODEL_SEED` the seed of the first.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use hanok_catalog::{BranchKind, Catalog, CatalogError};
use hanok_lake::{CommitMode, CommitOptions, ForkRequest, Lake, LakeError};
use hanok_types::TableName;

mod merging;
mod state;

use state::{Modelled, Rows, Tables, Touch, digest};

use super::branches::request;
use super::fault::FaultStore;
use super::{contents, numbers};

const OPERATIONS: u32 = 30;
const TABLES: u64 = 3;
const BRANCHES_MAX: usize = 6;

/// SplitMix64: small, seeded, the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len() as u64) as usize]
    }
}

struct World {
    lake: Lake,
    branches: BTreeMap<String, Modelled>,
    next: i64,
    made: u32,
    dice: Dice,
    faults: Option<FaultStore>,
    log: Vec<String>,
}

impl World {
    fn new(lake: Lake, seed: u64, faults: Option<FaultStore>) -> Self {
        let main = Modelled::new(None, BranchKind::Branch, Tables::new(), 0);
        let branches = BTreeMap::from([("main".to_owned(), main)]);
        Self { lake, branches, next: 0, made: 0, dice: Dice(seed), faults, log: Vec::new() }
    }

    fn any_branch(&mut self) -> String {
        let names: Vec<String> = self.branches.keys().cloned().collect();
        self.dice.pick(&names).clone()
    }

    fn any_table(&mut self) -> TableName {
        TableName::new("raw", &format!("t{}", self.dice.roll(TABLES))).unwrap()
    }

    fn fresh(&mut self) -> std::ops::Range<i64> {
        let count = 1 + self.dice.roll(20) as i64;
        let range = self.next..self.next + count;
        self.next += count;
        range
    }

    async fn step(&mut self) {
        let branch = self.any_branch();
        let table = self.any_table();
        if let Some(faults) = &self.faults
            && self.dice.roll(3) == 0
        {
            faults.fail_at(self.dice.roll(30) as i64, self.dice.roll(2) == 0);
        }
        let kind = self.dice.roll(26);
        self.log.push(format!("{kind} on {branch} {table}"));
        match kind {
            0..=6 => self.write(&branch, &table, CommitMode::Append).await,
            7 | 8 => self.write(&branch, &table, CommitMode::Replace).await,
            9..=11 => self.maintain(&branch, &table, kind == 9).await,
            12 => self.drop_table(&branch, &table).await,
            13..=15 => self.fork(&branch).await,
            16 => self.reset(&branch).await,
            17 => self.drop_branch(&branch).await,
            18..=22 => self.merge(&branch).await,
            23 | 24 => self.rebase(&branch).await,
            _ => {
                let collected = self.lake.collect_garbage(Duration::ZERO, false).await;
                assert!(collected.is_ok() || self.faults.is_some(), "{collected:?}");
            }
        }
        if let Some(faults) = &self.faults {
            faults.heal();
        }
        let (branch, table) = (self.any_branch(), self.any_table());
        self.check(&branch, &table).await;
    }

    async fn lake_on(&self, branch: &str) -> Result<Lake, LakeError> {
        self.lake.on_branch(branch).await
    }

    /// Takes over what a write that failed has made: the old state or the new one, nothing else.
    async fn settle(
        &mut self,
        branch: &str,
        table: &TableName,
        new: Option<Rows>,
        failed: Option<LakeError>,
    ) {
        let tables = &mut self.branches.get_mut(branch).unwrap().tables;
        let old = tables.get(table).cloned();
        if let Some(error) = failed {
            assert!(self.faults.is_some(), "{error:?}\n{:#?}", self.log);
            self.faults.as_ref().unwrap().heal();
            let found = read(&self.lake, branch, table).await;
            if found == old.as_ref().map(digest) {
                return;
            }
            let expected = new.as_ref().map(digest);
            assert!(
                found == expected,
                "{found:?} is neither {old:?} nor {new:?}: {error:?}\n{:#?}",
                self.log
            );
        }
        match new {
            Some(rows) => tables.insert(table.clone(), rows),
            None => tables.remove(table),
        };
    }

    async fn write(&mut self, branch: &str, table: &TableName, mode: CommitMode) {
        let range = self.fresh();
        let old = self.branches[branch].tables.get(table).cloned();
        let touch = match (&old, mode) {
            (Some(_), CommitMode::Append) => Touch::Appended,
            _ => Touch::Other,
        };
        let kept = old.filter(|_| mode == CommitMode::Append).unwrap_or_default();
        let new = kept.into_iter().chain(range.clone()).collect();
        let done = async {
            let lake = self.lake_on(branch).await?;
            let mut handle = lake.table_for_write(table).await?;
            let batch = numbers(range);
            let mut writer =
                hanok_lake::TableWriter::new(&handle, &batch.schema(), hanok_lake::WriterOptions::default())?;
            writer.write(batch).await?;
            let staged = writer.finish().await?;
            handle.commit(staged, mode, &CommitOptions::default()).await
        };
        match done.await {
            Err(LakeError::ReadOnly { .. }) => assert_eq!(self.branches[branch].kind, BranchKind::Tag),
            done => {
                assert_eq!(self.branches[branch].kind, BranchKind::Branch);
                self.touch(branch, table, touch);
                self.settle(branch, table, Some(new), done.err()).await;
            }
        }
    }

    fn touch(&mut self, branch: &str, table: &TableName, touch: Touch) {
        self.branches.get_mut(branch).unwrap().touches.push((table.clone(), touch));
    }

    async fn maintain(&mut self, branch: &str, table: &TableName, vacuum: bool) {
        self.touch(branch, table, Touch::Other);
        let done = async {
            let Some(mut table) = self.lake_on(branch).await?.find(table).await? else { return Ok(()) };
            if vacuum {
                table.vacuum(Duration::ZERO, false).await?;
            } else {
                table.optimize(NonZeroU64::new(1 << 20).unwrap()).await?;
            }
            Ok(())
        };
        match done.await {
            Ok(()) => {}
            Err(LakeError::ReadOnly { .. }) => assert_eq!(self.branches[branch].kind, BranchKind::Tag),
            Err(error) => {
                let old = self.branches[branch].tables.get(table).cloned();
                self.settle(branch, table, old, Some(error)).await;
            }
        }
    }

    async fn drop_table(&mut self, branch: &str, table: &TableName) {
        self.touch(branch, table, Touch::Other);
        let done = async { self.lake_on(branch).await?.drop_table(table).await };
        match done.await {
            Err(LakeError::ReadOnly { .. }) => assert_eq!(self.branches[branch].kind, BranchKind::Tag),
            done => self.settle(branch, table, None, done.err()).await,
        }
    }

    async fn fork(&mut self, parent: &str) {
        if self.branches.len() >= BRANCHES_MAX {
            return;
        }
        self.made += 1;
        let name = format!("b{}", self.made);
        let kind = if self.dice.roll(4) == 0 { BranchKind::Tag } else { BranchKind::Branch };
        let done = async { self.lake_on(parent).await?.fork(&ForkRequest { kind, ..request(&name) }).await };
        if let Err(error) = done.await {
            let faults = self.faults.as_ref();
            faults.unwrap_or_else(|| panic!("{error:?}\n{:#?}", self.log)).heal();
            if self.lake_on(&name).await.is_err() {
                return;
            }
        }
        let below = &self.branches[parent];
        let made = Modelled::new(Some(parent.to_owned()), kind, below.tables.clone(), below.touches.len());
        self.branches.insert(name, made);
    }

    fn has_children(&self, branch: &str) -> bool {
        self.branches.values().any(|other| other.parent.as_deref() == Some(branch))
    }

    async fn reset(&mut self, branch: &str) {
        let to_head = self.dice.roll(2) == 0;
        let may = branch != "main" && !self.has_children(branch);
        let before = self.lake_on(branch).await.map(|lake| lake.branch_id().to_owned());
        let done = async { self.lake_on(branch).await?.reset(to_head).await };
        let done = done.await;
        if let Some(faults) = &self.faults {
            faults.heal();
        }
        match done {
            Err(LakeError::Catalog(CatalogError::BranchInUse { .. })) => assert!(!may),
            Err(error) => {
                assert!(self.faults.is_some(), "{error:?}\n{:#?}", self.log);
                // It happened when the branch has another id.
                let now = self.lake_on(branch).await.unwrap().branch_id().to_owned();
                if before.is_ok_and(|before| before == now) {
                    return;
                }
                self.model_reset(branch, to_head);
            }
            Ok(_) => {
                assert!(may);
                self.model_reset(branch, to_head);
            }
        }
    }

    fn model_reset(&mut self, branch: &str, to_head: bool) {
        let modelled = &self.branches[branch];
        let (parent, kind) = (modelled.parent.clone().unwrap(), modelled.kind);
        let (tables, forked_at) = if to_head {
            let parent = &self.branches[&parent];
            (parent.tables.clone(), parent.touches.len())
        } else {
            (modelled.at_fork.clone(), modelled.forked_at)
        };
        self.branches.insert(branch.to_owned(), Modelled::new(Some(parent), kind, tables, forked_at));
    }

    async fn read_all(&self, branch: &str) -> BTreeMap<TableName, (i64, i64, i64)> {
        let mut found = BTreeMap::new();
        for table in 0..TABLES {
            let name = TableName::new("raw", &format!("t{table}")).unwrap();
            if let Some(digest) = read(&self.lake, branch, &name).await {
                found.insert(name, digest);
            }
        }
        found
    }

    async fn drop_branch(&mut self, branch: &str) {
        let may = branch != "main" && !self.has_children(branch);
        let done = async {
            let lake = self.lake_on(branch).await?;
            lake.drop_branch(lake.branch()).await
        };
        match done.await {
            Ok(()) => assert!(may),
            Err(LakeError::Catalog(CatalogError::BranchInUse { .. })) => {
                assert!(!may);
                return;
            }
            Err(error) => {
                assert!(self.faults.is_some(), "{error:?}\n{:#?}", self.log);
                if self.lake_on(branch).await.is_ok() {
                    return;
                }
            }
        }
        self.branches.remove(branch);
    }

    async fn check(&self, branch: &str, table: &TableName) {
        let expected = self.branches[branch].tables.get(table).map(digest);
        let found = read(&self.lake, branch, table).await;
        assert_eq!(found, expected, "{table} on {branch} after {:#?}", self.log);
    }

    async fn check_all(&self) {
        for (name, branch) in &self.branches {
            let lake = self.lake_on(name).await.unwrap();
            for table in 0..TABLES {
                self.check(name, &TableName::new("raw", &format!("t{table}")).unwrap()).await;
            }
            if branch.parent.is_some() {
                let changed = lake.changes().await.unwrap();
                let differ = branch.tables.keys().chain(branch.at_fork.keys());
                let differ = differ.filter(|name| branch.tables.get(*name) != branch.at_fork.get(*name));
                for name in differ {
                    assert!(changed.iter().any(|change| change.table == name.to_string()), "{name}");
                }
            }
        }
    }
}

async fn read(lake: &Lake, branch: &str, table: &TableName) -> Option<(i64, i64, i64)> {
    let lake = lake.on_branch(branch).await.unwrap();
    match lake.find(table).await.unwrap() {
        Some(table) => Some(contents(&lake, &table).await),
        None => None,
    }
}

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

async fn sequences(default: u64, local: bool, faulty: bool) {
    let (count, seed) =
        (from_environment("HANOK_MODEL_SEQUENCES", default), from_environment("HANOK_MODEL_SEED", 1));
    for seed in seed..seed + count {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("catalog.sqlite")).await.unwrap();
        let store = FaultStore::new();
        let lake = match local {
            true => Lake::open_local(&folder.path().join("lake"), catalog).unwrap(),
            false => Lake::open_store(Arc::new(store.clone()), catalog),
        };
        let mut world = World::new(lake, seed, faulty.then_some(store));
        for _ in 0..OPERATIONS {
            world.step().await;
        }
        world.log.push(format!("seed {seed}"));
        world.check_all().await;
        world.lake.catalog().close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lake_is_what_the_model_says() {
    sequences(100, false, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lake_in_a_folder_is_what_the_model_says() {
    sequences(20, true, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lake_is_what_the_model_says_whatever_call_fails() {
    sequences(100, false, true).await;
}
