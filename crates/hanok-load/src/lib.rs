//! Loads sources: files become batches and rejects, and these become tables in schema `raw`.
//!
//! # Types of text
//! A column that is neither declared nor in the table gets the narrowest of bool, int64, float64, date, timestamp and
//! string that fits every value of all files *without loss*; a column without any value is a string. Every value of a
//! row that can be cut into fields counts, also when the row is rejected for another column.
//!
//! | type | texts that fit |
//! |---|---|
//! | bool | `true`, `True`, `TRUE`, `false`, … |
//! | int64 | digits without leading zero, plus sign, blanks or `-0`, within 64 bits: `0517` and `+1` stay strings |
//! | float64 | decimals, also with an exponent, of 17 significant digits at most; integers up to 2^53; `NaN`, `inf`, `Infinity` |
//! | date | `YYYY-MM-DD`, years 0001 to 9999 |
//! | timestamp | a date, `T` or a blank, `HH:MM[:SS[.ffffff]]`, and nothing (UTC), `Z` or an offset |
//!
//! The case of booleans, zeros at a fraction's end, and the offset of a timestamp (not its instant) are not kept.
//! Declared types are lenient: blanks around, leading zeros, plus signs, more digits than the type keeps, `yes` and `0`
//! for booleans. A table's own types are strict again, and a string column takes every text as it is.
//!
//! JSON values keep their kind: a string is never a number, but a column of ISO dates becomes one. Objects and arrays
//! are kept as JSON text. Null tokens of CSV count in quotes, too.
//!
//! # Rows of CSV
//! RFC 4180, with either line end; empty lines are skipped. A quote opens only at the start of a field; text after a
//! closing quote is kept. A quote that is never closed, or a row beyond the limit, costs its first physical line.
//!
//! Must not exist here: a second way to open a table (everything goes through hanok-lake), blocking work on an async
//! thread, an unbounded buffer, a row that disappears without a reject.

mod chunk;
mod column;
mod csv;
mod error;
mod files;
mod glob;
mod input;
mod json;
mod load;
mod names;
mod options;
mod parquet;
mod pipeline;
mod plan;
mod reject;
mod source;
mod types;
mod value;

pub use error::{OptionError, ReadError};
pub use files::{ChannelEvent, Event, FileBatches, FileCounts};
pub use glob::expand;
pub use load::{FileOutcome, FileStatus, LoadError, LoadOutcome, Progress, load};
pub use options::{Contract, CsvOptions, Format, Limits, Policy, ReadOptions};
pub use reject::Reject;
pub use source::{Disposition, Source, SourceError, read_sources};
pub use types::{ColumnType, ColumnTypeError};
