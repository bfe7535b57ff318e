//! Runs programs on groups of rows: the hot loop, in terms of vectors of rows.

use crate::coding::{CodeTest, Codes, LANES};
use crate::shap::ops::{Factor, Fork, Leaves, Op, Pair, Program, Quad};
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
    pub(super) fn new<'a>(programs: impl Iterator<Item = &'a Program<T>>) -> Stacks<T> {
        let most =
            programs.fold([0; 3], |most, program| [0, 1, 2].map(|at| program.places[at].max(most[at])));
        let stack = |at: usize| vec![Lanes([T::ZERO; LANES]); most[at]];
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
    /// For each of the groups that are computed together.
    pub(super) stacks: &'a mut [Stacks<T>; TOGETHER],
}

/// Groups that an operation is applied to before the next one is looked at: telling operations apart costs as much as a
/// handful of vector instructions.
pub(super) const TOGETHER: usize = 4;

/// A group at work.
struct Group<'a, T> {
    codes: &'a [Codes],
    phi: &'a mut [Lanes<T>],
    m: &'a mut [Lanes<T>],
    g: &'a mut [Lanes<T>],
    masks: &'a mut [Lanes<T>],
}

/// Adds the values of a program to `phi` for all groups.
#[inline(always)]
pub(super) fn run<V: Vector>(program: &Program<V::Real>, block: &mut Block<'_, V::Real>) {
    let codes = block.codes.chunks(block.columns * TOGETHER);
    for (codes, phi) in codes.zip(block.phi.chunks_mut(block.features * TOGETHER)) {
        let mut codes = codes.chunks_exact(block.columns);
        let mut phi = phi.chunks_exact_mut(block.features);
        let mut groups = block.stacks.each_mut().map(|stacks| {
            let (codes, phi) = (codes.next().unwrap_or_default(), phi.next().unwrap_or_default());
            Group { codes, phi, m: &mut stacks.m, g: &mut stacks.g, masks: &mut stacks.masks }
        });
        let present = groups.iter().take_while(|group| !group.codes.is_empty()).count();
        let groups = &mut groups[..present];
        for group in &mut *groups {
            for (m, start) in group.m.iter_mut().zip(&program.start) {
                V::splat(*start).store(m);
            }
        }
        for op in &program.ops {
            step::<V>(op, groups);
        }
    }
}

#[inline(always)]
fn each<'g, T>(groups: &mut [Group<'g, T>], work: impl Fn(&mut Group<'g, T>)) {
    for group in groups {
        work(group);
    }
}

