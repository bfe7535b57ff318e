//! `apply`: check definitions against the lake, then register them.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, SchemaRef};
use hanok_query::Session;
use hanok_types::{TableName, ValueType};

use crate::definition::{Definitions, Feature, FeatureSource, FeatureView};
use crate::registry::{Registry, to_objects};
use crate::{FeatureError, Registered};

/// What `apply` did, names by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Applied {
    /// New definitions.
    pub created: Vec<String>,
    /// Definitions that changed.
    pub changed: Vec<String>,
    /// Definitions that are no longer in the files.
    pub removed: Vec<String>,
    /// Definitions that stayed as they were.
    pub unchanged: usize,
}

/// Checks `definitions` against the lake, fills in the types and feature lists that the files leave out, and makes the
/// registry hold exactly them.
///
/// # Errors
/// [`FeatureError::Source`] when a view does not fit its source. Nothing is registered then.
pub async fn apply(
    session: &Session,
    mut definitions: Definitions,
) -> Result<(Registry, Applied), FeatureError> {
    session.lake().may_write()?;
    let (catalog, branch) = (session.lake().catalog(), session.lake().branch_id());
    let before = Registry::load(catalog, branch).await?;
    let mut views = BTreeMap::new();
    for (name, view) in &definitions.views {
        let schema = source_schema(session, view).await?;
        views.insert(name.clone(), resolve(&definitions, view.clone(), &schema)?);
    }
    definitions.views = views;
    check_services(&definitions)?;
    let objects = catalog.replace_features(branch, &to_objects(&definitions)?).await?;
    let after = Registry::from_objects(objects)?;
    let mut applied = Applied::default();
    compare("entity", &before.entities, &after.entities, &mut applied);
    compare("feature view", &before.views, &after.views, &mut applied);
    compare("feature service", &before.services, &after.services, &mut applied);
    Ok((after, applied))
}

fn compare<T>(
    what: &str,
    before: &BTreeMap<String, Registered<T>>,
    after: &BTreeMap<String, Registered<T>>,
    applied: &mut Applied,
) {
    for (name, now) in after {
        match before.get(name) {
            None => applied.created.push(format!("{what} {name}")),
            Some(then) if then.version != now.version => applied.changed.push(format!("{what} {name}")),
            Some(_) => applied.unchanged += 1,
        }
    }
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    applied.removed.extend(gone.map(|name| format!("{what} {name}")));
}

/// The SQL of a view's source, which is a table's name made into a query.
pub(crate) fn source_sql(view: &FeatureView) -> Result<String, FeatureError> {
    match &view.source {
        FeatureSource::Sql(sql) => Ok(sql.clone()),
        FeatureSource::Table(text) => {
            let name = table_name(view, text)?;
            Ok(format!("select * from \"{}\".\"{}\"", name.schema, name.table))
        }
    }
}

pub(crate) fn table_name(view: &FeatureView, text: &str) -> Result<TableName, FeatureError> {
    TableName::parse(text, "main")
        .map_err(|error| FeatureError::Source { view: view.name.clone(), reason: error.to_string() })
}

async fn source_schema(session: &Session, view: &FeatureView) -> Result<SchemaRef, FeatureError> {
    let sql = source_sql(view)?;
    let planned = session.plan(&sql).await;
    let (plan, _) = planned
        .map_err(|source| FeatureError::Query { what: format!("feature view `{}`", view.name), source })?;
    Ok(plan.schema())
}

fn resolve(
    all: &Definitions,
    mut view: FeatureView,
    schema: &SchemaRef,
) -> Result<FeatureView, FeatureError> {
    let invalid = |reason: String| FeatureError::Source { view: view.name.clone(), reason };
    let column = |name: &str| {
        schema
            .field_with_name(name)
            .map(|field| field.data_type().clone())
            .map_err(|_| invalid(format!("its source has no column `{name}`")))
    };
    let keys = all.join_keys(&view);
    for (name, wanted) in &keys {
        let have = column(name)?;
        if !fits(&have, *wanted) {
            return Err(invalid(format!(
                "the join key `{name}` is {have} in the source and {wanted} in its entity"
            )));
        }
    }
    for name in [Some(&view.timestamp), view.created.as_ref()].into_iter().flatten() {
        let have = column(name)?;
        if !matches!(have, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64) {
            return Err(invalid(format!("`{name}` is {have}, not a timestamp")));
        }
    }
    if view.features.is_empty() {
        let taken = |name: &String| {
            *name == view.timestamp
                || view.created.as_ref() == Some(name)
                || keys.iter().any(|(key, _)| key == name)
        };
        let names = schema.fields().iter().map(|field| field.name().clone()).filter(|name| !taken(name));
        view.features =
            names.map(|name| Feature { name, value_type: None, description: String::new() }).collect();
        if view.features.is_empty() {
            return Err(FeatureError::Source {
                view: view.name,
                reason: "its source has no columns beside keys and timestamps".to_owned(),
            });
        }
    }
    let mut features = Vec::with_capacity(view.features.len());
    for feature in &view.features {
        let have = column(&feature.name)?;
        let own =
            ValueType::from_arrow(&have).map_err(|error| invalid(format!("`{}`: {error}", feature.name)))?;
        let wanted = feature.value_type.unwrap_or(own);
        if !fits(&have, wanted) {
            return Err(invalid(format!(
                "`{}` is {have} in the source and declared as {wanted}",
                feature.name
            )));
        }
        features.push(Feature { value_type: Some(wanted), ..feature.clone() });
    }
    view.features = features;
    Ok(view)
}

/// Whether values of the column can become values of the type. Numbers go into numbers; a value that does not fit is an
/// error when it is met.
fn fits(have: &DataType, wanted: ValueType) -> bool {
    let numeric = |value: ValueType| {
        matches!(value, ValueType::Int32 | ValueType::Int64 | ValueType::Float32 | ValueType::Float64)
    };
    match ValueType::from_arrow(have) {
        Ok(own) => own == wanted || (numeric(own) && numeric(wanted)),
        Err(_) => false,
    }
}

/// Services may name features of views whose list came from the source just now.
fn check_services(all: &Definitions) -> Result<(), FeatureError> {
    for service in all.services.values() {
        for projection in &service.features {
            let Some(view) = all.views.get(&projection.view) else { continue };
            let unknown = projection
                .features
                .iter()
                .find(|name| view.features.iter().all(|feature| feature.name != **name));
            if let Some(name) = unknown {
                return Err(FeatureError::Unknown {
                    what: "feature",
                    name: format!("{}:{name}", view.name),
                    similar: None,
                });
            }
        }
    }
    Ok(())
}
