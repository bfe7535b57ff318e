//! Runs programs on groups of rows: the hot loop, in terms of vectors of rows.

use crate::coding::{Codes, LANES};
use crate::shap::program::{Op, Program};
use crate::shap::real::Real;
use crate::shap::simd::Vector;

/// One value a row. Aligned so that no vector lies across two cache lines.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Lanes<T>(pub(super) [T; LANES]);

/// Working memory of one thread.
#[derive(Debug)]
pub(super) struct Stacks<T> {
    m: Vec<Lanes<T>>,
    g: Vec<Lanes<T>>,
    masks: Vec<Lanes<T>>,
}

impl<T: Real> Stacks<T> {
    /// As much as any of the programs needs.
    pub(super) fn new(programs: &[Program<T>]) -> Stacks<T> {
        let most = |at: usize| programs.iter().map(|program| program.places[at]).max().unwrap_or(0);
        let stack = |at: usize| vec![Lanes([T::ZERO; LANES]); most(at)];
        Stacks { m: stack(0), g: stack(1), masks: stack(2) }
    }
}

/// Rows in groups, and their values.
pub(super) struct Block<'a, T> {
    /// `codes[group · columns + column]`
    pub(super) codes: &'a [Codes],
    pub(super) columns: usize,
    /// `phi[group · features + feature]`
    pub(super) phi: &'a mut [Lanes<T>],
    pub(super) features: usize,
    pub(super) stacks: &'a mut Stacks<T>,
}

/// Adds the values of a program to `phi` for all groups.
#[inline(always)]
pub(super) fn run<V: Vector>(program: &Program<V::Real>, block: &mut Block<'_, V::Real>) {
    let codes = block.codes.chunks_exact(block.columns);
    for (codes, phi) in codes.zip(block.phi.chunks_exact_mut(block.features)) {
        for (m, start) in block.stacks.m.iter_mut().zip(&program.start) {
            V::splat(*start).store(m);
        }
        for op in &program.ops {
            step::<V>(op, codes, phi, block.stacks);
        }
    }
}

#[inline(always)]
fn load<V: Vector>(from: &Lanes<V::Real>) -> V {
    V::load(from)
}

/// phi += factor · dot
#[inline(always)]
fn add_to<V: Vector>(phi: &mut Lanes<V::Real>, factor: V, dot: V) {
    factor.mul_add(dot, V::load(phi)).store(phi);
}

