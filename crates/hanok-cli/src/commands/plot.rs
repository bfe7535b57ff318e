//! `hanok plot`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hanok_charts::{Chart, Fonts, Png, Style, Theme, html, png, svg};
use hanok_engine::{
    AskingOptions, ColumnChoice, DataRequest, ExplainRequest, FeatureOrder, Format, OutputKind, PlotKind,
    PlotRequest, Plotted, plot_file, write_picture, write_table,
};
use serde::Serialize;

use super::row_source;
use crate::args::{KindArg, OrderArg, PlotArgs, ThemeArg};
use crate::context::Context;
use crate::error::CliError;
use crate::fonts::fonts_for;
use crate::progress::Progress;
use crate::render::counted;
use crate::status::ExitStatus;

/// What was written, for scripts.
#[derive(Serialize)]
struct PlotReport {
    /// The title of the chart.
    title: String,
    /// Rows of the numbers behind it.
    rows: usize,
    /// The file.
    output: Option<PathBuf>,
    /// The table.
    table: Option<String>,
    /// Letters that no font has, drawn as boxes.
    missing_letters: String,
}

/// What the file is to hold, by its extension.
enum Form {
    Svg,
    Html,
    Png,
    Numbers,
}

/// Draws a chart of an explanation.
pub(crate) async fn plot(context: &Context, args: PlotArgs) -> Result<ExitStatus, CliError> {
    let form = args.output.as_deref().map(form).transpose()?;
    let request = request(&args);
    let drawing = Drawing { style: style(&args), scale: f64::from(args.scale), font: args.font.clone() };
    let (output, table) = (args.output.clone(), args.table.clone());
    let plotted = plotted(context, args, request).await?;
    let mut missing = BTreeSet::new();
    if let (Some(form), Some(path)) = (form, &output) {
        missing = drawing.write(&plotted, form, path)?;
    }
    let (title, rows) = (plotted.chart.title, plotted.table.num_rows());
    if let Some(name) = &table {
        context.engine().await?.write_rows(name, plotted.table).await?;
    }
    let missing_letters: String = missing.into_iter().collect();
    if !missing_letters.is_empty() {
        context.console.note(&format!(
            "warning: no font here has {missing_letters}, drawn as boxes; name one with --font FILE, or write .svg"
        ));
    }
    let report = PlotReport { title, rows, output, table, missing_letters };
    context.console.report(&report, || summary(&report))?;
    Ok(ExitStatus::Success)
}

fn summary(report: &PlotReport) -> String {
    let mut text = String::new();
    if let Some(path) = &report.output {
        text.push_str(&format!("\"{}\" written to {}\n", report.title, path.display()));
    }
    if let Some(table) = &report.table {
        text.push_str(&format!("{} written to {table}\n", counted(report.rows as u64, "row")));
    }
    text
}

/// The chart: of a file, of a table, or of a model that is explained for it.
async fn plotted(context: &Context, args: PlotArgs, request: PlotRequest) -> Result<Plotted, CliError> {
    let path = Path::new(&args.source);
    let has_rows = args.data.is_some() || args.data_sql.is_some();
    let is_explanation = Format::of_path(path) == Some(Format::Parquet);
    if is_explanation {
        if has_rows || args.keys.is_some() || args.background.is_some() || args.limit.is_some() {
            let shown = &args.source;
            return Err(CliError::Usage(format!(
                "{shown} is explained already: --data, --data-sql, --keys, --background and --limit are for models"
            )));
        }
        return Ok(plot_file(path.to_owned(), request).await?);
    }
    if !has_rows {
        if let Some(plotted) = context.engine().await?.plot_table(&args.source, request).await? {
            return Ok(plotted);
        }
        let shown = &args.source;
        return Err(CliError::Usage(format!(
            "the model {shown} needs rows to explain: --data or --data-sql; an explanation is a table or ends in .parquet"
        )));
    }
    let explain = ExplainRequest {
        data: DataRequest {
            model: args.source,
            rows: row_source(args.data, args.data_sql),
            columns: ColumnChoice { features: Vec::new(), keys: args.keys, label: None },
            rows_max: args.limit,
        },
        method: None,
        background: args.background.map(|name| row_source(Some(name), None)),
        asking: AskingOptions::default(),
        output: OutputKind::Raw,
        interactions: request.kind == PlotKind::Interactions,
        check: false,
    };
    let engine = context.engine().await?;
    let progress = Progress::new(context.console.bars());
    let plotted = engine.plot(explain, request, Arc::from(progress.observer())).await?;
    drop(progress);
    Ok(plotted)
}

