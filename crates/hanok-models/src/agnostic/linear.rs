//! Linear models, whose values need no coalitions.

use super::game::Asker;
use super::{Agnostic, AgnosticError, Estimate, check_width, may_ask};
use crate::shap::Explanation;

/// How far answers may be from what the coefficients say, as a share of |base| + Σ |value|: answers may be rounded to f32.
const TOLERANCE: f64 = 1e-5;

/// A linear function as its answers show it.
#[derive(Clone, Debug)]
pub(super) struct Slopes {
    /// Coefficients of the features, output after output.
    coefficients: Vec<f64>,
    /// Means of the features over the background.
    means: Vec<f64>,
}

/// Rows that it takes to find the coefficients of so many features.
pub(super) fn rows(features: usize) -> usize {
    features.saturating_mul(2)
}

impl Slopes {
    /// Asks for the least and the largest value that each feature has in the background, the others at their means.
    fn new<E, F>(
        asker: &mut Asker<F>,
        background: &[f64],
        features: usize,
    ) -> Result<Slopes, AgnosticError<E>>
    where
        F: FnMut(&[f64]) -> Result<Vec<f64>, E>,
    {
        let count = (background.len() / features) as f64;
        let column = |feature: usize| background.iter().skip(feature).step_by(features);
        let means: Vec<f64> = (0..features).map(|feature| column(feature).sum::<f64>() / count).collect();
        let mut rows = Vec::with_capacity(2 * features * features);
        let mut widths = Vec::with_capacity(features);
        for feature in 0..features {
            let least = column(feature).copied().fold(f64::INFINITY, f64::min);
            let most = column(feature).copied().fold(f64::NEG_INFINITY, f64::max);
            // One that does not vary may do so in the rows.
            let most = if least < most { most } else { least + 1.0 };
            for value in [least, most] {
                rows.extend(&means);
                let at = rows.len() - features + feature;
                rows[at] = value;
            }
            widths.push(most - least);
        }
        let answers = asker.ask(&rows)?;
        let outputs = answers.len() / (2 * features);
        let slope = |output: usize, feature: usize| {
            let [low, high] = [0, 1].map(|side| answers[(2 * feature + side) * outputs + output]);
            (high - low) / widths[feature]
        };
        let slope = &slope;
        let coefficients =
            (0..outputs).flat_map(|output| (0..features).map(move |feature| slope(output, feature)));
        Ok(Slopes { coefficients: coefficients.collect(), means })
    }

    /// The values of a row by output and feature: coefficient · (value − mean), exact (interventional); an error if they do not lead from
    /// the base to the answer.
    fn values<E>(&self, row: &[f64], answer: &[f64], base: &[f64]) -> Result<Vec<f64>, AgnosticError<E>> {
        let mut values = Vec::with_capacity(self.coefficients.len());
        for (output, coefficients) in self.coefficients.chunks(row.len()).enumerate() {
            let terms = coefficients.iter().zip(row).zip(&self.means);
            let of_output = values.len();
            values.extend(terms.map(|((coefficient, value), mean)| coefficient * (value - mean)));
            let sum = |of: fn(f64) -> f64| values[of_output..].iter().map(|value| of(*value)).sum::<f64>();
            let (found, expected) = (answer[output], base[output] + sum(|value| value));
            // What is NaN is not within the tolerance either.
            let is_near = (found - expected).abs() <= TOLERANCE * (base[output].abs() + sum(f64::abs));
            if !is_near {
                let row = row[..row.len().min(20)].to_vec();
                return Err(AgnosticError::NotLinear { output, found, expected, row });
            }
        }
        Ok(values)
    }
}

impl<E, F: FnMut(&[f64]) -> Result<Vec<f64>, E>> Agnostic<F> {
    /// Explains rows by the model's coefficients, which are asked for once. Whether it is linear is seen by its answers for the background
    /// and for the rows.
    pub(super) fn linear(&mut self, rows: &[f64]) -> Result<Estimate, AgnosticError<E>> {
        let background = &self.background;
        let (features, before) = (background.features, self.asker.asked);
        check_width(rows.len(), features)?;
        let count = rows.len() / features;
        let slopes = match self.slopes.take() {
            Some(slopes) => slopes,
            None => {
                may_ask(before.saturating_add(self::rows(features)), self.options.rows_max)?;
                let slopes = Slopes::new(&mut self.asker, background.values(), features)?;
                for (row, answer) in background.values().chunks(features).zip(background.answers()) {
                    slopes.values(row, answer, &background.base)?;
                }
                slopes
            }
        };
        may_ask(self.asker.asked.saturating_add(count), self.options.rows_max)?;
        let answers = self.asker.ask(rows)?;
        let outputs = background.base.len();
        let mut values = Vec::with_capacity(rows.len().saturating_mul(outputs));
        for (row, answer) in rows.chunks(features).zip(answers.chunks(outputs)) {
            values.extend(slopes.values(row, answer, &background.base)?);
        }
        self.slopes = Some(slopes);
        let base = background.base.clone();
        let explanation = Explanation { rows: count, outputs, features, values, base };
        Ok(Estimate { explanation, errors: None, model_rows: self.asker.asked - before })
    }
}
