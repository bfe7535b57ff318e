//! Values by weighted least squares (S. Lundberg, S.-I. Lee, "A unified approach to interpreting model predictions", 2017): they are the
//! additive function that is nearest to the worths of the coalitions under the weights (m − 1) / (C(m, |S|) |S| (m − |S|)), among those
//! that add up to the total. Each coalition stands with its complement (I. Covert, S.-I. Lee, "Improving KernelSHAP", 2021). Sizes are
//! taken whole, from the smallest and largest coalitions on, as long as a random choice would meet each coalition at least once; the
//! others are drawn by their weight. Without a regularisation of the values.
//!
//! One player's value is put in by the total, which leaves for each pair (S, complement) one equation z · φ = d of the other players,
//! with z = in(S) − last in(S) and d half the difference of the two sides. Cost: max_evals · m² beside the model rows, and m + 8 bytes an
//! output for each coalition that was drawn. The standard errors are those of the estimating equation over the pairs that were drawn.

use super::game::Game;
use super::random::Random;
use super::{AgnosticError, Found};

/// Most players: a square matrix of them is solved.
pub(super) const PLAYERS_MAX: usize = 500;

/// Coalitions that make the equations solvable, and as many again to be drawn.
pub(super) fn least(players: usize) -> usize {
    if players < 5 { (1 << players) - 2 } else { 4 * players }
}

/// Which coalitions are looked at.
struct Plan {
    /// The sizes up to this, with their complements, are taken whole.
    whole_size: usize,
    /// Pairs of those.
    whole_pairs: usize,
    /// Pairs to draw.
    drawn_pairs: usize,
    /// Weight of each coalition that is drawn.
    drawn_weight: f64,
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
    let plan = Plan::new(players, max_evals);
    let mut random = Random::new(seed, game.row);
    let mut chosen = Combinations::new(players);
    let mut order: Vec<usize> = (0..players).collect();
    let next = |at: usize, mask: &mut [bool]| {
        if at % 2 == 1 {
            for is_in in mask {
                *is_in = !*is_in;
            }
        } else if at / 2 < plan.whole_pairs {
            mask.copy_from_slice(chosen.next());
        } else {
            let size = draw_size(players, plan.whole_size, &mut random);
            random.shuffle(&mut order, size);
            mask.fill(false);
            order[..size].iter().for_each(|player| mask[*player] = true);
        }
    };
    let totals = game.total();
    let mut system = System::new(players, &totals);
    let mut drawn: Vec<(Vec<i8>, Vec<f64>)> = Vec::with_capacity(plan.drawn_pairs);
    let mut first = vec![0.0; outputs];
    game.worths(2 * (plan.whole_pairs + plan.drawn_pairs), next, |at, mask, worth| {
        if at % 2 == 0 {
            first.copy_from_slice(worth);
            return;
        }
        // Of the complement, whose z is the opposite.
        let z = system.equation(mask);
        let d: Vec<f64> = (0..outputs)
            .map(|o| {
                let last = if mask[players - 1] { totals[o] } else { -totals[o] };
                0.5 * (worth[o] - first[o] - last)
            })
            .collect();
        if at / 2 < plan.whole_pairs {
            let size = mask.iter().filter(|is_in| !**is_in).count();
            system.add(&z, &d, 2.0 * weight(players, size));
        } else {
            system.add(&z, &d, 2.0 * plan.drawn_weight);
            drawn.push((z, d));
        }
    })?;
    system.factorise();
    Ok(system.solved(&drawn, 2.0 * plan.drawn_weight))
}

/// The weight of all coalitions of a size together.
fn size_weight(players: usize, size: usize) -> f64 {
    (players - 1) as f64 / (size * (players - size)) as f64
}

/// The weight of a coalition.
fn weight(players: usize, size: usize) -> f64 {
    size_weight(players, size) / combinations(players, size)
}

fn combinations(n: usize, k: usize) -> f64 {
    (0..k.min(n - k)).map(|i| (n - i) as f64 / (i + 1) as f64).product::<f64>().round()
}

/// The weight of a size up to half of the players, with the other size of its complements.
fn pair_weight(players: usize, size: usize) -> f64 {
    size_weight(players, size) * if 2 * size == players { 1.0 } else { 2.0 }
}

impl Plan {
    fn new(players: usize, max_evals: usize) -> Plan {
        let mut plan = Plan { whole_size: 0, whole_pairs: 0, drawn_pairs: 0, drawn_weight: 0.0 };
        let mut left = max_evals;
        for size in 1..=players / 2 {
            let pairs = combinations(players, size) * if 2 * size == players { 0.5 } else { 1.0 };
            let weight_left: f64 = (size..=players / 2).map(|size| pair_weight(players, size)).sum();
            let would_meet = left as f64 * pair_weight(players, size) / weight_left;
            if size > 1 && would_meet < 2.0 * pairs {
                plan.drawn_pairs = left / 2;
                plan.drawn_weight = 0.5 * weight_left / plan.drawn_pairs as f64;
                return plan;
            }
            plan.whole_size = size;
            plan.whole_pairs += pairs as usize;
            left -= 2 * pairs as usize;
        }
        plan
    }
}

