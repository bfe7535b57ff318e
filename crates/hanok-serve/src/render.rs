//! The answer, written straight to bytes.

use std::sync::LazyLock;

use hanok_online::{RowState, Rows};
use hanok_types::ValueType;

use crate::json::{EPOCH, push_base64, push_f32, push_f64, push_int, push_text, push_timestamp};
use crate::plan::{Column, Plan};
use crate::request::{Request, Scalar};

/// How often a repeated text is written out once and for all.
const REPEATS: usize = 256;
const PRESENT: &[u8] = b"\"PRESENT\"";

static PRESENT_RUN: LazyLock<Vec<u8>> = LazyLock::new(|| run(PRESENT));
static EPOCH_RUN: LazyLock<Vec<u8>> = LazyLock::new(|| run(EPOCH));

fn run(text: &[u8]) -> Vec<u8> {
    [text, b","].concat().repeat(REPEATS)
}

/// Appends `count` copies, separated by commas.
fn push_run(out: &mut Vec<u8>, run: &[u8], mut count: usize) {
    let unit = run.len() / REPEATS;
    if count == 0 {
        return;
    }
    while count > 0 {
        let part = count.min(REPEATS);
        out.extend_from_slice(&run[..part * unit]);
        count -= part;
    }
    out.pop();
}

/// What is the same for all features of a view, rendered once.
#[derive(Default)]
struct Shared {
    /// `…,…` with neither brackets nor a last comma.
    timestamps: std::ops::Range<usize>,
    all_found: bool,
}

/// Reusable memory of [`answer`].
#[derive(Default)]
pub(crate) struct Scratch {
    timestamps: Vec<u8>,
    shared: Vec<Shared>,
}

/// Writes the answer to `request`, whose rows are in `rows`, one a group of the plan.
pub(crate) fn answer(
    plan: &Plan,
    request: &Request<'_>,
    rows: &[Rows],
    count: usize,
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) {
    share(plan, rows, scratch);
    out.extend_from_slice(b"{\"results\":[");
    for &(column, value_type) in &plan.echoes {
        out.extend_from_slice(b"{\"values\":[");
        push_entities(out, &request.entities[column].1, value_type);
        out.extend_from_slice(b"],\"statuses\":[");
        push_run(out, &PRESENT_RUN, count);
        out.extend_from_slice(b"],\"event_timestamps\":[");
        push_run(out, &EPOCH_RUN, count);
        out.extend_from_slice(b"]},");
    }
    for column in &plan.columns {
        let (rows, shared) = (&rows[column.group], &scratch.shared[column.group]);
        out.extend_from_slice(b"{\"values\":[");
        match column.position {
            None => push_absent(out, count),
            Some(position) => {
                push_values(out, rows, position, column, shared.all_found);
                out.extend_from_slice(b"],\"statuses\":[");
                push_statuses(out, rows, shared.all_found);
                out.extend_from_slice(b"],\"event_timestamps\":[");
                out.extend_from_slice(&scratch.timestamps[shared.timestamps.clone()]);
            }
        }
        out.extend_from_slice(b"]},");
    }
    // A request without entity columns and features does not get here, so there is a comma to take back.
    out.pop();
    out.extend_from_slice(&plan.tail);
}

/// A column that the store does not have: the middle of its lists.
fn push_absent(out: &mut Vec<u8>, count: usize) {
    push_each(out, count, |out, _| out.extend_from_slice(b"null"));
    out.extend_from_slice(b"],\"statuses\":[");
    push_each(out, count, |out, _| out.extend_from_slice(b"\"NOT_FOUND\""));
    out.extend_from_slice(b"],\"event_timestamps\":[");
    push_run(out, &EPOCH_RUN, count);
}

fn push_each(out: &mut Vec<u8>, count: usize, mut push: impl FnMut(&mut Vec<u8>, usize)) {
    for at in 0..count {
        push(out, at);
        out.push(b',');
    }
    if count > 0 {
        out.pop();
    }
}