fn form(path: &Path) -> Result<Form, CliError> {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    match (extension.as_str(), Format::of_path(path)) {
        ("svg", _) => Ok(Form::Svg),
        ("html" | "htm", _) => Ok(Form::Html),
        ("png", _) => Ok(Form::Png),
        (_, Some(Format::Parquet | Format::Csv | Format::Json)) => Ok(Form::Numbers),
        _ => Err(CliError::Usage(format!(
            "the name of {} must end in .svg, .png or .html, or for numbers in .parquet, .csv or .jsonl",
            path.display()
        ))),
    }
}

fn request(args: &PlotArgs) -> PlotRequest {
    PlotRequest {
        kind: match args.kind {
            KindArg::Bar => PlotKind::Bar,
            KindArg::Beeswarm => PlotKind::Beeswarm,
            KindArg::Violin => PlotKind::Violin,
            KindArg::Waterfall => PlotKind::Waterfall,
            KindArg::Force => PlotKind::Force,
            KindArg::Scatter => PlotKind::Scatter,
            KindArg::Heatmap => PlotKind::Heatmap,
            KindArg::Decision => PlotKind::Decision,
            KindArg::Interactions => PlotKind::Interactions,
        },
        feature: args.feature.clone(),
        colour: args.color.clone(),
        row: args.row.clone(),
        cohort: args.cohort.clone(),
        class: args.class.clone(),
        order: match args.order {
            OrderArg::Importance => FeatureOrder::Importance,
            OrderArg::Clustered => FeatureOrder::Clustered,
        },
        features_max: args.max.map(usize::from),
        language: style(args).language,
    }
}

fn style(args: &PlotArgs) -> Style {
    Style {
        width: f64::from(args.width),
        theme: match args.theme {
            ThemeArg::Auto => Theme::Auto,
            ThemeArg::Light => Theme::Light,
            ThemeArg::Dark => Theme::Dark,
        },
        language: args.lang.into(),
    }
}

/// How a chart is drawn.
struct Drawing {
    style: Style,
    /// Pixels of a PNG for each pixel.
    scale: f64,
    font: Option<PathBuf>,
}

impl Drawing {
    /// Writes a file. Returns the letters that no font has.
    fn write(&self, plotted: &Plotted, form: Form, path: &Path) -> Result<BTreeSet<char>, CliError> {
        let chart = &plotted.chart;
        match form {
            Form::Svg => write_picture(path, svg(chart, &self.style)?.as_bytes())?,
            Form::Html => write_picture(path, html(chart, &self.style)?.as_bytes())?,
            Form::Numbers => write_table(path, &plotted.table)?,
            Form::Png => {
                let picture = self.picture(chart)?;
                write_picture(path, &picture.bytes)?;
                return Ok(picture.missing);
            }
        }
        Ok(BTreeSet::new())
    }

    /// The picture, with the font that was named, or else with those of the system that have what is missing.
    fn picture(&self, chart: &Chart) -> Result<Png, CliError> {
        let read = |path: &PathBuf| {
            std::fs::read(path).map_err(|source| CliError::FontFile { path: path.clone(), source })
        };
        let named: Vec<Vec<u8>> = self.font.as_ref().map(read).transpose()?.into_iter().collect();
        let draw = |fonts: &[Vec<u8>]| {
            let files: Vec<&[u8]> = fonts.iter().map(Vec::as_slice).collect();
            png(chart, &self.style, self.scale, Fonts { files: &files })
        };
        let picture = draw(&named)?;
        if self.font.is_some() || picture.missing.is_empty() {
            return Ok(picture);
        }
        let found = fonts_for(&picture.missing);
        if found.is_empty() { Ok(picture) } else { Ok(draw(&found)?) }
    }
}
