//! Predictive models over tables: the registry of model files, predictions and explanations block by block, and the
//! explanation file.
//!
//! Must not exist here: formats and algorithms of models (hanok-models), drawing (hanok-charts), where rows come from and
//! how results are written (hanok-engine), printing.

mod explanation;

pub use explanation::{
    Columns, Explanation, ExplanationError, METADATA_KEY, Metadata, Method, ModelIdentity, OutputColumns,
    OutputKind, numbers,
};
