//! A value and where it came from.

use std::fmt;

/// The layer that set a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Built in.
    Default,
    /// `hanok.yaml`.
    Project,
    /// An environment variable.
    Environment,
    /// The command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "the defaults",
            Self::Project => "hanok.yaml",
            Self::Environment => "the environment",
            Self::Flag => "the command line",
        })
    }
}

/// A value and where it came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Its layer.
    pub origin: Origin,
}

impl<T> Setting<T> {
    /// The strongest layer that has a value wins: flag, environment, project, default.
    pub fn resolve(flag: Option<T>, environment: Option<T>, project: Option<T>, default: T) -> Self {
        let layers = [(flag, Origin::Flag), (environment, Origin::Environment), (project, Origin::Project)];
        for (value, origin) in layers {
            if let Some(value) = value {
                return Self { value, origin };
            }
        }
        Self { value: default, origin: Origin::Default }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_layer_wins() {
        assert_eq!(Setting::resolve(None, None, Some(3), 1), Setting { value: 3, origin: Origin::Project });
        assert_eq!(Setting::resolve(Some(9), Some(5), Some(3), 1).origin, Origin::Flag);
        assert_eq!(Setting::resolve(None::<u8>, None, None, 1).origin, Origin::Default);
    }
}
