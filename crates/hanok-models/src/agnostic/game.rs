//! One row against the background as a game: coalitions in, worths out, model rows in batches.

use super::AgnosticError;

/// The background and what the model says of it.
#[derive(Debug)]
pub(super) struct Background {
    values: Vec<f64>,
    answers: Vec<f64>,
    pub(super) features: usize,
    /// Mean of the answers, by output.
    pub(super) base: Vec<f64>,
}

impl Background {
    pub(super) fn new(values: Vec<f64>, answers: Vec<f64>, features: usize) -> Background {
        let rows = values.len() / features;
        let outputs = answers.len() / rows;
        let mean = |output: usize| answers.iter().skip(output).step_by(outputs).sum::<f64>() / rows as f64;
        let base = (0..outputs).map(mean).collect();
        Background { values, answers, features, base }
    }

    pub(super) fn rows(&self) -> usize {
        self.values.len() / self.features
    }

    pub(super) fn row(&self, at: usize) -> &[f64] {
        &self.values[at * self.features..][..self.features]
    }

    /// All rows, one after the other.
    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    /// What the model says of each row.
    pub(super) fn answers(&self) -> impl Iterator<Item = &[f64]> {
        self.answers.chunks(self.base.len())
    }

    /// The features in which a row differs from some row of the background.
    pub(super) fn players(&self, row: &[f64]) -> Vec<usize> {
        let differs = |feature: &usize| {
            self.values.iter().skip(*feature).step_by(self.features).any(|value| !same(*value, row[*feature]))
        };
        (0..self.features).filter(differs).collect()
    }
}

/// Whether no model can tell two values apart: the bits decide, but all NaN are one.
fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

/// The model with what is known of it.
#[derive(Debug)]
pub(super) struct Asker<F> {
    model: F,
    features: usize,
    pub(super) batch_rows: usize,
    outputs: Option<usize>,
    /// Rows given so far.
    pub(super) asked: usize,
}

impl<E, F: FnMut(&[f64]) -> Result<Vec<f64>, E>> Asker<F> {
    pub(super) fn new(model: F, features: usize, batch_rows: usize) -> Asker<F> {
        Asker { model, features, batch_rows: batch_rows.max(1), outputs: None, asked: 0 }
    }

    /// Outputs of rows, in batches.
    pub(super) fn ask(&mut self, rows: &[f64]) -> Result<Vec<f64>, AgnosticError<E>> {
        let mut all = Vec::new();
        for rows in rows.chunks(self.batch_rows * self.features) {
            let count = rows.len() / self.features;
            let answers = (self.model)(rows).map_err(AgnosticError::Model)?;
            self.asked += count;
            let outputs = self.outputs.unwrap_or(answers.len() / count);
            if outputs == 0 || answers.len() != count * outputs {
                return Err(AgnosticError::Outputs {
                    found: answers.len(),
                    rows: count,
                    expected: self.outputs,
                });
            }
            self.outputs = Some(outputs);
            if let Some(at) = answers.iter().position(|answer| !answer.is_finite()) {
                let row = &rows[at / outputs * self.features..][..self.features.min(20)];
                return Err(AgnosticError::NotFinite {
                    output: at % outputs,
                    value: answers[at],
                    row: row.to_vec(),
                });
            }
            all.extend(answers);
        }
        Ok(all)
    }
}

/// The game of one row. Its players are the features in which the row differs from the background.
pub(super) struct Game<'a, F> {
    pub(super) asker: &'a mut Asker<F>,
    pub(super) background: &'a Background,
    pub(super) row: &'a [f64],
    /// What the model says of the row.
    pub(super) answer: &'a [f64],
    pub(super) players: &'a [usize],
}

/// Coalitions whose model rows are together.
#[derive(Default)]
struct Pending {
    rows: Vec<f64>,
    /// Their players, one coalition after the other.
    masks: Vec<bool>,
    /// Places of their answers, a background row each, one coalition after the other.
    places: Vec<usize>,
}

