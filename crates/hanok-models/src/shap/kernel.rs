//! Runs programs on groups of rows: the hot loop.
//!
//! The code is plain loops over lanes, compiled once for each instruction set by `#[target_feature]`; the compiler makes
//! vector instructions of them. The only unsafe act is to call the version that the processor has been asked for.

#![expect(unsafe_code, reason = "calling code for instruction sets found at run time")]

use crate::coding::{CodeTest, Codes, LANES};
use crate::shap::program::{Op, Program};
use crate::shap::real::Real;

/// One value a row.
pub(super) type Lanes<T> = [T; LANES];

/// Instruction sets that the kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Isa {
    /// What every processor of the target has, without fused multiplication on x86-64: SSE2; elsewhere NEON or none.
    Base,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Isa {
    /// Those that this processor has, the fastest last.
    pub(super) fn available() -> Vec<Isa> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "more are added on x86-64"))]
        let mut available = vec![Isa::Base];
        #[cfg(target_arch = "x86_64")]
        {
            let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let has_avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            if has_avx2 {
                available.push(Isa::Avx2);
            }
            if has_avx2 && has_avx512 {
                available.push(Isa::Avx512);
            }
        }
        available
    }
}

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
        let stack = |at: usize| vec![[T::ZERO; LANES]; most(at)];
        Stacks { m: stack(0), g: stack(1), masks: stack(2) }
    }
}

