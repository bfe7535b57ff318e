//! Page and Hinkley's test of a mean.

use super::{Detector, DetectorError, Mean, Signal, check, probability};

/// Page–Hinkley (Page 1954): a fading sum of the deviations from the mean, against its lowest and highest value so far. Finds a mean
/// that rises as well as one that falls.
#[derive(Clone, Debug)]
pub struct PageHinkley {
    instances_min: u32,
    delta: f64,
    threshold: f64,
    fading: f64,
    state: State,
}

#[derive(Clone, Debug)]
struct State {
    mean: Mean,
    up: f64,
    down: f64,
    lowest: f64,
    highest: f64,
    has_drifted: bool,
}

impl Default for State {
    fn default() -> State {
        // The highest begins at −1, as in river.
        State {
            mean: Mean::default(),
            up: 0.0,
            down: 0.0,
            lowest: f64::INFINITY,
            highest: -1.0,
            has_drifted: false,
        }
    }
}

impl Default for PageHinkley {
    fn default() -> PageHinkley {
        PageHinkley {
            instances_min: 30,
            delta: 0.005,
            threshold: 50.0,
            fading: 1.0 - 0.0001,
            state: State::default(),
        }
    }
}

impl PageHinkley {
    /// `instances_min` values come before a signal; deviations below `delta` are tolerated; drift is a sum beyond `threshold`, which
    /// keeps the share `fading` at each value.
    pub fn new(
        instances_min: u32,
        delta: f64,
        threshold: f64,
        fading: f64,
    ) -> Result<PageHinkley, DetectorError> {
        check("delta", delta, delta.is_finite() && delta >= 0.0, "0 or more")?;
        check("threshold", threshold, threshold.is_finite() && threshold > 0.0, "above 0")?;
        probability("fading", fading)?;
        Ok(PageHinkley { instances_min, delta, threshold, fading, state: State::default() })
    }
}

impl Detector for PageHinkley {
    fn update(&mut self, value: f64) -> Signal {
        if !value.is_finite() {
            return Signal::Stable;
        }
        if self.state.has_drifted {
            self.state = State::default();
        }
        let state = &mut self.state;
        state.mean.add(value);
        let deviation = value - state.mean.value;
        state.up = self.fading * state.up + deviation - self.delta;
        state.down = self.fading * state.down + deviation + self.delta;
        state.lowest = state.lowest.min(state.up);
        state.highest = state.highest.max(state.down);
        let is_enough = state.mean.count >= f64::from(self.instances_min);
        let is_far = state.up - state.lowest > self.threshold || state.highest - state.down > self.threshold;
        state.has_drifted = is_enough && is_far;
        if state.has_drifted { Signal::Drift } else { Signal::Stable }
    }
}