#[inline(always)]
fn step<V: Vector>(op: &Op<V::Real>, groups: &mut [Group<'_, V::Real>]) {
    match op {
        Op::Pair(op) => each(groups, |group| group.pair::<V>(op)),
        Op::Quad(op) => each(groups, |group| group.quad::<V>(op)),
        Op::Down(op, None) => each(groups, |group| group.down::<V>(op, |high| high)),
        Op::Down(op, Some(mask)) => each(groups, |group| {
            let mask = load::<V>(&group.masks[*mask as usize]);
            group.down(op, |high| mask.mul(high));
        }),
        Op::Up(op, None) => each(groups, |group| group.up::<V>(op)),
        Op::Up(op, Some(mask)) => each(groups, |group| group.up_again::<V>(op, *mask)),
        Op::Test { test, from, to } => each(groups, |group| group.test::<V>(*test, *from, *to)),
        Op::Apply(op) => each(groups, |group| group.apply::<V>(op)),
        Op::Lift(op) => each(groups, |group| group.lift::<V>(op)),
        Op::Split(op, mask) => each(groups, |group| group.split::<V>(op, *mask)),
        Op::Replace(op) => each(groups, |group| group.replace::<V>(op)),
        Op::Dot(op, mask) => each(groups, |group| group.dot::<V>(op, *mask)),
        Op::DotEdge(op) => each(groups, |group| group.dot_edge::<V>(op)),
        Op::DotLeaves(op) => each(groups, |group| {
            group.leaves::<V>(&op.leaves, load(&group.m[op.m as usize]));
        }),
        Op::Reduce { m, to, n, to_n } => {
            each(groups, |group| group.reduce::<V>(*m, *to, *n as usize, *to_n as usize));
        }
        Op::Elevate { g, from, to } => {
            each(groups, |group| group.elevate::<V>(*g, *from as usize, *to as usize));
        }
        Op::Constant { g, n, value } => each(groups, |group| group.constant::<V>(*g, *n, *value)),
        Op::Join { g, right, n } => each(groups, |group| group.join::<V>(*g, *right, *n)),
    }
}

#[inline(always)]
fn load<V: Vector>(from: &Lanes<V::Real>) -> V {
    V::load(from)
}

#[inline(always)]
fn zero<V: Vector>() -> V {
    V::splat(V::Real::ZERO)
}

impl<T: Real> Group<'_, T> {
    #[inline(always)]
    fn goes_right<V: Vector<Real = T>>(&self, test: CodeTest) -> V::Mask {
        V::greater(&self.codes[test.column as usize], test.bound)
    }

    /// φ += factor · dot
    #[inline(always)]
    fn add<V: Vector<Real = T>>(&mut self, feature: u32, factor: V, dot: V) {
        let phi = &mut self.phi[feature as usize];
        factor.mul_add(dot, V::load(phi)).store(phi);
    }

    /// The leaf reached, and φ.
    #[inline(always)]
    fn leaves<V: Vector<Real = T>>(&mut self, op: &Leaves<T>, m: V) -> V {
        let right = self.goes_right::<V>(op.test);
        let mut reached = V::select(right, V::splat(op.values[1]), V::splat(op.values[0]));
        if let Some(from) = op.from {
            reached = reached.mul(load(&self.masks[from as usize]));
        }
        self.add(op.feature, reached.sub(V::splat(op.mean)), m);
        reached
    }

    #[inline(always)]
    fn pair<V: Vector<Real = T>>(&mut self, op: &Pair<T>) {
        let reached = self.leaves::<V>(&op.leaves, load(&self.m[op.m as usize]));
        let g = &mut self.g[op.g as usize..][..2];
        V::splat(op.leaves.mean).store(&mut g[0]);
        reached.store(&mut g[1]);
    }

    #[inline(always)]
    fn quad<V: Vector<Real = T>>(&mut self, op: &Quad<T>) {
        let right = self.goes_right::<V>(op.test);
        let m = &self.m[op.m as usize..][..2];
        let (low, high) = (load::<V>(&m[0]), load::<V>(&m[1]));
        let shares = op.shares.map(V::splat);
        let m_left = shares[0].mul_add(low, V::select(right, zero(), high));
        let m_right = shares[1].mul_add(low, V::select(right, high, zero()));
        let left = self.leaves(&op.children[0], m_left);
        let reached_right = self.leaves(&op.children[1], m_right);
        let means = op.children.each_ref().map(|leaves| V::splat(leaves.mean));
        let difference = left.sub(reached_right);
        let dot = high.mul_add(difference, low.mul(means[0].sub(means[1])));
        let factor = V::select(right, zero(), V::splat(T::ONE)).sub(shares[0]);
        self.add(op.feature, factor, dot);
        let g = &mut self.g[op.g as usize..][..3];
        V::splat(op.mean).store(&mut g[0]);
        let mean_reached = V::select(right, means[1], means[0]);
        shares[0].mul_add(difference, reached_right.add(mean_reached)).store(&mut g[1]);
        V::select(right, reached_right, left).store(&mut g[2]);
    }

    /// `keep` multiplies by the mask that the split continues, if it does.
    #[inline(always)]
    fn down<V: Vector<Real = T>>(&mut self, op: &Fork<T>, keep: impl Fn(V) -> V) {
        let right = self.goes_right::<V>(op.test);
        let shares = op.shares.map(V::splat);
        let (from, to) = self.m.split_at_mut(op.right as usize);
        let from = &from[op.from as usize..][..op.n as usize];
        let (to_right, to_left) = to.split_at_mut((op.left - op.right) as usize);
        let mut low = load::<V>(&from[0]);
        for ((high, to_left), to_right) in from[1..].iter().zip(to_left).zip(to_right) {
            let high = load::<V>(high);
            let kept = keep(high);
            shares[0].mul_add(low, V::select(right, zero(), kept)).store(to_left);
            shares[1].mul_add(low, V::select(right, kept, zero())).store(to_right);
            low = high;
        }
    }

    #[inline(always)]
    fn up<V: Vector<Real = T>>(&mut self, op: &Fork<T>) {
        let right = self.goes_right::<V>(op.test);
        let share = V::splat(op.shares[0]);
        let (g_left, g_right) = self.g.split_at_mut(op.right as usize);
        let g_left = &mut g_left[op.left as usize..][..=op.n as usize];
        let g_right = &g_right[..op.n as usize];
        let m = &self.m[op.from as usize..][..op.n as usize];
        let (mut dot, mut reached) = (zero::<V>(), zero::<V>());
        for ((g_left, g_right), m) in g_left.iter_mut().zip(g_right).zip(m) {
            let (l, r) = (load::<V>(g_left), load::<V>(g_right));
            let difference = l.sub(r);
            share.mul_add(difference, r.add(reached)).store(g_left);
            reached = V::select(right, r, l);
            dot = load::<V>(m).mul_add(difference, dot);
        }
        reached.store(&mut g_left[op.n as usize]);
        let factor = V::select(right, zero(), V::splat(T::ONE)).sub(share);
        self.add(op.feature, factor, dot);
    }

    #[inline(always)]
    fn up_again<V: Vector<Real = T>>(&mut self, op: &Fork<T>, mask: u32) {
        let right = self.goes_right::<V>(op.test);
        let mask = load::<V>(&self.masks[mask as usize]);
        let shares = op.shares.map(V::splat);
        let (g_left, g_right) = self.g.split_at_mut(op.right as usize);
        let g_left = &mut g_left[op.left as usize..][..=op.n as usize];
        let g_right = &g_right[..op.n as usize];
        let m = &self.m[op.from as usize..][..op.n as usize];
        let (mut dot, mut reached) = (zero::<V>(), zero::<V>());
        // Σ M (reached · s − averaged): the same as the sum over both sides of (s − w) Σ M G.
        for ((g_left, g_right), m) in g_left.iter_mut().zip(g_right).zip(m) {
            let (l, r) = (load::<V>(g_left), load::<V>(g_right));
            let averaged = shares[0].mul_add(l, shares[1].mul(r));
            averaged.add(reached).store(g_left);
            reached = mask.mul(V::select(right, r, l));
            dot = load::<V>(m).mul_add(reached.sub(averaged), dot);
        }
        reached.store(&mut g_left[op.n as usize]);
        self.add(op.feature, V::splat(T::ONE), dot);
    }

    #[inline(always)]
    fn test<V: Vector<Real = T>>(&mut self, test: CodeTest, from: Option<u32>, to: u32) {
        let right = self.goes_right::<V>(test);
        let from = from.map_or(V::splat(T::ONE), |from| load(&self.masks[from as usize]));
        let to = &mut self.masks[to as usize..][..2];
        V::select(right, zero(), from).store(&mut to[0]);
        V::select(right, from, zero()).store(&mut to[1]);
    }

    #[inline(always)]
    fn apply<V: Vector<Real = T>>(&mut self, op: &Factor<T>) {
        let (mask, weight) = (load::<V>(&self.masks[op.mask as usize]), V::splat(op.weight));
        let (from, to) = self.m.split_at_mut(op.to as usize);
        let from = &from[op.m as usize..][..op.n as usize];
        let mut low = load::<V>(&from[0]);
        for (high, to) in from[1..].iter().zip(to) {
            let high = load::<V>(high);
            weight.mul_add(low, mask.mul(high)).store(to);
            low = high;
        }
    }

    #[inline(always)]
    fn lift<V: Vector<Real = T>>(&mut self, op: &Factor<T>) {
        let (mask, weight) = (load::<V>(&self.masks[op.mask as usize]), V::splat(op.weight));
        let g = &mut self.g[op.to as usize..][..=op.n as usize];
        let m = &self.m[op.m as usize..][..op.n as usize];
        let (mut dot, mut low) = (zero::<V>(), zero::<V>());
        for (g, m) in g.iter_mut().zip(m) {
            let value = load::<V>(g);
            dot = load::<V>(m).mul_add(value, dot);
            weight.mul_add(value, mask.mul(low)).store(g);
            low = value;
        }
        mask.mul(low).store(&mut g[op.n as usize]);
        self.add(op.feature, mask.sub(weight), dot);
    }

    /// s − w on both sides of a split.
    #[inline(always)]
    fn factors<V: Vector<Real = T>>(&self, op: &Fork<T>, mask: Option<u32>) -> [V; 2] {
        let right = self.goes_right::<V>(op.test);
        let mask = mask.map_or(V::splat(T::ONE), |mask| load(&self.masks[mask as usize]));
        let [left_share, right_share] = op.shares.map(V::splat);
        [V::select(right, zero(), mask).sub(left_share), V::select(right, mask, zero()).sub(right_share)]
    }

    #[inline(always)]
    fn split<V: Vector<Real = T>>(&mut self, op: &Fork<T>, mask: Option<u32>) {
        let [left_factor, right_factor] = self.factors::<V>(op, mask);
        let (from, to) = self.m.split_at_mut(op.right as usize);
        let (to_right, to_left) = to.split_at_mut((op.left - op.right) as usize);
        let pairs = from[op.from as usize..][..op.n as usize].windows(2);
        for ((pair, to_left), to_right) in pairs.zip(to_left).zip(to_right) {
            let sum = load::<V>(&pair[0]).add(load(&pair[1]));
            left_factor.mul(sum).store(to_left);
            right_factor.mul(sum).store(to_right);
        }
    }

    #[inline(always)]
    fn replace<V: Vector<Real = T>>(&mut self, op: &Factor<T>) {
        let factor = load::<V>(&self.masks[op.mask as usize]).sub(V::splat(op.weight));
        let (from, to) = self.m.split_at_mut(op.to as usize);
        for (pair, to) in from[op.m as usize..][..op.n as usize].windows(2).zip(to) {
            factor.mul(load::<V>(&pair[0]).add(load(&pair[1]))).store(to);
        }
    }

    #[inline(always)]
    fn dot<V: Vector<Real = T>>(&mut self, op: &Fork<T>, mask: Option<u32>) {
        let [left_factor, right_factor] = self.factors::<V>(op, mask);
        let left = &self.g[op.left as usize..][..op.n as usize];
        let right = &self.g[op.right as usize..][..op.n as usize];
        let m = &self.m[op.from as usize..][..op.n as usize];
        let (mut dot_left, mut dot_right) = (zero::<V>(), zero::<V>());
        for ((left, right), m) in left.iter().zip(right).zip(m) {
            let m = load::<V>(m);
            dot_left = m.mul_add(load(left), dot_left);
            dot_right = m.mul_add(load(right), dot_right);
        }
        self.add(op.feature, V::splat(T::ONE), left_factor.mul_add(dot_left, right_factor.mul(dot_right)));
    }

    #[inline(always)]
    fn dot_edge<V: Vector<Real = T>>(&mut self, op: &Factor<T>) {
        let factor = load::<V>(&self.masks[op.mask as usize]).sub(V::splat(op.weight));
        let g = &self.g[op.to as usize..][..op.n as usize];
        let m = &self.m[op.m as usize..][..op.n as usize];
        let dot = g.iter().zip(m).fold(zero::<V>(), |dot, (g, m)| load::<V>(m).mul_add(load(g), dot));
        self.add(op.feature, factor, dot);
    }

    #[inline(always)]
    fn reduce<V: Vector<Real = T>>(&mut self, m: u32, to: u32, n: usize, to_n: usize) {
        let (from, to) = self.m.split_at_mut(to as usize);
        let to = &mut to[..n - 1];
        for (pair, to) in from[m as usize..][..n].windows(2).zip(&mut *to) {
            load::<V>(&pair[0]).add(load(&pair[1])).store(to);
        }
        for n in (to_n + 1..n).rev() {
            for j in 0..n - 1 {
                load::<V>(&to[j]).add(load(&to[j + 1])).store(&mut to[j]);
            }
        }
    }

    #[inline(always)]
    fn elevate<V: Vector<Real = T>>(&mut self, g: u32, from: usize, to: usize) {
        let g = &mut self.g[g as usize..][..=to];
        for n in from..to {
            g[n + 1] = g[n];
            for j in (1..=n).rev() {
                load::<V>(&g[j]).add(load(&g[j - 1])).store(&mut g[j]);
            }
        }
    }

    #[inline(always)]
    fn constant<V: Vector<Real = T>>(&mut self, g: u32, n: u32, value: T) {
        let mut binomial = 1.0;
        for (j, g) in self.g[g as usize..][..=n as usize].iter_mut().enumerate() {
            V::splat(value * T::from_f64(binomial)).store(g);
            binomial *= f64::from(n - j as u32) / (j + 1) as f64;
        }
    }

    #[inline(always)]
    fn join<V: Vector<Real = T>>(&mut self, g: u32, right: u32, n: u32) {
        let (left, right) = self.g.split_at_mut(right as usize);
        for (left, right) in left[g as usize..][..=n as usize].iter_mut().zip(right) {
            load::<V>(left).add(load(right)).store(left);
        }
    }
}
