//! Monitors over a lake of their own, with channels that are servers of the test.
#![expect(
    clippy::unwrap_used,
    reason = "tests; clippy.toml allows it in test functions only, not in their helpers"
)]

mod channels;
mod reports;
mod runs;
mod servers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray as _, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::util::display::array_value_to_string;
use hanok_catalog::Catalog;
use hanok_lake::{CommitMode, CommitOptions, Lake, TableWriter, WriterOptions};
use hanok_monitor::{MonitorError, Place, Ran, Request, Span, read_definitions, run};
use hanok_query::{Session, SessionOptions};
use hanok_types::{TableName, parse_time};

const DAY_US: i64 = 86_400_000_000;

/// A project in a folder of its own.
struct Project {
    folder: tempfile::TempDir,
    lake: Lake,
}

impl Project {
    async fn new(yaml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("catalog.sqlite")).await.unwrap();
        let lake = Lake::open_local(&folder.path().join("lake"), catalog).unwrap();
        std::fs::create_dir(folder.path().join("monitors")).unwrap();
        let project = Self { folder, lake };
        project.define(yaml);
        project
    }

    fn define(&self, yaml: &str) {
        std::fs::write(self.path("monitors/a.yaml"), yaml).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Adds days of 200 rows each to `raw.t`: `x` around `center(day)`, every `gap`-th missing.
    async fn add(&self, days: std::ops::Range<i64>, center: impl Fn(i64) -> f64, gap: usize) {
        let mut state = 7_u32;
        let (mut times, mut values, mut rooms) = (Vec::new(), Vec::new(), Vec::new());
        for day in days {
            for row in 0..200_i64 {
                // The sum of three is near enough to a normal one.
                let mut next = || {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    f64::from(state >> 8) / f64::from(1 << 24) - 0.5
                };
                times.push(start_us() + day * DAY_US + row * 60_000_000);
                let value = center(day) + 2.0 * (next() + next() + next());
                values.push((gap == 0 || !(row as usize).is_multiple_of(gap)).then_some(value));
                rooms.push(["a", "b", "c"][(row % 3) as usize]);
            }
        }
        let columns: [(&str, ArrayRef); 3] = [
            ("at", Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC"))),
            ("x", Arc::new(Float64Array::from(values))),
            ("room", Arc::new(StringArray::from(rooms))),
        ];
        let batch =
            RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)))
                .unwrap();
        let mut table = self.lake.table_for_write(&TableName::new("raw", "t").unwrap()).await.unwrap();
        let mut writer = TableWriter::new(&table, &batch.schema(), WriterOptions::default()).unwrap();
        writer.write(batch).await.unwrap();
        let staged = writer.finish().await.unwrap();
        table.commit(staged, CommitMode::Append, &CommitOptions::default()).await.unwrap();
    }

    fn options(&self) -> SessionOptions {
        SessionOptions { threads: 2, memory_bytes_max: 256 << 20, spill_folder: self.path("spill") }
    }

    fn session(&self) -> Session {
        Session::open(&self.lake, &self.options()).unwrap()
    }

    /// Runs all monitors at the beginning of a day, as if it were that.
    async fn run(&self, day: i64) -> Ran {
        self.try_run(&Request::default(), day).await.unwrap()
    }

    async fn try_run(&self, request: &Request, day: i64) -> Result<Ran, MonitorError> {
        let definitions = read_definitions(self.folder.path()).unwrap();
        let session = self.session();
        let place = Place {
            folder: self.folder.path(),
            name: "school",
            lock: &self.path("monitor.lock"),
            session: &session,
            options: self.options(),
            origins: &BTreeMap::new(),
            run: "run",
            now_us: start_us() + day * DAY_US,
        };
        run(&place, &definitions, request, &|_, _, _| {}).await
    }

    /// A query's result, a line a row.
    async fn sql(&self, sql: &str) -> Vec<String> {
        let mut lines = Vec::new();
        for batch in self.session().sql(sql).await.unwrap().collect().await.unwrap() {
            for row in 0..batch.num_rows() {
                let cells = batch.columns().iter().map(|column| array_value_to_string(column, row).unwrap());
                lines.push(cells.collect::<Vec<_>>().join(" "));
            }
        }
        lines
    }

    async fn count(&self, sql: &str) -> i64 {
        let batches = self.session().sql(sql).await.unwrap().collect().await.unwrap();
        batches[0].column(0).as_primitive::<arrow::datatypes::Int64Type>().value(0)
    }
}

fn start_us() -> i64 {
    parse_time("2026-03-01").unwrap()
}

fn days(range: std::ops::Range<i64>) -> Span {
    Span { start_us: start_us() + range.start * DAY_US, end_us: start_us() + range.end * DAY_US }
}

fn lines(path: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A monitor of `raw.t` by days against its first four, which alerts a file.
fn monitor(alert: &str) -> String {
    format!(
        "channels:\n  - {{ name: log, file: alerts.jsonl }}\nmonitors:\n  - name: t\n    table: raw.t\n    time: at\n    window: day\n    \
         reference: {{ from: 2026-03-01, to: 2026-03-05 }}\n    alert: {{ channels: [log], {alert} }}\n"
    )
}
