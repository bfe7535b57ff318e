//! SQL over the lake: a DataFusion session whose catalog is the project's.
//!
//! Each query sees one snapshot: every table is opened once, at its latest version when the query first names it, or at
//! the version asked for with `FOR VERSION AS OF 3` / `FOR TIMESTAMP AS OF '2026-01-31T00:00:00Z'`.
//!
//! Dialect: DataFusion's. Dividing integers gives an integer (`5/2 = 2`), as in PostgreSQL and unlike DuckDB; cast one
//! side for a fraction. Names fold to lower case unless quoted.
//!
//! Must not exist here: writing to the lake, models, files of users.

mod catalog;
mod error;
mod row_diff;
mod row_sort;
mod session;
mod spill;
mod system;
mod time_travel;

pub use error::QueryError;
pub use row_diff::{CHANGE_COLUMN, COUNT_COLUMN};
pub use session::{QueryStream, Session, SessionOptions};
