//! The walk through a bundle: the hot loop.

use super::bundle::{Bundle, Fork, Step};
use crate::coding::{Codes, LANES};
use crate::shap::kernel::Lanes;
use crate::shap::simd::Vector;

/// Numbers of columns and of values: as many as u16 can tell apart, so that none is out of bounds.
pub(in crate::shap) const PLACES: usize = 1 << 16;

/// Working memory.
#[derive(Debug)]
pub(in crate::shap) struct Work {
    /// The row's code of each column, and their complements. No more memory is touched than there are columns.
    row: Vec<i32>,
    levels: Vec<Level>,
    /// The sums of what was left last, by node t.
    result: Vec<Lanes<f32>>,
    /// The values, for each lane.
    phi: Vec<[f32; LANES]>,
}

#[derive(Clone, Debug)]
struct Level {
    /// Whether the row has met the test at each level above, and all tests on its feature before: a bit a level.
    state: Codes,
    /// The same for the right child.
    right: Codes,
    /// The cold share: negative when left is hot.
    cold: Lanes<f32>,
    /// By node t.
    values: Vec<Values>,
}

#[derive(Clone, Copy, Debug)]
struct Values {
    /// Products of all factors above, with ω / (t (1 − t)).
    above: Lanes<f32>,
    /// The left child's factor.
    factor: Lanes<f32>,
    /// above · κ (1 − κ)
    weight: Lanes<f32>,
    /// The left child's sum.
    left: Lanes<f32>,
}

impl Work {
    /// Working memory for trees of so many levels.
    pub(super) fn new(nodes: &[(f64, f64)], levels: usize) -> Work {
        let zero = Lanes([0.0; LANES]);
        let start = |(t, weight): &(f64, f64)| {
            let above = Lanes([(weight / (t * (1.0 - t))) as f32; LANES]);
            Values { above, factor: zero, weight: zero, left: zero }
        };
        let state = Codes([i32::MIN; LANES]);
        let values: Vec<Values> = nodes.iter().map(start).collect();
        let level = Level { state, right: state, cold: zero, values };
        Work {
            row: vec![0; PLACES],
            levels: vec![level; levels + 1],
            result: vec![zero; nodes.len()],
            phi: vec![[0.0; LANES]; PLACES],
        }
    }

    /// Notes the codes of a row.
    pub(super) fn set_row(&mut self, codes: impl ExactSizeIterator<Item = i32>) {
        let columns = codes.len();
        for (column, code) in codes.enumerate() {
            self.row[column] = code;
            self.row[columns + column] = !code;
        }
    }

    /// Takes the values of a row, summed over the lanes.
    pub(super) fn take(&mut self, values: &mut [f64]) {
        for (value, phi) in values.iter_mut().zip(&mut self.phi) {
            *value += phi.iter().map(|phi| f64::from(*phi)).sum::<f64>();
            *phi = [0.0; LANES];
        }
    }
}

/// Adds the values of a bundle, in each lane its own.
#[inline(always)]
pub(in crate::shap) fn run<V: Vector<Real = f32>>(bundle: &Bundle, work: &mut Work) {
    let Work { row, levels, result, phi } = work;
    // Both are as long as this.
    let phi: Result<&mut [[f32; LANES]; PLACES], _> = phi.as_mut_slice().try_into();
    let (Ok(row), Ok(phi)) = (row.as_slice().try_into(), phi) else { return };
    let nodes = result.len();
    let kappas = |fork: usize| &bundle.kappas[fork * nodes..][..nodes];
    let mut leaves = bundle.leaves.iter();
    for step in &bundle.steps {
        match *step {
            Step::Split { level, fork } => {
                let [level, below, ..] = &mut levels[level as usize..] else { return };
                split::<V>(&bundle.forks[fork as usize], row, kappas(fork as usize), level, below);
            }
            Step::Right { level } => {
                let [level, below, ..] = &mut levels[level as usize..] else { return };
                right::<V>(level, below, result);
            }
            Step::Join { level, fork } => {
                let sum = join::<V>(&levels[level as usize], result);
                add(&bundle.forks[fork as usize].targets, sum, phi);
            }
            Step::Pair { level, fork } => {
                let (Some(left), Some(right)) = (leaves.next(), leaves.next()) else { return };
                let fork_at = fork as usize;
                let (fork, kappas) = (&bundle.forks[fork_at], kappas(fork_at));
                let sum = pair::<V>(fork, row, kappas, &levels[level as usize], [left, right], result);
                add(&fork.targets, sum, phi);
            }
            Step::Leaf => {
                let Some(leaf) = leaves.next() else { return };
                result.fill(*leaf);
            }
        }
    }
}

