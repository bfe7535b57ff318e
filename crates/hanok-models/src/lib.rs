//! Tree ensembles and linear models of other libraries: read, predict and explain them. Arrow in, values out.
//!
//! [`read`] turns a model file of XGBoost, LightGBM, CatBoost, scikit-learn, ONNX or Treelite into one [`Ensemble`]; [`Predictor`] repeats
//! the library's own predictions; [`Explainer`] computes exact SHAP values. `shap/program.rs` has the algorithm. [`Agnostic`] explains any
//! function of rows by its answers.
//!
//! Must not exist here: training, files, sockets, async, catalogs, charts.

mod agnostic;
mod blocks;
mod categories;
mod city;
mod coding;
mod ensemble;
mod error;
mod format;
mod levels;
mod predict;
mod shap;
mod table;
mod texts;
mod tops;

pub use agnostic::{Agnostic, AgnosticError, Estimate, Hierarchy, HierarchyError, Method, Options};
pub use ensemble::{Ensemble, EnsembleRef, Link};
pub use error::{DataError, ExplainError, ReadError};
pub use format::read;
pub use predict::Predictor;
pub use shap::{Explainer, Explanation, Interventional, RowExplainer, Saabas};
pub use table::{Match, Table};

/// The parts of ONNX that graphs around trees are made of as well.
pub mod onnx {
    pub use crate::format::{Message, tensor, trees};
}
