//! Trees of groups of features.

/// A binary tree of groups: features that belong together are joined first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    features: usize,
    merges: Vec<[usize; 2]>,
}

/// A tree does not fit.
#[derive(Debug, thiserror::Error)]
pub enum HierarchyError {
    /// It is made for other features.
    #[error("the tree of groups has {found} features where the rows have {expected}")]
    Features {
        /// Features of the tree.
        found: usize,
        /// Features of the rows.
        expected: usize,
    },
    /// There are too few or too many joins.
    #[error(
        "{found} joins do not make one tree of {features} features; that takes one less than there are features"
    )]
    Joins {
        /// Joins given.
        found: usize,
        /// How many features there are.
        features: usize,
    },
    /// A join takes a group that is not there.
    #[error(
        "join {join} takes the group {group}, which does not exist before it or is part of another group"
    )]
    Group {
        /// Number of the join, from 0.
        join: usize,
        /// Number of the group.
        group: usize,
    },
    /// The distances of so many features would not fit.
    #[error("{found} features cannot be grouped by correlation; at most {limit} are allowed")]
    TooManyFeatures {
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
}

/// Most features to be grouped by correlation: a matrix of them is kept.
const FEATURES_MAX: usize = 2000;

impl Hierarchy {
    /// A tree from joins, each of two groups: numbers below `features` are single features, and the number `features + i` is what join `i`
    /// made. These are the first two columns of a linkage of scipy.
    pub fn new(features: usize, joins: Vec<[usize; 2]>) -> Result<Hierarchy, HierarchyError> {
        if joins.len() + 1 != features {
            return Err(HierarchyError::Joins { found: joins.len(), features });
        }
        let mut is_used = vec![false; features + joins.len()];
        for (join, groups) in joins.iter().enumerate() {
            for group in *groups {
                if group >= features + join || is_used[group] {
                    return Err(HierarchyError::Group { join, group });
                }
                is_used[group] = true;
            }
        }
        Ok(Hierarchy { features, merges: joins })
    }

    /// Groups features by the correlation of rows (`features` numbers each, one row after the other): the distance of two is 1 − |r|, of
    /// two groups that of their most distant members (complete linkage, by the chain of nearest neighbours: F. Murtagh, 1983). Rows in
    /// which either is NaN are left out; a constant feature is at distance 1 from all. Work: features² · rows.
    pub fn by_correlation(rows: &[f64], features: usize) -> Result<Hierarchy, HierarchyError> {
        if features > FEATURES_MAX {
            return Err(HierarchyError::TooManyFeatures { found: features, limit: FEATURES_MAX });
        }
        let mut distances = vec![0.0; features * features];
        for i in 0..features {
            for j in 0..i {
                let pairs = rows.chunks_exact(features).map(|row| (row[i], row[j]));
                let distance = 1.0 - correlation(pairs).abs();
                distances[i * features + j] = distance;
                distances[j * features + i] = distance;
            }
        }
        Ok(Hierarchy { features, merges: complete_linkage(distances, features) })
    }

    /// How many features the tree is made of.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The joins, as [`Self::new`] takes them.
    pub fn joins(&self) -> &[[usize; 2]] {
        &self.merges
    }
}

/// Pearson's r of the pairs that are whole; 0 when one side does not vary.
fn correlation(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let pairs = pairs.filter(|(a, b)| !a.is_nan() && !b.is_nan());
    let (count, sum_a, sum_b) = pairs
        .clone()
        .fold((0.0, 0.0, 0.0), |(count, sum_a, sum_b), (a, b)| (count + 1.0, sum_a + a, sum_b + b));
    let (mean_a, mean_b) = (sum_a / count, sum_b / count);
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        let (a, b) = (a - mean_a, b - mean_b);
        aa += a * a;
        bb += b * b;
        ab += a * b;
    }
    let r = ab / (aa * bb).sqrt();
    if r.is_finite() { r.clamp(-1.0, 1.0) } else { 0.0 }
}

fn complete_linkage(mut distances: Vec<f64>, features: usize) -> Vec<[usize; 2]> {
    // Each place holds the group that was joined there last.
    let mut groups: Vec<Option<usize>> = (0..features).map(Some).collect();
    let mut merges = Vec::with_capacity(features.saturating_sub(1));
    let mut chain: Vec<usize> = Vec::new();
    while merges.len() + 1 < features {
        let at = match chain.last() {
            Some(at) => *at,
            None => groups.iter().position(Option::is_some).unwrap_or(0),
        };
        if chain.is_empty() {
            chain.push(at);
        }
        let before = chain.len().checked_sub(2).map(|place| chain[place]);
        // The one before wins ties, so that the chain ends.
        let (mut nearest, mut least) =
            (before, before.map_or(f64::INFINITY, |b| distances[at * features + b]));
        for other in (0..features).filter(|other| *other != at && groups[*other].is_some()) {
            if nearest.is_none() || distances[at * features + other] < least {
                (nearest, least) = (Some(other), distances[at * features + other]);
            }
        }
        let Some(nearest) = nearest else { break };
        if Some(nearest) != before {
            chain.push(nearest);
            continue;
        }
        chain.truncate(chain.len() - 2);
        let (kept, gone) = (at.min(nearest), at.max(nearest));
        if let (Some(a), Some(b)) = (groups[kept], groups[gone]) {
            merges.push([a, b]);
            groups[kept] = Some(features + merges.len() - 1);
            groups[gone] = None;
        }
        for other in 0..features {
            let farthest = distances[kept * features + other].max(distances[gone * features + other]);
            distances[kept * features + other] = farthest;
            distances[other * features + kept] = farthest;
        }
    }
    merges
}
