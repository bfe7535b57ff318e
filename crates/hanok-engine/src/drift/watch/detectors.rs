//! The detectors by name, with their settings.

use hanok_drift::stream::{Adwin, Ddm, Detector, Eddm, HddmA, HddmW, Kswin, PageHinkley};

use super::WatchError;

/// A streaming detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetectorKind {
    /// The mean, with a window that adapts.
    Adwin,
    /// The mean, by its cumulative sum.
    PageHinkley,
    /// A rate of errors.
    Ddm,
    /// The distance between errors.
    Eddm,
    /// The distribution, by Kolmogorov–Smirnov.
    Kswin,
    /// A mean of values from 0 to 1, by Hoeffding's bound.
    HddmA,
    /// The same, with weights that favour the newest.
    HddmW,
}

impl DetectorKind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Adwin => "adwin",
            Self::PageHinkley => "page-hinkley",
            Self::Ddm => "ddm",
            Self::Eddm => "eddm",
            Self::Kswin => "kswin",
            Self::HddmA => "hddm-a",
            Self::HddmW => "hddm-w",
        }
    }

    /// Its settings with their defaults.
    pub fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Adwin => &[
                ("delta", "0.002"),
                ("clock", "32"),
                ("buckets_max", "5"),
                ("window_min", "5"),
                ("grace", "10"),
            ],
            Self::PageHinkley => {
                &[("instances_min", "30"), ("delta", "0.005"), ("threshold", "50"), ("fading", "0.9999")]
            }
            Self::Ddm => &[("warm_start", "30"), ("warning", "2"), ("drift", "3")],
            Self::Eddm => &[("warm_start", "30"), ("warning", "0.95"), ("drift", "0.9")],
            Self::Kswin => &[("alpha", "0.005"), ("window_size", "100"), ("stat_size", "30"), ("seed", "0")],
            Self::HddmA => {
                &[("drift_confidence", "0.001"), ("warning_confidence", "0.005"), ("both", "false")]
            }
            Self::HddmW => &[
                ("drift_confidence", "0.001"),
                ("warning_confidence", "0.005"),
                ("weight", "0.05"),
                ("both", "false"),
            ],
        }
    }

    pub(super) fn build(self, given: &[(String, String)]) -> Result<Box<dyn Detector + Send>, WatchError> {
        let settings = Settings { detector: self, given };
        let unknown = given.iter().find(|(name, _)| self.settings().iter().all(|(known, _)| known != name));
        if let Some((name, _)) = unknown {
            return Err(settings.refused(format!("`{name}`")));
        }
        Ok(match self {
            Self::Adwin => Box::new(Adwin::new(
                settings.get("delta")?,
                settings.get("clock")?,
                settings.get("buckets_max")?,
                settings.get("window_min")?,
                settings.get("grace")?,
            )?),
            Self::PageHinkley => Box::new(PageHinkley::new(
                settings.get("instances_min")?,
                settings.get("delta")?,
                settings.get("threshold")?,
                settings.get("fading")?,
            )?),
            Self::Ddm => Box::new(Ddm::new(
                settings.get("warm_start")?,
                settings.get("warning")?,
                settings.get("drift")?,
            )?),
            Self::Eddm => Box::new(Eddm::new(
                settings.get("warm_start")?,
                settings.get("warning")?,
                settings.get("drift")?,
            )?),
            Self::Kswin => Box::new(Kswin::new(
                settings.get("alpha")?,
                settings.get("window_size")?,
                settings.get("stat_size")?,
                settings.get("seed")?,
            )?),
            Self::HddmA => Box::new(HddmA::new(
                settings.get("drift_confidence")?,
                settings.get("warning_confidence")?,
                settings.get("both")?,
            )?),
            Self::HddmW => Box::new(HddmW::new(
                settings.get("drift_confidence")?,
                settings.get("warning_confidence")?,
                settings.get("weight")?,
                settings.get("both")?,
            )?),
        })
    }
}

struct Settings<'a> {
    detector: DetectorKind,
    given: &'a [(String, String)],
}

impl Settings<'_> {
    /// A setting: the last that was given, or the default.
    fn get<T: std::str::FromStr>(&self, name: &'static str) -> Result<T, WatchError> {
        let given = self.given.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let default =
            self.detector.settings().iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let value = given.or(default).unwrap_or_default();
        value.parse().map_err(|_| self.refused(format!("`{name}` that could be `{value}`")))
    }

    fn refused(&self, given: String) -> WatchError {
        let known = self.detector.settings().iter().map(|(name, value)| format!("{name}={value}"));
        let known = known.collect::<Vec<_>>().join(", ");
        WatchError::Setting { detector: self.detector.name(), given, known }
    }
}

#[cfg(test)]
mod tests {
    use hanok_drift::stream::Signal;

    use super::*;

    #[test]
    fn the_defaults_told_are_those_of_the_detectors() {
        let defaults: [(DetectorKind, Box<dyn Detector>); 7] = [
            (DetectorKind::Adwin, Box::new(Adwin::default())),
            (DetectorKind::PageHinkley, Box::new(PageHinkley::default())),
            (DetectorKind::Ddm, Box::new(Ddm::default())),
            (DetectorKind::Eddm, Box::new(Eddm::default())),
            (DetectorKind::Kswin, Box::new(Kswin::default())),
            (DetectorKind::HddmA, Box::new(HddmA::default())),
            (DetectorKind::HddmW, Box::new(HddmW::default())),
        ];
        for (kind, mut expected) in defaults {
            let mut found = kind.build(&[]).unwrap();
            let mut state = 1_u32;
            let mut drifts = 0;
            for at in 0..6000 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let limit = if at / 1500 % 2 == 0 { 10 } else { 70 };
                let value = f64::from(u8::from(state >> 24 < 256 * limit / 100));
                let signal = expected.update(value);
                assert_eq!(found.update(value), signal, "{} at {at}", kind.name());
                drifts += u32::from(signal == Signal::Drift);
            }
            assert!(drifts > 0, "{}", kind.name());
        }
    }
}
