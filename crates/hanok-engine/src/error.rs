//! The one error of the façade: that of whichever room failed.

use hanok_error::{Code, Coded, code};

macro_rules! rooms {
    ($($(#[$doc:meta])* $variant:ident($error:ty),)*) => {
        /// A command failed. The variant is the room that says why.
        #[derive(Debug, thiserror::Error)]
        pub enum EngineError {
            $($(#[$doc])* #[error(transparent)] $variant(#[from] $error),)*
            /// A file of the user's cannot be read or written.
            #[error("cannot {action} {path}: {reason}")]
            File {
                /// `read`, `write` or `create`.
                action: &'static str,
                /// The path.
                path: String,
                /// Why.
                reason: String,
            },
            /// The folder of a new project has files in it.
            #[error("{0} is not empty")]
            NotEmpty(String),
            /// A tag where a branch is meant, or the other way round.
            #[error("`{name}` is a {found}, not a {wanted}")]
            BranchKind {
                /// Its name.
                name: String,
                /// What it is.
                found: &'static str,
                /// What it should be.
                wanted: &'static str,
            },
            /// A load would bring originals into a staging branch.
            #[error("{table} is not the parent's on the staging branch `{branch}`: a load would bring its original rows")]
            StagingMasked {
                /// The table.
                table: String,
                /// The branch.
                branch: String,
            },
            /// Nothing says how the branch was made.
            #[error("`{0}` is not a staging branch")]
            NoStaging(String),
            /// A key cannot be used.
            #[error("the key {path}: {reason}")]
            StagingKey {
                /// Its file, or where it should come from.
                path: String,
                /// Why.
                reason: String,
            },
            /// Nobody waits for the work any more.
            #[error("stopped")]
            Stopped,
            /// Rows could not be put into blocks.
            #[error("rows cannot be put into blocks: {0}")]
            Blocks(String),
            /// No source of that name.
            #[error("there is no source `{name}`; the project has: {known}")]
            UnknownSource {
                /// The name asked for.
                name: String,
                /// Names of the project's sources.
                known: String,
            },
        }

        impl Coded for EngineError {
            fn code(&self) -> Code {
                match self {
                    $(Self::$variant(error) => error.code(),)*
                    Self::File { .. } => code::FILE_IO,
                    Self::NotEmpty(_) => code::INIT_NOT_EMPTY,
                    Self::BranchKind { .. } => code::BRANCH_UNKNOWN,
                    Self::StagingMasked { .. } => code::STAGING_MASKED,
                    Self::NoStaging(_) => code::STAGING_UNKNOWN,
                    Self::StagingKey { .. } => code::STAGING_KEY,
                    Self::Stopped => code::INTERRUPTED,
                    Self::Blocks(_) => code::INTERNAL,
                    Self::UnknownSource { .. } => code::SOURCE_UNKNOWN,
                }
            }

            fn hint(&self) -> Option<String> {
                match self {
                    $(Self::$variant(error) => error.hint(),)*
                    Self::BranchKind { found, .. } => Some(format!("use `hanok {found} …`")),
                    _ => None,
                }
            }

            fn place(&self) -> Option<String> {
                match self {
                    $(Self::$variant(error) => error.place(),)*
                    _ => None,
                }
            }
        }
    };
}

rooms! {
    /// The project's files.
    Config(hanok_config::ConfigError),
    /// The catalog.
    Catalog(hanok_catalog::CatalogError),
    /// The lake.
    Lake(hanok_lake::LakeError),
    /// A query.
    Query(hanok_query::QueryError),
    /// The definitions of sources.
    Source(hanok_load::SourceError),
    /// A load.
    Load(hanok_load::LoadError),
    /// The project's models.
    Models(hanok_transform::ProjectError),
    /// The selection of models.
    Select(hanok_transform::SelectError),
    /// A staging branch.
    Staging(hanok_staging::StagingError),
    /// A publication.
    Publish(hanok_publish::PublishError),
    /// The registry of predictive models.
    Registry(hanok_explain::RegistryError),
    /// Predictions and explanations.
    Explain(hanok_explain::RunError),
    /// A row to explain.
    Row(hanok_explain::RowError),
    /// Values that do not add up.
    Additivity(hanok_explain::AdditivityError),
    /// Views and charts of explanations.
    View(hanok_explain::ViewError),
    /// Sides of a comparison.
    Drift(crate::drift::DriftError),
    /// Columns that are compared.
    Compare(hanok_drift::CompareError),
    /// The course over time.
    Course(hanok_drift::course::CourseError),
    /// Whether sides can be told apart.
    Classifier(hanok_drift::classifier::ClassifierError),
    /// Columns together.
    Joint(hanok_drift::multivariate::MultivariateError),
    /// A profile.
    Profile(hanok_drift::profile::ProfileError),
    /// A drift report.
    DriftReport(hanok_report::ReportError),
    /// A stream of events.
    Watch(crate::drift::WatchError),
    /// Two models over the same rows.
    Pair(hanok_explain::PairError),
    /// Outputs of models.
    Outputs(hanok_drift::outputs::OutputsError),
    /// A comparison of two models.
    Swap(crate::swap::SwapError),
    /// The definitions of monitors.
    Monitors(hanok_monitor::DefinitionError),
    /// Monitors.
    Monitor(hanok_monitor::MonitorError),
    /// Features.
    Features(hanok_features::FeatureError),
    /// A table's name.
    Name(hanok_types::NameError),
    /// A branch's name.
    BranchName(hanok_types::BranchNameError),
}
