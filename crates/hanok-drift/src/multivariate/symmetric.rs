//! Eigenvectors of a symmetric matrix.

/// The most sweeps; a matrix needs about ten.
const SWEEPS_MAX: usize = 60;

/// Eigenvalues with their vectors, the largest first, by Jacobi's rotations (Golub and Van Loan, 8.5).
pub(super) fn eigenvectors(mut matrix: Vec<Vec<f64>>) -> Vec<(f64, Vec<f64>)> {
    let size = matrix.len();
    // A row of `vectors` is an eigenvector.
    let mut vectors: Vec<Vec<f64>> =
        (0..size).map(|at| (0..size).map(|other| f64::from(u8::from(at == other))).collect()).collect();
    for _ in 0..SWEEPS_MAX {
        let outside: f64 =
            (0..size).flat_map(|p| (0..p).map(move |q| (p, q))).map(|(p, q)| matrix[p][q].powi(2)).sum();
        let inside: f64 = (0..size).map(|p| matrix[p][p].powi(2)).sum();
        if outside <= 1e-30 * inside {
            break;
        }
        for p in 0..size {
            for q in p + 1..size {
                rotate(&mut matrix, &mut vectors, p, q);
            }
        }
    }
    let mut found: Vec<(f64, Vec<f64>)> =
        vectors.into_iter().enumerate().map(|(at, vector)| (matrix[at][at], vector)).collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found
}

/// Makes the entry (p, q) zero.
fn rotate(matrix: &mut [Vec<f64>], vectors: &mut [Vec<f64>], p: usize, q: usize) {
    let entry = matrix[p][q];
    if entry == 0.0 {
        return;
    }
    let tau = (matrix[q][q] - matrix[p][p]) / (2.0 * entry);
    let tangent = if tau >= 0.0 {
        1.0 / (tau + libm::sqrt(1.0 + tau * tau))
    } else {
        -1.0 / (libm::sqrt(1.0 + tau * tau) - tau)
    };
    let cosine = 1.0 / libm::sqrt(1.0 + tangent * tangent);
    let sine = tangent * cosine;
    for row in matrix.iter_mut() {
        (row[p], row[q]) = (cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]);
    }
    for lines in [matrix, vectors] {
        let (before, after) = lines.split_at_mut(q);
        for (a, b) in before[p].iter_mut().zip(&mut after[0]) {
            (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn vectors_are_orthogonal_and_are_only_stretched(values in prop::collection::vec(-10.0_f64..10.0, 36), size in 1_usize..=6) {
            let matrix: Vec<Vec<f64>> =
                (0..size).map(|p| (0..size).map(|q| values[p * 6 + q] + values[q * 6 + p]).collect()).collect();
            let found = eigenvectors(matrix.clone());
            let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            for (at, (value, vector)) in found.iter().enumerate() {
                for row in 0..size {
                    prop_assert!((product(&matrix[row], vector) - value * vector[row]).abs() < 1e-9);
                }
                for (other, (_, vector_of)) in found.iter().enumerate() {
                    prop_assert!((product(vector, vector_of) - f64::from(u8::from(at == other))).abs() < 1e-9);
                }
            }
            prop_assert!(found.is_sorted_by(|a, b| a.0 >= b.0));
        }
    }
}
