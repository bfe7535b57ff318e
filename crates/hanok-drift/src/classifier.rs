//! Whether a classifier can tell the current rows from the reference's: drift of all columns together.
//!
//! Gradient-boosted trees over binned values (as of LightGBM: 64 bins, logistic loss) learn which side a row is of, on two parts of
//! three, and are asked on the third. The area under the ROC curve is the mean over the parts, its interval that of DeLong,
//! DeLong and Clarke-Pearson 1988 within the parts, put together as LeDell, Petersen and van der Laan 2015 do for
//! cross-validation. Columns are explained by permutation (Breiman 2001). NannyML alerts on areas outside of 0.45 to 0.65.

mod area;
mod codes;
mod trees;

use arrow::array::RecordBatch;
use hanok_error::{Code, Coded, code};
use serde::Serialize;

use crate::error::CompareError;
use crate::text::mixed;
use crate::threads;
use crate::verdict::Verdict;
use area::{Area, area};
use codes::Codes;
use trees::Trees;

/// From this area on drift matters.
const THRESHOLD: f64 = 0.65;
/// The quantile of the normal distribution for an interval of 95 %.
const QUANTILE: f64 = 1.959_963_984_540_054;
/// Parts that are asked by turns.
const FOLDS: usize = 3;
/// Rows of a side that are used.
const ROWS_MAX: usize = 20_000;
/// The fewest rows of a side.
const ROWS_MIN: usize = 60;
/// Rows of a part that columns are explained with.
const EXPLAINED_MAX: usize = 3000;

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

