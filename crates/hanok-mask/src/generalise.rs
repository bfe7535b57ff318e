//! Coarser values: buckets, bands, periods, prefixes, parts of addresses, rare categories.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};

use crate::error::{Result, unsupported};
use crate::group::Groups;
use crate::period;
use crate::text::{cast, is_text, map_text, text, write_rows};
use crate::treatment::Generalise;

const NAME: &str = "generalise";

pub(crate) fn generalise(settings: &Generalise, column: &ArrayRef) -> Result<ArrayRef> {
    let data_type = column.data_type();
    match settings {
        Generalise::Bucket { width } => bucket(column, *width),
        Generalise::Date { unit } => period::truncate(column, *unit),
        Generalise::Band { width, top } => band(column, i64::from(*width), top.map(i64::from)),
        _ if !is_text(data_type) => Err(unsupported(NAME, data_type)),
        Generalise::Prefix { chars } => texts(column, |value, out| prefix(value, *chars, out)),
        Generalise::Parts { count } => texts(column, |value, out| parts(value, *count, out)),
        Generalise::Rare { k, other } => {
            let groups = Groups::new(std::slice::from_ref(column), column.len())?;
            let values = text(column)?;
            let out = write_rows(&values, |row, out| {
                let is_rare = u64::from(groups.sizes[groups.of_row[row] as usize]) < *k;
                out.push_str(if is_rare { other } else { values.value(row) });
                Ok(())
            })?;
            cast(&out, data_type)
        }
    }
}

/// True when the result depends on the whole column and not on each value.
pub(crate) fn needs_column(settings: &Generalise) -> bool {
    matches!(settings, Generalise::Rare { .. })
}

pub(crate) fn output_type(settings: &Generalise, input: &DataType) -> Option<DataType> {
    let is_number = input.is_numeric();
    let fits = match settings {
        Generalise::Bucket { .. } => is_number,
        Generalise::Band { .. } => return is_number.then_some(DataType::Utf8),
        Generalise::Date { .. } => {
            matches!(input, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..))
        }
        Generalise::Prefix { .. } | Generalise::Parts { .. } | Generalise::Rare { .. } => is_text(input),
    };
    fits.then(|| input.clone())
}

fn texts(column: &ArrayRef, write: impl Fn(&str, &mut String)) -> Result<ArrayRef> {
    let out: StringArray = map_text(&text(column)?, |value, out| {
        write(value, out);
        Ok(())
    })?;
    cast(&out, column.data_type())
}

fn bucket(column: &ArrayRef, width: f64) -> Result<ArrayRef> {
    let data_type = column.data_type();
    if data_type.is_integer() && data_type != &DataType::UInt64 {
        // A bucket below the smallest number of the type begins with that number.
        let width = (width.round() as i64).max(1);
        let least = cast_least(data_type);
        let wide = cast(column, &DataType::Int64)?;
        let values = wide.as_primitive::<Int64Type>().values();
        let floor = |value: &i64| value.saturating_sub(value.rem_euclid(width)).max(least);
        let out =
            Int64Array::new(values.iter().map(floor).collect::<Vec<_>>().into(), column.nulls().cloned());
        return cast(&out, data_type);
    }
    if !data_type.is_numeric() {
        return Err(unsupported(NAME, data_type));
    }
    let wide = cast(column, &DataType::Float64)?;
    let values = wide.as_primitive::<Float64Type>().values();
    let floor = |value: &f64| (value / width).floor() * width;
    let out: ArrayRef = Arc::new(Float64Array::new(
        values.iter().map(floor).collect::<Vec<_>>().into(),
        column.nulls().cloned(),
    ));
    cast(&out, data_type)
}

fn cast_least(data_type: &DataType) -> i64 {
    match data_type {
        DataType::Int8 => i8::MIN.into(),
        DataType::Int16 => i16::MIN.into(),
        DataType::Int32 => i32::MIN.into(),
        DataType::Int64 => i64::MIN,
        _ => 0,
    }
}

fn band(column: &ArrayRef, width: i64, top: Option<i64>) -> Result<ArrayRef> {
    if !column.data_type().is_numeric() {
        return Err(unsupported(NAME, column.data_type()));
    }
    let wide = cast(column, &DataType::Float64)?;
    let values = wide.as_primitive::<Float64Type>();
    let out = write_rows(values, |row, out| {
        let value = values.value(row).floor() as i64;
        let low = value.saturating_sub(value.rem_euclid(width));
        let high = low.saturating_add(width - 1);
        // Writing to a String does not fail.
        let _ = match top {
            Some(top) if value >= top => write!(out, "{top}+"),
            Some(top) if high >= top && low < top - 1 => write!(out, "{low}-{}", top - 1),
            Some(top) if high >= top => write!(out, "{low}"),
            _ if high == low => write!(out, "{low}"),
            _ => write!(out, "{low}-{high}"),
        };
        Ok(())
    })?;
    Ok(Arc::new(out))
}

