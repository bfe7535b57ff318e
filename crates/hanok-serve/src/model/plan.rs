//! Where a model's features come from: columns of the request by name, features of the store by name, or places in a row for a
//! model that has no names.

use hanok_online::ViewSet;
use hanok_types::{ValueType, column_name};
use hashbrown::HashMap;

use super::error::ModelError;
use super::request::{ModelRequest, Values};
use super::{Ready, ServingModel};
use crate::error::RequestError;
use crate::json::{push_list, push_text};
use crate::options::Limits;
use crate::plan::{self, Asked, Plan};
use crate::set::ServingSet;

/// How to make rows of a model from requests of one shape.
pub(crate) struct ModelPlan {
    /// By feature of the model.
    pub sources: Vec<Source>,
    /// What is looked up.
    pub store: Option<Store>,
}

/// Where a feature is.
#[derive(Clone, Copy)]
pub(crate) enum Source {
    /// Place in the request's rows.
    Value(usize),
    /// Place among the columns that are looked up.
    Store(usize),
}

/// What is looked up, and the names of it in the answer.
pub(crate) struct Store {
    pub plan: Plan,
    /// By group of the plan, its features in the model's words: a list in JSON.
    pub names: Vec<Vec<u8>>,
    /// Features that the store does not have yet: a list in JSON, empty when there are none.
    pub absent: Vec<u8>,
}

/// The shape of a request to a model.
pub(crate) fn write_shape(model: &ServingModel, request: &ModelRequest<'_>, shape: &mut Vec<u8>) {
    shape.extend_from_slice(&model.id.to_le_bytes());
    if let Some(values) = &request.values {
        shape.push(1 + u8::from(values.columns.is_some()));
        shape.extend_from_slice(&(values.width as u64).to_le_bytes());
        for column in values.columns.iter().flatten() {
            plan::write_text(shape, column);
        }
    } else {
        shape.push(0);
    }
    if let Some(store) = &request.store {
        plan::write_shape(store, shape);
    }
}

/// Finds the model's features.
pub(crate) fn make(
    ready: &Ready,
    request: &ModelRequest<'_>,
    set: &ServingSet,
    views: &ViewSet,
    limits: &Limits,
) -> Result<ModelPlan, RequestError> {
    if !ready.named {
        return Ok(by_place(ready, request)?);
    }
    let columns = by_name(ready, request.values.as_ref())?;
    let Some(store) = &request.store else {
        let sources = ready.features.iter().zip(columns).map(|(feature, column)| {
            column.map(Source::Value).ok_or_else(|| ModelError::FeatureMissing { feature: feature.clone() })
        });
        return Ok(ModelPlan { sources: sources.collect::<Result<_, _>>()?, store: None });
    };
    let is_chosen = !store.features.is_empty() || store.feature_service.is_some();
    let offered = if is_chosen { plan::asked(store, set)? } else { everything(set) };
    let names = Names::new(&offered);
    // By feature, what of the offered is looked up for it.
    let mut chosen: Vec<Option<usize>> = Vec::with_capacity(ready.features.len());
    for (feature, column) in ready.features.iter().zip(&columns) {
        chosen.push(match (column, names.get(feature)) {
            (None, found) => Some(found?),
            // What the request brings need not be looked up; but what it names should be used.
            (Some(_), Ok(at)) if is_chosen => {
                let candidates = vec![format!("the column `{feature}`"), shown(&offered[at])];
                return Err(ModelError::Ambiguous { feature: feature.clone(), candidates }.into());
            }
            (Some(_), _) => None,
        });
    }
    let mut wanted: Vec<usize> = chosen.iter().flatten().copied().collect();
    wanted.sort_unstable();
    wanted.dedup();
    let plan = looked_up(request, offered, &wanted, views, limits)?;
    let mut place = vec![0; plan.columns.len()];
    plan.columns.iter().enumerate().for_each(|(at, column)| place[column.asked] = at);
    let source = |(chosen, column): (&Option<usize>, Option<usize>)| match chosen {
        Some(offered) => Source::Store(place[wanted.partition_point(|wanted| wanted < offered)]),
        None => Source::Value(column.unwrap_or_default()),
    };
    let sources: Vec<Source> = chosen.iter().zip(columns).map(source).collect();
    let store = Some(named(plan, ready, &sources)?);
    Ok(ModelPlan { sources, store })
}

/// A model without names takes rows without names.
fn by_place(ready: &Ready, request: &ModelRequest<'_>) -> Result<ModelPlan, ModelError> {
    let expected = ready.features.len();
    match &request.values {
        Some(values) if request.store.is_none() && values.columns.is_none() => {
            if values.rows > 0 && values.width != expected {
                return Err(ModelError::Width { row: 0, found: values.width, expected });
            }
            Ok(ModelPlan { sources: (0..expected).map(Source::Value).collect(), store: None })
        }
        _ => Err(ModelError::Names {
            reason: "the model has no feature names: send `rows` in the order of its features, without `columns`",
        }),
    }
}

