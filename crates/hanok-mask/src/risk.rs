//! How easily rows of a masked table can be told apart by what others know about people.
//!
//! Sources: L. Sweeney, "k-anonymity: a model for protecting privacy", 2002; A. Machanavajjhala et al., "l-diversity:
//! privacy beyond k-anonymity", 2007 (distinct l-diversity). Both are about the columns given and no others.

use arrow::array::{Array, ArrayRef};

use crate::error::{MaskError, Result};
use crate::group::Groups;

/// Classes of rows with equal quasi-identifiers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct KAnonymity {
    /// What was asked for.
    pub k: u64,
    /// Rows of the table.
    pub rows: u64,
    /// Classes of equal rows.
    pub classes: u64,
    /// Rows of the smallest class; 0 without rows. The table is k-anonymous for every k up to this.
    pub smallest: u64,
    /// Classes of fewer than k rows.
    pub classes_below: u64,
    /// Rows in classes of fewer than k rows.
    pub rows_below: u64,
    /// Rows that no other row equals.
    pub unique_rows: u64,
}

/// How many different sensitive values a class has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LDiversity {
    /// What was asked for.
    pub l: u64,
    /// Distinct values of the class that has fewest; nulls are not counted, so it can be 0.
    pub smallest: u64,
    /// Classes with fewer than l distinct values: who is known to be in one of only one value has that value.
    pub classes_below: u64,
    /// Rows in such classes.
    pub rows_below: u64,
}

/// Sizes of the classes of equal quasi-identifiers. Nulls equal each other.
pub fn k_anonymity(quasi_identifiers: &[ArrayRef], k: u64) -> Result<KAnonymity, MaskError> {
    let rows = quasi_identifiers.first().map_or(0, |column| column.len());
    let groups = Groups::new(quasi_identifiers, rows)?;
    let sizes = || groups.sizes.iter().map(|size| u64::from(*size)).filter(|size| *size > 0);
    Ok(KAnonymity {
        k,
        rows: rows as u64,
        classes: sizes().count() as u64,
        smallest: sizes().min().unwrap_or(0),
        classes_below: sizes().filter(|size| *size < k).count() as u64,
        rows_below: sizes().filter(|size| *size < k).sum(),
        unique_rows: sizes().filter(|size| *size == 1).count() as u64,
    })
}

/// Distinct values of a sensitive column within the classes of equal quasi-identifiers.
pub fn l_diversity(
    quasi_identifiers: &[ArrayRef],
    sensitive: &ArrayRef,
    l: u64,
) -> Result<LDiversity, MaskError> {
    let rows = sensitive.len();
    let classes = Groups::new(quasi_identifiers, rows)?;
    let mut columns = quasi_identifiers.to_vec();
    columns.push(sensitive.clone());
    let values = Groups::new(&columns, rows)?;
    let mut distinct = vec![0u64; classes.sizes.len()];
    for first in values.first.iter().map(|row| *row as usize).filter(|row| sensitive.is_valid(*row)) {
        distinct[classes.of_row[first] as usize] += 1;
    }
    let below = || distinct.iter().zip(&classes.sizes).filter(|(distinct, _)| **distinct < l);
    Ok(LDiversity {
        l,
        smallest: distinct.iter().copied().min().unwrap_or(0),
        classes_below: below().count() as u64,
        rows_below: below().map(|(_, size)| u64::from(*size)).sum(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int32Array, StringArray};

    use super::*;

    fn columns() -> (Vec<ArrayRef>, ArrayRef) {
        let class: ArrayRef = Arc::new(StringArray::from(vec!["1-1", "1-1", "1-1", "1-2", "1-2", "2-1"]));
        let year: ArrayRef = Arc::new(Int32Array::from(vec![2010, 2010, 2010, 2010, 2010, 2009]));
        let diet: ArrayRef = Arc::new(StringArray::from(vec![
            Some("없음"),
            Some("우유"),
            None,
            Some("땅콩"),
            Some("땅콩"),
            None,
        ]));
        (vec![class, year], diet)
    }

    #[test]
    fn classes_are_counted() {
        let (quasi, _) = columns();
        let report = k_anonymity(&quasi, 3).unwrap();
        let expected = KAnonymity {
            k: 3,
            rows: 6,
            classes: 3,
            smallest: 1,
            classes_below: 2,
            rows_below: 3,
            unique_rows: 1,
        };
        assert_eq!(report, expected);
        assert_eq!(k_anonymity(&[], 3).unwrap(), KAnonymity { k: 3, ..KAnonymity::default() });
    }

    #[test]
    fn sensitive_values_are_counted_within_classes() {
        let (quasi, diet) = columns();
        let report = l_diversity(&quasi, &diet, 2).unwrap();
        assert_eq!(report, LDiversity { l: 2, smallest: 0, classes_below: 2, rows_below: 3 });
        assert!(l_diversity(&quasi, &diet.slice(0, 2), 2).is_err());
    }
}
