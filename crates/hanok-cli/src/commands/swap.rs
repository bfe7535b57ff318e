//! `hanok swap`.

mod summary;

use std::path::Path;
use std::sync::Arc;

use hanok_charts::Language;
use hanok_engine::{
    ColumnChoice, DriftSide, EngineError, SwapOutcome, SwapRequest, SwapVerdict, write_picture,
};
use serde_json::{Value, json};

use super::drift::{Form, form, side};
use crate::args::SwapArgs;
use crate::context::Context;
use crate::error::CliError;
use crate::progress::Progress;
use crate::status::ExitStatus;

pub(super) use summary::verdict;

/// Compares two models on the same rows.
pub(crate) async fn swap(context: &Context, args: Box<SwapArgs>) -> Result<ExitStatus, CliError> {
    let output = args.output.map(|path| Ok::<_, CliError>((form(&path)?, path))).transpose()?;
    let language = args.lang.into();
    let rows = match args.data_sql {
        Some(sql) => DriftSide::query(sql),
        None => side(args.data)?,
    };
    let request = SwapRequest {
        models: [args.m1, args.m2],
        rows,
        columns: ColumnChoice { features: args.columns, keys: args.keys, label: args.label },
        segments: args.by,
        output: args.class,
        reference: args.reference.map(|text| side(Some(text))).transpose()?,
        time: args.time,
        threshold: args.threshold,
        metric: args.metric,
        gates: args.gates,
        sample_rows: args.sample as usize,
        seed: args.seed,
    };
    let engine = context.engine().await?;
    let console = &context.console;
    let progress = Progress::new(console.bars());
    let found = engine.swap(request, Arc::from(progress.observer())).await?;
    drop(progress);
    if let Some((form, path)) = &output {
        write(&found, *form, path, language)?;
    }
    let written = output.as_ref().map(|(_, path)| path.as_path());
    if console.json {
        console.object(&object(&found, written)?)?;
    } else {
        console.say(&summary::summary(console, &found, written))?;
    }
    let is_harmful = found.report.swap.verdict == SwapVerdict::Fail;
    Ok(if is_harmful { ExitStatus::Unhealthy } else { ExitStatus::Success })
}

/// Writes the report.
pub(super) fn write(
    found: &SwapOutcome,
    form: Form,
    path: &Path,
    language: Language,
) -> Result<(), CliError> {
    let text = match form {
        Form::Html => found.report.html(language),
        Form::Json => found.report.json(),
    };
    Ok(write_picture(path, text.map_err(EngineError::from)?.as_bytes())?)
}

/// The report as an object, with what belongs to the run.
fn object(found: &SwapOutcome, written: Option<&Path>) -> Result<Value, CliError> {
    let text = found.report.json().map_err(EngineError::from)?;
    let mut object: Value = serde_json::from_str(&text)
        .map_err(|error| CliError::Unexpected(format!("a report that is no JSON: {error}")))?;
    object["run"] = json!(found.run);
    object["explained"] = json!(found.explained);
    object["unexplained"] = json!(found.unexplained);
    object["output"] = json!(written);
    object["seconds"] = json!(found.seconds);
    Ok(object)
}
