//! The plan of a request's shape: everything that does not depend on the entity values.

use std::borrow::Cow;
use std::cell::Cell;
use std::rc::Rc;

use hanok_online::{KeyKind, ViewSet};
use hanok_types::ValueType;
use hashbrown::HashMap;

use crate::error::RequestError;
use crate::json::push_text;
use crate::options::Limits;
use crate::request::Request;
use crate::set::{ServiceProjection, ServingSet, ServingView};

/// Plans that a thread keeps, and the bytes of the shapes under which it keeps them.
const PLANS_MAX: usize = 1_024;
const SHAPE_BYTES_MAX: usize = 4 << 20;
/// What a part of a plan that its shape does not name counts as.
const PART_BYTES: usize = 16;

/// How to answer requests of one shape.
pub(crate) struct Plan {
    pub key_sets: Vec<KeySet>,
    pub groups: Vec<Group>,
    pub columns: Vec<Column>,
    /// Entity columns of the request that come back in the answer, with the type that they are read as.
    pub echoes: Vec<(usize, ValueType)>,
    /// The end of the answer: names and metadata.
    pub tail: Vec<u8>,
    /// Bytes of the last answer, as a guess at the next.
    pub answer_bytes: Cell<usize>,
}

/// A key that several groups may share.
#[derive(PartialEq)]
pub(crate) struct KeySet {
    pub kind: KeyKind,
    /// Entity column of the request, and its type.
    pub parts: Vec<(usize, ValueType)>,
}

/// One view (under one alias and key map) of the request.
pub(crate) struct Group {
    pub key_set: usize,
    /// The view's position in the store's [`ViewSet`]; `None` when nothing was materialized.
    pub table: Option<usize>,
    /// Positions of the features in the store.
    pub projection: Vec<u16>,
}

/// One feature of the answer.
pub(crate) struct Column {
    /// Position among the features asked for.
    pub asked: usize,
    pub group: usize,
    /// Position in the group's projection; `None` when the store does not have the feature yet.
    pub position: Option<usize>,
    pub value_type: ValueType,
}

/// A thread's plans; valid for one generation of the serving set and of the store's views.
pub(crate) struct Plans<P = Plan> {
    stamp: (u64, u64, u64),
    by_shape: HashMap<Vec<u8>, Rc<P>>,
    bytes: usize,
    shape: Vec<u8>,
}

impl<P> Default for Plans<P> {
    fn default() -> Self {
        Self { stamp: (0, 0, 0), by_shape: HashMap::new(), bytes: 0, shape: Vec::new() }
    }
}

impl<P> Plans<P> {
    /// The plan of the shape that `write` writes, from the cache or made by `make`. A plan's size is proportional to its shape's
    /// and to `parts`.
    pub(crate) fn get(
        &mut self,
        stamp: (u64, u64, u64),
        parts: usize,
        write: impl FnOnce(&mut Vec<u8>),
        make: impl FnOnce() -> Result<P, RequestError>,
    ) -> Result<Rc<P>, RequestError> {
        if self.stamp != stamp {
            self.clear();
            self.stamp = stamp;
        }
        self.shape.clear();
        write(&mut self.shape);
        if let Some(plan) = self.by_shape.get(&self.shape) {
            return Ok(Rc::clone(plan));
        }
        let plan = Rc::new(make()?);
        let bytes = self.shape.len() + parts * PART_BYTES;
        if self.by_shape.len() == PLANS_MAX || self.bytes + bytes > SHAPE_BYTES_MAX {
            self.clear();
        }
        self.bytes += bytes;
        self.by_shape.insert(self.shape.clone(), Rc::clone(&plan));
        Ok(plan)
    }

    fn clear(&mut self) {
        self.by_shape.clear();
        self.bytes = 0;
    }
}

/// Appends a text so that no other two texts make the same bytes.
pub(crate) fn write_text(shape: &mut Vec<u8>, text: &str) {
    shape.extend_from_slice(&(text.len() as u32).to_le_bytes());
    shape.extend_from_slice(text.as_bytes());
}

/// Appends the shape of a request, unambiguous: every text comes with its length.
pub(crate) fn write_shape(request: &Request<'_>, shape: &mut Vec<u8>) {
    shape.push(u8::from(request.full_feature_names) | u8::from(request.version_metadata) << 1);
    shape.extend_from_slice(&(request.entities.len() as u32).to_le_bytes());
    for (name, _) in &request.entities {
        write_text(shape, name);
    }
    match &request.feature_service {
        Some(service) => {
            shape.push(1);
            write_text(shape, service);
        }
        None => {
            shape.push(0);
            for feature in &request.features {
                write_text(shape, feature);
            }
        }
    }
}

/// A feature that the request asks for, before views are grouped.
pub(crate) struct Asked<'s> {
    pub view: &'s ServingView,
    /// The name in full feature names.
    pub shown: Cow<'s, str>,
    pub feature: Cow<'s, str>,
    pub join_keys: &'s [(String, String)],
}

