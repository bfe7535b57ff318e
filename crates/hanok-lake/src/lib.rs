//! The lake: Delta tables behind our own types. Open, append, replace, maintain.
//!
//! Every table of a project is addressed as `hanok://lake/<branch id>/<directory>/` through one [`Router`] object store;
//! directories are ULIDs, names live in the catalog. A branch is an overlay over its parent as it was at the fork. Every commit of every operation passes the commit guard, which
//! closes the hole that lets a stale OPTIMIZE or OVERWRITE of delta-rs 1.1 double rows or bring them back.
//!
//! Must not exist elsewhere: the crate `deltalake`, a second way to open a table. Must not exist here: SQL, sources.

mod branch;
mod commit;
mod compare;
mod draft;
mod encoding;
mod error;
mod fork;
mod garbage;
mod guard;
mod head;
mod lake;
mod maintain;
mod merge;
mod overlay;
mod past;
mod router;
mod schema;
mod stats;
mod table;
mod writer;

pub use commit::{CommitMode, CommitOptions, Committed};
pub use compare::{Change, FileDifference, TableDifference};
pub use draft::Draft;
pub use encoding::writer_properties;
pub use error::LakeError;
pub use fork::ForkRequest;
pub use garbage::Garbage;
pub use lake::Lake;
pub use maintain::{OptimizeOutcome, VacuumOutcome};
pub use merge::{
    Conflict, MergeMode, MergeOutcome, RowCounts, RowSort, SIDE_COLUMN, SideRows, SortedRows, TableMerge,
};
pub use router::{LAKE_URL, Router};
pub use schema::{Evolution, evolve, floor_to_micros, lake_schema, lake_type, normalize};
pub use table::{AsOf, DataFile, HistoryEntry, Table};
pub use writer::{StagedFiles, TableWriter, WriterOptions};
