//! Target statistics ("CTRs"): CatBoost replaces a category by what it counted for it in training, and asks on which side of a border that
//! number lies.
//!
//! For a statistic of one categorical feature this is a question about the category alone: the answer is "in a set", with the set read off
//! the counts, and what was not seen in training has an answer of its own. So such splits are exact. A statistic of several features together
//! is no test of one feature and is refused, with the features' names.
//!
//! Counts are kept by h = m² · c mod 2⁶⁴ where c is the category's 32-bit hash, its sign extended, and m an odd constant: c = h / m².

use std::collections::HashMap;

use crate::categories::CategorySet;
use crate::ensemble::{Missing, Split, Test};
use crate::error::ReadError;

/// By what CatBoost multiplies when it hashes.
const FACTOR: u64 = 0x4906_ba49_4954_cb65;
/// Most categories of all sets together: there is a set for every border that a tree asks for.
const MEMBERS_MAX: usize = 50_000_000;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    /// Rows whose target's class is above a border, of all rows.
    Borders,
    /// Rows of one class of the target, of all rows.
    Buckets,
    /// The target's sum, over the rows.
    Mean,
    /// Rows, over a number that is the same for all categories.
    Rows,
}

/// How a statistic is computed of counts.
#[derive(Clone, Debug)]
pub(super) struct Statistic {
    /// Flat number of the feature.
    pub(super) feature: usize,
    /// What is counted.
    pub(super) counted: Counted,
    /// Class or border of the target.
    pub(super) target: usize,
    /// What is added to both counts.
    pub(super) prior: [f32; 2],
    /// What is added to the quotient.
    pub(super) shift: f32,
    /// What the sum is multiplied with.
    pub(super) scale: f32,
}

/// What was counted in training, by category.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// Keys; an empty place has one that is not of a category.
    pub(super) keys: Vec<u64>,
    /// As many numbers for each key.
    pub(super) numbers: Vec<f64>,
    /// Of [`Counted::Rows`], what counts are divided by.
    pub(super) denominator: f64,
}

/// Splits that have been made; trees ask for the same borders again and again.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// By the statistic's number and the border's bits.
    splits: HashMap<(usize, u32), Split>,
    /// Members of all sets.
    members: usize,
}

impl Made {
    /// The test whether a statistic is above a border, children yet to be set.
    pub(super) fn split(
        &mut self,
        number: usize,
        statistic: &Statistic,
        counts: &Counts,
        border: f32,
        path: &str,
    ) -> Result<Split, ReadError> {
        let key = (number, border.to_bits());
        if let Some(split) = self.splits.get(&key) {
            return Ok(split.clone());
        }
        let split = statistic.split(counts, border, &mut self.members, path)?;
        self.splits.insert(key, split.clone());
        Ok(split)
    }
}

impl Counts {
    /// The key of an empty place.
    pub(super) const EMPTY: u64 = u64::MAX;
}

impl Statistic {
    /// The value for a category's numbers; none when there are too few of them.
    fn value(&self, numbers: &[f64], denominator: f64) -> Option<f32> {
        let (good, all) = match self.counted {
            Counted::Rows => (*numbers.first()?, denominator),
            Counted::Mean => (*numbers.first()?, *numbers.get(1)?),
            Counted::Buckets => (*numbers.get(self.target)?, numbers.iter().sum()),
            // With two classes, whatever the border's number is.
            Counted::Borders if numbers.len() == 2 => (numbers[1], numbers[0] + numbers[1]),
            Counted::Borders => (numbers.get(self.target + 1..)?.iter().sum(), numbers.iter().sum()),
        };
        Some(self.quotient(good as f32, all as f32))
    }

    fn quotient(&self, good: f32, all: f32) -> f32 {
        ((good + self.prior[0]) / (all + self.prior[1]) + self.shift) * self.scale
    }

    /// The same; `members` counts those of all sets.
    fn split(
        &self,
        counts: &Counts,
        border: f32,
        members: &mut usize,
        path: &str,
    ) -> Result<Split, ReadError> {
        let wrong = |problem: &str| ReadError::Part { path: path.to_owned(), problem: problem.to_owned() };
        let width = counts.numbers.len().checked_div(counts.keys.len()).unwrap_or(0);
        if width * counts.keys.len() != counts.numbers.len() {
            return Err(wrong("the statistic's counts are incomplete"));
        }
        *members = members.saturating_add(counts.keys.len());
        if *members > MEMBERS_MAX {
            return Err(ReadError::Limit {
                what: "categories in splits",
                found: *members,
                limit: MEMBERS_MAX,
            });
        }
        let unseen_passes = self
            .quotient(0.0, if self.counted == Counted::Rows { counts.denominator as f32 } else { 0.0 })
            > border;
        let mut set = Vec::new();
        for (at, key) in counts.keys.iter().enumerate().filter(|(_, key)| **key != Counts::EMPTY) {
            let numbers = &counts.numbers[at * width..][..width];
            let value = self.value(numbers, counts.denominator);
            let value = value.ok_or_else(|| wrong("a category has too few counts"))?;
            if (value > border) != unseen_passes {
                set.push(category(*key).ok_or_else(|| wrong("a count belongs to no category"))?);
            }
        }
        // What passes goes right; NaN is no category that was seen.
        let test = Test::Category { set: CategorySet::new(set), members_left: unseen_passes };
        let missing = Missing::Nan { left: !unseen_passes };
        Ok(Split { feature: self.feature as u32, test, missing, left: 0, right: 0 })
    }
}

/// The category whose key this is.
fn category(key: u64) -> Option<u32> {
    let hash = key.wrapping_mul(inverse(FACTOR.wrapping_mul(FACTOR))) as i64;
    i32::try_from(hash).ok().map(|hash| hash as u32)
}

/// The inverse of an odd number modulo 2⁶⁴: each of Newton's steps doubles the bits that are right, of which an odd number has three.
const fn inverse(odd: u64) -> u64 {
    let mut inverse = odd;
    let mut bits = 3;
    while bits < 64 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
        bits *= 2;
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_turned_back() {
        for hash in [0_i32, 1, -1, i32::MIN, i32::MAX, -805_065_478] {
            let key = FACTOR.wrapping_mul(FACTOR.wrapping_mul(i64::from(hash) as u64));
            assert_eq!(category(key), Some(hash as u32));
        }
        assert_eq!(category(FACTOR), None);
    }
}
