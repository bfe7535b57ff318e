//! Wiring of `hanok drift`: sides opened, compared, and what is known beside the numbers.

mod columns;
mod compare;
mod importance;
mod lineage;
mod open;
mod peers;
mod profile;
mod run;
mod side;
mod together;
mod watch;

use hanok_drift::{Options, Verdict};
use hanok_error::{Code, Coded, code};
use hanok_report::DriftReport;
use serde_json::Value;

pub use compare::{Segment, Segments};
pub use importance::ImportanceSource;
pub(crate) use lineage::origins;
pub use peers::{PeerColumn, PeerMethod, PeerReport};
pub(crate) use profile::columns_of_profile;
pub use profile::{ProfileReport, ProfileRequest, ProfiledColumn, merge_profiles, show_profile};
pub(crate) use run::now;
pub use side::DriftSide;
pub(crate) use side::Place;
pub use watch::{DetectorKind, WatchCounts, WatchError, WatchReport, WatchRequest, WatchSignal, watch};

use crate::{Engine, EngineError};

/// Where sides are looked for, and what comparing them may take.
#[derive(Clone)]
pub struct DriftPlace {
    /// The project, for sides that are not files.
    pub engine: Option<Engine>,
    /// Threads.
    pub threads: usize,
    /// Memory.
    pub memory_bytes: u64,
}

impl DriftPlace {
    /// A project, with what its settings allow.
    pub fn of(engine: &Engine) -> DriftPlace {
        let project = &engine.project;
        DriftPlace {
            engine: Some(engine.clone()),
            threads: project.threads.value,
            memory_bytes: project.memory_mb.value << 20,
        }
    }
}

/// What to compare.
#[derive(Clone, Debug)]
pub struct DriftRequest {
    /// What it was.
    pub reference: DriftSide,
    /// What it is now.
    pub current: DriftSide,
    /// Columns; all that both have when empty.
    pub columns: Vec<String>,
    /// The column with each row's time; the only one of its kind when there is none.
    pub time: Option<String>,
    /// The column whose most frequent values are compared by themselves too, and how many of them.
    pub by: Option<(String, usize)>,
    /// What columns mean to a predictive model.
    pub importance: Option<ImportanceSource>,
    /// Whether columns are looked at together too.
    pub together: bool,
    /// What counts as drift.
    pub options: Options,
}

/// What `hanok drift` has found.
#[derive(Clone, Debug, PartialEq)]
pub struct DriftOutcome {
    /// What was found.
    pub report: DriftReport,
    /// The same by segments.
    pub segments: Option<Segments>,
    /// Wall time.
    pub seconds: f64,
}

impl DriftOutcome {
    /// Whether a column has drifted, in some segment or in all rows.
    pub fn has_drifted(&self) -> bool {
        let segments = self.segments.iter().flat_map(|found| &found.segments);
        self.report.verdict() == Verdict::Drifted
            || segments.into_iter().any(|segment| segment.verdict == Verdict::Drifted)
    }

    /// The report as JSON, with its segments.
    pub fn json(&self) -> Result<Value, EngineError> {
        let invalid = |error: serde_json::Error| EngineError::Blocks(error.to_string());
        let mut document: Value = serde_json::from_str(&self.report.json()?).map_err(invalid)?;
        if let Value::Object(fields) = &mut document {
            fields.insert("segments".to_owned(), serde_json::to_value(&self.segments).map_err(invalid)?);
            fields.insert("seconds".to_owned(), self.seconds.into());
        }
        Ok(document)
    }
}

/// Sides cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DriftError {
    /// Text that is no side.
    #[error("`{side}`: {reason}")]
    Side {
        /// As it was written.
        side: String,
        /// Why not.
        reason: String,
    },
    /// No column, or several, or another one for the time.
    #[error("`{side}`: {reason}")]
    Time {
        /// The side.
        side: String,
        /// Why not.
        reason: String,
    },
    /// More rows than memory.
    #[error("{what} need more than the {limit_mb} MiB that they may take")]
    Memory {
        /// What does.
        what: String,
        /// How much there is.
        limit_mb: u64,
    },
    /// A column whose values are no segments.
    #[error("`{column}` cannot be compared by segments: {reason}")]
    Segments {
        /// The column.
        column: String,
        /// Why not.
        reason: String,
    },
    /// A column that is not there.
    #[error("there is no column `{name}`; both sides have: {known}")]
    Column {
        /// The name.
        name: String,
        /// What there is.
        known: String,
    },
    /// A saved profile where rows are needed.
    #[error("a saved profile has no rows, which {0} needs")]
    Profiles(&'static str),
    /// Nothing to rank by.
    #[error("columns cannot be ranked: {0}")]
    Importance(String),
}

impl Coded for DriftError {
    fn code(&self) -> Code {
        match self {
            Self::Side { .. } => code::DRIFT_SIDE,
            Self::Time { .. } => code::DRIFT_TIME,
            Self::Memory { .. } => code::DRIFT_MEMORY,
            Self::Segments { .. } => code::DRIFT_SEGMENTS,
            Self::Column { .. } => code::DRIFT_COLUMN,
            Self::Profiles(_) => code::DRIFT_PROFILES,
            Self::Importance(_) => code::DRIFT_IMPORTANCE,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Time { .. } => Some("name the column with --time".to_owned()),
            Self::Memory { .. } => Some("make profiles with `hanok profile` and compare these".to_owned()),
            _ => None,
        }
    }
}
