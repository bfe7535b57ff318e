//! Detectors that look at a stream value by value, with constant or logarithmic memory.
//!
//! Each begins anew with the first value after it has signalled drift, and gives the same signals as river 0.26 on the same
//! stream (`tests/drift/`).

mod adwin;
mod hoeffding;
mod kswin;
mod mean;
mod rates;

pub use adwin::Adwin;
pub use hoeffding::{HddmA, HddmW};
pub use kswin::Kswin;
pub use mean::PageHinkley;
pub use rates::{Ddm, Eddm};

use hanok_error::{Code, Coded, code};
use serde::Serialize;

/// What a detector says after a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Nothing to say.
    Stable,
    /// Drift may have begun.
    Warning,
    /// The stream has drifted.
    Drift,
}

/// A detector of drift in a stream.
pub trait Detector {
    /// Takes the stream's next value. Detectors of error rates take 1 for an error and 0 for none. A value that is not finite is
    /// left out: it gives [`Signal::Stable`] and changes nothing.
    fn update(&mut self, value: f64) -> Signal;
}

/// A setting of a detector is out of range.
#[derive(Debug, thiserror::Error)]
#[error("the setting `{name}` is {value}; it must be {allowed}")]
pub struct DetectorError {
    /// The setting.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// What it may be.
    pub allowed: &'static str,
}

impl Coded for DetectorError {
    fn code(&self) -> Code {
        code::DRIFT_DETECTOR
    }
}

fn probability(name: &'static str, value: f64) -> Result<(), DetectorError> {
    check(name, value, value > 0.0 && value < 1.0, "between 0 and 1")
}

fn check(
    name: &'static str,
    value: f64,
    is_allowed: bool,
    allowed: &'static str,
) -> Result<(), DetectorError> {
    if is_allowed { Ok(()) } else { Err(DetectorError { name, value, allowed }) }
}

/// A running mean.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    count: f64,
    value: f64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.value += 1.0 / self.count * (value - self.value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::mixed;

    fn all() -> Vec<Box<dyn Detector>> {
        vec![
            Box::new(Adwin::default()),
            Box::new(PageHinkley::default()),
            Box::new(Ddm::default()),
            Box::new(Eddm::default()),
            Box::new(HddmA::default()),
            Box::new(HddmW::default()),
            Box::new(Kswin::default()),
        ]
    }

    /// Errors of a rate, the same in every run.
    fn errors(rate: f64, seed: u64) -> impl Iterator<Item = f64> {
        (0..).map(move |at| {
            f64::from(u8::from((mixed(seed ^ mixed(at)) >> 11) as f64 / (1_u64 << 53) as f64 <= rate))
        })
    }

    #[test]
    fn a_rate_that_rises_far_is_found_and_not_before() {
        for (at, detector) in all().iter_mut().enumerate() {
            let before = errors(0.05, 1).take(2000).filter(|x| detector.update(*x) == Signal::Drift).count();
            assert!(before <= 10, "{at}: {before} false alarms");
            let found = errors(0.9, 2).take(1000).position(|x| detector.update(x) == Signal::Drift);
            assert!(found.is_some_and(|delay| delay < 400), "{at}: {found:?}");
        }
    }

    #[test]
    fn values_that_are_no_numbers_change_nothing() {
        for (at, detector) in all().iter_mut().enumerate() {
            let mut other = all().swap_remove(at);
            for (step, value) in errors(0.3, 7).take(1500).enumerate() {
                if step % 7 == 0 {
                    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                        assert_eq!(detector.update(odd), Signal::Stable);
                    }
                }
                assert_eq!(detector.update(value), other.update(value), "{at}, step {step}");
            }
        }
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        assert!(Adwin::new(0.0, 32, 5, 5, 10).is_err());
        assert!(Adwin::new(0.1, 0, 5, 5, 10).is_err());
        assert!(PageHinkley::new(30, f64::NAN, 50.0, 0.9999).is_err());
        assert!(Ddm::new(30, 3.0, 2.0).is_err());
        assert!(Eddm::new(30, 0.9, 0.95).is_err());
        assert!(HddmA::new(0.01, 0.001, false).is_err());
        assert!(HddmW::new(0.001, 0.005, 1.5, false).is_err());
        let error = Kswin::new(0.005, 50, 30, 0).unwrap_err();
        assert_eq!(error.code().0, "HK1806");
        assert!(error.to_string().contains("`stat_size` is 30"), "{error}");
    }
}
