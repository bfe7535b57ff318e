//! Rendering: Jinja in, SQL out, with what the template refers to and from which line each piece of SQL came.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use hanok_error::{Code, Coded, code};
use hanok_types::TableName;
use minijinja::value::{Kwargs, Object, ObjectRepr, Rest, Serde, Value, from_args};
use minijinja::{Environment, Error, ErrorKind, OutputSpan, OutputSpanKind, State, UndefinedBehavior};
use serde_json::Map;

use crate::place::{Place, did_you_mean};

/// Work one rendering may do. The engine charges one for an instruction and one for every 64 bytes it makes, so this
/// also bounds the memory (128 MB) and the output.
const FUEL_MAX: u64 = 2_000_000;

/// Calls of macros within each other.
const RECURSION_MAX: usize = 100;

/// A template cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The template engine refused it.
    #[error("{message}")]
    Render {
        /// Where in the template.
        place: Place,
        /// The engine's reason.
        message: String,
    },
    /// The template did more work than [`FUEL_MAX`] allows.
    #[error("the template does more than {FUEL_MAX} steps of work")]
    Fuel {
        /// Where it was stopped.
        place: Place,
    },
    /// `var()` without a value and without a default.
    #[error("the variable `{name}` has no value")]
    Var {
        /// Where it is called.
        place: Place,
        /// The variable.
        name: String,
        /// A variable with a similar name.
        similar: Option<String>,
    },
    /// `ref()` to no model.
    #[error("there is no model `{name}`")]
    Ref {
        /// Where it is called.
        place: Place,
        /// The model.
        name: String,
        /// A model with a similar name.
        similar: Option<String>,
    },
    /// `source()` to no source.
    #[error("there is no source `{name}`")]
    Source {
        /// Where it is called.
        place: Place,
        /// `source.table`.
        name: String,
        /// A source with a similar name.
        similar: Option<String>,
    },
}

impl Coded for TemplateError {
    fn code(&self) -> Code {
        match self {
            Self::Render { .. } | Self::Fuel { .. } => code::MODEL_TEMPLATE,
            Self::Var { .. } => code::MODEL_VAR,
            Self::Ref { .. } => code::MODEL_REF,
            Self::Source { .. } => code::MODEL_SOURCE,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Var { similar, .. } | Self::Ref { similar, .. } | Self::Source { similar, .. } => {
                similar.as_ref().map(|name| format!("did you mean `{name}`?"))
            }
            Self::Render { .. } | Self::Fuel { .. } => None,
        }
    }

    fn place(&self) -> Option<String> {
        Some(match self {
            Self::Render { place, .. }
            | Self::Fuel { place }
            | Self::Var { place, .. }
            | Self::Ref { place, .. }
            | Self::Source { place, .. } => place.to_string(),
        })
    }
}

/// What a function of ours found wrong; travels through the engine as the cause of its error.
#[derive(Debug, thiserror::Error)]
#[error("see the variant")]
enum Fault {
    Var { name: String, similar: Option<String> },
    Ref { name: String, similar: Option<String> },
    Source { name: String, similar: Option<String> },
}

impl Fault {
    fn raise(self) -> Error {
        Error::new(ErrorKind::InvalidOperation, "fault").with_source(self)
    }
}

/// A table or a view as templates see it: prints as `"schema"."name"`, has `schema`, `name`, `table`, `identifier`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Relation(pub(crate) TableName);

impl Object for Relation {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "schema" => Some(Value::from(self.0.schema.as_str())),
            "name" | "table" | "identifier" => Some(Value::from(self.0.table.as_str())),
            _ => None,
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quoted(&self.0))
    }
}

/// `"schema"."table"`. A [`hanok_types::Name`] has no quotation marks, so nothing needs escaping.
pub(crate) fn quoted(table: &TableName) -> String {
    format!("\"{}\".\"{}\"", table.schema, table.table)
}

/// What a template referred to while it was rendered, in the order of the calls.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Record {
    /// Names given to `ref()`.
    pub(crate) refs: Vec<String>,
    /// Names given to `source()`.
    pub(crate) sources: Vec<(String, String)>,
    /// Settings given to `config()`; later calls win.
    pub(crate) config: Map<String, serde_json::Value>,
}

