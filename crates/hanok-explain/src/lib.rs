//! Predictive models over tables: the registry of model files, predictions and explanations block by block, the
//! explanation file, and two models over the same rows.
//!
//! Must not exist here: formats and algorithms of models (hanok-models, hanok-infer), drawing (hanok-charts), where rows come from and
//! how results are written (hanok-engine), printing.

mod asking;
mod attribute;
mod columns;
mod explain;
mod explanation;
mod kept;
mod latency;
mod model;
mod pair;
mod plot;
mod predict;
mod registry;
mod row;
mod views;

pub use asking::AskingOptions;
pub use attribute::{Attributed, Attributions, Inputs, attribute, inputs, told};
pub use columns::{ColumnChoice, ColumnsError};
pub use explain::{
    Additivity, AdditivityError, BACKGROUND_VALUES_MAX, ExplainOptions, Explained, Explaining,
};
pub use explanation::{
    Asked, Columns, Explanation, ExplanationError, METADATA_KEY, Metadata, Method, ModelIdentity,
    OutputColumns, OutputKind, Unit, numbers,
};
pub use latency::{Latency, latency};
pub use model::{Form, Model};
pub use pair::{PairError, PairOptions, Paired, Pairing, Segments};
pub use plot::{FeatureOrder, PlotKind, PlotRequest, Plotted, plot, plot_row};
pub use predict::{Predicting, RunError};
pub use registry::{ModelRegistry, RegistryError};
pub use row::{Contribution, RowError, RowExplanation, RowFinder, RowKey, RowOutput};
pub use views::{
    COHORTS_MAX, Cohorts, Importance, Pair, Partner, Rest, ViewError, importance, likeness, pairs, pairs_of,
    partners, sample,
};
