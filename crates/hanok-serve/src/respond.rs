//! Request bytes to response bytes, without a socket.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use hanok_online::{KEY_BYTES_MAX, Keys, Reader, RowState, Rows, ViewSet};
use hanok_types::ValueType;

use crate::error::RequestError;
use crate::json::base64_bytes;
use crate::metrics::{Metrics, RowCounts};
use crate::model::{self, Task};
use crate::options::Limits;
use crate::plan::{self, KeySet, Plan, Plans};
use crate::render;
use crate::request::{Request, Scalar, parse};
use crate::set::ServingSets;

/// Answers requests from a store and a serving set. Clones share them.
#[derive(Clone)]
pub struct Responder {
    id: u64,
    reader: Reader,
    sets: ServingSets,
    limits: Limits,
    metrics: Arc<Metrics>,
}

/// A thread's reusable memory.
#[derive(Default)]
struct Scratch {
    plans: Plans,
    lookup: Lookup,
    render: render::Scratch,
    model: model::Scratch,
}

/// Keys that are looked up and the rows that were found, by key set and by group of a plan.
#[derive(Default)]
pub(crate) struct Lookup {
    keys: Vec<Keys>,
    pub rows: Vec<Rows>,
}

/// Values that a thread's memory may keep between requests; larger requests give theirs back.
const KEPT_VALUES_MAX: usize = 100_000;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Responder {
    /// Answers from `reader` what `sets` defines.
    pub fn new(reader: Reader, sets: ServingSets, limits: Limits) -> Self {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        Self { id, reader, sets, limits, metrics: Arc::new(Metrics::default()) }
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn sets(&self) -> &ServingSets {
        &self.sets
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(crate) fn reader(&self) -> &Reader {
        &self.reader
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Answers the body of `POST /get-online-features` with the body of its response.
    pub fn answer(&self, body: &[u8]) -> Result<Vec<u8>, RequestError> {
        self.with_scratch(body, |scratch| self.answer_with(body, scratch))
    }

    /// Answers the body of `POST /predict/MODEL`; `model` is a name or `name@version`.
    pub fn predict(&self, model: &str, body: &[u8]) -> Result<Vec<u8>, RequestError> {
        self.model(Task::Predict, model, body)
    }

    /// Answers the body of `POST /explain/MODEL?top_k=…`.
    pub fn explain(&self, model: &str, top_k: Option<usize>, body: &[u8]) -> Result<Vec<u8>, RequestError> {
        self.model(Task::Explain(top_k), model, body)
    }

    pub(crate) fn model(&self, task: Task, model: &str, body: &[u8]) -> Result<Vec<u8>, RequestError> {
        self.with_scratch(body, |scratch| {
            let answered = model::answer(self, task, model, body, &mut scratch.model, &mut scratch.lookup);
            scratch.model.shrink(KEPT_VALUES_MAX);
            answered
        })
    }

    fn with_scratch<T>(
        &self,
        body: &[u8],
        answer: impl Fn(&mut Scratch) -> Result<T, RequestError>,
    ) -> Result<T, RequestError> {
        if body.len() > self.limits.body_bytes_max {
            return Err(RequestError::BodyTooLarge { bytes_max: self.limits.body_bytes_max });
        }
        SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
            Ok(mut scratch) => answer(&mut scratch),
            // Nothing below re-enters, so this is never taken; it costs nothing to be safe.
            Err(_) => answer(&mut Scratch::default()),
        })
    }

    fn answer_with(&self, body: &[u8], scratch: &mut Scratch) -> Result<Vec<u8>, RequestError> {
        let request = parse(body, &self.limits)?;
        let count = entity_count(&request)?;
        let views = self.reader.views();
        let stamp = (self.id, self.sets.generation(), views.generation());
        let plan = scratch.plans.get(
            stamp,
            0,
            |shape| plan::write_shape(&request, shape),
            || plan::make(&request, &self.sets.current(), &views, &self.limits),
        )?;
        let values = count.saturating_mul(plan.columns.len() + plan.echoes.len());
        if values > self.limits.values_max {
            return Err(RequestError::TooMany {
                what: "values (entities times features)",
                max: self.limits.values_max,
            });
        }
        self.look_up(&views, &plan, &request, count, &mut scratch.lookup)?;
        let out = render_answer(&plan, &request, scratch, count);
        scratch.lookup.shrink(values);
        if values > KEPT_VALUES_MAX {
            scratch.render = render::Scratch::default();
        }
        Ok(out)
    }

    /// Reads the rows of the plan's groups for so many entities.
    pub(crate) fn look_up(
        &self,
        views: &ViewSet,
        plan: &Plan,
        request: &Request<'_>,
        count: usize,
        lookup: &mut Lookup,
    ) -> Result<(), RequestError> {
        lookup.keys.resize_with(lookup.keys.len().max(plan.key_sets.len()), Keys::default);
        for (keys, key_set) in lookup.keys.iter_mut().zip(&plan.key_sets) {
            encode(request, key_set, count, keys)?;
        }
        lookup.rows.resize_with(lookup.rows.len().max(plan.groups.len()), Rows::default);
        let now_us = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64);
        let mut counts = RowCounts::default();
        for (rows, group) in lookup.rows.iter_mut().zip(&plan.groups) {
            match group.table.and_then(|position| views.table(position)) {
                Some(table) => table.read(&lookup.keys[group.key_set], &group.projection, now_us, rows),
                None => rows.reset_not_found(count),
            }
            for state in rows.states() {
                match state {
                    RowState::Found => counts.found += 1,
                    RowState::NotFound => counts.not_found += 1,
                    RowState::Expired => counts.expired += 1,
                }
            }
        }
        self.metrics.rows(counts);
        Ok(())
    }
}

