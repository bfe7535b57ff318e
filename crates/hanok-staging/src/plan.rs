//! `staging.yaml`: what becomes of each table and column.
//!
//! ```yaml
//! k: 5
//! tables:
//!   raw.students:
//!     key: student_id
//!     sample: {rate: 0.05}
//!     references:
//!       class_id: raw.classes.class_id
//!       city, street: raw.streets(city, name)
//!     indexes: [class_id, [last_name, first_name]]
//!     quasi_identifiers: [grade, birth]
//!     columns:
//!       name: fake(kind=name, locale=en)
//!       diet: {treatment: keep, tags: [personal], reason: the caterer tests with it}
//!   raw.loans: {mode: synthetic}
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use hanok_config::{ConfigError, read_yaml};
use hanok_error::Coded as _;
use hanok_mask::Treatment;
use hanok_types::{NameError, TableName};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// The tag of a column with personal data.
pub const PERSONAL: &str = "personal";

/// A plan. Tables that it does not name are shared with the parent, unless a column looks personal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What becomes of the tables that are not named.
    #[serde(default)]
    pub mode: PlanMode,
    /// People who should share each combination of quasi-identifiers; what synthetic tables keep of values at least as
    /// many rows have.
    #[serde(default = "default_k")]
    pub k: u64,
    /// Tables by name.
    #[serde(default)]
    pub tables: BTreeMap<TableName, TablePlan>,
}

/// What becomes of the tables that a plan does not name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlanMode {
    /// Shared with the parent, without a copy; refused when a column looks personal.
    #[default]
    Share,
    /// Tables without a real row.
    Synthetic,
}

/// What becomes of a table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TablePlan {
    /// How it comes to the branch.
    pub mode: Mode,
    /// The columns that tell its rows apart. Empty: those that the catalog knows.
    #[serde(deserialize_with = "one_or_more")]
    pub key: Vec<String>,
    /// Which rows the sample begins with; only of masked tables.
    pub sample: Option<Sample>,
    /// Its foreign keys.
    #[serde(deserialize_with = "references")]
    pub references: Vec<Reference>,
    /// Indexes of the published database.
    pub indexes: Vec<Index>,
    /// Columns by which people could be recognised together, counted for k-anonymity.
    #[serde(deserialize_with = "one_or_more")]
    pub quasi_identifiers: Vec<String>,
    /// Columns by name; the others are kept when they do not look personal.
    pub columns: BTreeMap<String, ColumnPlan>,
}

/// How a table comes to the branch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// A new table of masked rows.
    #[default]
    Mask,
    /// A new table without a real row.
    Synthetic,
    /// The parent's, without a copy.
    Share,
    /// Not at all.
    Omit,
}

/// Which rows a sample begins with. Rows that refer to them, and rows that those refer to, follow.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(try_from = "SampleEntry")]
pub enum Sample {
    /// This share of the rows, from 0 to 1, chosen by a keyed hash of the table's key.
    Rate(f64),
    /// The rows with these keys.
    Keys(Keys),
    /// The rows whose keys a query of the parent returns.
    Sql(String),
}

/// Keys of rows, one text for each row; columns of a composite key are separated by commas.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(untagged)]
pub enum Keys {
    /// In the plan.
    List(Vec<Scalar>),
    /// In a CSV file with a header, beside the plan.
    File(PathBuf),
}

/// A key as it is written, `7` or `S-7`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(from = "ScalarEntry")]
pub struct Scalar(pub String);

/// A foreign key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Reference {
    /// The columns that refer.
    pub columns: Vec<String>,
    /// The table that they refer to, which may be their own.
    pub table: TableName,
    /// The columns that they refer to, as many.
    pub key: Vec<String>,
}

/// An index of the published database: its columns in order.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Index(#[serde(deserialize_with = "one_or_more")] pub Vec<String>);

/// What becomes of a column: a treatment as [`Treatment`] writes it, alone or under `treatment`.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(from = "ColumnEntry")]
pub struct ColumnPlan {
    /// The treatment; none when only tags are given.
    pub treatment: Option<Treatment>,
    /// Tags; [`PERSONAL`] asks for a treatment.
    pub tags: Vec<String>,
    /// Columns of the same domain have equal images of equal values. Those that refer to each other always do.
    pub domain: Option<String>,
    /// Why a personal column is kept.
    pub reason: Option<String>,
}

impl Plan {
    /// Reads a plan. Keys and treatments that are not known are errors with their line.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        read_yaml(path)
    }
}

impl ColumnPlan {
    /// Whether it is tagged as personal.
    pub fn is_personal(&self) -> bool {
        self.tags.iter().any(|tag| tag == PERSONAL)
    }
}

