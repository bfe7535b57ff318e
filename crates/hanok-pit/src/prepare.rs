//! Checks before any work: columns are there, types fit, names do not collide.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::{can_cast_types, concat};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::error::{PitError, Result, convert};
use crate::gather::Wanted;
use crate::keys::KeyKind;
use crate::scan::Files;
use crate::spec::{BatchSource, EntityFrame, FeatureSource, View};
use crate::time::is_time;

const ENTITY: &str = "the entity rows";

/// An opened feature source.
pub(crate) enum Opened {
    Files(Files),
    Batches(Arc<dyn BatchSource>),
}

impl Opened {
    pub(crate) fn open(source: &FeatureSource, threads: usize) -> Result<Self> {
        Ok(match source {
            FeatureSource::Files(files) => Self::Files(Files::open(files, threads)?),
            FeatureSource::Batches(batches) => Self::Batches(Arc::clone(batches)),
        })
    }

    /// Schema and place of each part of the source.
    fn schemas(&self, view: &View) -> Vec<(SchemaRef, String)> {
        match self {
            Self::Files(files) => {
                files.files.iter().map(|f| (Arc::clone(&f.schema), f.path.clone())).collect()
            }
            Self::Batches(batches) => vec![(batches.schema(), format!("the source of `{}`", view.name))],
        }
    }
}

fn field<'a>(schema: &'a Schema, column: &str, place: &str) -> Result<&'a Field> {
    schema.field_with_name(column).map_err(|_| PitError::MissingColumn {
        column: column.to_owned(),
        place: place.to_owned(),
        known: schema.fields().iter().map(|field| field.name().clone()).collect(),
    })
}

fn time_field(schema: &Schema, column: &str, place: &str) -> Result<()> {
    let data_type = field(schema, column, place)?.data_type();
    if is_time(data_type) {
        return Ok(());
    }
    Err(unsupported(column, place, data_type, "a timestamp"))
}

fn unsupported(column: &str, place: &str, data_type: &DataType, role: &'static str) -> PitError {
    let (column, place) = (column.to_owned(), place.to_owned());
    PitError::UnsupportedType { column, place, data_type: Box::new(data_type.clone()), role }
}

/// Checks the view and yields how its keys compare and the types of its values.
pub(crate) fn check_view(
    entity: &EntityFrame,
    view: &View,
    source: &Opened,
) -> Result<(Vec<KeyKind>, Vec<DataType>)> {
    if view.ttl_us.is_some_and(|ttl| ttl < 0) {
        return Err(PitError::InvalidOption("a ttl must not be negative"));
    }
    if view.as_known_at && view.created.is_none() {
        return Err(PitError::InvalidOption("`as_known_at` needs a created timestamp column"));
    }
    time_field(&entity.schema, &entity.timestamp, ENTITY)?;
    let schemas = source.schemas(view);
    let mut kinds = Vec::new();
    for (entity_column, feature_column) in &view.keys {
        let entity_type = field(&entity.schema, entity_column, ENTITY)?.data_type();
        if !KeyKind::accepts(entity_type) {
            return Err(unsupported(entity_column, ENTITY, entity_type, "a join key"));
        }
        let mut kind: Option<KeyKind> = None;
        for (schema, place) in &schemas {
            let feature_type = field(schema, feature_column, place)?.data_type();
            if !KeyKind::accepts(feature_type) {
                return Err(unsupported(feature_column, place, feature_type, "a join key"));
            }
            let mismatch = || PitError::KeyTypes {
                entity: entity_column.clone(),
                entity_type: Box::new(entity_type.clone()),
                feature: feature_column.clone(),
                feature_type: Box::new(feature_type.clone()),
            };
            let own = KeyKind::common(entity_type, feature_type).ok_or_else(mismatch)?;
            kind = Some(match kind {
                None => own,
                Some(before) => before.widen(own).ok_or_else(mismatch)?,
            });
        }
        kinds.push(kind.or_else(|| KeyKind::common(entity_type, entity_type)).unwrap_or(KeyKind::Null));
    }
    for (schema, place) in &schemas {
        time_field(schema, &view.timestamp, place)?;
        if let Some(created) = &view.created {
            time_field(schema, created, place)?;
        }
    }
    let mut types = Vec::new();
    for value in &view.values {
        let target = value.target.map(|target| target.arrow());
        let mut stored =
            schemas.iter().filter_map(|(s, place)| Some((s.field_with_name(&value.source).ok()?, place)));
        let first = stored.next();
        if let (None, Some((schema, place))) = (&first, schemas.first()) {
            field(schema, &value.source, place)?;
        }
        let data_type =
            target.or_else(|| first.map(|(field, _)| field.data_type().clone())).unwrap_or(DataType::Null);
        for (field, place) in first.into_iter().chain(stored) {
            if field.data_type() != &data_type && !can_cast_types(field.data_type(), &data_type) {
                return Err(unsupported(
                    &value.source,
                    place,
                    field.data_type(),
                    "converted to the feature's type",
                ));
            }
        }
        types.push(data_type);
    }
    Ok((kinds, types))
}

/// The output's schema: the entity columns, then every view's values.
pub(crate) fn output_schema(
    entity: &EntityFrame,
    views: &[View],
    types: &[Vec<DataType>],
) -> Result<SchemaRef> {
    let mut fields: Vec<Arc<Field>> = entity.schema.fields().iter().cloned().collect();
    let mut names: HashSet<String> = fields.iter().map(|field| field.name().clone()).collect();
    for (view, types) in views.iter().zip(types) {
        for (value, data_type) in view.values.iter().zip(types) {
            if !names.insert(value.output.clone()) {
                return Err(PitError::DuplicateColumn(value.output.clone()));
            }
            fields.push(Arc::new(Field::new(&value.output, data_type.clone(), true)));
        }
    }
    Ok(Arc::new(Schema::new_with_metadata(fields, entity.schema.metadata().clone())))
}

/// A whole entity column.
pub(crate) fn entity_column(entity: &EntityFrame, name: &str) -> Result<ArrayRef> {
    let at = entity.schema.index_of(name).map_err(|_| PitError::MissingColumn {
        column: name.to_owned(),
        place: ENTITY.to_owned(),
        known: entity.schema.fields().iter().map(|field| field.name().clone()).collect(),
    })?;
    match entity.batches.as_slice() {
        [] => Ok(arrow::array::new_empty_array(entity.schema.field(at).data_type())),
        [only] => Ok(Arc::clone(only.column(at))),
        batches => {
            let pieces: Vec<_> = batches.iter().map(|batch| batch.column(at).as_ref()).collect();
            concat(&pieces).map_err(convert(name))
        }
    }
}

/// What to gather for a view.
pub(crate) fn wanted<'a>(view: &'a View, types: &[DataType]) -> Vec<Wanted<'a>> {
    let pairs = view.values.iter().zip(types);
    pairs
        .map(|(value, data_type)| Wanted { source: &value.source, target: Some(data_type.clone()) })
        .collect()
}
