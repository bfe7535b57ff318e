//! Lists of equally many numbers as vectors, such as embeddings.
//!
//! Elements one by one do not show what they do together. So half of the rows say in which direction the means of both sides differ,
//! each element in its own variance (Fisher's discriminant with a diagonal covariance); along it, and by their distance from the
//! reference's mean, the other half is compared as numbers are. No row is both learned from and measured, so p-values hold
//! whatever the number of elements.

use std::ops::RangeInclusive;

use arrow::array::{Array, ArrayRef, ListArray};

use crate::column::{self, Kind};
use crate::error::CompareError;
use crate::numeric::{Sample, kolmogorov_effect};
use crate::sort::{key, sorted};
use crate::special::{normal_isf, normal_sf};
use crate::text::mixed;
use crate::verdict::{Effect, Options};

/// The elements that a vector may have.
const LENGTHS: RangeInclusive<usize> = 2..=65_536;
/// Values that are converted at a time.
const VALUES: usize = 1 << 18;
/// The fewest rows of a side that means are taken of.
const ROWS_MIN: u64 = 10;

/// What vectors say, of the rows that were not learned from.
pub(crate) struct Vectors {
    /// Along the direction in which the means differ.
    pub(crate) direction: [Sample; 2],
    /// What chance adds to the squared length of that direction, in deviations: elements · (1 / n + 1 / m) of the rows that it was
    /// learned from.
    blur: f64,
    /// From the reference's mean: root mean square over the elements, in standard deviations of the reference.
    pub(crate) distance: [Sample; 2],
}

/// Compares lists that all have the same number of numbers; `None` of others, and with too few rows. Lists with an element that is
/// missing or infinite are left out.
pub(crate) fn vectors(
    sides: [&[ArrayRef]; 2],
    scratch: &mut Vec<u64>,
) -> Result<Option<Vectors>, CompareError> {
    let Some(sides) = numbers(sides)? else { return Ok(None) };
    let Some(length) = length(&sides) else { return Ok(None) };
    let mut learned = [Elements::new(length), Elements::new(length)];
    for (chunks, means) in sides.iter().zip(&mut learned) {
        each(chunks, length, |row, vector| {
            if !is_measured(row) {
                means.add(vector);
            }
        })?;
    }
    if learned.iter().any(|means| means.rows < ROWS_MIN) {
        return Ok(None);
    }
    let [reference, current] = learned.map(Elements::finish);
    let weight = |at: usize| {
        let pooled = 0.5 * (reference.variances[at] + current.variances[at]);
        (current.means[at] - reference.means[at]) / if pooled > 0.0 { pooled } else { 1.0 }
    };
    let weights: Vec<f64> = (0..length).map(weight).collect();
    let inverse: Vec<f64> = reference
        .variances
        .iter()
        .map(|variance| if *variance > 0.0 { 1.0 / variance } else { 1.0 })
        .collect();
    let mut found = [(); 4].map(|()| Sample::default());
    for (side, chunks) in sides.iter().enumerate() {
        let (mut along, mut from) = (Vec::new(), Vec::new());
        each(chunks, length, |row, vector| {
            if is_measured(row) {
                let (mut direction, mut distance) = (0.0, 0.0);
                for (at, value) in vector.iter().enumerate() {
                    let step = value - reference.means[at];
                    direction += weights[at] * step;
                    distance += inverse[at] * step * step;
                }
                along.push(key(direction));
                from.push(key(libm::sqrt(distance / length as f64)));
            }
        })?;
        found[side].sorted = sorted(along, scratch);
        found[2 + side].sorted = sorted(from, scratch);
    }
    let [a, b, c, d] = found;
    let blur = length as f64 * (1.0 / reference.rows as f64 + 1.0 / current.rows as f64);
    Ok(Some(Vectors { direction: [a, b], blur, distance: [c, d] }))
}

