//! SHAP values of models that are known by their answers only.
//!
//! A coalition S of features is worth v(S), the mean over the background's rows b of the model's answer for the row to explain on S and
//! b elsewhere (interventional values). The values φ share f(x) − E f, the answer less its mean over the background, out among the
//! features: they always add up to it. Features in which a row agrees with the whole background are worth exactly 0 and cost nothing.
//!
//! | method | coalitions asked for, a row of m features | error |
//! |---|---|---|
//! | [`Method::Exact`] | 2^m | rounding |
//! | [`Method::Permutation`] | [`Options::max_evals`], at least 2m | falls with its root; none when features act in pairs at most |
//! | [`Method::Sampling`] | none: `max_evals` single model rows, whatever the background's length | falls with its root |
//! | [`Method::Kernel`] | `max_evals`, at least 4m, or all | falls with its root; none when it covers all coalitions |
//! | [`Method::Partition`] | about m², fewer by `max_evals` | none against the tree's Owen values |
//! | [`Method::Linear`] | none: two model rows a feature for all rows together | rounding; a model that is not linear is refused |
//!
//! Each coalition takes one model row for each row of the background.

mod error;
mod exact;
mod game;
mod hierarchy;
mod kernel;
mod linear;
mod partition;
mod permutation;
mod random;
mod sampling;
#[cfg(test)]
mod tests;

pub use error::AgnosticError;
use game::{Asker, Background, Game};
pub use hierarchy::{Hierarchy, HierarchyError};

use crate::shap::Explanation;

/// Most values of a result.
const VALUES_MAX: usize = 1 << 30;

/// How the values of a row are found.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// By all coalitions of up to 16 features.
    Exact,
    /// Along random orders of the features, each also backwards.
    Permutation,
    /// For each feature along random orders, each against one random row of the background.
    Sampling,
    /// By weighted least squares over coalitions.
    Kernel,
    /// Owen values: coalitions that respect a tree of groups of features.
    Partition(Hierarchy),
    /// By the coefficients of a linear model, which its answers give away.
    Linear,
}

impl Method {
    /// Whether nothing is estimated.
    fn is_exact(&self) -> bool {
        matches!(self, Method::Exact | Method::Linear)
    }
}

/// Limits of the work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many coalitions a row may take, or for [`Method::Sampling`] model rows. If not given: 20 a feature and at least 500 for
    /// permutations, 2 a feature and 2048 for the kernel, 1000 a feature for sampling, 4096 for partitions. Exact and linear values
    /// ignore it.
    pub max_evals: Option<usize>,
    /// Most rows that the model is given at a time.
    pub batch_rows: usize,
    /// Most rows that the model is given, with those of the background and of all calls of [`Agnostic::explain`]. A call that may take
    /// more is refused before its first.
    pub rows_max: usize,
    /// Where random choices begin. The values of a row depend on this and on the row, not on other rows or on `batch_rows`.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options { max_evals: None, batch_rows: 4096, rows_max: 100_000_000, seed: 0 }
    }
}

impl Options {
    /// What to take when nobody says it, for a model of so many features: [`Method::Exact`] where it asks for no more rows than
    /// [`Method::Permutation`] would, else this.
    pub fn method(&self, features: usize) -> Method {
        // Orders come in pairs, and neither all features nor none of them need an answer.
        let pair = permutation::least(features).max(1);
        let pairs = self.evaluations(&Method::Permutation, features) / pair;
        let estimated = pairs.saturating_mul(pair.saturating_sub(2));
        let is_cheap = self.evaluations(&Method::Exact, features).saturating_sub(2) <= estimated;
        if is_cheap && features <= exact::PLAYERS_MAX { Method::Exact } else { Method::Permutation }
    }

