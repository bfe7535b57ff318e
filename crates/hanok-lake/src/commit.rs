//! Commits: append or replace, optimistic, repeated on the latest version until they succeed.

use std::collections::BTreeMap;
use std::time::Duration;

use arrow::datatypes::Schema;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel as _;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TableReference};
use deltalake::kernel::{Action, MetadataExt as _, StructType, Transaction};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::{DeltaTable, DeltaTableError, TableProperty};
use futures::TryStreamExt as _;
use object_store::ObjectStoreExt as _;

use crate::error::is_conflict;
use crate::schema::evolve;
use crate::table::GREW_PROPERTY;
use crate::writer::sync_file;
use crate::{LakeError, StagedFiles, Table};

/// Rounds before a commit gives up. With the pauses below that is about ten seconds of constant defeat.
const ATTEMPTS_MAX: u32 = 60;
/// The longest pause between two rounds.
const PAUSE_MAX: Duration = Duration::from_millis(200);

/// Commits between two checkpoints of the log, which keep opening a table short: 100 commits to read take 0.2 s.
const CHECKPOINT_INTERVAL: &str = "20";

/// What a commit does with the rows that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitMode {
    /// They stay. New columns are allowed when [`CommitOptions::evolve`] says so.
    Append,
    /// They go, and the schema becomes that of the new files.
    Replace,
}

/// What a commit carries beside its files.
#[derive(Clone, Debug, Default)]
pub struct CommitOptions {
    /// Application transactions, recorded atomically with the files. When all of them are already recorded with this
    /// or a higher version the commit has happened before and is not repeated.
    pub applications: Vec<(String, i64)>,
    /// Whether new columns may be added to the table.
    pub evolve: bool,
    /// The columns that tell the table's rows apart, recorded in the catalog; empty when none do. `None` leaves what is
    /// recorded.
    pub key: Option<Vec<String>>,
    /// Free facts for the commit's entry in the log.
    pub info: BTreeMap<String, serde_json::Value>,
    /// What the rows are, as properties of the table whose names begin with `hanok.`; see [`Table::property`]. They go with the rows when
    /// those are replaced.
    pub properties: BTreeMap<String, String>,
}

/// How a commit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The table's version.
    pub version: u64,
    /// Whether this call made it; otherwise an earlier one had.
    pub fresh: bool,
}

