//! Rows of a model, and what it says of them.

use hanok_models::Explanation;
use hanok_online::{RowState, Rows};
use hanok_types::ValueType;

use super::error::ModelError;
use super::plan::{self, ModelPlan, Source, Store};
use super::request::{self, ModelRequest};
use super::{Ready, Said, ServingModel};
use crate::error::RequestError;
use crate::json::{push_int, push_list, push_number, push_text};
use crate::plan::Plans;
use crate::respond::{Lookup, Responder, entity_count};

/// What a model is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Predictions.
    Predict,
    /// Explanations with so many reasons, if the body does not say how many; all for `None`.
    Explain(Option<usize>),
}

/// A thread's reusable memory.
#[derive(Default)]
pub(crate) struct Scratch {
    plans: Plans<ModelPlan>,
    cells: Vec<f64>,
    order: Vec<u32>,
}

impl Scratch {
    /// Gives the memory of a large request back.
    pub(crate) fn shrink(&mut self, values_max: usize) {
        if self.cells.capacity() > values_max {
            self.cells = Vec::new();
        }
        self.order.shrink_to(values_max);
    }
}

/// Answers the body of a request with the body of its response.
pub(crate) fn answer(
    responder: &Responder,
    task: Task,
    reference: &str,
    body: &[u8],
    scratch: &mut Scratch,
    lookup: &mut Lookup,
) -> Result<Vec<u8>, RequestError> {
    let (generation, set) = responder.sets().get();
    let unknown = || ModelError::Unknown { reference: reference.to_owned() };
    let model = set.models.get(reference).ok_or_else(unknown)?;
    let ready = model.ready()?;
    let limits = responder.limits();
    let request = request::parse(body, limits)?;
    let rows = count(&request)?;
    let views = responder.reader().views();
    let stamp = (responder.id(), generation, views.generation());
    let plan = scratch.plans.get(
        stamp,
        ready.features.len(),
        |shape| plan::write_shape(model, &request, shape),
        || plan::make(ready, &request, &set, &views, limits),
    )?;
    let outputs = ready.outputs;
    let (what, values, max) = match task {
        Task::Predict => {
            let values = rows.saturating_mul(plan.sources.len().max(outputs));
            ("values (rows times features or outputs)", values, limits.values_max)
        }
        Task::Explain(_) => {
            // Before anything is looked up or computed.
            ready.explainer()?;
            let values = rows.saturating_mul(outputs).saturating_mul(plan.sources.len());
            ("reasons (rows times outputs times features)", values, limits.reasons_max)
        }
    };
    if values > max {
        return Err(RequestError::TooMany { what, max });
    }
    if let (Some(asked), Some(store)) = (&request.store, &plan.store) {
        responder.look_up(&views, &store.plan, asked, rows, lookup)?;
    }
    gather(&plan, &request, &lookup.rows, rows, &mut scratch.cells);
    let table = ready.table(&scratch.cells)?;
    let said = ready.predict(&table)?;
    let mut out = head(model, said.outputs, values);
    match task {
        Task::Predict => {
            out.extend_from_slice(b"\"predictions\":");
            push_list(&mut out, said.predictions.chunks(said.outputs), |out, row| {
                push_list(out, row, |out, value| push_number(out, *value));
            });
        }
        Task::Explain(top_k) => {
            let explanation = ready.explainer()?.explain(&table, 1).map_err(|_| RequestError::Internal)?;
            let top_k = request.top_k.or(top_k);
            let told = Told { ready, cells: &scratch.cells, said: &said };
            told.push(&mut out, &explanation, top_k, &mut scratch.order);
        }
    }
    if let Some(store) = &plan.store {
        push_missing(&mut out, store, &lookup.rows, rows);
    }
    out.push(b'}');
    lookup.shrink(rows.saturating_mul(plan.sources.len()));
    responder.metrics().model_rows(task, rows);
    Ok(out)
}

/// How many rows the request asks for.
fn count(request: &ModelRequest<'_>) -> Result<usize, RequestError> {
    let entities = request.store.as_ref().map(entity_count).transpose()?;
    match (entities, request.values.as_ref().map(|values| values.rows)) {
        (Some(entities), Some(values)) if entities != values => {
            Err(ModelError::Rows { values, entities }.into())
        }
        (entities, values) => Ok(entities.or(values).unwrap_or(0)),
    }
}

/// The model's rows: row after row, its features in each.
fn gather(plan: &ModelPlan, request: &ModelRequest<'_>, found: &[Rows], rows: usize, out: &mut Vec<f64>) {
    let features = plan.sources.len();
    out.clear();
    out.resize(rows * features, f64::NAN);
    for (feature, source) in plan.sources.iter().enumerate() {
        let out = out[feature.min(rows * features)..].iter_mut().step_by(features);
        match (source, &request.values, &plan.store) {
            (Source::Value(at), Some(values), _) => {
                let values =
                    values.cells[(*at).min(values.cells.len())..].iter().step_by(values.width.max(1));
                out.zip(values).for_each(|(out, value)| *out = *value);
            }
            (Source::Store(at), _, Some(Store { plan, .. })) => {
                let column = &plan.columns[*at];
                let Some(position) = column.position else { continue };
                let found = &found[column.group];
                out.enumerate().for_each(|(row, out)| *out = number(found, row, position, column.value_type));
            }
            _ => {}
        }
    }
}

