//! Whether a classifier can tell the current rows from the reference's: drift of all columns together.

use serde::Serialize;

use crate::verdict::Verdict;

/// How well the sides can be told apart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Classified {
    /// The area under the ROC curve on rows that the classifier has not seen: the probability that of a row of each side the current
    /// one looks more current. 0.5 is no drift, 1 drift in every row.
    pub auc: f64,
    /// Its confidence interval of 95 %.
    pub interval: [f64; 2],
    /// From this area on the drift matters.
    pub threshold: f64,
    /// Drifted when the area is at its threshold or beyond and the interval is above 0.5; undecided when it is not, and the interval
    /// reaches the threshold.
    pub verdict: Verdict,
    /// Rows of each side that were used.
    pub rows: [usize; 2],
    /// Parts, each of which was classified by what the others taught.
    pub folds: usize,
    /// Every column with the area that is lost when its unseen values are shuffled among the rows, largest first; 0 for columns that
    /// the classifier does not use. Of columns that say the same, each can stand in for the other.
    pub features: Vec<(String, f64)>,
}