impl Lookup {
    /// Gives the memory of a large request back.
    pub(crate) fn shrink(&mut self, values: usize) {
        if values > KEPT_VALUES_MAX {
            *self = Self::default();
        }
    }
}

fn render_answer(plan: &Plan, request: &Request<'_>, scratch: &mut Scratch, count: usize) -> Vec<u8> {
    let guess = plan.answer_bytes.get();
    let mut out = Vec::with_capacity(guess + guess / 8);
    render::answer(plan, request, &scratch.lookup.rows, count, &mut scratch.render, &mut out);
    plan.answer_bytes.set(out.len());
    out
}

/// How many rows the request asks for; all entity lists must have one length.
pub(crate) fn entity_count(request: &Request<'_>) -> Result<usize, RequestError> {
    let Some((first, values)) = request.entities.first() else {
        return Err(RequestError::Malformed { reason: "`entities` is empty".to_owned() });
    };
    let expected = values.len();
    match request.entities.iter().find(|(_, values)| values.len() != expected) {
        None => Ok(expected),
        Some((join_key, values)) => Err(RequestError::Lengths {
            first: first.to_string(),
            expected,
            join_key: join_key.to_string(),
            found: values.len(),
        }),
    }
}

fn encode(
    request: &Request<'_>,
    key_set: &KeySet,
    count: usize,
    keys: &mut Keys,
) -> Result<(), RequestError> {
    keys.reset(key_set.kind);
    for row in 0..count {
        for &(column, value_type) in &key_set.parts {
            let (join_key, values) = &request.entities[column];
            let value = &values[row];
            let part = match value_type {
                ValueType::String => text(value).map(|text| Part::Bytes(text.as_bytes())),
                ValueType::Bytes => text(value).and_then(base64_bytes).map(Part::Owned),
                _ => fixed(value, value_type).map(Part::Fixed),
            };
            match part {
                Some(Part::Fixed(value)) => keys.fixed(value),
                Some(Part::Bytes(bytes)) => keys.variable(bytes),
                Some(Part::Owned(bytes)) => keys.variable(&bytes),
                None => {
                    let (join_key, found) = (join_key.to_string(), value.what());
                    return Err(RequestError::EntityType { join_key, row, found, expected: value_type });
                }
            }
        }
        if !keys.finish() {
            return Err(RequestError::EntityTooLong { row, bytes_max: KEY_BYTES_MAX });
        }
    }
    Ok(())
}

enum Part<'a> {
    Fixed(i64),
    Bytes(&'a [u8]),
    Owned(Vec<u8>),
}

fn text<'a>(value: &'a Scalar<'_>) -> Option<&'a str> {
    match value {
        Scalar::Text(text) => Some(text),
        _ => None,
    }
}

/// A fixed-size key value. Integers may come as text, as JSON writers without 64-bit integers send them; timestamps
/// come as unix seconds.
fn fixed(value: &Scalar<'_>, value_type: ValueType) -> Option<i64> {
    match (value_type, value) {
        (ValueType::Bool, Scalar::Bool(value)) => Some(i64::from(*value)),
        (ValueType::Int64, Scalar::Int(value)) => Some(*value),
        (ValueType::Int64, Scalar::Text(text)) => text.parse().ok(),
        (ValueType::Int32, Scalar::Int(value)) => i32::try_from(*value).ok().map(i64::from),
        (ValueType::Int32, Scalar::Text(text)) => text.parse::<i32>().ok().map(i64::from),
        (ValueType::Timestamp, Scalar::Int(seconds)) => seconds.checked_mul(1_000_000),
        _ => None,
    }
}