impl Asked<'_> {
    /// The full feature name.
    pub(crate) fn full_name(&self) -> String {
        format!("{}__{}", self.shown, self.feature)
    }
}

/// Makes the plan of a request.
pub(crate) fn make(
    request: &Request<'_>,
    set: &ServingSet,
    store: &ViewSet,
    limits: &Limits,
) -> Result<Plan, RequestError> {
    build(request, asked(request, set)?, store, limits)
}

/// The features that a request asks for.
pub(crate) fn asked<'s>(request: &Request<'_>, set: &'s ServingSet) -> Result<Vec<Asked<'s>>, RequestError> {
    match &request.feature_service {
        Some(service) => of_service(set, service),
        None if request.features.is_empty() => Err(RequestError::NoFeatures),
        None => request.features.iter().map(|reference| of_reference(set, reference)).collect(),
    }
}

/// Plans how to look features up.
pub(crate) fn build(
    request: &Request<'_>,
    asked: Vec<Asked<'_>>,
    store: &ViewSet,
    limits: &Limits,
) -> Result<Plan, RequestError> {
    if asked.len() > limits.features_max {
        return Err(RequestError::TooMany { what: "features", max: limits.features_max });
    }
    Builder::default().build(request, asked, store)
}

fn of_service<'s>(set: &'s ServingSet, name: &str) -> Result<Vec<Asked<'s>>, RequestError> {
    let unknown = || RequestError::ServiceUnknown { service: name.to_owned() };
    let service = set.services.iter().find(|service| service.name == name).ok_or_else(unknown)?;
    let mut asked = Vec::new();
    for ServiceProjection { view, alias, features, join_keys } in &service.projections {
        asked.extend(of_view(view_named(set, view)?, alias.as_deref(), features, join_keys));
    }
    Ok(asked)
}

/// Some features of a view, or all for none.
pub(crate) fn of_view<'s>(
    view: &'s ServingView,
    alias: Option<&'s str>,
    features: &'s [String],
    join_keys: &'s [(String, String)],
) -> impl Iterator<Item = Asked<'s>> {
    let all = view.schema.features.iter().map(|(feature, _)| feature).filter(|_| features.is_empty());
    let shown = alias.unwrap_or(&view.schema.name);
    all.chain(features).map(move |feature| Asked {
        view,
        shown: Cow::Borrowed(shown),
        feature: Cow::Borrowed(feature),
        join_keys,
    })
}

fn view_named<'s>(set: &'s ServingSet, name: &str) -> Result<&'s ServingView, RequestError> {
    let unknown = || RequestError::ViewUnknown { view: name.to_owned() };
    set.views.iter().find(|view| view.schema.name == name).ok_or_else(unknown)
}

/// Resolves `view:feature`, `view@v2:feature` or `view@latest:feature`.
fn of_reference<'s>(set: &'s ServingSet, reference: &str) -> Result<Asked<'s>, RequestError> {
    let malformed = || RequestError::Reference { reference: reference.to_owned() };
    let (name, feature) = reference.split_once(':').ok_or_else(malformed)?;
    let (name, version) = name.split_once('@').map_or((name, None), |(name, version)| (name, Some(version)));
    if name.is_empty() || feature.is_empty() {
        return Err(malformed());
    }
    let view = view_named(set, name)?;
    let current = |version: &str| {
        version == "latest"
            || version.strip_prefix('v').and_then(|digits| digits.parse().ok()) == Some(view.version)
    };
    if let Some(asked) = version.filter(|version| !current(version)) {
        let (view, asked, current) = (name.to_owned(), asked.to_owned(), view.version);
        return Err(RequestError::VersionUnknown { view, asked, current });
    }
    Ok(Asked {
        view,
        shown: Cow::Borrowed(&view.schema.name),
        feature: Cow::Owned(feature.to_owned()),
        join_keys: &[],
    })
}

/// A group with what tells it from others.
struct Grouped<'s> {
    group: Group,
    view: &'s ServingView,
    shown: Cow<'s, str>,
    join_keys: &'s [(String, String)],
}

#[derive(Default)]
struct Builder<'s> {
    key_sets: Vec<KeySet>,
    groups: Vec<Grouped<'s>>,
    columns: Vec<(Column, String)>,
    echoes: Vec<(usize, ValueType)>,
}

