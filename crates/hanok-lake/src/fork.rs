//! Making branches and tags.

use std::io;

use deltalake::DeltaTableError;
use deltalake::kernel::transaction::{PROTOCOL, TransactionError};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use hanok_catalog::{Branch, BranchKind, Fork, ForkOutcome, NewBranch, TableRecord};
use hanok_types::{BranchName, Id, TableName};
use object_store::ObjectStoreExt as _;
use tokio::runtime::Handle;

use crate::branch::remove_folder;
use crate::head::{Head, LocalLog, RemoteLog, checkpoint_version, head};
use crate::overlay::Seen;
use crate::past::{LayeredLog, Past};
use crate::{AsOf, Lake, LakeError, Table};

/// Rounds before a fork gives up because tables were dropped and made again meanwhile.
const ATTEMPTS_MAX: u32 = 5;
/// Tables looked at together where each look waits for a network or for a log to be read.
const TABLES_AT_ONCE: usize = 8;

/// A branch or tag to be made of the branch that a [`Lake`] is on.
#[derive(Clone, Debug)]
pub struct ForkRequest {
    /// Its name.
    pub name: BranchName,
    /// Branch or tag.
    pub kind: BranchKind,
    /// The moment of the parent that it begins with; now when there is none.
    pub as_of: Option<AsOf>,
    /// The tables and views that it sees; all when there are none.
    pub tables: Option<Vec<TableName>>,
    /// When it may be dropped, microseconds since 1970-01-01 UTC.
    pub expires_us: Option<i64>,
    /// Who makes it.
    pub created_by: String,
}

impl Lake {
    /// Makes a branch or tag of this one. Nothing is copied; the cost does not depend on rows or commits.
    ///
    /// # Errors
    /// [`LakeError::Fork`] for a table that delta-rs could not write on the branch, and for one whose files of that time
    /// are gone; [`LakeError::ForkVersion`] for a version number and not exactly one table.
    pub async fn fork(&self, request: &ForkRequest) -> Result<Branch, LakeError> {
        if matches!(request.as_of, Some(AsOf::Version(_)))
            && request.tables.as_ref().is_none_or(|tables| tables.len() != 1)
        {
            return Err(LakeError::ForkVersion { branch: self.branch().name.clone() });
        }
        for _ in 0..ATTEMPTS_MAX {
            let new = self.new_branch(request);
            let published = self.catalog().last_published().await?;
            let forks = self.fork_map(request).await?;
            if self.catalog().last_published().await? != published {
                // A merge was published in between: some of its tables may have been looked at before, some after.
                continue;
            }
            if let ForkOutcome::Made(_) = self.catalog().create_branch(&new, &forks).await? {
                let made = self.catalog().branch(request.name.as_str()).await?;
                return self.verified(made, &forks).await;
            }
        }
        Err(LakeError::Conflict { table: request.name.to_string(), attempts: ATTEMPTS_MAX })
    }

    /// Makes this branch begin anew: where it began, or with its parent's tables as they are now. Its changes are
    /// forgotten and their files removed. The handle is of no use afterwards.
    pub async fn reset(&self, to_head: bool) -> Result<Branch, LakeError> {
        let old = self.branch().clone();
        let parent = match &old.parent_name {
            Some(parent) => self.on_branch(parent).await?,
            // The catalog refuses, and says why.
            None => self.clone(),
        };
        let name = BranchName::new(old.name.clone())
            .map_err(|error| LakeError::Worker { table: old.name.clone(), reason: error.to_string() })?;
        let request = ForkRequest {
            name,
            kind: old.kind,
            as_of: None,
            tables: None,
            expires_us: old.expires_us,
            created_by: old.created_by.clone(),
        };
        for _ in 0..ATTEMPTS_MAX {
            let mut new = parent.new_branch(&request);
            let forks = match to_head {
                true => Some(parent.fork_map(&request).await?),
                false => None,
            };
            if !to_head {
                new.fork_us = old.fork_us;
            }
            let outcome = self.catalog().reset_branch(&old, &new, forks.as_deref()).await?;
            if let ForkOutcome::Made(_) = outcome {
                self.forget(&old.id).await?;
                let made = self.catalog().branch(&old.name).await?;
                return match forks {
                    Some(forks) => parent.verified(made, &forks).await,
                    None => Ok(made),
                };
            }
        }
        Err(LakeError::Conflict { table: old.name, attempts: ATTEMPTS_MAX })
    }

