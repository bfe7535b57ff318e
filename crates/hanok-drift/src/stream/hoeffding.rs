//! HDDM (Frías-Blanco et al. 2015): bounds that hold whatever the distribution, for values from 0 to 1.

use super::{Detector, DetectorError, Mean, Signal, check, probability};

fn confidences(drift: f64, warning: f64) -> Result<(), DetectorError> {
    probability("drift_confidence", drift)?;
    probability("warning_confidence", warning)?;
    check("warning_confidence", warning, warning >= drift, "at least `drift_confidence`")
}

/// A signal of the rise; with the fall as well, whatever is worse. `is_change(falls, confidence)`.
fn signal(drift: f64, warning: f64, both: bool, is_change: impl Fn(bool, f64) -> bool) -> Signal {
    let one = |falls: bool| match (is_change(falls, drift), is_change(falls, warning)) {
        (true, _) => Signal::Drift,
        (false, true) => Signal::Warning,
        (false, false) => Signal::Stable,
    };
    if both { one(false).max(one(true)) } else { one(false) }
}

/// HDDM with means: Hoeffding's bound on the mean of all values against the mean up to the best cut.
#[derive(Clone, Debug)]
pub struct HddmA {
    drift: f64,
    warning: f64,
    both: bool,
    state: MeanState,
}

#[derive(Clone, Debug)]
struct MeanState {
    all: Mean,
    lowest: Mean,
    highest: Mean,
    signal: Signal,
}

impl Default for MeanState {
    fn default() -> MeanState {
        MeanState {
            all: Mean::default(),
            lowest: Mean::default(),
            highest: Mean::default(),
            signal: Signal::Stable,
        }
    }
}

impl Default for HddmA {
    fn default() -> HddmA {
        HddmA { drift: 0.001, warning: 0.005, both: false, state: MeanState::default() }
    }
}

impl HddmA {
    /// Probabilities of a false signal; with `both`, a fall signals too.
    pub fn new(drift_confidence: f64, warning_confidence: f64, both: bool) -> Result<HddmA, DetectorError> {
        confidences(drift_confidence, warning_confidence)?;
        Ok(HddmA { drift: drift_confidence, warning: warning_confidence, both, state: MeanState::default() })
    }
}

impl Detector for HddmA {
    fn update(&mut self, value: f64) -> Signal {
        if !value.is_finite() {
            return Signal::Stable;
        }
        if self.state.signal == Signal::Drift {
            self.state = MeanState::default();
        }
        let state = &mut self.state;
        state.all.add(value);
        if state.lowest.count == 0.0 {
            (state.lowest, state.highest) = (state.all, state.all);
        }
        let bound = |mean: &Mean| libm::sqrt(1.0 / (2.0 * mean.count) * libm::log(1.0 / self.drift));
        let all = state.all;
        if state.lowest.value + bound(&state.lowest) >= all.value + bound(&all) {
            state.lowest = all;
        }
        if state.highest.value - bound(&state.highest) <= all.value - bound(&all) {
            state.highest = all;
        }
        let is_change = |falls: bool, confidence: f64| {
            let cut = if falls { state.highest } else { state.lowest };
            let difference = if falls { cut.value - all.value } else { all.value - cut.value };
            let spread = (all.count - cut.count) / cut.count * (1.0 / all.count);
            cut.count != all.count && difference >= libm::sqrt(spread / 2.0 * libm::log(2.0 / confidence))
        };
        state.signal = signal(self.drift, self.warning, self.both, is_change);
        state.signal
    }
}

/// HDDM with weights: McDiarmid's bound on exponentially weighted means, which sees gradual drift sooner.
#[derive(Clone, Debug)]
pub struct HddmW {
    drift: f64,
    warning: f64,
    weight: f64,
    both: bool,
    state: WeightState,
}

#[derive(Clone, Debug)]
struct WeightState {
    all: Weighted,
    /// Before and after the best cut, for a rise and for a fall.
    rise: [Weighted; 2],
    fall: [Weighted; 2],
    cuts: [f64; 2],
    signal: Signal,
}

/// An exponentially weighted mean and the sum of its squared weights.
#[derive(Clone, Copy, Debug)]
struct Weighted {
    mean: f64,
    bound: f64,
    has_values: bool,
}

impl Weighted {
    const EMPTY: Weighted = Weighted { mean: 0.0, bound: 1.0, has_values: false };

    fn add(&mut self, value: f64, weight: f64) {
        self.mean = if self.has_values { weight * value + (1.0 - weight) * self.mean } else { value };
        self.bound = weight * weight + (1.0 - weight) * (1.0 - weight) * self.bound;
        self.has_values = true;
    }
}

impl Default for WeightState {
    fn default() -> WeightState {
        let pair = [Weighted::EMPTY; 2];
        let cuts = [f64::INFINITY, f64::NEG_INFINITY];
        WeightState { all: Weighted::EMPTY, rise: pair, fall: pair, cuts, signal: Signal::Stable }
    }
}

impl Default for HddmW {
    fn default() -> HddmW {
        HddmW { drift: 0.001, warning: 0.005, weight: 0.05, both: false, state: WeightState::default() }
    }
}

impl HddmW {
    /// Probabilities of a false signal, and the weight of the newest value; with `both`, a fall signals too.
    pub fn new(
        drift_confidence: f64,
        warning_confidence: f64,
        weight: f64,
        both: bool,
    ) -> Result<HddmW, DetectorError> {
        confidences(drift_confidence, warning_confidence)?;
        probability("weight", weight)?;
        let (drift, warning) = (drift_confidence, warning_confidence);
        Ok(HddmW { drift, warning, weight, both, state: WeightState::default() })
    }
}

impl Detector for HddmW {
    fn update(&mut self, value: f64) -> Signal {
        if !value.is_finite() {
            return Signal::Stable;
        }
        if self.state.signal == Signal::Drift {
            self.state = WeightState::default();
        }
        let (state, weight) = (&mut self.state, self.weight);
        state.all.add(value, weight);
        let bound = |sum: f64, confidence: f64| libm::sqrt(sum * libm::log(1.0 / confidence) / 2.0);
        let width = bound(state.all.bound, self.drift);
        if state.all.mean + width < state.cuts[0] {
            state.cuts[0] = state.all.mean + width;
            state.rise = [state.all, Weighted::EMPTY];
        } else {
            state.rise[1].add(value, weight);
        }
        if state.all.mean - width > state.cuts[1] {
            state.cuts[1] = state.all.mean - width;
            state.fall = [state.all, Weighted::EMPTY];
        } else {
            state.fall[1].add(value, weight);
        }
        let is_change = |falls: bool, confidence: f64| {
            let [low, high] = if falls { [state.fall[1], state.fall[0]] } else { state.rise };
            low.has_values
                && high.has_values
                && high.mean - low.mean > bound(low.bound + high.bound, confidence)
        };
        state.signal = signal(self.drift, self.warning, self.both, is_change);
        state.signal
    }
}
