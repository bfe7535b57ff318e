//! The four generic tests: how they are written in YAML and the SQL that finds the rows that break them.

use hanok_types::{Name, TableName};
use serde_json::{Map, Value};

use crate::config;
use crate::place::{Place, did_you_mean};
use crate::template::quoted;

/// The tests that there are.
const RULES: [&str; 4] = ["unique", "not_null", "accepted_values", "relationships"];

/// Keys of a test's settings that say nothing about what it checks.
const KEYS_DESCRIPTIVE: [&str; 4] = ["description", "meta", "tags", "group"];

/// What a failing test means for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Severity {
    /// The run fails. The default.
    #[default]
    Error,
    /// The run goes on and says so.
    Warn,
}

/// What a test is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestTarget {
    /// The model with this index in the project.
    Model(usize),
    /// A table of a source.
    Source(TableName),
}

/// A test ready to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataTest {
    /// Its name: given, or made of the rule, the model and the column as dbt does.
    pub name: String,
    /// The model or source it stands under.
    pub target: TestTarget,
    /// All models it reads, ascending.
    pub models: Vec<usize>,
    /// The column, when it is about one.
    pub column: Option<String>,
    /// Of a `relationships` test of a plain column: the table and the column that it refers to.
    pub refers_to: Option<(TableName, String)>,
    /// What failing means.
    pub severity: Severity,
    /// A query for the rows that break the rule; the test passes when there are none.
    pub sql: String,
    /// Where it is written.
    pub place: Place,
}

impl DataTest {
    /// A query for the number of rows that break the rule: one row, one `bigint` column.
    pub fn count_sql(&self) -> String {
        format!("select count(*) as failures from (\n{}\n) as failing_rows", self.sql)
    }
}

/// A rule with its arguments.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Rule {
    Unique,
    NotNull,
    AcceptedValues { values: Vec<String>, quote: bool },
    Relationships { to: String, field: String },
}

impl Rule {
    fn name(&self) -> &'static str {
        match self {
            Self::Unique => RULES[0],
            Self::NotNull => RULES[1],
            Self::AcceptedValues { .. } => RULES[2],
            Self::Relationships { .. } => RULES[3],
        }
    }
}

/// A test as YAML has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TestEntry {
    pub(crate) rule: Rule,
    pub(crate) name: Option<String>,
    /// For tests that do not stand under a column.
    pub(crate) column_name: Option<String>,
    /// A condition that limits the rows looked at; a template.
    pub(crate) condition: Option<String>,
    pub(crate) severity: Severity,
    pub(crate) enabled: bool,
    /// Keys without effect.
    pub(crate) unused: Vec<String>,
}

impl TestEntry {
    /// Reads `unique`, `{accepted_values: {…}}` or `{name: …, test_name: …, …}`; the error is a lowercase fragment.
    pub(crate) fn read(entry: &Value) -> Result<Self, String> {
        let nothing = Map::new();
        let (rule, arguments) = match entry {
            Value::String(rule) => (rule.as_str(), &nothing),
            Value::Object(map) => match map.get("test_name") {
                Some(Value::String(rule)) => (rule.as_str(), map),
                Some(other) => return Err(format!("`test_name` is {other}, but must be a string")),
                None => single(map, &nothing)?,
            },
            other => return Err(format!("a test is a name or a mapping, not {other}")),
        };
        let mut settings = Settings::default();
        settings.read(arguments, 0)?;
        settings.finish(rule)
    }

    /// The name dbt would give: rule, table, column.
    pub(crate) fn full_name(&self, table: &str, column: Option<&str>) -> String {
        match (&self.name, column) {
            (Some(name), _) => name.clone(),
            (None, Some(column)) => format!("{}_{table}_{column}", self.rule.name()),
            (None, None) => format!("{}_{table}", self.rule.name()),
        }
    }
}

/// The only entry of `map`, which must be a mapping or nothing.
fn single<'a>(
    map: &'a Map<String, Value>,
    nothing: &'a Map<String, Value>,
) -> Result<(&'a str, &'a Map<String, Value>), String> {
    match map.iter().collect::<Vec<_>>()[..] {
        [(rule, Value::Null)] => Ok((rule, nothing)),
        [(rule, Value::Object(arguments))] => Ok((rule, arguments)),
        [(rule, other)] => Err(format!("the arguments of `{rule}` are {other}, but must be a mapping")),
        [] => Err("the test is an empty mapping".to_owned()),
        _ => {
            let keys: Vec<&str> = map.keys().map(String::as_str).collect();
            Err(format!(
                "the test has the keys `{}` side by side; its arguments must be indented below its name",
                keys.join("`, `")
            ))
        }
    }
}

#[derive(Default)]
struct Settings {
    name: Option<String>,
    column_name: Option<String>,
    condition: Option<String>,
    severity: Severity,
    disabled: bool,
    values: Option<Vec<String>>,
    quote: Option<bool>,
    to: Option<String>,
    field: Option<String>,
    unused: Vec<String>,
}

