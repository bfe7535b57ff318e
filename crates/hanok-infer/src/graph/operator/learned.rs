//! The operators of `ai.onnx.ml`, which results are floats.

use std::cmp::Ordering;

use super::compute::{check_size, of_width, softmax};
use super::{Attributes, Link, Norm, Operator, ReadError};
use crate::graph::tensor::Matrix;

/// An operator of which the output of this number is used; none if it is unknown.
pub(super) fn read(
    kind: &str,
    output: usize,
    attributes: &Attributes<'_>,
) -> Result<Option<Operator>, ReadError> {
    let is_classifier = kind == "LinearClassifier";
    if output != usize::from(is_classifier) {
        return Err(ReadError::Unsupported(format!("the labels of `{kind}`")));
    }
    Ok(Some(match kind {
        "Scaler" => {
            Operator::Scaler { offset: attributes.floats("offset")?, scale: attributes.floats("scale")? }
        }
        "Normalizer" => Operator::Normalizer(match attributes.text("norm")? {
            "" | "MAX" => Norm::Max,
            "L1" => Norm::L1,
            "L2" => Norm::L2,
            other => return Err(ReadError::Unsupported(format!("the norm `{other}`"))),
        }),
        "Imputer" => Operator::Imputer {
            values: attributes.floats("imputed_value_floats")?,
            missing: attributes.float("replaced_value_float", 0.0)?,
        },
        "OneHotEncoder" => {
            let categories = attributes.integers("cats_int64s")?;
            if categories.is_empty() {
                return Err(ReadError::Unsupported("a one-hot encoding of texts".to_owned()));
            }
            Operator::OneHot { categories, takes_others: attributes.integer("zeros", 1)? != 0 }
        }
        "ArrayFeatureExtractor" => Operator::Columns,
        "FeatureVectorizer" => Operator::Concat,
        "LinearRegressor" | "LinearClassifier" => {
            let coefficients = attributes.floats("coefficients")?;
            let mut intercepts = attributes.floats("intercepts")?;
            let outputs = if is_classifier {
                attributes
                    .integers("classlabels_ints")?
                    .len()
                    .max(attributes.texts("classlabels_strings")?.len())
            } else {
                usize::try_from(attributes.integer("targets", 1)?).unwrap_or(0)
            };
            if intercepts.is_empty() {
                intercepts = vec![0.0; outputs.min(coefficients.len())];
            }
            if outputs == 0 || intercepts.len() != outputs || !coefficients.len().is_multiple_of(outputs) {
                let what = format!(
                    "a linear model of {outputs} outputs with {} coefficients and {} intercepts",
                    coefficients.len(),
                    intercepts.len()
                );
                return Err(ReadError::Unsupported(what));
            }
            let link = match attributes.text("post_transform")? {
                "" | "NONE" => Link::None,
                "LOGISTIC" => Link::Logistic,
                "SOFTMAX" => Link::Softmax,
                other => return Err(ReadError::Unsupported(format!("the transform `{other}`"))),
            };
            Operator::Linear { coefficients, intercepts, link }
        }
        _ => return Ok(None),
    }))
}

pub(super) fn compute(operator: &Operator, input: &Matrix, limit: usize) -> Result<Matrix, String> {
    let input = &Matrix { single: true, ..input.clone() }.rounded();
    match operator {
        Operator::Scaler { offset, scale } => {
            let (offset, scale) = (one_or_all(offset, input.width)?, one_or_all(scale, input.width)?);
            Ok(input.by_row(input.width, |row, out| {
                for (at, (out, value)) in out.iter_mut().zip(row).enumerate() {
                    *out = (value - offset(at)) * scale(at);
                }
            }))
        }
        Operator::Normalizer(norm) => Ok(input.by_row(input.width, |row, out| {
            let size = match norm {
                Norm::Max => row.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                Norm::L1 => row.iter().map(|value| value.abs()).sum(),
                Norm::L2 => row.iter().map(|value| value * value).sum::<f64>().sqrt(),
            };
            let size = if size == 0.0 { 1.0 } else { size };
            out.iter_mut().zip(row).for_each(|(out, value)| *out = value / size);
        })),
        Operator::Imputer { values, missing } => {
            let value = one_or_all(values, input.width)?;
            // Equal numbers, 0 and -0 too, or both NaN.
            let is_missing =
                |x: f64| x.partial_cmp(missing).map_or(x.is_nan() && missing.is_nan(), Ordering::is_eq);
            Ok(input.by_row(input.width, |row, out| {
                for (at, (out, x)) in out.iter_mut().zip(row).enumerate() {
                    *out = if is_missing(*x) { value(at) } else { *x };
                }
            }))
        }
        Operator::OneHot { categories, takes_others } => {
            of_width(&[0.0], input.width)?;
            check_size(input.rows, categories.len(), limit)?;
            let mut other = None;
            let encoded = input.by_row(categories.len(), |row, out| {
                // Cut towards zero, as a cast to integers does.
                let code = Some(row[0]).filter(|value| !value.is_nan()).map(|value| value as i64);
                match categories.iter().position(|category| Some(*category) == code) {
                    Some(at) => out[at] = 1.0,
                    None => other = Some(row[0]),
                }
            });
            match other.filter(|_| !takes_others) {
                Some(other) => Err(format!("{other} is none of its categories")),
                None => Ok(encoded),
            }
        }
        Operator::Linear { coefficients, intercepts, link } => {
            let outputs = intercepts.len();
            of_width(&coefficients[..coefficients.len() / outputs], input.width)?;
            check_size(input.rows, outputs, limit)?;
            let mut scores = vec![0.0; outputs];
            Ok(input.by_row(outputs, |row, out| {
                let of_output = coefficients.chunks(input.width.max(1)).zip(intercepts);
                for (score, (coefficients, intercept)) in scores.iter_mut().zip(of_output) {
                    *score = row.iter().zip(coefficients).map(|(x, c)| x * c).sum::<f64>() + intercept;
                }
                match link {
                    Link::None => out.copy_from_slice(&scores),
                    Link::Logistic => {
                        out.iter_mut()
                            .zip(&scores)
                            .for_each(|(out, score)| *out = 1.0 / (1.0 + (-score).exp()));
                    }
                    Link::Softmax => softmax(&scores, out),
                }
            }))
        }
        _ => Err("it is no operator of rows".to_owned()),
    }
}

/// A parameter for each column, or one for all.
fn one_or_all(values: &[f64], width: usize) -> Result<impl Fn(usize) -> f64 + '_, String> {
    let is_one = values.len() == 1;
    let values = if is_one { values } else { of_width(values, width)? };
    Ok(move |at: usize| values[if is_one { 0 } else { at }])
}
