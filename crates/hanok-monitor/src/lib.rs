//! Monitors: windows of a table, one after the other, compared with a reference; what was found recorded in the lake; alerts.
//!
//! A [`Monitor`] is defined in `monitors/*.yaml`. [`run`] compares each complete [`Window`](Span) that is not recorded yet, takes every
//! check through its [`State`] (an alert after some bad windows in a row, quiet after some good ones, no second alert within a
//! cool-down), and commits checks, states and alerts of a window as rows of one commit to `monitor.results`. Alerts that are
//! recorded and not yet delivered are then sent to their channels, which `monitor.deliveries` records: nothing is lost when the
//! process is killed in between, and what is sent twice carries the same id. A window's drift report may be written before it is
//! recorded, so that an alert can name it.
//!
//! Must not exist here: statistics (hanok-drift), a second way to open tables, printing, arguments.

mod alert;
mod channel;
mod check;
mod definition;
mod deliver;
mod error;
mod history;
mod performance;
mod read;
mod report;
mod run;
mod state;
mod status;
mod window;

pub use alert::{Alert, Finding, Language, Severity};
pub use channel::{Channel, ChannelError, Email, Security, Target, Webhook};
pub use check::Check;
pub use definition::{
    AlertRule, Definitions, Monitor, Performance, Reference, ReportPath, Rows, read_definitions,
};
pub use deliver::Delivery;
pub use error::{DefinitionError, MonitorError};
pub use report::ReportFile;
pub use run::{Found, Monitored, Place, Ran, Request, WindowResult, Written, run, tables};
pub use state::{Notice, Rule, State};
pub use status::{Alarm, MonitorStatus, status};
pub use window::{Cut, Span};
