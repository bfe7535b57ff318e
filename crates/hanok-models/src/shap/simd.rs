//! Sixteen rows at a time on each instruction set, and the choice among them: all unsafe code of the crate.

#![expect(unsafe_code, reason = "vector instructions that the processor must be asked for first")]

use crate::coding::{Codes, LANES};
use crate::shap::kernel::{self, Block, Lanes};
use crate::shap::ops::Program;
use crate::shap::real::Real;
use crate::shap::single::{self, Bundle, PLACES, Work};

/// Sixteen numbers, one a row.
pub(super) trait Vector: Copy {
    type Real: Real;
    /// Sixteen decisions.
    type Mask: Copy;
    fn splat(value: Self::Real) -> Self;
    fn load(from: &Lanes<Self::Real>) -> Self;
    fn store(self, to: &mut Lanes<Self::Real>);
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    /// self · b + c
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// Where a code is greater than `bound`.
    fn greater(codes: &Codes, bound: i32) -> Self::Mask;
    /// Where the code of the lane's column is greater than the lane's bound.
    fn greater_each(row: &[i32; PLACES], columns: &[u16; LANES], bounds: &Codes) -> Self::Mask;
    /// Where two lanes have a bit in common.
    fn common(a: &Codes, b: &Codes) -> Self::Mask;
    /// `bits` with `bit` where `met` is set: on the left where `right` is not set, on the right where it is.
    fn mark(bits: &Codes, right: Self::Mask, met: Self::Mask, bit: i32, to: [&mut Codes; 2]);
    /// `yes` where the mask is set, else `no`.
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;
}

/// Instruction sets that the kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Isa {
    /// What every processor of the target has: SSE2, NEON or none.
    Base,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 F.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Isa {
    /// Those that this processor has, the fastest last.
    pub(super) fn available() -> Vec<Isa> {
        let mut available = vec![Isa::Base];
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let found =
                [(has_avx2, Isa::Avx2), (has_avx2 && is_x86_feature_detected!("avx512f"), Isa::Avx512)];
            available.extend(found.into_iter().filter(|(has, _)| *has).map(|(_, isa)| isa));
        }
        available
    }
}

