//! Charts of explanations: an explanation file and a request → a specification for hanok-charts, and the numbers behind it
//! as a table.

mod features;
mod row;
mod rows;
mod scatter;
mod words;

use arrow::array::RecordBatch;
use hanok_charts::{Chart, Language, Plot};

use crate::explanation::{Explanation, Metadata, OutputColumns};
use crate::row::RowKey;
use crate::views::{ViewError, sample};
use words::Words;

/// Values of a sample of rows in memory, 8 bytes each.
const SAMPLE_VALUES_MAX: usize = 1 << 22;
/// Rows of a sample.
const SAMPLE_ROWS_MAX: usize = 10_000;
/// Rows of a sample that has many columns.
const SAMPLE_ROWS_MIN: usize = 200;

/// The kinds of charts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlotKind {
    /// The importance of features, by cohort or class.
    Bar,
    /// Every row's values as dots.
    Beeswarm,
    /// Their distributions as shapes.
    Violin,
    /// One row, step by step.
    Waterfall,
    /// One row as two sides.
    Force,
    /// A feature's SHAP values over its own.
    Scatter,
    /// All rows as colours, alike ones beside each other.
    Heatmap,
    /// Paths of rows to their predictions.
    Decision,
    /// Strengths of pairs of features.
    Interactions,
}

/// In which order the lines of a [`PlotKind::Heatmap`] stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FeatureOrder {
    /// Features with the largest mean |value| first.
    #[default]
    Importance,
    /// Features of alike values beside each other, as rows are.
    Clustered,
}

/// What to show.
#[derive(Clone, Debug)]
pub struct PlotRequest {
    /// The kind of chart.
    pub kind: PlotKind,
    /// The feature of a [`PlotKind::Scatter`].
    pub feature: Option<String>,
    /// Its colour: a feature, or a column of the file. Otherwise the feature that acts together with it the most.
    pub colour: Option<String>,
    /// The row of a [`PlotKind::Waterfall`] or [`PlotKind::Force`]; the one that stands out in a [`PlotKind::Decision`].
    pub row: Option<RowKey>,
    /// The column of whose values a [`PlotKind::Bar`] has bars.
    pub cohort: Option<String>,
    /// The output of the model, when it has several.
    pub class: Option<String>,
    /// The order of the features of a [`PlotKind::Heatmap`].
    pub order: FeatureOrder,
    /// Features shown, at most.
    pub features_max: Option<usize>,
    /// The language of titles and captions.
    pub language: Language,
}

impl PlotRequest {
    /// A chart of a kind, in English, without choices.
    pub fn new(kind: PlotKind) -> Self {
        Self {
            kind,
            feature: None,
            colour: None,
            row: None,
            cohort: None,
            class: None,
            order: FeatureOrder::default(),
            features_max: None,
            language: Language::En,
        }
    }
}

/// A chart and the numbers behind it.
#[derive(Clone, Debug)]
pub struct Plotted {
    /// What is drawn.
    pub chart: Chart,
    /// Its numbers: of features and pairs the rows of [`Importance`](crate::Importance) and [`Pair`](crate::Pair), of one
    /// row its contributions, otherwise the rows that are drawn, in the order in which they are; of a heatmap features, too.
    pub table: RecordBatch,
}

/// Makes a chart of an explanation. Rows are read block by block; of many, charts that show single rows take a sample.
pub fn plot(explanation: &Explanation, request: &PlotRequest) -> Result<Plotted, ViewError> {
    let view = View { explanation, asked: Asked::new(explanation.metadata(), request)? };
    match request.kind {
        PlotKind::Bar => view.bar(),
        PlotKind::Interactions => view.interactions(),
        PlotKind::Waterfall | PlotKind::Force => view.one_row(),
        PlotKind::Scatter => view.scatter(),
        PlotKind::Beeswarm | PlotKind::Violin => view.swarm(),
        PlotKind::Heatmap => view.heatmap(),
        PlotKind::Decision => view.decision(),
    }
}

/// Makes a [`PlotKind::Waterfall`] or [`PlotKind::Force`] of one row that is at hand: of a batch with the columns of an
/// explanation, the first.
pub fn plot_row(
    metadata: &Metadata,
    batch: &RecordBatch,
    request: &PlotRequest,
) -> Result<Plotted, ViewError> {
    Asked::new(metadata, request)?.row(batch)
}

/// What is asked, of what.
struct Asked<'a> {
    metadata: &'a Metadata,
    request: &'a PlotRequest,
    words: Words,
}

/// An explanation and what is asked of it.
struct View<'a> {
    explanation: &'a Explanation,
    asked: Asked<'a>,
}