/// A stored value; NaN when it is null or there is none.
fn number(rows: &Rows, row: usize, position: usize, value_type: ValueType) -> f64 {
    if rows.states()[row] != RowState::Found || rows.is_null(row, position) {
        return f64::NAN;
    }
    let word = rows.word(row, position);
    match value_type {
        ValueType::Bool => f64::from(u8::from(word == 1)),
        ValueType::Float32 => f64::from(f32::from_bits(word as u32)),
        ValueType::Float64 => f64::from_bits(word),
        _ => word as i64 as f64,
    }
}

/// The beginning of an answer, with room for what follows.
fn head(model: &ServingModel, outputs: usize, values: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(256 + values.min(1 << 20) * 20);
    out.extend_from_slice(b"{\"model\":\"");
    // A name has letters, digits and underscores only.
    out.extend_from_slice(model.name.as_bytes());
    out.push(b'@');
    push_int(&mut out, model.version);
    out.extend_from_slice(b"\",\"outputs\":");
    push_list(&mut out, 0..outputs, |out, output| {
        out.push(b'"');
        push_int(out, output as i64);
        out.push(b'"');
    });
    out.push(b',');
    out
}

/// Of each group of features, the rows for which the store had none: `,"missing":[{"features":[…],"status":…,"rows":[…]}]`.
fn push_missing(out: &mut Vec<u8>, store: &Store, found: &[Rows], rows: usize) {
    out.extend_from_slice(b",\"missing\":[");
    let start = out.len();
    let mut part = |names: &[u8], status: &[u8], rows: &mut dyn Iterator<Item = usize>| {
        let mut rows = rows.peekable();
        if names.is_empty() || names == b"[]" || rows.peek().is_none() {
            return;
        }
        if out.len() > start {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"features\":");
        out.extend_from_slice(names);
        out.extend_from_slice(b",\"status\":");
        out.extend_from_slice(status);
        out.extend_from_slice(b",\"rows\":");
        push_list(out, rows, |out, row| push_int(out, row as i64));
        out.push(b'}');
    };
    for (names, found) in store.names.iter().zip(found) {
        for (state, status) in
            [(RowState::NotFound, &b"\"NOT_FOUND\""[..]), (RowState::Expired, b"\"OUTSIDE_MAX_AGE\"")]
        {
            part(names, status, &mut (0..rows).filter(|row| found.states()[*row] == state));
        }
    }
    part(&store.absent, b"\"NOT_FOUND\"", &mut (0..rows));
    out.push(b']');
}

/// What explanations tell beside their values.
struct Told<'a> {
    ready: &'a Ready,
    cells: &'a [f64],
    said: &'a Said,
}

impl Told<'_> {
    /// `"explanations":[[{"base_value":…,"raw":…,"prediction":…,"reasons":[…],"rest":…}]]`, by row and output.
    fn push(&self, out: &mut Vec<u8>, explanation: &Explanation, top_k: Option<usize>, order: &mut Vec<u32>) {
        let (outputs, features) = (explanation.outputs, explanation.features);
        out.extend_from_slice(b"\"explanations\":");
        push_list(out, 0..explanation.rows, |out, row| {
            push_list(out, 0..outputs, |out, output| {
                let at = row * outputs + output;
                out.extend_from_slice(b"{\"base_value\":");
                push_number(out, explanation.base[output]);
                out.extend_from_slice(b",\"raw\":");
                push_number(out, self.said.raw[at]);
                out.extend_from_slice(b",\"prediction\":");
                push_number(out, self.said.predictions[at]);
                let values = &explanation.values[at * features..][..features];
                let cells = &self.cells[row * features..][..features];
                self.push_reasons(out, values, cells, top_k, order);
                out.push(b'}');
            });
        });
    }

    fn push_reasons(
        &self,
        out: &mut Vec<u8>,
        values: &[f64],
        cells: &[f64],
        top_k: Option<usize>,
        order: &mut Vec<u32>,
    ) {
        order.clear();
        order.extend(0..values.len() as u32);
        // Equal ones stay in the model's order.
        let larger_first = |a: &u32, b: &u32| {
            let size = |at: &u32| values[*at as usize].abs();
            size(b).total_cmp(&size(a)).then(a.cmp(b))
        };
        let told = top_k.unwrap_or(values.len()).min(values.len());
        if told > 0 && told < order.len() {
            order.select_nth_unstable_by(told - 1, larger_first);
        }
        let (told, rest) = order.split_at_mut(told);
        told.sort_unstable_by(larger_first);
        out.extend_from_slice(b",\"reasons\":");
        push_list(out, &*told, |out, at| {
            let at = *at as usize;
            out.extend_from_slice(b"{\"feature\":");
            push_text(out, self.ready.features[at].as_bytes());
            out.extend_from_slice(b",\"value\":");
            push_number(out, cells[at]);
            out.extend_from_slice(b",\"contribution\":");
            push_number(out, values[at]);
            out.push(b'}');
        });
        if top_k.is_some() {
            // In the model's order, so that the sum does not depend on how they were told apart.
            rest.sort_unstable();
            out.extend_from_slice(b",\"rest\":");
            push_number(out, rest.iter().fold(0.0, |sum, at| sum + values[*at as usize]));
        }
    }
}
