//! Beeswarm: every row's contribution as a dot, a line a feature, coloured by the feature's value.

use super::feature::{Contributions, Feature, ranked, rows_of};
use crate::axis::Axis;
use crate::error::Result;
use crate::ink::Ink;
use crate::number::{number, signed};
use crate::page::Page;
use crate::reduce::{extremes, golden, sample, shares};
use crate::rows::Rows;
use crate::scale::{Format, Scale, extent, padded, with_zero};
use crate::scene::{Mark, Point, Shape};
use crate::words::{self, Word};

/// Dots of the whole picture.
const DOTS_MAX: usize = 12_000;
/// Pictures of more dots say nothing about single ones.
const TIPS_MAX: usize = 600;

/// The field of a chart with a line a feature.
pub(super) struct Field {
    pub(super) rows: Rows,
    pub(super) scale: Scale,
}

/// Lays out the lines of features and their common axis. `None` when there is nothing finite to show.
pub(super) fn field(page: &mut Page, axis: &str, shown: &[(&Feature, f64)], least: f64) -> Option<Field> {
    let values = shown.iter().flat_map(|(feature, _)| feature.values.iter().copied());
    let Some(found) = with_zero(extent(values)) else {
        page.nothing();
        return None;
    };
    let values = padded(Some(found), 0.03);
    let rows = page.rows(shown.iter().map(|(feature, _)| feature.name.as_str()), least, 0.0);
    let scale = Scale::new(values, (rows.plot.x, rows.plot.right()));
    page.x_axis(scale, Axis { label: axis, values, format: Format::Number }, rows.plot, true);
    page.vertical_mark(scale, 0.0, rows.plot);
    Some(Field { rows, scale })
}

/// Says how many values and features are not in the picture, and what the colours mean.
pub(super) fn explain(page: &mut Page, features: &[Feature], shown: &[(&Feature, f64)]) {
    if shown.len() < features.len() {
        page.notes.push(words::largest(shown.len(), features.len(), page.language));
    }
    let values = || shown.iter().flat_map(|(feature, _)| &feature.values);
    let left_out = values().filter(|value| !value.is_finite()).count();
    if left_out > 0 {
        page.notes.push(words::left_out(left_out, page.language));
    }
    let inputs = || shown.iter().flat_map(|(feature, _)| &feature.inputs);
    if inputs().next().is_some() {
        let missing = inputs().any(|value| value.is_nan()).then(|| page.word(Word::Missing));
        let ends = (page.word(Word::Low), page.word(Word::High));
        page.y += page.em * 0.3;
        page.ramp(Ink::Value, page.word(Word::FeatureValue), ends, missing);
    }
}

/// Lays it out below what is on the page.
pub(super) fn draw(all: &Contributions, page: &mut Page) -> Result<()> {
    let rows = rows_of(&all.features)?;
    let shown = ranked(&all.features, all.rows_max);
    let Some(field) = field(page, &all.axis, &shown, page.em * 2.6) else { return Ok(()) };
    let most = DOTS_MAX / shown.len().max(1);
    let has_tips = rows.min(most) * shown.len() <= TIPS_MAX;
    for (line, (feature, _)) in shown.iter().enumerate() {
        draw_line(page, &field, line, feature, most, has_tips);
    }
    page.sampled(rows.min(most), rows);
    explain(page, &all.features, &shown);
    Ok(())
}