/// Adds the values of a program to `phi` (`phi[group · features + feature][lane]`) for all groups of `codes`
/// (`codes[group · columns + column][lane]`).
pub(super) fn run<T: Real>(
    isa: Isa,
    program: &Program<T>,
    codes: &[Codes],
    columns: usize,
    phi: &mut [Lanes<T>],
    features: usize,
    stacks: &mut Stacks<T>,
) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `Isa::Avx2` is made by `Isa::available` only, after it has found AVX2 and FMA on this processor.
        Isa::Avx2 => unsafe { groups_avx2(program, codes, columns, phi, features, stacks) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `Isa::Avx512` is made by `Isa::available` only, after it has found all the features named at the function.
        Isa::Avx512 => unsafe { groups_avx512(program, codes, columns, phi, features, stacks) },
        Isa::Base => groups::<T, { cfg!(not(target_arch = "x86_64")) }>(program, codes, columns, phi, features, stacks),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn groups_avx2<T: Real>(
    program: &Program<T>,
    codes: &[Codes],
    columns: usize,
    phi: &mut [Lanes<T>],
    features: usize,
    stacks: &mut Stacks<T>,
) {
    groups::<T, true>(program, codes, columns, phi, features, stacks);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
fn groups_avx512<T: Real>(
    program: &Program<T>,
    codes: &[Codes],
    columns: usize,
    phi: &mut [Lanes<T>],
    features: usize,
    stacks: &mut Stacks<T>,
) {
    groups::<T, true>(program, codes, columns, phi, features, stacks);
}

#[inline(always)]
fn groups<T: Real, const FUSED: bool>(
    program: &Program<T>,
    codes: &[Codes],
    columns: usize,
    phi: &mut [Lanes<T>],
    features: usize,
    stacks: &mut Stacks<T>,
) {
    for (codes, phi) in codes.chunks_exact(columns).zip(phi.chunks_exact_mut(features)) {
        for (m, start) in stacks.m.iter_mut().zip(&program.start) {
            *m = [*start; LANES];
        }
        for op in &program.ops {
            step::<T, FUSED>(op, codes, phi, stacks);
        }
    }
}

/// a · b + c
#[inline(always)]
fn mul_add<T: Real, const FUSED: bool>(a: T, b: T, c: T) -> T {
    if FUSED { a.fused(b, c) } else { a * b + c }
}

/// By lane: `right` where the test sends the row right, else `left`.
#[inline(always)]
fn select<T: Real>(test: CodeTest, codes: &Codes, left: impl Fn(usize) -> T, right: impl Fn(usize) -> T) -> Lanes<T> {
    std::array::from_fn(|l| if codes[l] > test.bound { right(l) } else { left(l) })
}

#[inline(always)]
fn step<T: Real, const FUSED: bool>(op: &Op<T>, codes: &[Codes], phi: &mut [Lanes<T>], stacks: &mut Stacks<T>) {
    let Stacks { m: moments, g: coefficients, masks } = stacks;
    match *op {
        Op::Pair { test, feature, m, g, mean, leaves, gains } => {
            let codes = &codes[test.column as usize];
            let m = &moments[m as usize];
            let phi = &mut phi[feature as usize];
            let gain = select(test, codes, |_| gains[0], |_| gains[1]);
            for l in 0..LANES {
                phi[l] = mul_add::<T, FUSED>(m[l], gain[l], phi[l]);
            }
            let g = &mut coefficients[g as usize..][..2];
            g[0] = [mean; LANES];
            g[1] = select(test, codes, |_| leaves[0], |_| leaves[1]);
        }
        Op::Down { test, m, left, right, n, shares } => {
            let codes = &codes[test.column as usize];
            let (from, to) = moments.split_at_mut(right as usize);
            let from = &from[m as usize..][..n as usize];
            let (to_right, to_left) = to.split_at_mut((left - right) as usize);
            for ((pair, to_left), to_right) in from.windows(2).zip(to_left).zip(to_right) {
                for l in 0..LANES {
                    let goes_left = if codes[l] > test.bound { T::ZERO } else { pair[1][l] };
                    let goes_right = if codes[l] > test.bound { pair[1][l] } else { T::ZERO };
                    to_left[l] = mul_add::<T, FUSED>(shares[0], pair[0][l], goes_left);
                    to_right[l] = mul_add::<T, FUSED>(shares[1], pair[0][l], goes_right);
                }
            }
        }
        Op::Up { test, feature, m, g, right, n, share } => {
            let codes = &codes[test.column as usize];
            let n = n as usize;
            let (left, right) = coefficients.split_at_mut(right as usize);
            let left = &mut left[g as usize..][..=n];
            let right = &right[..n];
            let m = &moments[m as usize..][..n];
            let mut dot = [T::ZERO; LANES];
            left[n] = [T::ZERO; LANES];
            for j in (0..n).rev() {
                for l in 0..LANES {
                    let difference = left[j][l] - right[j][l];
                    let reached = if codes[l] > test.bound { right[j][l] } else { left[j][l] };
                    left[j + 1][l] += reached;
                    left[j][l] = mul_add::<T, FUSED>(share, difference, right[j][l]);
                    dot[l] = mul_add::<T, FUSED>(m[j][l], difference, dot[l]);
                }
            }
            let factor = select(test, codes, |_| T::ONE - share, |_| T::ZERO - share);
            let phi = &mut phi[feature as usize];
            for l in 0..LANES {
                phi[l] = mul_add::<T, FUSED>(factor[l], dot[l], phi[l]);
            }
        }
        Op::Test { test, from, to } => {
            let codes = &codes[test.column as usize];
            let from = from.map_or([T::ONE; LANES], |from| masks[from as usize]);
            let to = &mut masks[to as usize..][..2];
            to[0] = select(test, codes, |l| from[l], |_| T::ZERO);
            to[1] = select(test, codes, |_| T::ZERO, |l| from[l]);
        }
        Op::Apply { mask, weight, m, to, n } => {
            let mask = &masks[mask as usize];
            let (from, to) = moments.split_at_mut(to as usize);
            for (pair, to) in from[m as usize..][..n as usize].windows(2).zip(to) {
                for l in 0..LANES {
                    to[l] = mul_add::<T, FUSED>(weight, pair[0][l], mask[l] * pair[1][l]);
                }
            }
        }
        Op::Lift { mask, weight, feature, m, g, n } => {
            let mask = &masks[mask as usize];
            let n = n as usize;
            let g = &mut coefficients[g as usize..][..=n];
            let m = &moments[m as usize..][..n];
            let mut dot = [T::ZERO; LANES];
            g[n] = [T::ZERO; LANES];
            for j in (0..n).rev() {
                for l in 0..LANES {
                    let value = g[j][l];
                    dot[l] = mul_add::<T, FUSED>(m[j][l], value, dot[l]);
                    g[j + 1][l] = mul_add::<T, FUSED>(mask[l], value, g[j + 1][l]);
                    g[j][l] = weight * value;
                }
            }
            let phi = &mut phi[feature as usize];
            for l in 0..LANES {
                phi[l] = mul_add::<T, FUSED>(mask[l] - weight, dot[l], phi[l]);
            }
        }
        Op::Scale { mask, weight, m, to, n } => {
            let mask = &masks[mask as usize];
            let (from, to) = moments.split_at_mut(to as usize);
            for (from, to) in from[m as usize..][..n as usize].iter().zip(to) {
                for l in 0..LANES {
                    to[l] = (mask[l] - weight) * from[l];
                }
            }
        }
        Op::Rescale { mask, weight, g, n } => {
            let mask = &masks[mask as usize];
            for g in &mut coefficients[g as usize..][..=n as usize] {
                for l in 0..LANES {
                    g[l] = (mask[l] - weight) * g[l];
                }
            }
        }
        Op::Reduce { m, to, n, to_n } => {
            let (from, to) = moments.split_at_mut(to as usize);
            let to = &mut to[..n as usize - 1];
            for (pair, to) in from[m as usize..][..n as usize].windows(2).zip(&mut *to) {
                for l in 0..LANES {
                    to[l] = pair[0][l] + pair[1][l];
                }
            }
            for n in (to_n as usize + 1..n as usize).rev() {
                for j in 0..n - 1 {
                    for l in 0..LANES {
                        to[j][l] = to[j][l] + to[j + 1][l];
                    }
                }
            }
        }
        Op::Elevate { g, from, to } => {
            let g = &mut coefficients[g as usize..][..=to as usize];
            for n in from as usize..to as usize {
                g[n + 1] = g[n];
                for j in (1..=n).rev() {
                    for l in 0..LANES {
                        g[j][l] = g[j][l] + g[j - 1][l];
                    }
                }
            }
        }
        Op::Constant { g, n, value } => {
            let g = &mut coefficients[g as usize..][..=n as usize];
            let mut binomial = 1.0;
            for (j, g) in g.iter_mut().enumerate() {
                *g = [value * T::from_f64(binomial); LANES];
                binomial *= f64::from(n - j as u32) / (j + 1) as f64;
            }
        }
        Op::Join { g, right, n } => {
            let (left, right) = coefficients.split_at_mut(right as usize);
            for (left, right) in left[g as usize..][..=n as usize].iter_mut().zip(right) {
                for l in 0..LANES {
                    left[l] = left[l] + right[l];
                }
            }
        }
    }
}
