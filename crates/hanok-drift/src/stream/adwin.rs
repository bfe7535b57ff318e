//! ADWIN: a window that is cut where its parts differ.

use std::collections::VecDeque;

use super::{Detector, DetectorError, Signal, check, probability};

/// ADWIN2 (Bifet and Gavaldà 2007): a window as long as its mean does not change, kept as an exponential histogram of sums and
/// variances (Babcock et al. 2003), so that its memory grows with the logarithm of its length.
#[derive(Clone, Debug)]
pub struct Adwin {
    delta: f64,
    clock: u64,
    buckets_max: usize,
    window_min: f64,
    grace: f64,
    window: Window,
    has_drifted: bool,
}

/// Rows of buckets; row r holds buckets of 2ʳ values, the oldest first.
#[derive(Clone, Debug, Default)]
struct Window {
    rows: Vec<VecDeque<Bucket>>,
    width: f64,
    total: f64,
    variance: f64,
    ticks: u64,
}

/// Sum and sum of squared deviations of a bucket's values.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    total: f64,
    variance: f64,
}

/// What two parts of n and m values and means a and b add to their deviations when they become one.
fn between(n: f64, m: f64, a: f64, b: f64) -> f64 {
    n * m * (a - b) * (a - b) / (n + m)
}

fn size(row: usize) -> f64 {
    2.0_f64.powi(row as i32)
}

impl Default for Adwin {
    fn default() -> Adwin {
        Adwin {
            delta: 0.002,
            clock: 32,
            buckets_max: 5,
            window_min: 5.0,
            grace: 10.0,
            window: Window::default(),
            has_drifted: false,
        }
    }
}

impl Adwin {
    /// `delta` bounds the false signals; every `clock` values the window is tested, once it has more than `grace`; rows keep at most
    /// `buckets_max` buckets; no part of a cut is shorter than `window_min`.
    pub fn new(
        delta: f64,
        clock: u32,
        buckets_max: usize,
        window_min: u32,
        grace: u32,
    ) -> Result<Adwin, DetectorError> {
        probability("delta", delta)?;
        check("clock", f64::from(clock), clock > 0, "above 0")?;
        check("buckets_max", buckets_max as f64, (2..=1000).contains(&buckets_max), "from 2 to 1000")?;
        check("window_min", f64::from(window_min), window_min > 0, "above 0")?;
        let (window_min, grace) = (f64::from(window_min), f64::from(grace));
        let clock = u64::from(clock);
        Ok(Adwin {
            delta,
            clock,
            buckets_max,
            window_min,
            grace,
            window: Window::default(),
            has_drifted: false,
        })
    }

    /// How many values the window has.
    pub fn width(&self) -> u64 {
        self.window.width as u64
    }

    /// The mean of the window, 0 when it is empty.
    pub fn mean(&self) -> f64 {
        if self.window.width > 0.0 { self.window.total / self.window.width } else { 0.0 }
    }

    /// True when some cut of the window has parts whose means differ by more than chance allows.
    fn is_cut(&self) -> bool {
        let window = &self.window;
        let (mut old, mut old_total) = (0.0, 0.0);
        let (mut new, mut new_total) = (window.width, window.total);
        for (row, buckets) in window.rows.iter().enumerate().rev() {
            for bucket in buckets {
                old += size(row);
                new -= size(row);
                old_total += bucket.total;
                new_total -= bucket.total;
                let is_long = old >= self.window_min && new >= self.window_min;
                if is_long && (old_total / old - new_total / new).abs() > self.bound(old, new) {
                    return true;
                }
            }
        }
        false
    }

    fn bound(&self, old: f64, new: f64) -> f64 {
        let variance = self.window.variance / self.window.width;
        let delta = libm::log(2.0 * libm::log(self.window.width) / self.delta);
        let harmonic = 1.0 / (old - self.window_min + 1.0) + 1.0 / (new - self.window_min + 1.0);
        libm::sqrt(2.0 * harmonic * variance * delta) + 2.0 / 3.0 * delta * harmonic
    }
}

impl Window {
    fn add(&mut self, value: f64, buckets_max: usize) {
        if self.rows.is_empty() {
            self.rows.push(VecDeque::new());
        }
        self.rows[0].push_back(Bucket { total: value, variance: 0.0 });
        self.width += 1.0;
        if self.width > 1.0 {
            let before = self.width - 1.0;
            let deviation = value - self.total / before;
            self.variance += before * deviation * deviation / self.width;
        }
        self.total += value;
        self.compress(buckets_max);
    }

    /// Makes the two oldest buckets of a full row one of the next.
    fn compress(&mut self, buckets_max: usize) {
        let mut row = 0;
        while self.rows[row].len() > buckets_max {
            let (Some(first), Some(second)) = (self.rows[row].pop_front(), self.rows[row].pop_front()) else {
                return;
            };
            let n = size(row);
            let variance =
                first.variance + second.variance + between(n, n, first.total / n, second.total / n);
            if self.rows.len() == row + 1 {
                self.rows.push(VecDeque::new());
            }
            row += 1;
            self.rows[row].push_back(Bucket { total: first.total + second.total, variance });
        }
    }

    /// Forgets the oldest bucket.
    fn shorten(&mut self) {
        let Some(row) = self.rows.len().checked_sub(1) else { return };
        if let Some(bucket) = self.rows[row].pop_front() {
            let n = size(row);
            self.width -= n;
            self.total -= bucket.total;
            if self.width > 0.0 {
                let rest = self.total / self.width;
                self.variance -= bucket.variance + between(n, self.width, bucket.total / n, rest);
            }
        }
        if self.rows[row].is_empty() {
            self.rows.pop();
        }
    }
}

impl Detector for Adwin {
    fn update(&mut self, value: f64) -> Signal {
        if !value.is_finite() {
            return Signal::Stable;
        }
        if self.has_drifted {
            (self.window, self.has_drifted) = (Window::default(), false);
        }
        self.window.add(value, self.buckets_max);
        self.window.ticks += 1;
        if self.window.ticks.is_multiple_of(self.clock) && self.window.width > self.grace {
            while self.window.width > 0.0 && self.is_cut() {
                self.has_drifted = true;
                self.window.shorten();
            }
        }
        if self.has_drifted { Signal::Drift } else { Signal::Stable }
    }
}
