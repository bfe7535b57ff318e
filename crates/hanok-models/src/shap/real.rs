//! The numbers that the kernel computes with.

use std::ops::{Add, Mul, Sub};

use crate::coding::LANES;
use crate::shap::kernel::{self, Block};
use crate::shap::ops::Program;
use crate::shap::simd::{self, Isa};

/// f32, or f64 where degrees are so high that f32 has not the range.
pub(super) trait Real:
    Copy + Send + Sync + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + 'static
{
    const ZERO: Self;
    const ONE: Self;
    fn from_f64(value: f64) -> Self;
    fn to_f64(self) -> f64;
    /// Adds a program's values of a block of rows.
    fn run(isa: Isa, program: &Program<Self>, block: &mut Block<'_, Self>);
}

impl Real for f32 {
    const ZERO: f32 = 0.0;
    const ONE: f32 = 1.0;
    fn from_f64(value: f64) -> f32 {
        value as f32
    }
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    fn run(isa: Isa, program: &Program<f32>, block: &mut Block<'_, f32>) {
        simd::run(isa, program, block);
    }
}

impl Real for f64 {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;
    fn from_f64(value: f64) -> f64 {
        value
    }
    fn to_f64(self) -> f64 {
        self
    }
    fn run(_: Isa, program: &Program<f64>, block: &mut Block<'_, f64>) {
        kernel::run::<[f64; LANES]>(program, block);
    }
}
