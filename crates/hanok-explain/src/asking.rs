//! Explanations by a model's answers.

use std::fmt;
use std::sync::Arc;

use hanok_models::{Agnostic, Estimate, Hierarchy, Method as Way, Options, Table};

use crate::explain::ExplainOptions;
use crate::explanation::Method;
use crate::model::Answers;
use crate::predict::RunError;

/// Most rows that a model is given unless more are allowed.
const MODEL_ROWS_MAX: usize = 100_000_000;
/// The same of an endpoint: a thousand requests.
const ENDPOINT_ROWS_MAX: usize = 1_000_000;

/// How a model is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskingOptions {
    /// Coalitions of features that a row may take, or for sampling model rows; see [`hanok_models::Options::max_evals`].
    pub evaluations: Option<usize>,
    /// Where random choices begin. The values of a row depend on this and on the row, not on other rows.
    pub seed: u64,
    /// Most rows that the model is given for all rows together [default: a hundred million, of an endpoint one million].
    pub model_rows_max: Option<usize>,
    /// Only so many rows of the background, evenly spread; of the interventional method too.
    pub background_rows: Option<usize>,
}

impl AskingOptions {
    /// The limits of the work on a model, of which so many rows may be asked unless more are allowed.
    fn limits(&self, rows_max: usize) -> Options {
        Options {
            max_evals: self.evaluations,
            rows_max: self.model_rows_max.unwrap_or(rows_max),
            seed: self.seed,
            ..Options::default()
        }
    }

    /// The method for a model of so many features when nobody says it.
    pub(crate) fn method(&self, features: usize) -> Method {
        match self.limits(MODEL_ROWS_MAX).method(features) {
            Way::Exact => Method::Exact,
            _ => Method::Permutation,
        }
    }
}

type Ask<'a> = Box<dyn FnMut(&[f64]) -> Result<Vec<f64>, RunError> + 'a>;

/// A model that explains by its answers.
pub(crate) struct Asking<'a> {
    agnostic: Agnostic<Ask<'a>>,
    way: Way,
    seed: u64,
    model_rows: u64,
}

impl<'a> Asking<'a> {
    /// Asks for the background. More than is allowed is refused before anything is asked that the rows need.
    pub(crate) fn new(
        answers: Arc<Answers<'a>>,
        method: Method,
        background: &Table,
        options: &ExplainOptions,
    ) -> Result<Self, RunError> {
        let (asking, features, output) = (&options.asking, background.features(), options.output);
        let rows_max = if answers.are_far() { ENDPOINT_ROWS_MAX } else { MODEL_ROWS_MAX };
        let background = background.to_rows();
        let way = match method {
            Method::Exact => Way::Exact,
            Method::Kernel => Way::Kernel,
            Method::Sampling => Way::Sampling,
            Method::Partition => Way::Partition(
                Hierarchy::by_correlation(&background, features)
                    .map_err(|error| RunError::from(hanok_models::AgnosticError::Hierarchy(error)))?,
            ),
            Method::Linear => Way::Linear,
            _ => Way::Permutation,
        };
        let limits = asking.limits(rows_max);
        let ask: Ask<'a> = Box::new(move |rows| answers.of_rows(rows, output));
        let count = background.len().checked_div(features).unwrap_or(0) as u64;
        let agnostic = Agnostic::new(ask, background, features, limits)?;
        let rows = options.rows.and_then(|rows| usize::try_from(rows).ok()).unwrap_or(1);
        agnostic.plan(rows, &way)?;
        Ok(Self { agnostic, way, seed: asking.seed, model_rows: count })
    }

    /// How many outputs the model has.
    pub(crate) fn outputs(&self) -> usize {
        self.agnostic.base().len()
    }

    /// Whether values have standard errors.
    pub(crate) fn estimates(&self) -> bool {
        !matches!(self.way, Way::Exact | Way::Linear)
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Rows that the model has been given.
    pub(crate) fn model_rows(&self) -> u64 {
        self.model_rows
    }

    pub(crate) fn explain(&mut self, table: &Table) -> Result<Estimate, RunError> {
        let estimate = self.agnostic.explain(&table.to_rows(), &self.way)?;
        self.model_rows += estimate.model_rows as u64;
        Ok(estimate)
    }
}

impl fmt::Debug for Asking<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking")
            .field("way", &self.way)
            .field("model_rows", &self.model_rows)
            .finish_non_exhaustive()
    }
}
