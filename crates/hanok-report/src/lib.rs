//! What was found of drift, and of two models on the same rows, as one self-contained page of HTML and as JSON.
//!
//! [`DriftReport`] and [`SwapReport`] hold results of [`hanok_drift`] with what only their caller knows: what the sides are called, when
//! and from what they were made. A page asks for nothing outside of itself, says first what is to be known, and is the same bytes for the
//! same report.
//!
//! Must not exist here: files, sockets, async, clocks, statistics that are not in a result already.

mod bars;
mod drift;
mod effects;
mod error;
mod figures;
mod input;
mod markup;
mod page;
mod swap;
mod words;

pub use drift::{DriftReport, Joint};
pub use error::ReportError;
pub use input::{AlarmTurn, Checked, Importance, Monitored, Origin, Side};
pub use swap::{Model, SwapReport};
