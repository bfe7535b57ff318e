//! The specification of a chart: plain data, also as JSON.

use serde::Deserialize;
use serde::de::Deserializer;

use crate::kinds::{
    Bar, Contributions, Curves, Decision, Distribution, Grid, Heatmap, Interactions, Reliability, Scatter,
    Steps, Timeline,
};
use crate::style::Language;

/// A chart: what it shows, and what is written around it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chart {
    /// The heading, also read aloud by screen readers.
    #[serde(default)]
    pub title: String,
    /// A sentence below the heading.
    #[serde(default)]
    pub subtitle: String,
    /// A caption below the picture.
    #[serde(default)]
    pub note: String,
    /// How many rows there are, when the plot is given a sample of them.
    #[serde(default)]
    pub sample_of: Option<usize>,
    /// What is shown.
    pub plot: Plot,
}

/// The kinds of charts. In JSON the field `kind` names it, e.g. `{"kind": "bar", …}`; `null` stands for a missing number.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Plot {
    /// Lengths by name: importances, one row's contributions, cohorts or categories side by side.
    Bar(Bar),
    /// Every row's contribution as a dot, a line a feature.
    Beeswarm(Contributions),
    /// The distribution of contributions, a shape a feature.
    Violin(Contributions),
    /// From the base value to one prediction, step by step.
    Waterfall(Steps),
    /// One prediction as the balance of two sides on one line.
    Force(Steps),
    /// Two numbers a row as dots: dependence.
    Scatter(Scatter),
    /// Contributions of all rows as colours.
    Heatmap(Heatmap),
    /// Paths of rows from the base value to their predictions.
    Decision(Decision),
    /// Strengths of pairs of features.
    Interactions(Interactions),
    /// Distributions of one number over each other, as steps or smooth lines.
    Distribution(Distribution),
    /// Numbers over time with bands, levels and events.
    Timeline(Timeline),
    /// Observed against predicted probabilities.
    Reliability(Reliability),
    /// Lines whose points have places of their own: receiver operating characteristics, precision over recall.
    Curves(Curves),
    /// Small charts side by side.
    Grid(Grid),
}

impl Plot {
    /// The names that a legend explains, of the kinds that stand in grids with the same series.
    pub(crate) fn series(&self) -> Vec<&str> {
        match self {
            Self::Bar(bar) => bar.series.iter().map(String::as_str).collect(),
            Self::Distribution(shapes) => shapes.series.iter().map(|series| series.name.as_str()).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether series but the first are lines.
    pub(crate) fn has_lines(&self) -> bool {
        matches!(self, Self::Distribution(_))
    }
}

impl Chart {
    /// What a reader who cannot see the picture is told.
    pub(crate) fn description(&self, language: Language) -> String {
        let parts =
            [self.subtitle.trim().to_owned(), self.plot.summary(language), self.note.trim().to_owned()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" — ")
    }
}

/// Numbers from JSON, where `null` is a missing one.
pub(crate) fn numbers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
    let numbers = Vec::<Option<f64>>::deserialize(deserializer)?;
    Ok(numbers.into_iter().map(|number| number.unwrap_or(f64::NAN)).collect())
}

/// Lists of numbers from JSON.
pub(crate) fn matrix<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<f64>>, D::Error> {
    let rows = Vec::<Vec<Option<f64>>>::deserialize(deserializer)?;
    let finite = |row: Vec<Option<f64>>| row.into_iter().map(|number| number.unwrap_or(f64::NAN)).collect();
    Ok(rows.into_iter().map(finite).collect())
}

/// One number from JSON.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
}
