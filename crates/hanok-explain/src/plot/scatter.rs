//! What a feature does, over its own value: dependence.

use std::collections::HashMap;

use arrow::array::{AsArray as _, Float64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use hanok_charts::{Plot, Scatter, Variable};

use super::rows::numbers;
use super::{Plotted, Rows, View};
use crate::views::{ViewError, feature_place, floats, input_column, is_text, pairs_of, partners, texts};

/// Rows that are drawn; charts draw no more.
const DOTS_MAX: usize = 8000;
/// Categories across.
const LEVELS_MAX: usize = 24;
/// Categories with a colour.
const COLOURS_MAX: usize = 6;

impl View<'_> {
    /// Dots of a feature's SHAP values over its own, coloured by another one.
    pub(super) fn scatter(&self) -> Result<Plotted, ViewError> {
        let metadata = self.asked.metadata;
        let Some(name) = &self.asked.request.feature else {
            return Err(ViewError::Request("a scatter needs a feature: `--feature NAME`".to_owned()));
        };
        let place = feature_place(self.explanation, name)?;
        let mut rows = self.rows(DOTS_MAX)?;
        let values = floats(&rows.batch, &rows.output.values[place])?;
        let colour = match &self.asked.request.colour {
            Some(column) => {
                let found = input_column(self.explanation, column)?;
                self.with_column(&mut rows, found)?;
                Some((column.clone(), found.to_owned()))
            }
            None => self
                .partner(place, &values, &rows)?
                .map(|other| (metadata.features[other].clone(), metadata.columns.inputs[other].clone())),
        };
        let x =
            self.variable(name, &rows.batch, &metadata.columns.inputs[place], LEVELS_MAX, Some(&values))?;
        let y = Variable {
            name: self.asked.words.value(metadata.unit),
            values: values.values().to_vec(),
            levels: Vec::new(),
            times: false,
        };
        let variable =
            |(name, column): &(String, String)| self.variable(name, &rows.batch, column, COLOURS_MAX, None);
        let plot = Plot::Scatter(Scatter { x, y, colour: colour.as_ref().map(variable).transpose()? });
        let mut chart = self.asked.chart_of_rows(self.asked.words.effect_of(name), plot, Some(&rows));
        if self.asked.request.colour.is_none() && colour.is_some() {
            let why = self.asked.words.say(
                "Coloured by the feature that acts together with it the most.",
                "색: 함께 가장 크게 작용하는 특성.",
            );
            chart.note = format!("{why} {}", chart.note);
        }
        let table = self.dependence(&rows, place, colour.map(|(_, column)| column))?;
        Ok(Plotted { chart, table })
    }

    /// The feature that acts together with one the most: by interaction values if there are any, else by the sample.
    fn partner(&self, place: usize, values: &Float64Array, rows: &Rows) -> Result<Option<usize>, ViewError> {
        let exact = pairs_of(self.explanation, self.asked.output()?, place)?;
        if let Some(best) = exact.first() {
            return Ok(Some(best.feature));
        }
        let columns = &self.asked.metadata.columns.inputs;
        // Text has no order; a list without a value says nothing.
        let inputs = columns.iter().map(|column| match is_text(&rows.batch, column) {
            true => Ok(vec![f64::NAN; values.len()]),
            false => numbers(&rows.batch, column),
        });
        let inputs = inputs.collect::<Result<Vec<_>, ViewError>>()?;
        let found = partners(place, values.values(), &inputs);
        Ok(found.first().filter(|best| best.strength > 0.0).map(|best| best.feature))
    }

    /// Reads the same rows again, with a column that the first reading did not have.
    fn with_column(&self, rows: &mut Rows, column: &str) -> Result<(), ViewError> {
        if rows.batch.column_by_name(column).is_some() {
            return Ok(());
        }
        let mut columns = self.columns(rows.output);
        columns.push(column);
        rows.batch = crate::views::sample(self.explanation, &columns, rows.batch.num_rows())?;
        Ok(())
    }

    /// A column as positions or colours. Of text the most frequent categories, ordered by the mean of `by` if there is one.
    fn variable(
        &self,
        name: &str,
        batch: &RecordBatch,
        column: &str,
        levels_max: usize,
        by: Option<&Float64Array>,
    ) -> Result<Variable, ViewError> {
        let name = name.to_owned();
        if is_text(batch, column) {
            let (missing, others) =
                (self.asked.words.say("missing", "결측"), self.asked.words.say("others", "그 외"));
            let texts = texts(batch.column(batch.schema_ref().index_of(column)?), missing)?;
            let (values, levels) = categories(&texts, levels_max, by, others);
            return Ok(Variable { name, values, levels, times: false });
        }
        let moments = moments(batch, column)?;
        let times = moments.is_some();
        let values = moments.map_or_else(|| numbers(batch, column), Ok)?;
        Ok(Variable { name, values, levels: Vec::new(), times })
    }

    /// The numbers of a scatter: keys, the feature's own value, its SHAP value, the colour.
    fn dependence(
        &self,
        rows: &Rows,
        place: usize,
        colour: Option<String>,
    ) -> Result<RecordBatch, ViewError> {
        let columns = &self.asked.metadata.columns;
        let mut names: Vec<&str> = columns.keys.iter().map(String::as_str).collect();
        names.extend([columns.inputs[place].as_str(), rows.output.values[place].as_str()]);
        names.extend(colour.as_deref());
        let mut places = Vec::with_capacity(names.len());
        for name in names {
            let at = rows.batch.schema_ref().index_of(name)?;
            if !places.contains(&at) {
                places.push(at);
            }
        }
        Ok(rows.batch.project(&places)?)
    }
}

