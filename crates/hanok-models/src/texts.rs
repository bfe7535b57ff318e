//! Categories that have texts.

use std::collections::{BTreeMap, HashMap};

use crate::city;

/// By the number of a feature, how the texts of its categories become values.
pub(crate) type Texts = BTreeMap<u32, Text>;

/// How a text becomes a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    /// By its hash: see [`crate::ensemble::Dialect::prepare`].
    Hash,
    /// By its place among the texts of training.
    Code(HashMap<String, u32>),
}

impl Text {
    /// Codes in the order of some texts.
    pub(crate) fn codes(texts: Vec<String>) -> Text {
        Text::Code(texts.into_iter().zip(0..).collect())
    }

    /// The value of a text; NaN for one that training has not seen.
    pub(crate) fn value(&self, text: &str) -> f64 {
        match self {
            Text::Hash => f64::from(city::category(text.as_bytes())) + 0.5,
            Text::Code(codes) => codes.get(text).map_or(f64::NAN, |code| f64::from(*code)),
        }
    }
}
