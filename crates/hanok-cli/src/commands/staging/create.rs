//! `hanok staging create`.

use hanok_engine::{StagingReport, StagingRequest};

use super::tables;
use crate::args::StagingCreateArgs;
use crate::console::Console;
use crate::context::Context;
use crate::error::CliError;
use crate::progress::Progress;
use crate::render::duration;
use crate::status::ExitStatus;

/// Makes a staging branch, or says what it would hold.
pub(crate) async fn create(context: &Context, args: StagingCreateArgs) -> Result<ExitStatus, CliError> {
    let engine = context.engine_on_main().await?;
    let request = StagingRequest {
        name: args.name,
        from: Some(args.from.branch),
        as_of: args.from.as_of,
        ttl: args.ttl,
        plan: args.plan,
        key_file: args.key_file,
    };
    let report = if args.preview {
        let _spinner = Progress::spinner(context.console.bars(), "following references");
        engine.preview_staging(&request).await?
    } else {
        let progress = Progress::new(context.console.bars());
        engine.create_staging(&request, &progress.observer()).await?
    };
    context.console.report(&report, || summary(&context.console, &report))?;
    Ok(ExitStatus::Success)
}

fn summary(console: &Console, report: &StagingReport) -> String {
    let manifest = &report.manifest;
    let text = tables(console, report);
    if report.preview {
        return format!("{text}nothing was made\n");
    }
    let took = duration(report.seconds);
    format!("{text}staging branch {} of {} in {took}\n", manifest.branch, manifest.parent)
}
