//! `hanok drift`.

mod changes;
mod pushed;
mod summary;
mod watch;

pub(super) use changes::{percent, short};

use std::path::Path;
use std::sync::Arc;

use hanok_charts::Language;
use hanok_drift::Options;
use hanok_engine::{
    DriftOutcome, DriftPlace, DriftRequest, DriftSide, EngineError, ImportanceSource, PeerMethod,
    write_picture,
};

use crate::args::{DriftArgs, DriftCommand, MethodOfDrift};
use crate::context::Context;
use crate::error::CliError;
use crate::progress::Progress;
use crate::status::ExitStatus;

/// Memory when no project says how much.
const MEMORY_MB_DEFAULT: u64 = 2048;

/// What the file is to hold, by its extension.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Html,
    Json,
}

/// Compares two sides, or watches a stream.
pub(crate) async fn drift(context: &Context, args: DriftArgs) -> Result<ExitStatus, CliError> {
    if let Some(DriftCommand::Watch(args)) = args.command {
        return watch::watch(context, args).await;
    }
    let output = args.output.map(|path| Ok::<_, CliError>((form(&path)?, path))).transpose()?;
    let importance = args.model.map(ImportanceSource::Model);
    let request = DriftRequest {
        reference: side(args.reference)?,
        current: side(args.current)?,
        columns: args.columns,
        time: args.time,
        by: args.by.map(|column| (column, usize::from(args.segments))),
        importance: importance.or(args.importance.map(ImportanceSource::Explanation)),
        together: args.together,
        options: options(&args.settings)?,
    };
    let needs_project = request.reference.needs_project()
        || request.current.needs_project()
        || matches!(request.importance, Some(ImportanceSource::Model(_)));
    let place = place(context, needs_project).await?;
    let console = &context.console;
    let method = match args.method {
        MethodOfDrift::Hanok => None,
        MethodOfDrift::Evidently => Some(PeerMethod::Evidently),
        MethodOfDrift::Nannyml => Some(PeerMethod::NannyMl),
    };
    let has_drifted = if let Some(method) = method {
        if request.by.is_some() || request.importance.is_some() || request.together || output.is_some() {
            return Err(CliError::Usage(
                "--by, --model, --importance, --together and -o go with --method hanok only".to_owned(),
            ));
        }
        let spinner = Progress::spinner(console.bars(), "comparing");
        let found = place.drift_by_peer(request, method).await?;
        drop(spinner);
        console.report(&found, || summary::of_peer(console, &found))?;
        found.has_drifted.unwrap_or_else(|| found.columns.iter().any(|column| column.has_drifted))
    } else {
        let progress = Progress::new(console.bars());
        let found = place.drift(request, Arc::from(progress.observer())).await?;
        drop(progress);
        if let Some((form, path)) = &output {
            write(&found, *form, path, args.lang.into())?;
        }
        let written = output.as_ref().map(|(_, path)| path.as_path());
        if console.json {
            console.object(&found.json()?)?;
        } else {
            console.say(&summary::of_outcome(console, &found, written))?;
        }
        found.has_drifted()
    };
    Ok(if args.exit_code && has_drifted { ExitStatus::Unhealthy } else { ExitStatus::Success })
}

/// The project's engine and limits, or without a project those of the flags.
pub(super) async fn place(context: &Context, needs_project: bool) -> Result<DriftPlace, CliError> {
    let found = if needs_project { Some(context.engine().await?) } else { None };
    let (threads, memory_mb) = match &found {
        Some(engine) => (engine.project().threads.value, engine.project().memory_mb.value),
        None => {
            let cores = || std::thread::available_parallelism().map_or(1, usize::from);
            (
                context.flags.threads.unwrap_or_else(cores),
                context.flags.memory_mb.unwrap_or(MEMORY_MB_DEFAULT),
            )
        }
    };
    Ok(DriftPlace { engine: found, threads: threads.max(1), memory_bytes: memory_mb << 20 })
}

/// A side of the command line; clap has seen to it that there is one.
pub(super) fn side(text: Option<String>) -> Result<DriftSide, CliError> {
    text.unwrap_or_default().parse::<DriftSide>().map_err(|error| EngineError::from(error).into())
}

/// What a file is to hold, by its extension.
pub(super) fn form(path: &Path) -> Result<Form, CliError> {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    match extension.as_str() {
        "html" | "htm" => Ok(Form::Html),
        "json" => Ok(Form::Json),
        _ => Err(CliError::Usage(format!("the name of {} must end in .html or .json", path.display()))),
    }
}

fn write(found: &DriftOutcome, form: Form, path: &Path, language: Language) -> Result<(), CliError> {
    let text = match form {
        Form::Html => found.report.html(language).map_err(EngineError::from)?,
        Form::Json => format!("{:#}\n", found.json()?),
    };
    Ok(write_picture(path, text.as_bytes())?)
}

/// The defaults with what `--set` changes.
fn options(settings: &[(String, String)]) -> Result<Options, CliError> {
    let mut options = Options::default();
    for (name, value) in settings {
        let place = match name.as_str() {
            "alpha" => &mut options.alpha,
            "power" => &mut options.power,
            "kolmogorov_smirnov" => &mut options.kolmogorov_smirnov,
            "wasserstein_scaled" => &mut options.wasserstein_scaled,
            "le_cam" => &mut options.le_cam,
            "missing" => &mut options.missing,
            "outside" => &mut options.outside,
            "categories" => {
                options.categories = value.parse().map_err(|_| wrong(name, value))?;
                continue;
            }
            _ => {
                return Err(CliError::Usage(format!(
                    "there is no threshold `{name}`; there are alpha, power, kolmogorov_smirnov, wasserstein_scaled, \
                     le_cam, missing, outside and categories"
                )));
            }
        };
        *place = value.parse().map_err(|_| wrong(name, value))?;
    }
    Ok(options)
}

fn wrong(name: &str, value: &str) -> CliError {
    CliError::Usage(format!("`{value}` is no number for --set {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_set_by_name() {
        let set = |name: &str, value: &str| options(&[(name.to_owned(), value.to_owned())]);
        assert_eq!(set("le_cam", "0.2").unwrap().le_cam.to_string(), "0.2");
        assert_eq!(set("categories", "10").unwrap().categories, 10);
        assert!(set("psi", "0.2").is_err() && set("alpha", "small").is_err());
    }
}
