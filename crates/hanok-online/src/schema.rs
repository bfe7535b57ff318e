//! What a view looks like in the store.

use std::collections::BTreeSet;

use hanok_error::{Code, Coded, code};
use hanok_types::ValueType;
use serde::{Deserialize, Serialize};

use crate::key::KeyKind;

/// Most features of one view.
pub(crate) const FEATURES_MAX: usize = 4_096;
/// Most join keys of one view.
pub(crate) const JOIN_KEYS_MAX: usize = 16;
/// Most bytes of a view's, a join key's or a feature's name.
const NAME_BYTES_MAX: usize = 480;

/// A view as the online store knows it: plain data.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ViewSchema {
    /// The name under which it is written and read.
    pub name: String,
    /// The join keys in order; none for a view without entities, which has a single row.
    pub join_keys: Vec<(String, ValueType)>,
    /// The features in order.
    pub features: Vec<(String, ValueType)>,
    /// How long a row is valid after its event timestamp, in microseconds; `None` is for ever.
    pub ttl_us: Option<i64>,
}

/// A view's schema cannot be stored.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SchemaError {
    /// A name is empty or too long.
    #[error("view `{view}`: the name `{name}` is empty or longer than {NAME_BYTES_MAX} bytes")]
    Name {
        /// The view.
        view: String,
        /// The offending name.
        name: String,
    },
    /// Two columns have one name.
    #[error("view `{view}`: the column `{column}` occurs twice")]
    Duplicate {
        /// The view.
        view: String,
        /// The repeated name.
        column: String,
    },
    /// A floating point join key: equality of such keys is not what people expect.
    #[error("view `{view}`: the join key `{column}` is a {value_type}, which cannot be a key")]
    KeyType {
        /// The view.
        view: String,
        /// The join key.
        column: String,
        /// Its type.
        value_type: ValueType,
    },
    /// More join keys or features than the store takes.
    #[error(
        "view `{view}`: {join_keys} join keys and {features} features; at most {JOIN_KEYS_MAX} and {FEATURES_MAX}"
    )]
    TooMany {
        /// The view.
        view: String,
        /// How many join keys it has.
        join_keys: usize,
        /// How many features it has.
        features: usize,
    },
    /// A ttl of zero or less.
    #[error("view `{view}`: a ttl of {ttl_us} µs")]
    Ttl {
        /// The view.
        view: String,
        /// The ttl.
        ttl_us: i64,
    },
}

impl Coded for SchemaError {
    fn code(&self) -> Code {
        code::ONLINE_SCHEMA_INVALID
    }
}

impl ViewSchema {
    /// Checks names, types and limits.
    pub fn check(&self) -> Result<(), SchemaError> {
        let view = || self.name.clone();
        if self.join_keys.len() > JOIN_KEYS_MAX || self.features.len() > FEATURES_MAX {
            let (join_keys, features) = (self.join_keys.len(), self.features.len());
            return Err(SchemaError::TooMany { view: view(), join_keys, features });
        }
        if let Some(ttl_us) = self.ttl_us.filter(|&ttl_us| ttl_us <= 0) {
            return Err(SchemaError::Ttl { view: view(), ttl_us });
        }
        let columns = self.join_keys.iter().chain(&self.features).map(|(name, _)| name);
        for name in std::iter::once(&self.name).chain(columns.clone()) {
            if name.is_empty() || name.len() > NAME_BYTES_MAX {
                return Err(SchemaError::Name { view: view(), name: name.clone() });
            }
        }
        let mut seen = BTreeSet::new();
        if let Some(column) = columns.clone().find(|&name| !seen.insert(name)) {
            return Err(SchemaError::Duplicate { view: view(), column: column.clone() });
        }
        let float = |value_type: ValueType| matches!(value_type, ValueType::Float32 | ValueType::Float64);
        if let Some((column, value_type)) = self.join_keys.iter().find(|&&(_, value_type)| float(value_type))
        {
            return Err(SchemaError::KeyType {
                view: view(),
                column: column.clone(),
                value_type: *value_type,
            });
        }
        Ok(())
    }

    /// How its keys are held.
    pub fn key_kind(&self) -> KeyKind {
        match self.join_keys[..] {
            [(_, value_type)] if !is_variable(value_type) => KeyKind::Word,
            _ => KeyKind::Bytes,
        }
    }

    /// The position of a feature.
    pub fn feature(&self, name: &str) -> Option<usize> {
        self.features.iter().position(|(feature, _)| feature == name)
    }
}

/// Whether values of the type live in the arena instead of their slot.
pub(crate) fn is_variable(value_type: ValueType) -> bool {
    matches!(value_type, ValueType::String | ValueType::Bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(join_keys: &[(&str, ValueType)], features: &[(&str, ValueType)]) -> ViewSchema {
        let own =
            |columns: &[(&str, ValueType)]| columns.iter().map(|(n, t)| ((*n).to_owned(), *t)).collect();
        ViewSchema { name: "v".into(), join_keys: own(join_keys), features: own(features), ttl_us: None }
    }

    #[test]
    fn names_types_and_limits_are_checked() {
        assert_eq!(schema(&[("k", ValueType::Int64)], &[("a", ValueType::Float32)]).check(), Ok(()));
        assert!(matches!(
            schema(&[("k", ValueType::Float64)], &[]).check(),
            Err(SchemaError::KeyType { .. })
        ));
        assert!(matches!(
            schema(&[("k", ValueType::Int64)], &[("k", ValueType::Int64)]).check(),
            Err(SchemaError::Duplicate { .. })
        ));
        assert!(matches!(schema(&[("", ValueType::Int64)], &[]).check(), Err(SchemaError::Name { .. })));
        let many = vec![("k", ValueType::Int64); JOIN_KEYS_MAX + 1];
        assert!(matches!(schema(&many, &[]).check(), Err(SchemaError::TooMany { .. })));
        let expired = ViewSchema { ttl_us: Some(0), ..schema(&[], &[]) };
        assert!(matches!(expired.check(), Err(SchemaError::Ttl { ttl_us: 0, .. })));
    }
}
