//! What explanations consist of: contributions of features.

use serde::Deserialize;

use crate::error::{Result, same};
use crate::number::{number, signed};
use crate::reduce::mean_size;
use crate::rows::INPUT;
use crate::spec;
use crate::style::Language;
use crate::text;
use crate::words::{self, Word};

/// The contributions of features to the predictions of many rows.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contributions {
    /// What the positions are, e.g. "SHAP value (impact on model output)".
    #[serde(default)]
    pub axis: String,
    /// The features, all of the same rows.
    pub features: Vec<Feature>,
    /// Features shown, by mean size. 20 unless given.
    #[serde(default = "super::rows_default")]
    pub rows_max: usize,
}

/// The contributions of features to one prediction.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// What is predicted, e.g. "predicted delay (minutes)".
    #[serde(default)]
    pub axis: String,
    /// The prediction before anything is known of the row.
    #[serde(deserialize_with = "spec::number")]
    pub base: f64,
    /// The features' contributions. Base and contributions add up to the prediction.
    pub contributions: Vec<Contribution>,
    /// Features shown, by size; the others become one. 12 unless given.
    #[serde(default = "steps_default")]
    pub rows_max: usize,
}

fn steps_default() -> usize {
    12
}

impl Contributions {
    /// The features of most importance.
    pub(crate) fn summary(&self) -> String {
        summary(&self.features)
    }
}

impl Steps {
    /// The way from the base value to the prediction.
    pub(crate) fn summary(&self, language: Language) -> String {
        let (steps, _) = largest(&self.contributions, 6, language);
        let prediction = self.base + steps.iter().map(|step| step.value).sum::<f64>();
        let mut parts = vec![words::with_number(Word::BaseValue, self.base, language)];
        parts.extend(steps.iter().map(Contribution::tip));
        parts.push(words::with_number(Word::Prediction, prediction, language));
        parts.join(", ")
    }
}

/// The contributions of one feature over many rows.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// Its contribution (SHAP value) to each row's prediction, in the model's units.
    #[serde(deserialize_with = "spec::numbers")]
    pub values: Vec<f64>,
    /// Its own value in each row, for the colour: numbers, or any numbers that order categories. Empty for no colours.
    #[serde(default, deserialize_with = "spec::numbers")]
    pub inputs: Vec<f64>,
}

/// The contribution of one feature to one row's prediction.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contribution {
    /// The feature's name.
    pub name: String,
    /// Its value in this row as text; empty for none.
    #[serde(default)]
    pub input: String,
    /// The contribution (SHAP value).
    #[serde(deserialize_with = "spec::number")]
    pub value: f64,
}

impl Contribution {
    /// `name = input`.
    pub(crate) fn label(&self) -> String {
        if self.input.is_empty() { self.name.clone() } else { format!("{}{INPUT}{}", self.name, self.input) }
    }

    /// The label no wider than a room. The name is shortened first: half of a number is a wrong number.
    pub(crate) fn label_within(&self, room: f64, size: f64) -> String {
        let label = text::clean(&self.label());
        let Some((name, input)) = label.rsplit_once(INPUT) else {
            return text::shorten(&label, room, size, false);
        };
        let rest = format!("{INPUT}{input}");
        let left = room - text::width(&rest, size, false);
        if left < size * 2.0 {
            return text::shorten(&label, room, size, false);
        }
        format!("{}{rest}", text::shorten(name, left, size, false))
    }

    /// The label with the contribution.
    pub(crate) fn tip(&self) -> String {
        format!("{}: {}", self.label(), signed(self.value))
    }
}

/// Refuses features with different numbers of rows, and says how many there are.
pub(crate) fn rows_of(features: &[Feature]) -> Result<usize> {
    let rows = features.first().map_or(0, |feature| feature.values.len());
    for feature in features {
        same(|| format!("`values` of `{}`", feature.name), rows, feature.values.len())?;
        if !feature.inputs.is_empty() {
            same(|| format!("`inputs` of `{}`", feature.name), rows, feature.inputs.len())?;
        }
    }
    Ok(rows)
}

/// Features with their mean sizes, largest first, no more than `most`.
pub(crate) fn ranked(features: &[Feature], most: usize) -> Vec<(&Feature, f64)> {
    let mut ranked: Vec<_> = features.iter().map(|feature| (feature, mean_size(&feature.values))).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked.truncate(most.clamp(1, super::ROWS_MAX));
    ranked
}

/// The features of most importance as a sentence.
pub(crate) fn summary(features: &[Feature]) -> String {
    let parts =
        ranked(features, 5).into_iter().map(|(feature, size)| format!("{} {}", feature.name, number(size)));
    parts.collect::<Vec<_>>().join(", ")
}

/// Contributions by size, largest first; those beyond `most` as one; what is not finite left out. With the number of
/// the latter.
pub(crate) fn largest(all: &[Contribution], most: usize, language: Language) -> (Vec<Contribution>, usize) {
    let mut kept: Vec<Contribution> = all.iter().filter(|one| one.value.is_finite()).cloned().collect();
    let left_out = all.len() - kept.len();
    kept.sort_by(|a, b| b.value.abs().total_cmp(&a.value.abs()));
    let most = most.clamp(2, super::ROWS_MAX);
    if kept.len() > most {
        let rest = kept.split_off(most - 1);
        let value = rest.iter().map(|one| one.value).sum();
        kept.push(Contribution { name: words::others(rest.len(), language), input: String::new(), value });
    }
    (kept, left_out)
}