#[inline(always)]
fn add<V: Vector<Real = f32>>(targets: &[u16; LANES], sum: V, phi: &mut [[f32; LANES]; PLACES]) {
    let mut sums = Lanes([0.0; LANES]);
    sum.store(&mut sums);
    for (lane, target) in targets.iter().enumerate() {
        phi[usize::from(*target)][lane] += sums.0[lane];
    }
}

/// What a test says: where the row goes right, where it has met the feature's tests so far, and 1 if left is hot, else 0, with the share
/// of the cold child, negative if left is hot.
#[inline(always)]
fn test<V: Vector<Real = f32>>(fork: &Fork, row: &[i32; PLACES], level: &Level) -> (V::Mask, V::Mask, V, V) {
    let right = V::greater_each(row, &fork.columns, &fork.bounds);
    let met = V::common(&level.state, &fork.known);
    let (one, left) = (V::splat(1.0), V::load(&fork.left));
    (right, met, V::select(right, V::splat(0.0), one), V::select(right, left, left.sub(one)))
}

#[inline(always)]
fn split<V: Vector<Real = f32>>(
    fork: &Fork,
    row: &[i32; PLACES],
    kappas: &[Lanes<f32>],
    level: &mut Level,
    below: &mut Level,
) {
    let (right, met, hot, cold) = test::<V>(fork, row, level);
    let one = V::splat(1.0);
    V::mark(&level.state, right, met, fork.bit, [&mut below.state, &mut level.right]);
    cold.store(&mut level.cold);
    for ((values, below), kappa) in level.values.iter_mut().zip(&mut below.values).zip(kappas) {
        let kappa = V::select(met, V::load(kappa), one);
        let above = V::load(&values.above);
        let factor = kappa.mul_add(cold, hot);
        factor.store(&mut values.factor);
        above.mul(kappa).mul(one.sub(kappa)).store(&mut values.weight);
        above.mul(factor).store(&mut below.above);
    }
}

#[inline(always)]
fn right<V: Vector<Real = f32>>(level: &mut Level, below: &mut Level, result: &[Lanes<f32>]) {
    below.state = level.right;
    for ((values, below), result) in level.values.iter_mut().zip(&mut below.values).zip(result) {
        values.left = *result;
        V::load(&values.above).sub(V::load(&below.above)).store(&mut below.above);
    }
}

#[inline(always)]
fn join<V: Vector<Real = f32>>(level: &Level, result: &mut [Lanes<f32>]) -> V {
    let mut sum = V::splat(0.0);
    for (values, result) in level.values.iter().zip(result) {
        let right = V::load(result);
        let difference = V::load(&values.left).sub(right);
        sum = V::load(&values.weight).mul_add(difference, sum);
        V::load(&values.factor).mul_add(difference, right).store(result);
    }
    V::splat(0.0).sub(sum).mul(V::load(&level.cold))
}

#[inline(always)]
fn pair<V: Vector<Real = f32>>(
    fork: &Fork,
    row: &[i32; PLACES],
    kappas: &[Lanes<f32>],
    level: &Level,
    leaves: [&Lanes<f32>; 2],
    result: &mut [Lanes<f32>],
) -> V {
    let (_, met, hot, cold) = test::<V>(fork, row, level);
    let one = V::splat(1.0);
    let [left, right] = leaves.map(V::load);
    let difference = left.sub(right);
    let mut sum = V::splat(0.0);
    for ((values, kappa), result) in level.values.iter().zip(kappas).zip(result) {
        let kappa = V::select(met, V::load(kappa), one);
        sum = V::load(&values.above).mul_add(kappa.mul(one.sub(kappa)), sum);
        kappa.mul_add(cold, hot).mul_add(difference, right).store(result);
    }
    V::splat(0.0).sub(sum).mul(cold).mul(difference)
}