/// Rows in memory.
struct Rows<'a> {
    batch: RecordBatch,
    output: &'a OutputColumns,
}

impl<'a> Asked<'a> {
    /// Whoever asks for a cohort or a feature must not get a picture without it.
    fn new(metadata: &'a Metadata, request: &'a PlotRequest) -> Result<Self, ViewError> {
        use PlotKind::{Bar, Decision, Force, Heatmap, Scatter, Waterfall};
        let unused = [
            ("--feature", request.feature.is_some(), &[Scatter][..]),
            ("--color", request.colour.is_some(), &[Scatter]),
            ("--cohort", request.cohort.is_some(), &[Bar]),
            ("--order", request.order != FeatureOrder::default(), &[Heatmap]),
            ("--row", request.row.is_some(), &[Waterfall, Force, Decision]),
        ];
        match unused.iter().find(|(_, given, kinds)| *given && !kinds.contains(&request.kind)) {
            Some((option, _, _)) => {
                Err(ViewError::Request(format!("a chart of this kind does not use `{option}`")))
            }
            None => Ok(Self { metadata, request, words: Words { language: request.language } }),
        }
    }

    /// The place of the output that is asked for; none when the model has several and none is.
    fn class(&self) -> Result<Option<usize>, ViewError> {
        let outputs = &self.metadata.outputs;
        match &self.request.class {
            Some(name) => match outputs.iter().position(|output| output == name) {
                Some(at) => Ok(Some(at)),
                None => Err(ViewError::Unknown { what: "class", name: name.clone(), known: outputs.clone() }),
            },
            None if outputs.len() == 1 => Ok(Some(0)),
            None => Ok(None),
        }
    }

    /// The place of the output to show.
    fn output(&self) -> Result<usize, ViewError> {
        self.class()?.ok_or_else(|| {
            let outputs = self.metadata.outputs.join(", ");
            ViewError::Request(format!(
                "the model has several outputs ({outputs}); choose one with `--class`"
            ))
        })
    }

    fn features_max(&self, otherwise: usize) -> usize {
        self.request.features_max.unwrap_or(otherwise)
    }

    /// A chart with a heading, what was explained, and how. `details` follow the model's name.
    fn chart(&self, title: String, plot: Plot, details: Vec<String>) -> Chart {
        let class = self.request.class.as_deref().filter(|_| self.metadata.outputs.len() > 1);
        let class = class.map(|class| self.words.class(class));
        let parts = std::iter::once(self.words.model(&self.metadata.model)).chain(details).chain(class);
        let subtitle = parts.collect::<Vec<_>>().join(" · ");
        Chart { title, subtitle, note: self.words.method(self.metadata), sample_of: None, plot }
    }

    /// The same of all rows, or of a sample of them.
    fn chart_of_rows(&self, title: String, plot: Plot, sample: Option<&Rows>) -> Chart {
        let all = self.metadata.rows as usize;
        let mut chart = self.chart(title, plot, vec![self.words.rows(all)]);
        chart.sample_of = sample.filter(|rows| rows.batch.num_rows() < all).map(|_| all);
        chart
    }
}

impl<'a> View<'a> {
    /// A sample of rows with everything of one output, and the features' own values.
    fn rows(&self, rows_max: usize) -> Result<Rows<'a>, ViewError> {
        let output = &self.asked.metadata.columns.outputs[self.asked.output()?];
        let columns = self.columns(output);
        let most = (SAMPLE_VALUES_MAX / columns.len().max(1)).max(SAMPLE_ROWS_MIN).min(rows_max);
        let batch = sample(self.explanation, &columns, most)?;
        Ok(Rows { batch, output })
    }

    /// Keys, values, predictions and inputs, without interactions.
    fn columns(&self, output: &'a OutputColumns) -> Vec<&'a str> {
        let all: Vec<usize> = (0..self.asked.metadata.features.len()).collect();
        self.columns_in_order(output, &all)
    }

    /// The same with features in this order.
    fn columns_in_order(&self, output: &'a OutputColumns, features: &[usize]) -> Vec<&'a str> {
        let columns = &self.asked.metadata.columns;
        let in_order = |names: &'a [String]| features.iter().map(move |feature| names[*feature].as_str());
        let mut names: Vec<&str> = columns.keys.iter().map(String::as_str).collect();
        names.push(&output.base);
        names.extend(in_order(&output.values));
        names.extend((output.sum != output.prediction).then_some(output.sum.as_str()));
        names.push(&output.prediction);
        names.extend(in_order(&columns.inputs));
        names
    }
}
