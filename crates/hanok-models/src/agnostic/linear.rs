//! Linear models, whose values need no coalitions.

use crate::shap::Explanation;

/// Values of linear functions: coefficient · (value − mean of the background), exact (interventional). `coefficients` has the features of
/// each output, one output after the other; `rows` and `background` are rows of as many numbers, one after the other. None when the
/// lengths do not fit or the background is empty. For a generalised linear model these are the values before the link.
pub fn linear_values(
    coefficients: &[f64],
    intercepts: &[f64],
    background: &[f64],
    rows: &[f64],
) -> Option<Explanation> {
    let outputs = intercepts.len();
    let features = coefficients.len().checked_div(outputs)?;
    let fits = |values: &[f64]| features > 0 && values.len().is_multiple_of(features);
    if coefficients.len() != outputs * features || !fits(background) || !fits(rows) || background.is_empty() {
        return None;
    }
    let count = (background.len() / features) as f64;
    let mean = |feature: usize| background.iter().skip(feature).step_by(features).sum::<f64>() / count;
    let means: Vec<f64> = (0..features).map(mean).collect();
    let mut values = Vec::with_capacity(rows.len() * outputs);
    for row in rows.chunks(features) {
        for coefficients in coefficients.chunks(features) {
            let terms = coefficients.iter().zip(row).zip(&means);
            values.extend(terms.map(|((coefficient, value), mean)| coefficient * (value - mean)));
        }
    }
    let base = coefficients
        .chunks(features)
        .zip(intercepts)
        .map(|(coefficients, intercept)| {
            coefficients.iter().zip(&means).map(|(c, m)| c * m).sum::<f64>() + intercept
        })
        .collect();
    Some(Explanation { rows: rows.len() / features, outputs, features, values, base })
}
