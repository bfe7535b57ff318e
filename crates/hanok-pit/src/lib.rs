//! The point-in-time join: for every entity row, the features as they were known at its timestamp.
//!
//! Entity rows are grouped by key with their timestamps sorted; a position in that order is a *slot*. Pass 1 streams only
//! the keys and timestamps of the feature side: each row goes to the first slot of its key that is not before it, where
//! the newest stays; then each group's newest rows are carried forward and checked against the ttl. Pass 2 reads the
//! values of the winning rows only. Memory is the entity side plus the winners, whatever the size of the feature side.
//!
//! Must not exist here: catalogs, tables, SQL, anything that writes.

mod dense;
mod error;
mod exec;
mod files;
mod gather;
mod hash;
mod index;
mod join;
mod kernel;
mod keys;
mod pages;
mod parallel;
mod plan_source;
mod prepare;
mod prune;
mod rowset;
mod scan;
mod slots;
mod spec;
mod stream;
mod table;
mod time;

pub use error::PitError;
pub use exec::PointInTimeJoinExec;
pub use join::{JoinStats, Joined, join};
pub use plan_source::PlanSource;
pub use spec::{
    BatchIterator, BatchSource, EntityFrame, FeatureFile, FeatureSource, JoinOptions, ValueColumn, View,
};