fn draw_line(page: &mut Page, field: &Field, line: usize, feature: &Feature, most: usize, has_tips: bool) {
    let kept = sample(feature.values.len(), most, &extremes(&feature.values));
    let colours = shares(&feature.inputs);
    let kept: Vec<usize> = kept.into_iter().filter(|index| feature.values[*index].is_finite()).collect();
    let radius = (page.em * if kept.len() > 1000 { 0.15 } else { 0.2 } * 10.0).round() / 10.0;
    let xs: Vec<f64> = kept.iter().map(|index| field.scale.at(feature.values[*index])).collect();
    let offsets = stacked(&xs, radius, field.rows.height * 0.46 - radius);
    let middle = field.rows.middle(line);
    let mut dots: Vec<(Ink, Point, usize)> = Vec::with_capacity(kept.len());
    for ((index, x), offset) in kept.iter().zip(&xs).zip(&offsets) {
        let ink = colours.get(*index).map_or(Ink::Series(0), |share| Ink::ramp(Ink::Value, *share));
        dots.push((ink, (*x, middle + offset), *index));
    }
    if !has_tips {
        let tip = format!("{}: {}", feature.name, number(crate::reduce::mean_size(&feature.values)));
        paint(page, dots.into_iter().map(|(ink, at, _)| (ink, at)), radius, 0.9);
        page.scene
            .mark(Mark::new(Shape::Rect(field.rows.room(line).crisp()), Ink::Surface).opacity(0.0).tip(tip));
        return;
    }
    for (ink, at, index) in dots {
        let input = feature.inputs.get(index).map_or(String::new(), |input| format!(" = {}", number(*input)));
        let tip = format!("{}{input}: {}", feature.name, signed(feature.values[index]));
        page.scene.mark(Mark::new(Shape::Dots(radius, vec![at]), ink).opacity(0.9).tip(tip));
    }
}

/// Paints dots of one colour together. They are painted a part at a time, so that no colour lies on top everywhere; the
/// parts are of the whole list, which may be in the order of the colours.
pub(super) fn paint(page: &mut Page, dots: impl Iterator<Item = (Ink, Point)>, radius: f64, opacity: f64) {
    let mut dots: Vec<_> = dots.enumerate().collect();
    dots.sort_by(|a, b| golden(a.0).total_cmp(&golden(b.0)));
    let dots: Vec<_> = dots.into_iter().map(|(_, dot)| dot).collect();
    for (index, part) in dots.chunks(500).enumerate() {
        let mut part = part.to_vec();
        // In an order of colours that differs from part to part and is not that of the ramp.
        let rank = |ink: Ink| match ink {
            Ink::Value(step) => (usize::from(step) * 7 + index * 11) % 25,
            _ => 0,
        };
        part.sort_by_key(|(ink, _)| (rank(*ink), *ink));
        for same in part.chunk_by(|a, b| a.0 == b.0) {
            let points = same.iter().map(|(_, at)| *at).collect();
            page.scene.mark(Mark::new(Shape::Dots(radius, points), same[0].0).opacity(opacity));
        }
    }
}

/// Distances from the middle that keep dots of about the same x beside each other: alternately above and below, closer
/// together where there are too many for the line.
fn stacked(xs: &[f64], radius: f64, half: f64) -> Vec<f64> {
    let bin = |x: f64| (x / (radius * 1.6)).floor() as i64;
    let mut places: Vec<(i64, usize)> = xs.iter().enumerate().map(|(index, x)| (bin(*x), index)).collect();
    places.sort_unstable();
    let largest = places.chunk_by(|a, b| a.0 == b.0).map(<[_]>::len).max().unwrap_or(1);
    // One distance for the whole line: heights then show how many there are.
    let step = (2.0 * half / largest as f64).min(radius * 1.7);
    let mut offsets = vec![0.0; xs.len()];
    for same in places.chunk_by(|a, b| a.0 == b.0) {
        for (place, (_, index)) in same.iter().enumerate() {
            let rank = place.div_ceil(2) as f64;
            offsets[*index] = if place % 2 == 0 { rank } else { -rank } * step;
        }
    }
    offsets
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these values are exact")]
mod tests {
    use super::*;

    #[test]
    fn dots_of_one_place_do_not_meet_until_the_line_is_full() {
        let offsets = stacked(&[5.0, 5.1, 5.2, 90.0], 2.0, 12.0);
        assert_eq!(offsets[3], 0.0);
        for (a, b) in [(0, 1), (1, 2), (0, 2)] {
            assert!((offsets[a] - offsets[b]).abs() >= 3.4, "{offsets:?}");
        }
        let crowded = stacked(&[5.0; 1000], 2.0, 12.0);
        assert!(crowded.iter().all(|offset| offset.abs() <= 12.1));
    }
}
