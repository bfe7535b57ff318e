//! The catalog: what exists in a project. Branches, tables and views by branch, runs, the load ledger, registered
//! features and predictive models.
//!
//! One SQLite file (`.hanok/catalog.sqlite`), shared by all processes of a project. The data itself, and whether a
//! commit to it happened, is the lake's business: the catalog only gives names to directories.
//!
//! Must not exist here: Delta or Arrow types, paths of data files, business rules about loads, models or features.

mod branches;
mod error;
mod features;
mod forks;
mod ledger;
mod merges;
mod migrate;
mod models;
mod runs;
mod staging;
mod store;
mod tables;

pub use branches::{BRANCH_DEPTH_MAX, Branch, BranchKind, MAIN_BRANCH, NewBranch};
pub use error::CatalogError;
pub use features::{FeatureObject, FeatureObjectKind};
pub use forks::{Fork, ForkOf, ForkOutcome, kept_versions};
pub use ledger::LedgerEntry;
pub use merges::{Merge, MergeAction, MergeBase, MergeTable};
pub use migrate::SCHEMA_VERSION;
pub use models::{ModelFacts, ModelVersion};
pub use runs::{Run, RunCounts, RunKind, RunStatus};
pub use staging::{OwnTable, StagingRecord};
pub use store::Catalog;
pub use tables::{TableKind, TableRecord};