#[inline(always)]
fn step<V: Vector>(op: &Op<V::Real>, codes: &[Codes], phi: &mut [Lanes<V::Real>], stacks: &mut Stacks<V::Real>) {
    let Stacks { m: moments, g: coefficients, masks } = stacks;
    let (zero, one) = (V::splat(V::Real::ZERO), V::splat(V::Real::ONE));
    match *op {
        Op::Pair { test, feature, m, g, mean, leaves, gains } => {
            let right = V::greater(&codes[test.column as usize], test.bound);
            let gain = V::select(right, V::splat(gains[1]), V::splat(gains[0]));
            add_to(&mut phi[feature as usize], gain, load::<V>(&moments[m as usize]));
            let g = &mut coefficients[g as usize..][..2];
            V::splat(mean).store(&mut g[0]);
            V::select(right, V::splat(leaves[1]), V::splat(leaves[0])).store(&mut g[1]);
        }
        Op::Down { test, m, left, right, n, shares } => {
            let mask = V::greater(&codes[test.column as usize], test.bound);
            let shares = shares.map(V::splat);
            let (from, to) = moments.split_at_mut(right as usize);
            let from = &from[m as usize..][..n as usize];
            let (to_right, to_left) = to.split_at_mut((left - right) as usize);
            let mut low = load::<V>(&from[0]);
            for ((high, to_left), to_right) in from[1..].iter().zip(to_left).zip(to_right) {
                let high = load::<V>(high);
                shares[0].mul_add(low, V::select(mask, zero, high)).store(to_left);
                shares[1].mul_add(low, V::select(mask, high, zero)).store(to_right);
                low = high;
            }
        }
        Op::Up { test, feature, m, g, right, n, share } => {
            let mask = V::greater(&codes[test.column as usize], test.bound);
            let (left, right) = coefficients.split_at_mut(right as usize);
            let left = &mut left[g as usize..][..=n as usize];
            let right = &right[..n as usize];
            let m = &moments[m as usize..][..n as usize];
            let share_of = V::splat(share);
            let (mut dot, mut reached) = (zero, zero);
            for ((left, right), m) in left.iter_mut().zip(right).zip(m) {
                let (l, r) = (load::<V>(left), load::<V>(right));
                let difference = l.sub(r);
                share_of.mul_add(difference, r.add(reached)).store(left);
                reached = V::select(mask, r, l);
                dot = load::<V>(m).mul_add(difference, dot);
            }
            reached.store(&mut left[n as usize]);
            let factor = V::select(mask, zero, one).sub(share_of);
            add_to(&mut phi[feature as usize], factor, dot);
        }
        Op::Test { test, from, to } => {
            let mask = V::greater(&codes[test.column as usize], test.bound);
            let from = from.map_or(one, |from| load::<V>(&masks[from as usize]));
            let to = &mut masks[to as usize..][..2];
            V::select(mask, zero, from).store(&mut to[0]);
            V::select(mask, from, zero).store(&mut to[1]);
        }
        Op::Apply { mask, weight, m, to, n } => {
            let (mask, weight) = (load::<V>(&masks[mask as usize]), V::splat(weight));
            let (from, to) = moments.split_at_mut(to as usize);
            let from = &from[m as usize..][..n as usize];
            let mut low = load::<V>(&from[0]);
            for (high, to) in from[1..].iter().zip(to) {
                let high = load::<V>(high);
                weight.mul_add(low, mask.mul(high)).store(to);
                low = high;
            }
        }
        Op::Lift { mask, weight, feature, m, g, n } => {
            let (mask, weight) = (load::<V>(&masks[mask as usize]), V::splat(weight));
            let g = &mut coefficients[g as usize..][..=n as usize];
            let m = &moments[m as usize..][..n as usize];
            let (mut dot, mut low) = (zero, zero);
            for (g, m) in g.iter_mut().zip(m) {
                let value = load::<V>(g);
                dot = load::<V>(m).mul_add(value, dot);
                weight.mul_add(value, mask.mul(low)).store(g);
                low = value;
            }
            mask.mul(low).store(&mut g[n as usize]);
            add_to(&mut phi[feature as usize], mask.sub(weight), dot);
        }
        Op::Scale { mask, weight, m, to, n } => {
            let factor = load::<V>(&masks[mask as usize]).sub(V::splat(weight));
            let (from, to) = moments.split_at_mut(to as usize);
            for (from, to) in from[m as usize..][..n as usize].iter().zip(to) {
                factor.mul(load(from)).store(to);
            }
        }
        Op::Rescale { mask, weight, g, n } => {
            let factor = load::<V>(&masks[mask as usize]).sub(V::splat(weight));
            for g in &mut coefficients[g as usize..][..=n as usize] {
                factor.mul(load(g)).store(g);
            }
        }
        Op::Reduce { m, to, n, to_n } => {
            let (from, to) = moments.split_at_mut(to as usize);
            let from = &from[m as usize..][..n as usize];
            let to = &mut to[..n as usize - 1];
            for (pair, to) in from.windows(2).zip(&mut *to) {
                load::<V>(&pair[0]).add(load(&pair[1])).store(to);
            }
            for n in (to_n as usize + 1..n as usize).rev() {
                for j in 0..n - 1 {
                    load::<V>(&to[j]).add(load(&to[j + 1])).store(&mut to[j]);
                }
            }
        }
        Op::Elevate { g, from, to } => {
            let g = &mut coefficients[g as usize..][..=to as usize];
            for n in from as usize..to as usize {
                g[n + 1] = g[n];
                for j in (1..=n).rev() {
                    load::<V>(&g[j]).add(load(&g[j - 1])).store(&mut g[j]);
                }
            }
        }
        Op::Constant { g, n, value } => {
            let g = &mut coefficients[g as usize..][..=n as usize];
            let mut binomial = 1.0;
            for (j, g) in g.iter_mut().enumerate() {
                V::splat(value * V::Real::from_f64(binomial)).store(g);
                binomial *= f64::from(n - j as u32) / (j + 1) as f64;
            }
        }
        Op::Join { g, right, n } => {
            let (left, right) = coefficients.split_at_mut(right as usize);
            for (left, right) in left[g as usize..][..=n as usize].iter_mut().zip(right) {
                load::<V>(left).add(load(right)).store(left);
            }
        }
    }
}