impl Settings {
    /// `arguments:` and `config:` hold more settings; within them they do not nest again.
    fn read(&mut self, map: &Map<String, Value>, depth: usize) -> Result<(), String> {
        for (key, value) in map {
            let text = || match value {
                Value::String(text) => Ok(Some(text.clone())),
                other => Err(format!("`{key}` is {other}, but must be a string")),
            };
            match key.as_str() {
                "arguments" | "config" if depth == 0 => match value {
                    Value::Object(inner) => self.read(inner, 1)?,
                    Value::Null => {}
                    other => return Err(format!("`{key}` is {other}, but must be a mapping")),
                },
                "test_name" if depth == 0 => {}
                "name" => self.name = text()?,
                "column_name" => self.column_name = text()?,
                "where" => self.condition = text()?,
                "to" => self.to = text()?,
                "field" => self.field = text()?,
                "severity" => {
                    self.severity = match text()?.unwrap_or_default().to_ascii_lowercase().as_str() {
                        "error" => Severity::Error,
                        "warn" => Severity::Warn,
                        other => {
                            return Err(format!("`severity` is `{other}`, but must be `warn` or `error`"));
                        }
                    }
                }
                "enabled" => {
                    self.disabled = !config::boolean(key, value).map_err(|error| error.to_string())?;
                }
                "quote" => {
                    self.quote = Some(config::boolean(key, value).map_err(|error| error.to_string())?);
                }
                "values" => self.values = Some(values(value)?),
                other if KEYS_DESCRIPTIVE.contains(&other) => {}
                other => self.unused.push(other.to_owned()),
            }
        }
        Ok(())
    }

    fn finish(self, rule: &str) -> Result<TestEntry, String> {
        let missing = |key: &str| format!("the test `{rule}` needs `{key}`");
        let rule = match rule {
            "unique" => Rule::Unique,
            "not_null" => Rule::NotNull,
            "accepted_values" => Rule::AcceptedValues {
                values: self.values.ok_or_else(|| missing("values"))?,
                quote: self.quote.unwrap_or(true),
            },
            "relationships" => Rule::Relationships {
                to: self.to.ok_or_else(|| missing("to"))?,
                field: self.field.ok_or_else(|| missing("field"))?,
            },
            other => {
                return Err(match did_you_mean(other, RULES) {
                    Some(name) => format!("there is no test `{other}`; did you mean `{name}`?"),
                    None => format!("there is no test `{other}`; known are {}", RULES.join(", ")),
                });
            }
        };
        Ok(TestEntry {
            rule,
            name: self.name,
            column_name: self.column_name,
            condition: self.condition,
            severity: self.severity,
            enabled: !self.disabled,
            unused: self.unused,
        })
    }
}

fn values(value: &Value) -> Result<Vec<String>, String> {
    let Value::Array(items) = value else {
        return Err(format!("`values` is {value}, but must be a list"));
    };
    if items.is_empty() {
        return Err("`values` is empty, so no row could pass".to_owned());
    }
    items
        .iter()
        .map(|item| match item {
            Value::String(text) => Ok(text.clone()),
            Value::Bool(_) | Value::Number(_) => Ok(item.to_string()),
            other => {
                Err(format!("`values` has {other}, but only strings, numbers and booleans can be compared"))
            }
        })
        .collect()
}

/// What the SQL of a test is made of.
pub(crate) struct TestSql<'a> {
    pub(crate) table: &'a TableName,
    /// SQL of the column.
    pub(crate) column: &'a str,
    /// SQL of the condition.
    pub(crate) condition: Option<&'a str>,
    /// The table that `relationships` points to.
    pub(crate) to: Option<&'a TableName>,
}

