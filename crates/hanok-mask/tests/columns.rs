//! Treatments of whole columns: the same image in every batch and table, types as promised, nulls kept.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as the tests do")]

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, Date32Array, DictionaryArray, Float64Array, Int32Array, Int64Array,
    StringArray, StringViewArray,
};
use arrow::compute::{cast, concat};
use arrow::datatypes::{DataType, Int32Type};
use hanok_error::Coded;
use hanok_mask::{Key, MaskError, Masker, RowIds, Treatment, apply};
use proptest::prelude::*;

fn masked(written: &str, column: &ArrayRef) -> Result<Option<ArrayRef>, MaskError> {
    apply(&written.parse().unwrap(), &Key::new([1; 32]), "student", column, None)
}

fn text(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// A treatment of text for every kind of work.
const TEXT: &[&str] = &[
    "keep",
    "hash(length=16)",
    "fpe(alphabet=mixed)",
    "fake(kind=name)",
    "fake(kind=phone, unique)",
    "fake(kind=address)",
    "fake(kind=text, locale=en)",
    "generalise(prefix=2)",
    "generalise(parts=1)",
];

#[test]
fn keep_null_and_drop() {
    let column = text(&[Some("가"), None]);
    assert_eq!(&masked("keep", &column).unwrap().unwrap(), &column);
    let null = masked("null", &column).unwrap().unwrap();
    assert_eq!((null.null_count(), null.data_type()), (2, &DataType::Utf8));
    assert!(masked("drop", &column).unwrap().is_none());
    assert!(matches!(masked("synthetic", &column), Err(MaskError::WholeTable)));
}

#[test]
fn every_text_type_has_the_same_images() {
    let column = text(&[Some("a1"), None, Some("b2"), Some("a1")]);
    for written in TEXT {
        let expected = masked(written, &column).unwrap().unwrap();
        assert!(expected.is_null(1) && expected.null_count() == 1, "{written}");
        let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        for data_type in [DataType::LargeUtf8, DataType::Utf8View, dictionary] {
            let other = cast(&column, &data_type).unwrap();
            let out = masked(written, &other).unwrap().unwrap();
            assert_eq!(out.data_type(), &data_type, "{written}");
            assert_eq!(&cast(&out, &DataType::Utf8).unwrap(), &expected, "{written}");
        }
    }
}

#[test]
fn output_types_are_as_promised() {
    let columns: Vec<ArrayRef> = vec![
        text(&[Some("7")]),
        Arc::new(StringViewArray::from(vec!["7"])),
        Arc::new(Int32Array::from(vec![7])),
        Arc::new(Int64Array::from(vec![7])),
        Arc::new(Float64Array::from(vec![7.0])),
        Arc::new(Date32Array::from(vec![7])),
        Arc::new(BinaryArray::from(vec![b"7".as_slice()])),
        Arc::new(arrow::array::BooleanArray::from(vec![true])),
        Arc::new(arrow::array::NullArray::new(1)),
        Arc::new(vec![Some("7")].into_iter().collect::<DictionaryArray<Int32Type>>()),
        Arc::new(DictionaryArray::<Int32Type>::new(vec![0].into(), Arc::new(Int64Array::from(vec![7])))),
    ];
    let treatments = [
        "hash",
        "fpe",
        "noise",
        "shuffle",
        "generalise(bucket=5)",
        "generalise(band=5)",
        "generalise(date=year)",
    ];
    for written in treatments.iter().chain(TEXT).chain(&["null", "drop", "generalise(rare=1)"]) {
        let treatment: Treatment = written.parse().unwrap();
        for column in &columns {
            let promised = treatment.output_type(column.data_type());
            let out = masked(written, column);
            match (promised, out) {
                (Ok(promised), Ok(out)) => {
                    let found = out.as_ref().map(|out| out.data_type().clone());
                    assert_eq!(found, promised, "{written} of {}", column.data_type());
                    assert!(out.is_none_or(|out| out.len() == 1));
                }
                (Err(promised), Err(found)) => {
                    assert_eq!((promised.code().0, found.code().0), ("HK1202", "HK1202"), "{written}");
                }
                (promised, found) => panic!("{written} of {}: {promised:?}, {found:?}", column.data_type()),
            }
        }
    }
}

#[test]
fn domains_and_keys_separate_and_tables_join() {
    let students: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3]));
    let meals: ArrayRef = Arc::new(Int64Array::from(vec![3, 1]));
    let image = |seed: u8, domain: &str, column: &ArrayRef| {
        let treatment = "fpe(digits=6)".parse().unwrap();
        let out = apply(&treatment, &Key::new([seed; 32]), domain, column, None).unwrap().unwrap();
        cast(&out, &DataType::Int64).unwrap()
    };
    let (parents, children) = (image(1, "student", &students), image(1, "student", &meals));
    assert_eq!(&parents.slice(2, 1), &children.slice(0, 1));
    assert_eq!(&parents.slice(0, 1), &children.slice(1, 1));
    assert_ne!(&parents, &image(1, "teacher", &students));
    assert_ne!(&parents, &image(2, "student", &students));
}

proptest! {
    /// However a column is split, its masked parts are the parts of the masked column.
    #[test]
    fn batches_do_not_matter(
        values in prop::collection::vec(prop::option::weighted(0.9, "[a-z0-9]{1,6}"), 1..60),
        split in any::<prop::sample::Index>(),
    ) {
        let column: ArrayRef = Arc::new(StringArray::from(values));
        let at = split.index(column.len());
        for written in TEXT {
            let whole = masked(written, &column).unwrap().unwrap();
            let mut masker = Masker::new(&written.parse().unwrap(), &Key::new([1; 32]), "student");
            let mut part = |start: usize, length: usize| {
                masker.apply(&column.slice(start, length), None).unwrap().unwrap()
            };
            let (left, right) = (part(0, at), part(at, column.len() - at));
            prop_assert_eq!(&concat(&[left.as_ref(), right.as_ref()]).unwrap(), &whole, "{}", written);
        }
    }

    /// Row identities, not places, decide about noise.
    #[test]
    fn noise_follows_identities(values in prop::collection::vec((0i64..50, -1e6f64..1e6), 2..40)) {
        let key = Key::new([3; 32]);
        let treatment: Treatment = "noise(percent=10, distribution=laplace)".parse().unwrap();
        let out = |rows: &[(i64, f64)]| {
            let ids: ArrayRef = Arc::new(rows.iter().map(|(id, _)| Some(*id)).collect::<Int64Array>());
            let column: ArrayRef = Arc::new(rows.iter().map(|(_, value)| Some(*value)).collect::<Float64Array>());
            let rows = RowIds::new(&key, &[ids]).unwrap();
            apply(&treatment, &key, "pay", &column, Some(&rows)).unwrap().unwrap()
        };
        let mut reversed = values.clone();
        reversed.reverse();
        let (forward, backward) = (out(&values), out(&reversed));
        for row in 0..values.len() {
            prop_assert_eq!(&forward.slice(row, 1), &backward.slice(values.len() - 1 - row, 1));
        }
    }
}
