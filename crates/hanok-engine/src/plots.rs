//! Wiring of charts: of explanation files, and of models that are explained for one chart.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use hanok_explain::{
    Explanation, ExplanationError, METADATA_KEY, PlotKind, PlotRequest, Plotted, ViewError, plot, plot_row,
};
use hanok_types::{Id, TableName};

use crate::output::{Format, NewFile, ResultWriter};
use crate::predictors::ExplainRequest;
use crate::rows::RowSource;
use crate::sink::{Sink, Target};
use crate::{Engine, EngineError, Observer};

/// Rows of a block that is copied.
const COPY_ROWS: usize = 8192;

/// Makes a chart of an explanation file.
pub async fn plot_file(path: PathBuf, request: PlotRequest) -> Result<Plotted, EngineError> {
    let work = move || {
        let explanation = Explanation::open(&path).map_err(ViewError::from)?;
        plot(&explanation, &request)
    };
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|error| EngineError::Blocks(error.to_string()))??)
}

/// Writes a picture, which appears when it is whole.
pub fn write_picture(path: &Path, bytes: &[u8]) -> Result<(), EngineError> {
    let (file, mut sink) = NewFile::create(path)?;
    let shown = path.display().to_string();
    let refused =
        |error: std::io::Error| EngineError::File { action: "write", path: shown, reason: error.to_string() };
    sink.write_all(bytes).map_err(refused)?;
    file.commit(sink)
}

/// Writes the numbers behind a picture: Parquet, CSV or JSON lines, by the extension.
pub fn write_table(path: &Path, table: &RecordBatch) -> Result<(), EngineError> {
    let (file, sink) = NewFile::create(path)?;
    let format = Format::of_path(path).unwrap_or(Format::Parquet);
    let mut writer = ResultWriter::new(format, table.schema_ref(), sink, &path.display().to_string())?;
    writer.write(table)?;
    let (_, sink) = writer.finish()?;
    file.commit(sink)
}

impl Engine {
    /// Explains rows and makes a chart of it: for a chart of one row that row, otherwise all. The explanation lies in the
    /// session's folder for spilled data until then.
    pub async fn plot(
        &self,
        explain: ExplainRequest,
        request: PlotRequest,
        observer: Arc<Observer>,
    ) -> Result<Plotted, EngineError> {
        if let (PlotKind::Waterfall | PlotKind::Force, Some(key)) = (request.kind, &request.row) {
            let (metadata, row) = self.explained_row(explain, key.clone()).await?;
            return Ok(plot_row(&metadata, &row, &request)?);
        }
        let spilled = self.spilled();
        self.explain(explain, Some(spilled.0.clone()), observer).await?;
        plot_file(spilled.0.clone(), request).await
    }

    /// Makes a chart of a table that is an explanation, `schema.table`: none if there is no such table. A copy of it lies in the session's
    /// folder for spilled data until then.
    pub async fn plot_table(
        &self,
        table: &str,
        request: PlotRequest,
    ) -> Result<Option<Plotted>, EngineError> {
        let Ok(name) = TableName::parse(table, "main") else { return Ok(None) };
        let Some(found) = self.lake.find(&name).await? else { return Ok(None) };
        let path = PathBuf::from(name.to_string());
        let wrong = move |reason: &str| {
            let reason = reason.to_owned();
            EngineError::from(ViewError::from(ExplanationError::Format { path: path.clone(), reason }))
        };
        let metadata = found.property(METADATA_KEY);
        let metadata = metadata.ok_or_else(|| wrong("`hanok explain --table` has not written it"))?;
        let (spilled, lake) = (self.spilled(), self.lake.clone());
        let target = Target::File(spilled.0.clone());
        let rows = RowSource::Table(table.to_owned()).open(self).await?;
        let schema = rows.schema.clone();
        let written = rows.in_blocks(COPY_ROWS, None, move |mut blocks| {
            let mut sink = Sink::open(&target, &lake, &schema)?;
            let mut rows = 0;
            while let Some(block) = blocks.next()? {
                rows += block.num_rows() as u64;
                sink.write(&block)?;
            }
            sink.annotate(METADATA_KEY, metadata)?;
            sink.commit()?;
            Ok(rows)
        });
        let rows = written.await?;
        let (path, changed) = (spilled.0.clone(), wrong("its rows have changed since it was written"));
        let work = move || {
            let explanation = Explanation::open(&path).map_err(ViewError::from)?;
            if explanation.metadata().rows == rows { Ok(plot(&explanation, &request)?) } else { Err(changed) }
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|error| EngineError::Blocks(error.to_string()))?.map(Some)
    }

    fn spilled(&self) -> Spilled {
        Spilled(self.session.spill_folder().join(format!("{}.parquet", Id::generate())))
    }

    /// Writes rows as a table of the lake, `schema.table`, in the place of the rows that it had.
    pub async fn write_rows(&self, table: &str, rows: RecordBatch) -> Result<(), EngineError> {
        self.lake.may_write()?;
        let target = Target::Table(TableName::parse(table, "main")?);
        let lake = self.lake.clone();
        let write = move || {
            let mut sink = Sink::open(&target, &lake, rows.schema_ref())?;
            sink.write(&rows)?;
            sink.commit()
        };
        let done = tokio::task::spawn_blocking(write).await;
        done.map_err(|error| EngineError::Blocks(error.to_string()))?
    }
}

/// A file that is removed when nobody needs it any more.
struct Spilled(PathBuf);

impl Drop for Spilled {
    fn drop(&mut self) {
        // What stays is removed by a later session.
        let _ = std::fs::remove_file(&self.0);
    }
}