/// A column of dates and times in microseconds since 1970-01-01 UTC; none when it is another one.
fn moments(batch: &RecordBatch, column: &str) -> Result<Option<Vec<f64>>, ViewError> {
    let array = batch.column(batch.schema_ref().index_of(column)?);
    let is_moment =
        matches!(array.data_type(), DataType::Timestamp(..) | DataType::Date32 | DataType::Date64);
    if !is_moment {
        return Ok(None);
    }
    let array = cast(array, &DataType::Timestamp(TimeUnit::Microsecond, None))?;
    let moments = array.as_primitive::<TimestampMicrosecondType>().iter();
    Ok(Some(moments.map(|moment| moment.map_or(f64::NAN, |moment| moment as f64)).collect()))
}

/// The places of texts in a list of the most frequent of them, and the list.
fn categories(
    texts: &[String],
    most: usize,
    by: Option<&Float64Array>,
    others: &str,
) -> (Vec<f64>, Vec<String>) {
    let mut found: HashMap<&str, (usize, f64)> = HashMap::new();
    for (row, text) in texts.iter().enumerate() {
        let (rows, sum) = found.entry(text).or_default();
        *rows += 1;
        *sum += by.map_or(0.0, |by| by.value(row));
    }
    let mut kept: Vec<(&str, usize, f64)> =
        found.into_iter().map(|(text, (rows, sum))| (text, rows, sum / rows as f64)).collect();
    kept.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let has_others = kept.len() > most;
    if has_others {
        kept.truncate(most - 1);
    }
    if by.is_some() {
        kept.sort_by(|a, b| a.2.total_cmp(&b.2));
    }
    let places: HashMap<&str, usize> = kept.iter().enumerate().map(|(at, (text, ..))| (*text, at)).collect();
    let place = |text: &String| places.get(text.as_str()).copied().unwrap_or(kept.len()) as f64;
    let values = texts.iter().map(place).collect();
    let mut levels: Vec<String> = kept.iter().map(|(text, ..)| (*text).to_owned()).collect();
    levels.extend(has_others.then(|| others.to_owned()));
    (values, levels)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Date32Array, Int64Array};

    use super::*;

    #[test]
    fn frequent_categories_have_places_by_their_mean() {
        let texts = ["a", "b", "a", "c", "b", "d", "b"].map(str::to_owned);
        let by = Float64Array::from(vec![5.0, 1.0, 7.0, 0.0, 2.0, 0.0, 3.0]);
        let (places, levels) = categories(&texts, 3, Some(&by), "others");
        assert_eq!(levels, ["b", "a", "others"]);
        assert_eq!(places, [1.0, 0.0, 1.0, 2.0, 0.0, 2.0, 0.0]);
        assert_eq!(categories(&texts, 9, None, "others").1, ["b", "a", "c", "d"]);
    }

    #[test]
    fn days_are_moments() {
        let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(1), None]));
        let counts: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let batch = RecordBatch::try_from_iter([("day", days), ("count", counts)]).unwrap();
        let found = moments(&batch, "day").unwrap().unwrap();
        assert!((found[0] - 86_400e6).abs() < 1e-6 && found[1].is_nan());
        assert!(moments(&batch, "count").unwrap().is_none());
        assert!((floats(&batch, "day").unwrap().value(0) - 1.0).abs() < 1e-12);
    }
}
