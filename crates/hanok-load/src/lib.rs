//! Loads sources: files become batches and rejects, and these become tables in schema `raw`.
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
pub use names::column_name;
pub use options::{Contract, CsvOptions, Format, Limits, Policy, ReadOptions};
pub use reject::Reject;
pub use source::{Disposition, Source, SourceError, read_sources};
pub use types::{ColumnType, ColumnTypeError};