impl Table {
    /// Makes staged files part of the table.
    ///
    /// A table that changed meanwhile is loaded again and the commit repeated, at most 60 times.
    ///
    /// # Errors
    /// [`LakeError::Conflict`] when other writers won every round; [`LakeError::SchemaMismatch`] and
    /// [`LakeError::NewColumn`] when the files do not fit the table as it is by then; [`LakeError::KeyColumn`] for a key
    /// that is not among the columns. Nothing is committed then.
    pub async fn commit(
        &mut self,
        staged: StagedFiles,
        mode: CommitMode,
        options: &CommitOptions,
    ) -> Result<Committed, LakeError> {
        self.may_write()?;
        let mut pause = Duration::from_millis(5);
        for _ in 0..ATTEMPTS_MAX {
            self.load().await?;
            if let Some(version) = self.already_committed(options).await? {
                self.declare_key(options.key.as_deref()).await?;
                return Ok(Committed { version, fresh: false });
            }
            if let Some(key) = &options.key {
                let kept = self.schema()?.filter(|_| mode == CommitMode::Append);
                let kept = kept.iter().flat_map(|schema| schema.fields().iter());
                let columns: Vec<_> = staged.schema.fields().iter().chain(kept).cloned().collect();
                key_columns(&self.name().to_string(), &Schema::new(columns), key)?;
            }
            match self.try_commit(&staged, mode, options).await? {
                Some(version) => {
                    self.sync_commit(version).await?;
                    self.take_over().await?;
                    self.load().await?;
                    self.declare_key(options.key.as_deref()).await?;
                    return Ok(Committed { version, fresh: true });
                }
                None => {
                    tokio::time::sleep(pause + jitter()).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
        Err(LakeError::Conflict { table: self.name().to_string(), attempts: ATTEMPTS_MAX })
    }

    /// Records the columns that tell the table's rows apart; `None` changes nothing, and so does a table that nobody has
    /// written yet.
    ///
    /// # Errors
    /// [`LakeError::KeyColumn`] when one is not among the table's columns.
    pub async fn declare_key(&self, key: Option<&[String]>) -> Result<(), LakeError> {
        let (Some(key), Some(schema)) = (key, self.schema()?) else { return Ok(()) };
        let columns = key_columns(&self.name().to_string(), &schema, key)?;
        Ok(self.catalog().set_key_columns(&self.branch().id, self.name(), &columns).await?)
    }

    async fn already_committed(&self, options: &CommitOptions) -> Result<Option<u64>, LakeError> {
        let Some(version) = self.version() else { return Ok(None) };
        if options.applications.is_empty() {
            return Ok(None);
        }
        for (application, wanted) in &options.applications {
            if self.application_version(application).await?.is_none_or(|found| found < *wanted) {
                return Ok(None);
            }
        }
        Ok(Some(version))
    }

    /// One round on the loaded version. `None` when another writer was faster.
    async fn try_commit(
        &self,
        staged: &StagedFiles,
        mode: CommitMode,
        options: &CommitOptions,
    ) -> Result<Option<u64>, LakeError> {
        let transactions: Vec<_> =
            options.applications.iter().map(|(app, version)| Transaction::new(app, *version)).collect();
        // No checkpoint clean-up by the hook: branches may need old log entries.
        let properties = CommitProperties::default()
            .with_max_retries(0)
            .with_cleanup_expired_logs(Some(false))
            .with_application_transactions(transactions)
            .with_metadata(options.info.clone());
        let adds = staged.adds.iter().cloned().map(Action::Add);
        let done = match self.schema()? {
            None => self.create(staged, adds.collect(), properties, &options.properties).await,
            Some(have) => {
                let mut actions = self.metadata_change(&have, staged, mode, options)?;
                if mode == CommitMode::Replace {
                    actions.extend(self.remove_actions(&|_| true).await?);
                }
                actions.extend(adds);
                self.write(actions, mode, properties).await
            }
        };
        match done {
            Ok(version) => Ok(Some(version)),
            Err(error) if is_conflict(&error) => Ok(None),
            Err(error) => match self.catalog().branch_chain(&self.branch().id).await {
                Ok(chain) if chain.is_empty() => {
                    Err(LakeError::BranchGone { branch: self.branch().name.clone() })
                }
                _ => Err(self.failed("commit to", error)),
            },
        }
    }

    async fn create(
        &self,
        staged: &StagedFiles,
        actions: Vec<Action>,
        properties: CommitProperties,
        of_rows: &BTreeMap<String, String>,
    ) -> Result<u64, DeltaTableError> {
        let schema = delta_schema(&staged.schema)?;
        let created = DeltaTable::new(self.log_store())
            .create()
            // Those of Hanok's own are none of Delta's.
            .with_raise_if_key_not_exists(false)
            .with_configuration(of_rows.iter().map(|(key, value)| (key, Some(value))))
            .with_table_name(self.name().to_string())
            .with_columns(schema.fields().cloned())
            .with_configuration_property(TableProperty::CheckpointInterval, Some(CHECKPOINT_INTERVAL))
            .with_save_mode(SaveMode::ErrorIfExists)
            .with_actions(actions)
            .with_commit_properties(properties)
            .await;
        match created {
            Ok(table) => Ok(table.version().unwrap_or_default()),
            // Somebody created it between our look and our commit.
            Err(error) if error.to_string().contains("already exists") => {
                Err(DeltaTableError::VersionAlreadyExists(0))
            }
            Err(error) => Err(error),
        }
    }

    /// A `metaData` action when the schema changes, or what the rows are.
    fn metadata_change(
        &self,
        have: &arrow::datatypes::SchemaRef,
        staged: &StagedFiles,
        mode: CommitMode,
        options: &CommitOptions,
    ) -> Result<Vec<Action>, LakeError> {
        let table = self.name().to_string();
        let (before, replaces) = (self.properties(), mode == CommitMode::Replace);
        let says_else = replaces && before != options.properties;
        let wanted = match mode {
            CommitMode::Replace if staged.schema == *have && !self.grew() && !says_else => {
                return Ok(Vec::new());
            }
            CommitMode::Replace => staged.schema.clone(),
            CommitMode::Append => {
                let evolution = evolve(&table, have, &staged.schema)?;
                if !evolution.grew {
                    return Ok(Vec::new());
                }
                if !options.evolve {
                    let column = evolution.schema.field(have.fields().len()).name().clone();
                    return Err(LakeError::NewColumn { table, column });
                }
                evolution.schema
            }
        };
        let changed = delta_schema(&wanted).and_then(|schema| -> Result<_, DeltaTableError> {
            let metadata = self.delta.snapshot()?.metadata().clone();
            let mut metadata = metadata
                .with_schema(&schema)?
                .add_config_key(GREW_PROPERTY.to_owned(), (!replaces).to_string())?;
            for key in before.keys().filter(|_| says_else) {
                metadata = metadata.remove_config_key(key)?;
            }
            for (key, value) in options.properties.iter().filter(|_| says_else) {
                metadata = metadata.add_config_key(key.clone(), value.clone())?;
            }
            Ok(metadata)
        });
        Ok(vec![Action::Metadata(changed.map_err(|error| self.failed("change the schema of", error))?)])
    }

    /// The actions that take files away: those whose path satisfies `wanted`.
    pub(crate) async fn remove_actions(
        &self,
        wanted: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<Vec<Action>, LakeError> {
        let log_store = self.log_store();
        let state = self.delta.snapshot().map_err(|error| self.failed("read", error))?;
        state
            .snapshot()
            .file_views(&log_store, None)
            .try_filter(|file| std::future::ready(wanted(&file.path())))
            .map_ok(|file| Action::Remove(file.remove_action(true)))
            .try_collect()
            .await
            .map_err(|error| self.failed("list the files of", error))
    }

    /// Removes files that will not be committed. What cannot be removed is left to a vacuum.
    pub(crate) async fn discard(&self, staged: StagedFiles) {
        for add in staged.adds {
            if let Err(error) = self.store().delete(&object_store::path::Path::from(add.path)).await {
                tracing::debug!(%error, "a file that is not needed stays");
            }
        }
    }

    pub(crate) fn partition_columns(&self) -> Result<Vec<String>, LakeError> {
        let state = self.delta.snapshot().map_err(|error| self.failed("read", error))?;
        Ok(state.metadata().partition_columns().to_vec())
    }

    async fn write(
        &self,
        actions: Vec<Action>,
        mode: CommitMode,
        properties: CommitProperties,
    ) -> Result<u64, DeltaTableError> {
        let mode = match mode {
            CommitMode::Append => SaveMode::Append,
            CommitMode::Replace => SaveMode::Overwrite,
        };
        let operation = DeltaOperation::Write { mode, partition_by: None, predicate: None };
        let state = self.delta.snapshot()?;
        let committed = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(state as &dyn TableReference), self.log_store(), operation)
            .await?;
        Ok(committed.version())
    }

    /// A commit counts as accepted only when it would survive a power cut; so must a checkpoint made after it, which
    /// readers take in place of the commits.
    pub(crate) async fn sync_commit(&self, version: u64) -> Result<(), LakeError> {
        let Some(folder) = self.local_folder() else { return Ok(()) };
        let log = folder.join("_delta_log");
        sync_file(log.join(format!("{version:020}.json"))).await?;
        let checkpoint = log.join(format!("{version:020}.checkpoint.parquet"));
        if checkpoint.exists() {
            sync_file(checkpoint).await?;
        }
        Ok(())
    }
}

/// The columns of a key as the table spells them. People may write them in another case.
fn key_columns(table: &str, schema: &Schema, key: &[String]) -> Result<Vec<String>, LakeError> {
    let spelt = |wanted: &String| {
        let names = || schema.fields().iter().map(|field| field.name());
        let exact = names().find(|name| *name == wanted);
        exact
            .or_else(|| names().find(|name| name.to_lowercase() == wanted.to_lowercase()))
            .cloned()
            .ok_or_else(|| LakeError::KeyColumn { table: table.to_owned(), column: wanted.clone() })
    };
    key.iter().map(spelt).collect()
}

fn delta_schema(schema: &arrow::datatypes::SchemaRef) -> Result<StructType, DeltaTableError> {
    let converted: Result<StructType, _> = schema.as_ref().try_into_kernel();
    Ok(converted?)
}

/// Up to 16 ms that differ between writers, so that two of them do not keep meeting.
fn jitter() -> Duration {
    Duration::from_micros(u64::from(uuid::Uuid::new_v4().as_bytes()[0]) * 64)
}
