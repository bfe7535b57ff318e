//! Numbers, dates and times as whole cells of a grid, as coarse as the column itself is: prices in hundreds stay so, dates
//! stay days, floats keep their decimals.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};

use crate::error::Result;
use crate::period::per_second;
use crate::text::cast;

/// Decimals that floats are looked at for.
const DECIMALS_MAX: i32 = 6;
/// Cells between the least and the greatest float where there are no decimals to keep.
const CELLS: f64 = (1i64 << 40) as f64;
/// The greatest float up to which every integer is one.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// How a cell is turned into a value.
pub(super) enum Grid {
    /// Integers: so many ticks a cell.
    Ticks(i64),
    /// Floats: so many cells make 1.
    Fraction(f64),
    /// Floats: the width of a cell.
    Width(f64),
}

impl Grid {
    /// The grid of a column and each row's cell; `None` for types that have none.
    pub(super) fn of(values: &ArrayRef) -> Result<Option<(Self, Vec<Option<i64>>)>> {
        let data_type = values.data_type();
        if matches!(data_type, DataType::Float16 | DataType::Float32 | DataType::Float64) {
            let wide = cast(values, &DataType::Float64)?;
            let single = data_type == &DataType::Float32;
            return Ok(Some(floats(wide.as_primitive::<Float64Type>().iter(), single)));
        }
        let ticks: Vec<Option<i64>> = match data_type {
            DataType::Decimal128(..) => {
                let raw = values.as_primitive::<Decimal128Type>();
                raw.iter().map(|raw| raw.and_then(|raw| i64::try_from(raw).ok())).collect()
            }
            DataType::Date32 | DataType::Time32(_) => integers(&cast(values, &DataType::Int32)?)?,
            DataType::Date64 | DataType::Time64(_) | DataType::Timestamp(..) => integers(values)?,
            integer if integer.is_integer() => integers(values)?,
            _ => return Ok(None),
        };
        let width =
            steps(data_type).into_iter().find(|step| ticks.iter().flatten().all(|tick| tick % step == 0));
        let width = width.unwrap_or(1);
        Ok(Some((Self::Ticks(width), ticks.into_iter().map(|tick| tick.map(|tick| tick / width)).collect())))
    }

    /// The column of these cells.
    pub(super) fn column(&self, cells: Vec<Option<i64>>, data_type: &DataType) -> Result<ArrayRef> {
        let ticks = |width: i64| cells.iter().map(move |cell| cell.map(|cell| cell.saturating_mul(width)));
        let column: ArrayRef = match (self, data_type) {
            (Self::Ticks(width), DataType::Decimal128(precision, scale)) => {
                let raw: Decimal128Array = ticks(*width).map(|tick| tick.map(i128::from)).collect();
                return Ok(Arc::new(raw.with_precision_and_scale(*precision, *scale)?));
            }
            (Self::Ticks(width), DataType::Date32 | DataType::Time32(_)) => {
                cast(&ticks(*width).collect::<Int64Array>(), &DataType::Int32)?
            }
            (Self::Ticks(width), _) => Arc::new(ticks(*width).collect::<Int64Array>()),
            (Self::Fraction(ones), _) => Arc::new(
                cells.iter().map(|cell| cell.map(|cell| cell as f64 / ones)).collect::<Float64Array>(),
            ),
            (Self::Width(width), _) => Arc::new(
                cells.iter().map(|cell| cell.map(|cell| cell as f64 * width)).collect::<Float64Array>(),
            ),
        };
        cast(&column, data_type)
    }
}

fn integers(values: &ArrayRef) -> Result<Vec<Option<i64>>> {
    Ok(cast(values, &DataType::Int64)?.as_primitive::<Int64Type>().iter().collect())
}