    /// Forgets a branch or tag and removes its folder. What its parent holds stays.
    pub async fn drop_branch(&self, branch: &Branch) -> Result<(), LakeError> {
        self.catalog().drop_branch(&branch.id).await?;
        self.forget(&branch.id).await
    }

    /// Removes what a branch that is no longer in the catalog has written.
    pub(crate) async fn forget(&self, id: &str) -> Result<(), LakeError> {
        self.storage.unmount(id);
        if let Some(folder) = self.storage.folder(id) {
            let shown = folder.display().to_string();
            let removed = tokio::task::spawn_blocking(move || remove_folder(&folder)).await;
            let failed = |source| LakeError::File { action: "remove", path: shown, source };
            return removed.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(failed);
        }
        let store = self.storage.own_layer(id);
        let failed = |source| LakeError::Storage { action: "remove", table: id.to_owned(), source };
        let objects: Vec<_> =
            store.list(None).map_ok(|meta| meta.location).try_collect().await.map_err(failed)?;
        for object in objects {
            match store.delete(&object).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(source) => {
                    return Err(LakeError::Storage { action: "remove", table: id.to_owned(), source });
                }
            }
        }
        Ok(())
    }

    pub(crate) fn new_branch(&self, request: &ForkRequest) -> NewBranch {
        let fork_us = match request.as_of {
            Some(AsOf::Timestamp(instant_us)) => instant_us,
            _ => chrono::Utc::now().timestamp_micros(),
        };
        NewBranch {
            id: Id::generate().to_string(),
            name: request.name.clone(),
            kind: request.kind,
            parent: self.branch().id.clone(),
            fork_us,
            expires_us: request.expires_us,
            created_by: request.created_by.clone(),
        }
    }

    /// What the new branch sees of this one. Tables without a commit by then are not among it.
    async fn fork_map(&self, request: &ForkRequest) -> Result<Vec<Fork>, LakeError> {
        let mut records = self.records().await?;
        if let Some(wanted) = &request.tables {
            if let Some(missing) =
                wanted.iter().find(|name| records.iter().all(|record| record.name != **name))
            {
                return Err(LakeError::Unknown { table: missing.clone() });
            }
            records.retain(|record| wanted.contains(&record.name));
        }
        let (tables, views): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|record| record.directory().is_some());
        let mut forks = match request.as_of {
            None => self.forks_of_heads(tables).await?,
            Some(AsOf::Timestamp(instant_us)) => self.forks_at(tables, instant_us).await?,
            Some(as_of) => self.forks_as_of(tables, as_of).await?,
        };
        self.before_merges(&mut forks).await?;
        forks.extend(views.into_iter().map(|record| Fork { record, version: None, hint: None }));
        Ok(forks)
    }

    /// Takes the tables of a merge that is on its way as they were before it.
    async fn before_merges(&self, forks: &mut [Fork]) -> Result<(), LakeError> {
        let held = self.catalog().held_tables(self.branch_id()).await?;
        for fork in forks.iter_mut().filter(|_| !held.is_empty()) {
            let Some(directory) = fork.record.directory() else { continue };
            let before = held.get(&directory.to_string()).copied();
            if before < fork.version && before.is_some() {
                fork.version = before;
                let is_older =
                    |hint: &String| checkpoint_version(hint).is_some_and(|version| Some(version) <= before);
                fork.hint = fork.hint.take().filter(is_older);
            }
        }
        Ok(())
    }

    async fn forks_of_heads(&self, tables: Vec<TableRecord>) -> Result<Vec<Fork>, LakeError> {
        let mut forks = Vec::with_capacity(tables.len());
        for (record, head) in self.heads(tables).await? {
            let fork = match head {
                Some(Head { version, hint, writable: true }) => {
                    Some(Fork { record, version: Some(version), hint })
                }
                // Not found by looking, or written by somebody else: the log has to be read.
                _ => match self.find(&record.name).await.map_err(|error| unsupported(&record.name, error))? {
                    Some(table) => Some(fork_of(record, &table, head.and_then(|head| head.hint))?),
                    None => None,
                },
            };
            forks.extend(fork);
        }
        Ok(forks)
    }

    /// The latest versions of tables; `None` where looking at the log's files does not tell.
    pub(crate) async fn heads(
        &self,
        tables: Vec<TableRecord>,
    ) -> Result<Vec<(TableRecord, Option<Head>)>, LakeError> {
        let failed = |source| LakeError::File { action: "read logs in", path: self.storage.shown(), source };
        let stopped = |error: tokio::task::JoinError| failed(io::Error::other(error));
        let own = self.layers.first().cloned();
        let own = own.ok_or_else(|| LakeError::BranchGone { branch: self.branch().name.clone() })?;
        let tables = tables.into_iter().filter_map(|record| Some((record.directory()?.to_string(), record)));
        let tables: Vec<_> = tables
            .map(|(directory, record)| (own.forks.get(&directory).cloned(), directory, record))
            .collect();
        if let Some(folder) = own.folder {
            let looked = tokio::task::spawn_blocking(move || {
                let look = |(seen, directory, record): (Option<Seen>, String, TableRecord)| {
                    Ok((record, head(&LocalLog::new(&folder.join(directory)), seen.as_ref())?))
                };
                tables.into_iter().map(look).collect::<io::Result<Vec<_>>>()
            });
            return looked.await.map_err(stopped)?.map_err(failed);
        }
        let store = self.storage.own_layer(&own.id);
        let looks = tables.into_iter().map(|(seen, directory, record)| {
            let table = object_store::path::Path::from(directory);
            let log = RemoteLog { store: store.clone(), table, runtime: Handle::current() };
            tokio::task::spawn_blocking(move || Ok((record, head(&log, seen.as_ref())?)))
        });
        stream::iter(looks)
            .buffered(TABLES_AT_ONCE)
            .map(|looked| looked.map_err(stopped)?.map_err(failed))
            .try_collect()
            .await
    }

    /// The tables as they were at a time: by their commits' times where Hanok wrote them, else by opening them.
    async fn forks_at(&self, tables: Vec<TableRecord>, instant_us: i64) -> Result<Vec<Fork>, LakeError> {
        let instant_ms = instant_us.div_euclid(1000);
        let layers = self.layers.clone();
        let heads = self.heads(tables).await?;
        let looked = tokio::task::spawn_blocking(move || {
            let (mut forks, mut others) = (Vec::new(), Vec::new());
            for (record, head) in heads {
                let Some(directory) = record.directory() else { continue };
                let log = LayeredLog::new(&layers, &directory.to_string());
                // Whoever wrote the newest version wrote tables that Hanok can write.
                let at = match (log, &head) {
                    (Some(log), Some(head)) if head.writable => log.version_at(head.version, instant_ms)?,
                    _ => Past::Unknown,
                };
                match at {
                    Past::At(version) => {
                        let hint = head.and_then(|head| head.hint);
                        let hint =
                            hint.filter(|hint| checkpoint_version(hint).is_some_and(|hint| hint <= version));
                        forks.push(Fork { record, version: Some(version), hint });
                    }
                    Past::Younger => {}
                    Past::Unknown => others.push(record),
                }
            }
            Ok((forks, others))
        });
        let failed = |source| LakeError::File { action: "read logs in", path: self.storage.shown(), source };
        let looked = looked.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        let (mut forks, others) = looked.map_err(failed)?;
        forks.extend(self.forks_as_of(others, AsOf::Timestamp(instant_us)).await?);
        Ok(forks)
    }

    async fn forks_as_of(&self, tables: Vec<TableRecord>, as_of: AsOf) -> Result<Vec<Fork>, LakeError> {
        let opened = tables.into_iter().map(|record| async move {
            match self.table_as_of(&record.name, as_of).await {
                Ok(table) => fork_of(record, &table, self.hint(&table).await).map(Some),
                // The table is younger than that.
                Err(LakeError::Version { .. } | LakeError::Unknown { .. })
                    if matches!(as_of, AsOf::Timestamp(_)) =>
                {
                    Ok(None)
                }
                Err(error) => Err(unsupported(&record.name, error)),
            }
        });
        let forks: Vec<Option<Fork>> = stream::iter(opened).buffered(TABLES_AT_ONCE).try_collect().await?;
        Ok(forks.into_iter().flatten().collect())
    }

    pub(crate) async fn hint(&self, table: &Table) -> Option<String> {
        let path =
            object_store::path::Path::from_iter([crate::overlay::LOG, crate::overlay::LAST_CHECKPOINT]);
        let bytes = table.store().get(&path).await.ok()?.bytes().await.ok()?;
        let text = String::from_utf8(bytes.to_vec()).ok()?;
        (checkpoint_version(&text)? <= table.version()?).then_some(text)
    }

    /// The branch, after a look whether vacuums that did not know of it have taken its files.
    pub(crate) async fn verified(&self, made: Branch, forks: &[Fork]) -> Result<Branch, LakeError> {
        let doubtful = self.doubtful(forks).await?;
        if doubtful.is_empty() {
            return Ok(made);
        }
        let lake = self.on_branch(&made.name).await?;
        for name in doubtful {
            let Some(table) = lake.find(&name).await? else { continue };
            for file in table.files().await? {
                if table.has_object(&file.path).await? {
                    continue;
                }
                let version = table.version().unwrap_or_default();
                self.drop_branch(&made).await?;
                let reason = format!("files of its version {version} have been vacuumed");
                return Err(LakeError::Fork { table: name.to_string(), reason });
            }
        }
        Ok(made)
    }

    /// Tables of which a vacuum began with a later version than the fork's, in any layer that the fork reads and that
    /// did not have to keep the version already.
    async fn doubtful(&self, forks: &[Fork]) -> Result<Vec<TableName>, LakeError> {
        let mut doubtful = Vec::new();
        let mut versions: Vec<(&Fork, String, u64)> = forks
            .iter()
            .filter_map(|fork| Some((fork, fork.record.directory()?.to_string(), fork.version?)))
            .collect();
        for layer in self.layers.iter() {
            let horizons = self.catalog().horizons(&layer.id).await?;
            for (fork, directory, version) in &versions {
                if horizons.get(directory).is_some_and(|horizon| horizon > version) {
                    doubtful.push(fork.record.name.clone());
                }
            }
            // Below, only a version that this layer does not hold there already is in doubt.
            versions.retain(|(_, directory, version)| {
                layer.forks.get(directory).is_some_and(|seen| *version < seen.version)
            });
        }
        doubtful.sort();
        doubtful.dedup();
        Ok(doubtful)
    }
}

