//! `hanok materialize`.

use hanok_engine::{MaterializeReport, MaterializeRequest};

use crate::args::MaterializeArgs;
use crate::console::{Console, Tone};
use crate::context::Context;
use crate::error::CliError;
use crate::progress::Progress;
use crate::render::{Cell, columns, counted, duration};
use crate::status::ExitStatus;

/// Fills the online store and says how far.
pub(crate) async fn materialize(context: &Context, args: MaterializeArgs) -> Result<ExitStatus, CliError> {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from > to
    {
        return Err(CliError::Usage("--from is later than --to".to_owned()));
    }
    let request = MaterializeRequest { views: args.views, from_us: args.from, to_us: args.to };
    let engine = context.engine().await?;
    let progress = Progress::new(context.console.bars());
    let report = engine.materialize(request, &progress.observer()).await?;
    drop(progress);
    context.console.report(&report, || summary(&context.console, &report))?;
    Ok(ExitStatus::Success)
}

fn summary(console: &Console, report: &MaterializeReport) -> String {
    if report.views.is_empty() {
        return "nothing to materialize: no feature view is registered (see features/ and `hanok apply`)\n"
            .to_owned();
    }
    let rows = report.views.iter().map(|view| {
        let news = if view.up_to_date {
            Cell::right("up to date").tone(Tone::Faint)
        } else {
            Cell::right(format!("{} written", counted(view.keys_written, "key")))
        };
        let mut cells = vec![Cell::left(&view.view), news];
        cells
            .extend((!view.up_to_date).then(|| Cell::left(format!("from {}", counted(view.rows_in, "row")))));
        cells
    });
    let rows: Vec<_> = rows.collect();
    let keys = counted(report.online_keys, "key");
    format!("{}\n{keys} in the online store after {}\n", columns(console, &rows), duration(report.seconds))
}
