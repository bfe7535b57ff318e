//! Columns of categories: labels with their frequencies.

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;

use crate::error::Result;
use crate::group::Groups;
use crate::text::{cast, text};

/// Text is categories when the common ones have this share of the rows; otherwise it is words.
const SHARE_MIN: f64 = 0.5;

/// Labels in their order, with the shares that end at each.
pub(super) struct Categories {
    labels: Vec<String>,
    ends: Vec<f64>,
}

impl Categories {
    /// The categories of a text or boolean column, and each row's place among them (NaN: null or left out). Labels that
    /// fewer than `k` rows have become `other` where they are `k` rows together, and are left out where not. `None`: text
    /// that is not categories.
    pub(super) fn fit(values: &ArrayRef, k: usize, other: &str) -> Result<Option<(Self, Vec<f64>)>> {
        let is_boolean = values.data_type() == &DataType::Boolean;
        let groups = Groups::new(std::slice::from_ref(values), values.len())?;
        let names = text(&cast(values, &DataType::Utf8)?)?;
        let filled = (0..groups.sizes.len()).filter(|group| names.is_valid(groups.first[*group] as usize));
        let (common, rare): (Vec<usize>, Vec<usize>) =
            filled.partition(|group| groups.sizes[*group] as usize >= k);
        let rows =
            |groups_of: &[usize]| groups_of.iter().map(|group| groups.sizes[*group] as usize).sum::<usize>();
        let (common_rows, rare_rows) = (rows(&common), rows(&rare));
        if !is_boolean && (common_rows as f64) < SHARE_MIN * (common_rows + rare_rows).max(1) as f64 {
            return Ok(None);
        }
        let mut labelled: Vec<(String, usize, usize)> = common
            .iter()
            .map(|group| (names.value(groups.first[*group] as usize).to_owned(), rows(&[*group]), *group))
            .collect();
        labelled.sort_unstable();
        let mut place = vec![f64::NAN; groups.sizes.len()];
        for (at, (_, _, group)) in labelled.iter().enumerate() {
            place[*group] = at as f64;
        }
        if !is_boolean && rare_rows >= k {
            for group in &rare {
                place[*group] = labelled.len() as f64;
            }
            labelled.push((other.to_owned(), rare_rows, usize::MAX));
        }
        let codes = groups.of_row.iter().map(|group| place[*group as usize]).collect();
        let whole: usize = labelled.iter().map(|(_, rows, _)| rows).sum();
        let mut end = 0;
        let mut categories = Self { labels: Vec::new(), ends: Vec::new() };
        for (label, rows, _) in labelled {
            end += rows;
            categories.labels.push(label);
            categories.ends.push(end as f64 / whole as f64);
        }
        Ok(Some((categories, codes)))
    }

    /// The label at a share of the whole.
    pub(super) fn at(&self, share: f64) -> Option<&str> {
        let at = self.ends.partition_point(|end| *end <= share).min(self.labels.len().checked_sub(1)?);
        Some(&self.labels[at])
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{BooleanArray, StringArray};

    use super::*;

    fn fit(values: &[&str], k: usize) -> Option<(Categories, Vec<f64>)> {
        let column: ArrayRef = Arc::new(StringArray::from(values.to_vec()));
        Categories::fit(&column, k, "기타").unwrap()
    }

    #[test]
    fn rare_labels_are_merged_or_left_out() {
        let (merged, codes) = fit(&["나", "가", "나", "가", "나", "다", "라"], 2).unwrap();
        assert_eq!(merged.labels, ["가", "나", "기타"]);
        assert_eq!(codes, [1.0, 0.0, 1.0, 0.0, 1.0, 2.0, 2.0]);
        assert_eq!(
            (merged.at(0.0), merged.at(0.5), merged.at(0.999)),
            (Some("가"), Some("나"), Some("기타"))
        );
        let (left_out, codes) = fit(&["나", "나", "다"], 2).unwrap();
        assert_eq!(left_out.labels, ["나"]);
        assert!(codes[2].is_nan());
    }

    #[test]
    fn different_texts_are_no_categories_and_booleans_always_are() {
        assert!(fit(&["a", "b", "c", "c"], 3).is_none());
        let column: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), None, Some(true), Some(false)]));
        let (categories, _) = Categories::fit(&column, 2, "기타").unwrap().unwrap();
        assert_eq!(categories.labels, ["true"]);
        let (none, _) = Categories::fit(&column, 9, "기타").unwrap().unwrap();
        assert_eq!(none.at(0.5), None);
    }
}
