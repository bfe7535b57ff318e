//! Rows, or features, in an order in which alike ones are neighbours.

/// Most rows: distances of all pairs are held, 4 bytes each.
const ROWS_MAX: usize = 4000;

/// Places of rows (or of features) so that alike ones are neighbours: hierarchical clustering with Ward's criterion of points (a list of
/// coordinates each row, here SHAP values), by the nearest-neighbour chain algorithm (Murtagh 1983; Müllner 2011). Of the two
/// sides of each branch the one with the lower mean of `by` (here the prediction) comes first. Rows beyond 4,000 keep
/// their places at the end.
pub fn likeness(points: &[Vec<f64>], by: &[f64]) -> Vec<usize> {
    let n = points.len().min(ROWS_MAX);
    let mut clusters = Clusters::new(&points[..n], by);
    let mut chain: Vec<usize> = Vec::new();
    for _ in 1..n {
        if chain.is_empty() {
            chain.extend(clusters.alive.first());
        }
        // Distances along a chain shrink, so that it ends at two that are each other's nearest. By rounding the nearest
        // can be one before these; that is as good.
        while let [.., last] = chain[..] {
            let before = chain.len().checked_sub(2).map(|at| chain[at]);
            let nearest = clusters.nearest(last, before);
            if let Some(at) = chain.iter().position(|cluster| *cluster == nearest) {
                chain.truncate(at);
                clusters.merge(last, nearest);
                break;
            }
            chain.push(nearest);
        }
    }
    let mut order = clusters.alive.first().map_or(Vec::new(), |root| clusters.rows[*root].clone());
    order.extend(n..points.len());
    order
}

struct Clusters {
    /// Squared distances by pair (larger place first), as Ward's criterion counts them; of merged clusters too.
    distances: Vec<f32>,
    /// Places of the clusters that are not part of another one.
    alive: Vec<usize>,
    /// Each cluster's rows, in order.
    rows: Vec<Vec<usize>>,
    /// Each cluster's mean.
    means: Vec<f64>,
}

impl Clusters {
    fn new(points: &[Vec<f64>], by: &[f64]) -> Self {
        let finite = |value: f64| if value.is_finite() { value } else { 0.0 };
        let squared = |a: &[f64], b: &[f64]| {
            a.iter().zip(b).map(|(a, b)| (finite(*a) - finite(*b)).powi(2)).sum::<f64>() as f32
        };
        let pairs = points.iter().enumerate().flat_map(|(at, a)| points[..at].iter().map(move |b| (a, b)));
        Self {
            distances: pairs.map(|(a, b)| squared(a, b)).collect(),
            alive: (0..points.len()).collect(),
            rows: (0..points.len()).map(|row| vec![row]).collect(),
            means: (0..points.len()).map(|row| by.get(row).copied().map_or(0.0, finite)).collect(),
        }
    }

    fn at(a: usize, b: usize) -> usize {
        let (high, low) = (a.max(b), a.min(b));
        high * high.saturating_sub(1) / 2 + low
    }

    /// The nearest of the others; `favoured` when it is as near.
    fn nearest(&self, of: usize, favoured: Option<usize>) -> usize {
        let distance = |other: usize| self.distances[Self::at(of, other)];
        let mut best = favoured.map(|other| (distance(other), other));
        for other in self.alive.iter().copied().filter(|other| *other != of) {
            let found = distance(other);
            if best.is_none_or(|(least, _)| found < least) {
                best = Some((found, other));
            }
        }
        best.map_or(of, |(_, other)| other)
    }

