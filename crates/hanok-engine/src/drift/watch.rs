//! `hanok drift watch`: events, one a line, each column with a detector of its own.

mod detectors;
mod events;

use std::io::{self, BufRead};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use hanok_drift::stream::{Detector, DetectorError, Signal};
use hanok_error::{Code, Coded, code};
use serde::Serialize;

pub use detectors::DetectorKind;

use self::events::{Event, Events};

/// Columns that are watched at a time.
const COLUMNS_MAX: usize = 1000;

/// What to watch.
#[derive(Clone, Debug)]
pub struct WatchRequest {
    /// The detector of each column.
    pub detector: DetectorKind,
    /// Its settings; the rest are the defaults.
    pub settings: Vec<(String, String)>,
    /// Columns of JSON objects or CSV rows; all with numbers in the first event when empty.
    pub columns: Vec<String>,
    /// The column that says when an event was.
    pub time: Option<String>,
    /// Whether lines that cannot be read are counted and left out.
    pub skip_invalid: bool,
    /// Whether lines are JSON objects whatever the first one says, and the columns those that are named.
    pub only_objects: bool,
}

/// A detector's signal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WatchSignal {
    /// `warning` or `drift`.
    pub signal: &'static str,
    /// The column; none of plain numbers.
    pub column: Option<String>,
    /// The event's number, counted from 1.
    pub event: u64,
    /// Its value.
    pub value: f64,
    /// When it was, as the event says it; when it came, in RFC 3339, if it says nothing.
    pub time: String,
}

/// How far it is, for whoever watches the watcher.
#[derive(Debug, Default)]
pub struct WatchCounts {
    events: AtomicU64,
    invalid: AtomicU64,
    reason: Mutex<Option<String>>,
    warnings: AtomicU64,
    drifts: AtomicU64,
}

/// The same at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WatchReport {
    /// Events seen.
    pub events: u64,
    /// Lines left out.
    pub invalid: u64,
    /// Warnings.
    pub warnings: u64,
    /// Drifts.
    pub drifts: u64,
}

impl WatchCounts {
    /// Why the last line that was left out was.
    pub fn reason(&self) -> Option<String> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn leave_out(&self, reason: String) {
        self.invalid.fetch_add(1, Ordering::Relaxed);
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }

    /// The counts now.
    pub fn report(&self) -> WatchReport {
        let now = |count: &AtomicU64| count.load(Ordering::Relaxed);
        WatchReport {
            events: now(&self.events),
            invalid: now(&self.invalid),
            warnings: now(&self.warnings),
            drifts: now(&self.drifts),
        }
    }
}

impl WatchReport {
    /// What has come since an earlier report.
    pub fn since(self, before: Self) -> Self {
        Self {
            events: self.events - before.events,
            invalid: self.invalid - before.invalid,
            warnings: self.warnings - before.warnings,
            drifts: self.drifts - before.drifts,
        }
    }
}