/// The names a template may refer to.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Model to the table it writes.
    pub(crate) models: HashMap<String, TableName>,
    /// Source and table to the table in the lake.
    pub(crate) sources: BTreeMap<(String, String), TableName>,
}

/// Renders the templates of one project.
pub(crate) struct Renderer {
    env: Environment<'static>,
    project: Arc<str>,
    vars: Arc<Map<String, serde_json::Value>>,
    target: Value,
}

/// The SQL of a template.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rendered {
    pub(crate) sql: String,
    pub(crate) lines: LineMap,
    pub(crate) record: Record,
}

impl Renderer {
    pub(crate) fn new(project: &str, vars: Map<String, serde_json::Value>, schema: &str) -> Self {
        let mut env = Environment::new();
        env.set_fuel(Some(FUEL_MAX));
        env.set_recursion_limit(RECURSION_MAX);
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        env.set_unknown_method_callback(python_method);
        let target = Value::from_pairs([("name", "hanok"), ("type", "hanok"), ("schema", schema)]);
        Self { env, project: Arc::from(project), vars: Arc::new(vars), target }
    }

    /// Renders `source`. Without `names` every reference is accepted: that is the first pass, which learns what there is.
    pub(crate) fn render(
        &self,
        file: &str,
        source: &str,
        this: &TableName,
        names: Option<&Arc<Names>>,
    ) -> Result<Rendered, TemplateError> {
        let record = Arc::new(Mutex::new(Record::default()));
        let context = self.context(Some(this), names, &record);
        let (sql, spans) = self
            .env
            .template_from_named_str(file, source)
            .and_then(|template| template.render_with_spans(context))
            .map_err(|error| template_error(&error, file, 0))?;
        let lines = LineMap::new(&spans);
        let record = with_record(&record, |record| record.clone());
        Ok(Rendered { sql, lines, record })
    }

    /// Renders a template inside YAML, such as a test's `where`; `place` is the entry's.
    pub(crate) fn text(
        &self,
        place: &Place,
        source: &str,
        names: &Arc<Names>,
    ) -> Result<(String, Record), TemplateError> {
        let record = Arc::default();
        let context = self.context(None, Some(names), &record);
        let text = self
            .env
            .template_from_named_str(&place.file, source)
            .and_then(|template| template.render(context))
            .map_err(|error| template_error(&error, &place.file, place.line.saturating_sub(1)))?;
        Ok((text, with_record(&record, |record| record.clone())))
    }

    /// Evaluates `ref('x')` or `source('x', 'y')` in YAML, with or without braces.
    pub(crate) fn relation(
        &self,
        place: &Place,
        source: &str,
        names: &Arc<Names>,
    ) -> Result<(TableName, Record), TemplateError> {
        let text = source.trim();
        let text = text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}")).unwrap_or(text);
        let record = Arc::new(Mutex::new(Record::default()));
        let context = self.context(None, Some(names), &record);
        let value = self
            .env
            .compile_expression_owned(text.to_owned())
            .and_then(|expression| expression.eval(context))
            .map_err(|error| template_error(&error, &place.file, place.line.saturating_sub(1)))?;
        let record = with_record(&record, |record| record.clone());
        match value.downcast_object_ref::<Relation>() {
            Some(relation) => Ok((relation.0.clone(), record)),
            None => Err(TemplateError::Render {
                place: place.clone(),
                message: format!("`{source}` is neither `ref(…)` nor `source(…)`"),
            }),
        }
    }

    fn context(
        &self,
        this: Option<&TableName>,
        names: Option<&Arc<Names>>,
        record: &Arc<Mutex<Record>>,
    ) -> Value {
        let project = Arc::clone(&self.project);
        let vars = Arc::clone(&self.vars);
        let mut pairs = vec![
            ("ref", ref_function(&project, names, record)),
            ("source", source_function(names, record)),
            ("config", config_function(record)),
            (
                "var",
                Value::from_function(move |name: &str, default: Option<Value>| {
                    variable(&vars, &project, name, default)
                }),
            ),
            ("target", self.target.clone()),
            ("project_name", Value::from(self.project.as_ref())),
            ("execute", Value::from(true)),
        ];
        if let Some(this) = this {
            pairs.push(("this", Value::from_object(Relation(this.clone()))));
        }
        Value::from_pairs(pairs)
    }
}