    /// How many coalitions (for sampling, model rows) a row takes at most that differs from the background in so many features; none for
    /// linear values.
    fn evaluations(&self, method: &Method, features: usize) -> usize {
        let all = u32::try_from(features).ok().and_then(|features| 2_usize.checked_pow(features));
        let all = all.unwrap_or(usize::MAX);
        let given = |default: usize| self.max_evals.unwrap_or(default);
        match method {
            Method::Exact => all,
            Method::Permutation => given(permutation::least(features).saturating_mul(10).max(500)),
            Method::Sampling => given(features.saturating_mul(1000)),
            Method::Kernel => {
                given(features.saturating_mul(2).saturating_add(2048).max(kernel::least(features))).min(all)
            }
            Method::Partition(_) => given(4096),
            Method::Linear => 0,
        }
    }
}

/// Values, and how far they may be off.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// The values, rows × outputs × features, and the base of each output.
    pub explanation: Explanation,
    /// One standard error of each value, in the same order, when the method estimates: 0 where a value is exact, NaN where nothing is
    /// known of its error (one permutation only; a group of features that was not taken apart).
    pub errors: Option<Vec<f64>>,
    /// How many rows the model was given.
    pub model_rows: usize,
}

/// A model and a background, made ready. The model is a closure: rows of `features` numbers, one after the other, in; as many outputs
/// for each row out. It is asked from the calling thread only; threads of a caller take a value of their own each.
#[derive(Debug)]
pub struct Agnostic<F> {
    asker: Asker<F>,
    background: Background,
    options: Options,
    /// The coefficients of a linear model, once it has been asked for them.
    slopes: Option<linear::Slopes>,
}

/// What a method finds for a row: players' values by output, and their standard errors if they are estimates.
struct Found {
    values: Vec<f64>,
    errors: Vec<f64>,
}

impl<E, F: FnMut(&[f64]) -> Result<Vec<f64>, E>> Agnostic<F> {
    /// Asks the model for the background: rows of `features` numbers, one after the other. Missing values are NaN.
    pub fn new(
        model: F,
        background: Vec<f64>,
        features: usize,
        options: Options,
    ) -> Result<Agnostic<F>, AgnosticError<E>> {
        let rows = background.len().checked_div(features).unwrap_or(0);
        if rows == 0 {
            return Err(AgnosticError::EmptyBackground);
        }
        check_width(background.len(), features)?;
        let mut asker = Asker::new(model, features, options.batch_rows);
        may_ask(rows, options.rows_max)?;
        let answers = asker.ask(&background)?;
        Ok(Agnostic {
            asker,
            background: Background::new(background, answers, features),
            options,
            slopes: None,
        })
    }

    /// The expected value of each output: the mean over the background.
    pub fn base(&self) -> &[f64] {
        &self.background.base
    }

    /// Explains rows of as many numbers as the background's.
    pub fn explain(&mut self, rows: &[f64], method: &Method) -> Result<Estimate, AgnosticError<E>> {
        let features = self.background.features;
        check_width(rows.len(), features)?;
        if let Method::Partition(tree) = method
            && tree.features() != features
        {
            return Err(AgnosticError::Hierarchy(HierarchyError::Features {
                found: tree.features(),
                expected: features,
            }));
        }
        if *method == Method::Linear {
            return self.linear(rows);
        }
        let before = self.asker.asked;
        let players: Vec<Vec<usize>> =
            rows.chunks(features).map(|row| self.background.players(row)).collect();
        let mut planned = before.saturating_add(players.len());
        for players in &players {
            planned = planned.saturating_add(self.cost(method, players)?);
        }
        may_ask(planned, self.options.rows_max)?;
        let outputs = self.background.base.len();
        let size = rows.len().saturating_mul(outputs);
        if size > VALUES_MAX {
            return Err(AgnosticError::TooManyValues { found: size, limit: VALUES_MAX });
        }
        let answers = self.asker.ask(rows)?;
        let mut values = vec![0.0; size];
        let mut errors = vec![0.0; if method.is_exact() { 0 } else { values.len() }];
        for (at, players) in players.iter().enumerate().filter(|(_, players)| !players.is_empty()) {
            let row = &rows[at * features..][..features];
            let found = self.row(row, &answers[at * outputs..][..outputs], players, method)?;
            let scatter = |from: &[f64], to: &mut [f64]| {
                for (from, to) in from.chunks(players.len()).zip(to.chunks_mut(features)) {
                    players.iter().zip(from).for_each(|(feature, value)| to[*feature] = *value);
                }
            };
            let cells = at * outputs * features..(at + 1) * outputs * features;
            scatter(&found.values, &mut values[cells.clone()]);
            if !errors.is_empty() {
                scatter(&found.errors, &mut errors[cells]);
            }
        }
        let explanation = Explanation {
            rows: players.len(),
            outputs,
            features,
            values,
            base: self.background.base.clone(),
        };
        let errors = (!method.is_exact()).then_some(errors);
        Ok(Estimate { explanation, errors, model_rows: self.asker.asked - before })
    }