impl Vectors {
    /// The effect along the direction, as if it had been known. A direction that was learned from few rows is partly chance: of a
    /// distance Δ it shows Δ² / √(Δ² + blur) only. Without taking that off, the same drift would be a smaller one in fewer rows.
    pub(crate) fn effect(&self, d: f64, options: &Options) -> Effect {
        let [n, m] = self.direction.each_ref().map(|sample| sample.sorted.len() as f64);
        let of = |d, harmonic, blur| {
            let effect = kolmogorov_effect(d, harmonic, options);
            Effect {
                beyond_noise: sharpened(effect.beyond_noise, blur),
                detectable: sharpened(effect.detectable, blur),
                ..effect
            }
        };
        let effect = of(d, n * m / (n + m), self.blur);
        // With so many rows on each side, of which half are measured.
        let learned = 0.5 * (n + m);
        let is_enough = |rows: f64| {
            of(0.0, 0.25 * rows, self.blur * learned / (0.5 * rows)).detectable <= effect.threshold
        };
        let (mut few, mut enough) = (1.0_f64, 1e15);
        for _ in 0..100 {
            let middle = libm::sqrt(few * enough);
            if is_enough(middle) { enough = middle } else { few = middle }
        }
        Effect { rows_needed: enough.ceil(), ..effect }
    }
}

/// Kolmogorov and Smirnov's distance along the true direction of one along a direction with a blur, for normal distributions at a
/// distance Δ: D = 2 Φ(Δ / 2) − 1.
fn sharpened(d: f64, blur: f64) -> f64 {
    if d <= 0.0 || d >= 1.0 {
        return d;
    }
    let squared = (2.0 * normal_isf(0.5 * (1.0 - d))).powi(2);
    let distance = libm::sqrt(0.5 * (squared + libm::sqrt(squared * squared + 4.0 * squared * blur)));
    1.0 - 2.0 * normal_sf(0.5 * distance)
}

/// Whether a row is measured; the others are learned from. Not every second one: rows may come in turns.
fn is_measured(row: u64) -> bool {
    mixed(row ^ 0x76_6563_746f_7273) & 1 == 1
}

/// The chunks of both sides as lists of numbers; `None` when there are others.
fn numbers(sides: [&[ArrayRef]; 2]) -> Result<Option<[Vec<ListArray>; 2]>, CompareError> {
    let mut found = [Vec::new(), Vec::new()];
    for (chunks, found) in sides.into_iter().zip(&mut found) {
        for chunk in chunks {
            let lists = column::lists(chunk)?;
            let of_numbers = lists.filter(|lists| Kind::of(&lists.value_type()) == Some(Kind::Numbers));
            let Some(lists) = of_numbers else { return Ok(None) };
            found.push(lists);
        }
    }
    Ok(Some(found))
}

/// How many numbers all lists have.
fn length(sides: &[Vec<ListArray>; 2]) -> Option<usize> {
    let mut length = None;
    for lists in sides.iter().flatten() {
        for (row, ends) in lists.offsets().windows(2).enumerate() {
            let found = (ends[1] - ends[0]) as usize;
            if lists.is_valid(row) && *length.get_or_insert(found) != found {
                return None;
            }
        }
    }
    length.filter(|length| LENGTHS.contains(length))
}

/// Gives the vectors whose elements are all finite, each with its row's number.
fn each(chunks: &[ListArray], length: usize, mut take: impl FnMut(u64, &[f64])) -> Result<(), CompareError> {
    let mut before = 0;
    for lists in chunks {
        let rows_at_once = (VALUES / length).max(1);
        for first in (0..lists.len()).step_by(rows_at_once) {
            let rows = rows_at_once.min(lists.len() - first);
            let part = lists.slice(first, rows);
            let (start, end) = (part.value_offsets()[0], part.value_offsets()[rows]);
            let numbers = column::numbers(&part.values().slice(start as usize, (end - start) as usize))?;
            for row in (0..rows).filter(|row| part.is_valid(*row)) {
                let from = (part.value_offsets()[row] - start) as usize;
                let has_null =
                    numbers.nulls().is_some_and(|nulls| nulls.slice(from, length).null_count() > 0);
                let vector = &numbers.values()[from..from + length];
                if !has_null && vector.iter().all(|value| value.is_finite()) {
                    take(before + (first + row) as u64, vector);
                }
            }
        }
        before += lists.len() as u64;
    }
    Ok(())
}

/// Means and variances by element, by Welford's method.
struct Elements {
    rows: u64,
    means: Vec<f64>,
    variances: Vec<f64>,
}

impl Elements {
    fn new(length: usize) -> Elements {
        Elements { rows: 0, means: vec![0.0; length], variances: vec![0.0; length] }
    }

    fn add(&mut self, vector: &[f64]) {
        self.rows += 1;
        let share = 1.0 / self.rows as f64;
        for ((mean, sum), value) in self.means.iter_mut().zip(&mut self.variances).zip(vector) {
            let step = value - *mean;
            *mean += share * step;
            *sum += step * (value - *mean);
        }
    }