impl<E, F: FnMut(&[f64]) -> Result<Vec<f64>, E>> Game<'_, F> {
    pub(super) fn outputs(&self) -> usize {
        self.answer.len()
    }

    /// f(x) − E f, by output.
    pub(super) fn total(&self) -> Vec<f64> {
        self.answer.iter().zip(&self.background.base).map(|(answer, base)| answer - base).collect()
    }

    /// Evaluates `count` coalitions. `next` changes the players of the coalition before (none at first) into those of the coalition of
    /// the given number; `take` gets each number, coalition and worth less the base, by output, in order. Model rows that are those of
    /// the coalition before, of the background or of the row itself are not asked for again.
    pub(super) fn worths(
        &mut self,
        count: usize,
        mut next: impl FnMut(usize, &mut [bool]),
        mut take: impl FnMut(usize, &[bool], &[f64]),
    ) -> Result<(), AgnosticError<E>> {
        let (backgrounds, outputs) = (self.background.rows(), self.outputs());
        // Answers stand in this order: of the background, of the row, of the coalition before for each background row, then new ones.
        let (row_place, carried) = (backgrounds, backgrounds + 1);
        let fixed = carried + backgrounds;
        let mut answers: Vec<f64> = self.background.answers.clone();
        answers.extend(self.answer);
        answers.extend_from_slice(&self.background.answers);
        let mut places: Vec<usize> = (0..backgrounds).collect();
        let (mut mask, mut before) = (vec![false; self.players.len()], vec![false; self.players.len()]);
        let mut pending = Pending::default();
        let mut taken = 0;
        let mut worth = vec![0.0; outputs];
        for at in 0..=count {
            let new_rows = pending.rows.len() / self.background.features;
            let is_full = new_rows + backgrounds > self.asker.batch_rows
                || pending.places.len() + backgrounds > 8 * self.asker.batch_rows.max(backgrounds);
            if at == count || is_full {
                answers.truncate(fixed * outputs);
                answers.extend(self.asker.ask(&pending.rows)?);
                let masks = pending.masks.chunks(mask.len());
                for (mask, places) in masks.zip(pending.places.chunks(backgrounds)) {
                    worth.fill(0.0);
                    for place in places {
                        let answer = &answers[place * outputs..][..outputs];
                        worth.iter_mut().zip(answer).for_each(|(worth, answer)| *worth += answer);
                    }
                    for (worth, base) in worth.iter_mut().zip(&self.background.base) {
                        *worth = *worth / backgrounds as f64 - base;
                    }
                    take(taken, mask, &worth);
                    taken += 1;
                }
                for (b, place) in places.iter_mut().enumerate().filter(|(_, place)| **place >= carried) {
                    answers.copy_within(*place * outputs..(*place + 1) * outputs, (carried + b) * outputs);
                    *place = carried + b;
                }
                pending = Pending::default();
            }
            if at == count {
                break;
            }
            next(at, &mut mask);
            self.add(&mask, &before, &mut places, fixed, row_place, &mut pending);
            before.copy_from_slice(&mask);
        }
        Ok(())
    }

    /// Adds a coalition and the model rows that are not known yet.
    fn add(
        &self,
        mask: &[bool],
        before: &[bool],
        places: &mut [usize],
        fixed: usize,
        row_place: usize,
        pending: &mut Pending,
    ) {
        let members = mask.iter().filter(|is_in| **is_in).count();
        let changed: Vec<usize> =
            (0..mask.len()).filter(|at| mask[*at] != before[*at]).map(|at| self.players[at]).collect();
        for (b, place) in places.iter_mut().enumerate() {
            let background = self.background.row(b);
            if members == mask.len() {
                *place = row_place;
            } else if members == 0 {
                *place = b;
            } else if changed.iter().any(|feature| !same(background[*feature], self.row[*feature])) {
                *place = fixed + pending.rows.len() / self.background.features;
                self.mix(mask, background, &mut pending.rows);
            }
        }
        pending.masks.extend(mask);
        pending.places.extend(&*places);
    }

    /// Appends a background row with the row's values for the players of a coalition.
    pub(super) fn mix(&self, mask: &[bool], background: &[f64], rows: &mut Vec<f64>) {
        let start = rows.len();
        rows.extend(background);
        for (feature, _) in self.players.iter().zip(mask).filter(|(_, is_in)| **is_in) {
            rows[start + feature] = self.row[*feature];
        }
    }
}