fn with_record<T>(record: &Mutex<Record>, change: impl FnOnce(&mut Record) -> T) -> T {
    change(&mut record.lock().unwrap_or_else(PoisonError::into_inner))
}

fn placeholder(schema: &str, table: &str) -> Result<Value, Error> {
    let table = TableName::new(schema, table)
        .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))?;
    Ok(Value::from_object(Relation(table)))
}

fn ref_function(project: &Arc<str>, names: Option<&Arc<Names>>, record: &Arc<Mutex<Record>>) -> Value {
    let (project, names, record) = (Arc::clone(project), names.cloned(), Arc::clone(record));
    Value::from_function(move |first: &str, second: Option<&str>| {
        let name = match second {
            None => first,
            Some(name) if first == project.as_ref() => name,
            Some(_) => {
                let message = format!("`ref` names the package `{first}`, but this project is `{project}`");
                return Err(Error::new(ErrorKind::InvalidOperation, message));
            }
        };
        with_record(&record, |record| {
            if !record.refs.iter().any(|known| known == name) {
                record.refs.push(name.to_owned());
            }
        });
        let Some(names) = &names else { return placeholder("main", name) };
        match names.models.get(name) {
            Some(table) => Ok(Value::from_object(Relation(table.clone()))),
            None => Err(Fault::Ref {
                name: name.to_owned(),
                similar: did_you_mean(name, names.models.keys().map(String::as_str)),
            }
            .raise()),
        }
    })
}

fn source_function(names: Option<&Arc<Names>>, record: &Arc<Mutex<Record>>) -> Value {
    let (names, record) = (names.cloned(), Arc::clone(record));
    Value::from_function(move |source: &str, table: &str| {
        let key = (source.to_owned(), table.to_owned());
        with_record(&record, |record| {
            if !record.sources.contains(&key) {
                record.sources.push(key.clone());
            }
        });
        let Some(names) = &names else { return placeholder("main", "source") };
        match names.sources.get(&key) {
            Some(table) => Ok(Value::from_object(Relation(table.clone()))),
            None => {
                let name = format!("{source}.{table}");
                let known: Vec<String> = names.sources.keys().map(|(s, t)| format!("{s}.{t}")).collect();
                let similar = did_you_mean(&name, known.iter().map(String::as_str));
                Err(Fault::Source { name, similar }.raise())
            }
        }
    })
}

fn config_function(record: &Arc<Mutex<Record>>) -> Value {
    let record = Arc::clone(record);
    Value::from_function(move |arguments: Rest<minijinja::value::ValueOrKwargs>| {
        let arguments = arguments.into_values();
        let (positional, named) = from_args::<(&[Value], Kwargs)>(&arguments)?;
        let mut settings = Map::new();
        for value in positional {
            match serde_json::to_value(value) {
                Ok(serde_json::Value::Object(map)) => settings.extend(map),
                _ => return Err(Error::new(ErrorKind::InvalidOperation, "`config` takes `key = value`")),
            }
        }
        for key in named.args() {
            let value = serde_json::to_value(named.peek::<Value>(key)?).map_err(|error| {
                Error::new(ErrorKind::InvalidOperation, format!("`{key}` in `config`: {error}"))
            })?;
            settings.insert(key.to_owned(), value);
        }
        with_record(&record, |record| record.config.extend(settings));
        Ok(Value::from(""))
    })
}

/// dbt lets variables stand under the project's name too; those come first.
fn variable(
    vars: &Map<String, serde_json::Value>,
    project: &str,
    name: &str,
    default: Option<Value>,
) -> Result<Value, Error> {
    let own = vars.get(project).and_then(|own| own.as_object());
    match own.and_then(|own| own.get(name)).or_else(|| vars.get(name)) {
        Some(value) => Ok(Value::from(Serde(value))),
        None => default.ok_or_else(|| {
            let similar = did_you_mean(name, vars.keys().map(String::as_str));
            Fault::Var { name: name.to_owned(), similar }.raise()
        }),
    }
}