    /// Puts two clusters together in the place of the first, by the formula of Lance and Williams for Ward's criterion.
    fn merge(&mut self, a: usize, b: usize) {
        self.alive.retain(|other| *other != b);
        let size = |cluster: &Vec<usize>| cluster.len() as f32;
        let (size_a, size_b) = (size(&self.rows[a]), size(&self.rows[b]));
        let apart = self.distances[Self::at(a, b)];
        for other in self.alive.iter().copied().filter(|other| *other != a) {
            let size_other = size(&self.rows[other]);
            let (to_a, to_b) = (self.distances[Self::at(a, other)], self.distances[Self::at(b, other)]);
            let sum = (size_a + size_other) * to_a + (size_b + size_other) * to_b - size_other * apart;
            self.distances[Self::at(a, other)] = sum / (size_a + size_b + size_other);
        }
        let (mut first, mut second) = (std::mem::take(&mut self.rows[a]), std::mem::take(&mut self.rows[b]));
        let (mean_a, mean_b) = (self.means[a], self.means[b]);
        self.means[a] =
            (mean_a * f64::from(size_a) + mean_b * f64::from(size_b)) / f64::from(size_a + size_b);
        // Equal ones in the order of their rows.
        if (mean_b, second.first()) < (mean_a, first.first()) {
            std::mem::swap(&mut first, &mut second);
        }
        first.append(&mut second);
        self.rows[a] = first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows that belong to three distant groups, in turn.
    fn three_groups(rows: usize) -> Vec<Vec<f64>> {
        let noise = |row: usize| (row as f64 * 0.618_034).fract();
        (0..rows).map(|row| vec![(row % 3) as f64 * 100.0 + noise(row), noise(row * 7)]).collect()
    }

    #[test]
    fn groups_stay_together_and_rise() {
        let points = three_groups(60);
        let by: Vec<f64> = (0..60).map(|row| -f64::from(row % 3)).collect();
        let order = likeness(&points, &by);
        let groups: Vec<usize> = order.iter().map(|row| row % 3).collect();
        assert_eq!(groups, [vec![2; 20], vec![1; 20], vec![0; 20]].concat());
        let mut all = order.clone();
        all.sort_unstable();
        assert_eq!(all, (0..60).collect::<Vec<_>>());
    }

    #[test]
    fn merges_are_those_of_the_slow_way() {
        // Ward's criterion from its definition: the pair whose union has the least growth of squared distances from means.
        let random = |row: usize, at: usize| (f64::from((row * 3 + at) as u32).sin() * 43_758.545).fract();
        let points: Vec<Vec<f64>> = (0..40).map(|row| (0..3).map(|at| random(row, at)).collect()).collect();
        let mean = |rows: &[usize]| -> Vec<f64> {
            (0..3)
                .map(|at| rows.iter().map(|row| points[*row][at]).sum::<f64>() / rows.len() as f64)
                .collect()
        };
        let growth = |a: &[usize], b: &[usize]| {
            let apart: f64 = mean(a).iter().zip(mean(b)).map(|(a, b)| (a - b).powi(2)).sum();
            apart * (a.len() * b.len()) as f64 / (a.len() + b.len()) as f64
        };
        let mut clusters: Vec<Vec<usize>> = (0..40).map(|row| vec![row]).collect();
        let mut unions = Vec::new();
        while clusters.len() > 1 {
            let pairs = (0..clusters.len()).flat_map(|a| (0..a).map(move |b| (a, b)));
            let (a, b) = pairs
                .min_by(|x, y| {
                    growth(&clusters[x.0], &clusters[x.1]).total_cmp(&growth(&clusters[y.0], &clusters[y.1]))
                })
                .unwrap();
            let other = clusters.swap_remove(a);
            clusters[b].extend(other);
            let mut union = clusters[b].clone();
            union.sort_unstable();
            unions.push(union);
        }
        // Every cluster of the slow way stands together in the order.
        let order = likeness(&points, &[0.0; 40]);
        for union in unions {
            let places: Vec<usize> =
                union.iter().map(|row| order.iter().position(|other| other == row).unwrap()).collect();
            let (first, last) = (places.iter().min().unwrap(), places.iter().max().unwrap());
            assert_eq!(last - first + 1, union.len(), "{union:?} in {order:?}");
        }
    }

    #[test]
    fn anything_has_an_order() {
        assert_eq!(likeness(&[], &[]), [0; 0]);
        assert_eq!(likeness(&[vec![1.0]], &[]), [0]);
        assert_eq!(likeness(&vec![vec![f64::NAN]; 5], &[f64::NAN; 5]), [0, 1, 2, 3, 4]);
        let order = likeness(&vec![vec![0.0]; ROWS_MAX + 3], &[]);
        assert_eq!(order.len(), ROWS_MAX + 3);
        assert_eq!(order[ROWS_MAX..], [ROWS_MAX, ROWS_MAX + 1, ROWS_MAX + 2]);
    }
}
