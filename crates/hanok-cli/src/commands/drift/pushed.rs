//! Events that are pushed over HTTP, as a stream to read.

use std::io::{self, BufRead, Cursor, Read};
use std::sync::{Arc, Mutex, PoisonError};

use hanok_engine::{WatchCounts, WatchReport, WatchSignal};
use hanok_serve::Push;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

/// Signals that are told to whoever pushed; all of them are on standard output.
const SIGNALS_MAX: usize = 100;

/// What became of the lines of one request.
#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    counts: WatchReport,
    /// Why the last one that was left out was.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    signals: Vec<WatchSignal>,
}

/// The last signals, until they are told.
#[derive(Clone, Debug, Default)]
pub(super) struct Signals(Arc<Mutex<Vec<WatchSignal>>>);

impl Signals {
    pub(super) fn push(&self, signal: &WatchSignal) {
        let mut signals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if signals.len() < SIGNALS_MAX {
            signals.push(signal.clone());
        }
    }

    fn take(&self) -> Vec<WatchSignal> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The lines of all requests, one after the other. Nothing is read ahead: when more is asked for, all lines of a request have been looked at,
/// and it is answered.
pub(super) struct Pushed {
    queue: mpsc::Receiver<Push>,
    counts: Arc<WatchCounts>,
    signals: Signals,
    lines: Cursor<Vec<u8>>,
    waiting: Option<(oneshot::Sender<Vec<u8>>, WatchReport)>,
}

impl Pushed {
    pub(super) fn new(queue: mpsc::Receiver<Push>, counts: Arc<WatchCounts>, signals: Signals) -> Self {
        Self { queue, counts, signals, lines: Cursor::default(), waiting: None }
    }

    fn tell(&mut self) {
        let Some((waiting, before)) = self.waiting.take() else { return };
        let counts = self.counts.report().since(before);
        let reason = (counts.invalid > 0).then(|| self.counts.reason()).flatten();
        let answer = Answer { counts, reason, signals: self.signals.take() };
        // Who has gone does not want to know; what cannot be written is answered by the server.
        if let Ok(answer) = serde_json::to_vec(&answer) {
            let _ = waiting.send(answer);
        }
    }
}

impl BufRead for Pushed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.lines.fill_buf()?.is_empty() {
            self.tell();
            let Some(Push { lines, answer }) = self.queue.blocking_recv() else { break };
            self.lines = Cursor::new(lines);
            self.waiting = Some((answer, self.counts.report()));
        }
        self.lines.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.lines.consume(bytes);
    }
}

impl Read for Pushed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}
