//! The modules of `crates/hanok-pit` but the two that meet the query engine; `build.rs` lists them.

include!(concat!(env!("OUT_DIR"), "/modules.rs"));

pub use error::PitError;
pub use join::{JoinStats, Joined, join};
pub use spec::{
    BatchIterator, BatchSource, EntityFrame, FeatureFile, FeatureSource, JoinOptions, ValueColumn, View,
};
