//! Runs: what ran, when, how long, with how many rows.

use std::fmt;

use hanok_types::Id;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::store::now_us;
use crate::{Catalog, CatalogError};

/// What a run did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    /// Loading sources.
    Load,
    /// Building models and testing them.
    Build,
    /// Registering feature definitions.
    Apply,
    /// Joining a training set.
    Join,
    /// Filling the online store.
    Materialize,
    /// Joining small files of tables.
    Optimize,
    /// Deleting files that no version needs.
    Vacuum,
    /// Writing checkpoints of tables' logs.
    Checkpoint,
    /// Merging a branch into its parent.
    Merge,
    /// Publishing a branch into a database.
    Publish,
    /// `hanok branch rebase`.
    Rebase,
    /// Predicting with a model.
    Predict,
    /// Explaining a model's predictions.
    Explain,
    /// Comparing windows of tables with their references.
    Monitor,
    /// Comparing two models on the same rows.
    Swap,
}

impl RunKind {
    fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Build => "build",
            Self::Apply => "apply",
            Self::Join => "join",
            Self::Materialize => "materialize",
            Self::Optimize => "optimize",
            Self::Vacuum => "vacuum",
            Self::Checkpoint => "checkpoint",
            Self::Merge => "merge",
            Self::Publish => "publish",
            Self::Rebase => "rebase",
            Self::Predict => "predict",
            Self::Explain => "explain",
            Self::Monitor => "monitor",
            Self::Swap => "swap",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        const ALL: [RunKind; 15] = [
            RunKind::Load,
            RunKind::Build,
            RunKind::Apply,
            RunKind::Join,
            RunKind::Materialize,
            RunKind::Optimize,
            RunKind::Vacuum,
            RunKind::Checkpoint,
            RunKind::Merge,
            RunKind::Publish,
            RunKind::Rebase,
            RunKind::Predict,
            RunKind::Explain,
            RunKind::Monitor,
            RunKind::Swap,
        ];
        ALL.into_iter().find(|kind| kind.name() == text)
    }
}

impl fmt::Display for RunKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Its process is alive.
    Running,
    /// It ended well.
    Succeeded,
    /// It ended with an error.
    Failed,
    /// Its process ended without saying how: killed or crashed.
    Interrupted,
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        })
    }
}

/// Rows of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct RunCounts {
    /// Rows read.
    pub rows_in: u64,
    /// Rows written.
    pub rows_out: u64,
    /// Rows set aside.
    pub rows_rejected: u64,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Run {
    /// Its id, a ULID.
    pub id: String,
    /// What it did.
    pub kind: RunKind,
    /// The name of the branch that it ran on.
    pub branch: String,
    /// What it was about: sources, models, views.
    pub subject: String,
    /// How it stands.
    pub status: RunStatus,
    /// Start, microseconds since 1970-01-01 UTC.
    pub started_us: i64,
    /// End, if it ended.
    pub finished_us: Option<i64>,
    /// Rows in, out and rejected.
    #[serde(flatten)]
    pub counts: RunCounts,
    /// The error that ended it.
    pub error: Option<String>,
}

impl Catalog {
    /// Records that a run has started on the branch of that name.
    pub async fn start_run(&self, branch: &str, kind: RunKind, subject: &str) -> Result<Id, CatalogError> {
        let id = Id::generate();
        sqlx::query(
            "INSERT INTO runs (id, branch, kind, subject, status, pid, started_us)
             VALUES (?, ?, ?, ?, 'running', ?, ?)",
        )
        .bind(id.to_string())
        .bind(branch)
        .bind(kind.name())
        .bind(subject)
        .bind(i64::from(std::process::id()))
        .bind(now_us())
        .execute(&self.pool)
        .await
        .map_err(self.failed("record a run"))?;
        Ok(id)
    }

    /// Records how a run ended; `error` is `None` when it ended well.
    pub async fn finish_run(
        &self,
        id: Id,
        counts: RunCounts,
        error: Option<&str>,
    ) -> Result<(), CatalogError> {
        sqlx::query(
            "UPDATE runs SET status = ?, finished_us = ?, rows_in = ?, rows_out = ?, rows_rejected = ?, error = ?
             WHERE id = ?",
        )
        .bind(if error.is_some() { "failed" } else { "succeeded" })
        .bind(now_us())
        .bind(counts.rows_in as i64)
        .bind(counts.rows_out as i64)
        .bind(counts.rows_rejected as i64)
        .bind(error)
        .bind(id.to_string())
        .execute(&self.pool)
        .await
        .map_err(self.failed("record the end of a run"))?;
        Ok(())
    }

    /// The last `rows_max` runs, newest first.
    pub async fn runs(&self, rows_max: u32) -> Result<Vec<Run>, CatalogError> {
        let rows = sqlx::query("SELECT * FROM runs ORDER BY started_us DESC, id DESC LIMIT ?")
            .bind(rows_max)
            .fetch_all(&self.pool)
            .await
            .map_err(self.failed("list the runs"))?;
        rows.iter().map(run).collect()
    }
}

fn run(row: &SqliteRow) -> Result<Run, CatalogError> {
    let id: String = row.get("id");
    let invalid = |reason: String| CatalogError::Record { what: format!("run {id}"), reason };
    let kind: String = row.get("kind");
    let kind = RunKind::parse(&kind).ok_or_else(|| invalid(format!("kind `{kind}`")))?;
    let status = match row.get::<String, _>("status").as_str() {
        "succeeded" => RunStatus::Succeeded,
        "failed" => RunStatus::Failed,
        _ if is_alive(row.get("pid")) => RunStatus::Running,
        _ => RunStatus::Interrupted,
    };
    let count = |column: &str| row.get::<i64, _>(column).max(0) as u64;
    Ok(Run {
        kind,
        status,
        branch: row.get("branch"),
        subject: row.get("subject"),
        started_us: row.get("started_us"),
        finished_us: row.get("finished_us"),
        counts: RunCounts {
            rows_in: count("rows_in"),
            rows_out: count("rows_out"),
            rows_rejected: count("rows_rejected"),
        },
        error: row.get("error"),
        id,
    })
}

/// Whether a process of this machine has the id. A reused id can only make a dead run look alive, which harms nobody.
fn is_alive(pid: i64) -> bool {
    std::path::Path::new("/proc").join(pid.to_string()).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_run_of_a_dead_process_is_interrupted() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("catalog.sqlite")).await.unwrap();
        let dead = catalog.start_run("main", RunKind::Load, "flights").await.unwrap();
        sqlx::query("UPDATE runs SET pid = 0").execute(&catalog.pool).await.unwrap();
        let done = catalog.start_run("dev", RunKind::Build, "all").await.unwrap();
        let counts = RunCounts { rows_in: 3, rows_out: 2, rows_rejected: 1 };
        catalog.finish_run(done, counts, None).await.unwrap();
        let runs = catalog.runs(10).await.unwrap();
        assert_eq!(runs.len(), 2);
        assert_eq!((runs[0].id.as_str(), runs[0].status), (done.to_string().as_str(), RunStatus::Succeeded));
        assert_eq!(runs[0].counts, counts);
        assert_eq!(
            (runs[1].id.as_str(), runs[1].status),
            (dead.to_string().as_str(), RunStatus::Interrupted)
        );
    }
}