fn prefix(value: &str, chars: usize, out: &mut String) {
    let count = value.chars().count();
    out.extend(value.chars().take(chars.min(count.saturating_sub(1))));
    if count > 0 {
        out.push('*');
    }
}

/// Korean addresses go from the large to the small, with spaces; English ones from the small to the large, with commas.
fn parts(value: &str, count: usize, out: &mut String) {
    let push = |part: &str, between: &str, start: usize, out: &mut String| {
        if out.len() > start {
            out.push_str(between);
        }
        out.push_str(part);
    };
    let start = out.len();
    if value.contains(',') && !value.chars().any(|char| ('가'..='힣').contains(&char)) {
        let parts: Vec<&str> = value.split(',').map(str::trim).collect();
        // Never the whole: the first part is the house.
        let skipped = parts.len().saturating_sub(count).max(1);
        parts.iter().skip(skipped).for_each(|part| push(part, ", ", start, out));
    } else {
        let words = value.split_whitespace().count();
        let kept = count.min(words.saturating_sub(1));
        value.split_whitespace().take(kept).for_each(|part| push(part, " ", start, out));
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Decimal128Array, Int8Array, Int32Array};

    use super::*;
    use crate::treatment::DateUnit;

    fn written(written: &str, column: ArrayRef) -> Vec<Option<String>> {
        let Ok(crate::Treatment::Generalise(settings)) = written.parse() else { panic!("{written}") };
        let out = generalise(&settings, &column).unwrap();
        assert_eq!(Some(out.data_type()), output_type(&settings, column.data_type()).as_ref());
        let out = text(&out).unwrap();
        out.iter().map(|value| value.map(str::to_owned)).collect()
    }

    fn texts_of(values: &[&str]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    fn some(values: &[&str]) -> Vec<Option<String>> {
        values.iter().map(|value| Some((*value).to_owned())).collect()
    }

    #[test]
    fn numbers_go_to_the_start_of_their_bucket() {
        let column: ArrayRef = Arc::new(Int32Array::from(vec![Some(0), Some(19), None, Some(-1)]));
        let mut expected = some(&["0", "10", "", "-10"]);
        expected[2] = None;
        assert_eq!(written("generalise(bucket=10)", column), expected);
        let column: ArrayRef = Arc::new(Int8Array::from(vec![-128, 127]));
        assert_eq!(written("generalise(bucket=100)", column), some(&["-128", "100"]));
        let column: ArrayRef = Arc::new(Float64Array::from(vec![0.7, -0.2]));
        assert_eq!(written("generalise(bucket=0.5)", column), some(&["0.5", "-0.5"]));
        let column = Decimal128Array::from(vec![123_456]).with_precision_and_scale(10, 2).unwrap();
        assert_eq!(written("generalise(bucket=100)", Arc::new(column)), some(&["1200.00"]));
    }

    #[test]
    fn ages_go_to_bands() {
        let column = || -> ArrayRef { Arc::new(Int32Array::from(vec![0, 29, 30, 79, 80, 101, -5])) };
        let bands = ["0-9", "20-29", "30-39", "70-79", "80+", "80+", "-10--1"];
        assert_eq!(written("generalise(band=10, top=80)", column()), some(&bands));
        let bands = ["0-9", "20-29", "30-39", "70-74", "75+", "75+", "-10--1"];
        let column = Int32Array::from(vec![0, 29, 30, 74, 75, 101, -5]);
        assert_eq!(written("generalise(band=10, top=75)", Arc::new(column)), some(&bands));
    }

    #[test]
    fn text_is_cut() {
        let names = || texts_of(&["홍길동", "김", "", "ab"]);
        assert_eq!(written("generalise(prefix=1)", names()), some(&["홍*", "*", "", "a*"]));
        assert_eq!(written("generalise(prefix=9)", names()), some(&["홍길*", "*", "", "a*"]));
        let places = texts_of(&["서울특별시 강남구 역삼동 12-3", "1 Oak St, Springfield, IL 62701", "서울"]);
        assert_eq!(
            written("generalise(parts=2)", places),
            some(&["서울특별시 강남구", "Springfield, IL 62701", ""])
        );
    }

    #[test]
    fn rare_categories_become_one() {
        let column = texts_of(&["빵", "빵", "밥", "빵", "국"]);
        assert_eq!(written("generalise(rare=2)", column), some(&["빵", "빵", "기타", "빵", "기타"]));
    }

    #[test]
    fn types_that_do_not_fit_are_refused() {
        let column = texts_of(&["1"]);
        assert!(generalise(&Generalise::Bucket { width: 1.0 }, &column).is_err());
        assert!(generalise(&Generalise::Date { unit: DateUnit::Year }, &column).is_err());
        let column: ArrayRef = Arc::new(Int32Array::from(vec![1]));
        assert!(generalise(&Generalise::Prefix { chars: 1 }, &column).is_err());
    }
}
