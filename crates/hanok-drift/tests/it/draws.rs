//! Random columns that are the same in every run.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray};

/// A generator (splitmix64).
pub(crate) struct Draws(pub(crate) u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.uniform()).ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    pub(crate) fn many<T>(&mut self, rows: usize, draw: impl Fn(&mut Draws) -> T) -> Vec<T> {
        (0..rows).map(|_| draw(self)).collect()
    }
}

pub(crate) fn numbers(values: Vec<f64>) -> ArrayRef {
    Arc::new(Float64Array::from(values))
}

pub(crate) fn words(values: &[usize]) -> ArrayRef {
    Arc::new(values.iter().map(|value| Some(format!("word {value}"))).collect::<StringArray>())
}