/// Widths that a column may keep to, widest first.
fn steps(data_type: &DataType) -> Vec<i64> {
    let seconds = |ticks: i64| [86_400, 3_600, 60, 1].map(|seconds| seconds * ticks).to_vec();
    match data_type {
        DataType::Timestamp(unit, _) | DataType::Time32(unit) | DataType::Time64(unit) => {
            seconds(per_second(*unit))
        }
        DataType::Date64 => seconds(1_000),
        DataType::Date32 => Vec::new(),
        _ => (1..=9).rev().map(|zeros| 10i64.pow(zeros)).collect(),
    }
}

/// `single`: the floats have seven digits, so decimals are only as exact as that.
fn floats(values: impl Iterator<Item = Option<f64>>, single: bool) -> (Grid, Vec<Option<i64>>) {
    let values: Vec<Option<f64>> = values.map(|value| value.filter(|value| value.is_finite())).collect();
    let exactness = if single { 1e-6 } else { 1e-12 };
    let fits = |ones: f64| {
        values.iter().flatten().all(|value| {
            let scaled = value * ones;
            scaled.abs() < EXACT && (scaled - scaled.round()).abs() <= exactness * scaled.abs().max(1.0)
        })
    };
    let cells = |scale: &dyn Fn(f64) -> f64| -> Vec<Option<i64>> {
        values.iter().map(|value| value.map(|value| scale(value).round() as i64)).collect()
    };
    // With seven digits, large singles fit every scale; six decimals of 0.1 do.
    if let Some(ones) = (0..=DECIMALS_MAX).map(|decimals| 10f64.powi(decimals)).find(|ones| fits(*ones)) {
        return (Grid::Fraction(ones), cells(&|value| value * ones));
    }
    let least = values.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    let width = ((most - least) / CELLS).max(least.abs().max(most.abs()) / EXACT).max(f64::MIN_POSITIVE);
    (Grid::Width(width), cells(&|value| value / width))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Date32Array, Float32Array, StringArray, TimestampMicrosecondArray, UInt8Array};

    use super::*;

    /// Through the grid and back.
    fn same(values: ArrayRef) -> Vec<Option<i64>> {
        let (grid, cells) = Grid::of(&values).unwrap().unwrap();
        let back = grid.column(cells.clone(), values.data_type()).unwrap();
        assert_eq!(&back, &values);
        cells
    }

    #[test]
    fn columns_survive_the_grid() {
        assert_eq!(
            same(Arc::new(Int64Array::from(vec![Some(1_500), None, Some(-300)]))),
            [Some(15), None, Some(-3)]
        );
        assert_eq!(same(Arc::new(UInt8Array::from(vec![7, 255]))), [Some(7), Some(255)]);
        assert_eq!(same(Arc::new(Date32Array::from(vec![-1, 20_000]))), [Some(-1), Some(20_000)]);
        assert_eq!(same(Arc::new(Float64Array::from(vec![0.1, 12.35]))), [Some(10), Some(1_235)]);
        same(Arc::new(Float32Array::from(vec![0.1, 2.5])));
        let day = 86_400_000_000;
        let days = TimestampMicrosecondArray::from(vec![day, -2 * day]).with_timezone("Asia/Seoul");
        assert_eq!(same(Arc::new(days)), [Some(1), Some(-2)]);
        let decimals = Decimal128Array::from(vec![1_234, -50]).with_precision_and_scale(9, 2).unwrap();
        assert_eq!(same(Arc::new(decimals)), [Some(1_234), Some(-50)]);
    }

    #[test]
    fn other_floats_come_close_and_other_types_have_no_grid() {
        let values: ArrayRef = Arc::new(Float64Array::from(vec![std::f64::consts::PI, f64::NAN, 1e3 / 7.0]));
        let (grid, cells) = Grid::of(&values).unwrap().unwrap();
        assert_eq!(cells[1], None);
        let back = grid.column(cells, &DataType::Float64).unwrap();
        assert!((back.as_primitive::<Float64Type>().value(0) - std::f64::consts::PI).abs() < 1e-9);
        let text: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
        assert!(Grid::of(&text).unwrap().is_none());
    }
}
