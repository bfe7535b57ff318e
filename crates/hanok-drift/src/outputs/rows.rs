//! Inputs checked, and the rows of them that can be used.

use std::borrow::Cow;
use std::ops::Range;

use super::{OutputsError, Predictions, Task};

/// As many as columns may have.
const ROWS_MAX: usize = i32::MAX as usize;
/// Counts of flips are squares of this.
const CLASSES_MAX: usize = 1000;

impl<'a> Predictions<'a> {
    /// What they are.
    pub fn task(&self) -> Task {
        match self {
            Predictions::Numbers(_) => Task::Regression,
            Predictions::Probabilities(_) => Task::Binary,
            Predictions::Classes { .. } => Task::Multiclass,
        }
    }

    /// Values a row has.
    pub(super) fn width(&self) -> usize {
        match self {
            Predictions::Classes { names, .. } => names.len().max(1),
            _ => 1,
        }
    }

    pub(super) fn values(&self) -> &'a [f64] {
        match self {
            Predictions::Numbers(values) | Predictions::Probabilities(values) => values,
            Predictions::Classes { values, .. } => values,
        }
    }

    pub(super) fn names(&self) -> &'a [String] {
        match self {
            Predictions::Classes { names, .. } => names,
            _ => &[],
        }
    }

    /// How many rows they have.
    pub fn rows(&self) -> usize {
        self.values().len() / self.width()
    }

    /// Some neighbouring rows.
    pub(super) fn part(&self, rows: Range<usize>) -> Predictions<'a> {
        self.with(&self.values()[rows.start * self.width()..rows.end * self.width()])
    }

    /// Whether the row has a finite prediction.
    pub(super) fn is_finite(&self, row: usize) -> bool {
        let width = self.width();
        self.values()[row * width..(row + 1) * width].iter().all(|value| value.is_finite())
    }

    /// The same predictions with other values.
    pub(super) fn with(&self, values: &'a [f64]) -> Predictions<'a> {
        match *self {
            Predictions::Numbers(_) => Predictions::Numbers(values),
            Predictions::Probabilities(_) => Predictions::Probabilities(values),
            Predictions::Classes { names, .. } => Predictions::Classes { names, values },
        }
    }

    pub(super) fn checked(&self) -> Result<(), OutputsError> {
        let (values, width) = (self.values(), self.width());
        if let Predictions::Classes { names, .. } = self {
            if names.len() < 2 {
                return Err(OutputsError::Classes { found: names.len() });
            }
            if names.len() > CLASSES_MAX {
                return Err(OutputsError::TooMany {
                    what: "classes",
                    found: names.len(),
                    limit: CLASSES_MAX,
                });
            }
            if !values.len().is_multiple_of(width) {
                let expected = values.len().div_ceil(width) * width;
                return Err(OutputsError::Lengths { what: "probabilities", found: values.len(), expected });
            }
        }
        if self.rows() > ROWS_MAX {
            return Err(OutputsError::TooMany { what: "rows", found: self.rows(), limit: ROWS_MAX });
        }
        if self.task() != Task::Regression {
            let is_other = |value: &f64| value.is_finite() && !(0.0..=1.0).contains(value);
            if let Some(place) = values.iter().position(is_other) {
                return Err(OutputsError::Probability { row: place / width, value: values[place] });
            }
        }
        Ok(())
    }
}

fn name(task: Task) -> &'static str {
    match task {
        Task::Regression => "numbers",
        Task::Binary => "a probability",
        Task::Multiclass => "probabilities of classes",
    }
}

/// Both sides say the same kind of thing.
pub(super) fn same_task(sides: [Predictions; 2]) -> Result<(), OutputsError> {
    for side in sides {
        side.checked()?;
    }
    let tasks = sides.map(|side| side.task());
    if tasks[0] != tasks[1] {
        return Err(OutputsError::Tasks(name(tasks[0]), name(tasks[1])));
    }
    let [first, second] = sides.map(|side| side.names());
    if first != second {
        return Err(OutputsError::OtherClasses(first.join(", "), second.join(", ")));
    }
    Ok(())
}

