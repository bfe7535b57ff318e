//! CSV blocks to columns.

mod block;
mod header;
mod index;
mod masks;

pub(crate) use block::{CsvBlock, Dialect};
pub(crate) use header::take_header;
pub(crate) use index::Index;