    /// The values of a row's players, of whom there is one at least, given the model's answer for it.
    fn row(
        &mut self,
        row: &[f64],
        answer: &[f64],
        players: &[usize],
        method: &Method,
    ) -> Result<Found, AgnosticError<E>> {
        let max_evals = self.options.evaluations(method, players.len());
        let seed = self.options.seed;
        let mut game = Game { asker: &mut self.asker, background: &self.background, row, answer, players };
        match method {
            // All that there is to share out is one player's.
            _ if players.len() == 1 => Ok(Found { values: game.total(), errors: vec![0.0; answer.len()] }),
            Method::Exact => exact::values(&mut game),
            Method::Permutation => permutation::values(&mut game, max_evals, seed),
            Method::Sampling => sampling::values(&mut game, max_evals, seed),
            Method::Kernel => kernel::values(&mut game, max_evals, seed),
            Method::Partition(tree) => partition::values(&mut game, tree, max_evals),
            // Rows are no games there: `explain` has done it.
            Method::Linear => Ok(Found { values: game.total(), errors: Vec::new() }),
        }
    }

    /// Most rows that the model is given, with those that it has been given, when so many rows are explained: an error if they are more
    /// than allowed, or the method cannot do it. Nothing is asked.
    pub fn plan(&self, rows: usize, method: &Method) -> Result<usize, AgnosticError<E>> {
        let all: Vec<usize> = (0..self.background.features).collect();
        let planned = match method {
            Method::Linear => linear::rows(self.background.features),
            _ => self.cost(method, &all)?.saturating_mul(rows),
        };
        let planned = planned.saturating_add(rows).saturating_add(self.asker.asked);
        may_ask(planned, self.options.rows_max)?;
        Ok(planned)
    }

    /// Most model rows that a row of these players takes, or why it cannot be explained.
    fn cost(&self, method: &Method, players: &[usize]) -> Result<usize, AgnosticError<E>> {
        let count = players.len();
        if count < 2 {
            return Ok(0);
        }
        let evals = self.options.evaluations(method, count);
        let at_most = |limit: usize| {
            if count > limit { Err(AgnosticError::TooManyFeatures { found: count, limit }) } else { Ok(()) }
        };
        let at_least = |least: usize| {
            if evals < least { Err(AgnosticError::MaxEvals { given: evals, least }) } else { Ok(()) }
        };
        match method {
            Method::Exact => at_most(exact::PLAYERS_MAX)?,
            Method::Permutation => at_least(permutation::least(count))?,
            Method::Sampling => at_least(sampling::least(count))?,
            Method::Kernel => {
                at_most(kernel::PLAYERS_MAX)?;
                at_least(kernel::least(count))?;
            }
            Method::Partition(tree) => {
                let all = partition::evals(tree, players);
                return Ok(evals.min(all).saturating_mul(self.background.rows()));
            }
            Method::Linear => return Ok(0),
        }
        let rows = if *method == Method::Sampling { 1 } else { self.background.rows() };
        Ok(evals.saturating_mul(rows))
    }
}

fn check_width<E>(values: usize, features: usize) -> Result<(), AgnosticError<E>> {
    if values.is_multiple_of(features) { Ok(()) } else { Err(AgnosticError::Width { values, features }) }
}

fn may_ask<E>(planned: usize, limit: usize) -> Result<(), AgnosticError<E>> {
    if planned > limit { Err(AgnosticError::TooManyRows { planned, limit }) } else { Ok(()) }
}
