//! The numbers that the kernel computes with.

use std::ops::{Add, AddAssign, Mul, Sub};

/// f32, or f64 where degrees are so high that f32 has not the range.
pub(super) trait Real:
    Copy + Send + Sync + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + AddAssign
{
    const ZERO: Self;
    const ONE: Self;
    fn from_f64(value: f64) -> Self;
    fn to_f64(self) -> f64;
    /// a · b + c in one instruction.
    fn fused(self, b: Self, c: Self) -> Self;
}

macro_rules! real {
    ($($kind:ty),*) => {$(
        impl Real for $kind {
            const ZERO: $kind = 0.0;
            const ONE: $kind = 1.0;
            #[inline(always)]
            fn from_f64(value: f64) -> $kind {
                value as $kind
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn fused(self, b: $kind, c: $kind) -> $kind {
                self.mul_add(b, c)
            }
        }
    )*};
}
real!(f32, f64);
