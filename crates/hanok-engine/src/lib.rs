//! The façade: one [`Engine`] per project, plain types in and out, wiring only. The command line, the server and the
//! Python package call this and nothing below it.
//!
//! Must not exist here: business logic (it belongs to the rooms below), printing, HTTP, argument parsing.

mod branches;
mod build;
mod drift;
mod engine;
mod error;
mod events;
mod load;
mod maintain;
mod monitors;
mod output;
mod plots;
mod predictors;
mod publish;
mod report;
mod rows;
mod sink;
mod staging;
mod swap;
mod template;

pub use branches::{BranchDetails, BranchReport, BranchRequest, ExpireReport, GarbageReport, MergeReport};
pub use drift::{
    DetectorKind, DriftError, DriftOutcome, DriftPlace, DriftRequest, DriftSide, ImportanceSource,
    PeerColumn, PeerMethod, PeerReport, ProfileReport, ProfileRequest, ProfiledColumn, Segment, Segments,
    WatchCounts, WatchError, WatchReport, WatchRequest, WatchSignal, merge_profiles, show_profile, watch,
};
pub use engine::{BuildRequest, Engine, JoinRequest, MaterializeRequest};
pub use error::EngineError;
pub use events::{Event, Observer};
pub use maintain::Maintenance;
pub use monitors::{MonitorReport, MonitorRequest, StatusReport};
pub use output::Format;
pub use plots::{plot_file, write_picture, write_table};
pub use predictors::{
    AddedModel, DataRequest, ExplainReport, ExplainRequest, FeatureImportance, OutputImportance,
    PredictReport, PredictRequest,
};
pub use publish::{PublishReport, PublishRequest, PublishedTable};
pub use report::{
    ApplyReport, BuildReport, JoinReport, LoadReport, LoadedTable, MaintainedTable, MaintenanceReport,
    MaterializeReport, ModelReport, QueryReport, RunCounts, RunReport, TestReport,
};
pub use rows::RowSource;
pub use staging::{Signature, StagingReport, StagingRequest};
pub use swap::{SwapError, SwapOutcome, SwapRequest};
pub use template::{Template, init};

pub use hanok_catalog::{Branch, BranchKind, MAIN_BRANCH, ModelFacts, ModelVersion};
pub use hanok_drift::outputs::swap::Verdict as SwapVerdict;
pub use hanok_explain::{
    Additivity, Asked, AskingOptions, ColumnChoice, Contribution, FeatureOrder, Form, Method, Model,
    ModelIdentity, OutputKind, PlotKind, PlotRequest, Plotted, RowExplanation, RowKey, RowOutput,
};
pub use hanok_features::{Registry, Selection};
pub use hanok_lake::{
    AsOf, Change, Conflict, Garbage, MergeMode, MergeOutcome, RowCounts, TableDifference, TableMerge,
};
pub use hanok_monitor::{
    Alarm, Delivery, Found, MonitorStatus, Monitored, Notice, ReportFile, WindowResult, Written,
};
pub use hanok_query::QueryStream;
pub use hanok_report::Joint;
pub use hanok_staging::{ColumnManifest, Manifest, TableManifest};
