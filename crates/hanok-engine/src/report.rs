//! What commands report: plain, serialisable, the `--json` output as it is.

use serde::Serialize;

pub use hanok_catalog::RunCounts;

/// One table of a load.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LoadedTable {
    /// The source.
    pub source: String,
    /// The table, `raw.<source>`.
    pub table: String,
    /// Files read.
    pub files: u64,
    /// Files skipped, because they had been loaded before.
    pub files_skipped: u64,
    /// Rows in the files read.
    pub rows_in: u64,
    /// Rows that are now in the table.
    pub rows_loaded: u64,
    /// Rows in the table's `__rejects`.
    pub rows_rejected: u64,
    /// The id that each row of this load carries.
    pub load_id: String,
    /// Wall time.
    pub seconds: f64,
}

/// `hanok load`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LoadReport {
    /// The run's id.
    pub run: String,
    /// Tables in the order of the sources.
    pub tables: Vec<LoadedTable>,
    /// Sum over the tables.
    pub rows_loaded: u64,
    /// Sum over the tables.
    pub rows_rejected: u64,
    /// Wall time.
    pub seconds: f64,
}

/// One model of a build.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelReport {
    /// Its name.
    pub name: String,
    /// `schema.table`.
    pub table: String,
    /// `table` or `view`.
    pub materialized: String,
    /// `built`, `failed` or `skipped`.
    pub status: String,
    /// Rows of a table.
    pub rows: Option<u64>,
    /// Wall time.
    pub seconds: f64,
    /// Why it failed or was skipped, with file and line.
    pub message: Option<String>,
}

/// One test of a build.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TestReport {
    /// Its name, such as `not_null_departures_origin`.
    pub name: String,
    /// `passed`, `warned`, `failed`, `error` or `skipped`.
    pub status: String,
    /// Rows that break it.
    pub failures: u64,
    /// Wall time.
    pub seconds: f64,
    /// Why it could not run, or where it is declared.
    pub message: Option<String>,
}

/// `hanok build`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct BuildReport {
    /// The run's id.
    pub run: String,
    /// Models in the order of the project.
    pub models: Vec<ModelReport>,
    /// Tests in the order of the project.
    pub tests: Vec<TestReport>,
    /// Models that were built.
    pub models_built: u64,
    /// Models that failed, those skipped because of them among them.
    pub models_failed: u64,
    /// Tests that passed.
    pub tests_passed: u64,
    /// Tests that failed or could not run.
    pub tests_failed: u64,
    /// Tests that only warn and found something.
    pub tests_warned: u64,
    /// Wall time.
    pub seconds: f64,
}

/// A query written to a file or to standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct QueryReport {
    /// Rows written.
    pub rows: u64,
    /// Wall time.
    pub seconds: f64,
}

/// `hanok apply`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ApplyReport {
    /// The run's id.
    pub run: String,
    /// New definitions, such as `feature view weather`.
    pub created: Vec<String>,
    /// Changed ones.
    pub changed: Vec<String>,
    /// Those no longer in the files.
    pub removed: Vec<String>,
    /// How many stayed.
    pub unchanged: usize,
    /// Registered entities.
    pub entities: usize,
    /// Registered feature views.
    pub feature_views: usize,
    /// Registered feature services.
    pub feature_services: usize,
}

/// `hanok features join`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct JoinReport {
    /// The run's id.
    pub run: String,
    /// Rows, one for each entity row.
    pub rows: u64,
    /// Columns of the result.
    pub columns: Vec<String>,
    /// The file.
    pub output: String,
    /// Wall time.
    pub seconds: f64,
}

/// `hanok materialize`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MaterializeReport {
    /// The run's id.
    pub run: String,
    /// View by view.
    pub views: Vec<hanok_features::MaterializedView>,
    /// Keys in the store, over the views named here.
    pub online_keys: u64,
    /// Wall time.
    pub seconds: f64,
}

/// One table of `hanok optimize`, `hanok vacuum` or `hanok checkpoint`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MaintainedTable {
    /// `schema.table`.
    pub table: String,
    /// Small files that the table no longer refers to.
    pub files_removed: u64,
    /// Larger files in their place.
    pub files_added: u64,
    /// Files deleted from the disk, or that would be.
    pub files_deleted: u64,
    /// The version that a checkpoint was written of.
    pub version: Option<u64>,
    /// Wall time.
    pub seconds: f64,
}

/// `hanok optimize`, `hanok vacuum` or `hanok checkpoint`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MaintenanceReport {
    /// The run's id.
    pub run: String,
    /// Table by table.
    pub tables: Vec<MaintainedTable>,
    /// Wall time.
    pub seconds: f64,
}

/// One line of `hanok runs`.
pub type RunReport = hanok_catalog::Run;