/// As it is written: `class_id: raw.classes.class_id`, `city, street: raw.streets(city, name)`.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}({})", self.columns.join(", "), self.table, self.key.join(", "))
    }
}

fn default_k() -> u64 {
    5
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SampleEntry {
    rate: Option<f64>,
    keys: Option<Keys>,
    sql: Option<String>,
}

impl TryFrom<SampleEntry> for Sample {
    type Error = &'static str;

    fn try_from(entry: SampleEntry) -> Result<Self, Self::Error> {
        match (entry.rate, entry.keys, entry.sql) {
            (Some(rate), None, None) if (0.0..=1.0).contains(&rate) => Ok(Self::Rate(rate)),
            (Some(_), None, None) => Err("`rate` is not from 0 to 1"),
            (None, Some(keys), None) => Ok(Self::Keys(keys)),
            (None, None, Some(sql)) => Ok(Self::Sql(sql)),
            _ => Err("a sample has one of `rate`, `keys` and `sql`"),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ScalarEntry {
    Integer(i64),
    Text(String),
}

impl From<ScalarEntry> for Scalar {
    fn from(entry: ScalarEntry) -> Self {
        Self(match entry {
            ScalarEntry::Integer(number) => number.to_string(),
            ScalarEntry::Text(text) => text,
        })
    }
}

/// A treatment as it is written.
#[derive(Deserialize)]
struct Written(#[serde(deserialize_with = "treatment")] Treatment);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnFields {
    treatment: Option<Written>,
    #[serde(default, deserialize_with = "one_or_more")]
    tags: Vec<String>,
    domain: Option<String>,
    reason: Option<String>,
}

enum ColumnEntry {
    Treatment(Written),
    Fields(ColumnFields),
}

impl<'de> Deserialize<'de> for ColumnEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ColumnVisitor)
    }
}

/// Not an untagged enum, whose errors would not say what is wrong.
struct ColumnVisitor;

impl<'de> serde::de::Visitor<'de> for ColumnVisitor {
    type Value = ColumnEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a treatment, or a mapping with `treatment`, `tags`, `domain` and `reason`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        parse_treatment(text).map(|treatment| ColumnEntry::Treatment(Written(treatment)))
    }

    /// YAML's `null`, which is a treatment here.
    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(ColumnEntry::Treatment(Written(Treatment::Null)))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let fields = serde::de::value::MapAccessDeserializer::new(map);
        ColumnFields::deserialize(fields).map(ColumnEntry::Fields)
    }
}

impl From<ColumnEntry> for ColumnPlan {
    fn from(entry: ColumnEntry) -> Self {
        match entry {
            ColumnEntry::Treatment(Written(treatment)) => {
                Self { treatment: Some(treatment), tags: Vec::new(), domain: None, reason: None }
            }
            ColumnEntry::Fields(fields) => Self {
                treatment: fields.treatment.map(|written| written.0),
                tags: fields.tags,
                domain: fields.domain,
                reason: fields.reason,
            },
        }
    }
}

fn treatment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Treatment, D::Error> {
    match Option::<String>::deserialize(deserializer)? {
        Some(text) => parse_treatment(&text),
        None => Ok(Treatment::Null),
    }
}

fn parse_treatment<E: serde::de::Error>(text: &str) -> Result<Treatment, E> {
    text.parse().map_err(|error: hanok_mask::MaskError| match error.hint() {
        Some(hint) => E::custom(format!("{error}; {hint}")),
        None => E::custom(error),
    })
}

/// A name, or a list of them.
fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMore {
        One(String),
        More(Vec<String>),
    }
    Ok(match OneOrMore::deserialize(deserializer)? {
        OneOrMore::One(name) => vec![name],
        OneOrMore::More(names) => names,
    })
}

fn references<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Reference>, D::Error> {
    let written = BTreeMap::<String, String>::deserialize(deserializer)?;
    let parsed = written.iter().map(|(columns, target)| {
        let columns = list(columns);
        let (table, key) =
            target_of(target).map_err(|error| D::Error::custom(format!("`{target}`: {error}")))?;
        if columns.len() != key.len() {
            return Err(D::Error::custom(format!("`{target}` has not as many columns as refer to it")));
        }
        Ok(Reference { columns, table, key })
    });
    parsed.collect()
}

