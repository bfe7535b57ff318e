//! How many children a parent has.

use arrow::array::{Array, ArrayRef, UInt32Array};

use crate::error::{MaskError, Result};
use crate::group::Groups;
use crate::key::{Key, Random};
use crate::text::cast;

/// The distribution of children over the parents of a foreign key, childless ones included.
#[derive(Clone, Debug)]
pub struct ChildCounts {
    /// Counts with the number of parents that end at each; a count that fewer than k parents have is taken as the next lower
    /// one that is common.
    ends: Vec<(u64, u32)>,
}

impl ChildCounts {
    /// From a parent's key and the column of its children that refers to it. Children of no parent of these are not counted.
    pub fn fit(parents: &ArrayRef, children: &ArrayRef, k: u64) -> Result<Self, MaskError> {
        let children = cast(children, parents.data_type())?;
        let both = arrow::compute::concat(&[parents.as_ref(), children.as_ref()])?;
        let groups = Groups::new(std::slice::from_ref(&both), both.len())?;
        let mut counts = vec![0u32; groups.sizes.len()];
        for row in parents.len()..both.len() {
            if both.is_valid(row) {
                counts[groups.of_row[row] as usize] += 1;
            }
        }
        let mut of_parents: Vec<u32> = (0..parents.len())
            .filter(|row| parents.is_valid(*row))
            .map(|row| counts[groups.of_row[row] as usize])
            .collect();
        of_parents.sort_unstable();
        Ok(Self { ends: common(&of_parents, k.max(1)) })
    }

    /// For so many new parents, the place of the parent of each child, in order: `take` of the parents' new keys gives the
    /// foreign key, its length is how many children to sample.
    pub fn sample(&self, parents: usize, key: &Key, domain: &str) -> UInt32Array {
        let mut stream = key.derive("children", domain).stream(b"counts");
        let whole = self.ends.last().map_or(0, |(end, _)| *end);
        let mut children = Vec::new();
        for parent in 0..parents as u32 {
            let at = stream.below(whole);
            let place = self.ends.partition_point(|(end, _)| *end <= at);
            let count = self.ends.get(place).map_or(0, |(_, count)| *count);
            children.extend(std::iter::repeat_n(parent, count as usize));
        }
        UInt32Array::from(children)
    }
}

/// Running ends of the counts that at least `k` parents have; the others are added to the next lower one, or become 0.
fn common(sorted: &[u32], k: u64) -> Vec<(u64, u32)> {
    let mut ends: Vec<(u64, u32)> = Vec::new();
    let mut end = 0;
    for run in sorted.chunk_by(|a, b| a == b) {
        end += run.len() as u64;
        match ends.last_mut() {
            Some(last) if (run.len() as u64) < k => last.0 = end,
            None if (run.len() as u64) < k => ends.push((end, 0)),
            _ => ends.push((end, run[0])),
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int32Array, Int64Array};

    use super::*;

    #[test]
    fn counts_are_sampled_as_they_were() {
        let parents: ArrayRef = Arc::new((0..1_000).map(Some).collect::<Int64Array>());
        // Every second parent has four children, the others none; one has a hundred.
        let referring =
            (0..2_000).map(|at| Some(at / 4 * 2)).chain(std::iter::repeat_n(Some(1), 100)).chain([None]);
        let children: ArrayRef = Arc::new(referring.collect::<Int32Array>());
        let counts = ChildCounts::fit(&parents, &children, 5).unwrap();
        assert_eq!(counts.ends, [(499, 0), (1_000, 4)]);
        let sampled = counts.sample(10_000, &Key::new([8; 32]), "meal");
        assert!((19_000..21_000).contains(&sampled.len()), "{}", sampled.len());
        assert!(sampled.values().chunk_by(|a, b| a == b).all(|own| own.len() == 4));
        assert_eq!(sampled, counts.sample(10_000, &Key::new([8; 32]), "meal"));
        let none: ArrayRef = Arc::new(Int64Array::from(Vec::<i64>::new()));
        assert_eq!(ChildCounts::fit(&none, &children, 5).unwrap().sample(3, &Key::new([8; 32]), "").len(), 0);
    }
}
