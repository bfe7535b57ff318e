//! `hanok features get`.

use std::collections::BTreeMap;

use hanok_engine::{Registry, Selection};
use hanok_serve::{Limits, Responder};
use hanok_types::ValueType;
use serde_json::{Map, Value};

use super::selection;
use crate::args::GetArgs;
use crate::console::{Console, Tone};
use crate::context::Context;
use crate::error::CliError;
use crate::render::{Cell, columns, value};
use crate::serving::Serving;
use crate::status::ExitStatus;
use crate::values::{EntityPart, entity_rows, parse_time};

/// The status of a value that is there, null or not.
const PRESENT: &str = "PRESENT";
/// The time that the server gives to what has none.
const NO_TIME: &str = "1970-01-01T00:00:00Z";

/// Reads features of entities through the server's own code, without a socket.
pub(crate) async fn get(context: &Context, args: GetArgs) -> Result<ExitStatus, CliError> {
    let rows = entity_rows(&args.entities).map_err(CliError::Usage)?;
    let engine = context.engine().await?;
    let serving = Serving::open(&engine).await?;
    let selection = selection(&args.selection);
    let full_names = args.selection.full_feature_names;
    let types = key_types(&serving.registry, &selection, full_names)?;
    let request = request(&selection, full_names, &rows, &types)?;
    let body = serde_json::to_vec(&request).map_err(|error| CliError::Unexpected(error.to_string()))?;
    let responder = Responder::new(serving.reader, serving.sets, Limits::default());
    let answer = responder.answer(&body)?;
    let answer: Value =
        serde_json::from_slice(&answer).map_err(|error| CliError::Unexpected(error.to_string()))?;
    if context.console.json {
        context.console.object(&answer)?;
    } else {
        context.console.data(table(&context.console, &answer).as_bytes())?;
    }
    Ok(ExitStatus::Success)
}

/// The types of the entity columns that a selection needs.
fn key_types(
    registry: &Registry,
    selection: &Selection,
    full_names: bool,
) -> Result<BTreeMap<String, ValueType>, CliError> {
    let views = selection.resolve(registry, full_names)?;
    let keys = views.into_iter().flat_map(|view| view.keys);
    Ok(keys.map(|(_, column, value_type)| (column, value_type)).collect())
}

/// The request that the server takes.
fn request(
    selection: &Selection,
    full_names: bool,
    rows: &[EntityPart],
    types: &BTreeMap<String, ValueType>,
) -> Result<Value, CliError> {
    let mut entities = Map::new();
    for (key, text) in rows.iter().flatten() {
        let item = typed(key, text, types.get(key).copied())?;
        let list = entities.entry(key.clone()).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            list.push(item);
        }
    }
    let (name, chosen) = match selection {
        Selection::References(references) => ("features", serde_json::json!(references)),
        Selection::Service(service) => ("feature_service", serde_json::json!(service)),
    };
    Ok(serde_json::json!({ "entities": entities, name: chosen, "full_feature_names": full_names }))
}

/// A value of the command line as the JSON that the server takes for its type; text when nobody knows the type.
fn typed(key: &str, text: &str, value_type: Option<ValueType>) -> Result<Value, CliError> {
    let Some(value_type) = value_type else { return Ok(Value::from(text)) };
    let parsed = match value_type {
        ValueType::Bool => text.parse::<bool>().ok().map(Value::from),
        ValueType::Int32 => text.parse::<i32>().ok().map(Value::from),
        ValueType::Int64 => text.parse::<i64>().ok().map(Value::from),
        ValueType::Float32 | ValueType::Float64 => text.parse::<f64>().ok().map(Value::from),
        ValueType::Timestamp => parse_time(text).ok().map(|us| Value::from(us.div_euclid(1_000_000))),
        ValueType::String | ValueType::Bytes => Some(Value::from(text)),
    };
    parsed.ok_or_else(|| CliError::EntityValue {
        key: key.to_owned(),
        value: text.to_owned(),
        expected: value_type.to_string(),
    })
}