/// The Python methods that dbt's templates commonly use.
fn python_method(state: &mut State, value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    let filter = match (value.as_str().is_some(), method) {
        (true, "upper" | "lower" | "replace" | "split" | "title" | "capitalize") | (false, "items") => method,
        (true, "strip") => "trim",
        (true, "join") => {
            let (items,) = from_args::<(Value,)>(args)?;
            return state.apply_filter("join", &[items, value.clone()]);
        }
        (true, "startswith" | "endswith") => {
            let (part,) = from_args::<(&str,)>(args)?;
            let text = value.as_str().unwrap_or_default();
            return Ok(Value::from(if method == "startswith" {
                text.starts_with(part)
            } else {
                text.ends_with(part)
            }));
        }
        (false, "keys") => "list",
        (false, "get") => {
            let (key, default) = from_args::<(Value, Option<Value>)>(args)?;
            let found = value.get_item(&key)?;
            let default = default.unwrap_or(Value::from(()));
            return Ok(if found.is_undefined() { default } else { found });
        }
        _ => return Err(Error::from(ErrorKind::UnknownMethod)),
    };
    let mut all = vec![value.clone()];
    all.extend_from_slice(args);
    state.apply_filter(filter, &all)
}

/// Turns the engine's error into ours; `line_offset` is what comes before the template in its file.
fn template_error(error: &Error, file: &str, line_offset: u32) -> TemplateError {
    let mut line = error.line();
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut message = None;
    while let Some(here) = cause {
        if let Some(fault) = here.downcast_ref::<Fault>() {
            return fault_error(fault, Place::new(file, at_line(line, line_offset)));
        }
        if let Some(inner) = here.downcast_ref::<Error>() {
            // The innermost error is the reason; the outer ones say through which block it came.
            line = inner.line().or(line);
            if inner.kind() == ErrorKind::OutOfFuel {
                return TemplateError::Fuel { place: Place::new(file, at_line(line, line_offset)) };
            }
            message = Some(match inner.detail() {
                Some(detail) => format!("{}: {detail}", inner.kind()),
                None => inner.kind().to_string(),
            });
        }
        cause = here.source();
    }
    let message = message.unwrap_or_else(|| error.to_string());
    TemplateError::Render { place: Place::new(file, at_line(line, line_offset)), message }
}

fn at_line(line: Option<usize>, offset: u32) -> u32 {
    line.map_or(offset, |line| u32::try_from(line).unwrap_or(u32::MAX).saturating_add(offset))
}

fn fault_error(fault: &Fault, place: Place) -> TemplateError {
    match fault {
        Fault::Var { name, similar } => {
            TemplateError::Var { place, name: name.clone(), similar: similar.clone() }
        }
        Fault::Ref { name, similar } => {
            TemplateError::Ref { place, name: name.clone(), similar: similar.clone() }
        }
        Fault::Source { name, similar } => {
            TemplateError::Source { place, name: name.clone(), similar: similar.clone() }
        }
    }
}

/// From a place in rendered SQL back to the line of the template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineMap {
    /// Start in the output (bytes), line in the template there, whether the template's lines go on within.
    pieces: Vec<(usize, u32, bool)>,
}

impl LineMap {
    fn new(spans: &[OutputSpan]) -> Self {
        let piece = |span: &OutputSpan| {
            let line = u32::try_from(span.line()).unwrap_or(u32::MAX);
            (span.output_range().start, line, span.kind() == OutputSpanKind::Raw)
        };
        Self { pieces: spans.iter().map(piece).collect() }
    }

    /// The template's line for the byte `offset` of `sql`, which must be the SQL this map was made with. `None` for an
    /// empty template.
    pub fn line(&self, sql: &str, offset: usize) -> Option<u32> {
        let at = self.pieces.partition_point(|&(start, ..)| start <= offset);
        let &(start, line, raw) = self.pieces.get(at.saturating_sub(1))?;
        let within = if raw { sql.get(start..offset.min(sql.len())).map_or(0, line_breaks) } else { 0 };
        Some(line.saturating_add(within))
    }

    /// As [`line`](Self::line), for a line and a column (characters) of `sql`, both from 1.
    pub fn line_at(&self, sql: &str, line: usize, column: usize) -> Option<u32> {
        let text = sql.split_inclusive('\n').nth(line.checked_sub(1)?)?;
        let start = text.as_ptr() as usize - sql.as_ptr() as usize;
        let within = text.char_indices().nth(column.saturating_sub(1)).map_or(text.len(), |(at, _)| at);
        // The end of a line still belongs to it.
        self.line(sql, start + within.min(text.trim_end_matches(['\n', '\r']).len()))
    }
}