impl<'s> Builder<'s> {
    fn build(
        mut self,
        request: &Request<'_>,
        asked: Vec<Asked<'s>>,
        store: &ViewSet,
    ) -> Result<Plan, RequestError> {
        for asked in asked {
            let group = self.group(request, &asked, store)?;
            self.column(request, group, &asked, store)?;
        }
        // Features of one view stand together, as in Feast's answers.
        self.columns.sort_by_key(|(column, _)| column.group);
        self.echoes.sort_unstable_by_key(|(column, _)| *column);
        let tail = self.tail(request)?;
        Ok(Plan {
            key_sets: self.key_sets,
            groups: self.groups.into_iter().map(|grouped| grouped.group).collect(),
            columns: self.columns.into_iter().map(|(column, _)| column).collect(),
            echoes: self.echoes,
            tail,
            answer_bytes: Cell::new(1_024),
        })
    }

    fn group(
        &mut self,
        request: &Request<'_>,
        asked: &Asked<'s>,
        store: &ViewSet,
    ) -> Result<usize, RequestError> {
        let known = self.groups.iter().position(|known| {
            std::ptr::eq(known.view, asked.view)
                && known.shown == asked.shown
                && known.join_keys == asked.join_keys
        });
        if let Some(group) = known {
            return Ok(group);
        }
        let schema = &asked.view.schema;
        let mut parts = Vec::with_capacity(schema.join_keys.len());
        for (join_key, value_type) in &schema.join_keys {
            let mapped = asked
                .join_keys
                .iter()
                .find(|(key, _)| key == join_key)
                .map_or(join_key, |(_, column)| column);
            let column = request.entities.iter().position(|(name, _)| name == mapped).ok_or_else(|| {
                RequestError::JoinKeyMissing { join_key: mapped.clone(), view: schema.name.clone() }
            })?;
            parts.push((column, *value_type));
            if self.echoes.iter().all(|(echoed, _)| *echoed != column) {
                self.echoes.push((column, *value_type));
            }
        }
        let key_set = KeySet { kind: schema.key_kind(), parts };
        let known = self.key_sets.iter().position(|known| *known == key_set);
        let key_set = known.unwrap_or_else(|| {
            self.key_sets.push(key_set);
            self.key_sets.len() - 1
        });
        // The store's view can be a step behind or ahead of the definition; rows under other keys are not this view's.
        let table = store.position(&schema.name).filter(|&position| {
            store.table(position).is_some_and(|table| table.schema().join_keys == schema.join_keys)
        });
        let group = Group { key_set, table, projection: Vec::new() };
        let (view, shown, join_keys) = (asked.view, asked.shown.clone(), asked.join_keys);
        self.groups.push(Grouped { group, view, shown, join_keys });
        Ok(self.groups.len() - 1)
    }

    fn column(
        &mut self,
        request: &Request<'_>,
        at: usize,
        asked: &Asked<'s>,
        store: &ViewSet,
    ) -> Result<(), RequestError> {
        let schema = &asked.view.schema;
        let value_type = schema.feature(&asked.feature).map(|at| schema.features[at].1).ok_or_else(|| {
            RequestError::FeatureUnknown { view: schema.name.clone(), feature: asked.feature.to_string() }
        })?;
        let group = &mut self.groups[at].group;
        let stored = group.table.and_then(|position| store.table(position)).and_then(|table| {
            let stored = table.schema().feature(&asked.feature)?;
            (table.schema().features[stored].1 == value_type).then_some(stored as u16)
        });
        let position = stored.map(|stored| {
            let known = group.projection.iter().position(|known| *known == stored);
            known.unwrap_or_else(|| {
                group.projection.push(stored);
                group.projection.len() - 1
            })
        });
        let name = if request.full_feature_names { asked.full_name() } else { asked.feature.to_string() };
        let asked = self.columns.len();
        self.columns.push((Column { asked, group: at, position, value_type }, name));
        Ok(())
    }

    fn tail(&self, request: &Request<'_>) -> Result<Vec<u8>, RequestError> {
        let mut names = std::collections::BTreeSet::new();
        if let Some((_, name)) = self.columns.iter().find(|(_, name)| !names.insert(name)) {
            return Err(RequestError::Collision { name: name.clone() });
        }
        let echoes = self.echoes.iter().map(|(column, _)| &*request.entities[*column].0);
        let mut tail = b"],\"metadata\":{\"feature_names\":[".to_vec();
        for (at, name) in echoes.chain(self.columns.iter().map(|(_, name)| name.as_str())).enumerate() {
            if at > 0 {
                tail.push(b',');
            }
            push_text(&mut tail, name.as_bytes());
        }
        tail.push(b']');
        if request.version_metadata {
            tail.extend_from_slice(b",\"feature_view_metadata\":[");
            for (at, Grouped { view, .. }) in self.groups.iter().enumerate() {
                if at > 0 {
                    tail.push(b',');
                }
                tail.extend_from_slice(b"{\"name\":");
                push_text(&mut tail, view.schema.name.as_bytes());
                tail.extend_from_slice(format!(",\"version\":{}}}", view.version).as_bytes());
            }
            tail.push(b']');
        }
        tail.extend_from_slice(b"}}");
        Ok(tail)
    }
}
