//! Parse, run, exit code.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use clap::error::ErrorKind;
use hanok_error::{Report, code};
use tokio::sync::oneshot;

use crate::args::{Cli, Command, DriftArgs, DriftCommand};
use crate::commands;
use crate::console::{Console, fault_object, fault_text};
use crate::context::Context;
use crate::error::CliError;
use crate::logging::Logging;
use crate::memory::huge_pages;
use crate::status::ExitStatus;

/// How long work on other threads may take to stop after Ctrl-C or an error.
const STOP: Duration = Duration::from_secs(2);
/// SQL planning recurses; the threads get as much stack as the main one.
const STACK_BYTES: usize = 8 << 20;

/// Runs the command line `arguments`, the program's name first.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.collect();
    match Cli::try_parse_from(&arguments) {
        Ok(cli) => execute(cli).into(),
        Err(error) => not_parsed(&error, arguments.iter().any(|argument| argument == "--json")).into(),
    }
}

/// Help and version are asked for; everything else is a mistake.
fn not_parsed(error: &clap::Error, json: bool) -> ExitStatus {
    let console = Console::new(json, false);
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Help for nobody is no failure.
            let _ = error.print();
            return ExitStatus::Success;
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if !json => {
            let _ = error.print();
            return ExitStatus::Usage;
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            console.error(&Report::new(&CliError::Usage("a command is missing".to_owned())));
            return ExitStatus::Usage;
        }
        _ => {}
    }
    let text = error.render().to_string();
    let text = text.trim_end().strip_prefix("error: ").unwrap_or(&text);
    if json {
        let message = text.split("\n\n").next().unwrap_or(text).replace("\n  ", " ");
        console.error(&Report::new(&CliError::Usage(message)));
    } else {
        // Clap's own text goes on to say what it expects.
        let _ = writeln!(std::io::stderr(), "error[{}]: {text}", code::USAGE);
    }
    ExitStatus::Usage
}

fn execute(cli: Cli) -> ExitStatus {
    let Cli { global, command } = cli;
    let console = Console::new(global.json, global.quiet);
    let server = matches!(command, Command::Serve(_));
    // A large join asks for them when it is known to be one.
    huge_pages(server);
    let (verbose, quiet, json) = (global.verbose, global.quiet, global.json);
    hanok_online::report_faults(if json { fault_object } else { fault_text });
    Logging { verbose, quiet, server, json }.start(console.bars().clone());
    let context = Arc::new(Context { console, flags: global.flags() });
    let outcome = match command {
        Command::Init(args) => commands::init(&context, &args),
        Command::Errors(args) => commands::errors(&context, &args),
        Command::Completions(args) => commands::completions(&context, &args),
        command => on_runtime(&context, command),
    };
    outcome.unwrap_or_else(|error| {
        if error.is_broken_pipe() {
            return ExitStatus::Success;
        }
        context.console.error(&Report::new(&error));
        error.status()
    })
}

/// Runs a command that needs threads. The command has a thread of its own, so that Ctrl-C ends it wherever it is.
fn on_runtime(context: &Arc<Context>, command: Command) -> Result<ExitStatus, CliError> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = context.flags.threads.filter(|threads| (1..=1024).contains(threads)) {
        builder.worker_threads(threads);
    }
    let runtime = builder.thread_stack_size(STACK_BYTES).enable_all().build().map_err(CliError::Runtime)?;
    // Signals are waited for on a runtime of their own: a query can keep every thread of the other one busy.
    let watch =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::Runtime)?;
    // The server and a watch of events end in their own order when they are told to stop.
    let interruptible = !matches!(
        &command,
        Command::Serve(_) | Command::Drift(DriftArgs { command: Some(DriftCommand::Watch(_)), .. })
    );
    let (cancel, cancelled) = oneshot::channel::<()>();
    let (report, mut reported) = oneshot::channel();
    let (handle, shared) = (runtime.handle().clone(), Arc::clone(context));
    let work = move || {
        let outcome = handle.block_on(async {
            tokio::select! {
                outcome = commands::dispatch(shared, command) => outcome,
                // Dropping the command's work removes the files that it had not finished.
                Ok(()) = cancelled => Err(CliError::Interrupted),
            }
        });
        // After an interruption nobody may be waiting any more.
        let _ = report.send(outcome);
    };
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work).map_err(CliError::Runtime)?;
    let outcome = watch.block_on(async {
        tokio::select! {
            outcome = &mut reported => outcome.unwrap_or(Err(CliError::Panicked)),
            () = interrupted(), if interruptible => {
                let _ = cancel.send(());
                let _ = tokio::time::timeout(STOP, reported).await;
                Err(CliError::Interrupted)
            }
        }
    });
    runtime.shutdown_timeout(STOP);
    outcome
}

async fn interrupted() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::debug!(%error, "ctrl-c cannot be waited for");
        std::future::pending::<()>().await;
    }
}