/// The query for the rows that break `rule`. As in dbt, `unique` and `accepted_values` return one row for each value, and
/// nulls break `not_null` only.
pub(crate) fn failing_rows(rule: &Rule, parts: &TestSql<'_>) -> String {
    let column = parts.column;
    let table = quoted(parts.table);
    let rows = match parts.condition {
        // The line break ends a condition's trailing comment.
        Some(condition) => format!("(select * from {table} where (\n{condition}\n)) as tested"),
        None => format!("{table} as tested"),
    };
    match rule {
        Rule::Unique => format!(
            "select {column} as value, count(*) as times from {rows}\n\
             where {column} is not null group by {column} having count(*) > 1"
        ),
        Rule::NotNull => format!("select * from {rows} where {column} is null"),
        Rule::AcceptedValues { values, quote } => {
            // Quoted values are compared as text whatever the column's type, so that `'1'` fits the number 1.
            let (left, list): (String, Vec<String>) = if *quote {
                (format!("cast({column} as varchar)"), values.iter().map(|value| literal(value)).collect())
            } else {
                (column.to_owned(), values.clone())
            };
            format!(
                "select {column} as value, count(*) as times from {rows}\n\
                 where {left} not in ({}) group by {column}",
                list.join(", ")
            )
        }
        Rule::Relationships { field, .. } => {
            let to = parts.to.map(quoted).unwrap_or_default();
            let field = column_sql(field);
            format!(
                "select child.value from (select {column} as value from {rows} where {column} is not null) as child\n\
                 left join (select distinct {field} as value from {to}) as parent on child.value = parent.value\n\
                 where parent.value is null"
            )
        }
    }
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// SQL for a column named in YAML, exactly as it is written there; a name that is quoted already stays.
pub(crate) fn column_sql(name: &str) -> String {
    if name.len() > 1 && name.starts_with('"') && name.ends_with('"') {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// SQL for `column_name:`, which may be a name or an expression.
pub(crate) fn expression_sql(text: &str) -> String {
    if Name::new(text).is_ok() { column_sql(text) } else { format!("({text})") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_way_of_writing_a_test_is_read() {
        let unique = TestEntry::read(&json!("unique")).unwrap();
        assert_eq!((unique.rule, unique.severity, unique.enabled), (Rule::Unique, Severity::Error, true));
        assert_eq!(TestEntry::read(&json!({"not_null": null})).unwrap().rule, Rule::NotNull);
        let flat =
            json!({"accepted_values": {"values": ["a", 1, true], "severity": "WARN", "where": "x > 1"}});
        let nested = json!({"accepted_values": {
            "arguments": {"values": ["a", 1, true]}, "config": {"severity": "warn", "where": "x > 1"},
        }});
        let named = json!({"test_name": "accepted_values", "values": ["a", 1, true], "severity": "warn",
            "config": {"where": "x > 1"}});
        let expected = TestEntry {
            rule: Rule::AcceptedValues { values: vec!["a".into(), "1".into(), "true".into()], quote: true },
            name: None,
            column_name: None,
            condition: Some("x > 1".into()),
            severity: Severity::Warn,
            enabled: true,
            unused: vec![],
        };
        for form in [flat, nested, named] {
            assert_eq!(TestEntry::read(&form).unwrap(), expected);
        }
        let relation = json!({"relationships": {"to": "ref('a')", "field": "id", "limit": 3}});
        let read = TestEntry::read(&relation).unwrap();
        assert_eq!(read.rule, Rule::Relationships { to: "ref('a')".into(), field: "id".into() });
        assert_eq!(read.unused, ["limit"]);
        assert_eq!(read.full_name("orders", Some("a_id")), "relationships_orders_a_id");
    }

    #[test]
    fn wrong_tests_are_explained() {
        let error = |value| TestEntry::read(&value).unwrap_err();
        assert_eq!(error(json!("uniqe")), "there is no test `uniqe`; did you mean `unique`?");
        assert!(error(json!("dbt_utils.expression_is_true")).contains("known are unique, not_null"));
        assert!(error(json!({"accepted_values": null, "values": [1]})).contains("indented"));
        assert_eq!(error(json!("accepted_values")), "the test `accepted_values` needs `values`");
        assert_eq!(
            error(json!({"relationships": {"to": "ref('a')"}})),
            "the test `relationships` needs `field`"
        );
        assert!(error(json!({"accepted_values": {"values": []}})).contains("empty"));
        assert!(error(json!({"accepted_values": {"values": [null]}})).contains("null"));
        assert!(error(json!({"accepted_values": {"values": "a"}})).contains("list"));
        assert!(error(json!({"unique": {"severity": "fatal"}})).contains("`fatal`"));
        assert!(error(json!({"unique": {"config": {"enabled": 2}}})).contains("true or false"));
        assert!(error(json!({"unique": 3})).contains("mapping"));
        assert!(error(json!({})).contains("empty"));
        assert!(error(json!(7)).contains('7'));
        assert!(error(json!({"test_name": 7})).contains("test_name"));
    }

    #[test]
    fn names_and_values_are_quoted() {
        assert_eq!(column_sql("Order \"x\""), "\"Order \"\"x\"\"\"");
        assert_eq!(column_sql("\"Order\""), "\"Order\"");
        assert_eq!(expression_sql("a || b"), "(a || b)");
        let table = TableName::new("main", "t").unwrap();
        let parts =
            TestSql { table: &table, column: "\"c\"", condition: Some("a = 1 -- x"), to: Some(&table) };
        let rule = Rule::AcceptedValues { values: vec!["it's".into()], quote: true };
        let sql = failing_rows(&rule, &parts);
        assert!(sql.contains("not in ('it''s')"), "{sql}");
        assert!(sql.contains("where (\na = 1 -- x\n)"), "{sql}");
        let rule = Rule::AcceptedValues { values: vec!["1".into()], quote: false };
        assert!(failing_rows(&rule, &parts).contains("where \"c\" not in (1)"));
    }
}