/// Labels are of the rows and of the kind of the predictions.
pub(super) fn check_labels(predictions: &Predictions, labels: &[f64]) -> Result<(), OutputsError> {
    let rows = predictions.rows();
    if labels.len() != rows {
        return Err(OutputsError::Lengths { what: "labels", found: labels.len(), expected: rows });
    }
    let (allowed, is_allowed): (_, &dyn Fn(f64) -> bool) = match predictions {
        Predictions::Numbers(_) => ("a finite number", &|label| label.is_finite()),
        Predictions::Probabilities(_) => ("0 or 1", &|label| label == 0.0 || label == 1.0),
        Predictions::Classes { names, .. } => ("the number of a class, from 0", &|label| {
            label >= 0.0 && label.fract() == 0.0 && label < names.len() as f64
        }),
    };
    match labels.iter().position(|label| !label.is_nan() && !is_allowed(*label)) {
        Some(row) => Err(OutputsError::Label { row, value: labels[row], allowed }),
        None => Ok(()),
    }
}

/// The rows that all of some models have a finite prediction for and, when there are labels, that have one.
#[derive(Clone, Debug)]
pub(super) struct Rows<'a, const MODELS: usize> {
    /// What the predictions are; its values are not to be used.
    pub(super) kind: Predictions<'a>,
    /// The predictions of these rows.
    pub(super) values: [Cow<'a, [f64]>; MODELS],
    /// Their labels; empty without.
    pub(super) labels: Cow<'a, [f64]>,
    /// Their places in the inputs; `None` when these are all rows.
    pub(super) places: Option<Vec<u32>>,
    /// Rows left out.
    pub(super) left_out: usize,
}

impl<'a, const MODELS: usize> Rows<'a, MODELS> {
    /// The usable rows. The models' tasks and the lengths have been checked.
    pub(super) fn new(models: [Predictions<'a>; MODELS], labels: Option<&'a [f64]>) -> Rows<'a, MODELS> {
        let kind = models[0];
        let rows = kind.rows();
        let is_usable = |row: usize| {
            labels.is_none_or(|labels| !labels[row].is_nan())
                && models.iter().all(|model| model.is_finite(row))
        };
        let all = Rows {
            kind,
            values: models.map(|model| Cow::Borrowed(model.values())),
            labels: Cow::Borrowed(labels.unwrap_or_default()),
            places: None,
            left_out: 0,
        };
        if (0..rows).all(is_usable) {
            return all;
        }
        let places: Vec<u32> = (0..rows).filter(|row| is_usable(*row)).map(|row| row as u32).collect();
        let mut some = all.only(&places);
        some.left_out = rows - places.len();
        some.places = Some(places);
        some
    }

    /// Some of the rows, by their places among these.
    pub(super) fn only(&self, places: &[u32]) -> Rows<'a, MODELS> {
        let width = self.kind.width();
        let values = self.values.each_ref().map(|values| {
            let row = |place: &u32| &values[*place as usize * width..(*place as usize + 1) * width];
            if width == 1 {
                places.iter().map(|place| values[*place as usize]).collect()
            } else {
                places.iter().flat_map(row).copied().collect()
            }
        });
        let labels = if self.labels.is_empty() {
            Cow::Borrowed(&[][..])
        } else {
            places.iter().map(|place| self.labels[*place as usize]).collect()
        };
        Rows { kind: self.kind, values, labels, places: None, left_out: 0 }
    }

    /// How many rows these are.
    pub(super) fn len(&self) -> usize {
        self.values[0].len() / self.kind.width()
    }

    /// The row of the inputs that one of these rows is.
    pub(super) fn place(&self, row: usize) -> usize {
        self.places.as_ref().map_or(row, |places| places[row] as usize)
    }
}

/// The most probable class of a row, the first of several.
pub(super) fn chosen(row: &[f64]) -> usize {
    let larger = |best: usize, class: usize| if row[class] > row[best] { class } else { best };
    (1..row.len()).fold(0, larger)
}
