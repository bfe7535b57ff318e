//! Bounded noise on numbers, and shifts of dates and timestamps.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::datatypes::{DataType, Float64Type, Int64Type};

use crate::error::{MaskError, Result, unsupported};
use crate::key::{Draws, Key, Random};
use crate::period::per_second;
use crate::rows::RowIds;
use crate::text::cast;
use crate::treatment::{Distribution, Noise, Spread};

const DAY_SECONDS: i64 = 86_400;
/// The Laplace distribution's scale is the bound divided by this.
const LAPLACE_SCALES: f64 = 3.0;

pub(crate) struct NoiseMasker {
    settings: Noise,
    numbers: Key,
    dates: Key,
}

/// What a row's noise is keyed by.
enum Source<'a> {
    Rows(&'a RowIds),
    Values,
}

impl NoiseMasker {
    pub(crate) fn new(settings: Noise, key: &Key, domain: &str) -> Self {
        let [numbers, dates] = ["noise", "shift"].map(|purpose| key.derive(purpose, domain));
        Self { settings, numbers, dates }
    }

    pub(crate) fn apply(&self, column: &ArrayRef, rows: Option<&RowIds>) -> Result<ArrayRef> {
        if let Some(rows) = rows.filter(|rows| rows.len() != column.len()) {
            return Err(MaskError::Rows {
                what: "the row identities",
                found: rows.len(),
                expected: column.len(),
            });
        }
        let source = rows.map_or(Source::Values, Source::Rows);
        let data_type = column.data_type();
        match data_type {
            integer if integer.is_integer() && integer != &DataType::UInt64 => self.integers(column, &source),
            number if number.is_numeric() => self.floats(column, &source),
            DataType::Date32 => self.days(column, &source, 1),
            DataType::Date64 => self.days(column, &source, DAY_SECONDS * 1_000),
            DataType::Timestamp(unit, _) => self.days(column, &source, DAY_SECONDS * per_second(*unit)),
            other => Err(unsupported("noise", other)),
        }
    }

    fn floats(&self, column: &ArrayRef, source: &Source<'_>) -> Result<ArrayRef> {
        let wide = cast(column, &DataType::Float64)?;
        let wide = wide.as_primitive::<Float64Type>();
        let noisy = wide.values().iter().enumerate().map(|(row, value)| {
            if !value.is_finite() {
                return *value;
            }
            let spread = match self.settings.spread {
                Spread::Percent(percent) => value.abs() * percent / 100.0,
                Spread::Absolute(spread) => spread,
            };
            value + self.draw(&mut draws(&self.numbers, source, row, &value.to_le_bytes()), spread)
        });
        let out = Float64Array::new(noisy.collect::<Vec<_>>().into(), column.nulls().cloned());
        cast(&out, column.data_type())
    }

    /// Integers move by whole numbers, keep their sign and stay within their type.
    fn integers(&self, column: &ArrayRef, source: &Source<'_>) -> Result<ArrayRef> {
        let (least, most) = bounds(column.data_type());
        let wide = cast(column, &DataType::Int64)?;
        let wide = wide.as_primitive::<Int64Type>();
        let noisy = wide.values().iter().enumerate().map(|(row, value)| {
            let spread = match self.settings.spread {
                Spread::Percent(percent) => (value.unsigned_abs() as f64 * percent / 100.0).max(1.0),
                Spread::Absolute(spread) => spread,
            };
            let mut draws = draws(&self.numbers, source, row, &value.to_le_bytes());
            // One half more on each side, so that the outermost whole numbers are as likely as the others.
            let limit = spread.floor();
            let moved = self.draw(&mut draws, limit + 0.5).round().clamp(-limit, limit);
            let (least, most) = if *value >= 0 { (0, most) } else { (least, -1) };
            value.saturating_add(moved as i64).clamp(least, most)
        });
        let out = Int64Array::new(noisy.collect::<Vec<_>>().into(), column.nulls().cloned());
        cast(&out, column.data_type())
    }

    /// Shifts by whole days, so that the time of day stays.
    fn days(&self, column: &ArrayRef, source: &Source<'_>, day: i64) -> Result<ArrayRef> {
        let narrow = column.data_type() == &DataType::Date32;
        let wide = if narrow { cast(column, &DataType::Int32)? } else { column.clone() };
        let wide = cast(&wide, &DataType::Int64)?;
        let wide = wide.as_primitive::<Int64Type>();
        let shifted = wide.values().iter().enumerate().map(|(row, value)| {
            let mut draws = draws(&self.dates, source, row, &value.to_le_bytes());
            let days = draws.below(u64::from(self.settings.days)) as i64 + 1;
            let sign = if draws.below(2) == 0 { 1 } else { -1 };
            value.saturating_add(sign * days * day)
        });
        let out: ArrayRef =
            Arc::new(Int64Array::new(shifted.collect::<Vec<_>>().into(), column.nulls().cloned()));
        let out = if narrow { cast(&out, &DataType::Int32)? } else { out };
        cast(&out, column.data_type())
    }

    /// A number within ±`spread`.
    fn draw(&self, draws: &mut Draws, spread: f64) -> f64 {
        let unit = draws.unit();
        match self.settings.distribution {
            Distribution::Uniform => (2.0 * unit - 1.0) * spread,
            Distribution::Laplace => {
                // The inverse distribution function, with its argument kept to what lies within the bound.
                let inside = 1.0 - (-LAPLACE_SCALES).exp();
                let centred = (unit - 0.5) * inside;
                -centred.signum() * (1.0 - 2.0 * centred.abs()).ln() * spread / LAPLACE_SCALES
            }
        }
    }
}

