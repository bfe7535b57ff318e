//! Charts of features over all rows: importance and pairs.

use hanok_charts::{Bar, BarRow, Interactions, Plot, count};

use super::{Plotted, View};
use crate::views::{COHORTS_MAX, Cohorts, Importance, Pair, Rest, ViewError, importance, pairs};

/// Features with bars.
const BARS: usize = 20;
/// Features of a matrix.
const PAIRS: usize = 12;

impl View<'_> {
    /// A bar a feature; with cohorts, or with several classes and none chosen, one for each.
    pub(super) fn bar(&self) -> Result<Plotted, ViewError> {
        let metadata = self.asked.metadata;
        let class = match (self.asked.class()?, &self.asked.request.cohort) {
            (None, None) if metadata.outputs.len() <= COHORTS_MAX => None,
            (class, _) => Some(class.map_or_else(|| self.asked.output(), Ok)?),
        };
        let rest = Rest {
            others: self.asked.words.say("others", "그 외"),
            missing: self.asked.words.say("missing", "결측"),
        };
        let cohorts = self.asked.request.cohort.as_ref();
        let cohorts = cohorts.map(|column| Cohorts::new(self.explanation, column, &rest)).transpose()?;
        let outputs: Vec<usize> =
            class.map_or_else(|| (0..metadata.outputs.len()).collect(), |one| vec![one]);
        let found = importance(self.explanation, &outputs, cohorts.as_ref())?;
        let table = Importance::table(&found)?;
        let groups: Vec<&[Importance]> = found.chunks(metadata.features.len().max(1)).collect();
        let series = match (&cohorts, class) {
            (None, Some(_)) => Vec::new(),
            (None, None) => metadata.outputs.clone(),
            (Some(_), _) => groups.iter().map(|group| self.cohort(group)).collect(),
        };
        let value = |group: &&[Importance], feature: &String| {
            group.iter().find(|one| one.feature == *feature).map_or(f64::NAN, |one| one.mean_abs)
        };
        let rows = metadata.features.iter().map(|feature| BarRow {
            name: feature.clone(),
            values: groups.iter().map(|group| value(group, feature)).collect(),
        });
        let plot = Plot::Bar(Bar {
            axis: self.asked.words.mean_value(metadata.unit),
            series,
            rows: rows.collect(),
            rows_max: self.asked.features_max(BARS),
            ..Bar::default()
        });
        let title = match (&self.asked.request.cohort, class) {
            (Some(column), _) => self
                .asked
                .words
                .say(format!("Importance of features by {column}"), format!("{column}별 특성 중요도")),
            (None, None) => {
                self.asked.words.say("Importance of features by class", "클래스별 특성 중요도").to_owned()
            }
            (None, Some(_)) => self.asked.words.say("Importance of features", "특성 중요도").to_owned(),
        };
        Ok(Plotted { chart: self.asked.chart_of_rows(title, plot, None), table })
    }

    /// "JFK: 1,234 rows".
    fn cohort(&self, group: &[Importance]) -> String {
        let name = group.first().and_then(|one| one.cohort.as_deref()).unwrap_or_default();
        let rows = count(group.iter().map(|one| one.rows).max().unwrap_or_default() as usize);
        self.asked.words.say(format!("{name} ({rows} rows)"), format!("{name} ({rows}개 행)"))
    }

    /// The matrix of pairs.
    pub(super) fn interactions(&self) -> Result<Plotted, ViewError> {
        let metadata = self.asked.metadata;
        let found = pairs(self.explanation, self.asked.output()?)?;
        let table = Pair::table(&found)?;
        let features = metadata.features.len();
        let strength =
            |a: usize, b: usize| found.get(metadata.pair(a, b)).map_or(f64::NAN, |pair| pair.mean_abs);
        let plot = Plot::Interactions(Interactions {
            axis: self.asked.words.mean_together(metadata.unit),
            features: metadata.features.clone(),
            strengths: (0..features).map(|a| (0..features).map(|b| strength(a, b)).collect()).collect(),
            rows_max: self.asked.features_max(PAIRS),
        });
        let title =
            self.asked.words.say("What pairs of features do together", "함께 작용하는 특성").to_owned();
        let mut chart = self.asked.chart_of_rows(title, plot, None);
        let grey = self.asked.words.say("Grey: what a feature does alone.", "회색: 특성 혼자의 영향.");
        chart.note = format!("{grey} {}", chart.note);
        Ok(Plotted { chart, table })
    }
}
