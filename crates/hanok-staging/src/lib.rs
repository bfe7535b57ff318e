//! Staging branches: a lake with the personal tables as masked samples or as synthetic tables, and all others as they are.
//!
//! Must not exist here: printing, treatments of values (that is hanok-mask), a second way to read or write a table.

mod plan;

pub use plan::{ColumnPlan, Index, Keys, Mode, PERSONAL, Plan, PlanMode, Reference, Sample, TablePlan};
