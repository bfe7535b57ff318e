//! Which Arrow types the lake stores, and how schemas grow.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray as _, RecordBatch, TimestampMicrosecondArray, TimestampNanosecondArray,
};
use arrow::compute::CastOptions;
use arrow::compute::cast_with_options;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};

use crate::LakeError;

/// The type in which the lake stores values of `data_type`, without loss of values.
///
/// Every instant is microseconds in UTC; a timestamp without a zone is taken as UTC.
///
/// # Errors
/// [`LakeError::Type`] when Delta Lake has no such type.
pub fn lake_type(column: &str, data_type: &DataType) -> Result<DataType, LakeError> {
    let nested = |field: &Arc<Field>| -> Result<Arc<Field>, LakeError> {
        Ok(Arc::new(Field::new(field.name(), lake_type(column, field.data_type())?, true)))
    };
    Ok(match data_type {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64
        | DataType::Date32 => data_type.clone(),
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        DataType::UInt64 => DataType::Decimal128(20, 0),
        DataType::Float16 => DataType::Float32,
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
            if *scale >= 0 =>
        {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Null | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            DataType::Binary
        }
        DataType::Date64 => DataType::Date32,
        DataType::Timestamp(..) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Dictionary(_, values) => lake_type(column, values)?,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            DataType::List(nested(item)?)
        }
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(nested).collect::<Result<_, _>>()?),
        other => return Err(LakeError::Type { column: column.to_owned(), data_type: other.to_string() }),
    })
}

/// `schema` with every column in its lake type and nullable.
pub fn lake_schema(schema: &Schema) -> Result<SchemaRef, LakeError> {
    let fields = schema
        .fields()
        .iter()
        .map(|field| Ok(Field::new(field.name(), lake_type(field.name(), field.data_type())?, true)))
        .collect::<Result<Vec<_>, LakeError>>()?;
    Ok(Arc::new(Schema::new(fields)))
}

/// `batch` with its columns cast to `schema`, which is its [`lake_schema`]. A value that does not fit is an error.
pub fn normalize(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, arrow::error::ArrowError> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| match (column.data_type(), field.data_type()) {
            (have, wanted) if have == wanted => Ok(column.clone()),
            (
                DataType::Timestamp(TimeUnit::Nanosecond, _),
                DataType::Timestamp(TimeUnit::Microsecond, Some(zone)),
            ) if &**zone == "UTC" => Ok(Arc::new(floor_to_micros(column.as_primitive())) as ArrayRef),
            (_, wanted) => cast_with_options(column, wanted, &strict),
        })
        .collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(schema.clone(), columns)
}

/// The microsecond, in UTC, that each nanosecond is in. A cast would round towards 1970, and so make a row before it
/// later than it is.
pub fn floor_to_micros(nanoseconds: &TimestampNanosecondArray) -> TimestampMicrosecondArray {
    nanoseconds.unary::<_, TimestampMicrosecondType>(|ns| ns.div_euclid(1_000)).with_timezone("UTC")
}

/// A schema after new data.
#[derive(Debug, Clone)]
pub struct Evolution {
    /// The columns of the table, then the new ones in the order in which they came.
    pub schema: SchemaRef,
    /// Whether there are new ones.
    pub grew: bool,
}

/// Joins the table's schema with that of new data; both hold lake types.
///
/// # Errors
/// [`LakeError::SchemaMismatch`] when a column has another type in the table.
pub fn evolve(table: &str, have: &Schema, new: &Schema) -> Result<Evolution, LakeError> {
    let mut fields: Vec<Arc<Field>> = have.fields().iter().cloned().collect();
    for field in new.fields() {
        match have.field_with_name(field.name()) {
            Ok(known) if same_type(known.data_type(), field.data_type()) => {}
            Ok(known) => {
                return Err(LakeError::SchemaMismatch {
                    table: table.to_owned(),
                    column: field.name().clone(),
                    have: known.data_type().to_string(),
                    new: field.data_type().to_string(),
                });
            }
            Err(_) => fields.push(field.clone()),
        }
    }
    let grew = fields.len() > have.fields().len();
    Ok(Evolution { schema: Arc::new(Schema::new(fields)), grew })
}

/// Types are compared as the lake stores them, so that names of list items and nullability do not matter.
fn same_type(a: &DataType, b: &DataType) -> bool {
    match (a, b) {
        (DataType::List(a), DataType::List(b)) => same_type(a.data_type(), b.data_type()),
        (DataType::Struct(a), DataType::Struct(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b)
                    .all(|(a, b)| a.name() == b.name() && same_type(a.data_type(), b.data_type()))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_and_views_become_lake_types() {
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        assert_eq!(lake_type("t", &DataType::Timestamp(TimeUnit::Nanosecond, None)).unwrap(), utc);
        assert_eq!(
            lake_type("t", &DataType::Timestamp(TimeUnit::Second, Some("Asia/Seoul".into()))).unwrap(),
            utc
        );
        assert_eq!(lake_type("t", &DataType::Utf8View).unwrap(), DataType::Utf8);
        assert!(matches!(
            lake_type("t", &DataType::Time64(TimeUnit::Microsecond)),
            Err(LakeError::Type { .. })
        ));
    }

    #[test]
    fn nanoseconds_round_down_before_1970_too() {
        let column: ArrayRef =
            Arc::new(TimestampNanosecondArray::from(vec![Some(-1), Some(-1_000), Some(1_999), None]));
        let batch = RecordBatch::try_from_iter([("t", column)]).unwrap();
        let batch = normalize(&batch, &lake_schema(&batch.schema()).unwrap()).unwrap();
        let expected = TimestampMicrosecondArray::from(vec![Some(-1), Some(-1), Some(1), None]);
        assert_eq!(
            batch.column(0).as_primitive::<TimestampMicrosecondType>(),
            &expected.with_timezone("UTC")
        );
    }

    #[test]
    fn new_columns_go_to_the_end_and_other_types_are_refused() {
        let have = Schema::new(vec![Field::new("a", DataType::Int64, true)]);
        let new =
            Schema::new(vec![Field::new("b", DataType::Utf8, true), Field::new("a", DataType::Int64, true)]);
        let evolution = evolve("t", &have, &new).unwrap();
        assert!(evolution.grew);
        let names: Vec<_> = evolution.schema.fields().iter().map(|f| f.name().as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        let clash = Schema::new(vec![Field::new("a", DataType::Utf8, true)]);
        assert!(matches!(evolve("t", &have, &clash), Err(LakeError::SchemaMismatch { .. })));
    }
}