/// The fork of an opened table.
pub(crate) fn fork_of(record: TableRecord, table: &Table, hint: Option<String>) -> Result<Fork, LakeError> {
    let state = table.delta.snapshot().map_err(|error| table.failed("read", error))?;
    PROTOCOL
        .can_write_to(state)
        .map_err(|error| LakeError::Fork { table: record.name.to_string(), reason: features(&error) })?;
    let version = table.version();
    let hint = hint.filter(|hint| checkpoint_version(hint) <= version);
    Ok(Fork { record, version, hint })
}

fn features(error: &TransactionError) -> String {
    match error {
        TransactionError::UnsupportedTableFeatures(features) => {
            let mut names: Vec<String> = features.iter().map(ToString::to_string).collect();
            names.sort();
            format!("Hanok cannot write tables with {}", names.join(", "))
        }
        other => format!("Hanok cannot write it: {other}"),
    }
}

/// A log that cannot even be read for its features is refused in the same words.
fn unsupported(table: &TableName, error: LakeError) -> LakeError {
    match error {
        LakeError::Delta { source, .. }
            if matches!(
                source.as_ref(),
                DeltaTableError::Transaction { source: TransactionError::UnsupportedTableFeatures(_) }
            ) =>
        {
            LakeError::Fork { table: table.to_string(), reason: source.to_string() }
        }
        other => other,
    }
}