/// By feature, the request's column of its name or of the one that loading makes of it. All columns must be features.
fn by_name(ready: &Ready, values: Option<&Values<'_>>) -> Result<Vec<Option<usize>>, ModelError> {
    let mut found = vec![None; ready.features.len()];
    let Some(values) = values else { return Ok(found) };
    let Some(columns) = &values.columns else {
        return Err(ModelError::Names {
            reason: "the model knows the names of its features: send `columns` beside `rows`",
        });
    };
    let exact: HashMap<&str, usize> = ready.features.iter().map(String::as_str).zip(0..).collect();
    let mut loaded: HashMap<String, Option<usize>> = HashMap::with_capacity(ready.features.len());
    for (at, feature) in ready.features.iter().enumerate() {
        // A name that stands for two features stands for none.
        loaded.entry(column_name(feature)).and_modify(|place| *place = None).or_insert(Some(at));
    }
    for (at, column) in columns.iter().enumerate() {
        let feature = exact.get(&**column).copied().or_else(|| loaded.get(&**column).copied().flatten());
        let feature = feature.ok_or_else(|| ModelError::ColumnUnknown {
            column: column.to_string(),
            known: ready.features.clone(),
        })?;
        if found[feature].replace(at).is_some() {
            return Err(ModelError::ColumnTwice { column: column.to_string() });
        }
    }
    Ok(found)
}

/// Every feature that is served.
fn everything(set: &ServingSet) -> Vec<Asked<'_>> {
    let of_view = |view| plan::of_view(view, None, &[], &[]);
    set.views.iter().flat_map(of_view).collect()
}

fn shown(asked: &Asked<'_>) -> String {
    format!("`{}:{}`", asked.shown, asked.feature)
}

/// Offered features by their names.
struct Names<'o, 's> {
    offered: &'o [Asked<'s>],
    full: HashMap<String, Vec<usize>>,
    plain: HashMap<String, Vec<usize>>,
}

impl<'o, 's> Names<'o, 's> {
    fn new(offered: &'o [Asked<'s>]) -> Self {
        let mut names = Self { offered, full: HashMap::new(), plain: HashMap::new() };
        for (at, asked) in offered.iter().enumerate() {
            let same = names.full.entry(asked.full_name()).or_default();
            // A feature that is named twice is one; under other keys it is another.
            if same.iter().all(|other| offered[*other].join_keys != asked.join_keys) {
                same.push(at);
                names.plain.entry(asked.feature.to_string()).or_default().push(at);
            }
        }
        names
    }

    /// The one offered feature that is called like a model's, or as loading would call that: by its full name, else by its own.
    fn get(&self, feature: &str) -> Result<usize, ModelError> {
        let loaded = column_name(feature);
        let of = |names: &'_ HashMap<String, Vec<usize>>| {
            names.get(feature).or_else(|| names.get(&loaded)).cloned()
        };
        match of(&self.full).or_else(|| of(&self.plain)).as_deref() {
            Some([at]) => Ok(*at),
            Some(several) => {
                let candidates = several.iter().map(|at| shown(&self.offered[*at])).collect();
                Err(ModelError::Ambiguous { feature: feature.to_owned(), candidates })
            }
            None => Err(ModelError::NotLookedUp { feature: feature.to_owned() }),
        }
    }
}

/// The plan of the `wanted` ones among the features `offered`.
fn looked_up(
    request: &ModelRequest<'_>,
    offered: Vec<Asked<'_>>,
    wanted: &[usize],
    views: &ViewSet,
    limits: &Limits,
) -> Result<Plan, RequestError> {
    let is_wanted = |at: &usize| wanted.binary_search(at).is_ok();
    let wanted = offered.into_iter().enumerate().filter(|(at, _)| is_wanted(at)).map(|(_, asked)| asked);
    match &request.store {
        Some(store) => plan::build(store, wanted.collect(), views, limits),
        None => Err(RequestError::NoFeatures),
    }
}

/// A plan with the names of its features in the model's words.
fn named(plan: Plan, ready: &Ready, sources: &[Source]) -> Result<Store, ModelError> {
    let mut names = vec![Vec::new(); plan.groups.len()];
    let mut absent = Vec::new();
    for (feature, source) in ready.features.iter().zip(sources) {
        let Source::Store(at) = source else { continue };
        let column = &plan.columns[*at];
        if matches!(column.value_type, ValueType::String | ValueType::Bytes | ValueType::Timestamp) {
            let (feature, value_type) = (feature.clone(), column.value_type);
            return Err(ModelError::Type { feature, value_type });
        }
        let names = if column.position.is_some() { &mut names[column.group] } else { &mut absent };
        names.push(feature.as_str());
    }
    let list = |names: &Vec<&str>| {
        let mut out = Vec::new();
        push_list(&mut out, names, |out, name| push_text(out, name.as_bytes()));
        out
    };
    let absent = if absent.is_empty() { Vec::new() } else { list(&absent) };
    Ok(Store { names: names.iter().map(list).collect(), absent, plan })
}