/// The server's answer for people: for each entity its keys, then its features, a line each.
pub(crate) fn table(console: &Console, answer: &Value) -> String {
    let names: Vec<&str> =
        list(&answer["metadata"]["feature_names"]).iter().filter_map(Value::as_str).collect();
    let results = list(&answer["results"]);
    let count = results.first().map_or(0, |result| list(&result["values"]).len());
    let mut text = String::new();
    for row in 0..count {
        let mut keys = Vec::new();
        let mut lines = Vec::new();
        for (name, result) in names.iter().zip(results) {
            let status = result["statuses"][row].as_str().unwrap_or_default();
            let time = result["event_timestamps"][row].as_str().unwrap_or_default();
            let shown = value(&result["values"][row]);
            // The server echoes the entities first, as present since 1970.
            if lines.is_empty() && status == PRESENT && time == NO_TIME {
                keys.push(format!("{name}={shown}"));
            } else {
                lines.push(feature_line(name, shown, status, time));
            }
        }
        if row > 0 {
            text.push('\n');
        }
        text.push_str(&console.paint(Tone::Strong, &keys.join("  ")));
        text.push('\n');
        text.push_str(&columns(console, &lines));
    }
    text
}

/// An answer about one entity without the features that have no value for it, and how many those are.
pub(crate) fn without_missing(answer: &Value) -> (Value, usize) {
    let (mut names, mut results) = (Vec::new(), Vec::new());
    let all = list(&answer["metadata"]["feature_names"]).iter().zip(list(&answer["results"]));
    let mut missing = 0;
    for (name, result) in all {
        if result["statuses"][0] == PRESENT {
            names.push(name);
            results.push(result);
        } else {
            missing += 1;
        }
    }
    (serde_json::json!({ "metadata": { "feature_names": names }, "results": results }), missing)
}

fn feature_line(name: &str, shown: String, status: &str, time: &str) -> Vec<Cell> {
    let (status, tone) = match status {
        PRESENT => ("", Tone::Good),
        "NOT_FOUND" => ("not found", Tone::Warn),
        "OUTSIDE_MAX_AGE" => ("older than its ttl", Tone::Warn),
        other => (other, Tone::Bad),
    };
    let time = if time == NO_TIME { String::new() } else { format!("as of {time}") };
    vec![
        Cell::left(format!("  {name}")),
        Cell::left(shown),
        Cell::left(time).tone(Tone::Faint),
        Cell::left(status).tone(tone),
    ]
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::parse_entity;

    #[test]
    fn values_take_the_types_of_their_keys() {
        let types =
            BTreeMap::from([("id".to_owned(), ValueType::Int64), ("at".to_owned(), ValueType::Timestamp)]);
        let parts = [parse_entity("id=7,at=1970-01-02,note=7").unwrap()];
        let rows = entity_rows(&parts).unwrap();
        let selection = Selection::References(vec!["v:f".into()]);
        let made = request(&selection, true, &rows, &types).unwrap();
        let expected = serde_json::json!({
            "entities": {"id": [7], "at": [86400], "note": ["7"]}, "features": ["v:f"], "full_feature_names": true,
        });
        assert_eq!(made, expected);
        let rows = [vec![("id".to_owned(), "seven".to_owned())]];
        assert!(matches!(request(&selection, true, &rows, &types), Err(CliError::EntityValue { .. })));
    }

    #[test]
    fn an_answer_is_told_entity_by_entity() {
        let answer = serde_json::json!({
            "metadata": {"feature_names": ["origin", "temp_f", "seats"]},
            "results": [
                {"values": ["JFK", "EWR"], "statuses": ["PRESENT", "PRESENT"], "event_timestamps": [NO_TIME, NO_TIME]},
                {"values": [39.5, null], "statuses": ["PRESENT", "NOT_FOUND"],
                 "event_timestamps": ["2013-12-30T23:00:00Z", NO_TIME]},
                {"values": [null, 20], "statuses": ["OUTSIDE_MAX_AGE", "PRESENT"],
                 "event_timestamps": ["2013-01-01T05:00:00Z", "2013-01-01T05:00:00Z"]},
            ],
        });
        let expected = "\
origin=JFK
  temp_f  39.5  as of 2013-12-30T23:00:00Z
  seats   null  as of 2013-01-01T05:00:00Z  older than its ttl

origin=EWR
  temp_f  null                              not found
  seats   20    as of 2013-01-01T05:00:00Z
";
        assert_eq!(table(&Console::new(false, false), &answer), expected);
        let (present, missing) = without_missing(&answer);
        assert_eq!(
            (present["metadata"]["feature_names"].clone(), missing),
            (serde_json::json!(["origin", "temp_f"]), 1)
        );
    }
}
