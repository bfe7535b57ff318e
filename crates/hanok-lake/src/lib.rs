//! The lake: Delta tables behind our own types. Open, append, replace, maintain.
//!
//! Every table of a project is addressed as `hanok://lake/<branch>/<directory>/` through one [`Router`] object store;
//! directories are ULIDs, names live in the catalog. Every commit of every operation passes the commit guard, which
//! closes the hole that lets a stale OPTIMIZE or OVERWRITE of delta-rs 1.1 double rows or bring them back.
//!
//! Must not exist elsewhere: the crate `deltalake`, a second way to open a table. Must not exist here: SQL, sources.

mod commit;
mod encoding;
mod error;
mod guard;
mod lake;
mod maintain;
mod router;
mod schema;
mod stats;
mod table;
mod writer;

pub use commit::{CommitMode, CommitOptions, Committed};
pub use encoding::writer_properties;
pub use error::LakeError;
pub use lake::Lake;
pub use maintain::{OptimizeOutcome, VacuumOutcome};
pub use router::{LAKE_URL, Router};
pub use schema::{Evolution, evolve, floor_to_micros, lake_schema, lake_type, normalize};
pub use table::{AsOf, DataFile, HistoryEntry, Table};
pub use writer::{StagedFiles, TableWriter, WriterOptions};
