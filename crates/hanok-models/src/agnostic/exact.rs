//! Exact values from all coalitions.
//!
//! φ_j = Σ_S c_j(S) v(S) with c_j(S) = (|S| − 1)! (m − |S|)! / m! for j in S and −|S|! (m − |S| − 1)! / m! otherwise (L. S. Shapley, "A
//! value for n-person games", 1953), so that each worth is used once and none is kept. The coalitions come in Gray-code order: one player
//! enters or leaves at a time, and model rows that this does not change are not asked for again.

use super::game::Game;
use super::{AgnosticError, Found};

/// Most players: 65,536 coalitions.
pub(super) const PLAYERS_MAX: usize = 16;

pub(super) fn values<E, F>(game: &mut Game<'_, F>) -> Result<Found, AgnosticError<E>>
where
    F: FnMut(&[f64]) -> Result<Vec<f64>, E>,
{
    let players = game.players.len();
    let mut values = vec![0.0; game.outputs() * players];
    // s! (m − 1 − s)! / m! for s players beside j.
    let mut weights = vec![1.0 / players as f64];
    for size in 1..players {
        weights.push(weights[size - 1] * size as f64 / (players - size) as f64);
    }
    // The empty coalition is worth nothing.
    let next = |at: usize, mask: &mut [bool]| {
        let player = (at + 1).trailing_zeros() as usize;
        mask[player] = !mask[player];
    };
    game.worths((1 << players) - 1, next, |_, mask, worth| {
        let size = mask.iter().filter(|is_in| **is_in).count();
        let entered = weights[size - 1];
        let missed = weights.get(size).copied().unwrap_or(0.0);
        for (values, worth) in values.chunks_mut(players).zip(worth) {
            for (value, is_in) in values.iter_mut().zip(mask) {
                *value += if *is_in { entered * worth } else { -missed * worth };
            }
        }
    })?;
    Ok(Found { values, errors: Vec::new() })
}