fn line_breaks(text: &str) -> u32 {
    u32::try_from(text.bytes().filter(|&byte| byte == b'\n').count()).unwrap_or(u32::MAX)
}

/// The line on which `text` stands first.
pub(crate) fn line_of(source: &str, text: &str) -> Option<u32> {
    source.find(text).map(|at| line_breaks(&source[..at]).saturating_add(1))
}

/// The line of the first call `function(… 'argument' …)` in a template, outside its comments. Only literal arguments are
/// found: the engine does not say from where a function was called.
pub(crate) fn line_of_call(source: &str, function: &str, argument: &str) -> Option<u32> {
    let mut at = 0;
    while let Some(found) = source.get(at..)?.find(function) {
        let start = at + found;
        at = start + function.len();
        let before = source[..start].chars().next_back();
        let comment = source[..start].rfind("{#").is_some_and(|open| !source[open..start].contains("#}"));
        if comment || before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let Some(rest) = source[at..].trim_start().strip_prefix('(') else { continue };
        let arguments = rest.split(')').next().unwrap_or_default();
        if arguments.contains(&format!("'{argument}'")) || arguments.contains(&format!("\"{argument}\"")) {
            return Some(line_breaks(&source[..start]).saturating_add(1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn renderer() -> Renderer {
        let vars = json!({"start": "2024-01-01", "days": 7, "shop": {"own": [1, 2]}});
        Renderer::new("shop", vars.as_object().unwrap().clone(), "main")
    }

    fn names() -> Arc<Names> {
        let table = |text| TableName::parse(text, "main").unwrap();
        Arc::new(Names {
            models: HashMap::from([("orders".into(), table("stage.orders"))]),
            sources: BTreeMap::from([(("app".into(), "users".into()), table("raw.users"))]),
        })
    }

    fn this() -> TableName {
        TableName::new("mart", "me").unwrap()
    }

    fn sql(source: &str) -> Result<Rendered, TemplateError> {
        renderer().render("models/me.sql", source, &this(), Some(&names()))
    }

    #[test]
    fn references_settings_and_variables_render() {
        let done = sql("{{ config(materialized='table', tags=['a']) }}\
             select {{ var('days') }}, '{{ var(\"none\", 'x') }}', {{ var('own')[1] }} \
             from {{ ref('orders') }} join {{ ref('shop', 'orders') }} join {{ source('app', 'users') }} \
             -- {{ this }} {{ this.schema }} {{ target.name }} {{ target.schema }}")
        .unwrap();
        assert_eq!(
            done.sql,
            "select 7, 'x', 2 from \"stage\".\"orders\" join \"stage\".\"orders\" join \"raw\".\"users\" \
             -- \"mart\".\"me\" mart hanok main"
        );
        assert_eq!(done.record.refs, ["orders"]);
        assert_eq!(done.record.sources, [("app".to_owned(), "users".to_owned())]);
        assert_eq!(serde_json::Value::from(done.record.config), json!({"materialized":"table","tags":["a"]}));
    }

    #[test]
    fn loops_sets_comments_macros_and_python_methods_work() {
        let done = sql("{% set methods = ['card', 'cash'] -%}\n{# {{ ref('no') }} #}\
             {%- macro cents(c) %}({{ c }} / 100){% endmacro -%}\
             {% for m in methods %}{{ cents(m) }} as {{ m.upper() }}{% if not loop.last %}, {% endif %}{% endfor %}\
             {% for k, v in {'a': 1}.items() %} {{ k }}{{ v }}{% endfor %}{{ ', '.join(['x', 'y']) }}")
        .unwrap();
        assert_eq!(done.sql, "(card / 100) as CARD, (cash / 100) as CASH a1x, y");
        assert!(done.record.refs.is_empty());
    }

    #[test]
    fn errors_name_the_line() {
        let place = |source| {
            let error = sql(source).unwrap_err();
            (error.code(), error.place().unwrap(), error.to_string(), error.hint())
        };
        assert_eq!(
            place("select 1\nfrom {{ ref('order') }}"),
            (
                code::MODEL_REF,
                "models/me.sql:2".into(),
                "there is no model `order`".into(),
                Some("did you mean `orders`?".into())
            )
        );
        assert_eq!(place("\n\n{{ source('app', 'user') }}").0, code::MODEL_SOURCE);
        assert_eq!(place("\n\n{{ var('strat') }}").1, "models/me.sql:3");
        assert_eq!(place("{{ var('strat') }}").3.unwrap(), "did you mean `start`?");
        assert_eq!(place("a\n{% for %}").1, "models/me.sql:2");
        assert_eq!(place("a\nb\n{{ nothing }}").1, "models/me.sql:3");
        assert_eq!(place("a\n{{ dbt_utils.star() }}").1, "models/me.sql:2");
        assert_eq!(place("a\n{% if x %}").0, code::MODEL_TEMPLATE);
        assert_eq!(place("a\n{{ ref('other', 'orders') }}").1, "models/me.sql:2");
        assert_eq!(place("a\n{{ ref() }}").1, "models/me.sql:2");
        assert_eq!(place("\n{% include 'x' %}").1, "models/me.sql:2");
        // Inside a macro, the macro's line counts, not that of its call.
        assert_eq!(place("{% macro m() %}\n{{ ref('no') }}{% endmacro %}\n\n{{ m() }}").1, "models/me.sql:2");
    }

    #[test]
    fn work_is_bounded() {
        for bomb in [
            "{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}",
            "{% set ns = namespace(x='ab') %}{% for i in range(100) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
            "{{ 'a' * 1000000000 }}",
            "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        ] {
            let error = sql(bomb).unwrap_err();
            assert_eq!(error.code(), code::MODEL_TEMPLATE, "{bomb}");
        }
        let nested = format!("{{{{ {}1{} }}}}", "(".repeat(5000), ")".repeat(5000));
        assert!(sql(&nested).is_err());
    }

    #[test]
    fn lines_of_the_sql_lead_back_to_the_template() {
        let source = "{{ config(materialized='view') }}\n\n{% set n = ['a',\n 'b'] %}\nselect\n\
                      {% for c in n %}  {{ c }} as\n {{ c }}_x,\n{% endfor %}  broken\nfrom t";
        let done = sql(source).unwrap();
        let line = |text: &str| done.lines.line(&done.sql, done.sql.rfind(text).unwrap());
        let expected = |text: &str| source[..source.find(text).unwrap()].lines().count() as u32;
        assert_eq!(line("select"), Some(5));
        assert_eq!(line("b_x"), Some(7));
        assert_eq!(line("broken"), Some(8));
        assert_eq!(line("from t"), Some(expected("from t") + 1));
        let sql_line = done.sql[..done.sql.find("broken").unwrap()].lines().count();
        assert_eq!(done.lines.line_at(&done.sql, sql_line, 4), Some(8));
        assert_eq!(done.lines.line_at(&done.sql, 99, 1), None);
        assert_eq!(done.lines.line_at(&done.sql, 0, 1), None);
        assert_eq!(LineMap::default().line("", 0), None);
    }

    #[test]
    fn calls_are_found_outside_comments() {
        let source = "-- {# ref('a') #}\nselect myref('a')\nfrom {{ ref( \"a\" ) }} {{ ref('shop', 'b') }}\n{{ ref('a') }}";
        assert_eq!(line_of_call(source, "ref", "a"), Some(3));
        assert_eq!(line_of_call(source, "ref", "b"), Some(3));
        assert_eq!(line_of_call(source, "ref", "c"), None);
    }

    #[test]
    fn relations_in_yaml_are_evaluated() {
        let renderer = renderer();
        let place = Place::new("models/x.yml", 4);
        let get = |text: &str| renderer.relation(&place, text, &names());
        assert_eq!(get("ref('orders')").unwrap().0.to_string(), "stage.orders");
        assert_eq!(get("{{ source('app', 'users') }}").unwrap().0.to_string(), "raw.users");
        assert_eq!(get("ref('order')").unwrap_err().place().unwrap(), "models/x.yml:4");
        assert_eq!(get("orders").unwrap_err().code(), code::MODEL_TEMPLATE);
        assert_eq!(renderer.text(&place, "d >= {{ var('start') }}", &names()).unwrap().0, "d >= 2024-01-01");
    }
}