/// A stream cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// A setting that the detector does not have, or of another type.
    #[error("{detector} has no setting {given}; its settings are {known}")]
    Setting {
        /// The detector.
        detector: &'static str,
        /// What was given.
        given: String,
        /// Its settings with their defaults.
        known: String,
    },
    /// A setting that is out of range.
    #[error(transparent)]
    Detector(#[from] DetectorError),
    /// A line that is no event.
    #[error("line {line}: {reason}")]
    Event {
        /// Counted from 1.
        line: u64,
        /// Why not.
        reason: String,
    },
    /// A column that events do not have.
    #[error("the first event has no column `{name}`; it has {known}")]
    Column {
        /// The name.
        name: String,
        /// What there is.
        known: String,
    },
    /// Events cannot be read.
    #[error("cannot read events")]
    Read(#[source] io::Error),
    /// Signals cannot be told.
    #[error("cannot write signals")]
    Write(#[source] io::Error),
}

impl Coded for WatchError {
    fn code(&self) -> Code {
        match self {
            Self::Setting { .. } => code::DRIFT_SETTING,
            Self::Detector(error) => error.code(),
            Self::Event { .. } => code::DRIFT_EVENT,
            Self::Column { .. } => code::DRIFT_COLUMN,
            Self::Read(_) | Self::Write(_) => code::FILE_IO,
        }
    }
}

/// A column with its detector.
struct Watched {
    /// Its place among the columns of the events.
    place: usize,
    name: Option<String>,
    detector: Box<dyn Detector + Send>,
    before: Signal,
}

/// Reads events until they end, and tells signals when they come. A warning is told when it begins. Needs memory for one event and the
/// detectors.
pub fn watch(
    request: &WatchRequest,
    reader: impl BufRead,
    counts: &WatchCounts,
    tell: &mut dyn FnMut(&WatchSignal) -> io::Result<()>,
) -> Result<(), WatchError> {
    // A setting that is wrong is told before the first event.
    request.detector.build(&request.settings)?;
    let invalid = request.skip_invalid.then_some(counts);
    let mut events = match request.only_objects {
        true => Events::of_objects(reader, invalid),
        false => match Events::open(reader, invalid)? {
            Some(events) => events,
            None => return Ok(()),
        },
    };
    let mut columns = watched(request, &mut events)?;
    while let Some(event) = events.next()? {
        let number = counts.events.fetch_add(1, Ordering::Relaxed) + 1;
        for column in &mut columns {
            // A value that is missing is no event of its column.
            let Some(value) = event.number(column.place) else { continue };
            let signal = column.detector.update(value);
            let begins = signal > column.before || signal == Signal::Drift;
            column.before = signal;
            if signal == Signal::Stable || !begins {
                continue;
            }
            let (name, count) = match signal {
                Signal::Drift => ("drift", &counts.drifts),
                _ => ("warning", &counts.warnings),
            };
            count.fetch_add(1, Ordering::Relaxed);
            let (column, time) = (column.name.clone(), event.time().unwrap_or_else(super::run::now));
            tell(&WatchSignal { signal: name, column, event: number, value, time })
                .map_err(WatchError::Write)?;
        }
    }
    Ok(())
}

/// The columns that were named, or those with numbers in the first event.
fn watched<R: BufRead>(
    request: &WatchRequest,
    events: &mut Events<'_, R>,
) -> Result<Vec<Watched>, WatchError> {
    let names: Vec<Option<String>> = match events.names() {
        None if !request.only_objects => vec![None],
        Some(found) if request.columns.is_empty() => {
            let is_time = |name: &String| request.time.as_ref() == Some(name);
            found.into_iter().filter(|name| !is_time(name)).map(Some).collect()
        }
        _ => request.columns.iter().cloned().map(Some).collect(),
    };
    if names.is_empty() || names.len() > COLUMNS_MAX {
        let reason = format!("{} columns have numbers; from 1 to {COLUMNS_MAX} can be watched", names.len());
        return Err(WatchError::Event { line: 1, reason });
    }
    let known = events.known();
    let is_known = |name: &String| known.is_empty() || known.contains(name);
    let missing = names.iter().flatten().chain(&request.time).find(|name| !is_known(name));
    if let Some(name) = missing {
        return Err(WatchError::Column { name: name.clone(), known: known.join(", ") });
    }
    events.select(names.iter().flatten().cloned().collect(), request.time.clone());
    names
        .into_iter()
        .enumerate()
        .map(|(place, name)| {
            let detector = request.detector.build(&request.settings)?;
            Ok(Watched { place, name, detector, before: Signal::Stable })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(detector: DetectorKind, columns: &[&str]) -> WatchRequest {
        WatchRequest {
            detector,
            settings: Vec::new(),
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            time: None,
            skip_invalid: false,
            only_objects: false,
        }
    }

    fn told(request: &WatchRequest, text: &str) -> Result<(Vec<WatchSignal>, WatchReport), WatchError> {
        let (counts, mut signals) = (WatchCounts::default(), Vec::new());
        watch(request, text.as_bytes(), &counts, &mut |signal| {
            signals.push(signal.clone());
            Ok(())
        })?;
        Ok((signals, counts.report()))
    }

    /// 0 or 1 in turns, and after the first thousand 5 more.
    fn value(at: u32) -> u32 {
        at % 2 + if at >= 1000 { 5 } else { 0 }
    }

    #[test]
    fn numbers_objects_and_rows_say_the_same() {
        let numbers: String = (0..1500).map(|at| format!("{}\n", value(at))).collect();
        let objects: String = (0..1500)
            .map(|at| format!("{{\"t\": \"s{at}\", \"x\": {}, \"y\": null}}\n", value(at)))
            .collect();
        let rows: String = (0..1500).map(|at| format!("s{at},{},\"a,b\"\r\n", value(at))).collect();
        let (plain, report) = told(&request(DetectorKind::Adwin, &[]), &numbers).unwrap();
        assert_eq!((plain.len(), plain[0].signal, report.events), (1, "drift", 1500));
        assert!((1001..1100).contains(&plain[0].event), "{plain:?}");
        for text in [objects, format!("t,x,z\n{rows}")] {
            let request = WatchRequest { time: Some("t".to_owned()), ..request(DetectorKind::Adwin, &["x"]) };
            let (found, _) = told(&request, &text).unwrap();
            assert_eq!((found[0].event, found[0].column.as_deref()), (plain[0].event, Some("x")));
            assert_eq!(found[0].time, format!("s{}", plain[0].event - 1));
        }
    }

    #[test]
    fn columns_with_numbers_are_found_and_each_has_its_detector() {
        let text: String = (0..2000)
            .map(|at| {
                format!("{{\"a\": {}, \"name\": \"n\", \"b\": 1, \"late\": {}}}\n", value(at), at % 2 == 0)
            })
            .collect();
        let (found, _) = told(&request(DetectorKind::PageHinkley, &[]), &text).unwrap();
        assert!(
            !found.is_empty() && found.iter().all(|signal| signal.column.as_deref() == Some("a")),
            "{found:?}"
        );
    }

    #[test]
    fn a_warning_is_told_when_it_begins() {
        let text: String = (0..4000)
            .map(|at| format!("{}\n", u32::from(if at < 2000 { at % 10 == 0 } else { at % 3 == 0 })))
            .collect();
        let (found, report) = told(&request(DetectorKind::Ddm, &[]), &text).unwrap();
        assert!(report.drifts >= 1 && report.warnings >= 1, "{report:?}");
        assert_eq!(found.len() as u64, report.drifts + report.warnings);
        assert!(report.warnings < 50, "{report:?}");
    }

    #[test]
    fn what_is_no_event_is_an_error_or_counted() {
        for (text, line) in
            [("1\n2\nx\n", 3), ("{\"a\": 1}\n{\"a\": \n", 2), ("a,b\n1,2\n1\n", 3), ("a\n1\n\"x\n", 3)]
        {
            let asked = request(DetectorKind::Kswin, &[]);
            match told(&asked, text) {
                Err(WatchError::Event { line: found, .. }) => assert_eq!(found, line, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
            let (_, report) = told(&WatchRequest { skip_invalid: true, ..asked }, text).unwrap();
            assert_eq!(report.invalid, 1, "{text}");
        }
        let long = format!("1\n{}\n", "9".repeat(2 << 20));
        assert!(matches!(
            told(&request(DetectorKind::Ddm, &[]), &long),
            Err(WatchError::Event { line: 2, .. })
        ));
        assert_eq!(told(&request(DetectorKind::Ddm, &[]), "").unwrap().1, WatchReport::default());
    }

    #[test]
    fn settings_are_those_of_the_detector() {
        let set = |detector, name: &str, value: &str| {
            let settings = vec![(name.to_owned(), value.to_owned())];
            told(&WatchRequest { settings, ..request(detector, &[]) }, "1\n")
        };
        assert!(set(DetectorKind::Adwin, "delta", "0.1").is_ok());
        let error = set(DetectorKind::Adwin, "alpha", "0.1").unwrap_err();
        assert_eq!(error.code().0, "HK1848");
        assert!(error.to_string().contains("delta=0.002"), "{error}");
        assert_eq!(set(DetectorKind::Adwin, "delta", "2").unwrap_err().code().0, "HK1806");
        assert!(set(DetectorKind::HddmA, "both", "true").is_ok());
        assert!(set(DetectorKind::HddmA, "both", "2").is_err());
        assert!(set(DetectorKind::Kswin, "window_size", "-1").is_err());
    }
}
