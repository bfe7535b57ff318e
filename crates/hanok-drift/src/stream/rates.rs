//! Detectors of a rate of errors.

use super::{Detector, DetectorError, Mean, Signal, check};

/// DDM (Gama et al. 2004): the rate of errors against the lowest that it was.
#[derive(Clone, Debug)]
pub struct Ddm {
    warm_start: u32,
    warning: f64,
    drift: f64,
    state: DdmState,
}

#[derive(Clone, Debug)]
struct DdmState {
    rate: Mean,
    lowest: [f64; 2],
    signal: Signal,
}

impl Default for DdmState {
    fn default() -> DdmState {
        DdmState { rate: Mean::default(), lowest: [f64::INFINITY, 0.0], signal: Signal::Stable }
    }
}

impl Default for Ddm {
    fn default() -> Ddm {
        Ddm { warm_start: 30, warning: 2.0, drift: 3.0, state: DdmState::default() }
    }
}

impl Ddm {
    /// `warm_start` values come before a signal; `warning` and `drift` are in standard deviations of the rate at its lowest.
    pub fn new(warm_start: u32, warning: f64, drift: f64) -> Result<Ddm, DetectorError> {
        check("warning", warning, warning > 0.0 && warning <= drift, "above 0 and at most `drift`")?;
        check("drift", drift, drift.is_finite(), "finite")?;
        Ok(Ddm { warm_start, warning, drift, state: DdmState::default() })
    }
}

impl Detector for Ddm {
    fn update(&mut self, value: f64) -> Signal {
        if !value.is_finite() {
            return Signal::Stable;
        }
        if self.state.signal == Signal::Drift {
            self.state = DdmState::default();
        }
        let state = &mut self.state;
        state.rate.add(value);
        let rate = state.rate.value;
        let deviation = libm::sqrt((rate * (1.0 - rate) / state.rate.count).max(0.0));
        if state.rate.count > f64::from(self.warm_start) {
            if rate + deviation <= state.lowest[0] + state.lowest[1] {
                state.lowest = [rate, deviation];
            }
            let is_beyond = |times: f64| rate + deviation > state.lowest[0] + times * state.lowest[1];
            state.signal = match (is_beyond(self.drift), is_beyond(self.warning)) {
                (true, _) => Signal::Drift,
                (false, true) => Signal::Warning,
                (false, false) => Signal::Stable,
            };
        }
        state.signal
    }
}

/// EDDM (Baena-García et al. 2006): the distance between errors against the largest that it was.
#[derive(Clone, Debug)]
pub struct Eddm {
    warm_start: u32,
    warning: f64,
    drift: f64,
    state: EddmState,
}

#[derive(Clone, Debug)]
struct EddmState {
    distance: Mean,
    squares: f64,
    count: u64,
    last_error: u64,
    largest: f64,
    signal: Signal,
}

impl Default for EddmState {
    fn default() -> EddmState {
        EddmState {
            distance: Mean::default(),
            squares: 0.0,
            count: 0,
            last_error: 0,
            largest: -1.0,
            signal: Signal::Stable,
        }
    }
}

impl Default for Eddm {
    fn default() -> Eddm {
        Eddm { warm_start: 30, warning: 0.95, drift: 0.9, state: EddmState::default() }
    }
}

impl Eddm {
    /// `warm_start` values and errors come before a signal; `warning` and `drift` are shares of the largest distance.
    pub fn new(warm_start: u32, warning: f64, drift: f64) -> Result<Eddm, DetectorError> {
        check("drift", drift, drift > 0.0 && drift <= warning, "above 0 and at most `warning`")?;
        check("warning", warning, warning <= 1.0, "at most 1")?;
        Ok(Eddm { warm_start, warning, drift, state: EddmState::default() })
    }
}

impl Detector for Eddm {
    fn update(&mut self, value: f64) -> Signal {
        if !value.is_finite() {
            return Signal::Stable;
        }
        if self.state.signal == Signal::Drift {
            self.state = EddmState::default();
        }
        let state = &mut self.state;
        state.count += 1;
        if value != 1.0 {
            return state.signal;
        }
        let distance = (state.count - state.last_error) as f64;
        let before = state.distance.value;
        state.distance.add(distance);
        state.squares += (distance - before) * (distance - state.distance.value);
        if state.count > u64::from(self.warm_start) {
            let errors = state.distance.count;
            let variance = if errors > 1.0 { state.squares / (errors - 1.0) } else { 0.0 };
            let level = state.distance.value + 2.0 * libm::sqrt(variance);
            if level > state.largest {
                state.largest = level;
            } else if errors > f64::from(self.warm_start) {
                state.signal = match level / state.largest {
                    share if share < self.drift => Signal::Drift,
                    share if share < self.warning => Signal::Warning,
                    _ => Signal::Stable,
                };
            }
        }
        state.last_error = state.count;
        state.signal
    }
}
