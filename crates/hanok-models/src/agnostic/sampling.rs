//! Values by sampling for each feature on its own (E. Štrumbelj, I. Kononenko, "Explaining prediction models and individual predictions
//! with feature contributions", 2014): a random order, a random row of the background, and the difference that the feature makes between
//! those before it in the order and those after. A first part of the samples is the same for all features; the others go where the
//! differences scatter most. What the values lack to f(x) − E f is given to them in proportion to their variance, the best linear
//! correction. Two model rows a sample, whatever the background's length.

use super::game::Game;
use super::random::Random;
use super::{AgnosticError, Found};

/// Model rows that each feature's scatter takes: two samples.
pub(super) fn least(players: usize) -> usize {
    4 * players
}

/// Mean and scatter of the differences of each player, by output.
struct Statistics {
    counts: Vec<usize>,
    means: Vec<f64>,
    squares: Vec<f64>,
}

pub(super) fn values<E, F>(
    game: &mut Game<'_, F>,
    max_evals: usize,
    seed: u64,
) -> Result<Found, AgnosticError<E>>
where
    F: FnMut(&[f64]) -> Result<Vec<f64>, E>,
{
    let (players, outputs) = (game.players.len(), game.outputs());
    let samples = max_evals / 2;
    let first = (samples / (4 * players)).max(2);
    let mut random = Random::new(seed, game.row);
    let cells = outputs * players;
    let mut found =
        Statistics { counts: vec![0; players], means: vec![0.0; cells], squares: vec![0.0; cells] };
    sample(game, &vec![first; players], &mut random, &mut found)?;
    let scatter: Vec<f64> = (0..players)
        .map(|player| (0..outputs).map(|output| found.squares[output * players + player]).sum::<f64>().sqrt())
        .collect();
    let sum: f64 = scatter.iter().sum();
    if sum > 0.0 {
        let left = samples - first * players;
        let share = |scatter: &f64| (left as f64 * scatter / sum) as usize;
        sample(game, &scatter.iter().map(share).collect::<Vec<_>>(), &mut random, &mut found)?;
    }
    Ok(found.corrected(&game.total()))
}

/// Takes so many samples of each player.
fn sample<E, F>(
    game: &mut Game<'_, F>,
    counts: &[usize],
    random: &mut Random,
    found: &mut Statistics,
) -> Result<(), AgnosticError<E>>
where
    F: FnMut(&[f64]) -> Result<Vec<f64>, E>,
{
    let (players, outputs) = (game.players.len(), game.outputs());
    let mut order: Vec<usize> = (0..players).collect();
    let mut mask = vec![false; players];
    let mut samples =
        counts.iter().enumerate().flat_map(|(player, count)| std::iter::repeat_n(player, *count));
    let mut rows = Vec::new();
    loop {
        let batch: Vec<usize> = samples.by_ref().take(game.asker.batch_rows.div_ceil(2)).collect();
        if batch.is_empty() {
            return Ok(());
        }
        rows.clear();
        for player in &batch {
            random.shuffle(&mut order, players);
            mask.fill(false);
            for before in order.iter().take_while(|before| *before != player) {
                mask[*before] = true;
            }
            let background = game.background.row(random.below(game.background.rows()));
            game.mix(&mask, background, &mut rows);
            mask[*player] = true;
            game.mix(&mask, background, &mut rows);
        }
        let answers = game.asker.ask(&rows)?;
        for (player, pair) in batch.iter().zip(answers.chunks(2 * outputs)) {
            let (without, with) = pair.split_at(outputs);
            found.counts[*player] += 1;
            let count = found.counts[*player] as f64;
            for (output, (with, without)) in with.iter().zip(without).enumerate() {
                let cell = output * players + player;
                let off = with - without - found.means[cell];
                found.means[cell] += off / count;
                found.squares[cell] += off * (with - without - found.means[cell]);
            }
        }
    }
}

impl Statistics {
    /// The means, made to add up to the totals, and their standard errors.
    fn corrected(self, totals: &[f64]) -> Found {
        let players = self.counts.len();
        let (mut values, mut errors) = (self.means, self.squares);
        let outputs = values.chunks_mut(players).zip(errors.chunks_mut(players)).zip(totals);
        for ((values, variances), total) in outputs {
            for (variance, count) in variances.iter_mut().zip(&self.counts) {
                *variance /= (count * (count - 1)) as f64;
            }
            let sum: f64 = variances.iter().sum();
            let lacking = total - values.iter().sum::<f64>();
            for (value, variance) in values.iter_mut().zip(variances) {
                let share = if sum > 0.0 { *variance / sum } else { 1.0 / players as f64 };
                *value += share * lacking;
                // Of v + share · (total − Σ values), whose terms are independent.
                *variance = (*variance * (1.0 - share)).max(0.0).sqrt();
            }
        }
        Found { values, errors }
    }
}
