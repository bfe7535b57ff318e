//! The embedded online store: the newest feature values of each entity, read at the speed of a hash table.
//!
//! The durable truth is an LMDB environment (see `LAYOUT.md` beside this crate for every byte of it). One process
//! writes through [`Writer`], in atomic commits that can carry an opaque watermark. Any number of processes read
//! through [`Reader`]: each holds the rows in an in-memory slot table that [`Reader::refresh`] keeps in step with
//! commits, its own process's and others'. Lookups take no lock that a writer holds, allocate nothing and never see
//! a torn row.
//!
//! Promises: the row with the newer event timestamp wins whatever the order of writes; a tie is decided by the newer
//! created timestamp, then by the later write; a row older than the view's ttl reads as [`RowState::Expired`]; keys
//! are compared whole, never by hash alone; a row written under another schema never decodes wrongly.
//!
//! Must not exist here: HTTP, JSON answers, the feature registry, a second way to open the environment.

mod arena;
mod columns;
mod env;
mod error;
mod fault;
mod key;
mod read;
mod row;
mod schema;
mod table;
mod view;
mod write;

pub use env::StoreOptions;
pub use error::StoreError;
pub use fault::{FaultText, report_faults};
pub use key::{KEY_BYTES_MAX, KeyKind, Keys};
pub use read::{OnlineRead, Reader, Refreshed, ViewSet};
pub use row::{RowError, StoredRow, StoredValue};
pub use schema::{SchemaError, ViewSchema};
pub use table::{RowState, Rows, ViewTable};
pub use write::{OnlineWrite, SchemaChange, WriteBatch, WriteError, WriteOutcome, Writer};