fn share(plan: &Plan, rows: &[Rows], scratch: &mut Scratch) {
    scratch.timestamps.clear();
    scratch.shared.clear();
    for rows in &rows[..plan.groups.len()] {
        let start = scratch.timestamps.len();
        let (mut last, mut last_at) = (None, 0..0);
        push_each(&mut scratch.timestamps, rows.states().len(), |out, at| {
            if rows.states()[at] == RowState::NotFound {
                return out.extend_from_slice(EPOCH);
            }
            let event_us = rows.events_us()[at];
            // Rows of one materialization often share their timestamp.
            if last == Some(event_us) {
                return out.extend_from_within(last_at.clone());
            }
            let from = out.len();
            push_timestamp(out, event_us);
            (last, last_at) = (Some(event_us), from..out.len());
        });
        let all_found = rows.states().iter().all(|state| *state == RowState::Found);
        scratch.shared.push(Shared { timestamps: start..scratch.timestamps.len(), all_found });
    }
}

fn push_statuses(out: &mut Vec<u8>, rows: &Rows, all_found: bool) {
    if all_found {
        return push_run(out, &PRESENT_RUN, rows.states().len());
    }
    push_each(out, rows.states().len(), |out, at| {
        out.extend_from_slice(match rows.states()[at] {
            RowState::Found => PRESENT,
            RowState::NotFound => b"\"NOT_FOUND\"",
            RowState::Expired => b"\"OUTSIDE_MAX_AGE\"",
        });
    });
}

fn push_values(out: &mut Vec<u8>, rows: &Rows, position: usize, column: &Column, all_found: bool) {
    let plain = all_found && !rows.any_null();
    // One loop a type, so that the type is not looked at for every value.
    macro_rules! each {
        ($push:expr) => {
            push_each(out, rows.states().len(), |out, row| {
                if plain || (rows.states()[row] == RowState::Found && !rows.is_null(row, position)) {
                    $push(out, row)
                } else {
                    out.extend_from_slice(b"null")
                }
            })
        };
    }
    let word = |row| rows.word(row, position);
    match column.value_type {
        ValueType::Bool => {
            each!(|out: &mut Vec<u8>, row| out.extend_from_slice(if word(row) == 1 {
                &b"true"[..]
            } else {
                b"false"
            }));
        }
        ValueType::Int32 | ValueType::Int64 => each!(|out, row| push_int(out, word(row) as i64)),
        ValueType::Float32 => each!(|out, row| push_f32(out, f32::from_bits(word(row) as u32))),
        ValueType::Float64 => each!(|out, row| push_f64(out, f64::from_bits(word(row)))),
        ValueType::String => each!(|out, row| push_text(out, rows.bytes(row, position))),
        ValueType::Bytes => each!(|out, row| push_base64(out, rows.bytes(row, position))),
        // Feast's unix timestamps are whole seconds.
        ValueType::Timestamp => each!(|out, row| push_int(out, (word(row) as i64).div_euclid(1_000_000))),
    }
}

/// The entity values as the server understood them; their types have been checked.
fn push_entities(out: &mut Vec<u8>, values: &[Scalar<'_>], value_type: ValueType) {
    push_each(out, values.len(), |out, at| match &values[at] {
        Scalar::Int(value) => push_int(out, *value),
        Scalar::Bool(value) => out.extend_from_slice(if *value { &b"true"[..] } else { b"false" }),
        Scalar::Text(text) => match text.parse::<i64>() {
            Ok(value) if matches!(value_type, ValueType::Int32 | ValueType::Int64) => push_int(out, value),
            _ => push_text(out, text.as_bytes()),
        },
        Scalar::Null | Scalar::LargeInt | Scalar::Float(_) | Scalar::Nested => out.extend_from_slice(b"null"),
    });
}
