//! Tables into the database that a service uses: PostgreSQL, SQLite, or a folder of Parquet files.
//!
//! A [`Publisher`] is given descriptions of tables, then their rows as Arrow batches, then told to commit. Until then readers
//! of the target see what it had; a failure, a dropped publisher or a killed process leaves it as it was. Rows are streamed:
//! what is held is a batch and a buffer.
//!
//! Must not exist here: lakes, catalogs, branches, where rows come from.

mod cell;
mod error;
mod folder;
mod json;
mod kind;
mod names;
mod postgres;
mod publisher;
mod spec;
mod sqlite;
mod target;

pub use error::PublishError;
pub use publisher::{Origin, Publisher};
pub use spec::{ForeignKey, TableSpec};
pub use target::{PostgresTarget, SslMode, Target};
