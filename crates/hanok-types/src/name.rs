//! Names of schemas, tables, models, entities and features.

use std::fmt;
use std::str::FromStr;

use hanok_error::{Code, Coded, code};

/// Most characters a name may have.
const NAME_CHARS_MAX: usize = 200;

/// A name cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NameError {
    /// Nothing, or nothing but a dot's neighbour.
    #[error("the name is empty in `{0}`")]
    Empty(String),
    /// More than 200 characters.
    #[error("`{0}…` is longer than {NAME_CHARS_MAX} characters")]
    TooLong(String),
    /// A character that is neither a letter (of any script), a digit nor an underscore, or a leading digit.
    #[error("`{name}` has the character `{character}`, which a name must not have there")]
    Character {
        /// The whole name.
        name: String,
        /// The first offending character.
        character: char,
    },
    /// More than one dot in a table name.
    #[error("`{0}` is not of the form `schema.table`")]
    Parts(String),
}

impl Coded for NameError {
    fn code(&self) -> Code {
        code::NAME_INVALID
    }
}

/// A checked name: letters of any script, digits and underscores, not starting with a digit. Case matters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct Name(String);

impl Name {
    /// Checks `text`.
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        let text = text.into();
        if text.is_empty() {
            return Err(NameError::Empty(text));
        }
        if text.chars().count() > NAME_CHARS_MAX {
            return Err(NameError::TooLong(text.chars().take(20).collect()));
        }
        let bad = text
            .chars()
            .enumerate()
            .find(|&(at, c)| !(c == '_' || c.is_alphabetic() || (at > 0 && c.is_alphanumeric())));
        match bad {
            Some((_, character)) => Err(NameError::Character { name: text, character }),
            None => Ok(Self(text)),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl<'de> serde::Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// `schema.table`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TableName {
    /// The schema, e.g. `raw`.
    pub schema: Name,
    /// The table within the schema.
    pub table: Name,
}

impl TableName {
    /// Checks both parts.
    pub fn new(schema: &str, table: &str) -> Result<Self, NameError> {
        Ok(Self { schema: Name::new(schema)?, table: Name::new(table)? })
    }

    /// Parses `schema.table`, or `table` within `default_schema`.
    pub fn parse(text: &str, default_schema: &str) -> Result<Self, NameError> {
        match text.split('.').collect::<Vec<_>>()[..] {
            [table] => Self::new(default_schema, table),
            [schema, table] => Self::new(schema, table),
            _ => Err(NameError::Parts(text.to_owned())),
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.table)
    }
}

impl serde::Serialize for TableName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Both parts are needed: a file that is kept does not depend on a default schema.
impl<'de> serde::Deserialize<'de> for TableName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parts = text.split_once('.').ok_or_else(|| NameError::Parts(text.clone()));
        parts.and_then(|(schema, table)| Self::new(schema, table)).map_err(serde::de::Error::custom)
    }
}

/// Makes a column name of what a file says: letters of any script, digits and underscores; every run of other
/// characters becomes one underscore, none at the ends; a leading digit gets an underscore before it. Case is kept.
///
/// Delta Lake and Parquet readers refuse blanks and most punctuation, and a name that needs no quotes is the one people
/// can type.
pub fn column_name(raw: &str) -> String {
    let mut name = String::with_capacity(raw.len());
    let mut gap = false;
    for c in raw.trim().chars() {
        if c.is_alphanumeric() || c == '_' {
            if gap && !name.is_empty() {
                name.push('_');
            }
            gap = false;
            name.push(c);
        } else {
            gap = true;
        }
    }
    if name.starts_with(|c: char| c.is_numeric()) {
        name.insert(0, '_');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_pass_and_punctuation_does_not() {
        assert!(Name::new("학생_2").is_ok());
        assert!(Name::new("_hanok_load_id").is_ok());
        assert!(matches!(Name::new("2nd"), Err(NameError::Character { character: '2', .. })));
        assert!(matches!(Name::new("a-b"), Err(NameError::Character { character: '-', .. })));
        assert!(matches!(Name::new("../x"), Err(NameError::Character { .. })));
        assert!(matches!(Name::new(""), Err(NameError::Empty(_))));
    }

    #[test]
    fn a_table_name_has_one_dot_at_most() {
        assert_eq!(TableName::parse("flights", "raw").unwrap().to_string(), "raw.flights");
        assert_eq!(TableName::parse("mart.carrier", "raw").unwrap().to_string(), "mart.carrier");
        assert!(matches!(TableName::parse("a.b.c", "raw"), Err(NameError::Parts(_))));
    }

    #[test]
    fn names_keep_letters_of_any_script_and_lose_punctuation() {
        for (raw, name) in [
            ("year", "year"),
            (" Dep. Delay (min) ", "Dep_Delay_min"),
            ("출발 시각", "출발_시각"),
            ("2nd", "_2nd"),
            ("__x__", "__x__"),
            ("a--b", "a_b"),
            ("%", ""),
        ] {
            assert_eq!(column_name(raw), name);
        }
    }
}
