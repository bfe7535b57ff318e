//! One file a command; each is a function that returns how it ended.

mod apply;
mod branch;
mod build;
mod completions;
mod demo;
mod drift;
mod errors;
mod explain;
mod gc;
mod get;
mod init;
mod join;
mod load;
mod maintain;
mod materialize;
mod model;
mod monitor;
mod plot;
mod predict;
mod profile;
mod runs;
mod serve;
mod sql;
mod staging;
mod swap;

use std::path::Path;
use std::sync::Arc;

use hanok_engine::{Format, Maintenance, RowSource};

pub(crate) use completions::completions;
pub(crate) use errors::errors;
pub(crate) use init::init;

use crate::args::{Command, FeaturesCommand, SelectionArgs};
use crate::context::Context;
use crate::error::CliError;
use crate::status::ExitStatus;

/// Runs a command, which may wait for threads, files and sockets.
pub(crate) async fn dispatch(context: Arc<Context>, command: Command) -> Result<ExitStatus, CliError> {
    let context = context.as_ref();
    match command {
        Command::Init(args) => init(context, &args),
        Command::Load(args) => load::load(context, &args).await,
        Command::Build(args) => build::build(context, args).await,
        Command::Sql(args) => sql::sql(context, args).await,
        Command::Apply => apply::apply(context).await,
        Command::Features(FeaturesCommand::Join(args)) => join::join(context, args).await,
        Command::Features(FeaturesCommand::Get(args)) => get::get(context, args).await,
        Command::Materialize(args) => materialize::materialize(context, args).await,
        Command::Model(command) => model::model(context, command).await,
        Command::Predict(args) => predict::predict(context, args).await,
        Command::Explain(args) => explain::explain(context, args).await,
        Command::Swap(args) => Box::pin(swap::swap(context, args)).await,
        Command::Plot(args) => plot::plot(context, args).await,
        Command::Drift(args) => drift::drift(context, args).await,
        Command::Profile(args) => profile::profile(context, args).await,
        Command::Monitor(args) => monitor::monitor(context, args).await,
        Command::Optimize(args) => maintain::maintain(context, Maintenance::Optimize, &args.tables).await,
        Command::Vacuum(args) => {
            let what = Maintenance::Vacuum { older_than: args.older_than, dry_run: args.dry_run };
            maintain::maintain(context, what, &args.tables.tables).await
        }
        Command::Checkpoint(args) => maintain::maintain(context, Maintenance::Checkpoint, &args.tables).await,
        Command::Branch(command) => branch::branch(context, command).await,
        Command::Tag(command) => branch::tag(context, command).await,
        Command::Staging(command) => staging::staging(context, command).await,
        Command::Gc(args) => gc::gc(context, &args).await,
        Command::Serve(args) => serve::serve(context, &args).await,
        Command::Runs(args) => runs::runs(context, &args).await,
        Command::Demo(args) => Box::pin(demo::demo(context, &args)).await,
        Command::Errors(args) => errors(context, &args),
        Command::Completions(args) => completions(context, &args),
    }
}

/// What `--features` or `--service` selects; the command line has exactly one of them.
fn selection(args: &SelectionArgs) -> hanok_engine::Selection {
    match &args.service {
        Some(service) => hanok_engine::Selection::Service(service.clone()),
        None => hanok_engine::Selection::References(args.features.clone()),
    }
}

/// Rows of a file, a table or a query; the command line has exactly one of them. A name is a file when there is one, or
/// when it looks like one; a table otherwise.
fn row_source(name: Option<String>, sql: Option<String>) -> RowSource {
    let Some(name) = name else { return RowSource::Sql(sql.unwrap_or_default()) };
    let path = Path::new(&name);
    if path.is_file() || name.contains(['/', '\\']) || Format::of_path(path).is_some() {
        RowSource::File(path.to_owned())
    } else {
        RowSource::Table(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_tables_are_told_apart() {
        let is_file = |name: &str| matches!(row_source(Some(name.to_owned()), None), RowSource::File(_));
        assert!(is_file("labels.csv") && is_file("data/labels") && is_file("labels.parquet"));
        assert!(!is_file("mart.departure_labels") && !is_file("labels"));
    }
}