/// Two tables could not be told apart, nor the attempt be made.
#[derive(Debug, thiserror::Error)]
pub enum ClassifierError {
    /// A named column is not in both tables.
    #[error("no column of both tables is named `{0}`")]
    NoColumn(String),
    /// None of the columns has numbers, booleans or texts on both sides.
    #[error("no column of both tables has numbers, booleans or texts")]
    NoColumns,
    /// Too few rows.
    #[error("a side has {found} rows; a classifier needs at least {least}")]
    Rows {
        /// Rows of the smaller side.
        found: usize,
        /// How many are needed.
        least: usize,
    },
    /// Columns could not be read.
    #[error(transparent)]
    Compare(#[from] CompareError),
}

impl Coded for ClassifierError {
    fn code(&self) -> Code {
        match self {
            ClassifierError::NoColumn(_) | ClassifierError::NoColumns => code::DRIFT_COLUMNS,
            ClassifierError::Rows { .. } => code::DRIFT_ROWS,
            ClassifierError::Compare(error) => error.code(),
        }
    }
}

/// Learns to tell the sides apart by the named columns: those of numbers, booleans and texts; others, and times, which always
/// differ, are left out. Missing values are values of their own. At most 20,000 rows of each side are used, chosen by the seed; the
/// same seed gives the same result on any number of threads.
pub fn classify(
    reference: &[RecordBatch],
    current: &[RecordBatch],
    names: &[&str],
    seed: u64,
    threads: usize,
) -> Result<Classified, ClassifierError> {
    let sides = [reference, current];
    let rows = sides.map(|batches| batches.iter().map(RecordBatch::num_rows).sum::<usize>());
    let least = rows[0].min(rows[1]);
    if least < ROWS_MIN {
        return Err(ClassifierError::Rows { found: least, least: ROWS_MIN });
    }
    let codes = Codes::new(sides, names, [0, 1].map(|side| sampled(rows[side], seed ^ side as u64)))?;
    let parts = parts(&codes, seed);
    let run = |at: usize, _: &mut Vec<u64>| Ok::<_, ClassifierError>(part(&codes, &parts, at, seed));
    let found: Vec<(Area, Vec<f64>)> = threads::each(FOLDS, threads, run)?;
    let mean = |of: &dyn Fn(&(Area, Vec<f64>)) -> f64| found.iter().map(of).sum::<f64>() / FOLDS as f64;
    let auc = mean(&|(area, _)| area.value);
    let deviation = libm::sqrt(mean(&|(area, _)| area.variance) / FOLDS as f64);
    let interval = [-QUANTILE, QUANTILE].map(|z| (auc + z * deviation).clamp(0.0, 1.0));
    let lost = |feature: usize| mean(&|(_, lost)| lost[feature]).max(0.0);
    let mut features: Vec<(String, f64)> =
        codes.names.iter().enumerate().map(|(feature, name)| (name.clone(), lost(feature))).collect();
    features.sort_by(|a, b| b.1.total_cmp(&a.1));
    let verdict = if auc >= THRESHOLD && interval[0] > 0.5 {
        Verdict::Drifted
    } else if interval[1] < THRESHOLD {
        Verdict::Stable
    } else {
        Verdict::Undecided
    };
    let rows = rows.map(|rows| rows.min(ROWS_MAX));
    Ok(Classified { auc, interval, threshold: THRESHOLD, verdict, rows, folds: FOLDS, features })
}

/// Rows of a side, ascending: all, or one at random of each of so many equal stretches.
fn sampled(rows: usize, seed: u64) -> Vec<usize> {
    if rows <= ROWS_MAX {
        return (0..rows).collect();
    }
    let start = |at: usize| at * rows / ROWS_MAX;
    let one = |at: usize| {
        start(at) + (mixed(seed ^ mixed(at as u64)) % (start(at + 1) - start(at)) as u64) as usize
    };
    (0..ROWS_MAX).map(one).collect()
}

/// The rows of each part: of each side a third, in a random order.
fn parts(codes: &Codes, seed: u64) -> Vec<Vec<u32>> {
    let mut parts = vec![Vec::new(); FOLDS];
    for side in [false, true] {
        let mut rows: Vec<u32> = (0..codes.is_current.len() as u32)
            .filter(|row| codes.is_current[*row as usize] == side)
            .collect();
        rows.sort_by_cached_key(|row| mixed(seed ^ mixed(u64::from(*row) | 1 << 40)));
        for (at, row) in rows.into_iter().enumerate() {
            parts[at % FOLDS].push(row);
        }
    }
    for part in &mut parts {
        part.sort_by_cached_key(|row| mixed(seed ^ mixed(u64::from(*row) | 1 << 41)));
    }
    parts
}

/// The area on a part of what the others teach, and what of it is lost without each feature.
fn part(codes: &Codes, parts: &[Vec<u32>], at: usize, seed: u64) -> (Area, Vec<f64>) {
    let taught: Vec<u32> = parts
        .iter()
        .enumerate()
        .filter(|(part, _)| *part != at)
        .flat_map(|(_, rows)| rows)
        .copied()
        .collect();
    let trees = Trees::new(codes, &taught);
    let asked = &parts[at];
    let labels: Vec<bool> = asked.iter().map(|row| codes.is_current[*row as usize]).collect();
    let scores: Vec<f32> =
        asked.iter().map(|row| trees.score(|feature| codes.of[feature][*row as usize])).collect();
    let area_of_all = area(&scores, &labels);
    let few = asked.len().min(EXPLAINED_MAX);
    let (asked, labels) = (&asked[..few], &labels[..few]);
    let whole = area(&scores[..few], labels).value;
    let lost = |feature: usize| {
        if !trees.uses(feature) {
            return 0.0;
        }
        let mut shuffled: Vec<u8> = asked.iter().map(|row| codes.of[feature][*row as usize]).collect();
        for place in (1..few).rev() {
            let random = mixed(seed ^ mixed((feature * few + place) as u64 | 1 << 42));
            shuffled.swap(place, (random % (place as u64 + 1)) as usize);
        }
        let score = |(place, row): (usize, &u32)| {
            trees.score(
                |other| if other == feature { shuffled[place] } else { codes.of[other][*row as usize] },
            )
        };
        let scores: Vec<f32> = asked.iter().enumerate().map(score).collect();
        whole - area(&scores, labels).value
    };
    (area_of_all, (0..codes.of.len()).map(lost).collect())
}