/// A size above `whole` and up to half of the players, by weight.
fn draw_size(players: usize, whole: usize, random: &mut Random) -> usize {
    let sizes = whole + 1..=players / 2;
    let sum: f64 = sizes.clone().map(|size| pair_weight(players, size)).sum();
    let mut left = random.unit() * sum;
    for size in sizes {
        left -= pair_weight(players, size);
        if left < 0.0 {
            return size;
        }
    }
    players / 2
}

/// All coalitions of up to half of the players by size; of half of them, those with the first player.
struct Combinations {
    members: Vec<usize>,
    mask: Vec<bool>,
}

impl Combinations {
    fn new(players: usize) -> Combinations {
        Combinations { members: Vec::new(), mask: vec![false; players] }
    }

    fn next(&mut self) -> &[bool] {
        let (players, size) = (self.mask.len(), self.members.len());
        let movable = (0..size).rev().find(|at| self.members[*at] < players - size + at);
        match movable {
            Some(at) if at > 0 || 2 * size < players => {
                let start = self.members[at] + 1;
                self.members[at..].iter_mut().enumerate().for_each(|(step, member)| *member = start + step);
            }
            _ => self.members = (0..=size).collect(),
        }
        self.mask.fill(false);
        self.members.iter().for_each(|member| self.mask[*member] = true);
        &self.mask
    }
}

/// The normal equations of all players but the last.
struct System<'a> {
    unknowns: usize,
    /// Its lower half is used; after [`Self::factorise`] it holds the factor.
    matrix: Vec<f64>,
    /// By output.
    right: Vec<Vec<f64>>,
    totals: &'a [f64],
}

impl System<'_> {
    fn new(players: usize, totals: &[f64]) -> System<'_> {
        let unknowns = players - 1;
        System {
            unknowns,
            matrix: vec![0.0; unknowns * unknowns],
            right: vec![vec![0.0; unknowns]; totals.len()],
            totals,
        }
    }

    fn equation(&self, mask: &[bool]) -> Vec<i8> {
        let last = i8::from(mask[self.unknowns]);
        mask[..self.unknowns].iter().map(|is_in| i8::from(*is_in) - last).collect()
    }

    fn add(&mut self, z: &[i8], d: &[f64], weight: f64) {
        for (i, z_i) in z.iter().enumerate().filter(|(_, z)| **z != 0) {
            let weighted = weight * f64::from(*z_i);
            for (cell, z_j) in self.matrix[i * self.unknowns..].iter_mut().zip(&z[..=i]) {
                *cell += weighted * f64::from(*z_j);
            }
            self.right.iter_mut().zip(d).for_each(|(right, d)| right[i] += weighted * d);
        }
    }

    /// Cholesky's factor. The matrix is positive definite: the single players' equations alone make it so.
    fn factorise(&mut self) {
        let n = self.unknowns;
        for i in 0..n {
            for j in 0..=i {
                let (row_i, row_j) = (&self.matrix[i * n..], &self.matrix[j * n..]);
                let dot: f64 = row_i[..j].iter().zip(&row_j[..j]).map(|(a, b)| a * b).sum();
                let rest = row_i[j] - dot;
                self.matrix[i * n + j] = if i == j { rest.sqrt() } else { rest / row_j[j] };
            }
        }
    }

    /// Solves for a right side, in place.
    fn solve(&self, right: &mut [f64]) {
        let n = self.unknowns;
        for i in 0..n {
            let row = &self.matrix[i * n..];
            let dot: f64 = row[..i].iter().zip(&*right).map(|(a, b)| a * b).sum();
            right[i] = (right[i] - dot) / row[i];
        }
        for i in (0..n).rev() {
            let dot: f64 = (i + 1..n).map(|j| self.matrix[j * n + i] * right[j]).sum();
            right[i] = (right[i] - dot) / self.matrix[i * n + i];
        }
    }

    /// The values, and their errors from the equations that were drawn.
    fn solved(&self, drawn: &[(Vec<i8>, Vec<f64>)], weight: f64) -> Found {
        let mut found = Found { values: Vec::new(), errors: Vec::new() };
        for (output, right) in self.right.iter().enumerate() {
            let mut values = right.clone();
            self.solve(&mut values);
            let last = self.totals[output] - values.iter().sum::<f64>();
            // What each pair moves the solution by: its residual, solved; of the last player, the opposite of the others' sum.
            let (mut sums, mut squares) = (vec![0.0; self.unknowns + 1], vec![0.0; self.unknowns + 1]);
            for (z, d) in drawn {
                let fitted: f64 = z.iter().zip(&values).map(|(z, value)| f64::from(*z) * value).sum();
                let residual = weight * (d[output] - fitted);
                let mut moved: Vec<f64> = z.iter().map(|z| residual * f64::from(*z)).collect();
                self.solve(&mut moved);
                moved.push(-moved.iter().sum::<f64>());
                for ((sum, square), moved) in sums.iter_mut().zip(&mut squares).zip(&moved) {
                    *sum += moved;
                    *square += moved * moved;
                }
            }
            let count = drawn.len() as f64;
            let spread =
                |(sum, square): (&f64, &f64)| (square - sum * sum / count).max(0.0) * count / (count - 1.0);
            let no_errors = drawn.is_empty();
            let errors = sums.iter().zip(&squares);
            found.errors.extend(errors.map(|pair| if no_errors { 0.0 } else { spread(pair).sqrt() }));
            values.push(last);
            found.values.extend(values);
        }
        found
    }
}
