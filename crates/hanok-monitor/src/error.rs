//! What can go wrong with monitors.

use std::path::PathBuf;

use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use hanok_config::ConfigError;
use hanok_drift::CompareError;
use hanok_drift::outputs::OutputsError;
use hanok_drift::profile::ProfileError;
use hanok_error::{Code, Coded, code};
use hanok_lake::LakeError;
use hanok_query::QueryError;
use hanok_report::ReportError;
use hanok_types::{Name, NameError};

/// A definition of `monitors/*.yaml` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// A file cannot be read or parsed.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Two of one name.
    #[error("the {what} `{name}` is defined twice")]
    Twice {
        /// `monitor` or `channel`.
        what: &'static str,
        /// The name.
        name: Name,
        /// Where again.
        path: PathBuf,
    },
    /// A channel that nobody defines.
    #[error("the monitor `{monitor}` alerts the channel `{channel}`, which is not defined")]
    Channel {
        /// The monitor.
        monitor: Name,
        /// The channel.
        channel: Name,
    },
}

impl Coded for DefinitionError {
    fn code(&self) -> Code {
        code::MONITOR_DEFINITION
    }

    fn place(&self) -> Option<String> {
        match self {
            Self::Config(error) => error.place(),
            Self::Twice { path, .. } => Some(path.display().to_string()),
            Self::Channel { .. } => None,
        }
    }
}

/// Monitors cannot run.
#[derive(Debug, thiserror::Error)]
pub enum MonitorError {
    /// No monitor of that name.
    #[error("there is no monitor `{name}`; the project has: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// Names of the project's monitors.
        known: String,
    },
    /// Another run is under way.
    #[error("another process is running monitors")]
    Busy,
    /// The lock file cannot be used.
    #[error("cannot lock {path}")]
    Lock {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A column that is not there.
    #[error("the monitor `{monitor}` names the column `{column}`, which its rows do not have")]
    Column {
        /// The monitor.
        monitor: Name,
        /// The column.
        column: String,
    },
    /// The time column has no times.
    #[error("the time column `{column}` of the monitor `{monitor}` is of type {data_type}")]
    Time {
        /// The monitor.
        monitor: Name,
        /// The column.
        column: String,
        /// Its type.
        data_type: Box<DataType>,
    },
    /// The reference has no column of the monitor.
    #[error("the monitor `{0}` has no column to compare")]
    Nothing(Name),
    /// A range without a window.
    #[error("there is no whole window of the monitor `{monitor}` between {from} and {to}")]
    Windows {
        /// The monitor.
        monitor: Name,
        /// Where the range begins.
        from: String,
        /// Where it ends.
        to: String,
    },
    /// The tables of the history are not as monitors write them.
    #[error("{table} is not what monitors write: {reason}")]
    History {
        /// The table.
        table: String,
        /// Why.
        reason: String,
    },
    /// Results cannot become rows.
    #[error("results cannot become rows")]
    Rows(#[from] ArrowError),
    /// A saved profile that cannot be read.
    #[error("cannot read the profile {path}")]
    Saved {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A window's report that cannot be written.
    #[error("cannot write the report {path}")]
    Unwritten {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A window's report.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// There is nothing to report on.
    #[error("no window of the monitor `{0}` is complete or recorded, so there is none to report on")]
    NoWindow(Name),
    /// A profile.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// Predictions or labels.
    #[error(transparent)]
    Outputs(#[from] OutputsError),
    /// The comparison.
    #[error(transparent)]
    Compare(#[from] CompareError),
    /// The lake.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// A query.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A thread stopped.
    #[error("the work on the monitor stopped: {0}")]
    Worker(String),
}

impl Coded for MonitorError {
    fn code(&self) -> Code {
        match self {
            Self::Unknown { .. } => code::MONITOR_UNKNOWN,
            Self::Busy => code::MONITOR_BUSY,
            Self::Lock { .. } | Self::Saved { .. } | Self::Unwritten { .. } => code::FILE_IO,
            Self::Report(error) => error.code(),
            Self::Profile(error) => error.code(),
            Self::Outputs(error) => error.code(),
            Self::Column { .. } | Self::Time { .. } | Self::Nothing(_) => code::MONITOR_TABLE,
            Self::Windows { .. } | Self::NoWindow(_) => code::MONITOR_WINDOWS,
            Self::History { .. } | Self::Rows(_) => code::MONITOR_HISTORY,
            Self::Compare(error) => error.code(),
            Self::Lake(error) => error.code(),
            Self::Query(error) => error.code(),
            Self::Name(error) => error.code(),
            Self::Worker(_) => code::INTERNAL,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Compare(error) => error.hint(),
            Self::Lake(error) => error.hint(),
            Self::Query(error) => error.hint(),
            _ => None,
        }
    }

    fn place(&self) -> Option<String> {
        match self {
            Self::Lake(error) => error.place(),
            Self::Query(error) => error.place(),
            _ => None,
        }
    }
}
