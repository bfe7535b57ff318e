//! A branch that is being made: its own tables are written before anybody can see it.
//!
//! The catalog knows nothing of it until [`Draft::publish`], one transaction. What a process leaves that is killed
//! before is a folder of no branch, which [`Lake::collect_garbage`] removes.

use std::sync::Arc;

use hanok_catalog::{Branch, Fork, ForkOutcome, NewBranch, OwnTable, StagingRecord, TableRecord};
use hanok_types::{Id, TableName};

use crate::branch::Layer;
use crate::fork::fork_of;
use crate::{ForkRequest, Lake, LakeError, Table};

/// A branch in the making, with an id and a folder.
pub struct Draft {
    parent: Lake,
    lake: Lake,
    new: NewBranch,
}

impl Lake {
    /// Begins a branch of this one, whose tables are those that [`Draft::publish`] is told. The moment that it shows is
    /// the request's, or now; open its tables afterwards.
    pub fn draft(&self, request: &ForkRequest) -> Draft {
        let new = self.new_branch(request);
        let branch = Branch {
            id: new.id.clone(),
            name: new.name.to_string(),
            parent: Some(new.parent.clone()),
            ..Branch::main()
        };
        let folder = self.storage.folder(&new.id);
        let layer = Layer { id: new.id.clone(), folder, forks: Arc::default() };
        self.storage.router.mount(&new.id, self.storage.own_layer(&new.id));
        Draft { parent: self.clone(), lake: self.over(branch, Arc::new([layer])), new }
    }
}

impl Draft {
    /// The id of the branch.
    pub fn id(&self) -> &str {
        &self.new.id
    }

    /// A new table of the branch, without a commit.
    pub fn table(&self, name: &TableName) -> Result<Table, LakeError> {
        Ok(self.lake.handle(name, Id::generate())?.exclusive())
    }

    /// Makes the branch: `shared` are the views and, as they were opened, the tables that it sees of its parent, `own`
    /// those that it was given.
    ///
    /// # Errors
    /// [`LakeError::Conflict`] when a shared table has been dropped or made again meanwhile.
    pub async fn publish(
        self,
        shared: Vec<(TableRecord, Option<Table>)>,
        own: &[OwnTable],
        record: &StagingRecord,
    ) -> Result<Branch, LakeError> {
        let made = self.make(shared, own, record).await;
        if made.is_err() {
            self.abandon().await?;
        }
        made
    }

    async fn make(
        &self,
        shared: Vec<(TableRecord, Option<Table>)>,
        own: &[OwnTable],
        record: &StagingRecord,
    ) -> Result<Branch, LakeError> {
        let mut forks = Vec::with_capacity(shared.len());
        for (record, table) in shared {
            forks.push(match table {
                Some(table) => fork_of(record, &table, self.parent.hint(&table).await)?,
                None => Fork { record, version: None, hint: None },
            });
        }
        match self.parent.catalog().create_staging(&self.new, &forks, own, record).await? {
            ForkOutcome::Made(_) => {
                let made = self.parent.catalog().branch(self.new.name.as_str()).await?;
                self.parent.verified(made, &forks).await
            }
            ForkOutcome::Changed => {
                Err(LakeError::Conflict { table: self.new.name.to_string(), attempts: 1 })
            }
        }
    }

    /// Removes what was written.
    pub async fn abandon(&self) -> Result<(), LakeError> {
        self.parent.forget(&self.new.id).await
    }
}