/// Adds a program's values of a block of rows in f32, with the instructions of `isa`.
pub(super) fn run(isa: Isa, program: &Program<f32>, block: &mut Block<'_, f32>) {
    match isa {
        Isa::Base => kernel::run::<[f32; LANES]>(program, block),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `Isa::Avx2` is made by `Isa::available` only, after it has found AVX2 and FMA on this processor.
        Isa::Avx2 => unsafe { x86::run_avx2(program, block) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `Isa::Avx512` is made by `Isa::available` only, after it has found AVX-512 F, AVX2 and FMA.
        Isa::Avx512 => unsafe { x86::run_avx512(program, block) },
    }
}

/// Adds a bundle's values of one row, with the instructions of `isa`.
pub(super) fn run_row(isa: Isa, bundle: &Bundle, work: &mut Work) {
    match isa {
        Isa::Base => single::run::<[f32; LANES]>(bundle, work),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx2 => unsafe { x86::run_row_avx2(bundle, work) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx512 => unsafe { x86::run_row_avx512(bundle, work) },
    }
}

impl<T: Real> Vector for [T; LANES] {
    type Real = T;
    type Mask = [bool; LANES];
    #[inline(always)]
    fn splat(value: T) -> Self {
        [value; LANES]
    }
    #[inline(always)]
    fn load(from: &Lanes<T>) -> Self {
        from.0
    }
    #[inline(always)]
    fn store(self, to: &mut Lanes<T>) {
        to.0 = self;
    }
    #[inline(always)]
    fn add(mut self, other: Self) -> Self {
        self.iter_mut().zip(other).for_each(|(a, b)| *a = *a + b);
        self
    }
    #[inline(always)]
    fn sub(mut self, other: Self) -> Self {
        self.iter_mut().zip(other).for_each(|(a, b)| *a = *a - b);
        self
    }
    #[inline(always)]
    fn mul(mut self, other: Self) -> Self {
        self.iter_mut().zip(other).for_each(|(a, b)| *a = *a * b);
        self
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        self.mul(b).add(c)
    }
    #[inline(always)]
    fn greater(codes: &Codes, bound: i32) -> Self::Mask {
        let mut mask = [false; LANES];
        mask.iter_mut().zip(codes.0).for_each(|(mask, code)| *mask = code > bound);
        mask
    }
    #[inline(always)]
    fn greater_each(row: &[i32; PLACES], columns: &[u16; LANES], bounds: &Codes) -> Self::Mask {
        std::array::from_fn(|lane| row[usize::from(columns[lane])] > bounds.0[lane])
    }
    #[inline(always)]
    fn common(a: &Codes, b: &Codes) -> Self::Mask {
        std::array::from_fn(|lane| a.0[lane] & b.0[lane] != 0)
    }
    #[inline(always)]
    fn mark(bits: &Codes, right: Self::Mask, met: Self::Mask, bit: i32, to: [&mut Codes; 2]) {
        for (lane, bits) in bits.0.iter().enumerate() {
            to[0].0[lane] = if met[lane] & !right[lane] { bits | bit } else { *bits };
            to[1].0[lane] = if met[lane] & right[lane] { bits | bit } else { *bits };
        }
    }
    #[inline(always)]
    fn select(mask: Self::Mask, yes: Self, mut no: Self) -> Self {
        for ((no, yes), mask) in no.iter_mut().zip(yes).zip(mask) {
            *no = if mask { yes } else { *no };
        }
        no
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    //! The methods of `Avx2` and `Avx512` are inlined into the two functions below, which have the instructions.

    use std::arch::x86_64::{
        __m256, __m256i, __m512, __m512i, __mmask16, _mm256_add_ps, _mm256_and_ps, _mm256_and_si256,
        _mm256_andnot_ps, _mm256_blendv_ps, _mm256_castps_si256, _mm256_castsi256_ps, _mm256_castsi256_si128,
        _mm256_cmpeq_epi32, _mm256_cmpgt_epi32, _mm256_cvtepu16_epi32, _mm256_extracti128_si256,
        _mm256_fmadd_ps, _mm256_i32gather_epi32, _mm256_loadu_ps, _mm256_loadu_si256, _mm256_mul_ps,
        _mm256_or_ps, _mm256_set1_epi32, _mm256_set1_ps, _mm256_storeu_ps, _mm256_storeu_si256,
        _mm256_sub_ps, _mm512_add_ps, _mm512_cmpgt_epi32_mask, _mm512_cvtepu16_epi32, _mm512_fmadd_ps,
        _mm512_i32gather_epi32, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mask_blend_ps,
        _mm512_mask_or_epi32, _mm512_mul_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_storeu_ps,
        _mm512_storeu_si512, _mm512_sub_ps, _mm512_test_epi32_mask,
    };

    use super::{Block, Bundle, Codes, LANES, Lanes, PLACES, Program, Vector, Work, kernel, single};

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn run_avx2(program: &Program<f32>, block: &mut Block<'_, f32>) {
        kernel::run::<Avx2>(program, block);
    }

    #[target_feature(enable = "avx2,fma,avx512f")]
    pub(super) fn run_avx512(program: &Program<f32>, block: &mut Block<'_, f32>) {
        kernel::run::<Avx512>(program, block);
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn run_row_avx2(bundle: &Bundle, work: &mut Work) {
        single::run::<Avx2>(bundle, work);
    }

    #[target_feature(enable = "avx2,fma,avx512f")]
    pub(super) fn run_row_avx512(bundle: &Bundle, work: &mut Work) {
        single::run::<Avx512>(bundle, work);
    }

    /// Private to this module, which uses it in `run_avx2` and `run_row_avx2` only: who has a value, or calls a function of this type, runs on a
    /// processor with AVX2 and FMA.
    #[derive(Clone, Copy)]
    struct Avx2(__m256, __m256);

    // SAFETY of every block in this impl: the instructions exist, as the type's documentation says. Loads and stores go through
    // references to sixteen numbers, of which they take the first or the last eight.
    impl Vector for Avx2 {
        type Real = f32;
        type Mask = (__m256, __m256);
        #[inline(always)]
        fn splat(value: f32) -> Self {
            unsafe { Avx2(_mm256_set1_ps(value), _mm256_set1_ps(value)) }
        }
        #[inline(always)]
        fn load(from: &Lanes<f32>) -> Self {
            let at = from.0.as_ptr();
            unsafe { Avx2(_mm256_loadu_ps(at), _mm256_loadu_ps(at.add(8))) }
        }
        #[inline(always)]
        fn store(self, to: &mut Lanes<f32>) {
            let at = to.0.as_mut_ptr();
            unsafe {
                _mm256_storeu_ps(at, self.0);
                _mm256_storeu_ps(at.add(8), self.1);
            }
        }
        #[inline(always)]
        fn add(self, other: Self) -> Self {
            unsafe { Avx2(_mm256_add_ps(self.0, other.0), _mm256_add_ps(self.1, other.1)) }
        }
        #[inline(always)]
        fn sub(self, other: Self) -> Self {
            unsafe { Avx2(_mm256_sub_ps(self.0, other.0), _mm256_sub_ps(self.1, other.1)) }
        }
        #[inline(always)]
        fn mul(self, other: Self) -> Self {
            unsafe { Avx2(_mm256_mul_ps(self.0, other.0), _mm256_mul_ps(self.1, other.1)) }
        }
        #[inline(always)]
        fn mul_add(self, b: Self, c: Self) -> Self {
            unsafe { Avx2(_mm256_fmadd_ps(self.0, b.0, c.0), _mm256_fmadd_ps(self.1, b.1, c.1)) }
        }
        #[inline(always)]
        fn greater(codes: &Codes, bound: i32) -> Self::Mask {
            let at = std::ptr::from_ref(codes).cast::<__m256i>();
            unsafe {
                let bound = _mm256_set1_epi32(bound);
                let first = _mm256_cmpgt_epi32(_mm256_loadu_si256(at), bound);
                let last = _mm256_cmpgt_epi32(_mm256_loadu_si256(at.add(1)), bound);
                (_mm256_castsi256_ps(first), _mm256_castsi256_ps(last))
            }
        }
        #[inline(always)]
        fn greater_each(row: &[i32; PLACES], columns: &[u16; LANES], bounds: &Codes) -> Self::Mask {
            let (c, d) = halves(bounds);
            // No u16 is out of the bounds of `PLACES` codes.
            unsafe {
                let columns = _mm256_loadu_si256(columns.as_ptr().cast());
                let first = _mm256_cvtepu16_epi32(_mm256_castsi256_si128(columns));
                let last = _mm256_cvtepu16_epi32(_mm256_extracti128_si256::<1>(columns));
                let a = _mm256_i32gather_epi32::<4>(row.as_ptr(), first);
                let b = _mm256_i32gather_epi32::<4>(row.as_ptr(), last);
                let (first, last) = (_mm256_cmpgt_epi32(a, c), _mm256_cmpgt_epi32(b, d));
                (_mm256_castsi256_ps(first), _mm256_castsi256_ps(last))
            }
        }
        #[inline(always)]
        fn common(a: &Codes, b: &Codes) -> Self::Mask {
            let ((a, b), (c, d)) = (halves(a), halves(b));
            // Of one bit at most in `b`: what they have in common is either this bit or nothing.
            unsafe {
                let (first, last) = (
                    _mm256_cmpeq_epi32(_mm256_and_si256(a, c), c),
                    _mm256_cmpeq_epi32(_mm256_and_si256(b, d), d),
                );
                (_mm256_castsi256_ps(first), _mm256_castsi256_ps(last))
            }
        }
        #[inline(always)]
        fn mark(bits: &Codes, right: Self::Mask, met: Self::Mask, bit: i32, to: [&mut Codes; 2]) {
            let (first, last) = halves(bits);
            let [left, right_to] = to.map(|to| std::ptr::from_mut(to).cast::<__m256i>());
            unsafe {
                let bit = _mm256_castsi256_ps(_mm256_set1_epi32(bit));
                for (at, (bits, (right, met))) in
                    [(first, (right.0, met.0)), (last, (right.1, met.1))].into_iter().enumerate()
                {
                    let (bits, marked) = (_mm256_castsi256_ps(bits), _mm256_and_ps(met, bit));
                    let to_left = _mm256_or_ps(bits, _mm256_andnot_ps(right, marked));
                    let to_right = _mm256_or_ps(bits, _mm256_and_ps(right, marked));
                    _mm256_storeu_si256(left.add(at), _mm256_castps_si256(to_left));
                    _mm256_storeu_si256(right_to.add(at), _mm256_castps_si256(to_right));
                }
            }
        }
        #[inline(always)]
        fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
            unsafe { Avx2(_mm256_blendv_ps(no.0, yes.0, mask.0), _mm256_blendv_ps(no.1, yes.1, mask.1)) }
        }
    }

    /// Both halves of sixteen codes; for `Avx2` only.
    #[inline(always)]
    fn halves(codes: &Codes) -> (__m256i, __m256i) {
        let at = std::ptr::from_ref(codes).cast::<__m256i>();
        // SAFETY: as in the impl of `Avx2`.
        unsafe { (_mm256_loadu_si256(at), _mm256_loadu_si256(at.add(1))) }
    }

    /// Private to this module, which uses it in `run_avx512` and `run_row_avx512` only: who has a value, or calls a function of this type, runs on a
    /// processor with AVX-512 F.
    #[derive(Clone, Copy)]
    struct Avx512(__m512);

    // SAFETY of every block in this impl: the instructions exist, as the type's documentation says. Loads and stores go through
    // references to sixteen numbers, all of which they take.
    impl Vector for Avx512 {
        type Real = f32;
        type Mask = __mmask16;
        #[inline(always)]
        fn splat(value: f32) -> Self {
            unsafe { Avx512(_mm512_set1_ps(value)) }
        }
        #[inline(always)]
        fn load(from: &Lanes<f32>) -> Self {
            unsafe { Avx512(_mm512_loadu_ps(from.0.as_ptr())) }
        }
        #[inline(always)]
        fn store(self, to: &mut Lanes<f32>) {
            unsafe { _mm512_storeu_ps(to.0.as_mut_ptr(), self.0) }
        }
        #[inline(always)]
        fn add(self, other: Self) -> Self {
            unsafe { Avx512(_mm512_add_ps(self.0, other.0)) }
        }
        #[inline(always)]
        fn sub(self, other: Self) -> Self {
            unsafe { Avx512(_mm512_sub_ps(self.0, other.0)) }
        }
        #[inline(always)]
        fn mul(self, other: Self) -> Self {
            unsafe { Avx512(_mm512_mul_ps(self.0, other.0)) }
        }
        #[inline(always)]
        fn mul_add(self, b: Self, c: Self) -> Self {
            unsafe { Avx512(_mm512_fmadd_ps(self.0, b.0, c.0)) }
        }
        #[inline(always)]
        fn greater(codes: &Codes, bound: i32) -> Self::Mask {
            unsafe {
                _mm512_cmpgt_epi32_mask(_mm512_loadu_si512(codes.0.as_ptr().cast()), _mm512_set1_epi32(bound))
            }
        }
        #[inline(always)]
        fn greater_each(row: &[i32; PLACES], columns: &[u16; LANES], bounds: &Codes) -> Self::Mask {
            // No u16 is out of the bounds of `PLACES` codes.
            unsafe {
                let columns = _mm512_cvtepu16_epi32(_mm256_loadu_si256(columns.as_ptr().cast()));
                let codes = _mm512_i32gather_epi32::<4>(columns, row.as_ptr());
                _mm512_cmpgt_epi32_mask(codes, all(bounds))
            }
        }
        #[inline(always)]
        fn common(a: &Codes, b: &Codes) -> Self::Mask {
            unsafe { _mm512_test_epi32_mask(all(a), all(b)) }
        }
        #[inline(always)]
        fn mark(bits: &Codes, right: Self::Mask, met: Self::Mask, bit: i32, to: [&mut Codes; 2]) {
            let [left, right_to] = to.map(|to| std::ptr::from_mut(to).cast::<__m512i>());
            unsafe {
                let (bits, bit) = (all(bits), _mm512_set1_epi32(bit));
                _mm512_storeu_si512(left, _mm512_mask_or_epi32(bits, met & !right, bits, bit));
                _mm512_storeu_si512(right_to, _mm512_mask_or_epi32(bits, met & right, bits, bit));
            }
        }
        #[inline(always)]
        fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
            unsafe { Avx512(_mm512_mask_blend_ps(mask, no.0, yes.0)) }
        }
    }

    /// Sixteen codes; for `Avx512` only.
    #[inline(always)]
    fn all(codes: &Codes) -> __m512i {
        // SAFETY: as in the impl of `Avx512`.
        unsafe { _mm512_loadu_si512(codes.0.as_ptr().cast()) }
    }
}