    /// What were sums of squares becomes variances.
    fn finish(mut self) -> Elements {
        let rows = self.rows.max(1) as f64;
        self.variances.iter_mut().for_each(|sum| *sum /= rows);
        self
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{FixedSizeListArray, Float32Array};
    use arrow::datatypes::{DataType, Field, Float64Type};

    use super::*;

    fn normal(seed: u64, at: u64) -> f64 {
        normal_isf(((mixed(mixed(seed) ^ at) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64)
    }

    /// Vectors of `length` standard normal numbers, all moved by `shift` and stretched.
    fn some(seed: u64, rows: usize, length: usize, shift: f64, stretch: f64) -> ArrayRef {
        let values = (0..rows * length).map(|at| (normal(seed, at as u64) * stretch + shift) as f32);
        let values = Float32Array::from_iter_values(values);
        let field = Arc::new(Field::new("item", DataType::Float32, true));
        Arc::new(FixedSizeListArray::new(field, length as i32, Arc::new(values), None))
    }

    fn found(reference: &ArrayRef, current: &ArrayRef) -> Option<Vectors> {
        vectors([std::slice::from_ref(reference), std::slice::from_ref(current)], &mut Vec::new()).unwrap()
    }

    fn largest_step(samples: &[Sample; 2]) -> f64 {
        let ranks = crate::ranks::ranks(&samples[0].sorted, &samples[1].sorted);
        ranks.above.max(ranks.below) as f64 / (ranks.n as f64 * ranks.m as f64)
    }

    #[test]
    fn what_no_element_shows_the_direction_does() {
        let reference = some(1, 4000, 64, 0.0, 1.0);
        let same = found(&reference, &some(2, 4000, 64, 0.0, 1.0)).unwrap();
        assert!(largest_step(&same.direction) < 0.06 && largest_step(&same.distance) < 0.06);
        // A twelfth of a deviation each is two thirds of one together.
        let moved = found(&reference, &some(3, 4000, 64, 1.0 / 12.0, 1.0)).unwrap();
        assert!(largest_step(&moved.direction) > 0.18, "{}", largest_step(&moved.direction));
        let stretched = found(&reference, &some(4, 4000, 64, 0.0, 1.1)).unwrap();
        assert!(largest_step(&stretched.distance) > 0.3, "{}", largest_step(&stretched.distance));
        assert!(largest_step(&stretched.direction) < 0.06);
    }

    #[test]
    fn half_of_the_rows_are_measured_and_those_with_gaps_are_left_out() {
        let rows: Vec<Option<Vec<Option<f64>>>> = (0..400)
            .map(|row| match row % 10 {
                0 => None,
                1 => Some(vec![Some(1.0), None]),
                2 => Some(vec![Some(f64::NAN), Some(1.0)]),
                _ => Some(vec![Some(normal(5, row)), Some(7.0)]),
            })
            .collect();
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(rows));
        let vectors = found(&lists.slice(0, 200), &lists).unwrap();
        let rows = |from: &[usize; 2]| from.iter().sum::<usize>();
        let counts = vectors.direction.each_ref().map(|sample| sample.sorted.len());
        assert!((180..260).contains(&rows(&counts)), "{counts:?}");
        assert!(vectors.distance.iter().all(|sample| sample.sorted.iter().all(|value| value.is_finite())));
        // In pieces the same.
        let pieces = [lists.slice(0, 33), lists.slice(33, 367)];
        let again =
            super::vectors([&pieces, std::slice::from_ref(&lists)], &mut Vec::new()).unwrap().unwrap();
        assert_eq!(again.direction[0].sorted, again.direction[1].sorted);
    }

    #[test]
    fn other_lists_are_no_vectors() {
        let of = |rows: Vec<Vec<f64>>| -> ArrayRef {
            let rows = rows.into_iter().map(|row| Some(row.into_iter().map(Some).collect::<Vec<_>>()));
            Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(rows))
        };
        let plain = of(vec![vec![1.0, 2.0]; 50]);
        assert!(found(&plain, &plain).is_some());
        assert!(found(&plain, &of(vec![vec![1.0]; 50])).is_none());
        assert!(found(&plain, &of(vec![vec![1.0, 2.0]; 5])).is_none());
        assert!(found(&of(vec![vec![1.0]; 50]), &of(vec![vec![1.0]; 50])).is_none());
        assert!(found(&of(Vec::new()), &of(Vec::new())).is_none());
    }
}
