//! Values along random orders of the players (J. Castro, D. Gómez, J. Tejada, "Polynomial calculation of the Shapley value based on
//! sampling", 2009), each taken forwards and backwards (R. Mitchell, J. Cooper, E. Frank, G. Holmes, "Sampling permutations for Shapley
//! value estimation", 2022). What features do alone or in pairs is exact after one such pair of orders: one of the two meets them this
//! way, the other that way. The error is estimated from how pairs of orders differ.

use super::game::Game;
use super::random::Random;
use super::{AgnosticError, Found};

/// Coalitions of a pair of orders.
pub(super) fn least(players: usize) -> usize {
    2 * players
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
    // Two players have two orders.
    let pairs = if players == 2 { 1 } else { max_evals / least(players) };
    let mut random = Random::new(seed, game.row);
    let mut order: Vec<usize> = (0..players).collect();
    // Players enter in this order, and then leave in this order: backwards, they would enter the other way round.
    let next = |at: usize, mask: &mut [bool]| {
        let step = at % (2 * players);
        if step == 0 {
            random.shuffle(&mut order, players);
        }
        let player = order[step % players];
        mask[player] = !mask[player];
    };
    let cells = outputs * players;
    let (mut means, mut squares, mut both) = (vec![0.0; cells], vec![0.0; cells], vec![0.0; cells]);
    let (mut before_mask, mut before) = (vec![false; players], vec![0.0; outputs]);
    game.worths(pairs * 2 * players, next, |at, mask, worth| {
        let Some(player) = (0..players).find(|player| mask[*player] != before_mask[*player]) else { return };
        for (output, (worth, before)) in worth.iter().zip(&mut before).enumerate() {
            let gained = if mask[player] { worth - *before } else { *before - worth };
            both[output * players + player] += 0.5 * gained;
            *before = *worth;
        }
        before_mask[player] = mask[player];
        if (at + 1) % (2 * players) == 0 {
            let pair = ((at + 1) / (2 * players)) as f64;
            for ((value, mean), square) in both.iter_mut().zip(&mut means).zip(&mut squares) {
                let off = *value - *mean;
                *mean += off / pair;
                *square += off * (*value - *mean);
                *value = 0.0;
            }
        }
    })?;
    let error = |square: f64| match pairs {
        _ if players == 2 => 0.0,
        1 => f64::NAN,
        _ => (square / (pairs * (pairs - 1)) as f64).sqrt(),
    };
    Ok(Found { values: means, errors: squares.into_iter().map(error).collect() })
}
