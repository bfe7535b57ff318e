//! Timestamps of any unit and zone as microseconds since 1970-01-01 UTC.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};

use crate::error::{PitError, Result};

const US_PER_DAY: i64 = 86_400_000_000;

/// A timestamp column in microseconds UTC; what null positions hold is unspecified.
#[derive(Clone, Debug)]
pub(crate) struct Micros {
    pub values: ScalarBuffer<i64>,
    pub nulls: Option<NullBuffer>,
}

impl Micros {
    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }
}

/// Whether [`micros`] accepts the type.
pub(crate) fn is_time(data_type: &DataType) -> bool {
    match data_type {
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 | DataType::Null => true,
        DataType::Dictionary(_, values) => is_time(values),
        _ => false,
    }
}

/// Converts a timestamp or date column. Arrow stores zoned timestamps as UTC instants, so a zone changes nothing, and
/// naive ones are taken as UTC. Nanoseconds round down. A non-null value out of range is an error.
pub(crate) fn micros(array: &ArrayRef, column: &str, place: &str) -> Result<Micros> {
    let nulls = array.logical_nulls();
    let range = || PitError::TimestampRange { column: column.to_owned(), place: place.to_owned() };
    let scaled = |values: &mut dyn Iterator<Item = i64>, factor: i64| -> Result<ScalarBuffer<i64>> {
        let mut out = Vec::with_capacity(array.len());
        for (row, value) in values.enumerate() {
            match value.checked_mul(factor) {
                Some(us) => out.push(us),
                None if nulls.as_ref().is_some_and(|n| n.is_null(row)) => out.push(0),
                None => return Err(range()),
            }
        }
        Ok(out.into())
    };
    let values = match array.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            array.as_primitive::<TimestampMicrosecondType>().values().clone()
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            let values = array.as_primitive::<TimestampNanosecondType>().values();
            values.iter().map(|ns| ns.div_euclid(1_000)).collect()
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            let values = array.as_primitive::<TimestampMillisecondType>().values();
            scaled(&mut values.iter().copied(), 1_000)?
        }
        DataType::Timestamp(TimeUnit::Second, _) => {
            let values = array.as_primitive::<TimestampSecondType>().values();
            scaled(&mut values.iter().copied(), 1_000_000)?
        }
        DataType::Date32 => {
            let values = array.as_primitive::<Date32Type>().values();
            values.iter().map(|days| i64::from(*days) * US_PER_DAY).collect()
        }
        DataType::Date64 => {
            let values = array.as_primitive::<Date64Type>().values();
            scaled(&mut values.iter().copied(), 1_000)?
        }
        DataType::Null => vec![0; array.len()].into(),
        DataType::Dictionary(_, values) if is_time(values) => {
            let plain = arrow::compute::cast(array, values).map_err(crate::error::convert(column))?;
            return micros(&plain, column, place);
        }
        other => {
            return Err(PitError::UnsupportedType {
                column: column.to_owned(),
                place: place.to_owned(),
                data_type: Box::new(other.clone()),
                role: "a timestamp",
            });
        }
    };
    Ok(Micros { values, nulls })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        Date32Array, Int64Array, TimestampMicrosecondArray, TimestampNanosecondArray, TimestampSecondArray,
    };

    use super::*;

    #[test]
    fn every_unit_becomes_microseconds_utc() {
        let cases: Vec<(ArrayRef, i64)> = vec![
            (Arc::new(TimestampMicrosecondArray::from(vec![7]).with_timezone("Asia/Seoul")), 7),
            (Arc::new(TimestampNanosecondArray::from(vec![-1])), -1),
            (Arc::new(TimestampNanosecondArray::from(vec![1_999])), 1),
            (Arc::new(TimestampSecondArray::from(vec![3])), 3_000_000),
            (Arc::new(Date32Array::from(vec![-1])), -US_PER_DAY),
        ];
        for (array, expected) in cases {
            assert_eq!(micros(&array, "t", "x").unwrap().values[0], expected, "{:?}", array.data_type());
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error_unless_null() {
        let far: ArrayRef = Arc::new(TimestampSecondArray::from(vec![i64::MAX]));
        assert!(matches!(micros(&far, "t", "x"), Err(PitError::TimestampRange { .. })));
        let null: ArrayRef =
            Arc::new(TimestampSecondArray::new(vec![i64::MAX].into(), Some(vec![false].into())));
        assert!(micros(&null, "t", "x").unwrap().is_null(0));
        let number: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        assert!(matches!(micros(&number, "t", "x"), Err(PitError::UnsupportedType { .. })));
    }
}