fn draws(key: &Key, source: &Source<'_>, row: usize, value: &[u8]) -> Draws {
    match source {
        Source::Rows(rows) => key.draws(rows.get(row)),
        Source::Values => key.draws(value),
    }
}

/// The least and the greatest number of an integer type, as far as 64 bits with a sign hold them.
pub(crate) fn bounds(data_type: &DataType) -> (i64, i64) {
    match data_type {
        DataType::Int8 => (i8::MIN.into(), i8::MAX.into()),
        DataType::Int16 => (i16::MIN.into(), i16::MAX.into()),
        DataType::Int32 => (i32::MIN.into(), i32::MAX.into()),
        DataType::UInt8 => (0, u8::MAX.into()),
        DataType::UInt16 => (0, u16::MAX.into()),
        DataType::UInt32 => (0, u32::MAX.into()),
        _ => (i64::MIN, i64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Date32Array, Int8Array, Int32Array, TimestampMicrosecondArray};
    use arrow::datatypes::{Date32Type, Int8Type, TimestampMicrosecondType};
    use proptest::prelude::*;

    use super::*;

    fn masker(distribution: Distribution, spread: Spread) -> NoiseMasker {
        NoiseMasker::new(Noise { distribution, spread, days: 30 }, &Key::new([1; 32]), "meal")
    }

    #[test]
    fn rows_keep_equal_values_apart_and_values_keep_them_together() {
        let masker = masker(Distribution::Uniform, Spread::Percent(5.0));
        let column: ArrayRef = Arc::new(Float64Array::from(vec![100.0; 50]));
        let ids: ArrayRef = Arc::new((0..50).map(Some).collect::<Int32Array>());
        let rows = RowIds::new(&Key::new([1; 32]), &[ids]).unwrap();
        let distinct = |out: ArrayRef| {
            let mut values: Vec<u64> =
                out.as_primitive::<Float64Type>().values().iter().map(|v| v.to_bits()).collect();
            values.sort_unstable();
            values.dedup();
            values.len()
        };
        assert_eq!(distinct(masker.apply(&column, Some(&rows)).unwrap()), 50);
        assert_eq!(distinct(masker.apply(&column, None).unwrap()), 1);
        let short: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
        assert!(matches!(masker.apply(&short, Some(&rows)), Err(MaskError::Rows { found: 50, .. })));
    }

    #[test]
    fn dates_of_one_identity_keep_their_intervals() {
        let masker = masker(Distribution::Uniform, Spread::Percent(5.0));
        let entity: ArrayRef = Arc::new(Int32Array::from(vec![1, 1, 2, 2]));
        let rows = RowIds::new(&Key::new([1; 32]), &[entity]).unwrap();
        let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(100), Some(140), Some(100), None]));
        let out = masker.apply(&days, Some(&rows)).unwrap();
        let out = out.as_primitive::<Date32Type>();
        assert_eq!(out.value(1) - out.value(0), 40);
        assert!(
            (1..=30).contains(&(out.value(0) - 100).abs()) && (1..=30).contains(&(out.value(2) - 100).abs())
        );
        assert!(out.is_null(3));
        let day = DAY_SECONDS * 1_000_000;
        let times: ArrayRef = Arc::new(
            TimestampMicrosecondArray::from(vec![100 * day + 7, 140 * day, 0, 0]).with_timezone("Asia/Seoul"),
        );
        let shifted = masker.apply(&times, Some(&rows)).unwrap();
        assert_eq!(shifted.data_type(), times.data_type());
        let shifted = shifted.as_primitive::<TimestampMicrosecondType>();
        assert_eq!(shifted.value(0) - 7, i64::from(out.value(0)) * day, "one shift for dates and timestamps");
    }

    #[test]
    fn integers_stay_in_their_type_and_keep_their_sign() {
        let masker = masker(Distribution::Laplace, Spread::Absolute(100.0));
        let values: Vec<i8> = (i8::MIN..=i8::MAX).collect();
        let column: ArrayRef = Arc::new(Int8Array::from(values.clone()));
        let out = masker.apply(&column, None).unwrap();
        let out = out.as_primitive::<Int8Type>().values();
        assert!(values.iter().zip(out).all(|(before, after)| (*before >= 0) == (*after >= 0)));
        assert!(values.iter().zip(out).filter(|(before, after)| before != after).count() > 200);
    }

    proptest! {
        #[test]
        fn noise_is_bounded(value in -1e12f64..1e12, percent in 0.0f64..100.0, laplace: bool) {
            let distribution = if laplace { Distribution::Laplace } else { Distribution::Uniform };
            let masker = masker(distribution, Spread::Percent(percent));
            let column: ArrayRef = Arc::new(Float64Array::from(vec![value]));
            let out = masker.apply(&column, None).unwrap().as_primitive::<Float64Type>().value(0);
            prop_assert!((out - value).abs() <= value.abs() * percent / 100.0 * (1.0 + 1e-9));
            let column: ArrayRef = Arc::new(Int64Array::from(vec![value as i64]));
            let out = masker.apply(&column, None).unwrap().as_primitive::<Int64Type>().value(0);
            let moved = out.abs_diff(value as i64) as f64;
            prop_assert!(moved <= (value.abs() * percent / 100.0).max(1.0));
        }
    }
}
