//! What columns have to do with each other: correlations of normal scores.

use super::matrix::Matrix;
use super::normal;
use crate::key::{Random, Stream};

/// The correlations of the columns that have an order, and where those columns stand in the table.
pub(super) struct Copula {
    columns: Vec<usize>,
    width: usize,
    root: Matrix,
}

impl Copula {
    /// Fits to columns of numbers in the order of the values (NaN: null; `None`: takes no part). At most `rows_max` rows are
    /// looked at, spread evenly.
    pub(super) fn fit(codes: &[Option<Vec<f64>>], rows: usize, rows_max: usize) -> Self {
        let step = rows.div_ceil(rows_max.max(1)).max(1);
        let mut columns = Vec::new();
        let mut scores: Vec<Vec<f64>> = Vec::new();
        for (at, codes) in codes.iter().enumerate() {
            if let Some(codes) = codes {
                columns.push(at);
                scores.push(normal_scores(codes.iter().step_by(step).copied().collect()));
            }
        }
        let mut correlations = Matrix::identity(columns.len());
        for row in 0..columns.len() {
            for column in 0..row {
                let correlation = correlation(&scores[row], &scores[column]);
                correlations.set(row, column, correlation);
                correlations.set(column, row, correlation);
            }
        }
        Self { columns, width: codes.len(), root: correlations.correlation_root() }
    }

    /// For every column of the table, uniform numbers that are correlated as the columns are; empty for columns that take
    /// no part.
    pub(super) fn sample(&self, rows: usize, stream: &mut Stream) -> Vec<Vec<f64>> {
        let mut uniform = vec![Vec::new(); self.width];
        for column in &self.columns {
            uniform[*column].reserve_exact(rows);
        }
        let mut independent = vec![0.0; self.columns.len()];
        for _ in 0..rows {
            for number in &mut independent {
                *number = normal::quantile(stream.unit());
            }
            for (row, column) in self.columns.iter().enumerate() {
                let score = self.root.row_product(row, &independent);
                uniform[*column].push(normal::distribution(score));
            }
        }
        uniform
    }
}

/// Ranks as normal numbers; equal values share the mean of the normal numbers of their ranks, nulls are NaN.
fn normal_scores(codes: Vec<f64>) -> Vec<f64> {
    let mut order: Vec<u32> = (0..codes.len() as u32).filter(|row| !codes[*row as usize].is_nan()).collect();
    order.sort_unstable_by(|a, b| codes[*a as usize].total_cmp(&codes[*b as usize]));
    let mut scores = vec![f64::NAN; codes.len()];
    let count = order.len() as f64;
    // The normal numbers between two shares have a mean of the difference of the densities there, by their distance.
    let density = |rank: usize| {
        let is_inside = rank > 0 && rank < order.len();
        if is_inside { normal::density(normal::quantile(rank as f64 / count)) } else { 0.0 }
    };
    let mut start = 0;
    while start < order.len() {
        let value = codes[order[start] as usize];
        let same =
            order[start..].iter().take_while(|row| codes[**row as usize].total_cmp(&value).is_eq()).count();
        let score = (density(start) - density(start + same)) * count / same as f64;
        order[start..start + same].iter().for_each(|row| scores[*row as usize] = score);
        start += same;
    }
    scores
}

/// The correlation of the normal numbers behind two columns of scores, over the rows where both have a value; 0 where it is
/// not defined. Scores that many rows share vary less than the normal numbers they stand for, and Pearson's correlation is
/// too small by about that. Source: U. Olsson, F. Drasgow, N. J. Dorans, "The polyserial correlation coefficient", 1982.
fn correlation(left: &[f64], right: &[f64]) -> f64 {
    let mut sums = [0.0; 6];
    for (x, y) in left.iter().zip(right).filter(|(x, y)| !x.is_nan() && !y.is_nan()) {
        for (sum, term) in sums.iter_mut().zip([1.0, *x, *y, x * x, y * y, x * y]) {
            *sum += term;
        }
    }
    let [count, x, y, xx, yy, xy] = sums;
    let spread = (count * xx - x * x) * (count * yy - y * y);
    if spread <= 1e-9 {
        return 0.0;
    }
    // Both standard deviations are at most 1, but for chance.
    let shrinkage = (spread.sqrt() / (count * count)).min(1.0);
    ((count * xy - x * y) / spread.sqrt() / shrinkage).clamp(-1.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    #[test]
    fn scores_follow_ranks_and_share_ties() {
        let scores = normal_scores(vec![3.0, f64::NAN, 1.0, 3.0, 2.0]);
        assert!(scores[1].is_nan());
        assert!(scores[2] < scores[4] && scores[4] < scores[0]);
        assert_eq!(scores[0].to_bits(), scores[3].to_bits());
    }

    #[test]
    fn sampled_numbers_are_correlated_and_uniform() {
        let mut stream = Key::new([2; 32]).stream(b"test");
        let left: Vec<f64> = (0..20_000).map(|_| normal::quantile(stream.unit())).collect();
        let right = left.iter().map(|x| 0.8 * x + 0.6 * normal::quantile(stream.unit())).collect();
        let copula = Copula::fit(&[Some(left), None, Some(right)], 20_000, 5_000);
        let sampled = copula.sample(20_000, &mut stream);
        assert!(sampled[1].is_empty());
        let scores = |at: usize| -> Vec<f64> { sampled[at].iter().map(|u| normal::quantile(*u)).collect() };
        let found = correlation(&scores(0), &scores(2));
        assert!((found - 0.8).abs() < 0.03, "{found}");
        let mean = sampled[2].iter().sum::<f64>() / 20_000.0;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
    }

    /// Numbers correlated by 0.6, of which only a few categories are known.
    #[test]
    fn categories_do_not_weaken_correlations() {
        let mut stream = Key::new([2; 32]).stream(b"test");
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for _ in 0..50_000 {
            let (x, y) = (normal::quantile(stream.unit()), normal::quantile(stream.unit()));
            left.push(f64::from(u8::from(x > 1.0)));
            right.push((0.6 * x + 0.8 * y).floor().clamp(-1.0, 1.0));
        }
        let found = correlation(&normal_scores(left), &normal_scores(right));
        // Pearson's own would be 0.38.
        assert!((0.55..0.7).contains(&found), "{found}");
    }
}
