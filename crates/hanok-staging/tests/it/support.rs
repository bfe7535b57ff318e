//! A lake with a few tables, and staging branches of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use hanok_catalog::{Branch, BranchKind, Catalog};
use hanok_lake::{CommitMode, CommitOptions, ForkRequest, Lake, TableWriter, WriterOptions};
use hanok_mask::Key;
use hanok_query::{Session, SessionOptions};
use hanok_staging::{Facts, Manifest, Plan, Staging, StagingError};
use hanok_types::{BranchName, TableName};

pub(crate) const MEMORY: usize = 64 << 20;

pub(crate) struct Fixture {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) lake: Lake,
}

pub(crate) fn name(text: &str) -> TableName {
    TableName::parse(text, "raw").unwrap()
}

pub(crate) fn plan(text: &str) -> Plan {
    hanok_config::parse_yaml(Path::new("staging.yaml"), text).unwrap()
}

pub(crate) fn integers(values: impl IntoIterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<Int64Array>())
}

pub(crate) fn texts(values: impl IntoIterator<Item = String>) -> ArrayRef {
    Arc::new(values.into_iter().map(Some).collect::<StringArray>())
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("catalog.sqlite")).await.unwrap();
        let lake = Lake::open_local(&folder.path().join("lake"), catalog).unwrap();
        Self { folder, lake }
    }

    /// Writes a table on `main`, in two files.
    pub(crate) async fn write(&self, table: &str, columns: Vec<(&str, ArrayRef)>) {
        let batch = RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(name, values)| (name, values, true)),
        )
        .unwrap();
        let mut table = self.lake.table_for_write(&name(table)).await.unwrap();
        let half = batch.num_rows() / 2;
        for part in [batch.slice(0, half), batch.slice(half, batch.num_rows() - half)] {
            let mut writer = TableWriter::new(&table, &part.schema(), WriterOptions::default()).unwrap();
            writer.write(part).await.unwrap();
            let staged = writer.finish().await.unwrap();
            table.commit(staged, CommitMode::Append, &CommitOptions::default()).await.unwrap();
        }
    }

    pub(crate) async fn session(&self, branch: &str) -> Session {
        let lake = self.lake.on_branch(branch).await.unwrap();
        let spill_folder = self.folder.path().join("spill");
        Session::open(&lake, &SessionOptions { threads: 2, memory_bytes_max: MEMORY, spill_folder }).unwrap()
    }

    pub(crate) async fn stage(
        &self,
        branch: &str,
        plan: &Plan,
        facts: &Facts,
        key: u8,
        memory_bytes_max: usize,
    ) -> Result<(Branch, Manifest), StagingError> {
        let session = self.session("main").await;
        let key = Key::new([key; 32]);
        let staging = self.staging(branch, plan, facts, &key, &session, memory_bytes_max);
        staging.create(&[9; 32], &|_, _| {}).await
    }

    pub(crate) fn staging<'a>(
        &'a self,
        branch: &str,
        plan: &'a Plan,
        facts: &'a Facts,
        key: &'a Key,
        session: &'a Session,
        memory_bytes_max: usize,
    ) -> Staging<'a> {
        Staging {
            parent: &self.lake,
            session,
            plan,
            plan_text: "",
            folder: self.folder.path(),
            facts,
            key,
            key_was_given: false,
            memory_bytes_max,
            request: ForkRequest {
                name: BranchName::new(branch).unwrap(),
                kind: BranchKind::Branch,
                as_of: None,
                tables: None,
                expires_us: None,
                created_by: String::new(),
            },
        }
    }

    /// Makes a branch that must succeed.
    pub(crate) async fn made(&self, branch: &str, text: &str) -> Manifest {
        self.stage(branch, &plan(text), &Facts::default(), 1, MEMORY).await.unwrap().1
    }

    /// The problems of a plan.
    pub(crate) async fn problems(&self, text: &str, facts: &Facts) -> Vec<String> {
        match self.stage("refused", &plan(text), facts, 1, MEMORY).await {
            Err(StagingError::Refused(problems)) => problems.iter().map(ToString::to_string).collect(),
            other => panic!("{other:?}"),
        }
    }

    /// Rows of a query as texts, in order.
    pub(crate) async fn rows(&self, branch: &str, sql: &str) -> Vec<Vec<String>> {
        let batches = self.session(branch).await.sql(sql).await.unwrap().collect().await.unwrap();
        let mut rows = Vec::new();
        for batch in batches {
            let options = FormatOptions::default().with_null("null");
            let columns: Vec<_> = batch
                .columns()
                .iter()
                .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
                .collect();
            rows.extend(
                (0..batch.num_rows()).map(|row| columns.iter().map(|c| c.value(row).to_string()).collect()),
            );
        }
        rows
    }

    pub(crate) async fn count(&self, branch: &str, sql: &str) -> i64 {
        self.rows(branch, sql).await[0][0].parse().unwrap()
    }

    /// The values of an integer column.
    pub(crate) async fn ids(&self, branch: &str, sql: &str) -> BTreeSet<i64> {
        let batches = self.session(branch).await.sql(sql).await.unwrap().collect().await.unwrap();
        let values = |batch: &RecordBatch| {
            batch.column(0).as_primitive::<Int64Type>().iter().flatten().collect::<Vec<_>>()
        };
        batches.iter().flat_map(values).collect()
    }

    /// Names in the lake's folder.
    pub(crate) fn folders(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path().join("lake")).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

pub(crate) fn fates(manifest: &Manifest) -> BTreeMap<String, String> {
    manifest.tables.iter().map(|table| (table.table.to_string(), table.fate.clone())).collect()
}
