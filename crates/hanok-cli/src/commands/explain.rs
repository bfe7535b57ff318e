//! `hanok explain`.

mod waterfall;

use std::sync::Arc;

use hanok_engine::{
    AskingOptions, ExplainReport, ExplainRequest, Format, Method, ModelIdentity, OutputImportance, OutputKind,
};

use self::waterfall::{Scale, decimals};
use super::predict::data;
use super::row_source;
use crate::args::{AskingArgs, ExplainArgs, MethodArg, OutputArg};
use crate::console::{Console, Tone};
use crate::context::Context;
use crate::error::CliError;
use crate::progress::Progress;
use crate::render::{Cell, columns, counted, duration};
use crate::status::ExitStatus;

/// Features that are shown by themselves.
const FEATURES_SHOWN_MAX: usize = 12;

/// Explains all rows, or shows one.
pub(crate) async fn explain(context: &Context, args: ExplainArgs) -> Result<ExitStatus, CliError> {
    if let Some(path) = args.out.as_ref().filter(|path| Format::of_path(path) != Some(Format::Parquet)) {
        let shown = path.display();
        return Err(CliError::Usage(format!("the name of {shown} must end in .parquet")));
    }
    let method = args.method.map(method);
    if let Some(method) = method.filter(|method| method.has_background() != args.background.is_some()) {
        let problem =
            if method.has_background() { "needs --background" } else { "does not use --background" };
        return Err(CliError::Usage(format!("--method {method} {problem}")));
    }
    let output = match args.output {
        OutputArg::Raw => OutputKind::Raw,
        OutputArg::Probability => OutputKind::Probability,
        OutputArg::LogLoss => OutputKind::LogLoss,
    };
    let request = ExplainRequest {
        data: data(args.data, args.label),
        method,
        background: args.background.map(|name| row_source(Some(name), None)),
        asking: asking(&args.asking),
        output,
        interactions: args.interactions,
        check: args.check,
    };
    let engine = context.engine().await?;
    let console = &context.console;
    if let Some(key) = args.row {
        let spinner = Progress::spinner(console.bars(), "looking for the row");
        let row = engine.explain_row(request, key).await?;
        drop(spinner);
        console.report(&row, || waterfall::waterfall(console, &row))?;
        return Ok(ExitStatus::Success);
    }
    let progress = Progress::new(console.bars());
    let observer = Arc::from(progress.observer());
    let report = match args.table {
        Some(table) => engine.explain_table(request, &table, observer).await?,
        None => engine.explain(request, args.out, observer).await?,
    };
    drop(progress);
    console.report(&report, || summary(console, &report))?;
    Ok(ExitStatus::Success)
}

fn method(arg: MethodArg) -> Method {
    match arg {
        MethodArg::Path => Method::Path,
        MethodArg::Interventional => Method::Interventional,
        MethodArg::Saabas => Method::Saabas,
        MethodArg::Exact => Method::Exact,
        MethodArg::Permutation => Method::Permutation,
        MethodArg::Kernel => Method::Kernel,
        MethodArg::Sampling => Method::Sampling,
        MethodArg::Partition => Method::Partition,
        MethodArg::Linear => Method::Linear,
    }
}

fn asking(args: &AskingArgs) -> AskingOptions {
    let count = |count: Option<u32>| count.map(|count| count as usize);
    AskingOptions {
        evaluations: count(args.evaluations),
        seed: args.seed,
        model_rows_max: args.model_rows_max.map(|most| usize::try_from(most).unwrap_or(usize::MAX)),
        background_rows: count(args.background_rows),
    }
}

/// `delay@3 (XGBoost 3.1.0)`.
pub(super) fn model_name(model: &ModelIdentity) -> String {
    let version = model.version.map(|version| format!("@{version}")).unwrap_or_default();
    format!("{}{version} ({})", model.name, model.format)
}

/// What values explain, in words.
fn explained(output: OutputKind) -> &'static str {
    match output {
        OutputKind::Raw => "raw prediction",
        OutputKind::Probability => "probability",
        OutputKind::LogLoss => "log loss",
    }
}

fn summary(console: &Console, report: &ExplainReport) -> String {
    let against = match (report.method, report.background_rows) {
        (Method::Saabas, _) => "along each row's own path, by the method saabas: no SHAP values".to_owned(),
        (method, Some(rows)) if method.asks() => {
            format!("against {} of background, by the method {method}", counted(rows, "row"))
        }
        (_, Some(rows)) => format!("against {} of background", counted(rows, "row")),
        (_, None) => "along the paths of the training data".to_owned(),
    };
    let mut text = format!(
        "{} of {} explained in {}: the {}, {against}\n",
        counted(report.rows, "row"),
        model_name(&report.model),
        duration(report.seconds),
        explained(report.output),
    );
    if report.rows > 0 {
        for importance in &report.importance {
            text.push('\n');
            if report.importance.len() > 1 {
                text.push_str(&console.paint(Tone::Strong, &format!("output {}\n", importance.output)));
            }
            text.push_str(&ranking(console, importance));
        }
        text.push('\n');
    }
    if let Some(asked) = report.asked {
        let error = report.standard_error_max.map(|error| format!("; standard errors up to {error:.1e}"));
        let rows = counted(asked.model_rows, "row");
        text.push_str(&format!("the model was asked for {rows}{}\n", error.unwrap_or_default()));
    }
    let additivity = report.additivity;
    let verdict = if additivity.check().is_ok() {
        "values add up".to_owned()
    } else {
        console.paint(Tone::Bad, "VALUES DO NOT ADD UP")
    };
    text.push_str(&format!(
        "{verdict}: largest difference {:.1e}, tolerance {:.1e}\n",
        additivity.gap, additivity.tolerance
    ));
    if let Some(file) = &report.file {
        text.push_str(&format!("written to {file}\n"));
    }
    text
}

/// The features by the mean of |value|.
fn ranking(console: &Console, importance: &OutputImportance) -> String {
    let features = &importance.features;
    let (shown, rest) = features.split_at(features.len().min(FEATURES_SHOWN_MAX));
    let rest_total: f64 = rest.iter().map(|feature| feature.mean_abs).sum();
    let largest = shown.iter().map(|feature| feature.mean_abs).fold(0.0, f64::max);
    let (digits, scale) = (decimals(largest), Scale::new(0.0, largest));
    let row = |name: String, mean: f64, bar: String| {
        vec![
            Cell::left(format!("  {name}")),
            Cell::right(format!("{mean:.digits$}")),
            Cell::left(bar).tone(Tone::Up),
        ]
    };
    let mut rows = vec![
        vec![Cell::left("  feature"), Cell::right("mean |value|")]
            .into_iter()
            .map(|cell| cell.tone(Tone::Strong))
            .collect(),
    ];
    rows.extend(
        shown
            .iter()
            .map(|feature| row(feature.feature.clone(), feature.mean_abs, scale.bar(0.0, feature.mean_abs))),
    );
    if !rest.is_empty() {
        rows.push(row(counted(rest.len() as u64, "other feature"), rest_total, String::new()));
    }
    columns(console, &rows)
}
