//! Staging branches: a lake with the personal tables as masked samples or as synthetic tables, and all others as they are.
//!
//! A [`Plan`] says what becomes of each table; [`Staging`] checks it against the parent, finds a sample that is closed over
//! foreign keys, writes the branch's own tables and publishes all of it in one transaction, with a [`Manifest`].
//!
//! What must hold: no original value of a protected table is in any file of the branch, in the manifest, in a message or
//! in a log; a table of which that is not certain is refused or left out.
//!
//! Must not exist here: printing, treatments of values (that is hanok-mask), a second way to read or write a table.

mod closure;
mod design;
mod error;
mod facts;
mod graph;
mod keys;
mod manifest;
mod mask;
mod plan;
mod snapshot;
mod staging;
mod synthetic;
mod work;

pub use error::{Problem, StagingError};
pub use facts::Facts;
pub use manifest::{Anonymity, ColumnManifest, Manifest, TableManifest, is_signed, sign};
pub use plan::{
    ColumnPlan, Index, Keys, Mode, PERSONAL, Plan, PlanMode, Reference, Sample, Scalar, TablePlan,
};
pub use staging::Staging;
pub use work::Progress;
