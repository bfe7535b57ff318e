//! Names, ids and value types that every room shares.
//!
//! Must not exist here: anything that knows a file, a socket or a database.

mod branch;
mod duration;
mod id;
mod name;
mod time;
mod value;

pub use branch::{BranchName, BranchNameError};
pub use duration::{format_duration, parse_duration};
pub use id::Id;
pub use name::{Name, NameError, TableName, column_name};
pub use time::parse_time;
pub use value::{ValueType, ValueTypeError};
