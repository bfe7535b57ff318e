//! `hanok drift watch`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use hanok_engine::{
    DetectorKind, EngineError, WatchCounts, WatchError, WatchReport, WatchRequest, WatchSignal,
};
use hanok_serve::EventServer;
use tokio::sync::{mpsc, oneshot};

use super::pushed::{Pushed, Signals};
use crate::args::{DetectorArg, WatchArgs};
use crate::console::{Console, Tone};
use crate::context::Context;
use crate::error::CliError;
use crate::render::{counted, fraction};
use crate::status::ExitStatus;

/// Bytes that are read at a time.
const BUFFER_BYTES: usize = 1 << 16;

/// Bodies of requests that wait to be looked at.
const WAITING_MAX: usize = 16;

/// Tells each signal when it comes, until the events end or Ctrl-C.
pub(super) async fn watch(context: &Context, args: WatchArgs) -> Result<ExitStatus, CliError> {
    let request = WatchRequest {
        detector: detector(args.detector),
        settings: args.settings,
        columns: args.columns,
        time: args.time,
        skip_invalid: args.skip_invalid || args.listen.is_some(),
        only_objects: args.listen.is_some(),
    };
    let console = &context.console;
    let (counts, signals) = (Arc::new(WatchCounts::default()), Signals::default());
    let reader = match args.listen {
        Some(address) => listen(console, address, &counts, &signals)?,
        None => reader(args.file.as_deref())?,
    };
    // A first look, so that Ctrl-C is waited for before the first signal is told.
    let mut stopped = std::pin::pin!(tokio::signal::ctrl_c());
    tokio::select! {
        biased;
        stopped = &mut stopped => return stopped.map(|()| ExitStatus::Success).map_err(CliError::output),
        () = std::future::ready(()) => {}
    }
    let (told, mut done) = oneshot::channel();
    let (seen, json, colour) = (counts.clone(), console.json, console.paint(Tone::Bad, "drift") != "drift");
    // Reading waits for events: the thread is left behind when the command is told to stop.
    std::thread::spawn(move || {
        let mut tell = |signal: &WatchSignal| {
            if request.only_objects {
                signals.push(signal);
            }
            line(signal, json, colour)
        };
        // Nobody waits any more after Ctrl-C.
        let _ = told.send(hanok_engine::watch(&request, reader, &seen, &mut tell));
    });
    let ended = tokio::select! {
        ended = &mut done => ended.map_err(|_| CliError::Panicked)?,
        stopped = &mut stopped => stopped.map_err(WatchError::Read),
    };
    match ended {
        Ok(()) => {}
        Err(WatchError::Write(source)) => return Err(CliError::output(source)),
        Err(error) => return Err(EngineError::from(error).into()),
    }
    let report = counts.report();
    if !console.json {
        console.note(&summary(report));
    }
    Ok(ExitStatus::Success)
}

/// Takes events on an address, and says so.
fn listen(
    console: &Console,
    address: SocketAddr,
    counts: &Arc<WatchCounts>,
    signals: &Signals,
) -> Result<Box<dyn BufRead + Send>, CliError> {
    let server = EventServer::bind(address)?;
    let url = format!("http://{}/events", server.local_addr());
    match console.json {
        true => console.object(&serde_json::json!({ "listening": url }))?,
        false => console.note(&format!("listening at {url}\nstop with Ctrl-C")),
    }
    let (queue, waiting) = mpsc::channel(WAITING_MAX);
    let about = counts.clone();
    tokio::spawn(server.run(queue, move || serde_json::to_vec(&about.report()).unwrap_or_default()));
    Ok(Box::new(Pushed::new(waiting, counts.clone(), signals.clone())))
}

fn reader(file: Option<&Path>) -> Result<Box<dyn BufRead + Send>, CliError> {
    let Some(path) = file else {
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, io::stdin())));
    };
    let file = File::open(path).map_err(|error| EngineError::File {
        action: "read",
        path: path.display().to_string(),
        reason: error.to_string(),
    })?;
    Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, file)))
}

fn detector(argument: DetectorArg) -> DetectorKind {
    match argument {
        DetectorArg::Adwin => DetectorKind::Adwin,
        DetectorArg::PageHinkley => DetectorKind::PageHinkley,
        DetectorArg::Ddm => DetectorKind::Ddm,
        DetectorArg::Eddm => DetectorKind::Eddm,
        DetectorArg::Kswin => DetectorKind::Kswin,
        DetectorArg::HddmA => DetectorKind::HddmA,
        DetectorArg::HddmW => DetectorKind::HddmW,
    }
}

/// A signal on a line of its own, at once.
fn line(signal: &WatchSignal, json: bool, colour: bool) -> io::Result<()> {
    let mut output = io::stdout().lock();
    if json {
        serde_json::to_writer(&mut output, signal)?;
        writeln!(output)?;
    } else {
        let word = match (signal.signal, colour) {
            ("drift", true) => "\x1b[1;31mdrift\x1b[0m",
            (word, _) => word,
        };
        let of = signal.column.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
        let value = fraction(signal.value);
        writeln!(output, "{}  {word}{of} at event {}, value {value}", signal.time, signal.event)?;
    }
    output.flush()
}

fn summary(report: WatchReport) -> String {
    let mut text = format!(
        "{}: {}, {}",
        counted(report.events, "event"),
        counted(report.drifts, "drift"),
        counted(report.warnings, "warning")
    );
    if report.invalid > 0 {
        text.push_str(&format!("; {} left out", counted(report.invalid, "line")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_counted() {
        let report = WatchReport { events: 1200, invalid: 1, warnings: 1, drifts: 2 };
        assert_eq!(summary(report), "1,200 events: 2 drifts, 1 warning; 1 line left out");
    }
}