/// `schema.table.column` or `schema.table(column, column)`.
fn target_of(text: &str) -> Result<(TableName, Vec<String>), NameError> {
    let parts = || NameError::Parts(text.to_owned());
    let (table, key) = match text.split_once('(') {
        Some((table, inside)) => (table, list(inside.strip_suffix(')').ok_or_else(parts)?)),
        None => {
            let (table, column) = text.rsplit_once('.').ok_or_else(parts)?;
            (table, vec![column.to_owned()])
        }
    };
    let (schema, table) = table.trim().split_once('.').ok_or_else(parts)?;
    Ok((TableName::new(schema, table)?, key))
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(|column| column.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use hanok_config::parse_yaml;

    use super::*;

    fn read(text: &str) -> Result<Plan, (String, String)> {
        parse_yaml(Path::new("staging.yaml"), text)
            .map_err(|error| (error.place().unwrap_or_default(), error.to_string()))
    }

    #[test]
    fn a_plan_is_read() {
        let plan = read(
            "k: 3
tables:
  raw.학생:
    key: [school, 학번]
    sample: {rate: 0.05}
    references:
      class_id: raw.classes.class_id
      city, street: raw.streets(city, name)
    indexes: [class_id, [last_name, first_name]]
    quasi_identifiers: grade
    columns:
      name: fake(kind=name, locale=en)
      note: null
      diet: {treatment: keep, tags: [personal], reason: tested}
      phone: {treatment: 'hash(length=16)', domain: phones, tags: personal}
      born: {tags: [personal]}
  raw.loans: {mode: synthetic}
  raw.a: {sample: {keys: [7, S-8]}}
  raw.b: {sample: {keys: ids.csv}}
  raw.c: {sample: {sql: select 1}}
",
        )
        .unwrap();
        let table = |name: &str| &plan.tables[&TableName::parse(name, "").unwrap()];
        let students = table("raw.학생");
        assert_eq!((plan.k, plan.mode, students.mode), (3, PlanMode::Share, Mode::Mask));
        assert_eq!(students.key, ["school", "학번"]);
        assert_eq!(students.sample, Some(Sample::Rate(0.05)));
        let references: Vec<String> = students.references.iter().map(ToString::to_string).collect();
        assert_eq!(references, ["city, street: raw.streets(city, name)", "class_id: raw.classes(class_id)"]);
        assert_eq!(students.indexes[1].0, ["last_name", "first_name"]);
        assert_eq!(students.quasi_identifiers, ["grade"]);
        let column = |name: &str| &students.columns[name];
        let treatment = |name: &str| column(name).treatment.as_ref().map(ToString::to_string);
        assert_eq!(treatment("name").unwrap(), "fake(kind=name, locale=en, unique=false)");
        assert_eq!(treatment("note").unwrap(), "null");
        assert_eq!(treatment("phone").unwrap(), "hash(length=16)");
        assert_eq!(treatment("born"), None);
        assert!(
            column("born").is_personal() && column("phone").is_personal() && !column("name").is_personal()
        );
        assert_eq!(column("diet").reason.as_deref(), Some("tested"));
        assert_eq!(table("raw.loans").mode, Mode::Synthetic);
        let keys = Keys::List(vec![Scalar("7".to_owned()), Scalar("S-8".to_owned())]);
        assert_eq!(table("raw.a").sample, Some(Sample::Keys(keys)));
        assert_eq!(table("raw.b").sample, Some(Sample::Keys(Keys::File("ids.csv".into()))));
        assert_eq!(table("raw.c").sample, Some(Sample::Sql("select 1".to_owned())));
        let nothing = read("{}").unwrap();
        assert_eq!((nothing.k, nothing.tables.len()), (5, 0));
    }

    #[test]
    fn mistakes_have_a_line() {
        let refused = |text: &str, line: u32, part: &str| {
            let (place, message) = read(text).unwrap_err();
            assert!(place.starts_with(&format!("staging.yaml:{line}:")), "{place}: {message}");
            assert!(message.contains(part), "{message}");
        };
        refused("k: 5\ntabels: {}\n", 2, "tabels");
        refused("tables:\n  raw.a:\n    colums: {}\n", 3, "colums");
        refused(
            "tables:\n  raw.a:\n    columns:\n      name: fake(kind=cat)\n",
            4,
            "`cat` is not a kind of fake; known are",
        );
        refused("tables:\n  raw.a:\n    columns:\n      name: {treatment: encrypt}\n", 4, "not a treatment");
        refused("tables:\n  raw.a:\n    columns:\n      name: {treat: keep}\n", 4, "treat");
        refused("tables:\n  students:\n    key: a\n", 2, "schema.table");
        refused("tables:\n  raw.a:\n    sample: {rate: 5}\n", 3, "from 0 to 1");
        refused("tables:\n  raw.a:\n    sample: {rate: 0.5, sql: select 1}\n", 3, "one of");
        refused("tables:\n  raw.a:\n    references:\n      a, b: raw.c.x\n", 4, "as many columns");
        refused("tables:\n  raw.a:\n    references:\n      a: c.x\n", 4, "schema.table");
        refused("tables:\n  raw.a: {}\n  raw.a: {}\n", 3, "uplicate");
    }
}
