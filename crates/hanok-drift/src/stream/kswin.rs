//! KSWIN: a Kolmogorov–Smirnov test within a window.

use std::collections::VecDeque;

use super::{Detector, DetectorError, Signal, check, probability};
use crate::kolmogorov;
use crate::ranks::ranks;
use crate::text::mixed;

/// The largest window; each value costs a sort of part of it.
const WINDOW_MAX: usize = 100_000;

/// KSWIN (Raab et al. 2020): the newest values of a window against as many that are drawn from the older ones.
#[derive(Clone, Debug)]
pub struct Kswin {
    alpha: f64,
    window_size: usize,
    stat_size: usize,
    seed: u64,
    window: VecDeque<f64>,
    draws: u64,
    has_drifted: bool,
}

impl Default for Kswin {
    fn default() -> Kswin {
        Kswin::with(0.005, 100, 30, 0)
    }
}

impl Kswin {
    /// `alpha` is the probability of a false signal of one test; `stat_size` newest values of a window of `window_size`; `seed`
    /// decides what is drawn.
    pub fn new(alpha: f64, window_size: usize, stat_size: usize, seed: u64) -> Result<Kswin, DetectorError> {
        probability("alpha", alpha)?;
        let (size, stat) = (window_size as f64, stat_size as f64);
        check("window_size", size, window_size <= WINDOW_MAX, "at most 100,000")?;
        check(
            "stat_size",
            stat,
            stat_size > 0 && 2 * stat_size <= window_size,
            "from 1 to half of `window_size`",
        )?;
        Ok(Kswin::with(alpha, window_size, stat_size, seed))
    }

    fn with(alpha: f64, window_size: usize, stat_size: usize, seed: u64) -> Kswin {
        Kswin { alpha, window_size, stat_size, seed, window: VecDeque::new(), draws: 0, has_drifted: false }
    }

    /// Like [`Detector::update`], with drawn places of the caller's: `draw(k)` gives those of the test number k, from 0, since the
    /// detector last began.
    pub fn update_with(&mut self, value: f64, draw: impl Fn(u64) -> Vec<usize>) -> Signal {
        if !value.is_finite() {
            return Signal::Stable;
        }
        if self.has_drifted {
            (self.has_drifted, self.draws) = (false, 0);
            self.window.clear();
        }
        if self.window.len() == self.window_size {
            self.window.pop_front();
        }
        self.window.push_back(value);
        if self.window.len() < self.window_size {
            return Signal::Stable;
        }
        let places = draw(self.draws);
        self.draws += 1;
        let mut drawn: Vec<f64> =
            places.iter().filter_map(|place| self.window.get(*place).copied()).collect();
        let mut newest: Vec<f64> =
            self.window.iter().skip(self.window_size - self.stat_size).copied().collect();
        if drawn.is_empty() {
            return Signal::Stable;
        }
        drawn.sort_unstable_by(f64::total_cmp);
        newest.sort_unstable_by(f64::total_cmp);
        let found = ranks(&drawn, &newest);
        let largest = found.above.max(found.below);
        let d = largest as f64 / (drawn.len() * newest.len()) as f64;
        let p = kolmogorov::probability(largest, drawn.len(), newest.len());
        self.has_drifted = p <= self.alpha && d > 0.1;
        if self.has_drifted { Signal::Drift } else { Signal::Stable }
    }
}

impl Detector for Kswin {
    fn update(&mut self, value: f64) -> Signal {
        let (seed, stat_size, older) = (self.seed, self.stat_size, self.window_size - self.stat_size);
        self.update_with(value, |draw| {
            // The first of a shuffle (Fisher and Yates).
            let mut places: Vec<usize> = (0..older).collect();
            for at in 0..stat_size {
                let random = mixed(seed ^ mixed(draw ^ mixed(at as u64)));
                places.swap(at, at + (random % (older - at) as u64) as usize);
            }
            places.truncate(stat_size);
            places
        })
    }
}
